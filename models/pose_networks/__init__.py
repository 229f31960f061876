"""Pose networks as ONNX files, ours and those that a user brings, and what turns their maps into people.

No camera, no session: the monitor runs them.
"""
