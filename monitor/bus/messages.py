"""Records -> JSON and back: the one place that knows how they look on the wire."""

import base64
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from monitor.records import Incident, NotJudged, Score, face_record

CHANGES = {"pending": 1, "firing": 2, "resolved": 3}
"""Number of a change when nothing has counted it."""

INCIDENT_FIELDS = frozenset(field.name for field in fields(Incident))


def dumps(value: object) -> str:
    """Write compact JSON; a number that is none (a broken model's NaN) becomes null, for no browser reads it."""
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def event(incident: Incident) -> dict[str, Any]:
    """Wrap one change of an incident as a CloudEvents 1.0 envelope.

    The same change always has the same id, whoever sends it and however often: receivers drop what they have seen.
    """
    number = incident.change or CHANGES[incident.state]
    return {
        "specversion": "1.0",
        "id": f"{incident.id}.{number}",
        "source": f"bodywatch/{incident.channel}",
        "type": f"org.bodywatch.incident.{incident.state}",
        "subject": incident.id,
        "time": rfc3339(incident.arrived_s),
        "datacontenttype": "application/json",
        "data": asdict(incident),
    }


def rfc3339(unix_s: float) -> str:
    """Write Unix time as text, UTC, to the millisecond."""
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def incident_from(data: Mapping[str, Any]) -> Incident:
    """Read an event's data back; fields of a newer version are left out."""
    return Incident(**{key: value for key, value in data.items() if key in INCIDENT_FIELDS})


def judged(record: Score | NotJudged) -> dict[str, Any]:
    """Write a window's verdict: with `score`, or with `not_judged` and the reason."""
    common = {
        "channel": record.channel,
        "epoch": record.epoch,
        "start_s": record.start_s,
        "end_s": record.end_s,
        "arrived_s": record.arrived_s,
    }
    seen = face_record(record.claim)
    face = {} if seen is None else {"face": seen}
    if isinstance(record, NotJudged):
        return common | face | {"not_judged": record.reason}
    summed = {} if record.evidence is None else {"evidence": record.evidence.as_record()}
    word = {"person": record.person, "score": record.value, "quality": asdict(record.quality)}
    return common | face | word | summed


def pose(
    channel: str,
    time_s: float,
    jpeg: bytes,
    keypoints: npt.NDArray[np.float32] | None,
    *,
    width: int,
    height: int,
) -> dict[str, Any]:
    """Write a preview: keypoints as in records.Pose, in pixels of a picture of width x height (0: of the jpeg)."""
    seen = keypoints is not None and bool(keypoints[:, 2].any())
    rows = np.round(keypoints.astype(float), 2).tolist() if keypoints is not None and seen else None
    return {
        "channel": channel,
        "time_s": time_s,
        "width": width,
        "height": height,
        "keypoints": rows,
        "jpeg": base64.b64encode(jpeg).decode("ascii"),
    }
