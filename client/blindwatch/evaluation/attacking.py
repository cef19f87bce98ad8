"""`blindwatch evaluate attacks`: what attacks on templates achieve, tried out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from blindwatch.cli.progress import progress
from blindwatch.errors import CipherError
from blindwatch.evaluation import attack_report, options
from blindwatch.evaluation.attacks import Attempt
from blindwatch.evaluation.running import publish
from blindwatch.he.memory import keep_freed
from blindwatch.he.presets import preset


def attacks(
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
    similarity: options.Similarity = None,
    operating_point: options.PointFile = None,
    targets: Annotated[
        int, typer.Option(help="How many faces, and how many entries, are attacked.", min=2)
    ] = 30,
    out: options.Out = Path("blindwatch-attacks"),
) -> None:
    """Try template recovery, boundary search and linking, and say how far they come and what stops them."""
    keep_freed()
    chosen = options.choice(None, leave_out, held_out, most, seed)
    data = options.data(faces, embeddings, model, pipeline, detector, embedder, models_dir, chosen)
    decides = options.Decision.of(similarity, operating_point, model or data.models.embedder)
    with progress() as display:
        samples = data.gather(display)
        decides.check(samples)
        made_for = preset(options.PRESET)
        found = Attempt(samples, made_for, decides.thresholds, targets, seed, display).run()
    publish(attack_report.report(found), out)
    if found.accuracy.different:
        raise CipherError(
            f"{found.accuracy.different:,} comparisons differ from those in clear.", "Report it."
        )
