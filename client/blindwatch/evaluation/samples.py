"""What is evaluated: photographs of known subjects, as embeddings. Nothing of it is written to a disk."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from blindwatch.errors import InputError

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Flags = NDArray[np.bool_]
Labels = NDArray[np.str_]

MOST: Final = 12_000
"""Photographs; every two of them are compared in memory."""
HELD_OUT: Final = 0.2
SELECTION: Final = 0.1


@dataclass(frozen=True)
class Source:
    """Where embeddings come from."""

    data: str
    """In words, without the name of anybody."""
    embedder: str
    detector: str | None
    model_digest: str | None
    """None where nobody said which model made the embeddings."""


@dataclass(frozen=True)
class Samples:
    """Photographs, who they show, and the embedding of each; every subject has one that would be enrolled."""

    source: Source
    images: Sequence[str]
    subject: Indices
    """Of each photograph, as a number from 0."""
    embeddings: Floats
    """Of unit length, shape (n, d); not a number where no face was found."""
    entry: Flags
    labels: Mapping[str, Labels] = field(default_factory=dict)
    """Of each photograph, by the name of a column; empty where there is none."""

    def __post_init__(self) -> None:
        if len(self.images) > MOST:
            raise InputError(
                f"There are more than {MOST:,} photographs.", "Take fewer of each subject, or fewer subjects."
            )
        if self.subjects < 2 or np.bincount(self.subject).max() < 2:
            raise InputError("There must be two subjects at least, and two photographs of one of them.")

    @property
    def subjects(self) -> int:
        """How many subjects there are."""
        return len(np.unique(self.subject))

    @property
    def acquired(self) -> Flags:
        """The photographs in which a face was found."""
        return np.asarray(np.isfinite(self.embeddings).all(axis=1))

    @property
    def dimension(self) -> int:
        """Of the embeddings."""
        return int(self.embeddings.shape[1])

    def select(self, chosen: Flags) -> Self:
        """Some of the photographs, with the subjects numbered anew."""
        return type(self)(
            source=self.source,
            images=[image for image, kept in zip(self.images, chosen, strict=True) if kept],
            subject=np.unique(self.subject[chosen], return_inverse=True)[1].astype(np.int64),
            embeddings=self.embeddings[chosen],
            entry=self.entry[chosen],
            labels={name: values[chosen] for name, values in self.labels.items()},
        )


def part(name: str) -> str:
    """What a subject is for where the project's own models are trained: held out, for selection, or to train on."""
    # The last bytes of the digest: what photographs there are had been chosen by the first ones.
    share = int.from_bytes(hashlib.sha256(name.encode()).digest()[-8:], "big") / 2**64
    return "held-out" if share < HELD_OUT else "selection" if share < HELD_OUT + SELECTION else "train"


def choose(names: Sequence[str], most: int, seed: int) -> tuple[Indices, Flags]:
    """At most so many photographs of each name, at random, in order; and which of these would be enrolled."""
    rng = np.random.default_rng(seed)
    every = np.array(names)
    kept, entries = [], []
    for name in np.unique(every):
        own = rng.permutation(np.flatnonzero(every == name))[:most]
        kept.append(own)
        entries.append(own[0])
    order = np.sort(np.concatenate(kept))
    return order, np.isin(order, entries)
