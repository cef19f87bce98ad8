"""`blindwatch evaluate calibrate`: choose a threshold, and write it down with what was measured of it."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from blindwatch.cli import files
from blindwatch.cli.progress import progress
from blindwatch.deployment import showing
from blindwatch.deployment.operating_point import WHAT, OperatingPoint
from blindwatch.errors import ConfigurationError
from blindwatch.evaluation import options
from blindwatch.evaluation.calibration import Calibration, Calibrator
from blindwatch.evaluation.identification import ASSUMPTION
from blindwatch.evaluation.samples import Samples
from blindwatch.evaluation.toml import written
from blindwatch.he.presets import preset

HEADING = "# Written by 'blindwatch evaluate calibrate'. A draft of a deployment names this file: operating_point.\n"


def calibrate(
    fpir: Annotated[float, typer.Option(help="FPIR to keep to, such as 0.001.")],
    entries: Annotated[int, typer.Option(help="How long the list will be.", min=1)],
    out: Annotated[Path, typer.Option(help="New file for the operating point.", dir_okay=False)],
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
    confident: Annotated[
        bool, typer.Option("--confident", help="Keep the upper end of the interval of FPIR to it.")
    ] = False,
) -> None:
    """Choose the lowest threshold that keeps to an FPIR on a list of this length.

    Warns when the data cannot support it, and says how many comparisons would.
    """
    if not 0 < fpir < 1:
        raise ConfigurationError("An FPIR lies between 0 and 1.")
    if out.exists():
        raise ConfigurationError(f"The file for the {WHAT} is there already.", "Name a new one.")
    chosen = options.choice(None, leave_out, held_out, most, seed)
    data = options.data(faces, embeddings, model, pipeline, detector, embedder, models_dir, chosen)
    with progress() as display:
        samples = data.gather(display)
    found = Calibrator.of(samples, preset(options.PRESET)).choose(fpir, entries, confident=confident)
    text = content(found, samples, options.PRESET).encode()
    files.write_private(out, text, WHAT)
    report(OperatingPoint.read(text), found, Console())


def report(point: OperatingPoint, found: Calibration, console: Console) -> None:
    """Show what was chosen, what is doubtful about it, and what to do with it."""
    console.print(showing.calibrated(point))
    if found.shortfall is not None:
        console.print(f"[bold yellow]Warning:[/] {found.shortfall}", soft_wrap=True)
    if not found.keeps:
        console.print(
            "[bold yellow]Warning:[/] The wanted FPIR cannot be shown: above every false match that was seen, "
            f"only an FPIR of more than {found.fpir.high:.2g} can be ruled out.",
            soft_wrap=True,
        )
    console.print(
        f"[green]Threshold[/] gate {found.thresholds.gate}, fine {found.thresholds.fine:,}. Enrol the list with "
        f"{escape(f'--threshold {found.similarity!r}')}.",
        soft_wrap=True,
    )


def content(found: Calibration, samples: Samples, preset_name: str) -> str:
    """The text of the file."""
    source, expected = samples.source, found.fpir
    if source.model_digest is None:
        raise ConfigurationError(
            "A threshold is for one model.", "Name the model of the embeddings with --model."
        )
    parts: dict[str, Any] = {
        "version": 1,
        "model_digest": source.model_digest,
        "preset": preset_name,
        "threshold": {
            "similarity": found.similarity,
            "gate": found.thresholds.gate,
            "fine": found.thresholds.fine,
        },
        "target": {"fpir": found.wanted, "entries": found.entries},
        "expected": {
            "fpir": expected.value,
            "fpir_95": [expected.low, expected.high],
            "fnir": found.fnir.value,
            "fnir_95": [found.fnir.low, found.fnir.high],
            "basis": "measured" if expected.is_measured else "extrapolated",
            **({} if expected.is_measured else {"assumption": ASSUMPTION}),
        },
        "measured": {
            "data": source.data,
            "embedder": source.embedder,
            **({} if source.detector is None else {"detector": source.detector}),
            "subjects": samples.subjects,
            "comparisons": found.single.trials,
            "false_matches": round(found.single.events),
            "false_match_rate": found.single.value,
            "false_match_rate_95": [found.single.low, found.single.high],
            "comparisons_needed": found.needed,
            "software": f"blindwatch {metadata.version('blindwatch')}",
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        },
    }
    return HEADING + written(parts)
