"""Which room may import which, as a table; no circle anywhere; no folder too full; no clock in the stages."""

import ast
import re
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("models", "monitor", "trainer", "deploy")

MAY_IMPORT = {
    # The contract that both sides share.
    "models": "",
    "models.pose_networks": "models",
    "models.face": "models",
    "models.style": "",
    # The daemon: a frame goes from stream/ through stages/ (watch.py) to bus/ and evidence/; the gateway reads Redis.
    "monitor.errors": "models",
    "monitor.records": "",
    "monitor.config": "monitor.errors",
    "monitor.stream": "monitor.records monitor.errors",
    "monitor.stages": "models models.pose_networks models.face monitor.records monitor.errors monitor.config",
    "monitor.bus": "monitor.records monitor.errors",
    "monitor.evidence": "models monitor.records monitor.errors monitor.config monitor.stream monitor.bus",
    "monitor.gateway": "monitor.errors monitor.config monitor.bus monitor.evidence",
    "monitor.watch": "monitor.records monitor.stages",
    "monitor.health": "models monitor.records",
    "monitor.health_report": "models monitor.bus monitor.config monitor.health monitor.records monitor.stages "
    "monitor.stream monitor.watch",
    "monitor.offline": "models monitor.records monitor.stages monitor.stream monitor.watch",
    "monitor.worker": "models monitor.bus monitor.config monitor.evidence monitor.health_report monitor.records "
    "monitor.stages monitor.stream monitor.watch",
    "monitor.supervisor": "monitor.bus monitor.config monitor.errors monitor.gateway monitor.worker",
    "monitor.commands": "models models.face models.pose_networks monitor.bus monitor.config monitor.errors "
    "monitor.evidence monitor.gateway monitor.offline monitor.records monitor.stages monitor.stream monitor.watch",
    "monitor.cli": "monitor.commands monitor.config monitor.errors monitor.supervisor",
    # The trainer: recordings to tracks through the monitor's own stages, tracks to a model file.
    "trainer.errors": "models",
    "trainer.recipe": "models trainer.errors",
    "trainer.json_files": "models trainer.errors",
    "trainer.metrics": "",
    "trainer.data": "models models.pose_networks monitor.errors monitor.records monitor.stages monitor.stream "
    "trainer.errors trainer.recipe",
    "trainer.puppet": "models trainer.data trainer.errors",
    "trainer.train": "models trainer.data trainer.errors trainer.metrics trainer.recipe",
    "trainer.runs": "models trainer.data trainer.errors trainer.json_files trainer.recipe trainer.train",
    "trainer.train_person": "models trainer.data trainer.errors trainer.recipe trainer.runs trainer.train",
    "trainer.replay": "models monitor.records monitor.stages trainer.data",
    "trainer.calibration": "monitor.records monitor.stages trainer.replay",
    "trainer.evaluate": "monitor.stages trainer.data trainer.metrics trainer.replay trainer.runs trainer.train",
    "trainer.export": "models trainer.data trainer.errors trainer.evaluate trainer.recipe trainer.runs",
    "trainer.faces": "models models.face monitor.records monitor.stages monitor.stream trainer.errors",
    "trainer.reports": "models monitor.stages trainer.data trainer.errors trainer.evaluate trainer.json_files "
    "trainer.metrics trainer.recipe trainer.runs trainer.train",
    "trainer.verify": "models models.style trainer.data trainer.errors trainer.metrics trainer.recipe trainer.runs "
    "trainer.train",
    "trainer.enrolment": "models models.face models.style monitor.records monitor.stages monitor.stream "
    "trainer.calibration trainer.data trainer.errors trainer.export trainer.faces trainer.replay trainer.verify",
    "trainer.backgrounds": "trainer.errors",
    "trainer.commands": "models models.face models.style monitor.errors monitor.stages trainer.backgrounds "
    "trainer.data trainer.enrolment trainer.errors trainer.faces trainer.json_files trainer.puppet trainer.recipe "
    "trainer.reports trainer.verify",
    "trainer.cli": "models trainer.commands trainer.data trainer.errors trainer.evaluate trainer.export "
    "trainer.json_files trainer.recipe trainer.runs trainer.train_person",
    "trainer.__main__": "trainer.cli",
    # What puts it all to work.
    "deploy.broadcast": "monitor.errors trainer.puppet",
    "deploy.demo": "deploy.broadcast monitor.bus monitor.cli monitor.config monitor.supervisor trainer.puppet",
    "deploy.bench": "deploy.broadcast deploy.demo models models.face models.pose_networks monitor.bus monitor.config "
    "monitor.errors monitor.gateway monitor.records monitor.stages monitor.supervisor trainer.faces trainer.puppet",
}
"""Every arrow between rooms. A folder is a room; a file at a package's root is one too, but models/ is one room."""

CLOCKS = {"time", "datetime"}
THREADS = {"threading", "multiprocessing", "concurrent.futures", "queue"}
SOCKETS = {"socket", "asyncio"}
STAGES = [*sorted((ROOT / "monitor" / "stages").rglob("*.py")), ROOT / "monitor" / "watch.py"]
DASHBOARD = ROOT / "monitor" / "gateway" / "dashboard"
FOLDERS = sorted({path.parent for package in (*PACKAGES, "tests") for path in (ROOT / package).rglob("*.py")})
MOST_FILES = 15
ROOMS = [ROOT / package for package in PACKAGES]


def modules() -> dict[str, Path]:
    """Give every module of ours by its full name."""
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


def imported(path: Path) -> set[str]:
    """Give the full names of all modules that a file imports, at its top or within a function."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    froms = [(node.module, node.names) for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    return plain | {name for name, _ in froms} | {f"{name}.{alias.name}" for name, names in froms for alias in names}


def room(module: str) -> str:
    """Give the row of MAY_IMPORT that a module stands in."""
    name = ".".join(module.split(".")[:2])
    return name if name in MAY_IMPORT else module.split(".")[0]


MODULES = modules()
IMPORTS = {name: (imported(path) & MODULES.keys()) - {name} for name, path in MODULES.items()}
ARROWS = {(room(a), room(b)) for a, others in IMPORTS.items() for b in others if b not in PACKAGES} - {
    (name, name) for name in MAY_IMPORT
}


def circle(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """Give a circle of a graph, or nothing."""
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_module_imports_only_what_its_room_may(name: str) -> None:
    """A daemon that needs the trainer can't be installed alone; a stage that needs Redis can't be replayed."""
    mine = room(name)
    others = {room(other) for other in IMPORTS[name] if other not in PACKAGES} - {mine}
    assert others <= set(MAY_IMPORT.get(mine, "").split())


@pytest.mark.parametrize("name", sorted(MAY_IMPORT))
def test_every_arrow_of_the_table_is_there(name: str) -> None:
    """The table is read as documentation, so it must not promise less order than there is."""
    assert {b for a, b in ARROWS if a == name} == set(MAY_IMPORT[name].split())


def test_no_room_is_left_out_of_the_table() -> None:
    """A new file at a package's root is a room of its own and has to say what it is above."""
    assert {room(name) for name in MODULES} - {"monitor", "trainer", "deploy"} == set(MAY_IMPORT)


def test_no_circle_runs_between_rooms() -> None:
    """Whoever reads the rooms from the bottom up never has to look ahead."""
    assert circle({name: row.split() for name, row in MAY_IMPORT.items()}) == []


def test_no_circle_runs_between_modules() -> None:
    """An import inside a function counts: it hides a circle, it doesn't open it."""
    assert circle({a: {b for b in others if not a.startswith(f"{b}.")} for a, others in IMPORTS.items()}) == []


def test_no_circle_runs_between_the_pages_scripts() -> None:
    """The browser would load them; a reader would not."""
    scripts = {path.name: path.read_text(encoding="utf-8") for path in DASHBOARD.glob("*.js")}
    graph = {name: re.findall(r'from "\./([a-z_]+\.js)"', text) for name, text in scripts.items()}
    assert len(graph["app.js"]) >= 5
    assert circle(graph) == []


def test_a_circle_would_be_seen() -> None:
    """The three tests above rest on this."""
    assert set(circle({"a": ["b"], "b": ["c"], "c": ["a"]})) == {"a", "b", "c"}


@pytest.mark.parametrize("path", STAGES, ids=lambda path: path.stem)
def test_a_stage_has_no_clock_thread_or_socket(path: Path) -> None:
    """Replay is exact only if time comes in with the frame."""
    assert not imported(path) & (CLOCKS | THREADS | SOCKETS)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_a_folder_can_be_taken_in_at_a_glance(folder: Path) -> None:
    """Fifteen files fit a screen of an editor's tree."""
    assert len(list(folder.glob("*.py"))) <= MOST_FILES


@pytest.mark.parametrize("folder", [f for f in FOLDERS if f.parent in ROOMS], ids=lambda f: f.name)
def test_a_room_says_what_lives_there(folder: Path) -> None:
    """A newcomer opens __init__.py first."""
    assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))


def test_a_frames_story_fits_one_screen_and_a_half() -> None:
    """watch.py is what a newcomer reads first."""
    assert len((ROOT / "monitor" / "watch.py").read_text(encoding="utf-8").splitlines()) < 80
