"""Taking away while a deployment runs: people from the list, and cameras. One signature is enough for that."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from blindwatch.cli import files
from blindwatch.custodian.building import NAMES
from blindwatch.deployment.drafting import Listing
from blindwatch.deployment.papers import write_new
from blindwatch.errors import ConfigurationError, NotFound, StatementMismatch
from blindwatch.statements import trust
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.package import OperatorPackage
from blindwatch.statements.predicates import DeploymentManifest, Revocation, Tombstone
from blindwatch.statements.register import Register
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
    manifest: DeploymentManifest,
    register: Register,
    entries: set[int],
    reason: str,
    signer: Identity,
    out: Path,
) -> int:
    """Remove entries, with all that were removed before; how many that makes."""
    before = _newest(client, manifest, register)
    removed = entries | set(before.removed if before else ())
    tombstone = Tombstone(
        deployment=manifest.deployment,
        watchlist_digest=manifest.watchlist.digest,
        sequence=(before.sequence if before else 0) + 1,
        removed=tuple(sorted(removed)),
        reason=reason,
        issued_at=now(),
    )
    signed = tombstone.envelope().signed_by(signer).to_json()
    write_new(out, signed, "removal")
    client.put_tombstone(manifest.deployment, tombstone.sequence, signed)
    return len(removed)


def entries_of(watchlist: Path, manifest: DeploymentManifest, people: Sequence[str]) -> set[int]:
    """The numbers of all entries of these people, in the folder of the list that the manifest names."""
    listing = Listing.load(watchlist)
    if listing.digest != manifest.watchlist.digest:
        raise StatementMismatch(
            "The folder has another list than the manifest names.", "Name the folder of the list in force."
        )
    names = files.read_json(watchlist / NAMES, "names of the list")
    return set().union(*(_entries(listing.package, names, person) for person in people))


def _entries(package: OperatorPackage, names: dict[str, dict[str, str]], person: str) -> set[int]:
    """The entries of one person, by reference, nominal reference or name; refused where two have the name."""
    found: set[int] = set()
    people: set[str] = set()
    for number, entry in enumerate(package.entries):
        known = names[entry.reference]
        if person in (entry.reference, known["nominalRef"], known["name"]):
            found.add(number)
            people.add(known["nominalRef"])
    if not found:
        raise NotFound("Nobody on the list has this name or reference.", "Both are in names.json.")
    if len(people) > 1:
        raise ConfigurationError(
            "More than one person on the list has this name.", "Give the reference of the one who is meant."
        )
    return found


def _newest(client: ServerClient, manifest: DeploymentManifest, register: Register) -> Tombstone | None:
    """The removal in force, which must be one that a custodian signed: whoever goes on from it signs it again."""
    held = client.get_tombstone(manifest.deployment)
    return None if held is None else trust.check_removal(Envelope.from_json(held), register, manifest)


def revoke(
    client: ServerClient, manifest: DeploymentManifest, camera: str, reason: str, signer: Identity, out: Path
) -> None:
    """Revoke a camera by its name in the manifest."""
    found = next((each for each in manifest.cameras if each.name == camera), None)
    if found is None:
        raise ConfigurationError("The manifest has no camera of this name.")
    revocation = Revocation(
        deployment=manifest.deployment, camera_key=found.key_id, reason=reason, issued_at=now()
    )
    signed = revocation.envelope().signed_by(signer).to_json()
    write_new(out, signed, "revocation")
    client.put_revocation(manifest.deployment, found.key_id, signed)
