"""Reading what is to be evaluated: a folder of photographs, or embeddings that somebody saved."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from blindwatch.cli import files
from blindwatch.errors import ConfigurationError, InputError
from blindwatch.evaluation.acquiring import Acquisition
from blindwatch.evaluation.samples import Floats, Labels, Samples, Source, choose, part
from blindwatch.vision.catalogue import Embedder, Projection
from blindwatch.vision.embedder import Embedding, read_projection
from blindwatch.vision.image import SUFFIXES
from blindwatch.vision.pipeline import model_digest
from blindwatch.vision.registry import Registry

_IMAGE: Final = "image"
_SUBJECT: Final = "subject"
_LENGTH: Final = "The embeddings are not as long as those of the model."


@dataclass(frozen=True)
class Choice:
    """Which photographs to take."""

    most: int = 5
    """Of each subject, lest a few much photographed ones make up the mated comparisons."""
    seed: int = 4
    held_out: bool = False
    """Whether to take only subjects that none of the project's own models has seen."""
    left_out: frozenset[str] = frozenset()
    """Photographs known to have wrong names, as NAME/FILE or as FILE without its suffix."""
    groups: Path | None = None
    """CSV file whose first column is `image` (NAME/FILE) or `subject` (NAME), the others labels."""

    def takes(self, image: str) -> bool:
        """Whether the photograph may be chosen."""
        named = {image, Path(image).stem} & self.left_out
        return not named and (not self.held_out or part(subject_of(image)) == "held-out")

    def described(self, name: str) -> str:
        """What is taken from a file or folder of this name, in words."""
        which = "held-out people" if self.held_out else "people"
        return f"{which} of '{name}', at most {self.most} photographs of each"

    def pick(self, images: Sequence[str], embeddings: Floats, source: Source) -> Samples:
        """Samples of what is chosen among photographs whose embeddings are known."""
        kept = [at for at, image in enumerate(images) if self.takes(image)]
        chosen = Chosen.of(self, [images[at] for at in kept])
        return chosen.samples(embeddings[np.array(kept)[chosen.order]], source)


@dataclass(frozen=True)
class Chosen:
    """The photographs that were chosen, in order."""

    images: Sequence[str]
    order: np.ndarray[tuple[int], np.dtype[np.int64]]
    """Their places among those that might have been."""
    entry: np.ndarray[tuple[int], np.dtype[np.bool_]]
    labels: dict[str, Labels]

    @classmethod
    def of(cls, choice: Choice, images: Sequence[str]) -> Chosen:
        """Choose at random with the seed, so many of each subject."""
        if not images:
            raise InputError("There is no photograph to evaluate.", "The folder holds NAME/*.jpg.")
        order, entry = choose([subject_of(image) for image in images], choice.most, choice.seed)
        kept = [images[at] for at in order]
        labels = {} if choice.groups is None else read_labels(choice.groups, kept)
        return cls(kept, order, entry, labels)

    def samples(self, embeddings: Floats, source: Source) -> Samples:
        """With the embedding of each, of unit length or not a number."""
        names = [subject_of(image) for image in self.images]
        subject = np.unique(names, return_inverse=True)[1].astype(np.int64)
        return Samples(source, self.images, subject, embeddings, self.entry, self.labels)


def subject_of(image: str) -> str:
    """Who a photograph NAME/FILE shows."""
    return image.rpartition("/")[0]


def find(folder: Path, choice: Choice) -> Chosen:
    """The photographs of a folder in the layout of Labeled Faces in the Wild, NAME/*.jpg, that are chosen."""
    found = (
        path
        for path in sorted(folder.glob("*/*"))
        if path.suffix.lower() in SUFFIXES and choice.takes(f"{path.parent.name}/{path.name}")
    )
    return Chosen.of(choice, [f"{path.parent.name}/{path.name}" for path in found])


def acquire(folder: Path, chosen: Chosen, acquisition: Acquisition) -> Iterator[Floats]:
    """The embedding of each of them, in order."""
    yield from acquisition.embed([folder / image for image in chosen.images])


def read_embeddings(path: Path, model: str | None, registry: Registry, choice: Choice) -> Samples:
    """What is chosen from a NumPy file with `names` (NAME/FILE) and `embeddings` (n, d), rows of NaN for no face."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            images = [str(name) for name in stored["names"]]
            rows = np.asarray(stored["embeddings"], np.float64)
    except (OSError, ValueError, KeyError):
        raise ConfigurationError(
            "The embeddings cannot be read.", "The file is a NumPy .npz with 'names' and 'embeddings'."
        ) from None
    if rows.ndim != 2 or len(rows) != len(images) or not all("/" in image for image in images):
        raise ConfigurationError("Names and embeddings do not go together.", "A name is NAME/FILE.")
    rows = _unit(rows)
    if model is None:
        unknown = Source(choice.described(path.name), "embeddings of a model that was not named", None, None)
        return choice.pick(images, rows, unknown)
    entry = registry.find_as(model, Embedder)
    projection = None if entry.projection is None else registry.find_as(entry.projection, Projection)
    if projection is not None and rows.shape[1] != entry.dimension:
        rows = _projected(rows, read_projection(registry.read(projection), entry.dimension))
    if rows.shape[1] != entry.dimension:
        raise ConfigurationError(_LENGTH)
    return choice.pick(
        images, rows, Source(choice.described(path.name), model, None, model_digest(entry, projection))
    )


def _projected(rows: Floats, matrix: Embedding) -> Floats:
    """Embeddings as their model's projection makes them."""
    if len(matrix) - 1 != rows.shape[1]:
        raise ConfigurationError(_LENGTH)
    return _unit(rows @ matrix[:-1].astype(np.float64) - matrix[-1])


def read_names(path: Path) -> frozenset[str]:
    """Photographs to leave out, one a line; lines that begin with # do not count."""
    lines = files.read(path, "list of photographs to leave out").decode("utf-8", "replace").splitlines()
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def read_labels(path: Path, images: Sequence[str]) -> dict[str, Labels]:
    """The labels of photographs by column, empty where the file has none."""
    text = files.read(path, "CSV file of groups").decode("utf-8-sig", "replace")
    reader = csv.DictReader(text.splitlines())
    columns = list(reader.fieldnames or ())
    if not columns or columns[0] not in {_IMAGE, _SUBJECT} or len(columns) < 2:
        raise ConfigurationError(
            "The CSV file of groups has no column to know photographs by.",
            "Its first column is 'image' (NAME/FILE) or 'subject' (NAME); the others are labels.",
        )
    rows = {row[columns[0]]: row for row in reader}
    keys = images if columns[0] == _IMAGE else [subject_of(image) for image in images]
    return {
        column: np.array([(rows.get(key, {}).get(column) or "").strip() for key in keys])
        for column in columns[1:]
    }


def _unit(rows: Floats) -> Floats:
    found: Floats = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return found
