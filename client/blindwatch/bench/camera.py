"""`camera`: what a face costs a camera, step by step and all together, per registered pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any, Final

import cv2
import numpy as np
import skimage.data

from blindwatch.bench.case import Benchmark, Case
from blindwatch.bench.engine import Engine
from blindwatch.bench.rows import Row
from blindwatch.bench.scale import Scale, available_cores
from blindwatch.bench.timing import Timed, compare, measure
from blindwatch.bench.trial import PLANTED, build, embeddings, keys
from blindwatch.errors import InternalError, ModelMissing
from blindwatch.he.encrypting import Encryptor
from blindwatch.he.presets import preset
from blindwatch.vision.embedder import Embedding
from blindwatch.vision.image import Image
from blindwatch.vision.pipeline import DEFAULT, FacePipeline
from blindwatch.vision.quality import SMALLEST_EYES, measure_face
from blindwatch.vision.quantise import templates
from blindwatch.vision.registry import Registry

PRESET: Final = "reveal-128"
DETECT: Final = "find the faces of a picture of 1280 x 720"
ALIGN: Final = "align a face and measure its quality"
EMBED: Final = "embed a face"
ENCRYPT: Final = "quantise and encrypt a template"
FACE: Final = "a face from its shot to its ciphertext"
ANY_SIZE: Final = "faces of any size, as in a photograph"
CROWDS: Final = {
    count: f"pictures with {word}" for count, word in ((1, "one face"), (2, "two faces"), (5, "five faces"))
}
"""By the number of faces in each picture."""
CORES: Final = 2
"""Those that the bar is set for."""
_SIZE: Final = (1280, 720)
_FACE_COLUMN: Final = 224
"""Where the face is in the portrait."""
_PICTURES: Final = 6
"""So many are looked at in a row, so that both threads have something to do."""
_TIMES: Final = 4
"""As often as the other benchmarks, since each step is short."""
_ROW: Final = Row(name="camera", entries=1, dim=preset(PRESET).dimension, cores=1, probes=1)


def cases(scale: Scale) -> list[Case]:
    """Each pipeline of the registry whose models are on this machine."""
    return [
        Case(f"camera, pipeline {each.name}", partial(_measure, scale, each.name))
        for each in Registry.load().catalogue.pipeline
    ]


BENCHMARK: Final = Benchmark("camera", "What a camera does with faces.", cases)


def rate_note(count: int, pipeline: str = DEFAULT) -> str:
    """How the note of pictures with so many faces begins."""
    return f"{CROWDS[count]}, each taken for new, to their ciphertexts; pipeline {pipeline}"


def _measure(scale: Scale, name: str) -> Sequence[Row]:
    with suppress(ModelMissing):
        pipeline = FacePipeline.named(Registry.load(), name)
        if pipeline.dimension == preset(PRESET).dimension:
            steps = _steps(scale.repeats * _TIMES, name, pipeline)
            return [*steps, *_rates(scale.repeats, name, pipeline)]
    return []


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """So many threads for a search."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(count)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def _steps(repeats: int, name: str, pipeline: FacePipeline) -> Iterator[Row]:
    """Each step by itself, on one core."""
    picture, encrypt = _picture(1), _encryption()
    (found, *_) = pipeline.detect(picture, SMALLEST_EYES)
    crop = pipeline.crop(picture, found)
    embedding = pipeline.embed(crop)
    steps: dict[str, Callable[[], Any]] = {
        ALIGN: lambda: measure_face(found.landmarks, pipeline.crop(picture, found)),
        EMBED: lambda: pipeline.embed(crop),
        ENCRYPT: lambda: encrypt(embedding),
        FACE: lambda: encrypt(pipeline.embed(crop)),
    }
    row = replace(_ROW, cores=1)
    with _threads(1):
        large, every = compare(
            lambda: pipeline.detect(picture, SMALLEST_EYES), lambda: pipeline.detect(picture), repeats
        )
        yield replace(row, **large.against(ANY_SIZE, every.median), note=f"{DETECT}; pipeline {name}")
        for what, work in steps.items():
            timed = measure(work, repeats)
            checked = _check(embedding, timed.results[-1]) if what in (ENCRYPT, FACE) else {}
            yield replace(row, **timed.fields(), **checked, note=f"{what}; pipeline {name}")


def _rates(repeats: int, name: str, pipeline: FacePipeline) -> Iterator[Row]:
    """Pictures as a camera works on them: faces are found in one thread, embedded and encrypted in another."""
    encrypt, cores = _encryption(), min(CORES, available_cores())
    with _threads(cores), ThreadPoolExecutor(1) as sender:
        for count in CROWDS:
            picture = _picture(count)

            def work(picture: Image = picture) -> list[tuple[Embedding, bytes]]:
                waiting = [
                    sender.submit(_send, pipeline, crop, encrypt)
                    for _ in range(_PICTURES)
                    for crop in _shots(pipeline, picture)
                ]
                return [each.result() for each in waiting]

            timed = measure(work, repeats)
            (*_, last) = found = timed.results[-1]
            if len(found) != count * _PICTURES:
                raise InternalError("The camera did not find the faces that are in the picture.")
            each: Timed[None] = Timed([seconds / _PICTURES for seconds in timed.seconds])
            row = replace(_ROW, cores=cores, probes=count, **each.fields(), **_check(*last))
            yield replace(row, note=f"{rate_note(count, name)}: {count / each.median:.1f} faces/s")


def _shots(pipeline: FacePipeline, picture: Image) -> Iterator[Image]:
    """The aligned faces of a picture, each measured as by a camera for videos."""
    for found in pipeline.detect(picture, SMALLEST_EYES):
        crop = pipeline.crop(picture, found)
        measure_face(found.landmarks, crop)
        yield crop


def _send(
    pipeline: FacePipeline, crop: Image, encrypt: Callable[[Embedding], bytes]
) -> tuple[Embedding, bytes]:
    embedding = pipeline.embed(crop)
    return embedding, encrypt(embedding)


def _encryption() -> Callable[[Embedding], bytes]:
    """From an embedding to the ciphertext of its template."""
    chosen = preset(PRESET)
    encryptor = Encryptor(keys(chosen).encryption)
    return lambda embedding: encryptor.probe(templates(embedding[np.newaxis], chosen))


def _check(embedding: Embedding, ciphertext: bytes) -> dict[str, Any]:
    """Compare what was made with a list that this person is on, and hold the answer against the integers in clear."""
    chosen = preset(PRESET)
    vectors, _ = embeddings(PLANTED, chosen.dimension)
    vectors[0] = embedding
    subject = build(vectors, embedding.astype(np.float64), chosen, chosen.lowest_threshold)
    verdict = subject.check([Engine.of(subject).match(ciphertext)])
    return {"exact": verdict.exact, "worst_budget_bits": verdict.worst_budget_bits}


def _picture(count: int) -> Image:
    """One person so many times, side by side in a picture of the size that many cameras have."""
    data: Any = skimage.data  # its functions carry no types
    portrait = np.ascontiguousarray(data.astronaut()[..., ::-1])
    (width, height), (tall, wide, _) = _SIZE, portrait.shape
    picture = np.full((height, width, 3), 96, np.uint8)
    side = min(wide, width // count)
    start = min(max(_FACE_COLUMN - side // 2, 0), wide - side)
    top = (height - tall) // 2
    for number in range(count):
        left = ((2 * number + 1) * width // count - side) // 2
        picture[top : top + tall, left : left + side] = portrait[:, start : start + side]
    return picture
