"""The bound on a release's noise, which flooding relies on, measured before it is flooded."""

from __future__ import annotations

import numpy as np
import pytest

from blindwatch.he.circuit import Circuit
from blindwatch.he.matching import Matcher
from blindwatch.he.presets import PLAIN_MODULUS
from blindwatch.he.released import VALUES
from blindwatch.he.releasing import side_by_side
from blindwatch.he.templates import Templates

from .conftest import Bench


@pytest.mark.parametrize("groups", [1, 16])
def test_noise_stays_under_the_bound_of_every_step(
    bench: Bench, rng: np.random.Generator, groups: int
) -> None:
    preset, ours = bench.preset, bench.ours
    circuit = Circuit(ours, preset, preset.lowest_threshold)
    (layout,) = (each for each in preset.layouts if each.groups == groups)
    coarse = rng.integers(-1, 2, (layout.capacity, 128))
    fine = rng.integers(-20, 21, (layout.capacity, 128))
    parts = list(bench.encryptor.block(layout, Templates(coarse, fine)))
    block = Matcher(bench.keys.evaluation, preset.lowest_threshold, bytes(32)).load_block(parts, len(parts))
    fresh = ours.load(bench.encryptor.probe(Templates(coarse[:1], fine[:1])))
    score = circuit.scores(layout, ours.rotations(fresh, layout.babies), block.coarse)
    verdict = circuit.release_polynomial(score)
    lowered = ours.rotations(ours.lower(fresh, preset.fine_primes), layout.babies)
    # Every third entry removed, since a mask of ones alone adds no noise.
    kept = np.zeros(preset.poly_degree, dtype=np.int64)
    kept[np.delete(layout.entry_slots(), np.s_[::3])] = 1
    scores = ours.mask(circuit.scores(layout, lowered, block.fine), kept)
    added = ours.lower(scores, preset.ladder[-1])
    masked = [
        ours.mask(verdict, rng.integers(1, PLAIN_MODULUS, preset.poly_degree) * kept)
        for _ in VALUES[: layout.groups]
    ]
    together = ours.add(side_by_side(ours, masked, layout.segment), added)
    noise = [bench.noise(bench.to_seal(each)) for each in (verdict, added, masked[0], together)]
    # Coefficients of masks are as if uniform modulo t whatever the noise is, so those of the products, and sums of
    # ten, are nearly normal. The largest of 16,384 is at four deviations; the bound is a factor of four beyond it,
    # and a coefficient passes sixteen deviations with a probability under 2^-180.
    assert noise[0] <= 10
    assert noise[1] <= 16
    assert noise[2] <= preset.release_noise_bits - 3
    assert noise[3] <= preset.release_noise_bits - 2
