"""The messages of the match server's API. `schema.cddl` beside this module says the same for other languages.

A message is three things in turn: bytes, a CBOR value of the strict profile, and one of these frozen models.
Only `MalformedMessage` and `TooLarge` come out of the reading, and neither repeats what was read.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel

from blindwatch.errors import MalformedMessage
from blindwatch.wire import cbor, crops, limits

DEPLOYMENT_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")

_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z", re.ASCII)


def now() -> str:
    """The current time as messages carry it: RFC 3339 in UTC, with milliseconds and Z."""
    return stamp(datetime.now(UTC))


def stamp(at: datetime, precision: str = "milliseconds") -> str:
    """A time as messages and statements carry it; `at` has a time zone."""
    return at.astimezone(UTC).isoformat(timespec=precision).removesuffix("+00:00") + "Z"


def _real_time(text: str) -> str:
    if not _TIMESTAMP.fullmatch(text):
        raise ValueError("not an RFC 3339 time in UTC")
    datetime.fromisoformat(text[:19])
    return text


DeploymentId = Annotated[str, StringConstraints(pattern=rf"^{DEPLOYMENT_ID.pattern}$")]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
ProbeId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
CameraName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
PresetName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,64}$")]
ProblemUrn = Annotated[str, StringConstraints(pattern=r"^urn:blindwatch:problem:[a-z-]{1,64}$")]
Timestamp = Annotated[str, AfterValidator(_real_time)]
Count = Annotated[int, Field(ge=0, lt=2**63)]
Use = Literal["reveal", "ranked"]


STRICT: Final = ConfigDict(
    alias_generator=to_camel,
    validate_by_name=True,
    strict=True,
    frozen=True,
    extra="forbid",
    hide_input_in_errors=True,
)
"""How everything is read that another party wrote: messages, and signed statements."""


class Message(BaseModel):
    """A frozen model that reads and writes the strict CBOR profile, with field names in camel case."""

    model_config = STRICT
    limit: ClassVar[int] = limits.ANSWER

    def to_cbor(self) -> bytes:
        """The message as bytes."""
        return cbor.encode(self.model_dump(by_alias=True, exclude_none=True))

    @classmethod
    def from_cbor(cls, data: bytes) -> Self:
        """Read a message from untrusted bytes."""
        value = cbor.decode(data, cls.limit)
        try:
            return cls.model_validate(value, by_alias=True, by_name=False)
        except ValidationError:
            raise MalformedMessage(f"The bytes do not follow the schema of {cls.__name__}.") from None


class DeploymentOffer(Message):
    """A custodian offers a deployment, or a newer version: two signed statements, and what the server computes with.

    The statements are envelopes as they are in their files; they say everything else. The bundle may be left out of
    later versions. In ranked use it is the encryption key alone.
    """

    limit = limits.OFFER
    manifest: Annotated[bytes, Field(min_length=1, max_length=limits.ENVELOPE)]
    watchlist: Annotated[bytes, Field(min_length=1, max_length=limits.ENVELOPE)]
    bundle: Annotated[bytes, Field(min_length=1, max_length=limits.BUNDLE)] | None = None


class DeploymentInfo(Message):
    """What anyone with a role may know of a deployment, with the commitment to its mask secret."""

    deployment: DeploymentId
    use: Use = "reveal"
    preset: PresetName
    key_id: Digest
    model_digest: Digest
    threshold: int
    mask_commitment: Digest
    ready: bool
    entries: Count
    version: Count
    manifest_digest: Digest
    watchlist_digest: Digest
    tombstone: Count
    """The sequence of the newest removal, 0 if there is none."""
    stopped: bool = False
    """Whether nothing is taken under this manifest any more."""


class Probe(Message):
    """One encrypted template with the face, sealed to the operator, and the least that must be known about them."""

    limit = limits.PROBE
    probe_id: ProbeId
    camera: CameraName
    preset: PresetName
    key_id: Digest
    model_digest: Digest
    captured_at: Timestamp
    ciphertext: Annotated[bytes, Field(min_length=1, max_length=limits.CIPHERTEXT)]
    crop: Annotated[bytes, Field(min_length=crops.SEALED, max_length=crops.SEALED)]
    authorisation: Annotated[bytes, Field(min_length=1, max_length=limits.PROBE_AUTHORISATION)] | None = None
    """An operator's, of this one probe, as an envelope; under a profile for checks of one person, and no other."""


class ProbeReceipt(Message):
    """The server has taken a probe."""

    probe_id: ProbeId
    accepted_at: Timestamp


class FacesSeen(Message):
    """What a camera saw in one minute: numbers of faces, and nothing of any of them."""

    camera: CameraName
    faces: Count
    dropped: Count
    """Of the faces, those that could not be sent."""
    unusable: Count
    """Of the faces, those that were never clear enough to be compared."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.dropped + self.unusable > self.faces:
            raise ValueError("more faces were lost than seen")
        return self


class CameraHeard(Message):
    """A camera, and when it called the server last; never, as far as the server knows, if there is no time."""

    camera: CameraName
    heard_at: Timestamp | None = None


class CameraList(Message):
    """The cameras of a deployment."""

    limit = limits.JSON
    cameras: Annotated[tuple[CameraHeard, ...], Strict(False), Field(max_length=limits.CAMERAS)]


class ReleasedBlock(Message):
    """What the server releases for one block of entries."""

    ciphertexts: Annotated[
        tuple[Annotated[bytes, Field(max_length=limits.RELEASED)], ...],
        Strict(False),
        Field(min_length=1, max_length=limits.RELEASES),
    ]

    @property
    def size(self) -> int:
        """Bytes of ciphertexts."""
        return sum(map(len, self.ciphertexts))


class Result(Message):
    """The answer to a probe, whatever it holds."""

    limit = limits.RESULT
    probe_id: ProbeId
    camera: CameraName
    captured_at: Timestamp
    watchlist: Digest
    """The list that it was compared with, by the digest of its statement: entries are numbered in this one."""
    releases: Annotated[tuple[ReleasedBlock, ...], Strict(False), Field(max_length=limits.BLOCKS)]
    crop: Annotated[bytes, Field(min_length=crops.WRAPPED, max_length=crops.WRAPPED)]
    """The sealed face of the probe, under the key whose pieces are released."""
    tombstone: Count
    """The sequence of the removal that it was computed with, 0 if there was none."""
    elapsed_ms: Count

    @property
    def size(self) -> int:
        """Bytes of ciphertexts."""
        return sum(each.size for each in self.releases) + len(self.crop)


class FailedResult(Message):
    """A probe that was taken and could not be answered."""

    limit = limits.RESULT
    probe_id: ProbeId
    camera: CameraName
    captured_at: Timestamp
    problem: ProblemUrn


class Logged(Message):
    """A record of the server's log, and the proof that the log has it, as text of C2SP tlog-proof."""

    limit = limits.LOG_ENTRY + limits.LOG_PROOF + limits.KIB
    record: Annotated[bytes, Field(max_length=limits.LOG_ENTRY)]
    proof: Annotated[bytes, Field(max_length=limits.LOG_PROOF)]


class ResultBatch(Message):
    """Results in the order of their arrival, oldest first, each with the record of its release."""

    limit = limits.RESULT_BATCH
    results: Annotated[tuple[Result | FailedResult, ...], Strict(False)]
    logged: Annotated[tuple[Logged, ...], Strict(False)]

    @model_validator(mode="after")
    def _one_each(self) -> Self:
        if len(self.logged) != len(self.results):
            raise ValueError("not one record for each result")
        return self


class Search(Message):
    """One query of a ranked search, encrypted."""

    limit = limits.SEARCH
    search_id: ProbeId
    preset: PresetName
    key_id: Digest
    model_digest: Digest
    requested_at: Timestamp
    query: Annotated[bytes, Field(min_length=1, max_length=limits.RANKED_FORM)]


class SearchReceipt(Message):
    """The server has taken a search."""

    search_id: ProbeId
    accepted_at: Timestamp


class SearchResult(Message):
    """The encrypted scores of a search, one piece for each block of entries, or why there are none."""

    limit = limits.SEARCH_RESULT
    search_id: ProbeId
    requested_at: Timestamp
    watchlist: Digest | None = None
    """The list that it was compared with, by the digest of its statement; there is one unless there is a problem."""
    scores: Annotated[
        tuple[Annotated[bytes, Field(max_length=limits.RANKED_SCORES)], ...],
        Strict(False),
        Field(max_length=limits.RANKED_BLOCKS),
    ]
    tombstone: Count
    """The sequence of the removal whose entries have no score, 0 if there was none."""
    elapsed_ms: Count
    problem: ProblemUrn | None = None


class SearchAnswer(Message):
    """The result of a search with the record of its release."""

    limit = limits.SEARCH_RESULT + limits.LOG_ENTRY + limits.LOG_PROOF
    result: SearchResult
    logged: Logged


class KeptProbe(Message):
    """A probe that oversight has drawn, as its camera signed and sent it (RFC 9421)."""

    limit = limits.KEPT
    probe: Annotated[bytes, Field(max_length=limits.PROBE)]
    """The body."""
    signed: Annotated[bytes, Field(max_length=4 * limits.KIB)]
    """What is signed: the signature base."""
    signature: Annotated[bytes, Field(min_length=64, max_length=64)]


class KeptList(Message):
    """The probes that are kept for oversight."""

    limit = limits.LOG_ENTRY
    probes: Annotated[tuple[ProbeId, ...], Strict(False), Field(max_length=limits.CHALLENGED)]


class MaskSecret(Message):
    """The secret that seeded the masks of a deployment that is closed."""

    secret: Annotated[bytes, Field(min_length=32, max_length=32, repr=False)]


class Health(Message):
    """How the server is."""

    status: str
    version: str
    workers: Count
    queued: Count
    deployments: Count
