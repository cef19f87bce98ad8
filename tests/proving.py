"""Records with proofs that a log has them: a log of one entry, signed with the key that the test's manifests name.

A server that lies, and commits to its lies before witnesses, is one of these.
"""

from __future__ import annotations

import time

from blindwatch.records.reading import server_record
from blindwatch.records.record import minute
from blindwatch.records.server import DeploymentAccepted, ServerRecord
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import DeploymentManifest
from blindwatch.tlog import merkle
from blindwatch.tlog.checkpoints import Checkpoint
from blindwatch.tlog.cosignatures import cosign
from blindwatch.tlog.keys import Signer
from blindwatch.tlog.proofs import LogProof
from blindwatch.wire.messages import Logged

COMMITMENT = "ef" * 32


def proven(record: ServerRecord | bytes, log: Signer, *witnesses: Signer) -> Logged:
    """A record that is in a log of its own."""
    entry = record if isinstance(record, bytes) else record.to_cbor()
    checkpoint = Checkpoint(log.verifier.name, 1, merkle.leaf_hash(entry))
    given = [cosign(checkpoint, witness, int(time.time())) for witness in witnesses]
    signed = checkpoint.signed_by(log).with_signatures(given)
    return Logged(record=entry, proof=LogProof(0, (), signed).to_bytes())


def acceptance(manifest: Envelope, **changes: object) -> DeploymentAccepted:
    """The record that a manifest was accepted."""
    content = DeploymentManifest.read(manifest)
    record = DeploymentAccepted(
        at=minute(),
        deployment=content.deployment,
        version=content.version,
        manifest=manifest.digest,
        watchlist=content.watchlist.digest,
        bundle=content.bundle_digest,
        mask_commitment=COMMITMENT,
    )
    return record.model_copy(update=changes)


def altered(logged: Logged, log: Signer, *witnesses: Signer, **changes: object) -> Logged:
    """Another record in the place of one, proven as well."""
    return proven(server_record(logged.record).model_copy(update=changes), log, *witnesses)
