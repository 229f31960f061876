"""What people look like: colours and the features of a face. How they move is style.py's."""

from dataclasses import dataclass

from trainer.puppet.drawing import Colour


@dataclass(frozen=True, slots=True)
class Features:
    """A face, measured by the speaker's: each number is a share of theirs.

    Eyes, ears and the nose's tip stay where they are: these are keypoints, and the truth holds for every face.
    """

    chin: float = 1.0  # length of the face below the eyes
    nose: float = 1.0  # width
    lips: float = 1.0  # width and fullness
    beard: bool = False


@dataclass(frozen=True, slots=True)
class Palette:
    """What a person wears and looks like."""

    suit: Colour = (84, 56, 38)
    shirt: Colour = (244, 242, 238)
    tie: Colour = (52, 44, 160)
    skin: Colour = (136, 168, 218)
    hair: Colour = (38, 50, 66)
    face: Features = Features()


SPEAKER = Palette()
GUEST = Palette(suit=(92, 92, 98), shirt=(236, 228, 222), tie=(110, 120, 60), skin=(92, 124, 176), hair=(24, 24, 28))
ANCHOR = Palette(
    suit=(70, 62, 104),
    shirt=(226, 214, 204),
    tie=(66, 96, 40),
    skin=(88, 118, 172),
    hair=(186, 186, 192),
    face=Features(chin=1.05, nose=1.25, lips=1.3, beard=True),
)
"""Whoever speaks at the lectern between the speaker's passages: another face, hair and suit, and the same build."""
