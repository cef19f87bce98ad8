"""DSSE: a payload with the signatures of several people over it, in JSON.

After the Dead Simple Signing Envelope 1.0 of secure-systems-lab, with the payload of in-toto.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final, Self

from blindwatch.errors import MalformedMessage, TooLarge
from blindwatch.statements.signing import Identity, Signature
from blindwatch.wire import limits

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
_NOT_ONE: Final = "The bytes are not a signed statement."


@dataclass(frozen=True)
class Envelope:
    """A payload and the signatures over it. Nothing in it is verified yet."""

    payload: bytes
    signatures: tuple[Signature, ...] = ()

    @property
    def digest(self) -> str:
        """The SHA-256 (hex) of the payload, by which other statements name this one."""
        return hashlib.sha256(self.payload).hexdigest()

    @property
    def message(self) -> bytes:
        """What is signed: the pre-authentication encoding of type and payload."""
        return b"DSSEv1 %d %s %d %s" % (
            len(PAYLOAD_TYPE),
            PAYLOAD_TYPE.encode(),
            len(self.payload),
            self.payload,
        )

    def signed_by(self, identity: Identity) -> Self:
        """The same payload with the signatures of one person more; those of the same keys are replaced."""
        added = identity.sign(self.message)
        names = {each.key_id for each in added}
        kept = tuple(each for each in self.signatures if each.key_id not in names)
        return type(self)(self.payload, (*kept, *added))

    def to_json(self) -> bytes:
        """The envelope as JSON."""
        content = {
            "payloadType": PAYLOAD_TYPE,
            "payload": base64.b64encode(self.payload).decode(),
            "signatures": [
                {"keyid": each.key_id, "sig": base64.b64encode(each.value).decode()}
                for each in self.signatures
            ],
        }
        return json.dumps(content, indent=1).encode() + b"\n"

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read an envelope from untrusted bytes; raises MalformedMessage or TooLarge."""
        if len(data) > limits.ENVELOPE:
            raise TooLarge("The signed statement is over its byte limit.")
        match parse_json(data):
            case {
                "payloadType": "application/vnd.in-toto+json",
                "payload": str(payload),
                "signatures": list(found),
            } as all_ if len(all_) == 3 and len(found) <= limits.SIGNATURES:
                return cls(_decoded(payload), tuple(_signature(each) for each in found))
        raise MalformedMessage(_NOT_ONE)


def parse_json(data: bytes) -> Any:
    """Strict JSON in UTF-8, in which no name comes twice; raises MalformedMessage."""
    try:
        return json.loads(data, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise MalformedMessage(_NOT_ONE) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a name comes twice")
    return content


def _no_number(_: str) -> None:
    raise ValueError("not a number of JSON")


def _signature(value: Any) -> Signature:
    match value:
        case {"keyid": str(name), "sig": str(signature)} if len(value) == 2:
            return Signature(name, _decoded(signature))
    raise MalformedMessage(_NOT_ONE)


def _decoded(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedMessage(_NOT_ONE) from None
    if base64.b64encode(data).decode() != text:
        raise MalformedMessage(_NOT_ONE)
    return data
