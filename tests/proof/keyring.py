"""Everything in some bytes that might open something, and what it opens: what an attacker does who has those bytes.

Taken up is what is written as a key or a share of one: identities of age, private keys in PEM, 32 bytes in
hexadecimal or Base64, words of SLIP-39, secret keys as SEAL writes them, files of age. Keys that are held in other
forms, as parts of a computation, are for `search` to find.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import bech32
import tenseal.sealapi as sealapi
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key
from shamir_mnemonic.wordlist import WORD_INDEX_MAP

from blindwatch.errors import MalformedCiphertext, WrongKey, WrongShare
from blindwatch.he import form, objects, seal
from blindwatch.he.presets import Preset
from blindwatch.secret.shares import MASTER_BYTES, WORDS, check, recover
from blindwatch.secret.wrapping import unwrap

_TEXT: Final = re.compile(rb"[\n -~]{43,}")
"""No key that is written as text is shorter."""
_IDENTITY: Final = re.compile(rb"AGE-SECRET-KEY-1[A-Z0-9]{58}", re.IGNORECASE)
_PEM: Final = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]+-----END [A-Z ]*PRIVATE KEY-----")
_HEX: Final = re.compile(rb"(?<![0-9a-fA-F])[0-9a-fA-F]{64}(?![0-9a-fA-F])")
_BASE64: Final = re.compile(rb"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{43}(?:=|(?![A-Za-z0-9+/_-]))")
_WORDS: Final = re.compile(rb"(?:[A-Za-z]{4,8}[ \n]+){%d,}[A-Za-z]{4,8}" % (WORDS - 1))
_SEAL: Final = re.compile(re.escape(objects.HEADER.pack(objects.MAGIC, 16, *objects.VERSION, 0, 0, 0)[:5]))
_AGE: Final = b"age-encryption.org/v1\n"


@dataclass(frozen=True)
class Sealed:
    """A ciphertext that somebody has saved."""

    what: str
    data: bytes


@dataclass
class Keyring:
    """What was found so far."""

    preset: Preset
    masters: set[bytes] = field(default_factory=set)
    """32 bytes that might be the secret that opens the wrapped key."""
    shares: set[str] = field(default_factory=set)
    wrapped: set[bytes] = field(default_factory=set)
    materials: set[bytes] = field(default_factory=set)
    """Secret keys as SEAL writes them."""

    def add(self, pieces: Iterable[bytes]) -> Keyring:
        """Take up whatever is in some bytes; a file is one piece, memory may come in several."""
        for piece in pieces:
            data = bytes(piece)
            if data.startswith(_AGE):
                self.wrapped.add(data)
            for text in _TEXT.finditer(data):
                self.masters.update(each for each in _secrets(text[0]) if len(each) == MASTER_BYTES)
                self.shares.update(_shares(text[0]))
            self.materials.update(_materials(data, self.preset))
        return self

    def opened(self, sealed: Iterable[Sealed]) -> set[str]:
        """Which of some ciphertexts open with any of it, in any combination."""
        keys = [_decryptor(self.preset, material) for material in self.materials | self._unwrapped()]
        return {each.what for each in sealed for key in keys if opens(self.preset, key, each.data)}

    def _unwrapped(self) -> set[bytes]:
        """The secret keys in wrapped ones, by secrets that were found whole or in shares."""
        found: set[bytes] = set()
        for data in self.wrapped:
            for master in self.masters:
                with suppress(WrongKey):
                    found.add(unwrap(data, master).material)
            with suppress(WrongShare, WrongKey):
                found.add(recover(self.shares, lambda master: unwrap(data, master)).material)  # noqa: B023
        return found


def opens(preset: Preset, decryptor: Any, data: bytes) -> bool:
    """Whether a key decrypts a ciphertext: with any other one nothing but noise is left, as SEAL sees it."""
    primes = form.check(preset, data, {*preset.ladder, preset.fine_primes, 1})
    loaded = seal.ciphertext(preset, form.read(preset, data, primes))
    return int(decryptor.invariant_noise_budget(loaded)) > 0


def values(rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """The contents of rows of a database, bytes of the size of a secret in hexadecimal as well."""
    for row in rows:
        for value in row.values():
            if isinstance(value, bytes):
                yield value
                yield value.hex().encode()
            elif isinstance(value, str):
                yield value.encode()


def _secrets(data: bytes) -> Iterator[bytes]:
    for found in _IDENTITY.finditer(data):
        _, words = bech32.bech32_decode(found[0].decode().lower())
        if words is not None:
            yield bytes(bech32.convertbits(words, 5, 8, pad=False) or b"")
    for found in _PEM.finditer(data):
        yield from _of_pem(found[0])
    for found in _HEX.finditer(data):
        yield bytes.fromhex(found[0].decode())
    for found in _BASE64.finditer(data):
        yield base64.urlsafe_b64decode(found[0].rstrip(b"=").translate(bytes.maketrans(b"+/", b"-_")) + b"=")


def _of_pem(text: bytes) -> Iterator[bytes]:
    """The raw key in a PEM file, and every 32 bytes of it."""
    with suppress(ValueError):
        yield load_pem_private_key(text, None).private_bytes_raw()  # type: ignore[union-attr]
    body = b"".join(text.split(b"\n")[1:-1])
    with suppress(ValueError):
        whole = base64.b64decode(body)
        yield from (whole[at : at + MASTER_BYTES] for at in range(len(whole) - MASTER_BYTES + 1))
        load_der_private_key(whole, None)


def _shares(data: bytes) -> Iterator[str]:
    """Every run of words that is a share."""
    for found in _WORDS.finditer(data):
        words = found[0].decode().lower().split()
        for at in range(len(words) - WORDS + 1):
            if all(word in WORD_INDEX_MAP for word in words[at : at + WORDS]):
                with suppress(WrongShare):
                    yield check(" ".join(words[at : at + WORDS]))


def _materials(data: bytes, preset: Preset) -> Iterator[bytes]:
    """Every object of SEAL that it takes for a secret key of the preset."""
    largest = objects.raw_size(preset, 1, len(preset.primes)) + 4096
    for found in _SEAL.finditer(data):
        at = found.start()
        with suppress(MalformedCiphertext):
            if len(data) - at < objects.HEADER.size:
                continue
            total = objects.HEADER.unpack_from(data, at)[-1]
            if preset.poly_degree // 8 < total <= min(largest, len(data) - at):
                material = data[at : at + total]
                _decryptor(preset, material)
                yield material


def _decryptor(preset: Preset, material: bytes) -> Any:
    return sealapi.Decryptor(seal.context(preset), seal.load(preset, sealapi.SecretKey, material))
