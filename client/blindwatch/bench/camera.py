"""`camera`: what a face costs a camera, step by step, on one core and per registered pipeline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, Final

import cv2
import numpy as np
import skimage.data

from blindwatch.bench.case import Benchmark, Case
from blindwatch.bench.engine import Engine
from blindwatch.bench.rows import Row
from blindwatch.bench.scale import Scale
from blindwatch.bench.timing import measure
from blindwatch.bench.trial import PLANTED, build, embeddings, keys
from blindwatch.errors import ModelMissing
from blindwatch.he.encrypting import Encryptor
from blindwatch.he.presets import preset
from blindwatch.vision.embedder import Embedding
from blindwatch.vision.image import Image
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.quality import measure_face
from blindwatch.vision.quantise import templates
from blindwatch.vision.registry import Registry

PRESET: Final = "reveal-128"
DETECT: Final = "find the faces of a picture of 1280 x 720"
ALIGN: Final = "align a face and measure its quality"
EMBED: Final = "embed a face"
ENCRYPT: Final = "quantise and encrypt a template"
FACE: Final = "a face from its shot to its ciphertext"
_SIZE: Final = (1280, 720)
_TIMES: Final = 4
"""As often as the other benchmarks, since each step is short."""


def cases(scale: Scale) -> list[Case]:
    """Each pipeline of the registry whose models are on this machine."""
    return [
        Case(f"camera, pipeline {each.name}", partial(_measure, scale, each.name))
        for each in Registry.load().catalogue.pipeline
    ]


BENCHMARK: Final = Benchmark("camera", "What a camera does, on one core.", cases)


def _measure(scale: Scale, name: str) -> Sequence[Row]:
    chosen = preset(PRESET)
    with suppress(ModelMissing):
        pipeline = FacePipeline.named(Registry.load(), name)
        if pipeline.dimension != chosen.dimension:
            return []
        before = cv2.getNumThreads()
        cv2.setNumThreads(1)
        try:
            return _steps(scale.repeats * _TIMES, name, pipeline)
        finally:
            cv2.setNumThreads(before)
    return []


def _steps(repeats: int, name: str, pipeline: FacePipeline) -> Sequence[Row]:
    chosen, picture = preset(PRESET), _picture()
    (found, *_) = pipeline.detect(picture)
    crop = pipeline.crop(picture, found)
    embedding = pipeline.embed(crop)
    encryptor = Encryptor(keys(chosen).encryption)

    def encrypt(vector: Embedding) -> bytes:
        return encryptor.probe(templates(vector[np.newaxis], chosen))

    steps: dict[str, Callable[[], Any]] = {
        DETECT: lambda: pipeline.detect(picture),
        ALIGN: lambda: measure_face(found.landmarks, pipeline.crop(picture, found)),
        EMBED: lambda: pipeline.embed(crop),
        ENCRYPT: lambda: encrypt(embedding),
        FACE: lambda: encrypt(pipeline.embed(crop)),
    }
    rows = []
    for what, work in steps.items():
        timed = measure(work, repeats)
        checked = _check(embedding, timed.results[-1]) if what in (ENCRYPT, FACE) else {}
        row = Row(name=BENCHMARK.name, entries=1, dim=chosen.dimension, cores=1, probes=1)
        rows.append(replace(row, **timed.fields(), **checked, note=f"{what}; pipeline {name}"))
    return rows


def _check(embedding: Embedding, ciphertext: bytes) -> dict[str, Any]:
    """Compare what was made with a list that this person is on, and hold the answer against the integers in clear."""
    chosen = preset(PRESET)
    vectors, _ = embeddings(PLANTED, chosen.dimension)
    vectors[0] = embedding
    subject = build(vectors, embedding.astype(np.float64), chosen, chosen.lowest_threshold)
    verdict = subject.check([Engine.of(subject).match(ciphertext)])
    return {"exact": verdict.exact, "worst_budget_bits": verdict.worst_budget_bits}


def _picture() -> Image:
    """One person, in the middle of a picture of the size that many cameras have."""
    data: Any = skimage.data  # its functions carry no types
    portrait = np.ascontiguousarray(data.astronaut()[..., ::-1])
    width, height = _SIZE
    left, top = (width - portrait.shape[1]) // 2, (height - portrait.shape[0]) // 2
    picture = np.full((height, width, 3), 96, np.uint8)
    picture[top : top + portrait.shape[0], left : left + portrait.shape[1]] = portrait
    return picture
