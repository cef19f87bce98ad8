"""`blindwatch oversight scan`: search stores, logs, traffic, memory and swap for what should not be there."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from blindwatch.cli import files
from blindwatch.cli.progress import progress
from blindwatch.errors import ConfigurationError
from blindwatch.oversight.scan.result import FoundThing, ScanResult

if TYPE_CHECKING:
    from blindwatch.oversight.scan.scanning import Scan

Work = tuple[int, Callable[[Callable[[int], None]], None]]
"""How many bytes to expect, and what searches them and tells how many are done."""

_SHOWN: Final = 50


def scan(
    places: Annotated[
        list[Path] | None,
        typer.Argument(help="Files, devices or folders: stores, logs, core dumps, captures."),
    ] = None,
    pid: Annotated[
        list[int] | None,
        typer.Option(help="Process whose memory to search, with those it started; again for more."),
    ] = None,
    pause: Annotated[
        bool, typer.Option("--pause", help="Let each of these processes stand still meanwhile.")
    ] = False,
    swap: Annotated[
        bool, typer.Option("--swap", help="Search swap as well, as far as it can be read.")
    ] = False,
    canaries: Annotated[
        list[Path] | None, typer.Option(help="Folder of 'canary make'; again for more.", file_okay=False)
    ] = None,
    own_key: Annotated[
        list[Path] | None,
        typer.Option(
            help="Public key of what is searched, whose private key it may hold: a register, a log.vkey, PEM."
        ),
    ] = None,
    vectors: Annotated[
        bool, typer.Option(help="Report whatever looks like a template. Models of cameras have some as well.")
    ] = True,
    json_: Annotated[
        Path | None, typer.Option("--json", help="New file for the report as JSON: scan.json.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="New file for the report to read and print.")] = None,
) -> None:
    """Search for canaries, images, secret keys and templates, byte by byte. Nothing that is found is shown or kept.

    Exit code 1 if anything is found. The report says first what a scan cannot show.
    """
    if not (places or pid or swap):
        raise ConfigurationError(
            "There is no place to search.", "Name a folder, a process with --pid, or --swap."
        )
    _check_new(json_, html)
    made = _scan(canaries or [], own_key or [], vectors=vectors)
    with ExitStack() as stack:
        work = [*_places(made, places or []), *_processes(made, pid or [], stack, pause=pause)]
        if swap:
            work.append((0, made.swap))
        with progress(counts_bytes=True) as display:
            task = display.add_task("Searching", total=sum(size for size, _ in work))
            for _, search in work:
                search(lambda count: display.advance(task, count))
    result = made.result()
    if json_ is not None:
        files.write_private(json_, result.to_json(), "report")
    if html is not None:
        from blindwatch.oversight.scan.report import page

        files.write_private(html, page(result).encode(), "report")
    _show(result)
    if result.findings:
        raise typer.Exit(1)


def _check_new(*reports: Path | None) -> None:
    """Refuse files that cannot be written before the work is done that would then be lost."""
    if any(report is not None and (report.exists() or not report.parent.is_dir()) for report in reports):
        raise ConfigurationError(
            "A file to write is there already, or its folder is not.",
            "Name a new file in an existing folder.",
        )


def _scan(canaries: list[Path], keys: list[Path], *, vectors: bool) -> Scan:
    # Loaded only here: compiled code and decompressors that no other command of oversight needs.
    from blindwatch.oversight.canary.folder import read_canaries, sought
    from blindwatch.oversight.scan.own_keys import own_keys
    from blindwatch.oversight.scan.scanning import Scan

    known = {key for path in keys for key in own_keys(path)}
    read = [canary for folder in canaries for canary in read_canaries(folder)]
    return Scan(sought(read, known, vectors=vectors))


def _places(made: Scan, places: list[Path]) -> list[Work]:
    return [(made.expect(root), lambda advance, root=root: made.path(root, advance)) for root in places]  # type: ignore[misc]


def _processes(made: Scan, pids: list[int], stack: ExitStack, *, pause: bool) -> list[Work]:
    from blindwatch.oversight.scan.memory import family, size_of, stopped

    found = [each for pid in pids for each in family(pid) if each != os.getpid()]
    if pause:
        stack.enter_context(stopped(found))
    return [(size_of(each), lambda advance, each=each: made.process(each, advance)) for each in found]  # type: ignore[misc]


def _show(result: ScanResult) -> None:
    console = Console()
    console.print(
        f"Searched {result.size / 1e6:,.1f} MB and {result.unpacked / 1e6:,.1f} MB packed in it, with"
        f" {result.needles.count:,} needles of {result.needles.canaries} canaries.",
        soft_wrap=True,
    )
    if result.findings:
        console.print(_table(result.findings))
    for left in result.not_searched[:_SHOWN]:
        console.print(f"[yellow]Not searched:[/] {escape(left.place)}: {escape(left.why)}", soft_wrap=True)
    if len(result.not_searched) > _SHOWN:
        console.print(f"[yellow]and {len(result.not_searched) - _SHOWN} more places[/], all in the report")
    console.print(f"[{'bold red' if result.findings else 'green'}]{result.headline}.[/]")
    console.print("[dim]What a scan cannot show is on the first page of its report (--html).[/]")


def _table(found: tuple[FoundThing, ...]) -> Table:
    table = Table("Place", "Kind", "What", "Count", "First at", title="What was found")
    for each in found[:_SHOWN]:
        place = " > ".join((each.place, *each.within))
        table.add_row(escape(place), each.kind, escape(each.what), f"{each.count:,}", f"{each.offset:,}")
    if len(found) > _SHOWN:
        table.caption = f"and {len(found) - _SHOWN} more, all in the report"
    return table
