"""Building of a list: templates become ciphertexts, people become references, and a statement names it all.

What is written is encrypted, but for the operator's package, which has no names, and the custodian's own file of
names. The folder appears when it is finished, or not at all.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_bytes
from typing import Any, Final

from blindwatch.cli import files
from blindwatch.custodian import approvals, membership
from blindwatch.custodian.approvals import Records
from blindwatch.custodian.uploading import BLOBS, STATEMENT
from blindwatch.custodian.viewing import View
from blindwatch.errors import EmptyWatchlist
from blindwatch.he.keys import EncryptionKey
from blindwatch.he.ranked.keys import RankKey
from blindwatch.secret import candidates
from blindwatch.secret.candidates import Check, Portrait
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.package import OperatorPackage, PackageEntry, new_reference
from blindwatch.statements.predicates import Thresholds, Watchlist
from blindwatch.statements.signing import Identity
from blindwatch.wire import limits
from blindwatch.wire.messages import now

PACKAGE: Final = "operator.json"
NAMES: Final = "names.json"


@dataclass(frozen=True)
class Terms:
    """What a list is made for, and by whom. In ranked use all thresholds are zero."""

    deployment: str
    key: EncryptionKey | RankKey
    model_digest: str
    thresholds: Thresholds
    adult_age: int
    builder: str
    recipient: str | None = None
    """Whom faces are encrypted to, for the operator to see."""


def build(
    folder: Path,
    terms: Terms,
    views: Sequence[View],
    blocks: Iterable[Iterable[bytes]],
    signer: Identity,
    checks: Sequence[Check] = (),
) -> Iterator[None]:
    """Write a list into a new folder; yields after every ciphertext, of which one is in memory at a time.

    The blocks hold the templates of the views, in their order, and checks name views by their numbers.
    """
    if not views:
        raise EmptyWatchlist
    with files.new_folder(folder, "watchlist") as part:
        (part / BLOBS).mkdir(mode=0o700)
        digests: list[list[str]] = []
        for block in blocks:
            digests.append([])
            for data in block:
                digests[-1].append(hashlib.sha256(data).hexdigest())
                files.write_private(part / BLOBS / digests[-1][-1], data, "watchlist")
                yield
        references = _references(len(views))
        faces = _write_faces(part, terms, views, checks)
        package = _package(terms, views, references, faces).to_json()
        names = {name: _record(view) for name, view in zip(references, views, strict=True)}
        files.write_private(part / PACKAGE, package, "operator's package")
        files.write_json(part / NAMES, names, "names of the entries")
        key, members = _write_membership(part, terms, views)
        statement = _statement(terms, views, digests, package, members, names, key)
        signed = statement.envelope().signed_by(signer)
        files.write_private(part / STATEMENT, signed.to_json(), "watchlist's statement")


def written(folder: Path) -> Watchlist:
    """What the statement of a list says that was just built."""
    data = files.read_at_most(folder / STATEMENT, limits.ENVELOPE, "watchlist's statement")
    return Watchlist.read(Envelope.from_json(data))


def _references(count: int) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < count:
        found[new_reference()] = None
    return list(found)


def _write_faces(folder: Path, terms: Terms, views: Sequence[View], checks: Sequence[Check]) -> str | None:
    """The digest of the file of faces, if there is to be one: a gallery may have more faces than fit into it."""
    if terms.recipient is None or (isinstance(terms.key, RankKey) and len(views) > limits.FACES):
        return None
    portraits = [Portrait(view.portrait, tuple(view.quality.shortcomings())) for view in views]
    data = candidates.seal(terms.recipient, portraits, checks)
    files.write_private(folder / candidates.FILE, data, "file of faces")
    return hashlib.sha256(data).hexdigest()


def _package(
    terms: Terms, views: Sequence[View], references: Sequence[str], faces: str | None
) -> OperatorPackage:
    entries = (view.entry for view in views)
    return OperatorPackage(
        preset=terms.key.preset.name,
        key_id=terms.key.key_id,
        model_digest=terms.model_digest,
        similarity=terms.thresholds.similarity,
        gate=terms.thresholds.gate,
        fine_threshold=terms.thresholds.fine,
        candidates=faces,
        entries=tuple(
            PackageEntry(
                reference=reference,
                category=entry.category,
                priority=entry.priority,
                instruction=entry.instruction,
                image_date=entry.image_date,
                known_relative=entry.known_relative,
            )
            for reference, entry in zip(references, entries, strict=True)
        ),
    )


def _write_membership(folder: Path, terms: Terms, views: Sequence[View]) -> tuple[bytes, bytes]:
    """The key of the commitments, and the commitments."""
    key = token_bytes(membership.KEY_SIZE)
    made = membership.Membership.make(terms.deployment, (view.entry.nominal_ref for view in views), key)
    files.write_private(folder / membership.KEY, key, "key of the commitments")
    files.write_private(folder / membership.FILE, made.to_json(), "commitments")
    return key, made.to_json()


def _statement(
    terms: Terms,
    views: Sequence[View],
    digests: list[list[str]],
    package: bytes,
    members: bytes,
    names: Records,
    key: bytes,
) -> Watchlist:
    today, special = datetime.now(UTC).date(), approvals.approved(names)
    return Watchlist(
        deployment=terms.deployment,
        preset=terms.key.preset.name,
        key_id=terms.key.key_id,
        model_digest=terms.model_digest,
        built_at=now(),
        entries=len(views),
        by_category=dict(Counter(view.entry.category for view in views)),
        under_age=sum(view.entry.is_under(terms.adult_age, today) for view in views),
        second_approvals=len(special),
        approvers=approvals.approvers(special),
        approvals_digest=approvals.digest(special, key),
        builder=terms.builder,
        blocks=tuple(map(tuple, digests)),
        package_digest=hashlib.sha256(package).hexdigest(),
        membership_digest=hashlib.sha256(members).hexdigest(),
    )


def _record(view: View) -> dict[str, Any]:
    """What the custodian keeps of an entry: who it is, on what grounds, and how good the photograph was."""
    entry = view.entry
    return {
        "name": entry.name,
        "nominalRef": entry.nominal_ref,
        "category": entry.category,
        "row": entry.row,
        "image": entry.image.name,
        "imageDigest": view.digest,
        "sourceSystem": entry.source_system,
        "sourceRef": entry.source_ref,
        "legalBasis": entry.legal_basis,
        "justification": entry.justification,
        "dateOfBirth": entry.date_of_birth.isoformat() if entry.date_of_birth else None,
        "sensitive": entry.sensitive,
        "secondApprover": entry.second_approver,
        "secondReason": entry.second_reason,
        "quality": asdict(view.quality),
        "shortcomings": list(view.quality.shortcomings()),
        "qualityOverride": entry.quality_override,
        "filledIn": list(entry.filled_in),
    }
