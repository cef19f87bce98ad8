"""The secrets of a run as needles: every form in which a program is likely to hold or to write them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import zstandard

from blindwatch.he import objects, seal
from blindwatch.he.ntt import backward, from_seal_order, to_natural
from blindwatch.he.presets import PLAIN_MODULUS, Preset
from blindwatch.he.ring import ring
from blindwatch.he.templates import Templates
from blindwatch.oversight.scan.forms import (
    REALS,
    as_bytes,
    encoded,
    of_bytes,
    of_embedding,
    of_integers,
    of_texts,
    parts,
)
from blindwatch.secret.keys import SecretKey
from blindwatch.secret.wrapping import identity
from blindwatch.vision.image import Image, decode
from blindwatch.vision.pipeline import Face
from blindwatch.vision.portrait import encoded as jpeg
from blindwatch.vision.portrait import framed
from blindwatch.vision.quantise import templates

from .search import Needle, needles

KINDS: Final = (
    "photograph",
    "pixels",
    "crop",
    "portrait",
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

_SIGNS: Final = 128
"""How many signs in a row make a needle: each of them says little."""
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

    @property
    def portrait(self) -> Image:
        """The first face as people compare it."""
        return framed(decode(self.photograph), self.faces[0].landmarks)


def of_sighting(seen: Sighting, preset: Preset) -> Iterator[Needle]:
    """What a camera or a custodian makes of one photograph."""
    yield from _spread(f"photograph of {seen.who}", seen.photograph)
    yield from _spread(f"pixels of {seen.who}", decode(seen.photograph).tobytes())
    yield from _spread(f"portrait of {seen.who}", seen.portrait.tobytes())
    yield from _spread(f"portrait of {seen.who} as JPEG", jpeg(seen.portrait).tobytes())
    for face in seen.faces:
        yield from of_face(seen.who, face, preset)


def of_face(who: str, face: Face, preset: Preset) -> Iterator[Needle]:
    """What a camera or a custodian makes of one face."""
    yield from _spread(f"crop of {who}", face.crop.tobytes())
    yield from encoded(of_embedding(f"embedding of {who}", face.embedding, _PLACES))
    template = templates([face.embedding], preset)
    yield from encoded(of_integers(f"coarse template of {who}", template.coarse[0], _PLACES))
    yield from encoded(of_integers(f"fine template of {who}", template.fine[0], _PLACES))
    yield from _of_plaintext(f"plaintext of {who}", template, preset)


def of_scores(who: str, gallery: Templates, probe: Templates) -> Iterator[Needle]:
    """How alike a passer-by is to everybody on the list."""
    coarse, fine = gallery.scores(probe)
    yield from encoded(of_integers(f"coarse scores of {who}", coarse, _PLACES))
    yield from encoded(of_integers(f"fine scores of {who}", fine, _PLACES))


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
        pieces = parts(signs.astype(form), _SIGNS, _KEY_PLACES)
        yield from encoded(as_bytes(f"secret key as signs, {form.__name__}", pieces))
    yield from encoded(of_texts("secret key as signs", signs.tolist(), _SIGNS, _PLACES))


def of_shares(shares: list[str], master: bytes) -> list[Needle]:
    """The words of every share, and what they make up, as bytes and as the identity that opens the key."""
    words = [needle for share in shares for needle in needles("share", share[40:120].encode())]
    texts = (identity(master).encode(), master)
    return words + [needle for text in texts for needle in needles("master secret", text)]


def of_ciphertext(what: str, ciphertext: bytes) -> list[Needle]:
    """No secret to the server; found where it should be, it shows that the search sees."""
    return list(_spread(what, ciphertext))


def _of_plaintext(what: str, template: Templates, preset: Preset) -> Iterator[Needle]:
    """What a probe encrypts: as slots, and as the polynomial that encodes them."""
    half = (PLAIN_MODULUS + 1) // 2
    rows = np.concatenate([template.coarse + template.fine, template.coarse - template.fine])
    rows = rows * half % PLAIN_MODULUS
    for form in (np.int64, np.int32, np.float64):
        pieces = parts(rows[0].astype(form), REALS, _PLACES)
        yield from encoded(as_bytes(f"{what} as slots, {form.__name__}", pieces))
    polynomial = seal.plaintext(preset, preset.layouts[0].repeat(rows).tolist())
    yield from _spread(f"{what} as a polynomial", _expanded(seal.save(polynomial))[_BEFORE_COEFFICIENTS:])


def _spread(what: str, data: bytes, places: int = _PLACES) -> Iterator[Needle]:
    yield from encoded(of_bytes(what, data, places))


def _expanded(data: bytes) -> bytes:
    """A serialized object of SEAL without its header."""
    body = data[objects.HEADER.size :]
    if objects.check_header(data, len(data)) == objects.RAW:
        return body
    with zstandard.ZstdDecompressor().stream_reader(body) as reader:
        return bytes(reader.read())
