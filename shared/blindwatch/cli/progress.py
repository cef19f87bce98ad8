"""The project's one style of progress bar."""

from __future__ import annotations

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)


def progress(console: Console | None = None, *, counts_bytes: bool = False) -> Progress:
    """A progress display for work counted in items, or in bytes; it draws on standard error.

    Standard output stays free for what a command prints, so that it can be piped.
    """
    amount = (DownloadColumn(), TransferSpeedColumn()) if counts_bytes else (MofNCompleteColumn(),)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=None, complete_style="cyan", finished_style="green"),
        *amount,
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
        console=console or Console(stderr=True),
        expand=True,
    )
