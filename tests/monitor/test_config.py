"""The configuration: the shipped example is complete, and a mistake is one sentence."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from models import artifact
from monitor.config import Config, RuleConfig, load, parse
from monitor.errors import ConfigError, ThresholdsUnusable
from monitor.stages.person_models import load_models, rule_of
from monitor.stages.pose import PoseNetwork
from monitor.stages.verdict import SequentialRule
from tests.support.model_files import untaught

EXAMPLE = Path(__file__).parents[2] / "deploy" / "bodywatch.yaml"
ONE = {"channels": [{"name": "a", "url": "rtsp://h/x"}]}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set what the example takes from the environment."""
    monkeypatch.setenv("BODYWATCH_REDIS_URL", "redis://127.0.0.1:6379/0")
    monkeypatch.setenv("BODYWATCH_CAMERA_PASSWORD", "s3cret-word")


def test_the_example_loads_and_names_every_key(environment: None) -> None:
    """A key that the example leaves out is one that nobody finds."""
    config = load(EXAMPLE)
    written = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    assert set(written) == set(Config.model_fields)
    sections: dict[str, tuple[dict[str, Any], BaseModel]] = {
        name: (written[name], getattr(config, name)) for name in ("redis", "gateway", "pose", "evidence", "rule")
    }
    missing = {name: set(type(section).model_fields) - set(keys) for name, (keys, section) in sections.items()}
    assert {name: sorted(keys) for name, keys in missing.items()} == {name: [] for name in sections}
    assert set(written["channels"][0]) == set(type(config.channels[0]).model_fields)


def test_the_examples_defaults_are_the_real_ones(environment: None) -> None:
    """The comments promise that every key stands there with its default."""
    config, bare = load(EXAMPLE), parse(ONE, "test")
    assert config.model_copy(update={"channels": (), "redis": None}) == bare.model_copy(
        update={"channels": (), "redis": None}
    )


def test_a_password_does_not_show(environment: None) -> None:
    """A configuration ends up in logs."""
    config = load(EXAMPLE)
    assert "s3cret-word" in config.channels[0].url.get_secret_value()
    assert "s3cret-word" not in f"{config!r} {config.model_dump_json()}"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"chanels": []}, "test: chanels: no such key"),
        (ONE | {"scores": 1}, "test: scores: no such key"),
        (ONE | {"pose": {"backnd": "x"}}, "test: pose.backnd: no such key"),
        (
            ONE | {"score_every_s": -1},
            "test: score_every_s: Input should be greater than or equal to 0.03333333333333333",
        ),
        ({"channels": []}, "test: channels: Tuple should have at least 1 item after validation, not 0"),
        ({"channels": ONE["channels"] * 2}, "test: channels: two channels are called a"),
        (
            {"channels": [ONE["channels"][0] | {"region": [0.5, 0, 0.2, 1]}]},
            "test: channels.0.region: must be left, top, right, bottom, each pair rising within 0..1",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mistake_is_one_sentence_that_names_the_key(values: dict[str, Any], sentence: str) -> None:
    """An operator at 3 a.m. needs the key, not a traceback."""
    with pytest.raises(ConfigError) as caught:
        parse(values, "test")
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("channels: [", "{path}: line 1: is not YAML"),
        ("- a", "{path}: the file: must hold keys and values, such as channels:"),
        (
            "channels: [{name: a, url: 'rtsp://u:${NO_SUCH_NAME}@h'}]",
            "{path}: ${{NO_SUCH_NAME}}: is not set in the environment",
        ),
        ("channels: [{name: a, url: 'rtmp://h/live/${key'}]", "{path}: ${{: must go on with a NAME and }}"),
    ],
)
def test_a_broken_file_is_one_sentence_that_names_it(tmp_path: Path, text: str, sentence: str) -> None:
    """What is wrong may be the file itself."""
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value) == sentence.format(path=path)


def test_the_papers_rule_can_be_asked_for_live() -> None:
    """Of the card's thresholds it takes hold_s and n; a channel's own word comes last."""
    config = parse({"rule": {"kind": "paper"}, "channels": [{"name": "a", "url": "x", "rule": {"n": 6}}]}, "a test")
    rule = rule_of(artifact.load(artifact.find("demo-speaker")), config.rule, config.channels[0].rule)
    assert (rule.kind, rule.n) == ("paper", 6)
    assert rule.suspicious([0.6, 0.6, 0.6, 0.1, 0.1, 0.1])
    assert rule.cleared([0.6, 0.6, 0.1, 0.1, 0.1, 0.1])


LIVE = {"enter": 0.7, "clear": 0.4, "hold_s": 1.0, "k": 3, "n": 4}
SUM = {"kind": "sequential", "alarm": 7.5, "calm": 1.0, "most": 3.0, "keep_over_cuts": 0.5, "half_life_s": 60.0}


def test_a_model_whose_evidence_adds_up_is_judged_by_its_cards_sum(tmp_path: Path) -> None:
    """A channel's own word comes last, and what it does not say stays as it was measured."""
    model = artifact.load(untaught(tmp_path / "ada.pt", thresholds=SUM))
    assert rule_of(model) == SequentialRule(7.5, 1.0, 3.0, 0.5, 60.0)
    changed = rule_of(model, RuleConfig(alarm=9.0, calm=2.0), RuleConfig(alarm=10.0))
    assert changed == SequentialRule(10.0, 2.0, 3.0, 0.5, 60.0)


@pytest.mark.parametrize(
    ("thresholds", "rule", "sentence"),
    [
        (
            SUM,
            RuleConfig(k=2),
            "rule: k: ada.pt adds evidence up and has alarm, calm, half_life_s, keep_over_cuts, most",
        ),
        (SUM, RuleConfig(kind="paper"), "rule: kind: ada.pt adds evidence up"),
        (SUM, RuleConfig(alarm=3.0), "rule: most: must be under alarm (3), so that no single window fires"),
        (LIVE, RuleConfig(alarm=5.0), "rule: alarm: ada.pt counts windows and has clear, enter, hold_s, k, kind, n"),
    ],
)
def test_a_rule_of_the_other_sort_is_one_sentence(
    tmp_path: Path, thresholds: dict[str, Any], rule: RuleConfig, sentence: str
) -> None:
    """Taken in silence, the operator would think that it holds."""
    model = artifact.load(untaught(tmp_path / "ada.pt", thresholds=thresholds))
    with pytest.raises(ConfigError) as caught:
        rule_of(model, rule)
    assert sentence in str(caught.value)


def test_a_card_without_a_rule_is_refused_when_its_model_is_loaded(tmp_path: Path) -> None:
    """Told before a stream is opened, and not as a KeyError."""
    path = untaught(tmp_path / "ada.pt", thresholds={})
    config = parse({"channels": [{"name": "a", "url": "x", "model": str(path)}]}, "a test")
    with pytest.raises(ThresholdsUnusable, match=r"thresholds\.enter must be over 0 and under 1, and it is missing"):
        load_models(config.channels[0], PoseNetwork(config.pose.backend))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The commonest mistake of all."""
    with pytest.raises(ConfigError, match=r"absent\.yaml: the file: No such file or directory"):
        load(tmp_path / "absent.yaml")


@pytest.mark.parametrize(
    ("channel", "why"),
    [
        ({"person": "ada"}, "person or sha256 without model"),
        ({"sha256": "ab" * 32}, "person or sha256 without model"),
        ({"model": "a.pt", "persons": ["b.pt"]}, "both model and persons"),
        ({"persons": ["a.pt", "a.pt"]}, r"a\.pt twice"),
        ({"persons": ["a.pt", "b.pt"], "identity": {"require": False}}, "the face picks"),
    ],
)
def test_a_channel_says_whom_it_knows_in_one_way(channel: dict[str, Any], why: str) -> None:
    """A forgotten `model:` would silently watch nobody."""
    with pytest.raises(ConfigError, match=why):
        parse({"channels": [{"name": "one", "url": "rtsp://127.0.0.1/"} | channel]}, "a test")


def test_one_person_under_persons_may_be_judged_without_a_face() -> None:
    """Among one there is nobody to pick from."""
    text = {"channels": [{"name": "one", "url": "x", "persons": ["a.pt"], "identity": {"require": False}}]}
    assert parse(text, "a test").channels[0].models == ("a.pt",)
