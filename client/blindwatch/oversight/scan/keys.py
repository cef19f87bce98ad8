"""Secret keys in the forms in which they are stored: SEAL's, age's, PEM and PKCS #8, and our own wrapping."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)

from blindwatch.oversight.scan.anchors import Signature, pattern
from blindwatch.oversight.scan.hits import Kind

# A plaintext of SEAL is an identifier of parameters, a count, a scale and an array of as many; a secret key is one
# whose identifier is not zero. In a ciphertext something else stands between the scale and the array.
_SEAL: Final = rb"(.{32})(...\0{5})\0{6}\xf0\x3f\x5e\xa1\x10[\x03\x04].\0\0\0.{8}\2"
_LINES: Final = rb"(?:\\[nr]|[\r\n])+"
_PEM: Final = (
    rb"-----BEGIN [A-Z0-9 ]{0,20}PRIVATE KEY-----"
    + _LINES
    + rb"(?:[A-Za-z-]+: [^\r\n\\]{1,80}"
    + _LINES
    + rb")*"
    rb"[A-Za-z0-9+/](?:[A-Za-z0-9+/=]|\\[nr]|[\r\n]){39,12000}(?:-----END [A-Z0-9 ]{0,20}PRIVATE KEY-----)?"
)
_PKCS8: Final = (
    ("Ed25519 or X25519", b"\x03\x2b\x65", rb"[\x6e-\x71]\x04[\x22\x3b\x3a]\x04"),
    ("RSA", b"\x09\x2a\x86\x48", rb"\x86\xf7\x0d\x01\x01\x01\x05\0\x04\x82"),
    ("elliptic curve", b"\x07\x2a\x86\x48", rb"\xce\x3d\x02\x01\x06"),
    ("ML-DSA or ML-KEM", b"\x09\x60\x86\x48", rb"\x01\x65\x03\x04[\x03\x04][\x01-\x13]\x04"),
)
_AGE_FILE: Final = rb"age-encryption\.org/v1\r?\n-> [!-~]+(?: [!-~]+)*\r?\n[A-Za-z0-9+/]{22}"
_LEAST: Final = 24
"""Bytes at the end of a key, of which half must be different."""
_PKCS8_HEAD: Final = rb"\x02\x01[\0\x01]\x30.\x06"


def key_signatures(own: Collection[bytes] = ()) -> Iterator[Signature]:
    """How secret keys begin. Those of the public keys in `own` (SubjectPublicKeyInfo, DER) may be where they are."""

    def kind_of(public: bytes | None) -> Kind:
        return Kind.OWN_KEY if public in own else Kind.KEY

    def pem(match: re.Match[bytes]) -> tuple[Kind, str]:
        text = re.sub(rb"\\[nr]", b"\n", match[0])
        return kind_of(_public(load_pem_private_key, text)), "PEM private key"

    yield Signature(b"\x5e\xa1\x10", pattern(_SEAL), 48, judge=_seal)
    yield _key("age identity", b"AGE-", rb"AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{40,}")
    yield _key("age identity", b"age-", rb"age-secret-key-(?:pq-)?1[0-9a-z]{40,}")
    yield _key(
        "age file, which may wrap a key",
        b"age-",
        rb"age-encryption\.org/v1\r?\n-> [!-~]+(?: [!-~]+)*\r?\n[A-Za-z0-9+/]{22}",
    )
    yield _key("age file, which may wrap a key", b"AGE ", rb"-----BEGIN AGE ENCRYPTED FILE-----[\r\n]", 11)
    yield _key("content of a wrapped key", b"\x75bli", rb"dkind\x75blindwatch secret key", 5)
    yield Signature(b"BEGI", pattern(_PEM), 5, judge=pem)
    for what, anchor, text in _PKCS8:

        def pkcs8(match: re.Match[bytes], what: str = what) -> tuple[Kind, str] | None:
            key = _sequence(match)
            secret = key[-_LEAST:]
            if len(set(secret)) < _LEAST // 2:
                return None  # a program that writes such keys has their beginning, too
            return kind_of(_public(load_der_private_key, key)), f"PKCS #8 private key, {what}"

        begin = pattern(_PKCS8_HEAD + re.escape(anchor) + text)
        yield Signature(anchor, begin, len(b"\x02\x01\0\x30.\x06"), judge=pkcs8)


def public_form(key: Any) -> bytes:
    """A public key as `key_signatures` compares it."""
    form: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return form


def _key(what: str, anchor: bytes, text: bytes, before: int = 0) -> Signature:
    return Signature(anchor, pattern(text), before, what)


def _seal(match: re.Match[bytes]) -> tuple[Kind, str]:
    return Kind.KEY, "secret key of SEAL" if any(match[1]) else "plaintext of SEAL"


def _sequence(match: re.Match[bytes]) -> bytes:
    """The whole of a PKCS #8 key, whose head is before what was matched."""
    data, inside = match.string, match.start()
    for head, form in ((2, rb"\x30([\x20-\x7f])"), (3, rb"\x30\x81(.)"), (4, rb"\x30\x82(..)")):
        if inside >= head and (start := pattern(form).fullmatch(data, inside - head, inside)):
            return data[inside - head : inside + int.from_bytes(start[1])]
    return b""


def _public(load: Callable[[bytes, None], Any], data: bytes) -> bytes | None:
    """The public key of a private one; none if it cannot be read, as when it is encrypted or cut short."""
    try:
        return public_form(load(data, None).public_key())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
