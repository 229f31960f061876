"""Recordings to pose tracks, and tracks to windows that a split has given to a part. Nothing is trained in here."""
