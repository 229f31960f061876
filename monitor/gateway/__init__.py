"""Websockets, the page (dashboard/), health, metrics and webhooks, fed from Redis alone.

No video and no model in here.
"""
