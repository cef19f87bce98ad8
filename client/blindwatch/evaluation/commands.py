"""`blindwatch evaluate`: measure how often recognition errs, and choose a threshold that can be defended."""

from __future__ import annotations

import typer

from blindwatch.evaluation import attacking, calibrating, comparing, running

app = typer.Typer(no_args_is_help=True)
app.command("run")(running.run)
app.command("calibrate")(calibrating.calibrate)
app.command("fairness")(comparing.fairness)
app.command("attacks")(attacking.attacks)
