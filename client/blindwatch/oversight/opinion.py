"""`blindwatch oversight second-opinion`: decisions drawn at random, decided again under the second scheme.

Who oversees has no key and no template: the photographs behind each decision have to be handed over. Keys are made
for the run, in a process of their own, and are gone with it.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from blindwatch.cli import files
from blindwatch.cli.progress import progress
from blindwatch.errors import ConfigurationError
from blindwatch.oversight.extras import needing
from blindwatch.wire import limits

if TYPE_CHECKING:
    from blindwatch.he.verdicts import VerdictEngine
    from blindwatch.opinion.faces import Templater

COLUMNS: Final = ["probe", "entry", "decision"]
DECISIONS: Final = {"match": True, "no-match": False}


@dataclass(frozen=True)
class Decision:
    """What was decided about two photographs, and their files."""

    probe: Path
    entry: Path
    match: bool


def second_opinion(
    decisions: Annotated[
        Path, typer.Argument(help="CSV with the columns probe, entry, decision (match or no-match).")
    ],
    photographs: Annotated[
        Path, typer.Option(help="Folder that the names of files start from.", file_okay=False)
    ],
    sample: Annotated[int, typer.Option(help="How many decisions to draw.", min=1, max=1000)] = 10,
    threshold: Annotated[
        float | None, typer.Option(help="Lowest similarity of a match; the model's by default.")
    ] = None,
    pipeline: Annotated[str, typer.Option(help="Pipeline of the registry of models.")] = "default",
) -> None:
    """Draw decisions and decide them again in TFHE; the exit code is 1 where a verdict differs."""
    with needing("that find faces", "oversight,vision"):
        from blindwatch.opinion.engine import TfheEngine
        from blindwatch.opinion.environment import installed
        from blindwatch.opinion.faces import Templater
        from blindwatch.vision.pipeline import FacePipeline
        from blindwatch.vision.registry import Registry
    everything = read(files.read_at_most(decisions, limits.BUNDLE_INFO, "list of decisions"), photographs)
    drawn = SystemRandom().sample(everything, min(sample, len(everything)))
    reader = Templater(FacePipeline.named(Registry.load(), pipeline))
    limit = reader.threshold(threshold)
    engine = TfheEngine(installed())
    with progress() as display:
        display.add_task("Making TFHE keys and trying them", total=None)
        engine.start()
    with engine:
        verdicts = opinions(drawn, reader, engine, limit)
    differing = [index for index, match in enumerate(verdicts) if match != drawn[index].match]
    _show(drawn, verdicts, len(everything))
    if differing:
        raise typer.Exit(1)


def read(data: bytes, folder: Path) -> list[Decision]:
    """The decisions of a list; raises ConfigurationError, which names the row and repeats nothing of it."""
    try:
        rows = list(csv.DictReader(StringIO(data.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error):
        raise ConfigurationError("The list of decisions is not a CSV file.") from None
    if not rows or any(sorted(map(str, row)) != sorted(COLUMNS) for row in rows):
        raise ConfigurationError(f"The list of decisions needs rows, and the columns {', '.join(COLUMNS)}.")
    return [_decision(number, row, folder) for number, row in enumerate(rows, start=2)]


def _decision(number: int, row: dict[str, str], folder: Path) -> Decision:
    match = DECISIONS.get(row["decision"] or "")
    probe, entry = (folder / (row[column] or "") for column in ("probe", "entry"))
    if match is None or not probe.is_file() or not entry.is_file():
        raise ConfigurationError(
            f"Line {number} of the list of decisions cannot be used.",
            f"It needs two photographs that exist, and one of: {', '.join(DECISIONS)}.",
        )
    return Decision(probe, entry, match)


def opinions(
    drawn: Sequence[Decision], reader: Templater, engine: VerdictEngine, threshold: int
) -> list[bool]:
    """The verdict of an engine on each decision that was drawn."""
    verdicts: list[bool] = []
    for decision in drawn:
        probe, entry = reader.template(decision.probe), reader.templates([decision.entry])
        verdicts += engine.verdicts(probe, entry, threshold).matches
    return verdicts


def _show(drawn: Sequence[Decision], verdicts: Sequence[bool], of: int) -> None:
    table = Table("Probe", "Entry", "Decided", "Second opinion", title=f"{len(drawn)} of {of} decisions")
    words = {match: word for word, match in DECISIONS.items()}
    for decision, match in zip(drawn, verdicts, strict=True):
        differs = "" if match == decision.match else ", differs"
        table.add_row(
            escape(decision.probe.name),
            escape(decision.entry.name),
            words[decision.match],
            f"{words[match]}{differs}",
        )
    console = Console()
    console.print(table)
    console.print(
        "A verdict that differs is a reason to look, not a finding: scores near the threshold may round either way."
    )
