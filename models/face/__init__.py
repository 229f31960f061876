"""Whose face it is: the network, how a face is aligned for it, a person's references; no video, no time, no verdict."""
