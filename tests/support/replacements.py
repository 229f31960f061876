"""Scripts in which somebody with another face takes the speaker's place, in the same pose and size."""

from typing import Literal

from trainer.puppet.renderer import Passage, Scene, Script

How = Literal["in place", "by a cut"]
SCENES: dict[How, Scene] = {"in place": "lectern", "by a cut": "studio"}


def replaced(at_s: float, end_s: float, *, how: How = "in place", seed: int = 1) -> Script:
    """Show the speaker until at_s, then the anchor, whose body goes on with the speaker's very movement.

    "in place": one unbroken shot; from one frame to the next face, hair and suit are others, and the cut detector sees
    nothing. "by a cut": the room around the lectern is another one too, which it sees.
    """
    speaker = Passage(0.0, at_s, seed=seed)
    return Script((speaker, Passage(at_s, end_s, SCENES[how], who="anchor", seed=seed, first_s=at_s)))
