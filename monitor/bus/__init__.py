"""Everything that goes through Redis: keys, messages, the publisher and its outbox, queries, and a server of our own.

No judging and no HTTP.
"""
