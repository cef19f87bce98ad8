"""The secrets of a run as needles: every form in which a program is likely to hold or to write them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import cbor2
import numpy as np
import zstandard
from numpy.typing import NDArray

from blindwatch.he import objects, seal
from blindwatch.he.layout import Integers
from blindwatch.he.ntt import backward, from_seal_order, to_natural
from blindwatch.he.presets import PLAIN_MODULUS, Preset
from blindwatch.he.ring import ring
from blindwatch.he.templates import Templates
from blindwatch.secret.keys import SecretKey
from blindwatch.secret.wrapping import identity
from blindwatch.vision.image import decode
from blindwatch.vision.pipeline import Face
from blindwatch.vision.quantise import templates

from .search import Needle, is_telling, needles

KINDS: Final = (
    "photograph",
    "pixels",
    "crop",
    "embedding",
    "coarse template",
    "fine template",
    "plaintext",
    "coarse scores",
    "fine scores",
    "secret key",
    "share",
    "master secret",
)
"""What descriptions begin with: there is a needle of each."""

_BYTES, _REALS, _INTEGERS, _SIGNS = 96, 20, 48, 128
"""How many items in a row make a needle: the less each of them says, the more."""
_PLACES: Final = 3
_KEY_PLACES: Final = 32
_BEFORE_COEFFICIENTS: Final = 32 + 8 + 8 + objects.HEADER.size + 8
"""Of a serialized plaintext or secret key: level, count, scale, and the header and count of an array."""


@dataclass(frozen=True)
class Sighting:
    """One photograph and the faces that are found in it."""

    who: str
    photograph: bytes
    faces: list[Face]


def of_sighting(seen: Sighting, preset: Preset) -> Iterator[Needle]:
    """What a camera or a custodian makes of one photograph."""
    yield from _spread(f"photograph of {seen.who}", seen.photograph)
    yield from _spread(f"pixels of {seen.who}", decode(seen.photograph).tobytes())
    for face in seen.faces:
        yield from _spread(f"crop of {seen.who}", face.crop.tobytes())
        yield from _of_embedding(f"embedding of {seen.who}", face.embedding)
        template = templates([face.embedding], preset)
        yield from _of_integers(f"coarse template of {seen.who}", template.coarse[0])
        yield from _of_integers(f"fine template of {seen.who}", template.fine[0])
        yield from _of_plaintext(f"plaintext of {seen.who}", template, preset)


def of_scores(who: str, gallery: Templates, probe: Templates) -> Iterator[Needle]:
    """How alike a passer-by is to everybody on the list."""
    coarse, fine = gallery.scores(probe)
    yield from _of_integers(f"coarse scores of {who}", coarse)
    yield from _of_integers(f"fine scores of {who}", fine)


def of_secret_key(secret: SecretKey) -> Iterator[Needle]:
    """The secret key as SEAL writes it, as residues, and as the polynomial of -1, 0 and 1 that it is."""
    preset = secret.preset
    residues = np.frombuffer(_expanded(secret.material), "<u8", offset=_BEFORE_COEFFICIENTS)
    prime = preset.primes[0]
    first = residues[: preset.poly_degree].astype(np.float64)
    first = from_seal_order(np.where(first > prime // 2, first - prime, first))
    polynomial = np.empty_like(first)
    backward(first, polynomial, ring(preset).tables, 0)
    signs = np.rint(to_natural(polynomial)).astype(np.int64)
    if set(signs.tolist()) != {-1, 0, 1}:
        raise ValueError("this is not read as a secret key")
    yield from _spread("secret key as SEAL writes it", secret.material, _KEY_PLACES)
    yield from _spread("secret key as residues", residues.tobytes(), _KEY_PLACES)
    yield from _spread("secret key as doubles", first.tobytes(), _KEY_PLACES)
    for form in (np.int64, np.int32, np.int16, np.int8, np.float64):
        parts = _parts(signs.astype(form), _SIGNS, _KEY_PLACES)
        yield from _all(f"secret key as signs, {form.__name__}", parts)
    yield from _texts("secret key as signs", signs.tolist(), _SIGNS)


def of_shares(shares: list[str], master: bytes) -> list[Needle]:
    """The words of every share, and what they make up, as bytes and as the identity that opens the key."""
    words = [needle for share in shares for needle in needles("share", share[40:120].encode())]
    texts = (identity(master).encode(), master)
    return words + [needle for text in texts for needle in needles("master secret", text)]


def of_ciphertext(what: str, ciphertext: bytes) -> list[Needle]:
    """No secret to the server; found where it should be, it shows that the search sees."""
    return list(_spread(what, ciphertext))


def _of_embedding(what: str, embedding: NDArray[np.float32]) -> Iterator[Needle]:
    for form in ("<f8", "<f4", "<f2", ">f8", ">f4"):
        yield from _all(f"{what} as {form}", _parts(embedding.astype(form), _REALS))
    yield from _values(what, embedding.tolist(), _REALS)
    yield from _texts(f"{what}, in short", [float(str(value)) for value in embedding], _REALS)


def _of_integers(what: str, vector: Integers) -> Iterator[Needle]:
    for form in (np.int64, np.int32, np.int16, np.int8, np.float64, np.float32):
        converted = vector.astype(form)
        if np.array_equal(converted, vector):
            yield from _all(f"{what} as {form.__name__}", _parts(converted, _INTEGERS))
    yield from _values(what, vector.tolist(), _INTEGERS)


def _of_plaintext(what: str, template: Templates, preset: Preset) -> Iterator[Needle]:
    """What a probe encrypts: as slots, and as the polynomial that encodes them."""
    half = (PLAIN_MODULUS + 1) // 2
    rows = np.concatenate([template.coarse + template.fine, template.coarse - template.fine])
    rows = rows * half % PLAIN_MODULUS
    for form in (np.int64, np.int32, np.float64):
        yield from _all(f"{what} as slots, {form.__name__}", _parts(rows[0].astype(form), _REALS))
    encoded = seal.plaintext(preset, preset.layouts[0].repeat(rows).tolist())
    yield from _spread(f"{what} as a polynomial", _expanded(seal.save(encoded))[_BEFORE_COEFFICIENTS:])


def _values(what: str, values: Sequence[float], length: int) -> Iterator[Needle]:
    yield from _texts(what, values, length)
    coded = (b"".join(map(cbor2.dumps, part)) for part in _parts(values, length))
    yield from _all(f"{what} as CBOR", coded)


def _texts(what: str, values: Sequence[float], length: int) -> Iterator[Needle]:
    for separator in (",", ", "):
        texts = (json.dumps(part, separators=(separator, ":"))[1:-1] for part in _parts(values, length))
        yield from _all(f"{what} as text", (text.encode() for text in texts))


def _all(what: str, parts: Iterable[Any]) -> Iterator[Needle]:
    for part in parts:
        yield from needles(what, bytes(part))


def _spread(what: str, data: bytes, places: int = _PLACES) -> Iterator[Needle]:
    """Telling pieces of something long, but not its first and last bytes, which others may have as well."""
    pieces = [piece for piece in _parts(data, _BYTES, 4 * places)[1:-1] if is_telling(piece)]
    yield from _all(what, pieces[:: max(1, len(pieces) // places)])


def _parts(values: Any, length: int, places: int = _PLACES) -> list[Any]:
    """A few stretches of something, spread over it evenly."""
    last = max(len(values) - length, 0)
    starts = sorted({last * place // (places - 1) for place in range(places)})
    return [values[start : start + length] for start in starts]


def _expanded(data: bytes) -> bytes:
    """A serialized object of SEAL without its header."""
    body = data[objects.HEADER.size :]
    if objects.check_header(data, len(data)) == objects.RAW:
        return body
    with zstandard.ZstdDecompressor().stream_reader(body) as reader:
        return bytes(reader.read())
