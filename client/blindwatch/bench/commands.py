"""`blindwatch bench`: measures the engine, checks every answer, and records a run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from blindwatch.bench import machine, suite, wording
from blindwatch.bench.record import Record
from blindwatch.bench.rows import Row
from blindwatch.bench.scale import FULL, QUICK
from blindwatch.cli.progress import progress
from blindwatch.errors import ConfigurationError
from blindwatch.he.memory import keep_freed

TABLE_WIDTH: Final = 130
"""Where the output is kept, tables have this width at least."""

# Without sub-commands, options may stand behind the name too.
app = typer.Typer(context_settings={"allow_interspersed_args": True})


@app.callback(invoke_without_command=True)
def bench(
    name: Annotated[
        str | None, typer.Argument(help=f"One of {', '.join(suite.BENCHMARKS)}; all if not given.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="The smallest form of each, to see it run.")] = False,
    record: Annotated[
        Path | None,
        typer.Option(help="Folder whose results, plots and tables are replaced.", file_okay=False),
    ] = None,
    faces: Annotated[
        Path | None,
        typer.Option(help="Folder with NAME/*.jpg for 'live'.", exists=True, file_okay=False),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(help="For how long faces come in 'live', at each rate.", min=1, max=600),
    ] = None,
) -> None:
    """Measure the engine beside others in the same run, and check every answer."""
    benchmarks = suite.chosen(name)
    if record is not None and (quick or name is not None):
        raise ConfigurationError("Only a whole run is recorded.", "Leave out the name and --quick.")
    chosen = QUICK if quick else FULL
    scale = replace(chosen, faces=faces, seconds=seconds or chosen.seconds)
    keep_freed()
    with progress() as display:
        rows = suite.run(benchmarks, scale, display)
    if record is not None:
        Record(machine.describe(), rows).write(record)
    if as_json:
        typer.echo(json.dumps([row.to_json() for row in rows], indent=1))
    else:
        _show(rows)


def _show(rows: Sequence[Row]) -> None:
    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, TABLE_WIDTH)
    for name, benchmark in suite.BENCHMARKS.items():
        if lines := [wording.cells(row) for row in rows if row.name == name]:
            console.print(_table(benchmark.summary, lines))


def _table(title: str, lines: Sequence[Sequence[str]]) -> Table:
    """A table without the columns that are empty in all its lines."""
    table = Table(
        title=title,
        box=box.SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
        pad_edge=False,
        collapse_padding=True,
    )
    kept = [at for at in range(len(wording.COLUMNS)) if any(line[at] != wording.NONE for line in lines)]
    for at in kept:
        right = wording.COLUMNS[at] in wording.RIGHT
        table.add_column(wording.COLUMNS[at], justify="right" if right else "left", no_wrap=right)
    for line in lines:
        table.add_row(*(line[at] for at in kept))
    return table
