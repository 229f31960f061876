"""A bar on standard error that tells how far a recording is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from monitor.records import Frame
from monitor.stream.source import redact


@contextmanager
def frames_bar(file: str, *, quiet: bool) -> Iterator[Callable[[Frame], None]]:
    """Show a bar, unless quiet, for as long as a recording is read; give what it has to be told of each frame."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[at]}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet, transient=True) as bar:
        task = bar.add_task(redact(file), total=None, at="")
        yield lambda frame: bar.update(task, at=f"{frame.time_s:7.1f} s")
