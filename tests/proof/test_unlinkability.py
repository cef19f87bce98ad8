"""Nobody without keys can tell whether two ciphertexts hold the same face, in one deployment or in two.

If a classifier is blind, the area under its curve has a standard error of at most 0.012 in each of the four cases
here, and of 0.0059 in their mean. (Over 2,000 pairs, half of them equal, it would be 0.013, so a limit of 0.02 would
find fault with one blind classifier in eight.) So single cases are held to 4.9 standard errors, one in a million, and
their mean to 0.02: that is 3.4 standard errors, which chance alone exceeds in one run of 1,500.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.stats import norm, poisson

from blindwatch.evaluation.linking import Enrolments, Residues, area, separability, standard_error
from blindwatch.he import form, noop
from blindwatch.he.encrypting import Encryptor
from blindwatch.he.keys import EncryptionKey
from blindwatch.he.presets import preset
from blindwatch.he.ranked import forms
from blindwatch.he.ranked.encrypting import RankEncryptor
from blindwatch.he.ranked.keys import RankKey
from blindwatch.he.ranked.presets import rank_preset
from blindwatch.he.templates import Templates
from blindwatch.secret.keys import KeySet, generate
from blindwatch.secret.ranked import generate_ranked

REAL, RANKED, CLEAR = preset("reveal-128"), rank_preset("rank-128"), preset("insecure-noop-128")
FACES, TRAINED, TIMES = 28, 8, 8
COEFFICIENTS = 512
"""Of each residue polynomial so many are looked at."""
GALLERIES, RANK_TIMES = 2, 3
LIMIT, ONE_IN = 0.02, 1e-6


@dataclass(frozen=True)
class Case:
    """Enrolments of the same in one deployment or in two, those to learn from and those to be tried on."""

    training: Enrolments
    tested: Enrolments

    @property
    def pairs(self) -> int:
        """Pairs of each kind that are tried."""
        contents, first, *_ = self.tested.first.shape
        return int(contents * first * self.tested.second.shape[1])


@dataclass(frozen=True)
class Made:
    """The cases of one preset, and the digests of all ciphertexts behind them."""

    cases: dict[str, Case]
    digests: list[str]


def random_templates(rng: np.random.Generator, count: int) -> Templates:
    directions = rng.normal(size=(count, 128))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    coarse, fine = (np.trunc(scale * directions).astype(np.int64) for scale in (14, 178))
    return Templates(coarse, fine)


def split(
    first: Residues, again: Residues, elsewhere: Residues, primes: tuple[int, ...], trained: int
) -> Made:
    moduli = np.array(primes, dtype=np.int64)
    cases = {}
    for where, second in (("one deployment", again), ("two deployments", elsewhere)):
        every = Enrolments(first, second, moduli)
        cases[where] = Case(every.part(slice(trained)), every.part(slice(trained, None)))
    return Made(cases, [])


def enrol(key: EncryptionKey, faces: Templates, digests: list[str]) -> Residues:
    """The first ciphertext of lists of one face each, every list made again and again."""
    encryptor = Encryptor(key)
    (layout,) = key.preset.plan(1)

    def residues(face: int) -> Residues:
        data = next(encryptor.block(layout, faces[face : face + 1]))
        digests.append(hashlib.sha256(data).hexdigest())
        if key.preset.is_insecure:
            return noop.unpack(key.preset, data)[np.newaxis, np.newaxis, :COEFFICIENTS]
        found = form.read(key.preset, data, key.preset.data_primes)
        return found[..., :COEFFICIENTS].astype(np.int64)

    return np.array([[residues(face) for _ in range(TIMES)] for face in range(len(faces))])


def revealed(first: EncryptionKey, other: EncryptionKey, rng: np.random.Generator) -> Made:
    """Faces that are enrolled in two deployments, and in the first of them again."""
    faces, digests = random_templates(rng, FACES), list[str]()
    made, again, elsewhere = (enrol(key, faces, digests) for key in (first, first, other))
    primes = (65537,) if first.preset.is_insecure else first.preset.primes[: first.preset.data_primes]
    return replace(split(made, again, elsewhere, primes, TRAINED), digests=digests)


def enrol_galleries(key: RankKey, galleries: list[Residues], digests: list[str]) -> Residues:
    """Every ciphertext of galleries, each of which holds one coordinate of everybody in it; galleries alternate."""
    encryptor = RankEncryptor(key)

    def residues(gallery: Residues) -> Residues:
        data = encryptor.block(gallery)
        found = forms.read(forms.BLOCK, RANKED, key.key_id, data)
        rows = np.ascontiguousarray(found.transpose(2, 3, 0, 1, 4)).reshape(RANKED.dimension, 2, 2, -1)
        digests.extend(hashlib.sha256(row.tobytes()).hexdigest() for row in rows)
        return rows[..., :COEFFICIENTS].astype(np.int64)

    made = np.array([[residues(gallery) for _ in range(RANK_TIMES)] for gallery in galleries])
    return made.transpose(2, 0, 1, 3, 4, 5).reshape(GALLERIES * RANKED.dimension, RANK_TIMES, 2, 2, -1)


@pytest.fixture(scope="module")
def reveal(keys: KeySet) -> Made:
    return revealed(keys.encryption, generate(REAL).encryption, np.random.default_rng(11))


@pytest.fixture(scope="module")
def ranked() -> Made:
    rng = np.random.default_rng(12)
    galleries, digests = [random_templates(rng, 1000).coarse for _ in range(GALLERIES)], list[str]()
    first, other = (generate_ranked(RANKED).encryption for _ in range(2))
    made, again, elsewhere = (enrol_galleries(key, galleries, digests) for key in (first, first, other))
    primes = RANKED.primes[: RANKED.data_primes]
    return replace(split(made, again, elsewhere, primes, RANKED.dimension), digests=digests)


@pytest.fixture(scope="module")
def all_cases(reveal: Made, ranked: Made) -> dict[str, Case]:
    return {
        f"{name}, {where}": case
        for name, made in (("reveal", reveal), ("ranked", ranked))
        for where, case in made.cases.items()
    }


@pytest.fixture(scope="module")
def areas(all_cases: dict[str, Case]) -> dict[str, float]:
    """How well each case is told apart."""
    return {name: separability(case.training, case.tested) for name, case in all_cases.items()}


def test_no_two_ciphertexts_are_equal(reveal: Made, ranked: Made) -> None:
    digests = reveal.digests + ranked.digests
    assert len(digests) == 3 * (FACES * TIMES + GALLERIES * RANK_TIMES * RANKED.dimension)
    assert len(set(digests)) == len(digests)


def test_residues_of_the_same_face_agree_no_more_often_than_by_chance(all_cases: dict[str, Case]) -> None:
    for case in all_cases.values():
        found, expected = case.tested.equal_residues()
        assert found <= poisson.isf(ONE_IN, expected)


def test_a_classifier_cannot_tell_the_same_face_in_any_case(
    areas: dict[str, float], all_cases: dict[str, Case]
) -> None:
    assert set(areas) == set(all_cases)
    for name, found in areas.items():
        assert all_cases[name].pairs >= 1000
        bound = norm.isf(ONE_IN / 2) * standard_error(all_cases[name].pairs)
        assert abs(found - 0.5) <= bound < 0.06


def test_a_classifier_is_at_chance_over_all_cases(areas: dict[str, float]) -> None:
    assert abs(np.mean(list(areas.values())) - 0.5) <= LIMIT


def test_the_classifier_links_what_is_not_encrypted() -> None:
    first, other = (EncryptionKey(CLEAR, bytes([at]) * 32) for at in range(2))
    made = revealed(first, other, np.random.default_rng(13))
    for case in made.cases.values():
        assert separability(case.training, case.tested) > 0.9
        found, expected = case.tested.equal_residues()
        assert found > poisson.isf(ONE_IN, expected)


def masked_once(case: Enrolments, rng: np.random.Generator) -> Enrolments:
    """What it would be with one mask for each face, and only noise drawn anew."""

    def noisy(shape: tuple[int, ...]) -> Residues:
        noise = np.rint(rng.normal(scale=30, size=shape)).astype(np.int64)
        return np.asarray((case.first[:, :1] + noise) % case.moduli[:, np.newaxis])

    return Enrolments(noisy(case.first.shape), noisy(case.second.shape), case.moduli)


def with_a_bit(case: Enrolments, rng: np.random.Generator) -> Enrolments:
    """What it would be if one coefficient in fifty had its lowest bit from the face."""
    contents, _, polynomials, primes, places = case.first.shape
    marked = rng.choice(places, places // 50, replace=False)
    bits = rng.integers(0, 2, (contents, 1, polynomials, primes, len(marked)))

    def leaky(residues: Residues) -> Residues:
        changed = residues.copy()
        changed[..., marked] = changed[..., marked] & ~1 | bits
        return changed

    return Enrolments(leaky(case.first), leaky(case.second), case.moduli)


@pytest.mark.parametrize(("spoil", "least"), [(masked_once, 0.9), (with_a_bit, 0.6)])
def test_the_classifier_links_real_ciphertexts_that_were_made_badly(
    spoil: Callable[[Enrolments, np.random.Generator], Enrolments],
    least: float,
    all_cases: dict[str, Case],
    rng: np.random.Generator,
) -> None:
    case = all_cases["reveal, two deployments"]
    assert separability(spoil(case.training, rng), spoil(case.tested, rng)) > least


def test_the_area_is_that_of_mann_and_whitney() -> None:
    assert area(np.array([3.0, 4.0]), np.array([1.0, 2.0])) == 1
    assert area(np.array([1.0, 2.0]), np.array([1.0, 2.0])) == 0.5
    assert area(np.array([0.0]), np.array([1.0, 2.0])) == 0
    assert standard_error(1000) == pytest.approx(0.0129, abs=1e-4)
