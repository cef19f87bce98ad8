"""The end of a deployment at the custodian: the key first, then everything that it opened, then a receipt.

Destroying the wrapped key needs nobody else: from then on shares open nothing, wherever copies of ciphertexts are. A
journal is written before the first thing goes; whatever cuts the end short, the same command brings it to its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blindwatch.cli import files
from blindwatch.custodian import membership
from blindwatch.custodian.uploading import STATEMENT
from blindwatch.deployment.papers import read_statement
from blindwatch.deployment.parting import Part, check_key
from blindwatch.errors import DeploymentError, NotAuthorised, NotFound, ServiceError, StatementMismatch
from blindwatch.statements import trust
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Closing, DeploymentManifest, Receipt, Word
from blindwatch.statements.register import PersonRole, Register
from blindwatch.wire.client import ServerClient
from blindwatch.wire.messages import now

CLOSING: Final = "closing.dsse.json"
SERVER_RECEIPT: Final = "receipt-server.dsse.json"
_KEPT: Final[tuple[Word, ...]] = ("closing", "receipts", "membership-commitments", "membership-key")
_SIGNERS: Final = (PersonRole.SERVER, PersonRole.CUSTODIAN, PersonRole.OPERATOR)


@dataclass(frozen=True)
class Ending:
    """A custodian's part in the end of a deployment, and the server's."""

    part: Part
    keys: Path
    watchlist: Path
    register: Register

    def begin(self, reason: str, kept: Sequence[Path]) -> Envelope:
        """The signed closing. Nothing goes before it and a journal are kept; `kept` must not lie in what goes."""
        place = self.part.receipts / CLOSING
        if not self.part.is_begun:
            self._check_folders()
            self.part.begin(kept)
        if not place.exists():
            self._keep_commitments()
            content = DeploymentManifest.read(self.part.manifest)
            closing = Closing(
                deployment=content.deployment,
                manifest_digest=self.part.manifest.digest,
                reason=reason,
                issued_at=now(),
            )
            signed = closing.envelope().signed_by(self.part.signer).to_json()
            files.replace_private(place, signed, "closing")
        return read_closing(place, self.part.manifest, self.register)

    def check_version(self, client: ServerClient) -> None:
        """Refuse a manifest that is no longer in force, which the server would not close by; before anything goes.

        A server that cannot be reached, or knows nothing of the deployment any more, keeps nobody from an end.
        """
        if self.part.is_begun:
            return
        with suppress(ServiceError, DeploymentError):
            info = client.get_deployment(DeploymentManifest.read(self.part.manifest).deployment)
            if info.manifest_digest != self.part.manifest.digest:
                raise StatementMismatch(
                    "The server has another version of the manifest in force.", "Close with that one."
                )

    def destroy(self) -> Iterator[Word]:
        """Destroy what is held here, the wrapped key before all else; yields what is gone, step by step."""
        return self.part.destroy()

    def finish(self, closing: Envelope) -> Receipt:
        """The custodian's own receipt."""
        return self.part.finish(closing, _KEPT)

    def at_server(self, client: ServerClient, closing: Envelope) -> Receipt:
        """Have the server destroy what it holds, and keep its receipt, which a server must have signed."""
        place = self.part.receipts / SERVER_RECEIPT
        if not place.exists():
            signed = client.close_deployment(Closing.read(closing).deployment, closing.to_json())
            self._check_server(Envelope.from_json(signed))
            files.replace_private(place, signed, "receipt")
        return self._check_server(read_statement(place, "receipt"))

    def _check_folders(self) -> None:
        manifest = DeploymentManifest.read(self.part.manifest)
        check_key(self.keys, manifest.key_id)
        listed = read_statement(self.watchlist / STATEMENT, "watchlist's statement")
        if listed.digest != manifest.watchlist.digest:
            raise StatementMismatch(
                "The list is not the one of the manifest.", "Check --watchlist and --manifest."
            )

    def _keep_commitments(self) -> None:
        for name in (membership.FILE, membership.KEY):
            data = files.read(self.watchlist / name, "commitments to who is listed")
            files.replace_private(self.part.receipts / name, data, "commitments to who was listed")

    def _check_server(self, envelope: Envelope) -> Receipt:
        receipt = check_receipt(envelope, self.register, PersonRole.SERVER)
        if receipt.manifest_digest != self.part.manifest.digest:
            raise StatementMismatch(
                "The server's receipt is for another deployment, or another version of it."
            )
        return receipt


def read_closing(path: Path, manifest: Envelope, register: Register) -> Envelope:
    """The closing in a file, of the deployment of a manifest and signed by whom it has to be."""
    closing = read_statement(path, "closing")
    trust.check_closing(closing, register, manifest)
    return closing


def check_receipt(envelope: Envelope, register: Register, *roles: PersonRole) -> Receipt:
    """What a receipt says, once it is signed by whom it names, who must have one of these roles."""
    receipt = Receipt.read(envelope)
    signers = register.signers(envelope)
    if not any(receipt.signer in signers.of_role(role) for role in roles):
        raise NotAuthorised("The receipt is not signed by whom it names.")
    return receipt


def read_receipts(folder: Path, register: Register) -> list[Receipt]:
    """All receipts in a folder, each verified, and all of the same deployment; raises on what does not hold."""
    paths = sorted(folder.glob("receipt-*.dsse.json"))
    found = [check_receipt(read_statement(path, "receipt"), register, *_SIGNERS) for path in paths]
    if not found:
        raise NotFound("The folder has no receipts.")
    if len({receipt.manifest_digest for receipt in found}) > 1:
        raise StatementMismatch(
            "The receipts are of several deployments, or of several versions of a manifest."
        )
    return found
