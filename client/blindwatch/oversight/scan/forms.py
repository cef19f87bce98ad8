"""What is made of a face, as fragments in every form of numbers and text, so that a part of it is found as well."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import cbor2
import numpy as np
from numpy.typing import NDArray

from blindwatch.oversight.scan.needles import Needle, is_telling, needles

REALS, INTEGERS, BYTES = 20, 48, 96
"""How many items in a row make a fragment: the less each of them says, the more."""

REAL_FORMS: Final = ("<f8", "<f4", "<f2", ">f8", ">f4", ">f2")
INTEGER_FORMS: Final = ("<i8", "<i4", "<i2", "i1", ">i8", ">i4", ">i2", "<f8", "<f4")

Fragment = tuple[str, bytes]
"""What it is, and its bytes before they are encoded as text."""


def of_embedding(what: str, embedding: NDArray[np.float32], places: int | None = None) -> Iterator[Fragment]:
    """The coordinates of an embedding; all of them, or fragments at so many places."""
    for form in REAL_FORMS:
        yield from as_bytes(f"{what} as {name_of(form)}", parts(embedding.astype(form), REALS, places))
    yield from _values(what, embedding.tolist(), REALS, places)
    yield from of_texts(f"{what}, in short", [float(str(value)) for value in embedding], REALS, places)


def of_integers(what: str, vector: NDArray[np.int64], places: int | None = None) -> Iterator[Fragment]:
    """The coordinates of a template, in every type that holds them."""
    for form in INTEGER_FORMS:
        converted = vector.astype(form)
        if np.array_equal(converted, vector):
            yield from as_bytes(f"{what} as {name_of(form)}", parts(converted, INTEGERS, places))
    yield from _values(what, vector.tolist(), INTEGERS, places)


def of_bytes(what: str, data: bytes, places: int) -> Iterator[Fragment]:
    """Telling pieces of something long, but not its first and last bytes, which others may have as well."""
    pieces = [piece for piece in parts(data, BYTES, 4 * places)[1:-1] if is_telling(piece)]
    yield from as_bytes(what, pieces[:: max(1, len(pieces) // places)])


def encoded(fragments: Iterable[Fragment]) -> Iterator[Needle]:
    """Fragments in all encodings of bytes as text; none of those that are not telling."""
    for what, data in fragments:
        yield from needles(what, data)


def of_texts(what: str, values: Sequence[float], length: int, places: int | None) -> Iterator[Fragment]:
    """Numbers as JSON has them, close together and with spaces between them."""
    for separator in (",", ", "):
        texts = (
            json.dumps(part, separators=(separator, ":"))[1:-1] for part in parts(values, length, places)
        )
        yield from as_bytes(f"{what} as text", (text.encode() for text in texts))


def as_bytes(what: str, pieces: Iterable[Any]) -> Iterator[Fragment]:
    """Pieces of something that each have bytes."""
    for piece in pieces:
        yield what, bytes(piece)


def parts(values: Any, length: int, places: int | None) -> list[Any]:
    """Stretches of something, spread over it evenly: so many, or one beside the other."""
    last = max(len(values) - length, 0)
    count = -(-len(values) // length) if places is None else places
    starts = sorted({last * place // max(count - 1, 1) for place in range(count)})
    return [values[start : start + length] for start in starts]


def name_of(form: str) -> str:
    """A type of numbers in words."""
    return f"{'big-endian ' if form.startswith('>') else ''}{np.dtype(form).name}"


def _values(what: str, values: Sequence[float], length: int, places: int | None) -> Iterator[Fragment]:
    yield from of_texts(what, values, length, places)
    coded = (b"".join(map(cbor2.dumps, part)) for part in parts(values, length, places))
    yield from as_bytes(f"{what} as CBOR", coded)
