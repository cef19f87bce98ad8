"""The end of a deployment at the custodian: the key first, then everything that it opened, then a receipt.

Each step is noted before it is done, and can be done again, so that an end that was cut short is brought to its end
by the same command. Destroying the wrapped key needs nobody else: from then on shares open nothing, wherever copies of
ciphertexts are.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blindwatch.cli import files
from blindwatch.custodian import membership
from blindwatch.errors import ConfigurationError, MalformedMessage, StatementMismatch
from blindwatch.secret.wrapping import FILE
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Closing, DeploymentManifest, Destroyed, Receipt, Word
from blindwatch.statements.register import PersonRole, Register
from blindwatch.statements.signing import Identity
from blindwatch.wire import limits
from blindwatch.wire.client import ServerClient
from blindwatch.wire.messages import now

CLOSING: Final = "closing.dsse.json"
SERVER_RECEIPT: Final = "receipt-server.dsse.json"
OWN_RECEIPT: Final = "receipt-custodian.dsse.json"
_COUNTS: Final = "destroyed.json"
_KEPT: Final[tuple[Word, ...]] = ("receipts", "membership-commitments", "membership-key")


@dataclass(frozen=True)
class Held:
    """What a custodian holds of a deployment, and where the receipts of its end go."""

    keys: Path
    watchlist: Path
    photographs: Path | None
    receipts: Path

    @property
    def folders(self) -> dict[Word, Path]:
        """The folders that go, in the order in which they go."""
        found: dict[Word, Path] = {"keys": self.keys, "watchlist": self.watchlist}
        return found if self.photographs is None else {**found, "photographs": self.photographs}


def begin(manifest: Envelope, reason: str, signer: Identity, held: Held) -> Envelope:
    """The signed closing: made once, and kept before anything is destroyed."""
    path = held.receipts / CLOSING
    content = DeploymentManifest.read(manifest)
    if path.exists():
        closing = Envelope.from_json(files.read(path, "closing"))
        if Closing.read(closing).manifest_digest != manifest.digest:
            raise StatementMismatch("The folder has the end of another deployment.", "Name another folder.")
        return closing
    if not (held.keys / FILE).is_file() or not (held.watchlist / membership.FILE).is_file():
        raise ConfigurationError(
            "The folders of the keys and of the list are not there.", "Check --keys and --watchlist."
        )
    counts = [_counted(what, folder).model_dump() for what, folder in held.folders.items()]
    held.receipts.mkdir(mode=0o700, parents=True, exist_ok=True)
    _put(held.receipts / _COUNTS, json.dumps(counts).encode())
    closing = (
        Closing(
            deployment=content.deployment,
            manifest_digest=manifest.digest,
            reason=reason,
            issued_at=now(),
        )
        .envelope()
        .signed_by(signer)
    )
    _put(path, closing.to_json())
    return closing


def destroy(held: Held) -> Iterator[Word]:
    """Destroy what is held, the wrapped key before all else; yields what is gone, step by step."""
    (held.keys / FILE).unlink(missing_ok=True)
    _sync(held.keys)
    yield "secret-key"
    for name in (membership.FILE, membership.KEY):
        kept = held.receipts / name
        if not kept.exists() and (held.watchlist / name).exists():
            _put(kept, files.read(held.watchlist / name, "commitments to who was listed"))
    for what, folder in held.folders.items():
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            raise ConfigurationError(
                f"The folder of the {what} cannot be deleted.", "Delete it, and try again."
            )
        _sync(folder.parent)
        yield what


def at_server(client: ServerClient, closing: Envelope, register: Register, held: Held) -> Receipt:
    """Have the server destroy what it holds, and keep its receipt, which must be signed by a server."""
    path = held.receipts / SERVER_RECEIPT
    content = Closing.read(closing)
    if not path.exists():
        signed = client.close_deployment(content.deployment, closing.to_json())
        check_receipt(Envelope.from_json(signed), register)
        _put(path, signed)
    return check_receipt(Envelope.from_json(files.read(path, "receipt")), register)


def finish(manifest: Envelope, closing: Envelope, signer: Identity, name: str, held: Held) -> Receipt:
    """Sign the custodian's own receipt, once nothing is left."""
    left = [what for what, folder in held.folders.items() if folder.exists()]
    if left:
        raise ConfigurationError(f"Something is left of the {left[0]}.", "Run the command again.")
    counted = json.loads(files.read(held.receipts / _COUNTS, "counts"))
    receipt = Receipt(
        deployment=Closing.read(closing).deployment,
        manifest_digest=manifest.digest,
        closing_digest=closing.digest,
        signer=name,
        destroyed_at=now(),
        destroyed=tuple(Destroyed.model_validate(each) for each in counted),
        kept=_KEPT,
    )
    _put(held.receipts / OWN_RECEIPT, receipt.envelope().signed_by(signer).to_json())
    return receipt


def check_receipt(envelope: Envelope, register: Register) -> Receipt:
    """What a receipt says, once it is signed by whom it names."""
    receipt = Receipt.read(envelope)
    roles = (PersonRole.SERVER, PersonRole.CUSTODIAN, PersonRole.OPERATOR)
    if not any(receipt.signer in register.signers(envelope).of_role(role) for role in roles):
        raise StatementMismatch("The receipt is not signed by whom it names.")
    return receipt


def read_receipts(folder: Path, register: Register) -> list[Receipt]:
    """All receipts in a folder, each verified; raises on the first that does not hold."""
    paths = sorted(folder.glob("receipt-*.dsse.json"))
    read = (files.read_at_most(path, limits.ENVELOPE, "receipt") for path in paths)
    found = [check_receipt(Envelope.from_json(data), register) for data in read]
    if not found:
        raise MalformedMessage("The folder has no receipts.")
    return found


def _counted(what: Word, folder: Path) -> Destroyed:
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return Destroyed(what=what, count=len(sizes), size=sum(sizes))


def _put(path: Path, data: bytes) -> None:
    files.replace_private(path, data, "record of the end")
    _sync(path.parent)


def _sync(folder: Path) -> None:
    """Have the disk know of names that came or went, as far as it ever says so."""
    if folder.is_dir():
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
