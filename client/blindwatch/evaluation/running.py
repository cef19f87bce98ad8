"""`blindwatch evaluate run`: verification, identification and ranked search, three times."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from blindwatch.cli.progress import progress
from blindwatch.errors import CipherError
from blindwatch.evaluation import options, wording
from blindwatch.evaluation.document import Report
from blindwatch.evaluation.measuring import Measurement, Plan
from blindwatch.he.memory import keep_freed
from blindwatch.he.presets import preset


def run(
    faces: options.Faces = None,
    embeddings: options.Embeddings = None,
    model: options.Model = None,
    pipeline: options.Pipeline = options.DEFAULT,
    detector: options.Detector = None,
    embedder: options.Embedder = None,
    models_dir: options.ModelsDir = None,
    leave_out: options.LeaveOut = None,
    held_out: options.HeldOut = False,
    most: options.Most = 5,
    seed: options.Seed = 4,
    fmr: Annotated[list[float] | None, typer.Option(help="FMR to keep to; again for more.")] = None,
    fpir: Annotated[list[float] | None, typer.Option(help="FPIR to keep to; again for more.")] = None,
    entries: Annotated[
        list[int] | None, typer.Option(help="Length of a list to extrapolate to; again for more.", min=1)
    ] = None,
    encrypted: Annotated[
        int | None, typer.Option(help="Photographs to search for under encryption; all by default.", min=1)
    ] = None,
    out: options.Out = Path("blindwatch-evaluation"),
) -> None:
    """Measure error rates in floats, in integers and under encryption, and hold the last two against each other."""
    keep_freed()
    chosen = options.choice(None, leave_out, held_out, most, seed)
    data = options.data(faces, embeddings, model, pipeline, detector, embedder, models_dir, chosen)
    usual = Plan()
    plan = Plan(
        fmr=fmr or usual.fmr,
        fpir=fpir or usual.fpir,
        entries=sorted(entries or usual.entries),
        searched=encrypted,
    )
    with progress() as display:
        found = Measurement(data.gather(display), preset(options.PRESET), plan, display).run()
    publish(wording.report(found), out)
    different = found.tally.different + found.rank_tally.different
    if different:
        raise CipherError(
            f"{different:,} comparisons under encryption differ from those in clear.", "Report it."
        )


def publish(report: Report, out: Path) -> None:
    """Print a report and write it."""
    console = Console()
    report.show(console)
    page = report.write(out)
    console.print(Text.assemble("\nReport: ", (str(page), "bold")), soft_wrap=True)
