"""The models that judge channels, held against this monitor, the faces they know, and the rules they judge by."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from models import artifact, thresholds
from models.artifact import LoadedModel
from models.errors import ModelMismatch
from models.face.cohort import read_cohort
from models.face.embed import FaceNetwork
from models.face.references import FaceReferences, from_json
from models.thresholds import CHECKS, checked, contradiction
from monitor.config import ChannelConfig, RuleConfig
from monitor.errors import ConfigError
from monitor.stages.identity import Identity
from monitor.stages.pose import PoseNetwork
from monitor.stages.smoothing import filter_name
from monitor.stages.verdict import AnyRule, Rule, SequentialRule

Loaded = dict[tuple[str, str, str], LoadedModel]
"""Models by file, the digest and the person that were asked for: channels of one model share it."""


def load_models(
    channel: ChannelConfig, network: PoseNetwork, *, smooth: bool = True, loaded: Loaded | None = None
) -> dict[str, LoadedModel]:
    """Load a channel's models, by their person's name, and hold their cards against what this monitor feeds them.

    Raises:
        ModelError: a file is missing, not trusted, or made for other poses or another person.
        ConfigError: two files are of one person, or one of several carries no face to tell them apart by.
    """
    models: dict[str, LoadedModel] = {}
    known: Loaded = {} if loaded is None else loaded
    for file in channel.models:
        wanted = (file, channel.sha256 or "", channel.person or "")
        model = known[wanted] if wanted in known else _load(file, channel, network, smooth=smooth)
        known[wanted] = model
        if model.person in models:
            raise ConfigError(f"channel {channel.name}", "persons", f"names {model.person} twice")
        if len(channel.models) > 1 and not model.card.faces:
            why = f"{file} carries no face of {model.person}; among several persons the face picks whose model judges"
            raise ConfigError(f"channel {channel.name}", "persons", why)
        models[model.person] = model
    return models


def load_all(
    channels: Iterable[ChannelConfig], network: PoseNetwork, *, smooth: bool = True
) -> dict[str, dict[str, LoadedModel]]:
    """Load every channel's models, by the channel's name; channels of one model share it, so it judges in one batch.

    Raises:
        ModelError, ConfigError: as load_models().
    """
    loaded: Loaded = {}
    return {channel.name: load_models(channel, network, smooth=smooth, loaded=loaded) for channel in channels}


def face_network(models: Iterable[LoadedModel]) -> FaceNetwork | None:
    """Open the face network when any model knows a face.

    Raises:
        WeightsUnreadable: it is not the one that ships.
    """
    return FaceNetwork() if any(model.card.faces for model in models) else None


def identity_of(models: Mapping[str, LoadedModel], network: FaceNetwork | None, *, required: bool) -> Identity:
    """Make a channel's identity stage of the faces that its models know.

    Raises:
        ModelError: the references in a file are of another face network or cohort, not whole, or of chips with
            another placing than those of the channel's other files.
        WeightsUnreadable: the face cohort is not the one that ships.
    """
    people: dict[str, FaceReferences] = {}
    known = {name: model for name, model in models.items() if model.card.faces}
    if known and network is not None:
        cohort = read_cohort(network_sha256=network.sha256)
        for name, model in known.items():
            people[name] = from_json(model.card.faces, model.path, network_sha256=network.sha256, cohort=cohort)
            first = next(iter(people.values())).placing
            if people[name].placing != first:
                raise ModelMismatch(model.path, "face_placing", expected=first.name, found=people[name].placing.name)
    return Identity(people, network, required=required)


def rule_of(model: LoadedModel, *overrides: RuleConfig) -> AnyRule:
    """Take the thresholds measured for the model, with what the configuration sets instead, later ones first.

    Raises:
        ThresholdsUnusable: the card has none to judge by.
        ConfigError: the configuration sets what the model's kind of rule doesn't have, or what goes not together.
    """
    kind, values = thresholds.kind_of(model.path, model.card.thresholds), checked(model.path, model.card.thresholds)
    changed: dict[str, Any] = {}
    for override in overrides:
        changed |= override.model_dump(exclude_none=True)
    known = {*CHECKS[kind], *(() if kind == "sequential" else ("kind",))}
    if unknown := sorted(changed.keys() - known):
        raise ConfigError("rule", unknown[0], _other_kind(model, kind, known))
    if kind == "live":
        return replace(_counted(values), **changed)
    values |= changed
    if changed and (why := contradiction(values)) is not None:
        raise ConfigError("rule", *why)
    return SequentialRule(
        values["alarm"], values["calm"], values["most"], values["keep_over_cuts"], values["half_life_s"]
    )


def _counted(values: Mapping[str, float]) -> Rule:
    return Rule(values["enter"], values["clear"], values["hold_s"], k=int(values["k"]), n=int(values["n"]))


def _other_kind(model: LoadedModel, kind: str, known: Iterable[str]) -> str:
    how = "adds evidence up" if kind == "sequential" else "counts windows"
    return f"{model.path.name} {how} and has {', '.join(sorted(known))}; set this at a channel of another model"


def _load(file: str, channel: ChannelConfig, network: PoseNetwork, *, smooth: bool) -> LoadedModel:
    backend = {"name": network.name, "sha256": network.sha256}
    model = artifact.load(artifact.find(file), sha256=channel.sha256, pose_backend=backend)
    if channel.person is not None and channel.person != model.person:
        raise ModelMismatch(model.path, "person", expected=channel.person, found=model.person)
    if model.card.filter and model.card.filter != (steadied := filter_name(smooth)):
        raise ModelMismatch(model.path, "filter", expected=steadied, found=model.card.filter)
    checked(model.path, model.card.thresholds)
    return model
