"""A worker process: a few channels, their ingest threads, one loop, one sender to Redis."""

import logging
import os
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import cv2
import torch

from models import artifact
from models.artifact import LoadedModel
from models.errors import ModelMismatch
from monitor.config import ChannelConfig, Config, RuleConfig
from monitor.health import Health, degraded
from monitor.ingest import Ingest, StreamState, redact
from monitor.mailbox import Mailbox
from monitor.pose import PoseNetwork
from monitor.preview import Preview
from monitor.publish import Publisher
from monitor.records import Frame, Incident, NotJudged, Score, Seen
from monitor.resample import Grid
from monitor.scorer import Scorer
from monitor.speaker import Speaker
from monitor.verdict import Rule, Verdict
from monitor.watch import Channel, watch
from monitor.window import PoseWindow

logger = logging.getLogger(__name__)

HEALTH_EVERY_S = 1.0


def load_model(channel: ChannelConfig, network: PoseNetwork) -> LoadedModel:
    """Load a channel's model and hold its card against what this monitor feeds it.

    Raises:
        ModelError: the file is missing, not trusted, or made for another pose network or another person.
    """
    model = artifact.load(artifact.find(channel.model), sha256=channel.sha256)
    if model.card.pose_backend != network.fingerprint:
        raise ModelMismatch(model.path, "pose_backend", expected=network.fingerprint, found=model.card.pose_backend)
    if channel.person is not None and channel.person != model.person:
        raise ModelMismatch(model.path, "person", expected=channel.person, found=model.person)
    return model


def rule_of(model: LoadedModel, *overrides: RuleConfig) -> Rule:
    """Take the thresholds measured for the model, with what the configuration sets instead, later ones first."""
    measured = model.card.thresholds
    rule = Rule(
        enter=measured["enter"],
        clear=measured["clear"],
        hold_s=measured["hold_s"],
        k=int(measured["k"]),
        n=int(measured["n"]),
    )
    for override in overrides:
        rule = replace(rule, **override.model_dump(exclude_none=True))
    return rule


def new_incident_id(channel: str) -> str:
    """Make an id that sorts by time and names the channel."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{channel}-{secrets.token_hex(2)}"


class Worker:
    """Threads and state of one process; run() returns when every stream has ended or stop is set."""

    def __init__(self, config: Config, names: Sequence[str], redis_url: str, *, threads: int, label: str) -> None:
        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        self._config = config
        self._channels = {c.name: c for c in config.channels if c.name in names}
        self._network = PoseNetwork(config.pose.backend, provider=config.pose.provider, threads=threads)
        self._models = {name: load_model(c, self._network) for name, c in self._channels.items()}
        self._publisher = Publisher(redis_url, outbox=config.redis.outbox.with_suffix(f".{label}.sqlite"), worker=label)
        self._mailbox = Mailbox(list(self._channels), capacity=config.queue_frames)
        now_s = time.time()
        self._health = {name: Health(started_s=now_s) for name in self._channels}
        self._streams: dict[str, StreamState] = {}
        self._preview = Preview(self._publisher)
        self._stages = {name: self._stages_of(c) for name, c in self._channels.items()}
        self._told_s = 0.0

    def _stages_of(self, channel: ChannelConfig) -> Channel:
        model = self._models[channel.name]
        return Channel(
            Speaker(region=channel.region, smooth=self._config.pose.smooth),
            Grid(),
            PoseWindow(channel.name, every_s=self._config.score_every_s),
            Verdict(
                rule_of(model, self._config.rule, channel.rule),
                lambda: new_incident_id(channel.name),
                model.path.name,
                open_incident=self._publisher.open_incident(channel.name),
            ),
        )

    def run(self, stop: threading.Event) -> None:
        """Watch until stopped."""
        sender = threading.Thread(target=self._publisher.run, args=(stop,), name="publish", daemon=True)
        sender.start()
        ingests = [threading.Thread(target=i.run, args=(stop,), name=n, daemon=True) for n, i in self._ingests()]
        for thread in ingests:
            thread.start()
        try:
            for record in watch(self._turns(stop, ingests), self._stages, self._network, Scorer(self._models)):
                self._handle(record)
        finally:
            stop.set()
            self._tell_health(time.time())
            for thread in [*ingests, sender]:
                thread.join(timeout=5)

    def _ingests(self) -> Iterator[tuple[str, Ingest]]:
        for name, channel in self._channels.items():
            yield (
                name,
                Ingest(
                    name,
                    channel.url.get_secret_value(),
                    transport=channel.transport,
                    timeout_s=self._config.timeout_s,
                    retry_max_s=self._config.retry_max_s,
                    deliver=self._deliver,
                    on_state=lambda state, name=name: self._streams.__setitem__(name, state),
                ),
            )

    def _deliver(self, frame: Frame) -> None:
        self._health[frame.channel].frames += 1
        self._mailbox.put(frame)

    def _turns(self, stop: threading.Event, ingests: Sequence[threading.Thread]) -> Iterator[list[Frame]]:
        while not stop.is_set():
            frames = self._mailbox.take(timeout_s=0.2)
            now_s = time.time()
            if now_s - self._told_s >= HEALTH_EVERY_S:
                self._tell_health(now_s)
            if frames:
                yield frames
            elif not any(thread.is_alive() for thread in ingests):
                return

    def _handle(self, record: Seen | Score | NotJudged | Incident) -> None:
        now_s = time.time()
        match record:
            case Seen():
                self._health[record.frame.channel].saw(record, now_s)
                self._preview.offer(record, now_s)
            case Score() | NotJudged():
                self._health[record.channel].verdict(record, now_s)
                self._publisher.score(record)
            case Incident():
                logger.warning(
                    "%s: incident %s is %s, score %.2f", record.channel, record.id, record.state, record.score
                )
                self._publisher.incident(record)

    def _tell_health(self, now_s: float) -> None:
        step_s, self._told_s = now_s - self._told_s if self._told_s else 0.0, now_s
        for name, health in self._health.items():
            health.tick(now_s, step_s)
            self._publisher.health(name, self._fields(name, health, now_s))

    def _fields(self, name: str, health: Health, now_s: float) -> dict[str, str | int | float]:
        """Give what stands in the channel's health hash."""
        channel, model, stages = self._channels[name], self._models[name], self._stages[name]
        stream = self._streams.get(name)
        rate = health.poses_per_s(now_s)
        state = "connecting" if stream is None else stream.state
        if stream is not None and state == "live" and now_s - health.started_s > 15 and degraded(rate, stream.fps):
            state = "degraded"
        rule = rule_of(model, self._config.rule, channel.rule)
        latest, incident = health.latest, stages.verdict.open_incident
        quiet = "clear" if isinstance(latest, Score) else "not_judged"
        return {
            "state": state,
            "why": "" if stream is None else stream.why,
            "url": redact(channel.url.get_secret_value()),
            "person": model.person,
            "model": model.path.name,
            "model_note": model.card.note,
            "verdict": incident.state if incident is not None else quiet,
            "reason": latest.reason if isinstance(latest, NotJudged) else "",
            "enter": rule.enter,
            "clear": rule.clear,
            "fps": 0.0 if stream is None else round(stream.fps, 3),
            "width": health.size[0],
            "height": health.size[1],
            "frames": health.frames,
            "poses": health.poses,
            "poses_per_s": round(rate, 2),
            "dropped": self._mailbox.dropped(name),
            "waiting": self._mailbox.waiting(name),
            "windows_judged": health.judged,
            "windows_not_judged": sum(health.not_judged.values()),
            **{f"not_judged_{reason}": count for reason, count in health.not_judged.items()},
            "coverage": -1.0 if (coverage := health.coverage()) is None else round(coverage, 4),
            "lag_s": round(health.lag_s, 3),
            "blind_s": round(health.blind_s, 1),
            "reconnects": 0 if stream is None else stream.reconnects,
            "epoch": health.epoch,
            "time_s": round(health.time_s, 3),
            "pid": os.getpid(),
            "at": round(now_s, 3),
        }
