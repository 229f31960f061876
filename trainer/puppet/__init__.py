"""A rendered speaker whose true keypoints are known: body language as numbers, drawn and encoded.

No real person, no network.
"""
