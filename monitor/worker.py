"""A worker process: a few channels, their ingest threads, one loop, one sender to Redis."""

import hashlib
import logging
import secrets
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import cv2
import torch

from models.explain import explain
from monitor.bus.preview import Preview
from monitor.bus.publisher import Publisher
from monitor.config import ChannelConfig, Config
from monitor.evidence.collector import EvidenceCollector
from monitor.health_report import HealthReport, Judging
from monitor.records import Frame, Incident, NotJudged, PosedFrame, Score
from monitor.stages.incidents import IncidentPolicy
from monitor.stages.person_models import face_network, identity_of, load_all, rule_of
from monitor.stages.pose import PoseNetwork
from monitor.stages.resample import Resampler
from monitor.stages.scorer import Scorer
from monitor.stages.speaker import SpeakerTracker, usual_crops
from monitor.stages.verdict import Verdict, Verdicts
from monitor.stages.window import PoseWindow
from monitor.stream.ingest import Ingest
from monitor.stream.mailbox import Mailbox
from monitor.watch import Channel, watch

logger = logging.getLogger(__name__)

HEALTH_EVERY_S = 1.0


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
        at_once = min(threads, len(self._channels))
        self._cores = ThreadPoolExecutor(at_once)
        self._network = PoseNetwork(
            config.pose.backend,
            provider=config.pose.provider,
            threads=threads,
            at_once=at_once,
            concurrently=self._cores.map,
        )
        self._models = load_all(self._channels.values(), self._network, smooth=config.pose.smooth)
        self._faces = face_network(model for models in self._models.values() for model in models.values())
        self._network.prepare(usual_crops())  # after the models: a wrong one is told before seconds go into this
        self._publisher = Publisher(redis_url, outbox=config.redis.outbox.with_suffix(f".{label}.sqlite"), worker=label)
        self._mailbox = Mailbox(list(self._channels), capacity=config.queue_frames)
        self._scorer = Scorer(self._models)
        self._preview = Preview(self._publisher)
        self._evidence = self._evidence_of(config)
        self._before = before = self._publisher.open_incidents(self._channels)
        self._incidents = IncidentPolicy(self._held, open_incidents=before, explain=self._explain)
        judging = {name: self._judging(channel, before) for name, channel in self._channels.items()}
        self._stages = {name: judged_by.stages for name, judged_by in judging.items()}
        self._report = HealthReport(
            judging,
            self._mailbox,
            self._publisher,
            started_s=time.time(),
            every_s=config.score_every_s,
            evidence=lambda: "" if self._evidence is None else self._evidence.state,
        )

    def _evidence_of(self, config: Config) -> EvidenceCollector | None:
        if config.evidence.folder is None:
            return None
        config_sha256 = hashlib.sha256(config.model_dump_json().encode()).hexdigest()
        digests = {
            (name, person): {
                "model_sha256": model.sha256,
                "card_sha256": hashlib.sha256(model.card.to_json().encode()).hexdigest(),
                "config_sha256": config_sha256,
                "pose_backend": self._network.fingerprint,
            }
            for name, models in self._models.items()
            for person, model in models.items()
        }
        return EvidenceCollector(config.evidence, list(self._channels), digests=digests)

    def _explain(self, incident: Incident) -> dict[str, Any] | None:
        """Tell which keypoints and seconds of the newest window moved the score; asked once, when it fires."""
        window = self._scorer.latest.get((incident.channel, incident.person))
        model = self._models[incident.channel].get(incident.person)
        return None if window is None or model is None else explain(model, window.poses).as_record()

    def _held(self, channel: str, person: str) -> bool:
        """Tell whether nothing is to be raised: somebody silenced it, or the stream is down."""
        return self._publisher.silenced(channel, person) or self._report.is_down(channel)

    def _judging(self, channel: ChannelConfig, before: Iterable[Incident]) -> Judging:
        models = self._models[channel.name]
        rules = {name: rule_of(model, self._config.rule, channel.rule) for name, model in models.items()}
        open_before = {incident.person: incident for incident in before if incident.channel == channel.name}
        verdicts = {
            name: Verdict(
                rules[name],
                partial(new_incident_id, channel.name),
                model.path.name,
                open_incident=open_before.get(name),
                every_s=self._config.score_every_s,
            )
            for name, model in models.items()
        }
        stages = Channel(
            SpeakerTracker(region=channel.region, smooth=self._config.pose.smooth),
            identity_of(models, self._faces, required=channel.identity.require),
            Resampler(),
            PoseWindow(channel.name, every_s=self._config.score_every_s),
            Verdicts(verdicts),
        )
        return Judging(channel, models, rules, stages)

    def run(self, stop: threading.Event) -> None:
        """Watch until stopped."""
        ingests = [threading.Thread(target=i.run, args=(stop,), name=n, daemon=True) for n, i in self._ingests()]
        others = [threading.Thread(target=self._publisher.run, args=(stop,), name="publish", daemon=True)]
        if self._evidence is not None:
            others.append(threading.Thread(target=self._evidence.run, args=(stop,), name="evidence", daemon=True))
        for thread in [*others, *ingests]:
            thread.start()
        self._end_unowned()
        try:
            for record in watch(self._turns(stop, ingests), self._stages, self._network, self._scorer):
                self._handle(record)
        finally:
            self._tell_health(time.time())
            stop.set()
            for thread in [*ingests, *others]:
                thread.join(timeout=10)
            self._cores.shutdown(wait=False)

    def _end_unowned(self) -> None:
        """End incidents of persons whom their channel knows no more: nothing else ever would."""
        for incident in self._before:
            if incident.person not in self._models[incident.channel]:
                for raised in self._incidents.update(replace(incident, state="resolved", ended_by="not_judged")):
                    self._raise(raised)

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
                    on_state=self._report.note_state,
                    on_packet=None if self._evidence is None else self._evidence.add_packet,
                ),
            )

    def _deliver(self, frame: Frame) -> None:
        self._report.health[frame.channel].frames += 1
        self._mailbox.put(frame)

    def _turns(self, stop: threading.Event, ingests: Sequence[threading.Thread]) -> Iterator[list[Frame]]:
        while not stop.is_set():
            frames = self._mailbox.take(timeout_s=0.2)
            now_s = time.time()
            if self._report.age_s(now_s) >= HEALTH_EVERY_S:
                self._tell_health(now_s)
            if frames:
                yield frames
            elif not any(thread.is_alive() for thread in ingests):
                return

    def _handle(self, record: PosedFrame | Score | NotJudged | Incident) -> None:
        now_s = time.time()
        match record:
            case PosedFrame():
                self._report.health[record.frame.channel].saw(record, now_s)
                self._preview.offer(record, now_s)
                if self._evidence is not None:
                    self._evidence.add_pose(record)
            case Score() | NotJudged():
                self._report.health[record.channel].verdict(record, now_s)
                self._publisher.score(record)
                if self._evidence is not None:
                    self._evidence.add_score(record)
            case Incident():
                for raised in self._incidents.update(record):
                    self._raise(raised)

    def _raise(self, incident: Incident) -> None:
        level = logging.WARNING if incident.fired else logging.INFO
        logger.log(
            level, "%s: incident %s is %s, score %.2f", incident.channel, incident.id, incident.state, incident.score
        )
        self._publisher.incident(incident)
        if self._evidence is not None:
            self._evidence.update_incident(incident)

    def _tell_health(self, now_s: float) -> None:
        self._report.tell(now_s)
        for raised in self._incidents.tick():
            self._raise(raised)
