"""`blindwatch evaluate fairness`: error rates by group, relatives, and what poor photographs cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from blindwatch.cli.progress import progress
from blindwatch.errors import ConfigurationError
from blindwatch.evaluation import fairness_report, options
from blindwatch.evaluation.acquiring import acquisition
from blindwatch.evaluation.fairness import assess, decide
from blindwatch.evaluation.quality import Curve, Line
from blindwatch.evaluation.running import publish
from blindwatch.he.presets import preset


def fairness(
    groups: options.Groups,
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
    entries: Annotated[
        int | None,
        typer.Option(help="Length of the lists that FPIR is for; as long as can be by default.", min=1),
    ] = None,
    relatives: Annotated[
        str | None, typer.Option(help="Column of --groups with one label for relatives and look-alikes.")
    ] = None,
    condition: Annotated[
        list[str] | None,
        typer.Option(
            help="Column of --groups that says something of the photograph, not of people; again for more."
        ),
    ] = None,
    worsened: Annotated[
        int, typer.Option(help="Photographs to make worse step by step; needs --faces.", min=0)
    ] = 0,
    out: options.Out = Path("blindwatch-fairness"),
) -> None:
    """Compare error rates between groups of people by labels in a CSV file; nothing is inferred about anybody."""
    chosen = options.choice(groups, leave_out, held_out, most, seed)
    data = options.data(faces, embeddings, model, pipeline, detector, embedder, models_dir, chosen)
    decides = options.Decision.of(similarity, operating_point, model or data.models.embedder)
    made_for, thresholds = preset(options.PRESET), decides.thresholds
    folder = data.photographs if worsened else None
    with progress() as display:
        samples = data.gather(display)
        decides.check(samples)
        named = {*(condition or ()), *([] if relatives is None else [relatives])}
        if not named <= samples.labels.keys():
            raise ConfigurationError(
                "The CSV file of groups has no column of this name.", "Look at --relatives and --condition."
            )
        columns = [each for each in samples.labels if each not in named]
        decided = decide(samples, made_for, thresholds, entries)
        found = assess(decided, made_for, thresholds, columns, relatives, display, conditions=condition or ())
        curves = list[Curve]()
        if folder is not None:
            line = Line.of(samples, made_for, thresholds, worsened, seed)
            with acquisition(data.models) as asked:
                curves += line.curves(folder, asked, display)
    publish(fairness_report.report(found, curves), out)
