"""Whom a channel's health names."""

from dataclasses import replace
from typing import cast

import pytest

from models import artifact
from monitor.config import ChannelConfig
from monitor.health import Health
from monitor.health_report import Judging
from monitor.records import Claim, Who
from monitor.watch import Channel


@pytest.mark.parametrize(("who", "named"), [("person", "ada"), ("somebody_else", ""), ("unseen", "")])
def test_of_several_persons_only_the_one_who_is_seen_is_named(who: Who, named: str) -> None:
    """An anchor's face always lies nearest to somebody's: that makes nobody the one who is judged."""
    model = artifact.load(artifact.find("demo-speaker"))
    two = Judging(cast(ChannelConfig, None), {"ada": model, "ben": model}, {}, cast(Channel, None))
    assert two.whom(Claim(who, "ada", 0.8, 0.46)) == named


def test_a_face_that_was_not_looked_at_yet_is_asked_for() -> None:
    """Before the first picture the page must not say that whoever is on screen is judged."""
    model = artifact.load(artifact.find("demo-speaker"))
    judging = Judging(cast(ChannelConfig, None), {"ada": model}, {}, cast(Channel, None))
    assert Health(0.0, claim=judging.at_first).fields(1.0)["face"] == "unseen"
    assert Health(0.0, claim=replace(judging, models={}).at_first).fields(1.0)["face"] == "not_asked"


def test_a_channels_only_person_is_named_whoever_is_on_screen() -> None:
    """The page says whom it expects there."""
    model = artifact.load(artifact.find("demo-speaker"))
    one = Judging(cast(ChannelConfig, None), {"ada": model}, {}, cast(Channel, None))
    assert one.whom(Claim("somebody_else", "ada", 0.8, 0.46)) == "ada"
