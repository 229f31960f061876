"""A reproduction as Markdown, PNGs and one HTML page that needs no other file."""

import base64
import html
import io
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

from trainer.data.splits import PARTS
from trainer.recipe import PAPERS, read_recipe
from trainer.reports.baselines import DIFFERENCES, weights_of
from trainer.reports.experiments import PICTURES, SIZES, picture_recipe
from trainer.reports.paper_results import TABLE_5, TABLE_6

Cell = str | float | int | None
HONEST_WORDS = {
    "by_repetition": "later repetitions of each recording",
    "by_session": "another session",
    "unseen_movement": "movements never trained on",
}


@dataclass(frozen=True, slots=True)
class Table:
    """A title, a sentence, a header and rows."""

    title: str
    said: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]


def write_report(report: dict[str, Any], out: Path) -> list[Path]:
    """Write report.md, report.html and figure_*.png into out; return their paths."""
    out.mkdir(parents=True, exist_ok=True)
    pictures = {name: draw(panels) for name, panels in report["figures"].items()}
    paths = [out / f"{name}.png" for name in pictures]
    for path, picture in zip(paths, pictures.values(), strict=True):
        path.write_bytes(picture)
    tables = list(tables_of(report))
    (out / "report.md").write_text(_markdown(report, tables, list(pictures)), encoding="utf-8")
    (out / "report.html").write_text(_html(report, tables, pictures), encoding="utf-8")
    return [*paths, out / "report.md", out / "report.html"]


def tables_of(report: dict[str, Any]) -> Iterator[Table]:
    """Turn a reproduction into tables, the honest ones first."""
    yield _honest(report)
    tables = report["tables"]
    yield Table(
        "Table 2: the data",
        "Real and fake recordings of each person; segments are 150 poses, dropped ones break conditions (a) to (e)."
        + _held(report),
        ("", "person", "videos", "hours", "segments", "dropped"),
        [
            *(
                ("ours, " + row["kind"], *(row[k] for k in ("person", "videos", "hours", "segments", "dropped")))
                for row in tables["table_2"]["ours"]
            ),
            *((f"paper, {row[0]}", *row[1:], None) for row in tables["table_2"]["paper"]),
        ],
    )
    yield Table(
        "Table 3: final hyperparameters", "Read from the preset `paper`.", ("", "paper", "ours"),
        [(row["what"], row["paper"], row["ours"]) for row in tables["table_3"]],
    )  # fmt: skip
    yield Table(
        "Table 4: LSTMs (test accuracy, %)", _always(report), ("model", "paper", "ours", "our AUROC"),
        [(row["model"], row["paper"], row["ours"], row["auroc"]) for row in tables["table_4"]],
    )  # fmt: skip
    yield Table(
        "Table 5: against other networks (accuracy, %)",
        _always(report),
        ("model", "train, paper", "ours", "validation, paper", "ours", "test, paper", "ours", "our AUROC"),
        [
            [row["model"], *(row[key] for part in PARTS for key in (f"paper_{part}", part)), row["auroc"]]
            for row in tables["table_5"]
        ],
    )  # fmt: skip
    yield Table(
        "Table 6: against facial keypoints alone (test accuracy, %)",
        _always(report),
        ("model", "paper", "ours", "our AUROC"),
        [(row["model"], row["paper"], row["ours"], row["auroc"]) for row in tables["table_6"]],
    )  # fmt: skip
    yield _networks(report)
    if report["fast"]:
        fast = report["fast"]
        faster = f"{fast['times_faster']:.0f} times faster" if fast["times_faster"] else "not reached"
        yield Table(
            "Preset fast against preset paper (batch of one)",
            f"Time to paper's best validation accuracy within {fast['paper_epochs']} epochs, less one point: {faster}.",
            ("preset", "best validation accuracy, %", "seconds to there"),
            [
                ("paper", fast["paper_validation"], fast["paper_seconds_to_best"]),
                ("fast", fast["fast_validation"], fast["fast_seconds_to_same"]),
            ],
        )


def draw(panels: Sequence[dict[str, Any]]) -> bytes:
    """Draw loss and accuracy per epoch, train and validation, a vertical line at the best epoch; PNG."""
    figure, axes = plt.subplots(len(panels), 2, figsize=(9, 2.8 * len(panels)), squeeze=False, layout="constrained")
    for row, panel in zip(axes, panels, strict=True):
        for axis, measure in zip(row, ("loss", "accuracy"), strict=True):
            history = panel["history"] or []
            epochs = [epoch["epoch"] for epoch in history]
            axis.plot(epochs, [epoch[measure] for epoch in history], label="training", color="#1b6ca8", marker=".")
            axis.plot(
                epochs, [epoch[f"val_{measure}"] for epoch in history], label="validation", color="#c8553d", marker="."
            )
            if panel["best_epoch"]:
                axis.axvline(panel["best_epoch"], color="black", linewidth=1)
            axis.set(title=f"{panel['caption']}: {measure}", xlabel="epoch")
            axis.legend(fontsize=8)
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=90, metadata={"Software": None})
    plt.close(figure)
    return content.getvalue()


def _honest(report: dict[str, Any]) -> Table:
    body, plain = report["honest"], report["honest_paper_features"]
    split = "the paper's random split"
    rows = [
        _row("preset body", split, report["best_features_papers_split"]),
        *(_row("preset body", HONEST_WORDS[name], figures) for name, figures in body.items()),
        _row("preset fast, z-scored", split, report["papers_features_papers_split"]),
        *(_row("preset fast, z-scored", HONEST_WORDS[name], figures) for name, figures in plain.items()),
    ]
    header = (
        "model", "tested on", "training windows", "AUROC", "95 %", "EER", "accuracy, %", "always “fake”, %",
        "false alerts", "median s to alert",
    )  # fmt: skip
    return Table("Honest figures", _honest_words(), header, rows)


def _honest_words() -> str:
    body, fast = read_recipe("body"), read_recipe("fast")
    passes = body.for_split("paper").epochs // body.epochs
    return (
        "What a random split of segments hides. The four rows of a model are of one recipe, tested on what it was not "
        f"trained on: segments, repetitions, sessions, movements. Preset body has one layer of {body.hidden} over the "
        f"body in shoulder widths, augmented; the random split gives it fewer windows, so {passes} times the passes "
        f"over them. Preset fast has two layers of {fast.hidden} over the paper's z-scored features, both classes "
        "weighed alike; so the two models differ in more than features, and neither is one of Table 4's. Chance is an "
        "AUROC of 0.5. Intervals are bootstrapped over recordings."
    )


def _row(model: str, tested_on: str, figures: dict[str, Any] | None) -> Sequence[Cell]:
    if figures is None:
        return (model, tested_on, *[None] * 8)
    live = figures.get("live") or []
    live = live if isinstance(live, list) else [live]
    false_alerts = _false_alerts(live) if live else None
    waits_s = [one["time_to_alert_p50_s"] for one in live if one["time_to_alert_p50_s"] is not None]
    wait_s = statistics.median(waits_s) if waits_s else None
    low, high = figures["ci"]
    share = figures["test"] if "test" in figures else 100 * figures["accuracy"]
    return (
        model, tested_on, figures["train_windows"], figures["auroc"], f"{low:.3f} to {high:.3f}", figures["eer"], share,
        figures["always_fake"], false_alerts, wait_s,
    )  # fmt: skip


def _false_alerts(live: Sequence[dict[str, Any]]) -> str:
    """Tell alerts and the time that could have had any, folds together; older results don't know that time."""
    if any("exposed_hours" not in one for one in live):
        return f"{sum(one['false_alerts'] for one in live)} in unknown time"
    told, untold = ([one for one in live if bool(one["too_short"]) == short] for short in (False, True))
    hours, count = (sum(one[name] for one in told) for name in ("exposed_hours", "false_alerts"))
    more = sum(one["false_alerts"] for one in untold)  # too short for a rate, and alerts all the same
    said = [f"{count} in {hours:.2f} h"] * bool(told)
    return "; ".join([*said, f"{more}, too short to tell"] if more else said) or "too short to tell"


def _networks(report: dict[str, Any]) -> Table:
    """Say what the picture networks are, since the paper only names them."""
    size = SIZES[report["scale"]]
    recipe = picture_recipe(size, report["seed"])
    labels = {ours: label for label, ours, *_ in (*TABLE_5, *TABLE_6)}
    said = (
        "The paper names these networks, and tells neither how they were trained nor how poses became pictures. Ours "
        "look at one picture of a segment: time runs down, keypoints run across, the channels are z-scored x, z-scored "
        f"y and “seen”, 150 x 12 stretched to a square of {size.picture_px} px (CNN + LSTM: each second apart). They "
        f"begin with random weights; Adam at {recipe.lr:g}, cosine, {recipe.epochs} epochs, batches of {recipe.batch}."
    )
    rows = [(labels[name], round(weights_of(name, size.picture_px) / 1e6, 2), DIFFERENCES[name]) for name in PICTURES]
    header = ("network", "million weights", "not as it was published")
    return Table("What stands behind the names of Tables 5 and 6", said, header, rows)


def _held(report: dict[str, Any]) -> str:
    """Say so where what was trained on was not held against all of them."""
    held = report.get("conditions", {}).get("held", list(PAPERS))
    if held == list(PAPERS):
        return ""
    return (
        f" The other tables leave out only what breaks {', '.join(held)}." if held else " The others leave out nothing."
    )


def _always(report: dict[str, Any]) -> str:
    share = report.get("always_fake")
    return f"Always answering “fake” gives {share:.2f} % on these data." if share else "Not run yet."


def _facts(report: dict[str, Any]) -> str:
    missing = f"; not finished: {', '.join(report['missing'])}" if report["missing"] else ""
    cut = (
        f" At {report['scale']} scale batches, epochs and windows are cut down: rows show that they run, not how well."
        if report["scale"] != "full"
        else ""
    )
    return (
        f"Person {report['person']}, scale {report['scale']}, seed {report['seed']}, "
        f"data sha256 {report['digest'][:16]}, {report['seconds']:.0f} s of training{missing}.{cut}"
    )


def _text(cell: Cell) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, float):
        return f"{cell:.3f}" if abs(cell) < 1.5 else f"{cell:.2f}"
    return str(cell)


def _markdown(report: dict[str, Any], tables: Sequence[Table], pictures: Sequence[str]) -> str:
    lines = ["# The paper, reproduced", "", _facts(report), ""]
    for table in tables:
        lines += [f"## {table.title}", "", table.said, "", "| " + " | ".join(table.header) + " |"]
        lines += ["|" + "---|" * len(table.header)]
        lines += ["| " + " | ".join(_text(cell) for cell in row) + " |" for row in table.rows] + [""]
    for name in pictures:
        lines += [f"## {_title(name)}", "", *_said(report, name), "", f"![{name}]({name}.png)", ""]
    return "\n".join(lines)


def _html(report: dict[str, Any], tables: Sequence[Table], pictures: dict[str, bytes]) -> str:
    parts = [f"<h1>The paper, reproduced</h1><p>{html.escape(_facts(report))}</p>"]
    for table in tables:
        head = "".join(f"<th>{html.escape(name)}</th>" for name in table.header)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(_text(cell))}</td>" for cell in row) + "</tr>" for row in table.rows
        )
        parts.append(
            f"<h2>{html.escape(table.title)}</h2><p>{html.escape(table.said)}</p><table><tr>{head}</tr>{body}</table>"
        )
    for name, picture in pictures.items():
        said = "<br>".join(html.escape(line) for line in _said(report, name))
        data = base64.b64encode(picture).decode()
        parts.append(f'<h2>{_title(name)}</h2><p>{said}</p><img alt="{name}" src="data:image/png;base64,{data}">')
    style = (
        "body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}"
        "table{border-collapse:collapse;font-variant-numeric:tabular-nums}td,th{border-bottom:1px solid #ccc;"
        "padding:.25rem .7rem;text-align:left}img{max-width:100%}"
    )
    title = f"<title>Reproduction, {html.escape(report['person'])}</title>"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8">{title}<style>{style}</style>{"".join(parts)}</html>\n'
    )


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _said(report: dict[str, Any], name: str) -> list[str]:
    return [
        f"{panel['caption']}. The paper: {panel['paper']}. Our best epoch: {panel['best_epoch']}."
        for panel in report["figures"][name]
    ]
