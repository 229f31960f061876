"""Every Redis key, in one place."""

ALERTS = "bodywatch:alerts"
"""Stream of CloudEvents (field `event`, JSON), MAXLEN ~ ALERTS_KEPT; the same JSON goes out on the pub/sub channel of
this name."""

ALERTS_KEPT = 100_000

COMMANDS = "bodywatch:commands"
"""Stream of what operators did: ack, dismiss, note, hold, release, silence (field `command`, JSON)."""

COMMANDS_KEPT = 100_000

CHANNELS = "bodywatch:channels"
"""Set of the names of all channels that a running daemon carries or has carried."""

INCIDENTS = "bodywatch:incidents"
"""Hash, incident id -> its latest JSON; what a restarted process goes on from."""

SILENCES = "bodywatch:silences"
"""Hash, `channel:<name>` or `person:<name>` -> Unix time in seconds until which nothing is raised."""

SCORES_KEPT = 7_200  # one hour at a score every 0.5 s

HEALTH_EXPIRES_S = 10


def scores(channel: str) -> str:
    """Name the capped stream of a channel's scores and not-judged records (field `score`, JSON)."""
    return f"bodywatch:scores:{channel}"


def health(channel: str) -> str:
    """Name the hash that tells a channel's state; it expires HEALTH_EXPIRES_S after the daemon's last word."""
    return f"bodywatch:health:{channel}"


def preview(channel: str) -> str:
    """Name the pub/sub channel of pictures with keypoints; sent only while somebody subscribes."""
    return f"bodywatch:preview:{channel}"


WEBHOOKS = "bodywatch:webhooks"
"""Hash, digest of a webhook's address -> id of the last alert that was delivered there or given up."""

WEBHOOKS_LEASE = "bodywatch:webhooks:lease"
"""Which gateway delivers webhooks; it expires when that gateway dies."""

INCIDENTS_KEPT = 5_000

INCIDENT_ORDER = "bodywatch:incidents:order"
"""Sorted set of incident ids by the Unix time of their start; beyond INCIDENTS_KEPT the oldest leave INCIDENTS."""

HANDLING = "bodywatch:handling"
"""Hash, incident id -> JSON of what operators did about it: acknowledged, dismissed, notes, held, released."""
