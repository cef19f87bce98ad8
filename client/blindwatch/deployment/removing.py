"""Taking away while a deployment runs: people from the list, and cameras. One signature is enough for that.

What is signed is kept before it is sent, so that the server can be held to it. Whatever cut it short, the same
command sends what was kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from blindwatch.cli import files
from blindwatch.custodian.building import NAMES
from blindwatch.deployment.drafting import Listing
from blindwatch.deployment.papers import check_new, read_statement, write_new
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
    sequence, gone = (before.sequence, set(before.removed)) if before else (0, set())
    tombstone = Tombstone(
        deployment=manifest.deployment,
        watchlist_digest=manifest.watchlist.digest,
        sequence=sequence + 1,
        removed=tuple(sorted(entries | gone)),
        reason=reason,
        issued_at=now(),
    )
    if out.exists():
        kept = read_statement(out, "removal")
        tombstone = _same(trust.check_removal(kept, register, manifest), tombstone, out)
        signed = kept.to_json()
    else:
        signed = tombstone.envelope().signed_by(signer).to_json()
        write_new(out, signed, "removal")
    client.put_tombstone(manifest.deployment, tombstone.sequence, signed)
    return len(tombstone.removed)


def _same(kept: Tombstone, wanted: Tombstone, place: Path) -> Tombstone:
    """The removal in a file, if it is the one that is wanted, which the server may have by now."""
    if kept.removed != wanted.removed or wanted.sequence - kept.sequence not in (0, 1):
        check_new(place, "removal")
    return kept


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
    made = revocation.envelope()
    if out.exists():
        made = read_statement(out, "revocation")
        if Revocation.read(made).camera_key != found.key_id:
            check_new(out, "revocation")
    signed = made.signed_by(signer).to_json()
    files.replace_private(out, signed, "revocation")
    client.put_revocation(manifest.deployment, found.key_id, signed)
