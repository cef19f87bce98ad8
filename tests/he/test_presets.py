from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tenseal.sealapi as sealapi

from blindwatch.errors import BudgetExhausted, ConfigurationError, MalformedCiphertext, WrongPreset
from blindwatch.he import seal
from blindwatch.he.presets import PLAIN_MODULUS, PRESETS, Preset, preset


def test_insecure_presets_say_so_in_their_name() -> None:
    assert {each.name for each in PRESETS.values() if each.is_insecure} == {"insecure-noop-128"}


def test_seal_grants_the_preset_128_bits_of_security(real: Preset) -> None:
    limit = sealapi.CoeffModulus.MaxBitCount(real.poly_degree, sealapi.SEC_LEVEL_TYPE.TC128)
    assert seal.context(real).parameters_set()
    assert int(np.prod([int(p) for p in real.primes], dtype=object)).bit_length() <= limit


def test_every_modulus_is_one_modulo_the_plain_modulus(real: Preset) -> None:
    product = 1
    for prime in real.primes:
        product *= prime
        assert product % PLAIN_MODULUS == 1


def test_identifiers_of_levels_are_seals(real: Preset) -> None:
    context = seal.context(real)
    expected = {len(real.primes): context.key_parms_id(), real.data_primes: context.first_parms_id()}
    expected[1] = context.last_parms_id()
    for primes, words in expected.items():
        assert np.frombuffer(real.parms_id(primes), dtype="<u8").tolist() == list(words)


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(WrongPreset):
        preset("fast-and-loose")


@pytest.mark.parametrize("threshold", [-1, 0, 80, 201])
def test_thresholds_that_cannot_be_evaluated_are_refused(real: Preset, threshold: int) -> None:
    with pytest.raises(ConfigurationError):
        real.check_threshold(threshold)


@pytest.mark.parametrize("similarity", [0.0, -0.1, 1.1, float("nan"), float("inf")])
def test_a_similarity_that_is_none_is_refused(real: Preset, similarity: float) -> None:
    with pytest.raises(ConfigurationError):
        real.thresholds(similarity)


@pytest.mark.parametrize(
    ("similarity", "gate", "fine"), [(0.1, 81, 3200), (0.45, 82, 14400), (1, 192, 32000)]
)
def test_the_gate_lies_below_the_threshold(real: Preset, similarity: float, gate: int, fine: int) -> None:
    chosen = real.thresholds(similarity)
    assert (chosen.gate, chosen.fine) == (gate, fine)


def test_a_preset_without_room_for_flooding_is_refused(real: Preset) -> None:
    real.check_flooding()
    with pytest.raises(BudgetExhausted):
        dataclasses.replace(real, flood_bits=real.flood_bits + 10).check_flooding()
    assert real.flood_bits >= 40


def test_a_block_of_another_number_of_ciphertexts_is_refused(real: Preset) -> None:
    assert real.layout_of(16).capacity == 1008
    with pytest.raises(MalformedCiphertext):
        real.layout_of(17)
