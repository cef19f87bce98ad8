"""Receipts of a deployment's end as one page to print."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from blindwatch.pages.rendering import environment
from blindwatch.statements.predicates import Receipt, instant
from blindwatch.statements.register import PersonRole, Register

_PARTIES: Final = (PersonRole.CUSTODIAN, PersonRole.SERVER, PersonRole.OPERATOR)


@dataclass(frozen=True)
class Receipts:
    """Receipts that were verified, of one deployment, and who their signers are."""

    receipts: list[Receipt]
    register: Register
    at: datetime

    @property
    def deployment(self) -> str:
        """What ended."""
        return self.receipts[0].deployment

    @property
    def headline(self) -> str:
        """What is receipted: the whole end, or a part of it."""
        if self.missing:
            return f"Deployment {self.deployment}: receipts of a part of its end"
        return f"Deployment {self.deployment} is destroyed"

    @property
    def missing(self) -> list[str]:
        """The roles of which there is no receipt."""
        roles = {self.role(receipt) for receipt in self.receipts}
        return [each.value for each in _PARTIES if each.value not in roles]

    @property
    def files(self) -> int:
        """How many files are gone."""
        return sum(each.count for receipt in self.receipts for each in receipt.destroyed)

    @property
    def size(self) -> int:
        """How many bytes they had."""
        return sum(each.size for receipt in self.receipts for each in receipt.destroyed)

    @property
    def last(self) -> datetime:
        """When the last of it was destroyed."""
        return max(map(self.when, self.receipts))

    @property
    def closings(self) -> list[str]:
        """The closings that were carried out."""
        return sorted({each.closing_digest for each in self.receipts if each.closing_digest})

    def role(self, receipt: Receipt) -> str:
        """The role of whoever signed."""
        return next(each.role.value for each in self.register.people if each.name == receipt.signer)

    def when(self, receipt: Receipt) -> datetime:
        """When it was destroyed."""
        return instant(receipt.destroyed_at)


def html(receipts: list[Receipt], register: Register) -> str:
    """The page."""
    rendered = environment(Path(__file__).parent)
    rendered.filters["words"] = lambda word: word.replace("-", " ")
    made = Receipts(receipts, register, datetime.now(UTC))
    return rendered.get_template("receipts.html.j2").render(made=made)
