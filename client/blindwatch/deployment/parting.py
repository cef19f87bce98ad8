"""One person's part in the end of a deployment: a journal, then destruction, then a signed receipt of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from blindwatch.cli import files
from blindwatch.custodian.ceremony import DESCRIPTION
from blindwatch.deployment.destroying import Journal
from blindwatch.deployment.papers import read_statement
from blindwatch.errors import StatementMismatch
from blindwatch.secret.wrapping import FILE
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import DeploymentManifest, Receipt, Word
from blindwatch.statements.register import Person
from blindwatch.statements.signing import Identity
from blindwatch.wire.messages import Digest, now


@dataclass(frozen=True)
class Part:
    """What one person destroys; it can be cut short anywhere and begun again."""

    manifest: Envelope
    person: Person
    signer: Identity
    receipts: Path
    things: Sequence[tuple[Word, Path]]
    """What goes, in the order in which it goes."""

    @property
    def is_begun(self) -> bool:
        """Whether it is noted what goes, or that all is gone."""
        return self._journal.exists() or self._receipt.exists()

    @property
    def is_finished(self) -> bool:
        """Whether all is gone and the receipt is signed."""
        return self._receipt.exists()

    def begin(self, kept: Sequence[Path]) -> None:
        """Note what will go. What is kept must not lie inside of it."""
        journal = Journal.of(self.manifest.digest, self.things, [*kept, self.receipts])
        self.receipts.mkdir(mode=0o700, parents=True, exist_ok=True)
        journal.write(self._journal)

    def destroy(self) -> Iterator[Word]:
        """Destroy what is noted, and nothing else; yields what is gone, step by step."""
        if self._journal.exists():
            journal = Journal.load(self._journal)
            journal.check(self.manifest.digest, self.things)
            yield from journal.destroy()

    def finish(self, closing: Envelope, kept: tuple[Word, ...]) -> Receipt:
        """The person's receipt, signed once nothing is left; the same if it was signed before."""
        if not self._receipt.exists():
            receipt = Receipt(
                deployment=DeploymentManifest.read(self.manifest).deployment,
                manifest_digest=self.manifest.digest,
                closing_digest=closing.digest,
                signer=self.person.name,
                destroyed_at=now(),
                destroyed=Journal.load(self._journal).destroyed(),
                kept=kept,
            )
            signed = receipt.envelope().signed_by(self.signer).to_json()
            files.replace_private(self._receipt, signed, "receipt")
        for left in (self._journal, *self.receipts.glob(".*.part")):
            left.unlink(missing_ok=True)
        files.settle(self.receipts)
        return Receipt.read(read_statement(self._receipt, "receipt"))

    @property
    def _journal(self) -> Path:
        return self.receipts / f"journal-of-{self.person.name}.json"

    @property
    def _receipt(self) -> Path:
        return self.receipts / f"receipt-of-{self.person.name}.dsse.json"


def keys_in(folder: Path) -> list[tuple[Word, Path]]:
    """The folder of a ceremony, the wrapped key in it before all else."""
    return [("secret-key", folder / FILE), ("keys", folder)]


def check_key(keys: Path, key_id: Digest) -> None:
    """Refuse the keys of another deployment, which would be lost."""
    match files.read_json(keys / DESCRIPTION, "description of the keys"):
        case {"keyId": str(found)} if found == key_id:
            return
    raise StatementMismatch("The keys are not those of the manifest.", "Check --keys and --manifest.")
