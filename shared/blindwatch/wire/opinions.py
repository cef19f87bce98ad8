"""The messages of the TFHE engine; `opinions.cddl` beside this module says the same for other languages.

Between who holds keys and the evaluator go evaluation keys, ciphertexts and a threshold, and back one encrypted bit.
`Pair` and `Verdict` stay between a command and the process that holds the keys for it, on one machine.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, Strict, model_validator

from blindwatch.he.verdicts import DIMENSION, LARGEST, SQUARED_NORM
from blindwatch.wire import limits
from blindwatch.wire.messages import Count, Digest, Message

Small = Annotated[int, Field(ge=-LARGEST, le=LARGEST)]
Template = Annotated[tuple[Small, ...], Strict(False), Field(min_length=DIMENSION, max_length=DIMENSION)]
Part = Annotated[bytes, Field(min_length=1, max_length=limits.OPINION_PART)]


class OpinionKeys(Message):
    """Evaluation keys: all that an evaluator needs, and nothing that decrypts."""

    limit = limits.OPINION_KEYS + limits.KIB
    circuit: Digest
    keys: Annotated[bytes, Field(min_length=1, max_length=limits.OPINION_KEYS)]


class SealedTemplate(Message):
    """A template w and the sum of w (w + 1) / 2 over its coordinates, encrypted."""

    values: Part
    triangles: Part


class OpinionRequest(Message):
    """One comparison to make."""

    limit = 8 * limits.OPINION_PART
    circuit: Digest
    probe: SealedTemplate
    entry: SealedTemplate
    threshold: Part
    """In clear, in Concrete's form."""


class OpinionAnswer(Message):
    """An encrypted bit: whether the entry matches, and what it took."""

    limit = 2 * limits.OPINION_PART
    verdict: Part
    elapsed_ms: Count
    lookups: Count
    """Table lookups of the circuit, by its compiler's own count: what the error probability is over."""


class Pair(Message):
    """Two templates to encrypt, and the threshold."""

    limit = 4 * limits.KIB
    probe: Template
    entry: Template
    threshold: Annotated[int, Field(ge=0, le=SQUARED_NORM)]

    @model_validator(mode="after")
    def _short(self) -> Self:
        if max(sum(value * value for value in each) for each in (self.probe, self.entry)) > SQUARED_NORM:
            raise ValueError("a template is longer than its norm allows")
        return self


class Verdict(Message):
    """A decrypted bit."""

    limit = limits.KIB
    match: bool
