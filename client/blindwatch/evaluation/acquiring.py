"""Photographs to embeddings, in processes of their own, so that every core has a pipeline."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from blindwatch.errors import ImageError
from blindwatch.evaluation.samples import Floats
from blindwatch.vision import image
from blindwatch.vision.image import Image
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.registry import Registry

Change = Callable[[Image], Image]
_AT_ONCE: Final = 8

_loaded: list[FacePipeline] = []
"""What the initialiser of a process leaves to its jobs."""


@dataclass(frozen=True)
class Models:
    """The models of a pipeline, and where to look for them first."""

    detector: str
    embedder: str
    directory: Path | None = None

    @classmethod
    def named(cls, pipeline: str, directory: Path | None) -> Models:
        """Those of a pipeline that the registry names."""
        found = Registry.load(directory).pipeline(pipeline)
        return cls(found.detector, found.embedder, directory)

    def load(self) -> FacePipeline:
        """The pipeline; raises `ModelMissing` or `ModelCorrupt`."""
        return FacePipeline.from_registry(Registry.load(self.directory), self.detector, self.embedder)


class Acquisition:
    """Asks processes for the central face of photographs."""

    def __init__(self, pool: ProcessPoolExecutor, dimension: int) -> None:
        self._pool = pool
        self._dimension = dimension

    def embed(self, photographs: Sequence[Path], change: Change | None = None) -> Iterator[Floats]:
        """The embedding of each photograph, in order, once it is changed; not a number where there is none."""
        nothing = np.full(self._dimension, np.nan)
        jobs = ((photograph, change) for photograph in photographs)
        for found in self._pool.map(_embed, jobs, chunksize=_AT_ONCE):
            yield nothing if found is None else found


@contextmanager
def acquisition(models: Models) -> Iterator[Acquisition]:
    """Processes with these models, for as long as they are needed."""
    dimension = models.load().dimension  # here, so that what is wrong with a model is said once
    cores = len(os.sched_getaffinity(0))
    # A fresh interpreter for each, because one that has threads must not be forked.
    with ProcessPoolExecutor(cores, get_context("spawn"), initializer=_load, initargs=(models,)) as pool:
        yield Acquisition(pool, dimension)


def _load(models: Models) -> None:
    cv2.setNumThreads(1)
    _loaded[:] = [models.load()]


def _embed(job: tuple[Path, Change | None]) -> Floats | None:
    photograph, change = job
    try:
        pixels = image.load(photograph)
        faces = _loaded[0].faces(pixels if change is None else change(pixels))
    except ImageError:
        return None
    return faces[0].embedding.astype(np.float64)
