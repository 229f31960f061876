"""Whose movement it is, told from genuine recordings alone: statistics of a window and the verifier that compares them.

No network is trained on the person and no fakes are needed. How the background is learned and a person is enrolled
lives in trainer/verify/.
"""
