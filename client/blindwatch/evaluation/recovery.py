"""Template recovery: whoever knows entries of a list and sees the scores of a face with them solves for the face.

Every score is one linear equation about the template that was searched for. Faces are not spread evenly, so fewer
equations than dimensions are enough: the attacker takes the most likely template, given what the faces it knows are
like. Here it knows the whole list and holds the secret key, as an operator does who has built the list.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final, Self

import numpy as np

from blindwatch.errors import InputError
from blindwatch.evaluation.encrypted import EncryptedList, Integers
from blindwatch.evaluation.ranked import RankedGallery, rank_templates
from blindwatch.evaluation.rates import Rate, independent
from blindwatch.evaluation.samples import Floats, Samples
from blindwatch.he.presets import Preset, Thresholds
from blindwatch.he.ranked.presets import rank_preset
from blindwatch.vision.quantise import templates

COUNTS: Final = (4, 8, 16, 24, 32, 48, 64, 96, 128, 160, 192)
KNOWN: Final = 192
_RANKED: Final = "rank-128"


class Mode(Enum):
    """What the attacker gets to decrypt."""

    RANKED = "ranked search"
    REVEAL = "reveal on match"


@dataclass(frozen=True)
class Recovered:
    """How near the attacker comes with so many scores of each face."""

    scores: int
    cosine: float
    """Of the recovered with the true template, the mean over all faces that were attacked."""
    same: Rate
    """The share of recovered templates that match the face that was searched for."""
    another: Rate
    """The share that match another photograph of that person."""


@dataclass(frozen=True)
class Targets:
    """Whom the attack is about: faces that are not on the list and match nobody there, and the list."""

    known: Floats
    """Embeddings of the entries, which the attacker has."""
    faces: Floats
    others: Floats
    """Of another photograph of each of these people."""
    similarity: float

    @classmethod
    def of(cls, samples: Samples, preset: Preset, thresholds: Thresholds, count: int, seed: int) -> Self:
        """Draw people at random: some to attack, of whom there are two photographs, and the others for the list."""
        subject, rows = samples.subject[samples.acquired], samples.embeddings[samples.acquired]
        rng = np.random.default_rng(seed)
        _, first, photographs = np.unique(subject, return_index=True, return_counts=True)
        twice = rng.permutation(np.flatnonzero(photographs > 1))[:count]
        rest = rng.permutation(np.setdiff1d(np.arange(len(first)), twice))
        faces, listed = rows[first[twice]], rows[first[rest]]
        scores = templates(listed, preset).coarse @ templates(faces, preset).coarse.T
        known = listed[scores.max(axis=1, initial=0) < thresholds.gate][:KNOWN]
        if len(known) < KNOWN or not len(twice):
            raise InputError(
                "There are too few subjects to attack.",
                f"It takes {KNOWN} for the list, and others with two photographs.",
            )
        others = np.stack([rows[subject == subject[first[who]]][1] for who in twice])
        return cls(known, faces, others, thresholds.fine / preset.fine_squared_norm)

    @property
    def likeness(self) -> float:
        """The cosine of two photographs of one of these people, the mean."""
        return float((self.faces * self.others).sum(axis=1).mean())

    @property
    def genuine(self) -> Rate:
        """The share of these people whom their own two photographs match."""
        cosines = (self.faces * self.others).sum(axis=1)
        return independent(int((cosines >= self.similarity).sum()), len(cosines))


@dataclass(frozen=True)
class Leak:
    """What was decrypted of all comparisons of faces with entries, shape (faces, entries), beside the true scores."""

    seen: Integers
    true: Integers
    equations: Integers
    """The templates of the entries."""

    @property
    def correlation(self) -> float:
        """Between what is seen and what is true; 1 where it is the same."""
        return float(np.corrcoef(self.seen.ravel(), self.true.ravel())[0, 1])


def ranked(targets: Targets) -> Iterator[tuple[Integers, Integers]]:
    """Search for every face under encryption in the ranked mode, and decrypt all scores: those seen, those true."""
    preset = rank_preset(_RANKED)
    known, faces = rank_templates(targets.known, preset), rank_templates(targets.faces, preset)
    for face, found in zip(faces, RankedGallery(known, preset).search(faces), strict=True):
        yield found.scores, known @ face


def revealed(targets: Targets, preset: Preset, gate: int) -> Iterator[tuple[Integers, Integers]]:
    """The same by reveal on match: the attacker keeps what its program would drop, the numbers of non-matches."""
    known, faces = templates(targets.known, preset), templates(targets.faces, preset)
    search = EncryptedList(known, preset).at(gate)
    for at in range(len(faces)):
        yield search.open(faces[at : at + 1], f"attack {at}").score, known.fine @ faces.fine[at]


def leak(mode: Mode, targets: Targets, preset: Preset, found: list[tuple[Integers, Integers]]) -> Leak:
    """What was gathered, with the equations that it is taken for."""
    if mode is Mode.RANKED:
        equations = rank_templates(targets.known, rank_preset(_RANKED))
    else:
        equations = templates(targets.known, preset).fine
    seen, true = (np.stack(each) for each in zip(*found, strict=True))
    return Leak(seen, true, equations)


def recover(leaked: Leak, targets: Targets) -> Iterator[Recovered]:
    """Solve for every face with more and more scores."""
    rows = leaked.equations.astype(np.float64)
    prior = Prior.of(rows)
    for count in COUNTS:
        found = np.stack([prior.solve(rows[:count], seen[:count]) for seen in leaked.seen])
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        own, other = ((found * each).sum(axis=1) for each in (targets.faces, targets.others))
        yield Recovered(
            scores=count,
            cosine=float(own.mean()),
            same=independent(int((own >= targets.similarity).sum()), len(own)),
            another=independent(int((other >= targets.similarity).sum()), len(other)),
        )


@dataclass(frozen=True)
class Prior:
    """What faces are like, from those that the attacker knows: normal, with their mean and covariance."""

    mean: Floats
    covariance: Floats

    @classmethod
    def of(cls, rows: Floats) -> Self:
        """The covariance is half that of the rows and half the same in all directions, since rows are few."""
        centred = rows - rows.mean(axis=0)
        found = centred.T @ centred / len(rows)
        even = np.trace(found) / len(found) * np.eye(len(found))
        return cls(rows.mean(axis=0), (found + even) / 2)

    def solve(self, equations: Floats, scores: Integers) -> Floats:
        """The most likely template with these scores, which are exact to about one."""
        across = self.covariance @ equations.T
        inner = equations @ across + np.eye(len(equations))
        solved: Floats = self.mean + across @ np.linalg.solve(inner, scores - equations @ self.mean)
        return solved
