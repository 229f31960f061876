"""Incidents out to other systems by HTTP: signed, in order, tried again; CloudEvents, Slack or Alertmanager."""

import asyncio
import hashlib
import hmac
import http.client
import json
import logging
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from monitor.bus import connection, keys
from monitor.bus.messages import dumps, rfc3339
from monitor.bus.queries import RedisQueries
from monitor.config import WebhookConfig

log = logging.getLogger(__name__)

TIMEOUT_S = 10.0
PAUSES_S = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 60.0, 120.0, 300.0)
"""Between two attempts for one event; after the last one it is given up, so that newer ones get their turn."""

POLL_S = 0.25
LEASE_S = 10
"""One gateway delivers; another takes over when its lease is not renewed for so long."""

FIRING_FOR_S = 86_400.0
"""Alertmanager takes an alert for over when nothing renews it, unless it names a later end."""


class NotSent(Exception):
    """No answer, or not the one that was hoped for; again tells whether trying again can help."""

    def __init__(self, why: str, *, again: bool) -> None:
        super().__init__(why)
        self.again = again


class Webhook:
    """One address; it keeps its place in the alerts stream in Redis, so a restart neither skips nor repeats much."""

    def __init__(self, config: WebhookConfig, store: RedisQueries, *, pauses_s: tuple[float, ...] = PAUSES_S) -> None:
        self._config, self._store, self._pauses_s = config, store, pauses_s
        self._url = config.url.get_secret_value()
        self._name = hashlib.sha256(self._url.encode()).hexdigest()[:16]
        self.shown = connection.redact(self._url).partition("://")[2].partition("/")[0]

    async def run(self, count: Callable[[str, str], object], leads: Callable[[], bool]) -> None:
        """Deliver every alert from now on, or from where the last gateway stopped; count(form, result)."""
        place = await self._store.place(self._name)
        while True:
            if not leads():
                await asyncio.sleep(POLL_S)
                place = await self._store.place(self._name)
                continue
            entries = await self._store.alerts_after(place)
            for entry in entries:
                result = await self._deliver(json.loads(entry.text))
                if result is not None:
                    count(self._config.form, result)
                place = entry.id
                await self._store.set_place(self._name, place)
            if not entries:
                await asyncio.sleep(POLL_S)

    async def _deliver(self, event: dict[str, Any]) -> str | None:
        """Send one event, again and again if need be; tell how it ended, None when this form leaves it out."""
        body = FORMS[self._config.form](event)
        if body is None:
            return None
        for pause_s in (*self._pauses_s, None):
            try:
                await asyncio.to_thread(self._post, dumps(body).encode())
                return "sent"
            except NotSent as problem:
                if pause_s is None or not problem.again:
                    log.warning("webhook %s: %s is given up: %s", self.shown, event["id"], problem)
                    return "given_up"
                await asyncio.sleep(pause_s)
        return None

    def _post(self, body: bytes) -> None:
        kind = "application/cloudevents+json" if self._config.form == "cloudevents" else "application/json"
        headers = {"Content-Type": kind, "User-Agent": "bodywatch"}
        if self._config.secret is not None:
            headers["Bodywatch-Signature"] = sign(self._config.secret.get_secret_value(), body, int(time.time()))
        try:
            request = urllib.request.Request(self._url, body, headers, method="POST")
            with OPENER.open(request, timeout=TIMEOUT_S):
                pass
        except urllib.error.HTTPError as error:
            with error:
                raise NotSent(f"HTTP {error.code}", again=error.code >= 500 or error.code in (408, 425, 429)) from None
        except (OSError, http.client.HTTPException) as error:
            raise NotSent(type(error).__name__, again=True) from None
        except ValueError:
            raise NotSent("that is no web address", again=False) from None


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A signed body goes where the configuration says, nowhere else."""

    def redirect_request(self, *_: object, **__: object) -> None:
        """Follow nothing; the answer then counts as an error."""
        return None


OPENER = urllib.request.build_opener(NoRedirect)


def sign(secret: str, body: bytes, unix_s: int) -> str:
    """Write the signature header: HMAC-SHA256 over `<t>.<body>`, so that an old message can't be played again."""
    digest = hmac.new(secret.encode(), f"{unix_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={unix_s},v1={digest}"


def cloudevents(event: dict[str, Any]) -> dict[str, Any]:
    """Send the event as it is."""
    return event


def slack(event: dict[str, Any]) -> dict[str, Any] | None:
    """Write one line for Slack, Mattermost and the like; suspicion that has not fired is left out."""
    data = event["data"]
    if not data["fired"]:
        return None
    what = "Firing" if data["state"] == "firing" else "Suspicious again" if data["state"] == "pending" else "Over"
    words = f"does not move like {data['person']}" if data["state"] != "resolved" else f"watched for {data['person']}"
    how = f"score {data['score']:.2f}, peak {data['peak']:.2f}"
    if data.get("gathered_s") is not None:
        how += f", evidence {data['evidence']:.1f} (alarm {data['alarm']:.1f}) over {data['gathered_s']:.0f} s"
    return {"text": f"*{what}* on {data['channel']}: {words} ({how}; {data['id']})"}


def alertmanager(event: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Write an alert for Alertmanager's /api/v2/alerts; suspicion that has not fired is left out."""
    data = event["data"]
    if not data["fired"]:
        return None
    began_s = data["arrived_s"] - (data["end_s"] - data["start_s"])
    until_s = data["arrived_s"] + (0 if data["state"] == "resolved" else FIRING_FOR_S)
    labels = {"alertname": "BodywatchIncident", "severity": "critical"}
    return [
        {
            "labels": labels | {"channel": data["channel"], "person": data["person"], "incident": data["id"]},
            "annotations": {"summary": f"{data['channel']}: does not move like {data['person']}"},
            "startsAt": rfc3339(began_s),
            "endsAt": rfc3339(until_s),
        }
    ]


FORMS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "cloudevents": cloudevents,
    "slack": slack,
    "alertmanager": alertmanager,
}


class Webhooks:
    """All addresses of the configuration; of several gateways on one Redis, one delivers."""

    def __init__(
        self, configs: tuple[WebhookConfig, ...], store: RedisQueries, count: Callable[[str, str], object]
    ) -> None:
        self._hooks = [Webhook(config, store) for config in configs]
        self._store, self._count = store, count
        self._me = secrets.token_hex(8)
        self._leads = False

    def jobs(self) -> list[Callable[[], Any]]:
        """Give what the relay shall keep running."""
        if not self._hooks:
            return []
        return [self._lead, *(self._runner(hook) for hook in self._hooks)]

    def _runner(self, hook: Webhook) -> Callable[[], Any]:
        return lambda: hook.run(self._count, lambda: self._leads)

    async def _lead(self) -> None:
        self._leads = await self._store.lease(keys.WEBHOOKS_LEASE, self._me, LEASE_S)
        await asyncio.sleep(LEASE_S / 4)
