"""Subjects who were never there: embeddings on a sphere whose likeness is known, for one group or for several."""

from __future__ import annotations

import numpy as np

from blindwatch.evaluation.samples import Floats, Samples, Source, choose

SYNTHETIC = Source("synthetic subjects", "none", None, None)
DIMENSION = 128


def unit(rows: Floats) -> Floats:
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True))


def faces(
    rng: np.random.Generator,
    subjects: int,
    photographs: int,
    spread: float = 0.7,
    crowding: float = 0.0,
    centre: Floats | None = None,
) -> Floats:
    """Embeddings (subjects * photographs, d): subjects crowd towards a centre, photographs spread around them."""
    centre = unit(rng.normal(size=DIMENSION)) if centre is None else centre
    means = unit(unit(rng.normal(size=(subjects, DIMENSION))) + crowding * centre)
    noise = unit(rng.normal(size=(subjects, photographs, DIMENSION)))
    return unit(means[:, np.newaxis] + spread * noise).reshape(-1, DIMENSION)


def samples(embeddings: Floats, photographs: int, **labels: list[str]) -> Samples:
    """So many photographs of each subject, in order; labels are one for each subject."""
    names = [f"s{number // photographs:05}" for number in range(len(embeddings))]
    order, entry = choose(names, photographs, seed=1)
    return Samples(
        source=SYNTHETIC,
        images=[f"{name}/{number}.jpg" for number, name in enumerate(names)],
        subject=np.arange(len(names)) // photographs,
        embeddings=embeddings[order],
        entry=entry,
        labels={name: np.repeat(values, photographs) for name, values in labels.items()},
    )
