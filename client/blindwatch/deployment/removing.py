"""Taking away while a deployment runs: people from the list, and cameras. One signature is enough for that."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from blindwatch.cli import files
from blindwatch.custodian.building import NAMES, PACKAGE
from blindwatch.deployment.papers import write_new
from blindwatch.errors import ConfigurationError, NotFound, StatementMismatch
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.package import OperatorPackage
from blindwatch.statements.predicates import DeploymentManifest, Revocation, Tombstone
from blindwatch.statements.signing import Identity
from blindwatch.wire import tls
from blindwatch.wire.client import ServerClient
from blindwatch.wire.messages import now


def client(server: str, token_file: Path, ca: Path | None) -> ServerClient:
    """A custodian's client of the match server."""
    token = files.read_line(token_file, "token file")
    return ServerClient(server, token, tls=tls.client_context(ca, None, None))


def remove(
    client: ServerClient,
    manifest: Envelope,
    watchlist: Path,
    people: Sequence[str],
    reason: str,
    signer: Identity,
    out: Path,
) -> int:
    """Remove people by names or references, with all who were removed before; how many entries that makes."""
    content = DeploymentManifest.read(manifest)
    before = _newest(client, content)
    removed = _entries(watchlist, people) | set(before.removed if before else ())
    tombstone = Tombstone(
        deployment=content.deployment,
        watchlist_digest=content.watchlist.digest,
        sequence=(before.sequence if before else 0) + 1,
        removed=tuple(sorted(removed)),
        reason=reason,
        issued_at=now(),
    )
    signed = tombstone.envelope().signed_by(signer).to_json()
    write_new(out, signed, "removal")
    client.put_tombstone(content.deployment, tombstone.sequence, signed)
    return len(removed)


def _entries(watchlist: Path, people: Sequence[str]) -> set[int]:
    """The numbers of all entries of these people."""
    package = OperatorPackage.load(watchlist / PACKAGE)
    names = files.read_json(watchlist / NAMES, "names of the list")
    found: set[int] = set()
    for person in people:
        entries = {
            number
            for number, entry in enumerate(package.entries)
            if person in (entry.reference, names.get(entry.reference, {}).get("name"))
        }
        if not entries:
            raise NotFound("Nobody on the list has this name or reference.", "Both are in names.json.")
        found |= entries
    return found


def _newest(client: ServerClient, manifest: DeploymentManifest) -> Tombstone | None:
    held = client.get_tombstone(manifest.deployment)
    if held is None:
        return None
    tombstone = Tombstone.read(Envelope.from_json(held))
    if tombstone.watchlist_digest != manifest.watchlist.digest:
        raise StatementMismatch("The server has another list in force than this manifest names.")
    return tombstone


def revoke(
    client: ServerClient, manifest: Envelope, camera: str, reason: str, signer: Identity, out: Path
) -> None:
    """Revoke a camera by its name in the manifest."""
    content = DeploymentManifest.read(manifest)
    found = next((each for each in content.cameras if each.name == camera), None)
    if found is None:
        raise ConfigurationError("The manifest has no camera of this name.")
    revocation = Revocation(
        deployment=content.deployment, camera_key=found.key_id, reason=reason, issued_at=now()
    )
    signed = revocation.envelope().signed_by(signer).to_json()
    write_new(out, signed, "revocation")
    client.put_revocation(content.deployment, found.key_id, signed)
