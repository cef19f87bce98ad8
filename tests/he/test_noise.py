"""The bound on a release's noise, which flooding relies on, measured before it is flooded."""

from __future__ import annotations

import numpy as np

from blindwatch.he.circuit import Circuit
from blindwatch.he.presets import PLAIN_MODULUS

from .conftest import Bench


def test_masked_values_stay_far_under_the_bound(bench: Bench, rng: np.random.Generator) -> None:
    circuit = Circuit(bench.ours, bench.preset, bench.preset.lowest_threshold)
    layout = bench.preset.layouts[0]
    templates = rng.integers(-1, 2, (layout.capacity, 128))
    blocks = [bench.ours.part(part) for part in bench.encryptor.block(layout, templates)]
    fresh = bench.ours.load(bench.encryptor.probe(templates[0]))
    score = circuit.scores(layout, bench.ours.rotations(fresh, layout.babies), blocks)
    verdict = circuit.release_polynomial(score)
    masked = bench.ours.mask(verdict, rng.integers(1, PLAIN_MODULUS, bench.preset.poly_degree))
    # Multiplying by a plaintext adds at most log2(N t / 2) = 30 bits, and no more than 21 are seen: with ten
    # bits before it, noise of a masked value is under the bound in every case, not only in a likely one.
    before, after = bench.noise(bench.to_seal(verdict)), bench.noise(bench.to_seal(masked))
    assert before <= bench.preset.release_noise_bits - 30
    assert after <= bench.preset.release_noise_bits - 8
