"""`blindwatch evaluate fairness`: error rates by group, relatives, and what poor photographs cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from blindwatch.cli.progress import progress
from blindwatch.deployment.operating_point import OperatingPoint
from blindwatch.errors import ConfigurationError, StatementMismatch
from blindwatch.evaluation import fairness_report, options
from blindwatch.evaluation.acquiring import acquisition
from blindwatch.evaluation.fairness import assess, decide
from blindwatch.evaluation.quality import Curve, Line
from blindwatch.evaluation.running import publish
from blindwatch.he.presets import Preset, Thresholds, preset
from blindwatch.vision.catalogue import Embedder
from blindwatch.vision.registry import Registry


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
    similarity: Annotated[
        float | None,
        typer.Option(help="Lowest similarity of a match; the model's operating point by default."),
    ] = None,
    operating_point: Annotated[
        Path | None,
        typer.Option(help="A file of 'evaluate calibrate' to take it from.", exists=True, dir_okay=False),
    ] = None,
    entries: Annotated[
        int | None,
        typer.Option(help="Length of the lists that FPIR is for; as long as can be by default.", min=1),
    ] = None,
    relatives: Annotated[
        str | None, typer.Option(help="Column of --groups with one label for relatives and look-alikes.")
    ] = None,
    worsened: Annotated[
        int, typer.Option(help="Photographs to make worse step by step; needs --faces.", min=0)
    ] = 0,
    out: options.Out = Path("blindwatch-fairness"),
) -> None:
    """Compare error rates between groups of people by labels in a CSV file; nothing is inferred about anybody."""
    point = None if operating_point is None else OperatingPoint.load(operating_point)
    chosen = options.choice(groups, leave_out, held_out, most, seed)
    data = options.data(faces, embeddings, model, pipeline, detector, embedder, models_dir, chosen)
    thresholds = _thresholds(preset(options.PRESET), similarity, point, model or data.models.embedder)
    folder = data.photographs if worsened else None
    with progress() as display:
        samples = data.gather(display)
        if point is not None and point.model_digest != samples.source.model_digest:
            raise StatementMismatch("The operating point was measured of another model.", "Calibrate again.")
        columns = [each for each in samples.labels if each != relatives]
        if relatives is not None and relatives not in samples.labels:
            raise ConfigurationError(
                "The CSV file of groups has no column of this name.", "Look at --relatives."
            )
        decided = decide(samples, preset(options.PRESET), thresholds, entries)
        found = assess(decided, preset(options.PRESET), thresholds, columns, relatives, display)
        curves = list[Curve]()
        if folder is not None:
            line = Line.of(samples, preset(options.PRESET), thresholds, worsened, seed)
            with acquisition(data.models) as asked:
                curves += line.curves(folder, asked, display)
    publish(fairness_report.report(found, curves), out)


def _thresholds(
    chosen: Preset, similarity: float | None, point: OperatingPoint | None, embedder: str
) -> Thresholds:
    """What decides: a similarity, that of an operating point, or that of the model."""
    if similarity is not None and point is not None:
        raise ConfigurationError("There is one threshold.", "Give --similarity or --operating-point.")
    if point is not None:
        return Thresholds(point.threshold.gate, point.threshold.fine)
    if similarity is None:
        similarity = Registry.load().find_as(embedder, Embedder).operating_point.cosine
    return chosen.thresholds(similarity)
