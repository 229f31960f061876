"""How a model is trained: every hyperparameter with the paper's value as default, and presets that say what differs."""

import math
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from models.pose_lstm import Design, FeatureSet
from models.skeleton import WINDOW_POSES
from trainer.errors import RunUnusable

PRESETS = Path(__file__).parent / "presets"

CONDITIONS = {
    "rate": "(a) frame rate behind the 30 Hz grid",
    "size": "(b) picture of the data's usual shape",
    "middle": "(c) person in the middle",
    "alone": "(d) nobody else in the picture",
    "camera": "(e) steady camera",
}
"""The paper's conditions on a video (section 3.1), by the names that recipes and options have for them."""

PAPERS = tuple(CONDITIONS)


def usual_conditions(features: str) -> tuple[str, ...]:
    """Give the conditions that a feature set needs: the paper's own all five, the others no shape of the picture.

    They measure in shoulder widths around the neck, so that they can't see the picture around them.
    """
    return PAPERS if features == "paper" else tuple(name for name in PAPERS if name != "size")


def named_conditions(names: object) -> tuple[str, ...]:
    """Read names of conditions, as a list or one text with commas ("none": no condition), into the paper's order.

    Raises:
        ValueError: says which name no condition has, or that these are no names.
    """
    if not isinstance(names, str | list | tuple):
        raise ValueError(f"give names with commas, of {', '.join(PAPERS)}, or none")
    given = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    given = [] if given == ["none"] else given
    if wrong := [name for name in given if name not in PAPERS]:
        raise ValueError(
            f'no condition is called "{wrong[0]}"; there are {", ".join(PAPERS)}, or none for no condition'
        )
    return tuple(name for name in PAPERS if name in given)


def conditions_text(names: Iterable[str]) -> str:
    """Write conditions as --conditions takes them."""
    return ",".join(names) or "none"


class Recipe(BaseModel):
    """The defaults are the paper's Table 3."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    features: FeatureSet = "paper"
    conditions: tuple[str, ...] = Field(
        PAPERS,
        description="which of the paper's conditions recordings are held against; all, or without size: features",
    )
    cell: Literal["lstm", "gru"] = "lstm"
    pool: Literal["last", "mean", "attention"] = "last"
    stride: int = Field(1, ge=1, le=15, description="poses averaged into one time step")
    extremes: bool = Field(False, description="give the head each feature's least and most in the window as well")
    hidden: int = Field(512, ge=1, le=4096)
    layers: int = Field(2, ge=1, le=8)
    dropout: float = Field(0.5, ge=0, lt=1)
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    lr: float = Field(1e-2, gt=0)
    schedule: Literal["constant", "step", "cosine"] = "step"
    lr_step: int = Field(30, ge=1, description="epochs between two decays of schedule step")
    lr_gamma: float = Field(0.5, gt=0, le=1)
    weight_decay: float = Field(1e-4, ge=0)
    clip: float = Field(0.25, gt=0, description="largest norm of the gradient")
    batch: int = Field(1, ge=1)
    epochs: int = Field(200, ge=1)
    step: int = Field(WINDOW_POSES, ge=1, description="poses between two training windows")
    balance: bool = Field(False, description="weigh the classes alike, however many windows each has")
    tell_apart: bool = Field(False, description="learn to tell each of the others by name as well")
    even: bool = Field(False, description="bring every feature to mean 0 and deviation 1 over the training data")
    smooth_labels: float = Field(0.0, ge=0, lt=0.5, description="share of certainty withheld when telling apart")
    keep: Literal["accuracy", "auroc", "last"] = Field(
        "accuracy", description="what the kept epoch is best in on validation; last: none, the last one"
    )
    seed: int = 0
    shortest: int = Field(WINDOW_POSES, ge=60, le=300, description="shortest window trained on, in poses")
    longest: int = Field(WINDOW_POSES, ge=60, le=300)
    mirror: float = Field(0.0, ge=0, le=1, description="share of windows mirrored")
    jitter_px: float = Field(0.0, ge=0, description="deviation of noise on every keypoint, at 100 px of shoulders")
    drop: float = Field(0.0, ge=0, le=1, description="share of windows that lose a keypoint for a while")
    flicker: float = Field(0.0, ge=0, lt=1, description="largest share of poses that lack a keypoint, each on its own")
    warp: float = Field(0.0, ge=0, le=0.3, description="largest change of speed, as a share")
    tilt_deg: float = Field(0.0, ge=0, le=30, description="largest tilt of the camera")

    @model_validator(mode="before")
    @classmethod
    def _usual(cls, values: Any) -> Any:
        """Hold recordings against what the features need, where nothing else is said."""
        if not isinstance(values, dict) or "conditions" in values:
            return values
        return {**values, "conditions": usual_conditions(values.get("features", "paper"))}

    @field_validator("conditions", mode="before")
    @classmethod
    def _named(cls, names: object) -> tuple[str, ...]:
        return named_conditions(names)

    @model_validator(mode="after")
    def _ordered(self) -> "Recipe":
        if not self.shortest <= WINDOW_POSES <= self.longest:
            raise ValueError(f"the monitor judges {WINDOW_POSES} poses: shortest <= {WINDOW_POSES} <= longest")
        return self

    def design(self, people: int = 1) -> Design:
        """Give the network's design; people counts in only where they are told apart."""
        outputs = people if self.tell_apart and people > 2 else 1
        return Design(
            features=self.features,
            hidden=self.hidden,
            layers=self.layers,
            dropout=self.dropout,
            cell=self.cell,
            pool=self.pool,
            people=outputs,
            stride=self.stride,
            extremes=self.extremes,
        )

    def for_split(self, protocol: str) -> "Recipe":
        """Give the recipe as a split needs it: the same count of training steps where windows may not overlap.

        epochs counts passes over windows that begin every `step` poses. The paper's split hands out whole segments,
        so there are WINDOW_POSES / step times fewer windows in a pass, and so many times more passes are made.
        """
        if protocol != "paper" or self.step >= WINDOW_POSES:
            return self
        return self.model_copy(update={"epochs": self.epochs * WINDOW_POSES // self.step})

    def rate(self, epoch: int) -> float:
        """Learning rate of an epoch, counted from 0: what a run of this length has there, wherever it was interrupted.

        cosine falls from lr towards a hundredth of it (Loshchilov and Hutter 2017, eq. 5), which the epoch after the
        last would have: the last of 10, as in `body`, has 3.4 % of lr.
        """
        if self.schedule == "cosine":
            least = self.lr / 100
            return least + (self.lr - least) * (1 + math.cos(math.pi * epoch / self.epochs)) / 2
        return self.lr * self.lr_gamma ** (epoch // self.lr_step) if self.schedule == "step" else self.lr

    @property
    def augments(self) -> bool:
        return max(self.mirror, self.jitter_px, self.drop, self.flicker, self.warp, self.tilt_deg) > 0


def preset_names() -> list[str]:
    return sorted(path.stem for path in PRESETS.glob("*.toml"))


def read_recipe(preset: str, changes: Mapping[str, Any] | None = None) -> Recipe:
    """Take a preset by name, or a TOML file by path, and change single values of it.

    Raises:
        RunUnusable: no such preset, or a key or value that no recipe has.
    """
    path = PRESETS / f"{preset}.toml"
    if not path.is_file():
        path = Path(preset)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise RunUnusable(Path(preset), f"is no preset and no file; presets are {', '.join(preset_names())}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RunUnusable(path, f"is no TOML: {error}") from None
    return check_recipe({**values, **(changes or {})}, path)


def check_recipe(values: Mapping[str, Any], source: Path) -> Recipe:
    """Check values against the recipe's fields.

    Raises:
        RunUnusable: names the first wrong key.
    """
    try:
        return Recipe.model_validate({key: value for key, value in values.items() if key != "why"})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "the recipe"
        why = (
            "no recipe has this key"
            if first["type"] == "extra_forbidden"
            else first["msg"].removeprefix("Value error, ")
        )
        raise RunUnusable(source, f"{key}: {why}") from None
