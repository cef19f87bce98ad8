"""Signatures of custodians under a list that is built, whose files are checked first."""

from __future__ import annotations

import hashlib
from pathlib import Path

from blindwatch.cli import files
from blindwatch.custodian import approvals, membership
from blindwatch.custodian.approvals import Records
from blindwatch.custodian.building import NAMES, PACKAGE
from blindwatch.custodian.uploading import BLOBS, STATEMENT
from blindwatch.errors import NotAuthorised, StatementMismatch
from blindwatch.secret import candidates
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.package import OperatorPackage
from blindwatch.statements.predicates import Watchlist
from blindwatch.statements.register import Person, PersonRole, Register
from blindwatch.statements.signing import Identity
from blindwatch.wire import limits


def custodian(identity: Identity, register: Register) -> Person:
    """The person of the register whose keys these are; raises NotAuthorised unless it is a custodian."""
    person = register.holder(identity.public)
    if person.role is not PersonRole.CUSTODIAN:
        raise NotAuthorised("These are not the keys of a custodian.", "A custodian builds and signs a list.")
    return person


def approvers(register: Register, creator: Person) -> frozenset[str]:
    """Who may agree to an entry that needs a second person: nobody who builds the list."""
    roles = {PersonRole.CUSTODIAN, PersonRole.AUTHORISING_OFFICER}
    return frozenset(person.name for person in register.people if person.role in roles) - {creator.name}


def read(folder: Path) -> tuple[Envelope, Watchlist, Records]:
    """The statement of a list, and the entries that need a second approval, once all files are as they were built."""
    envelope = Envelope.from_json(
        files.read_at_most(folder / STATEMENT, limits.ENVELOPE, "watchlist's statement")
    )
    watchlist = Watchlist.read(envelope)
    check_files(folder, watchlist)
    names = files.read_json(folder / NAMES, "names of the entries")
    return (
        envelope,
        watchlist,
        approvals.check(names, membership.load_key(folder / membership.KEY), watchlist),
    )


def sign(folder: Path, envelope: Envelope, identity: Identity) -> Envelope:
    """Add a signature to the statement of a list, as it was read; its envelope with all signatures."""
    signed = envelope.signed_by(identity)
    files.replace_private(folder / STATEMENT, signed.to_json(), "watchlist's statement")
    return signed


def check_files(folder: Path, watchlist: Watchlist) -> None:
    """Refuse a folder whose ciphertexts, package or commitments are not those of the statement."""
    named = {
        folder / PACKAGE: watchlist.package_digest,
        folder / membership.FILE: watchlist.membership_digest,
        **{folder / BLOBS / digest: digest for digest in watchlist.blobs},
    }
    for path, digest in named.items():
        _check_file(path, digest)
    faces = OperatorPackage.load(folder / PACKAGE).candidates
    if faces is not None:
        _check_file(folder / candidates.FILE, faces)


def _check_file(path: Path, digest: str) -> None:
    if hashlib.sha256(files.read(path, "watchlist")).hexdigest() != digest:
        raise StatementMismatch("A file of the list was changed after it was built.", "Build it again.")
