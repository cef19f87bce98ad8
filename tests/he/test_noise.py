"""The bound on a release's noise, which flooding relies on, measured before it is flooded."""

from __future__ import annotations

import numpy as np

from blindwatch.he.circuit import Circuit
from blindwatch.he.matching import Matcher
from blindwatch.he.presets import PLAIN_MODULUS
from blindwatch.he.templates import Templates

from .conftest import Bench


def test_noise_stays_under_the_bound_of_every_step(bench: Bench, rng: np.random.Generator) -> None:
    preset, ours = bench.preset, bench.ours
    circuit = Circuit(ours, preset, preset.lowest_threshold)
    layout = preset.layouts[0]
    coarse = rng.integers(-1, 2, (layout.capacity, 128))
    fine = rng.integers(-20, 21, (layout.capacity, 128))
    parts = list(bench.encryptor.block(layout, Templates(coarse, fine)))
    block = Matcher(bench.keys.evaluation, preset.lowest_threshold, bytes(32)).load_block(parts, len(parts))
    fresh = ours.load(bench.encryptor.probe(Templates(coarse[:1], fine[:1])))
    score = circuit.scores(layout, ours.rotations(fresh, layout.babies), block.coarse)
    verdict = circuit.release_polynomial(score)
    lowered = ours.rotations(ours.lower(fresh, preset.fine_primes), layout.babies)
    released = ours.lower(circuit.scores(layout, lowered, block.fine), preset.ladder[-1])
    masked = ours.mask(verdict, rng.integers(1, PLAIN_MODULUS, preset.poly_degree))
    before, after, added = (bench.noise(bench.to_seal(each)) for each in (verdict, masked, released))
    # The mask's coefficients are uniform modulo t whatever the noise is, so by Hoeffding's inequality a coefficient
    # of their product passes 16 sqrt(N) (t / 2) times the noise with a probability under 2^-180: 4 + 7 + 15 bits.
    assert before <= 10
    assert before + 26 <= preset.release_noise_bits
    assert after <= preset.release_noise_bits - 3
    assert added <= 8
