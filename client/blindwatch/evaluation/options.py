"""What all commands of the evaluation ask for: the data and the models."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer
from rich.progress import Progress

from blindwatch.deployment.operating_point import OperatingPoint
from blindwatch.errors import ConfigurationError, StatementMismatch
from blindwatch.evaluation.acquiring import Models, acquisition
from blindwatch.evaluation.reading import Choice, acquire, find, read_embeddings, read_names
from blindwatch.evaluation.samples import Samples, Source
from blindwatch.he.presets import Thresholds, preset
from blindwatch.vision import catalogue
from blindwatch.vision.pipeline import DEFAULT as DEFAULT
from blindwatch.vision.registry import VARIABLE, Registry

PRESET: Final = "reveal-128"

Faces = Annotated[
    Path | None, typer.Option(help="Folder with NAME/*.jpg, as in LFW.", exists=True, file_okay=False)
]
Embeddings = Annotated[
    Path | None,
    typer.Option(help="NumPy .npz with 'names' (NAME/FILE) and 'embeddings'.", exists=True, dir_okay=False),
]
Model = Annotated[str | None, typer.Option(help="The registered model that saved embeddings are from.")]
Pipeline = Annotated[str, typer.Option(help="The registered pipeline that photographs go through.")]
Detector = Annotated[str | None, typer.Option(help="Another detector than the pipeline's.")]
Embedder = Annotated[str | None, typer.Option(help="Another embedder than the pipeline's.")]
ModelsDir = Annotated[
    Path | None,
    typer.Option(envvar=VARIABLE, file_okay=False, help="Directory of models that is searched first."),
]
Groups = Annotated[
    Path | None,
    typer.Option(help="CSV: 'image' or 'subject', then columns of labels.", exists=True, dir_okay=False),
]
LeaveOut = Annotated[
    Path | None, typer.Option(help="Photographs with wrong names, one a line.", exists=True, dir_okay=False)
]
HeldOut = Annotated[
    bool, typer.Option("--held-out", help="Only people whom none of the project's own models has seen.")
]
Most = Annotated[int, typer.Option(help="Photographs of each subject at most.", min=2)]
Seed = Annotated[int, typer.Option(help="Of every choice at random.", min=0)]
Similarity = Annotated[
    float | None, typer.Option(help="Lowest similarity of a match; the model's operating point by default.")
]
PointFile = Annotated[
    Path | None,
    typer.Option(
        "--operating-point",
        help="A file of 'evaluate calibrate' to take it from.",
        exists=True,
        dir_okay=False,
    ),
]
Out = Annotated[Path, typer.Option(help="Folder for report, plots, tables and JSON.", file_okay=False)]


@dataclass(frozen=True)
class Data:
    """Where the samples of a command come from."""

    faces: Path | None
    embeddings: Path | None
    model: str | None
    models: Models
    choice: Choice

    def gather(self, display: Progress) -> Samples:
        """The samples; photographs go through the models first."""
        if (self.faces is None) == (self.embeddings is None):
            raise ConfigurationError(
                "Either photographs or embeddings are evaluated.", "Give --faces or --embeddings."
            )
        if self.embeddings is not None:
            return read_embeddings(
                self.embeddings, self.model, Registry.load(self.models.directory), self.choice
            )
        return self._acquired(self.photographs, display)

    @property
    def photographs(self) -> Path:
        """The folder of photographs, which some commands need."""
        if self.faces is None:
            raise ConfigurationError("This is measured on photographs.", "Give --faces.")
        return self.faces

    def _acquired(self, folder: Path, display: Progress) -> Samples:
        chosen = find(folder, self.choice)
        with acquisition(self.models) as asked:
            rows = acquire(folder, chosen, asked)
            found = [*display.track(rows, len(chosen.images), description="Looking at photographs")]
        pipeline = self.models.load()
        source = Source(
            self.choice.described(folder.name),
            self.models.embedder,
            self.models.detector,
            pipeline.model_digest,
        )
        return chosen.samples(np.stack(found), source)


def data(
    faces: Path | None,
    embeddings: Path | None,
    model: str | None,
    pipeline: str,
    detector: str | None,
    embedder: str | None,
    models_dir: Path | None,
    choice: Choice,
) -> Data:
    """What the options of a command say."""
    named = Models.named(pipeline, models_dir)
    models = Models(detector or named.detector, embedder or named.embedder, models_dir)
    return Data(faces, embeddings, model, models, choice)


def choice(groups: Path | None, leave_out: Path | None, held_out: bool, most: int, seed: int) -> Choice:
    """Which photographs the options of a command say."""
    left_out = frozenset[str]() if leave_out is None else read_names(leave_out)
    return Choice(most, seed, held_out, left_out, groups)


@dataclass(frozen=True)
class Decision:
    """The threshold at which something is evaluated."""

    thresholds: Thresholds
    model_digest: str | None
    """What the operating point was measured of, where one was given."""

    @classmethod
    def of(cls, similarity: float | None, operating_point: Path | None, embedder: str) -> Decision:
        """A similarity, that of an operating point, or that of the model."""
        if similarity is not None and operating_point is not None:
            raise ConfigurationError("There is one threshold.", "Give --similarity or --operating-point.")
        if operating_point is not None:
            point = OperatingPoint.load(operating_point)
            return cls(Thresholds(point.threshold.gate, point.threshold.fine), point.model_digest)
        if similarity is None:
            similarity = Registry.load().find_as(embedder, catalogue.Embedder).operating_point.cosine
        return cls(preset(PRESET).thresholds(similarity), None)

    def check(self, samples: Samples) -> None:
        """Refuse samples of another model than the operating point's."""
        if self.model_digest not in {None, samples.source.model_digest}:
            raise StatementMismatch("The operating point was measured of another model.", "Calibrate again.")
