"""Short films of the drawn speaker."""

from pathlib import Path

from trainer.puppet.renderer import Camera, Passage, Script, frames
from trainer.puppet.video import record


def film(path: Path, *, seed: int, seconds: float, zoom: float = 1.0) -> Path:
    """Draw a speech of so many seconds, ten pictures a second of 640x360; give its path."""
    script = Script((Passage(0, seconds, seed=seed),), Camera(zoom=zoom))
    for _ in record(frames(script, 640, 360, 10), str(path), 640, 360, 10):
        pass
    return path
