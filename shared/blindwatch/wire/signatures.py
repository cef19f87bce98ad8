"""Signed requests of cameras: one fixed profile of HTTP Message Signatures (RFC 9421).

Ed25519 over method, authority, path, query and, where there is a body, its digest and type. The components, the
parameters and the order of both are fixed, so a signature has one spelling: whatever is not spelt so is refused
before anything of it is interpreted. Nothing here knows the time or keeps anything: who verifies brings the time
along, and lets no nonce pass twice.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from secrets import token_hex
from typing import Final, Self

from cryptography import exceptions
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from blindwatch.errors import FutureRequest, InvalidSignature, StaleRequest, UnknownCamera, UnsignedRequest

INPUT_FIELD: Final = "Signature-Input"
FIELD: Final = "Signature"
LABEL: Final = "blindwatch"
TAG: Final = "blindwatch-camera-1"
LIFETIME: Final = 60
"""Seconds from the creation of a signature to its end, at most."""
TOLERANCE: Final = 5
"""Seconds that the clock of a camera may be ahead."""

_INPUT: Final = re.compile(
    rf'{LABEL}=(?P<covered>\([a-z@" -]{{1,100}}\))'
    r';created=(?P<created>[1-9][0-9]{0,10});keyid="(?P<key_id>[0-9a-f]{64})";alg="ed25519"'
    rf';expires=(?P<expires>[1-9][0-9]{{0,10}});nonce="(?P<nonce>[0-9a-f]{{32}})";tag="{TAG}"'
)
_SIGNATURE: Final = re.compile(rf"{LABEL}=:([A-Za-z0-9+/]{{86}}==):")
_TEXT: Final = re.compile(r"[\x20-\x7e]*")
_CLOCKS: Final = "Compare the clocks of camera and server."


@dataclass(frozen=True)
class Request:
    """What a signature covers of a request, as it is on the wire."""

    method: str
    authority: str
    """The Host field in lower case."""
    path: str
    query: str
    """Without the question mark."""
    digest: str | None = None
    """The Content-Digest field; None for a request without a body, and empty if it is missing."""
    media_type: str | None = None

    @classmethod
    def of(cls, method: str, path: bytes, query: bytes, fields: Mapping[str, str]) -> Self:
        """The request of this line and these fields."""
        has_body = (
            any(name in fields for name in ("content-digest", "content-type", "transfer-encoding"))
            or fields.get("content-length", "0") != "0"
        )
        return cls(
            method,
            fields.get("host", "").lower(),
            path.decode("latin-1"),
            query.decode("latin-1"),
            fields.get("content-digest", "") if has_body else None,
            fields.get("content-type", "") if has_body else None,
        )

    @property
    def components(self) -> dict[str, str]:
        """The covered components in their order; raises UnsignedRequest for a body without its digest."""
        found = {
            "@method": self.method,
            "@authority": self.authority,
            "@path": self.path,
            "@query": f"?{self.query}",
        }
        if self.digest is not None:
            found |= {"content-digest": self.digest, "content-type": self.media_type or ""}
        if "" in found.values():
            raise UnsignedRequest("The request lacks a field that its signature has to cover.")
        return found


@dataclass(frozen=True)
class Verified:
    """A signature that holds: whose, and what makes it the only one of its kind. Times are seconds of the epoch."""

    key_id: str
    nonce: str
    created: int
    expires: int
    base: bytes
    """What is signed."""
    value: bytes
    """The signature over it."""


def joined(fields: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Fields by their names in lower case; those that come more than once as one (RFC 9421, section 2.1)."""
    found: dict[str, str] = {}
    for raw_name, raw_value in fields:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1").strip(" \t")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def key_id(key: Ed25519PublicKey) -> str:
    """What names a key: the SHA-256 (hex) of its 32 bytes."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()


def sign(request: Request, key: Ed25519PrivateKey, now: float) -> dict[str, str]:
    """The two fields that sign a request from this time on."""
    created = int(now)
    parameters = (
        f'({_covered(request)});created={created};keyid="{key_id(key.public_key())}";alg="ed25519"'
        f';expires={created + LIFETIME};nonce="{token_hex(16)}";tag="{TAG}"'
    )
    signature = base64.b64encode(key.sign(signature_base(request.components, parameters))).decode()
    return {INPUT_FIELD: f"{LABEL}={parameters}", FIELD: f"{LABEL}=:{signature}:"}


def verify(
    request: Request, fields: Mapping[str, str], keys: Mapping[str, Ed25519PublicKey], now: float
) -> Verified:
    """Check the signature of a request against keys by their identifiers; raises an AccessError that says why not."""
    parameters, signature = fields.get(INPUT_FIELD.lower(), ""), fields.get(FIELD.lower(), "")
    stated, value = _INPUT.fullmatch(parameters), _SIGNATURE.fullmatch(signature)
    if stated is None or value is None or stated["covered"] != f"({_covered(request)})":
        raise UnsignedRequest(hint="Sign it with the identity of a camera.")
    base = signature_base(request.components, parameters.removeprefix(f"{LABEL}="))
    times = (int(stated["created"]), int(stated["expires"]))
    found = Verified(stated["key_id"], stated["nonce"], *times, base, _decoded(value[1]))
    if not 0 < found.expires - found.created <= LIFETIME:
        raise UnsignedRequest(f"The signature is not for {LIFETIME} seconds or less.")
    if found.key_id not in keys:
        raise UnknownCamera(hint="The manifest of the deployment lists the keys of its cameras.")
    check(keys[found.key_id], found.value, base)
    if now >= found.expires:
        raise StaleRequest(hint=_CLOCKS)
    if found.created > now + TOLERANCE:
        raise FutureRequest(hint=_CLOCKS)
    return found


def signature_base(components: Mapping[str, str], parameters: str) -> bytes:
    """What is signed: a line for each component and one for the parameters (RFC 9421, section 2.5)."""
    lines = {**components, "@signature-params": parameters}
    if not all(_TEXT.fullmatch(value) for value in lines.values()):
        raise UnsignedRequest("The request has characters that cannot be signed.")
    return "\n".join(f'"{name}": {value}' for name, value in lines.items()).encode("ascii")


def _covered(request: Request) -> str:
    return " ".join(f'"{name}"' for name in request.components)


def check(key: Ed25519PublicKey, signature: bytes, base: bytes) -> None:
    """Check a signature over a signature base, of a request that is at hand or was; raises InvalidSignature."""
    try:
        key.verify(signature, base)
    except exceptions.InvalidSignature:
        raise InvalidSignature(hint="Nothing between camera and server may change the request.") from None


def _decoded(encoded: str) -> bytes:
    signature = base64.b64decode(encoded)
    if base64.b64encode(signature).decode() != encoded:
        raise UnsignedRequest("The signature is spelt in another way than base64 has it.")
    return signature
