"""Genuine recordings of one person -> that person's file: gathered, doubted, enrolled, reported.

The style verifier itself is made in trainer/verify/; here lives what surrounds it.
"""
