"""What searching a video costs in small faces: the table of docs/camera.md, with the default models.

Photographs of held-out people are scaled until the eyes are so many pixels apart, and searched as photographs are and
as a video is. Run: python benchmarks/small_faces.py ../shared/faces
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from blindwatch.evaluation.reading import Choice, find, subject_of
from blindwatch.vision.align import Points
from blindwatch.vision.image import Image, load
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.quality import SMALLEST_EYES
from blindwatch.vision.registry import Registry

EYES = (20, 24, 28, 36, 44)  # pixels from one to the other
OUT_OF_PLACE = 0.3  # distances between the eyes: another face, or none
DRAWS = 2_000
MEASURED = Path(__file__).parents[1] / "models" / "measured.toml"
FMR = 0.001

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Photograph:
    """A photograph, with what is taken for the truth of it."""

    person: str
    image: Image
    landmarks: Points
    """By YuNet in full size."""
    embedding: Floats
    """In full size."""


@dataclass(frozen=True)
class Found:
    """The face of a scaled photograph, as one search gives it."""

    error: float
    """Mean distance of the landmarks from the true ones, in distances between the eyes."""
    embedding: Floats


def photographs(faces: Path, pipeline: FacePipeline, reference: FacePipeline) -> Iterator[Photograph]:
    """Of people with two photographs or more in which both detectors find a face."""
    wrong = frozenset((faces / "lfw_errata_images.txt").read_text().split())
    chosen = find(faces / "lfw", Choice(held_out=True, left_out=wrong))
    people = [subject_of(name) for name in chosen.images]
    for name, person in track(list(zip(chosen.images, people, strict=True)), "Reading photographs"):
        if people.count(person) > 1:
            image = load(faces / "lfw" / name)
            true, own = reference.detect(image), pipeline.detect(image)
            if true and own:
                embedding = pipeline.describe(image, own[0]).embedding.astype(np.float64)
                yield Photograph(person, image, true[0].landmarks, embedding)


def eyes_of(landmarks: Points) -> float:
    """Pixels from one eye to the other."""
    return float(np.linalg.norm(landmarks[0] - landmarks[1]))


def search(pipeline: FacePipeline, photograph: Photograph, eyes: int, smallest: float) -> Found | None:
    """The face of the photograph at this size, if it is found and in its place."""
    scale = eyes / eyes_of(photograph.landmarks)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    image = cv2.resize(photograph.image, None, fx=scale, fy=scale, interpolation=way).astype(
        np.uint8, copy=False
    )
    true = photograph.landmarks * scale
    found = pipeline.detect(image, smallest)
    errors = [float(np.linalg.norm(each.landmarks - true, axis=1).mean()) / eyes for each in found]
    if not errors or min(errors) > OUT_OF_PLACE:
        return None
    face = pipeline.describe(image, found[int(np.argmin(errors))])
    return Found(min(errors), face.embedding.astype(np.float64))


def misses(every: Sequence[Photograph], found: Sequence[Found], least: float) -> tuple[Floats, float]:
    """How many of its person's others each face does not match; the FMR with those of other people."""
    scores = np.stack([each.embedding for each in found]) @ np.stack([each.embedding for each in every]).T
    people = np.array([each.person for each in every])
    same = people[:, np.newaxis] == people
    mated = same & ~np.eye(len(people), dtype=np.bool_)
    return ((scores < least) & mated).sum(axis=1).astype(np.float64), float((scores >= least)[~same].mean())


def change(people: Sequence[str], difference: Floats, pairs: Floats) -> tuple[float, float]:
    """95 % of draws of the people, of a difference in shares of the pairs."""
    rng = np.random.default_rng(1)
    names = np.unique(people, return_inverse=True)[1]
    missed, compared = (np.bincount(names, weights=each) for each in (difference, pairs))
    drawn = rng.integers(0, len(missed), (DRAWS, len(missed)))
    low, high = np.quantile(missed[drawn].sum(axis=1) / compared[drawn].sum(axis=1), [0.025, 0.975])
    return float(low), float(high)


def row(every: Sequence[Photograph], pipeline: FacePipeline, eyes: int, least: float) -> str:
    """One line of the table, and what is said below it."""
    before, after = (
        [search(pipeline, each, eyes, smallest) for each in track(every, f"Eyes {eyes} px apart")]
        for smallest in (0.0, SMALLEST_EYES)
    )
    shares = [sum(each is not None for each in found) / len(every) for found in (before, after)]
    errors = [float(np.mean([each.error for each in found if each])) for found in (before, after)]
    both = [(one, other) for one, other in zip(before, after, strict=True) if one and other]
    kept = [each for each, one, other in zip(every, before, after, strict=True) if one and other]
    people = [each.person for each in kept]
    pairs = np.array([people.count(each) - 1 for each in people], np.float64)
    (missed, _), (missed_after, fmr) = (misses(kept, found, least) for found in zip(*both, strict=True))
    rates = [float(each.sum() / pairs.sum()) for each in (missed, missed_after)]
    low, high = change(people, missed_after - missed, pairs)
    alike = float(np.mean([one.embedding @ other.embedding for one, other in both]))
    cells = [
        f"{eyes} px",
        *(f"{100 * each:.1f} %" for pair in (shares, errors, rates) for each in pair),
        f"{100 * (rates[1] - rates[0]):.1f} [{100 * low:.1f}, {100 * high:.1f}]",
    ]
    rest = f"{pairs.sum():.0f} pairs, FMR {100 * fmr:.2f} %, mean cosine of the two {alike:.3f}"
    return f"| {' | '.join(cells)} |\n  {rest}"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("faces", type=Path)
    given = asked.parse_args()
    registry = Registry.load(given.faces / "models")
    pipeline, reference = FacePipeline.named(registry), FacePipeline.named(registry, "reference")
    measured = tomllib.loads(MEASURED.read_text())["blindwatch-embedder"]["cascade"]["cosine"]
    least = next(each["threshold"] for each in measured if each["fmr"] == FMR)
    every = list(photographs(given.faces, pipeline, reference))
    print(f"{len(every)} photographs of {len({each.person for each in every})} people")
    for eyes in EYES:
        print(row(every, pipeline, eyes, least), flush=True)


if __name__ == "__main__":
    main()
