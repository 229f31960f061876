"""The models that judge channels, held against this monitor, and the rule that its card or the config sets."""

from collections.abc import Iterable
from dataclasses import replace

from models import artifact
from models.artifact import LoadedModel
from models.errors import ModelMismatch
from monitor.config import ChannelConfig, RuleConfig
from monitor.stages.pose import PoseNetwork
from monitor.stages.smoothing import filter_name
from monitor.stages.verdict import Rule


def load_model(channel: ChannelConfig, network: PoseNetwork, *, smooth: bool = True) -> LoadedModel:
    """Load a channel's model and hold its card against what this monitor feeds it.

    Raises:
        ModelError: the file is missing, not trusted, or made for other poses or another person.
    """
    backend = {"name": network.name, "sha256": network.sha256}
    model = artifact.load(artifact.find(channel.model), sha256=channel.sha256, pose_backend=backend)
    if channel.person is not None and channel.person != model.person:
        raise ModelMismatch(model.path, "person", expected=channel.person, found=model.person)
    if model.card.filter and model.card.filter != (steadied := filter_name(smooth)):
        raise ModelMismatch(model.path, "filter", expected=steadied, found=model.card.filter)
    return model


def load_models(
    channels: Iterable[ChannelConfig], network: PoseNetwork, *, smooth: bool = True
) -> dict[str, LoadedModel]:
    """Load each channel's model, by the channel's name; channels of one model share it, so it judges them in one batch.

    Raises:
        ModelError: as load_model().
    """
    loaded: dict[tuple[str, ...], LoadedModel] = {}
    models = {}
    for channel in channels:
        wanted = (channel.model, channel.sha256 or "", channel.person or "")
        if wanted not in loaded:
            loaded[wanted] = load_model(channel, network, smooth=smooth)
        models[channel.name] = loaded[wanted]
    return models


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
