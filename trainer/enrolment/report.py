"""An enrolment on one page: what was used, what resembles what, and what the alarm costs, as HTML and as a picture."""

import base64
import html
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from trainer.calibration.alarm import NONE_IN
from trainer.enrolment.doubts import FEWEST_EVENTS, LEAST_MINUTES, face_distances
from trainer.enrolment.make import Enrolment, choose
from trainer.faces import LIMIT
from trainer.verify.background import Background

RATES_PER_HOUR = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
HEADER = ("recording", "minutes judged", "evidence under the others", "arms hidden", "looks of other faces")
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "img{width:100%}table{border-collapse:collapse}"
    "td,th{padding:.2rem .8rem;text-align:left;border-bottom:1px solid #ccc}.doubt{background:#fdecea;padding:.5rem}"
)
PERSON, OTHERS, INK = "#2166ac", "#b2182b", "#222222"


def write_report(out: Path, made: Enrolment, background: Background) -> Path:
    """Write PERSON.html and PERSON.png beside the person's file; return the page's path."""
    picture = draw(made)
    out.with_suffix(".png").write_bytes(picture)
    page = out.with_suffix(".html")
    page.write_text(page_of(made, background, picture), encoding="utf-8")
    return page


def page_of(made: Enrolment, background: Background, picture: bytes) -> str:
    """Tell the enrolment in HTML that needs no other file."""
    parts = [
        f"<h1>{html.escape(made.person)}</h1>",
        *(f"<p>{html.escape(said)}</p>" for said in summary(made, background)),
        *(f"<p class=doubt>Doubtful: {html.escape(doubt.sentence)}.</p>" for doubt in made.doubts),
        f'<img alt="Four charts of the enrolment" src="data:image/png;base64,{base64.b64encode(picture).decode()}">',
        "<h2>What would make it better</h2><ul>",
        *(f"<li>{html.escape(said)}</li>" for said in advice(made)),
        "</ul><h2>Recordings</h2>",
        _table(
            ("recording", "minutes judged", "evidence under the others", "arms hidden", "faces left out"), _rows(made)
        ),
    ]
    if made.left_out:
        parts += ["<h2>Left out</h2>", _table(("recording", "why"), list(made.left_out.items()))]
    title = html.escape(f"Enrolment of {made.person}")
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{STYLE}</style>"
        f"<body>{''.join(parts)}</body></html>"
    )


def summary(made: Enrolment, background: Background) -> Iterator[str]:
    """Tell the figures in sentences, each with what it was measured on."""
    alarm = made.alarm
    yield (
        f"{made.minutes:.1f} minutes of {len(made.events)} recordings can be judged; {len(made.left_out)} recordings "
        f"are left out. Background: {background.card.get('people', '?')} people."
    )
    yield (
        f"Each recording judged by the others, against speakers who do not exist: {made.enrolled.eer:.1%} of single "
        "windows of 5 s are confused, both ways. On real impostors it was not measured."
    )
    waits = "never, on those" if alarm.seconds_to_alert is None else f"after {alarm.seconds_to_alert:.0f} s on average"
    wanted = f"chosen for {alarm.wanted_per_hour:g} false alerts an hour"
    yield f"The alarm is at {alarm.rule.alarm:.1f}, {wanted}; on generated speakers it comes {waits}."
    yield "People are harder: of real ones some were found in that time, others in minutes or never (README)."
    if alarm.too_short:
        yield f"How many false alerts that makes can't be told: {alarm.too_short}."


def advice(made: Enrolment) -> Iterator[str]:
    """Tell what is missing, the most pressing first."""
    if len(made.events) < 2 * FEWEST_EVENTS:
        yield f"More events: {len(made.events)} now. What differs from event to event is learned from events alone."
    if made.minutes < 5 * LEAST_MINUTES:
        yield f"More minutes: {made.minutes:.1f} now. Ten and more steady the alarm."
    hidden = [event.name for event in made.events if event.arms_hidden > 0.2]
    if hidden:
        yield f"Recordings with the arms in view: they are often hidden in {', '.join(hidden)}."
    if made.alarm.too_short:
        hours = NONE_IN / made.alarm.wanted_per_hour
        yield f"Genuine speech to count false alerts on: {hours:.0f} hours without one would prove the rate."
    unseen = [face.name for face in made.faces if face.mean is None]
    if unseen:
        yield f"Recordings with a larger face, or turned to the camera: it is not known from {', '.join(unseen)}."
    if made.enrolled.eer > 0.1:
        yield "A background of more people, seen by cameras like yours: `bodywatch trainer background`."


def draw(made: Enrolment) -> bytes:
    """Draw evidence, resemblance, faces and the alarm's cost; (H, W) PNG bytes."""
    figure, axes = plt.subplots(2, 2, figsize=(12, 8.5), constrained_layout=True)
    _evidence(axes[0, 0], made)
    _alarm(axes[0, 1], made)
    names = [event.name for event in made.events]
    _matrix(axes[1, 0], made.enrolled.alike, names, "Movement: cosine between recordings", (-0.2, 1.2), "Blues")
    seen = [face.name for face in made.faces if face.mean is not None]
    _matrix(axes[1, 1], face_distances(made.faces), seen, f"Face: distance (limit {LIMIT:g})", (0.0, 1.2), "Reds")
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=100)
    plt.close(figure)
    return buffer.getvalue()


def _evidence(axes: Axes, made: Enrolment) -> None:
    own, others = np.concatenate(list(made.enrolled.own.values())), made.enrolled.others
    bins = np.linspace(-6, 6, 49)
    axes.hist(
        np.clip(others, -6, 6), bins.tolist(), density=True, alpha=0.6, color=OTHERS, label="speakers who do not exist"
    )
    axes.hist(
        np.clip(own, -6, 6), bins.tolist(), density=True, alpha=0.6, color=PERSON, label="recordings left out in turn"
    )
    axes.axvline(0, color=INK, lw=1)
    axes.set(
        title="Evidence of one window (5 s)", xlabel="log-likelihood ratio: against, for the person", ylabel="density"
    )
    axes.legend(frameon=False, loc="upper center")


def _alarm(axes: Axes, made: Enrolment) -> None:
    waits = [(rate, choose(made.events, made.enrolled, rate).seconds_to_alert) for rate in RATES_PER_HOUR]
    told = [(rate, wait) for rate, wait in waits if wait is not None]
    if told:
        axes.plot([rate for rate, _ in told], [wait for _, wait in told], "o-", color=INK)
    else:
        axes.text(0.5, 0.5, "those who do not exist are not found", ha="center", transform=axes.transAxes)
    axes.set(title="Time to alert", xlabel="false alerts an hour asked for", ylabel="seconds on average", xscale="log")
    axes.set_ylim(bottom=0)
    axes.set_xticks(RATES_PER_HOUR, [f"{rate:g}" for rate in RATES_PER_HOUR])


def _matrix(
    axes: Axes, values: np.ndarray, names: Sequence[str], title: str, limits: tuple[float, float], colours: str
) -> None:
    axes.set_title(title)
    if not len(values):
        axes.text(0.5, 0.5, "none seen", ha="center", transform=axes.transAxes)
        return
    off = np.where(np.eye(len(values), dtype=bool), np.nan, values)
    axes.imshow(off, vmin=limits[0], vmax=limits[1], cmap=colours)
    short = [name if len(name) <= 16 else f"{name[:14]}.." for name in names]
    axes.set_xticks(range(len(names)), short, rotation=60, ha="right", fontsize=8)
    axes.set_yticks(range(len(names)), short, fontsize=8)
    if len(values) <= 12:
        for row, column in np.argwhere(~np.isnan(off)):
            axes.text(column, row, f"{off[row, column]:.2f}", ha="center", va="center", fontsize=8)


def _rows(made: Enrolment) -> list[tuple[str, ...]]:
    others = {face.name: face.others for face in made.faces}
    return [
        (
            event.name,
            f"{event.seconds / 60:.1f}",
            f"{float(made.enrolled.own[event.name].mean()):+.2f}",
            f"{event.arms_hidden:.0%}",
            str(others.get(event.name, 0)),
        )
        for event in made.events
    ]


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return f"<tr>{''.join(f'<{tag}>{html.escape(cell)}</{tag}>' for cell in cells)}</tr>"

    return f"<table>{line(header, 'th')}{''.join(line(row, 'td') for row in rows)}</table>"
