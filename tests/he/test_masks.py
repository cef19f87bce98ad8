from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare

from blindwatch.he import masks
from blindwatch.he.presets import PLAIN_MODULUS

SECRET = bytes(range(32))


def test_the_same_label_gives_the_same_mask_and_another_one_does_not() -> None:
    first, again = (masks.derive(SECRET, "probe/0/score") for _ in range(2))
    assert first == again
    others = {masks.derive(SECRET, "probe/1/score"), masks.derive(bytes(32), "probe/0/score")}
    assert first not in others


@pytest.mark.parametrize(("draw", "lowest"), [(masks.nonzero, 1), (masks.uniform, 0)])
def test_masks_are_uniform_over_their_range(draw: object, lowest: int) -> None:
    values = np.concatenate([draw(masks.derive(SECRET, str(i)), 2**16) for i in range(64)])  # type: ignore[operator]
    assert values.min() == lowest
    assert values.max() == PLAIN_MODULUS - 1
    counts = np.bincount(values, minlength=PLAIN_MODULUS)[lowest:]
    assert 1e-4 < chisquare(counts).pvalue < 1 - 1e-4


def test_words_that_would_favour_small_values_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    words = np.array([2**32 - 1, 2**32 - 2, 5], dtype="<u4").tobytes()
    monkeypatch.setattr(masks, "keystream", lambda _seed, count: words + bytes(count - len(words)))
    assert masks.uniform(bytes(32), 2).tolist() == [(2**32 - 2) % PLAIN_MODULUS, 5]


def test_the_stream_is_aes_in_counter_mode() -> None:
    # The first block of FIPS 197's AES-256 key (appendix C.3) over a counter of zero, against a second library path.
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import ECB

    expected = Cipher(AES(SECRET), ECB()).encryptor().update(bytes(15) + b"\0" + bytes(15) + b"\1")  # noqa: S305
    assert masks.keystream(SECRET, 32) == expected
