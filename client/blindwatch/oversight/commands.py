"""`blindwatch oversight`: see for yourself that nothing was kept and that every match was computed as claimed."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True)
