"""What has to be in a server's log before a key is released, or a result is opened: the gates of V2.

A server that is given a key, or whose results are opened, has then committed to what it does before witnesses that
the deployment's approved manifest names. What it committed to is checked by others, later.
"""

from __future__ import annotations

from blindwatch.errors import RecordMismatch
from blindwatch.records import replaying
from blindwatch.records.reading import server_record
from blindwatch.records.replaying import AnyResult
from blindwatch.records.server import DeploymentAccepted, ResultReleased, ServerRecord
from blindwatch.statements.predicates import DeploymentManifest
from blindwatch.tlog.policy import Policy
from blindwatch.tlog.proofs import LogProof
from blindwatch.wire.messages import FailedResult, Logged, Result, SearchResult


def proven(logged: Logged, policy: Policy) -> ServerRecord:
    """A record that is proven to be in a log of the policy, under a checkpoint that satisfies it; raises LogError."""
    LogProof.parse(logged.proof).verify(logged.record, policy)
    return server_record(logged.record)


def accepted(logged: Logged, digest: str, manifest: DeploymentManifest) -> DeploymentAccepted:
    """The record that a manifest of this digest was accepted, in the log that it names itself; raises LogError."""
    record = proven(logged, manifest.read_log_policy())
    wanted = (
        manifest.deployment,
        manifest.version,
        digest,
        manifest.watchlist.digest,
        manifest.bundle_digest,
    )
    if not isinstance(record, DeploymentAccepted) or wanted != (
        record.deployment,
        record.version,
        record.manifest,
        record.watchlist,
        record.bundle,
    ):
        raise RecordMismatch(
            "The log does not have that this manifest was accepted.",
            "Has it been replaced by a newer version?",
        )
    return record


class Gate:
    """What the log of a deployment has to have of a result before it is opened."""

    def __init__(self, logged: Logged, digest: str, manifest: DeploymentManifest) -> None:
        """`logged` is the record that the manifest of this digest was accepted; raises LogError."""
        self._manifest = manifest
        self._policy = manifest.read_log_policy()
        self._mask_commitment = accepted(logged, digest, manifest).mask_commitment

    def check(self, result: AnyResult, logged: Logged) -> None:
        """Check that the log has the release of just this result; raises LogError."""
        record = proven(logged, self._policy)
        if not isinstance(record, ResultReleased) or self._committed(record) != self._claimed(result):
            raise RecordMismatch("The log does not have the release of this result.")

    def _committed(self, record: ResultReleased) -> tuple[object, ...]:
        return (
            *(record.deployment, record.preset, record.mask_commitment),
            *(record.probe_id, record.result, record.watchlist, record.tombstone, record.problem),
        )

    def _claimed(self, result: AnyResult) -> tuple[object, ...]:
        ours = (self._manifest.deployment, self._manifest.preset, self._mask_commitment)
        digest = replaying.digest(result)
        match result:
            case Result():
                return (*ours, result.probe_id, digest, result.watchlist, result.tombstone, None)
            case FailedResult():
                return (*ours, result.probe_id, digest, None, 0, result.problem)
            case SearchResult():
                return (*ours, result.search_id, digest, result.watchlist, result.tombstone, result.problem)
