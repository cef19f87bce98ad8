"""Both engines on the same integers: slow, and only where the TFHE engine is installed (`make test-tfhe`)."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import numpy as np
import pytest

from blindwatch.he.presets import preset
from blindwatch.he.verdicts import DIMENSION, SQUARED_NORM, Integers, clip
from blindwatch.opinion.engine import TfheEngine
from blindwatch.opinion.environment import installed
from blindwatch.secret.keys import KeySet
from blindwatch.verification.bfv import BfvEngine
from blindwatch.vision.quantise import quantise

pytestmark = pytest.mark.tfhe

THRESHOLDS = (81, 84, 100, 120, 170)
PROBES_EACH = 2
AROUND = 10
KEY_BYTES = 64 << 20
ASK = "import sys; from concrete.ml.deployment import FHEModelServer as S; s = S(sys.argv[1]).server"
VERDICT_ERROR = 2**-40


@pytest.fixture(scope="module")
def tfhe() -> Iterator[TfheEngine]:
    with TfheEngine(installed()) as engine:
        yield engine


def near(template: Integers, score: int, rng: np.random.Generator) -> Integers:
    """A template with just this inner product with another one, made from that by taking coordinates down."""
    entry = template.copy()
    for place in np.tile(rng.permutation(DIMENSION), 2):
        if 0 < abs(int(template[place])) <= int(template @ entry) - score:
            entry[place] -= np.sign(template[place])
    assert int(template @ entry) == score
    return entry


def test_both_engines_agree_on_every_pair_around_the_threshold(tfhe: TfheEngine, keys: KeySet) -> None:
    rng = np.random.default_rng(20261128)
    bfv = BfvEngine(preset("reveal-128"), keys)
    pairs = 0
    for threshold in THRESHOLDS:
        for _ in range(PROBES_EACH):
            probe = clip(quantise(rng.standard_normal(DIMENSION), SQUARED_NORM))
            entries = np.stack([near(probe, threshold + d, rng) for d in range(-AROUND, AROUND)])
            expected = tuple(bool(score >= threshold) for score in entries @ probe)
            assert expected == (False,) * AROUND + (True,) * AROUND
            assert bfv.verdicts(probe, entries, threshold).matches == expected
            second = tfhe.verdicts(probe, entries, threshold)
            assert second.matches == expected
            assert second.error_of_all <= len(entries) * VERDICT_ERROR
            assert second.lookups > DIMENSION
            pairs += len(entries)
    assert pairs >= 200


def test_the_ends_of_every_range_are_decided_right(tfhe: TfheEngine) -> None:
    longest = np.zeros(DIMENSION, dtype=np.int64)
    longest[:22], longest[22:24] = 3, 1
    zero = np.zeros_like(longest)
    entries = np.stack([longest, -longest, zero])
    assert tfhe.verdicts(longest, entries, SQUARED_NORM).matches == (True, False, False)
    assert tfhe.verdicts(longest, entries, 0).matches == (True, False, True)
    widest = np.ones_like(longest)
    widest[:24] = 2
    assert tfhe.verdicts(widest, np.stack([widest, -widest]), SQUARED_NORM).matches == (True, False)
    assert tfhe.verdicts(-widest, np.stack([widest, -widest]), SQUARED_NORM).matches == (False, True)


def test_the_registered_error_is_that_of_a_whole_comparison() -> None:
    engine = installed()
    said = subprocess.run(
        [engine.python, "-c", f"{ASK}; print(s.global_p_error)", engine.folder],
        capture_output=True,
        env=engine.variables,
        check=True,
    )
    whole = float(said.stdout)
    assert whole <= VERDICT_ERROR
    assert engine.circuit.error_probability == pytest.approx(whole, rel=0.01)


def test_what_is_sent_as_keys_is_small(tfhe: TfheEngine) -> None:
    assert 0 < tfhe.key_bytes < KEY_BYTES
