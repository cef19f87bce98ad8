"""SEAL's objects under a preset of ranked search, and its plaintexts as arrays of coefficients.

SEAL has no other way to whole polynomials than its serialized form (SEAL 4.3, `plaintext.cpp`): a header as of
all its objects (`blindwatch.he.objects`), then 4 words that are zero outside the NTT form, the number of
coefficients, a scale, and a header and a count before the coefficients.
"""

from __future__ import annotations

from functools import cache
from struct import Struct
from typing import Any, Final

import numpy as np
import tenseal.sealapi as sealapi
import zstandard
from numpy.typing import NDArray

from blindwatch.he import objects, seal
from blindwatch.he.ranked.presets import RankPreset

Integers = NDArray[np.int64]

_META: Final = Struct("<32sQd")


@cache
def context(preset: RankPreset) -> Any:
    """SEAL's context of a preset; refused by SEAL unless the parameters have 128-bit security."""
    return seal.new_context(preset, preset.plain_modulus)


def plaintext(preset: RankPreset, coefficients: Integers) -> Any:
    """The plaintext of at most N coefficients; negative ones stand for themselves modulo t."""
    values = (coefficients % preset.plain_modulus).astype("<u8").tobytes()
    count = len(coefficients).to_bytes(8, "little")
    body = _META.pack(bytes(32), len(coefficients), 1.0) + _header(len(count + values)) + count + values
    return seal.load_into(context(preset), sealapi.Plaintext, _header(len(body)) + body)


def coefficients(preset: RankPreset, opened: Any) -> Integers:
    """All N coefficients of a plaintext, in -t / 2 to t / 2 - 1."""
    data = seal.save(opened)
    body = data[objects.HEADER.size :]
    if objects.check_header(data, len(data)) == objects.ZSTANDARD:
        with zstandard.ZstdDecompressor().stream_reader(body) as reader:
            body = reader.read()
    found = np.frombuffer(body, "<u8", offset=_META.size + objects.HEADER.size + 8).astype(np.int64)
    whole = np.zeros(preset.poly_degree, np.int64)
    whole[: len(found)] = found
    half = preset.plain_modulus // 2
    return (whole + half) % preset.plain_modulus - half


def _header(size: int) -> bytes:
    header = objects.HEADER
    return header.pack(objects.MAGIC, header.size, *objects.VERSION, objects.RAW, 0, header.size + size)
