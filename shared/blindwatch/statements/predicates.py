"""Everything that is signed in the life of a deployment, from its approval to the receipt of its end."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from blindwatch.statements.register import PersonName
from blindwatch.statements.signing import key_id
from blindwatch.statements.statement import Fields, Line, Predicate
from blindwatch.tlog.policy import Policy
from blindwatch.wire import limits
from blindwatch.wire.crops import PUBLIC_BYTES
from blindwatch.wire.messages import (
    CameraName,
    Count,
    DeploymentId,
    Digest,
    PresetName,
    ProbeId,
    Timestamp,
    Use,
)


def instant(timestamp: str) -> datetime:
    """A time of a message as Python has it."""
    return datetime.fromisoformat(timestamp).astimezone(UTC)


def _base64_of(size: int | None) -> Any:
    def check(text: str) -> str:
        try:
            data = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("not base64") from None
        if size is not None and len(data) != size:
            raise ValueError("not of this size")
        return text

    return AfterValidator(check)


Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
"""The name of a category, a kind of document or a profile."""
Rate = Annotated[float, Field(ge=0, le=1)]
RawKey = Annotated[str, _base64_of(32)]
Sealed = Annotated[str, _base64_of(None), Field(max_length=limits.SEALED)]
EntryNumber = Annotated[int, Field(ge=0, lt=2**32)]


class ProfileRef(Fields):
    """The policy profile that a deployment follows, by the digest of its text."""

    name: Word
    version: Count
    digest: Digest


class Window(Fields):
    """When a deployment runs: from the first instant up to the last, which is no longer in it."""

    not_before: Timestamp
    not_after: Timestamp

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if instant(self.not_before) >= instant(self.not_after):
            raise ValueError("the window ends before it begins")
        return self


class CameraKey(Fields):
    """A camera that may send: its name, and its raw Ed25519 key in base64."""

    name: CameraName
    ed25519: RawKey

    @property
    def raw(self) -> bytes:
        """The 32 bytes of the key."""
        return base64.b64decode(self.ed25519)

    @property
    def key_id(self) -> str:
        """What names the key in requests and revocations."""
        return key_id(self.raw)


class Thresholds(Fields):
    """From where on two templates match: as people say it, and as the integers it becomes. Zero in ranked use."""

    similarity: Annotated[float, Field(ge=-1, le=1)]
    gate: int
    fine: int


class Prediction(Fields):
    """How often a listed threshold is expected to stop somebody who is not listed."""

    false_match_rate: Rate
    false_alerts_per_1000: Annotated[float, Field(ge=0, le=1000)]
    acknowledged: Line | None = None
    """Why it is right to go on although the profile's cap is exceeded."""


class ListRef(Fields):
    """The watchlist of a deployment, by the digest of its statement, and what is in it."""

    digest: Digest
    built_at: Timestamp
    entries: Annotated[int, Field(ge=1, lt=2**32)]
    by_category: dict[Word, Annotated[int, Field(ge=1)]]
    under_age: Count
    second_approvals: Count = 0
    """Entries to which a second person has agreed, with a reason."""

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        most = max(self.under_age, self.second_approvals)
        if sum(self.by_category.values()) != self.entries or most > self.entries:
            raise ValueError("the categories do not add up to the entries")
        return self


class Document(Fields):
    """A required document: its kind, version, SHA-256 and when it lapses."""

    kind: Word
    version: Line
    digest: Digest
    expires: Timestamp


def _unique(values: Iterable[object]) -> bool:
    every = list(values)
    return len(set(every)) == len(every)


class DeploymentManifest(Predicate):
    """What is approved: who may look where and when, for whom, with what and at which threshold."""

    kind: ClassVar[str] = "urn:blindwatch:deployment:v1"

    deployment: DeploymentId
    version: Annotated[int, Field(ge=1, lt=2**31)]
    profile: ProfileRef
    use: Use
    purpose: Line
    place: Line
    window: Window
    cameras: Annotated[tuple[CameraKey, ...], Field(max_length=limits.CAMERAS)]
    model_digest: Digest
    preset: PresetName
    key_id: Digest
    bundle_digest: Digest
    thresholds: Thresholds
    predicted: Prediction
    operating_point: Digest | None = None
    """SHA-256 of the file of the measurement that the prediction follows from; none for that of the model's card."""
    watchlist: ListRef
    documents: Annotated[tuple[Document, ...], Field(max_length=limits.DOCUMENTS)]
    urgent: bool = False
    """It begins before the authority outside the force, which the profile names a document of, has allowed it."""
    evidence_recipient: Annotated[str, StringConstraints(pattern=r"^age1[0-9a-z]{58}$")] | None = None
    """The age recipient of an oversight body, to which what led to a match is sealed."""
    crop_key: Annotated[str, _base64_of(PUBLIC_BYTES)] | None = None
    """The operator's key that cameras seal faces to: ML-KEM-768, then X25519. None where no camera sends any."""
    log_policy: Annotated[str, Field(max_length=limits.LOG_POLICY)]
    """Which log records what the server does, and which witnesses have to have seen it: text of C2SP tlog-policy."""
    change_reason: Line | None = None
    """Of a version after the first: why it differs from the one before."""
    creator: PersonName

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        names, keys = (each.name for each in self.cameras), (each.ed25519 for each in self.cameras)
        kinds = (each.kind for each in self.documents)
        if not all(map(_unique, (names, keys, kinds))):
            raise ValueError("a camera, a key or a document is there twice")
        if (self.use == "reveal") != (self.crop_key is not None):
            raise ValueError("faces are sealed to a key where there are cameras, and only there")
        if (self.version > 1) != (self.change_reason is not None):
            raise ValueError("every version but the first says why it differs")
        return self

    def read_log_policy(self) -> Policy:
        """The log and its witnesses; raises ConfigurationError where nobody has checked the manifest."""
        return Policy.parse(self.log_policy.encode())

    def subjects(self) -> dict[str, str]:
        """The public keys and the list."""
        return {"evaluation-keys": self.bundle_digest, "watchlist": self.watchlist.digest}


class Watchlist(Predicate):
    """A list as the digests of its ciphertexts, one row for each block of entries, and what goes with it."""

    kind: ClassVar[str] = "urn:blindwatch:watchlist:v1"

    deployment: DeploymentId
    preset: PresetName
    key_id: Digest
    model_digest: Digest
    built_at: Timestamp
    entries: Annotated[int, Field(ge=1, lt=2**32)]
    by_category: dict[Word, Annotated[int, Field(ge=1)]]
    under_age: Count
    second_approvals: Count = 0
    approvals_digest: Digest | None = None
    """HMAC-SHA-256 of the entries with a second approval, under the key of the commitments to who is on the list."""
    approvers: tuple[PersonName, ...] = ()
    """Who agrees to these entries by signing the list."""
    builder: PersonName
    blocks: Annotated[tuple[tuple[Digest, ...], ...], Field(max_length=limits.RANKED_BLOCKS)]
    package_digest: Digest
    membership_digest: Digest

    @model_validator(mode="after")
    def _approved_by_others(self) -> Self:
        if list(self.approvers) != sorted(set(self.approvers) - {self.builder}):
            raise ValueError("the approvers are not in order, or the builder is one of them")
        if not bool(self.second_approvals) == bool(self.approvers) == (self.approvals_digest is not None):
            raise ValueError("approvals, approvers and a digest go together")
        return self

    def subjects(self) -> dict[str, str]:
        """The operator's package and the commitments to who is on the list."""
        return {"membership": self.membership_digest, "operator-package": self.package_digest}

    @property
    def blobs(self) -> frozenset[str]:
        """The digests of all ciphertexts."""
        return frozenset(digest for block in self.blocks for digest in block)


class Tombstone(Predicate):
    """Entries that no longer match, by their numbers: all of them, with those of the tombstones before."""

    kind: ClassVar[str] = "urn:blindwatch:tombstone:v1"

    deployment: DeploymentId
    watchlist_digest: Digest
    sequence: Annotated[int, Field(ge=1, lt=2**31)]
    removed: Annotated[tuple[EntryNumber, ...], Field(min_length=1, max_length=limits.REMOVED)]
    reason: Line
    issued_at: Timestamp

    @model_validator(mode="after")
    def _sorted(self) -> Self:
        if list(self.removed) != sorted(set(self.removed)):
            raise ValueError("the entries are not in order, or one is there twice")
        return self

    def subjects(self) -> dict[str, str]:
        """The list that loses entries."""
        return {"watchlist": self.watchlist_digest}


class Revocation(Predicate):
    """A camera's key that counts no longer, in any version of the deployment's manifest."""

    kind: ClassVar[str] = "urn:blindwatch:revocation:v1"

    deployment: DeploymentId
    camera_key: Digest
    reason: Line
    issued_at: Timestamp

    def subjects(self) -> dict[str, str]:
        """The key."""
        return {"camera-key": self.camera_key}


class Authorisation(Predicate):
    """What an authority outside the force was asked, or has decided, about a deployment that began urgently."""

    kind: ClassVar[str] = "urn:blindwatch:authorisation:v1"

    deployment: DeploymentId
    manifest_digest: Digest
    decision: Literal["requested", "granted", "refused"]
    authority: Line
    reference: Line
    decided_at: Timestamp

    def subjects(self) -> dict[str, str]:
        """The manifest that it is about."""
        return {"deployment": self.manifest_digest}


class Closing(Predicate):
    """A deployment is over: what it held is to be destroyed."""

    kind: ClassVar[str] = "urn:blindwatch:closing:v1"

    deployment: DeploymentId
    manifest_digest: Digest
    reason: Line
    issued_at: Timestamp

    def subjects(self) -> dict[str, str]:
        """The manifest that is closed."""
        return {"deployment": self.manifest_digest}


class Stop(Predicate):
    """A deployment goes no further under this manifest: only a newer version, which is approved, goes on."""

    kind: ClassVar[str] = "urn:blindwatch:stop:v1"

    deployment: DeploymentId
    manifest_digest: Digest
    reason: Line
    issued_at: Timestamp

    def subjects(self) -> dict[str, str]:
        """The manifest under which nothing is taken any more."""
        return {"deployment": self.manifest_digest}


class ProbeAuthorisation(Predicate):
    """An operator has one probe compared, on grounds that are in the operator's log and open to a commitment here."""

    kind: ClassVar[str] = "urn:blindwatch:probe-authorisation:v1"

    deployment: DeploymentId
    probe_id: ProbeId
    ciphertext: Digest
    grounds: Digest
    operator: PersonName
    issued_at: Timestamp

    def subjects(self) -> dict[str, str]:
        """The encrypted template, and the commitment to the grounds."""
        return {"ciphertext": self.ciphertext, "grounds": self.grounds}


class Challenge(Predicate):
    """An oversight body draws results of a deployment for replay, among the records of a range of the log.

    The signatures draw them, so that nobody knows before which ones they are.
    """

    kind: ClassVar[str] = "urn:blindwatch:challenge:v1"

    deployment: DeploymentId
    origin: Line
    first: Count
    end: Count
    root: Digest
    """Of the log at its first `end` records."""

    @model_validator(mode="after")
    def _a_range(self) -> Self:
        if not 0 < self.end - self.first <= limits.CHALLENGE_RANGE:
            raise ValueError("not a range of records, or too long a one")
        return self

    def subjects(self) -> dict[str, str]:
        """The tree."""
        return {"log": self.root}


class Destroyed(Fields):
    """One kind of thing that was destroyed."""

    what: Word
    count: Count
    size: Count
    """Bytes."""


class Receipt(Predicate):
    """Its signer destroyed what it held of a deployment."""

    kind: ClassVar[str] = "urn:blindwatch:receipt:v1"

    deployment: DeploymentId
    manifest_digest: Digest
    closing_digest: Digest | None = None
    """The closing that was carried out; none where the time of the manifest had simply run out."""
    signer: PersonName
    destroyed_at: Timestamp
    destroyed: tuple[Destroyed, ...]
    kept: tuple[Word, ...]
    """What remains, none of it biometric."""

    def subjects(self) -> dict[str, str]:
        """The manifest of what is gone."""
        return {"deployment": self.manifest_digest}


class KeyRequest(Predicate):
    """An operator asks the custodians for the key of a deployment, for a time, to a public key in its memory."""

    kind: ClassVar[str] = "urn:blindwatch:key-request:v1"

    deployment: DeploymentId
    key_id: Digest
    operator: PersonName
    profile_digest: Digest
    """The rules of the deployment, as the operator has acknowledged them by signing this."""
    window: Window
    public_key: Annotated[str, _base64_of(None), Field(max_length=limits.SEALED)]

    def subjects(self) -> dict[str, str]:
        """The key that is asked for."""
        return {"key": self.key_id}


class KeyShare(Predicate):
    """A custodian's answer to a request: a share, sealed to the public key in it."""

    kind: ClassVar[str] = "urn:blindwatch:key-share:v1"

    request_digest: Digest
    custodian: PersonName
    sealed: Sealed

    def subjects(self) -> dict[str, str]:
        """The request that is answered."""
        return {"request": self.request_digest}
