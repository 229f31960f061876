"""Many speakers, as the pose network sees them: which public clips make a background, and how they are fetched again.

The clips themselves are not in here, and no vector of anybody.
"""
