"""What conditions leave out of the data, in figures and in sentences: how much, why, of whom, and how to keep it."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from models.skeleton import RATE_HZ, WINDOW_POSES
from trainer.data.conditions import apply_conditions, segments, usual_shape
from trainer.data.tracks import Track
from trainer.errors import RecordingLeaked, SplitImpossible
from trainer.recipe import CONDITIONS, conditions_text

MOST_NAMED = 5
"""People that a sentence names; the JSON has all."""

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Loss:
    """What one condition leaves out: so many segments of 150 poses, of all that there are.

    only counts those that break no other condition that holds: without this one they would be kept. people maps whoever
    loses something ("fakes of NAME" for fakes) to (left out, of), who loses most first. conditions are the others.
    """

    condition: str
    segments: int
    of: int
    only: int
    people: dict[str, tuple[int, int]]
    conditions: str

    def sentence(self, command: str = "") -> str:
        """Say how much is left out, why, of whom and how to keep it: by an option, of a command if one is named."""
        kept = "them" if self.only == self.segments else f"{self.only} of them (the others break another one as well)"
        return f"{self.what()}; `{command}--conditions {self.conditions}` keeps {kept}"

    def what(self) -> str:
        """Say how much is left out, why and of whom."""
        named = [
            f"all {lost} of {who}" if lost == of else f"{lost} of {of} of {who}"
            for who, (lost, of) in list(self.people.items())[:MOST_NAMED]
        ]
        more = [f"{len(self.people) - MOST_NAMED} more people"] if len(self.people) > MOST_NAMED else []
        return (
            f"the condition {self.condition}, {CONDITIONS[self.condition]}, leaves out {self.segments} of {self.of} "
            f"segments ({_minutes(self.segments):.1f} of {_minutes(self.of):.1f} min): {', '.join(named + more)}"
        )


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What the conditions held leave out: segments, of all that there are, and each condition's part, largest first.

    A segment that breaks two counts in both losses. gone names whoever has segments and keeps none.
    """

    held: tuple[str, ...]
    segments: int
    of: int
    losses: tuple[Loss, ...]
    gone: tuple[str, ...]

    def sentences(self, command: str = "") -> list[str]:
        """Give one sentence a condition, and one more for the people of whom nothing is left."""
        said = [loss.sentence(command) for loss in self.losses]
        return [*said, f"nothing is left of {', '.join(self.gone)}"] if self.gone else said

    def as_json(self) -> dict[str, Any]:
        """Give the figures, with what keeps each loss as --conditions takes it."""
        return {
            "held": list(self.held),
            "segments": self.of,
            "left_out": self.segments,
            "left_out_minutes": round(_minutes(self.segments), 2),
            "people_gone": list(self.gone),
            "reasons": [
                {
                    **asdict(loss),
                    "why": CONDITIONS[loss.condition],
                    "minutes": round(_minutes(loss.segments), 2),
                    "people": {who: {"left_out": lost, "of": of} for who, (lost, of) in loss.people.items()},
                }
                for loss in self.losses
            ],
        }


def left_out(tracks: Sequence[Track], conditions: Sequence[str]) -> LeftOut:
    """Count what conditions leave out of tracks, whatever else has been left out of them before."""
    shape = usual_shape(tracks)
    found = [
        (_owner(track), tuple(name for name in conditions if name in segment.broken))
        for track in tracks
        for segment in segments(track, shape)
    ]
    of = Counter(owner for owner, _ in found)
    kept = {owner for owner, broken in found if not broken}
    losses = [_loss(name, conditions, found, of) for name in conditions if any(name in broken for _, broken in found)]
    losses.sort(key=lambda loss: -loss.segments)
    return LeftOut(
        tuple(conditions),
        sum(bool(broken) for _, broken in found),
        len(found),
        tuple(losses),
        tuple(sorted(of.keys() - kept)),
    )


def under(conditions: Sequence[str], tracks: Sequence[Track], make: Callable[[list[Track]], Made]) -> Made:
    """Make something of what conditions leave of the tracks.

    Raises:
        SplitImpossible: it can't be made; where fewer conditions would make it, the sentence names the option.
    """
    try:
        return make(apply_conditions(tracks, conditions))
    except SplitImpossible as error:
        found = left_out(tracks, conditions)
        for fewer in _fewer(found):
            if _can(make, apply_conditions(tracks, fewer)):
                lost = "; ".join(loss.what() for loss in found.losses if loss.condition not in fewer)
                instead = f"It can with `--conditions {conditions_text(fewer)}`: {lost}"
                raise SplitImpossible(error.protocol, error.why, instead=instead) from None
        raise


def _fewer(found: LeftOut) -> Iterator[tuple[str, ...]]:
    """Give fewer and fewer conditions: without one that leaves something out, then the largest two, and so on."""
    lossy = [loss.condition for loss in found.losses]
    for lifted in [*([name] for name in lossy), *(lossy[:count] for count in range(2, len(lossy) + 1))]:
        yield tuple(name for name in found.held if name not in lifted)


def _can(make: Callable[[list[Track]], object], tracks: list[Track]) -> bool:
    try:
        make(tracks)
    except (SplitImpossible, RecordingLeaked):
        return False
    return True


def _loss(name: str, conditions: Sequence[str], found: Sequence[tuple[str, tuple[str, ...]]], of: Counter[str]) -> Loss:
    lost = Counter(owner for owner, broken in found if name in broken)
    only = sum(broken == (name,) for _, broken in found)
    people = {owner: (count, of[owner]) for owner, count in lost.most_common()}
    others = conditions_text(other for other in conditions if other != name)
    return Loss(name, lost.total(), len(found), only, people, others)


def _owner(track: Track) -> str:
    return track.person if track.genuine else f"fakes of {track.person}"


def _minutes(count: int) -> float:
    return count * WINDOW_POSES / RATE_HZ / 60
