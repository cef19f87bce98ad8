"""What the server asks of a worker process and what it hears back, framed on the worker's pipes.

The pipes carry the same strict CBOR as the wire, never pickles: a worker that untrusted ciphertexts took over
can answer falsely, and nothing more.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from pydantic import Field, Strict

from blindwatch.wire import limits
from blindwatch.wire.messages import Count, Message, ReleasedBlock

LENGTH_BYTES: Final = 4


class Inspect(Message):
    """Check that a bundle is one of the preset and the key."""

    bundle: str
    preset: str
    key_id: str


class Load(Message):
    """Take a deployment's watchlist into memory, in the place of the one before."""

    deployment: str
    handle: str
    listed: str
    """The list, by the digest of its statement."""
    bundle: str
    preset: str
    key_id: str
    threshold: int
    mask_secret: Annotated[bytes, Field(repr=False)]
    prepared: str
    """Folder for the form that is computed with, made by whoever comes first."""
    blocks: Annotated[tuple[Annotated[tuple[str, ...], Strict(False)], ...], Strict(False)]


class LoadGallery(Message):
    """Take the gallery of a ranked deployment, one file for each block, in the place of the one before."""

    deployment: str
    handle: str
    listed: str
    """The list, by the digest of its statement."""
    preset: str
    key_id: str
    gallery: Annotated[tuple[str, ...], Strict(False)]


class Drop(Message):
    """Let go of a deployment's watchlist."""

    drop: str


class Match(Message):
    """Score a probe against the watchlist of a deployment."""

    deployment: str
    camera: str
    probe_id: str
    ciphertext: Annotated[bytes, Field(repr=False)]
    crop: Annotated[bytes, Field(repr=False)]
    """The face, sealed to the operator."""
    removed_from: str = ""
    """The list that entries were removed from, by the digest of its statement. Another list has other numbers."""
    removed: Annotated[tuple[int, ...], Strict(False)] = ()
    """Numbers of entries of which nothing may be released any more."""


class Rank(Message):
    """Score a query against the gallery of a deployment."""

    deployment: str
    query: Annotated[bytes, Field(repr=False)]
    removed_from: str = ""
    """As of a probe."""
    removed: Annotated[tuple[int, ...], Strict(False)] = ()


class Done(Message):
    """A job is done and there is nothing to say about it."""


class Released(Message):
    """What a probe's releases are, of which list, the face that goes with them, and how long they took."""

    listed: str
    releases: Annotated[tuple[ReleasedBlock, ...], Strict(False), Field(repr=False)]
    crop: Annotated[bytes, Field(repr=False)]
    """The sealed face under the key whose pieces are released."""
    elapsed_ms: Count


class Ranked(Message):
    """The encrypted scores of a query, block by block, of which list, and how long they took."""

    listed: str
    scores: Annotated[tuple[bytes, ...], Strict(False), Field(repr=False)]
    elapsed_ms: Count


class Refused(Message):
    """A job could not be done."""

    problem: str
    detail: str
    hint: str


Job: TypeAlias = Inspect | Load | LoadGallery | Drop | Match | Rank
Answer: TypeAlias = Done | Released | Ranked | Refused


class Order(Message):
    """A job on its way to a worker. A path may take as many bytes as the system lets it."""

    limit = limits.SEARCH + limits.BLOCKS * 128 * 4 * limits.KIB
    job: Job


class Reply(Message):
    """An answer on its way from a worker."""

    limit = limits.RESULT
    answer: Answer
