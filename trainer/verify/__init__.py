"""Telling people by movement without fakes: background, enrolment, calibration, and the benchmark of both threats.

The verifier itself lives in models/style/; what is learned here becomes its buffers.
"""
