"""Who is on the list of `live` and who walks past: photographs, and random vectors where there are too few people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Final, TypeAlias

import cv2
import numpy as np

from blindwatch.bench.scale import Scale, available_cores
from blindwatch.custodian.quality import Quality, measure
from blindwatch.demo.photographs import alter, small_faces
from blindwatch.errors import ConfigurationError, ImageError
from blindwatch.he.presets import Preset
from blindwatch.he.templates import Templates
from blindwatch.vision.embedder import Embedding
from blindwatch.vision.image import Image, files_in, load
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.portrait import SIDE, encoded, portrait
from blindwatch.vision.quantise import templates
from blindwatch.vision.registry import Registry

SIMILARITY: Final = 0.55
"""Where a list of 17,000 people is compared, an operating point for one in a thousand would alert for everybody."""
TILE: Final = 180
"""Pixels of a photograph in the camera's picture."""
STRANGER: Final = 5
"""One in so many who walk past is not on the list."""
_GREY: Final = 96
_BORDER: Final = 40
_ROOM: Final = 60
_MORE: Final = 3
"""So many times as many photographs are looked at as people have to walk: not all are fit for it."""
_AT_ONCE: Final = 8

Photograph: TypeAlias = Path | Image


@dataclass(frozen=True)
class Person:
    """One person: a photograph for a list, and another one for a walk if there is one."""

    listed: Photograph
    seen: Photograph | None


@dataclass(frozen=True)
class Looked:
    """What becomes of a photograph that goes onto a list."""

    embedding: Embedding
    portrait: bytes = field(repr=False)
    quality: Quality


@dataclass(frozen=True)
class Walker:
    """Somebody who walks past: a square picture of them, and what a camera makes of it."""

    tile: Image = field(repr=False)
    embedding: Embedding


@dataclass(frozen=True)
class Crowd:
    """The list, in which people come before random vectors, and those who walk past."""

    listed: Sequence[Looked]
    people: int
    """How many entries of the list are people."""
    walkers: Sequence[Walker]

    @classmethod
    def gather(cls, scale: Scale, preset: Preset) -> Crowd:
        """Look at the photographs; raises ConfigurationError if too few are fit to walk."""
        everybody = built_in() if scale.faces is None else from_folder(scale.faces)
        most = round(scale.seconds * max(scale.rates)) + 1
        kept, others = _split(everybody, most)
        # A fresh interpreter for each, because one that has threads must not be forked.
        with ProcessPoolExecutor(available_cores(), get_context("spawn"), initializer=_load) as pool:
            looked = pool.map(_look, [each.listed for each in kept[: scale.standard]], chunksize=_AT_ONCE)
            known = [(person, each) for person, each in zip(kept, looked, strict=False) if each is not None]
            again = [(at, person.seen) for at, (person, _) in enumerate(known) if person.seen is not None]
            again = again[: most * _MORE]
            seen = list(pool.map(_see, [photograph for _, photograph in again], chunksize=_AT_ONCE))
            strange = list(pool.map(_see, [each.listed for each in others], chunksize=_AT_ONCE))
        listed = [each for _, each in known]
        listed += _random(scale.standard - len(listed), preset.dimension)
        fits = _Fits(listed, preset)
        mated = [each for (at, _), each in zip(again, seen, strict=True) if each and fits(each, at)]
        walkers = list(_mixed(mated, [each for each in strange if each and fits(each, None)]))[:most]
        if len(walkers) <= 1:
            raise ConfigurationError(
                "Too few people in the photographs can be told from all others.",
                "The folder needs one folder for each person, NAME/*.jpg, and two photographs of many.",
            )
        return cls(listed, len(known), walkers)


class _Fits:
    """Whether somebody who walks matches an entry best, or nobody, by the integers in clear."""

    def __init__(self, listed: Sequence[Looked], preset: Preset) -> None:
        self._book = templates([each.embedding for each in listed], preset)
        self._preset = preset

    def __call__(self, walker: Walker, entry: int | None) -> bool:
        return best(self._book, walker.embedding, self._preset) == entry


def best(book: Templates, embedding: Embedding, preset: Preset) -> int | None:
    """The entry that an embedding matches best, by the integers in clear; none if it matches none."""
    decides = preset.thresholds(SIMILARITY)
    coarse, fine = book.scores(templates(embedding[np.newaxis], preset))
    matches = np.flatnonzero((coarse >= decides.gate) & (fine >= decides.fine))
    return int(matches[np.argmax(fine[matches])]) if len(matches) else None


def built_in() -> list[Person]:
    """The small faces that scikit-image carries. The camera sees the same photograph, altered."""
    roomy = [_with_room(face) for face in small_faces()]
    return [Person(face, alter(face)) for face in roomy]


def from_folder(folder: Path) -> list[Person]:
    """A folder of `NAME/*.jpg`; the camera sees another photograph than the list has."""
    people = []
    for each in sorted(folder.iterdir()):
        if each.is_dir():
            files = files_in(each)
            people += [Person(files[0], files[1] if len(files) > 1 else None)] if files else []
    return people


def _with_room(face: Image) -> Image:
    """A small face with as much around it as others have: in a tile, it must not be as wide as a place."""
    room = (_ROOM,) * 4
    return np.asarray(cv2.copyMakeBorder(face, *room, cv2.BORDER_REPLICATE), np.uint8)


def _split(everybody: Sequence[Person], most: int) -> tuple[list[Person], list[Person]]:
    """Who may go onto the list, those with two photographs first, and enough who may not."""
    count = min(most * _MORE // STRANGER + 1, len(everybody) // STRANGER)
    by_need = sorted(everybody, key=lambda person: person.seen is None)
    return by_need[: len(by_need) - count], by_need[len(by_need) - count :]


def _mixed(mated: Sequence[Walker], strangers: Sequence[Walker]) -> Iterator[Walker]:
    """Those on the list, and one in `STRANGER` who is not; as long as there are both."""
    rest = iter(strangers)
    for number, walker in enumerate(mated):
        yield walker
        if (number + 1) % (STRANGER - 1) == 0 and (other := next(rest, None)) is not None:
            yield other


def _random(count: int, dimension: int) -> list[Looked]:
    """Entries that are nobody: unit vectors in random directions, and a grey picture."""
    rng = np.random.default_rng(dimension)
    vectors = rng.standard_normal((max(count, 0), dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    grey = encoded(np.full((SIDE, SIDE, 3), _GREY, np.uint8)).tobytes()
    good = Quality(eyes=60.0, sharpness=0.5, asymmetry=0.0, brightness=128.0, contrast=40.0, rivals=0)
    return [Looked(vector, grey, good) for vector in vectors]


_loaded: list[FacePipeline] = []
"""What the initialiser of a process leaves to its jobs."""


def _load() -> None:
    cv2.setNumThreads(1)
    _loaded[:] = [FacePipeline.named(Registry.load())]


def _look(photograph: Photograph) -> Looked | None:
    try:
        pixels = load(photograph)
        faces = _loaded[0].faces(pixels)
    except ImageError:
        return None
    return Looked(faces[0].embedding, portrait(pixels, faces[0].landmarks), measure(faces))


def _see(photograph: Photograph) -> Walker | None:
    """A photograph as a camera has it; none if it shows not exactly one face that is fit to be sent."""
    try:
        tile = cv2.resize(load(photograph), (TILE, TILE), interpolation=cv2.INTER_AREA).astype(np.uint8)
        around = cv2.copyMakeBorder(
            tile, *(_BORDER,) * 4, cv2.BORDER_CONSTANT, value=(_GREY, _GREY, _GREY)
        ).astype(np.uint8)
        (face,) = _loaded[0].faces(around)
    except (ImageError, ValueError):
        return None
    return None if any(measure([face]).shortcomings()) else Walker(tile, face.embedding)
