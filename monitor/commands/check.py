"""What `bodywatch check` and `bodywatch score` find out before and without a broadcast."""

from collections.abc import Iterator
from dataclasses import dataclass

from models.face.embed import FaceNetwork
from monitor.commands.frames_bar import frames_bar
from monitor.config import Config
from monitor.errors import BodywatchError
from monitor.offline import Result, score_file
from monitor.stages.person_models import face_network, identity_of, load_models, rule_of
from monitor.stages.pose import PoseNetwork
from monitor.stream.ingest import probe


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; exit_code is 0 when it is as it should be."""

    what: str
    ok: bool
    found: str
    exit_code: int


def findings(config: Config) -> Iterator[Finding]:
    """Look at the pose network, then at every channel's model and stream; each is looked at whatever the others say."""
    try:
        network = PoseNetwork(config.pose.backend, provider=config.pose.provider, threads=config.pose.threads)
    except BodywatchError as error:
        yield Finding("pose network", False, str(error), error.exit_code)
        return
    yield Finding("pose network", True, network.fingerprint, 0)
    faces: FaceNetwork | None = None
    for channel in config.channels:
        try:
            models = load_models(channel, network, smooth=config.pose.smooth)
            faces = faces or face_network(models.values())
            identity_of(models, faces, required=channel.identity.require)
            for model in models.values():
                rule_of(model, config.rule, channel.rule)
                face = "and their face" if model.card.faces else "no face: whoever is on screen is judged"
                yield Finding(f"{channel.name} model", True, f"{model.path.name}, knows {model.person}, {face}", 0)
            if not models:
                yield Finding(f"{channel.name} model", True, "none: nobody is judged", 0)
        except BodywatchError as error:
            yield Finding(f"{channel.name} model", False, str(error), error.exit_code)
        try:
            facts = probe(channel.url.get_secret_value(), transport=channel.transport, timeout_s=config.timeout_s)
            yield Finding(f"{channel.name} stream", True, str(facts), 0)
        except BodywatchError as error:
            yield Finding(f"{channel.name} stream", False, str(error), error.exit_code)


def score_recording(
    file: str, config: Config, *, every_s: float, smooth: bool, quiet: bool, identity: bool = True
) -> Result:
    """Judge a recording with the first channel's models, showing progress on standard error unless quiet.

    identity False judges whoever is in it.
    """
    channel = config.channels[0]
    probe(file, timeout_s=config.timeout_s)  # a wrong file is told before seconds go into loading networks
    network = PoseNetwork(config.pose.backend, provider=config.pose.provider, threads=config.pose.threads)
    models = load_models(channel, network, smooth=smooth)
    faces = face_network(models.values()) if identity else None
    with frames_bar(file, quiet=quiet) as progress:
        return score_file(
            file,
            models,
            network,
            rules={name: rule_of(model, config.rule, channel.rule) for name, model in models.items()},
            identity=identity_of(models, faces, required=channel.identity.require),
            every_s=every_s,
            region=channel.region,
            smooth=smooth,
            progress=progress,
        )


def told(result: Result) -> str:
    """Tell a result in words."""
    judged = [window for window in result.windows if "score" in window]
    reasons = sorted({window["not_judged"] for window in result.windows if "not_judged" in window})
    unjudged = f"{result.file}: without --model nobody is judged"
    lines = [
        f"{result.file}: {result.verdict} (is it {result.person}? by {result.model})" if result.model else unjudged,
        f"{len(judged)} windows judged, {len(result.windows) - len(judged)} not ({', '.join(reasons) or 'none'})",
    ]
    if judged:
        mean = sum(window["score"] for window in judged) / len(judged)
        lines.append(f"mean probability of another person {mean:.2f}")
    if result.cuts_s:
        lines.append("cuts at " + ", ".join(f"{cut:.2f} s" for cut in result.cuts_s))
    lines.append(f"{result.frames} frames in {result.wall_s:.1f} s, pose {result.pose_ms:.1f} ms a frame")
    return "\n".join(lines)
