"""Puts a script or a recording on the air in real time, by HLS or RTSP: for the demo, the benches and trials.

Nothing in here watches.
"""
