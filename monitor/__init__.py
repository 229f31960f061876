"""The daemon: a broadcast in, incidents out. Read monitor/watch.py first."""
