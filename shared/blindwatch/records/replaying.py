"""What replay rests on: which results a challenge draws, and what of a result can be computed once more."""

from __future__ import annotations

import hashlib
from typing import Final, TypeAlias

from blindwatch.statements.dsse import Envelope
from blindwatch.wire.messages import FailedResult, Result, SearchResult

AnyResult: TypeAlias = Result | FailedResult | SearchResult

_DOMAIN: Final = b"blindwatch/challenge/v1\n"
_WHOLE: Final = 1 << 64


def replayable(result: AnyResult) -> bytes:
    """A result without the time that it took: whoever computes it again gets the same bytes."""
    if isinstance(result, FailedResult):
        return result.to_cbor()
    return result.model_copy(update={"elapsed_ms": 0}).to_cbor()


def digest(result: AnyResult) -> str:
    """The SHA-256 (hex) by which a log names a result."""
    return hashlib.sha256(replayable(result)).hexdigest()


def seed(challenge: Envelope) -> bytes:
    """What a challenge draws with: its signatures, which nobody but its signer can know before."""
    values = sorted(each.value for each in challenge.signatures)
    return hashlib.sha256(_DOMAIN + b"".join(values)).digest()


def draws(drawn_with: bytes, leaf: bytes, rate: float) -> bool:
    """Whether a seed draws the result with this leaf hash, at a rate from 0 to 1."""
    number = int.from_bytes(hashlib.sha256(drawn_with + leaf).digest()[:8])
    return number < round(rate * _WHOLE)


def caught(rate: float, wrong: int) -> float:
    """The probability that at least one of so many wrong results is drawn: 1 - (1 - rate)^wrong."""
    return float(1 - (1 - rate) ** wrong)
