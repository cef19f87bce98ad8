"""Vectors that look like templates: of norm 1 in floating point, or small integers of the squared norms of presets.

Little-endian numbers of the usual sizes wherever they begin, and numbers written as text. Those that are near to a
canary's embedding are a template of the canary, whatever photograph they were made from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from blindwatch.oversight.scan.hits import Hit, Kind
from blindwatch.oversight.scan.kernels import Bytes, stretches
from blindwatch.oversight.scan.norms import (
    NORMS,
    SHORTEST,
    Candidate,
    Vector,
    integer_vectors,
    separate,
    unit_vectors,
)
from blindwatch.oversight.scan.vectors import calm_runs, integer_runs, real_runs


@dataclass(frozen=True)
class Likeness:
    """An embedding (unit norm) that templates are compared with, and from which cosine on they are of one person."""

    what: str
    embedding: Vector
    threshold: float


@dataclass(frozen=True)
class _Reals:
    """A type of floating-point numbers, the magnitudes that coordinates have, and how exact a norm of 1 is."""

    form: str
    lowest: float
    tolerance: float

    def bits(self, value: float) -> int:
        """The bits of a number."""
        return int.from_bytes(np.array(value, self.form).tobytes(), "little")


_REALS: Final = (_Reals("<f2", 2.0**-24, 5e-4), _Reals("<f4", 2.0**-27, 2e-5), _Reals("<f8", 2.0**-27, 2e-5))
_INTEGERS: Final = ("<i2", "<i4", "<i8")
_BLOCK: Final = 32
_DIMENSION: Final = min(dimension for dimension, _ in NORMS)
_LARGEST_NORM: Final = max(norm for _, norm in NORMS)
_LARGEST: Final = int(0.7 * _LARGEST_NORM**0.5)

_NUMBERS: Final = np.array([byte in b"0123456789.,;+-eE[]() \t\r\n" for byte in range(256)], np.uint8)
_NUMBER: Final = re.compile(rb"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?")
_TEXT_TOLERANCE: Final = 2e-3
_LARGEST_WRITTEN: Final = 1 << 31


class Likenesses:
    """Finds vectors that look like templates, and tells those of canaries."""

    def __init__(self, canaries: Sequence[Likeness] = ()) -> None:
        self._canaries = tuple(canaries)

    def find(self, data: bytes) -> Iterator[Hit]:
        """Every vector in some bytes."""
        if len(data) < SHORTEST:
            return
        values = np.frombuffer(data, np.uint8)
        yield from self._reals(data)
        yield from self._integers(data)
        yield from self._bytes(data)
        yield from self._texts(data, values)

    def _reals(self, data: bytes) -> Iterator[Hit]:
        for kind in _REALS:
            size = np.dtype(kind.form).itemsize
            low, high = kind.bits(kind.lowest), kind.bits(1.0) - 1
            for phase in range(size):
                bits = np.frombuffer(data, f"<u{size}", max(len(data) - phase, 0) // size, phase)
                for start, end in real_runs(bits, low, high, SHORTEST).tolist():
                    run = bits[start:end].view(kind.form).astype(np.float64)
                    # Of 16 bits a norm of 1 is too easily met by chance to try every length.
                    found = unit_vectors(run, kind.tolerance, any_length=size > 2)
                    yield from self._hits(run, found, f"float{8 * size}", phase + start * size, size)

    def _integers(self, data: bytes) -> Iterator[Hit]:
        for form in _INTEGERS:
            size = np.dtype(form).itemsize
            for phase in range(size):
                numbers = np.frombuffer(data, form, max(len(data) - phase, 0) // size, phase)
                for start, end in integer_runs(numbers, _LARGEST, _DIMENSION).tolist():
                    run = numbers[start:end]
                    yield from self._hits(
                        run, integer_vectors(run), f"int{8 * size}", phase + start * size, size
                    )

    def _bytes(self, data: bytes) -> Iterator[Hit]:
        """Templates of one byte for each coordinate: any byte could be one, so only norm and spread tell."""
        numbers = np.frombuffer(data, np.int8)
        # Of a window, all blocks but one lie in it whole.
        for start, end in calm_runs(numbers, _BLOCK, _LARGEST_NORM, _DIMENSION - _BLOCK).tolist():
            run = numbers[start:end]
            yield from self._hits(run, integer_vectors(run), "int8", start, 1, anywhere=True)

    def _texts(self, data: bytes, values: Bytes) -> Iterator[Hit]:
        for start, end in zip(*stretches(values, _NUMBERS, 1, 2 * _DIMENSION - 1), strict=True):
            text = data[start:end]
            places = [match.span() for match in _NUMBER.finditer(text)]
            if len(places) < SHORTEST:
                continue
            run = np.array([float(text[first:last]) for first, last in places])
            form, found = "written real", unit_vectors(run, _TEXT_TOLERANCE)
            if abs(run).max() < _LARGEST_WRITTEN and (run == np.rint(run)).all():
                form, found = "written integer", integer_vectors(run.astype(np.int64))
            for hit in self._hits(run, found, form, 0, 1):
                first, last = places[hit.start][0], places[hit.end - 1][1]
                yield Hit(int(start) + first, int(start) + last, hit.kind, hit.what)

    def _hits(
        self,
        run: NDArray[Any],
        found: set[Candidate],
        form: str,
        offset: int,
        size: int,
        *,
        anywhere: bool = False,
    ) -> Iterator[Hit]:
        """Those near to a canary, and of the others those that lie as vectors do."""
        candidates = sorted(found)
        if not candidates:
            return
        alike = self._alike(run, candidates)
        others = (each for each in candidates if not any(map(each.overlaps, alike)))
        for each in [*alike, *separate(others, len(run), anywhere=anywhere)]:
            what = f"vector of {each.end - each.start} {form} numbers, squared norm {each.squared_norm}"
            start, end = offset + each.start * size, offset + each.end * size
            if each in alike:
                yield Hit(start, end, Kind.TEMPLATE, f"{what}, {alike[each]}")
            else:
                yield Hit(start, end, Kind.VECTOR, what)

    def _alike(self, run: NDArray[Any], candidates: Iterable[Candidate]) -> dict[Candidate, str]:
        """Those that are like a canary, and which it is most like; of those that overlap, the one nearest to any."""
        found = [(*self._nearest(run[each.start : each.end]), each) for each in candidates]
        alike: dict[Candidate, str] = {}
        for cosine, canary, each in sorted(found, key=lambda one: -one[0]):
            if canary and cosine >= canary.threshold and not any(map(each.overlaps, alike)):
                alike[each] = canary.what
        return alike

    def _nearest(self, part: NDArray[Any]) -> tuple[float, Likeness | None]:
        """The canary that a vector is most like, and the cosine."""
        unit = part / np.linalg.norm(part.astype(np.float64))
        of_this = (canary for canary in self._canaries if len(canary.embedding) == len(unit))
        cosines = [(float(canary.embedding @ unit), canary) for canary in of_this]
        return max(cosines, key=lambda pair: pair[0], default=(0.0, None))
