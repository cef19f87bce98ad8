"""The result of a run on the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from blindwatch.demo.outcome import Outcome, Sighting
from blindwatch.demo.wording import duration, seen_by, size, summary

_STYLES = {"found": "bold green", "missed": "yellow", "false match": "bold red", "no match": "dim"}


def tables(outcome: Outcome) -> Iterator[RenderableType]:
    """What is printed at the end, from the details to the result."""
    yield _steps(outcome)
    yield Text()
    yield _probes(outcome)
    yield Text.from_markup("\n".join(f"[bold]•[/] {escape(sentence)}" for sentence in summary(outcome)))


def _probes(outcome: Outcome) -> Table:
    table = _table("Probes in the order of the camera: decision, bytes, and time with each role")
    table.add_column("Passer-by")
    table.add_column("Decision", no_wrap=True)
    table.add_column("Entry")
    table.add_column("Score", justify="right")
    table.add_column("Seen by", no_wrap=True)
    for name in ("Sent", "Result", "Camera", "Server", "Operator"):
        table.add_column(name, justify="right", no_wrap=True)
    for sighting in outcome.sightings:
        table.add_row(*_row(sighting), style="" if sighting.matches else "dim")
    table.caption = f"A score of {outcome.threshold} to {outcome.highest} is a match."
    return table


def _row(sighting: Sighting) -> tuple[str | Text, ...]:
    return (
        Text(sighting.person),
        Text(sighting.verdict, _STYLES[sighting.verdict]),
        Text(", ".join(match.entry.name for match in sighting.matches) or "-"),
        ", ".join(str(match.score) for match in sighting.matches) or "-",
        seen_by(sighting),
        size(sighting.probe_bytes),
        size(sighting.result_bytes),
        duration(sighting.camera_ms),
        duration(sighting.server_ms),
        duration(sighting.operator_ms),
    )


def _steps(outcome: Outcome) -> Table:
    table = _table("Steps, each role in a process of its own")
    table.add_column("Role", no_wrap=True)
    table.add_column("Work")
    for name in ("Times", "Time each", "Sent each"):
        table.add_column(name, justify="right", no_wrap=True)
    for step in outcome.steps:
        table.add_row(step.role, step.work, str(step.times), duration(step.milliseconds), size(step.size))
    return table


def _table(title: str) -> Table:
    return Table(
        title=title,
        box=box.SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
        caption_justify="left",
        pad_edge=False,
        show_edge=False,
        collapse_padding=True,
    )
