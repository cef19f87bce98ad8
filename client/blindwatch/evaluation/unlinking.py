"""Unlinkability as a number: how well a classifier without keys tells ciphertexts of one face from those of two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtri

from blindwatch.evaluation.linking import Enrolments, Residues, separability, standard_error
from blindwatch.evaluation.rates import CONFIDENCE
from blindwatch.he import form
from blindwatch.he.encrypting import Encryptor
from blindwatch.he.keys import EncryptionKey
from blindwatch.he.presets import Preset
from blindwatch.he.templates import Templates
from blindwatch.secret.keys import generate

FACES: Final = 28
TRAINED: Final = 8
TIMES: Final = 8
_COEFFICIENTS: Final = 512
"""Of each residue polynomial so many are looked at."""


@dataclass(frozen=True)
class Linked:
    """How well the classifier did: the area under its curve, 0.5 by guessing, 1 where it is always right."""

    where: str
    area: float
    low: float
    high: float
    """The interval of 95 %, at least as wide as it should be."""
    pairs: int
    """Of ciphertexts of one face, and as many of two."""


def enrolments(faces: Templates, preset: Preset) -> Iterator[Residues]:
    """Every face enrolled again and again: in one deployment, there once more, and in another."""
    first, other = (generate(preset).encryption for _ in range(2))
    for key in (first, first, other):
        yield _enrolled(key, faces)


def _enrolled(key: EncryptionKey, faces: Templates) -> Residues:
    """Residues of the first ciphertext of lists of one face each."""
    encryptor, preset = Encryptor(key), key.preset
    (layout,) = preset.plan(1)

    def residues(face: int) -> Residues:
        data = next(encryptor.block(layout, faces[face : face + 1]))
        found = form.read(preset, data, preset.data_primes)
        return found[..., :_COEFFICIENTS].astype(np.int64)

    return np.array([[residues(face) for _ in range(TIMES)] for face in range(len(faces))])


def linked(first: Residues, again: Residues, elsewhere: Residues, preset: Preset) -> Iterator[Linked]:
    """Train on some of the faces and try on the others, within one deployment and across two."""
    moduli = np.array(preset.primes[: preset.data_primes], dtype=np.int64)
    for where, second in (("in one deployment", again), ("in two deployments", elsewhere)):
        every = Enrolments(first, second, moduli)
        training, tested = every.part(slice(TRAINED)), every.part(slice(TRAINED, None))
        pairs = (len(first) - TRAINED) * TIMES**2
        area = separability(training, tested)
        spread = float(ndtri((1 + CONFIDENCE) / 2)) * standard_error(pairs)
        yield Linked(where, area, area - spread, area + spread, pairs)
