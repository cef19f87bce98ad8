"""What the match server records, before the effect of it can be seen by anybody."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, Strict

from blindwatch.records.record import OfDeployment, Record
from blindwatch.wire import limits
from blindwatch.wire.messages import CameraName, Count, Digest, PresetName, ProbeId, ProblemUrn, Timestamp


class Started(Record):
    """The server has started. Probes that were accepted before and have no result by now never get one."""

    kind: Literal["started"] = "started"
    software: Annotated[str, Field(max_length=64)]


class DeploymentAccepted(OfDeployment):
    """A version of a deployment was accepted, by the digests of its statements and of its public keys."""

    kind: Literal["deployment-accepted"] = "deployment-accepted"
    version: Count
    manifest: Digest
    watchlist: Digest
    bundle: Digest
    mask_commitment: Digest
    """SHA-256 of the secret that seeds the masks, which no version changes."""


class ListLoaded(OfDeployment):
    """A version is in force: probes are compared with its list."""

    kind: Literal["list-loaded"] = "list-loaded"
    version: Count
    manifest: Digest
    watchlist: Digest


class ThresholdChanged(OfDeployment):
    """A version in force has another threshold than the one before; what is predicted is false alerts per million."""

    kind: Literal["threshold-changed"] = "threshold-changed"
    version: Count
    before: int
    after: int
    predicted: Count


class EntriesRemoved(OfDeployment):
    """A tombstone was accepted."""

    kind: Literal["entries-removed"] = "entries-removed"
    sequence: Count
    tombstone: Digest


class CameraRevoked(OfDeployment):
    """A camera's key counts no longer."""

    kind: Literal["camera-revoked"] = "camera-revoked"
    camera_key: Digest
    revocation: Digest


class ProbeAccepted(OfDeployment):
    """A probe was accepted: the digest of its ciphertext, and the camera that signed it."""

    kind: Literal["probe-accepted"] = "probe-accepted"
    probe_id: ProbeId
    camera: CameraName
    ciphertext: Digest
    grounds: Digest | None = None
    """Where the profile is for checks of one person: the commitment that an operator signed with the probe."""


class FacesCounted(OfDeployment):
    """A camera has said how many faces it saw in a minute, and for how many of them it sent no probe.

    After a crash the same record may be there twice: there is one for each camera and minute, and the last counts.
    """

    kind: Literal["faces-counted"] = "faces-counted"
    camera: CameraName
    minute: Timestamp
    faces: Count
    dropped: Count
    """Of the faces, those that could not be sent."""
    unusable: Count
    """Of the faces, those that were never clear enough to be compared."""


class SearchAccepted(OfDeployment):
    """A search was accepted in ranked use: the digest of its encrypted query."""

    kind: Literal["search-accepted"] = "search-accepted"
    search_id: ProbeId
    query: Digest


class ResultReleased(OfDeployment):
    """A result was released, or why there is none: of a probe, or under the same name of a search.

    The digest is that of `replayable` of the result.
    """

    kind: Literal["result-released"] = "result-released"
    probe_id: ProbeId
    result: Digest
    preset: PresetName
    watchlist: Digest | None = None
    tombstone: Count = 0
    mask_commitment: Digest
    problem: ProblemUrn | None = None


class ResultDeleted(OfDeployment):
    """A result is deleted: it was read, its time was over, or its deployment is."""

    kind: Literal["result-deleted"] = "result-deleted"
    probe_id: ProbeId
    reason: Literal["read", "expired", "closed"]


class ProbesChallenged(OfDeployment):
    """An oversight body has drawn probes among the results up to an index; their ciphertexts are kept."""

    kind: Literal["probes-challenged"] = "probes-challenged"
    challenge: Digest
    first: Count
    end: Count
    kept: Annotated[tuple[ProbeId, ...], Strict(False), Field(max_length=limits.CHALLENGED)]


class AuthorisationRecorded(OfDeployment):
    """An authority outside the force was asked about an urgent deployment, or has decided. A refusal ends it."""

    kind: Literal["authorisation-recorded"] = "authorisation-recorded"
    decision: Literal["requested", "granted", "refused"]
    authorisation: Digest


class DeploymentStopped(OfDeployment):
    """Nothing is taken under this manifest any more."""

    kind: Literal["deployment-stopped"] = "deployment-stopped"
    manifest: Digest
    stop: Digest


class DeploymentClosed(OfDeployment):
    """A deployment is over; nothing is compared any more. Without a closing its time had run out."""

    kind: Literal["deployment-closed"] = "deployment-closed"
    manifest: Digest
    closing: Digest | None = None


class DeploymentDestroyed(OfDeployment):
    """What the server held of a deployment is destroyed, by the digest of its receipt."""

    kind: Literal["deployment-destroyed"] = "deployment-destroyed"
    receipt: Digest


class AuditEnded(OfDeployment):
    """The secret of the masks and the ciphertexts that were kept for oversight are destroyed."""

    kind: Literal["audit-ended"] = "audit-ended"
    kept: Count


class Viewed(OfDeployment):
    """An oversight body was given something that is not public."""

    kind: Literal["viewed"] = "viewed"
    what: Literal["kept-probe", "mask-secret", "ciphertext"]
    count: Count


ServerRecord: TypeAlias = Annotated[
    Started
    | DeploymentAccepted
    | ListLoaded
    | ThresholdChanged
    | EntriesRemoved
    | CameraRevoked
    | ProbeAccepted
    | FacesCounted
    | SearchAccepted
    | ResultReleased
    | ResultDeleted
    | ProbesChallenged
    | AuthorisationRecorded
    | DeploymentStopped
    | DeploymentClosed
    | DeploymentDestroyed
    | AuditEnded
    | Viewed,
    Field(discriminator="kind"),
]
