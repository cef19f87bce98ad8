"""What one operator says of whom a search has found, signed: the first proposes, another agrees or disagrees."""

from __future__ import annotations

from typing import ClassVar, Literal

from blindwatch.errors import NotAuthorised
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Word
from blindwatch.statements.register import PersonName, PersonRole, Register
from blindwatch.statements.statement import Predicate
from blindwatch.wire.messages import DeploymentId, Digest, ProbeId, Timestamp

Finding = Literal["proposed", "agreed", "disagreed"]


class Identification(Predicate):
    """One operator's finding that an entry is the person who was searched for, or not. The entry is a commitment."""

    kind: ClassVar[str] = "urn:blindwatch:identification:v1"

    deployment: DeploymentId
    search: ProbeId
    entry: Digest
    evidence: Word
    """Of which kind the other evidence is, that the first operator has."""
    finding: Finding
    issued_at: Timestamp

    def subjects(self) -> dict[str, str]:
        """The entry, by its salted commitment."""
        return {"entry": self.entry}


def check_identification(envelope: Envelope, register: Register, operator: PersonName) -> Identification:
    """What this operator has signed; raises NotAuthorised, or what reading an envelope raises."""
    found = Identification.read(envelope)
    if operator not in register.signers(envelope).of_role(PersonRole.OPERATOR):
        raise NotAuthorised("The finding needs the signature of the operator of the register who made it.")
    return found
