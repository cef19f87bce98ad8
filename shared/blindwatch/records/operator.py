"""What an operator's side records of alerts, in a log of its own that the server does not see before the end.

A server that learnt which of its results were matches could compute templates from that.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field, Strict

from blindwatch.records.record import OfDeployment
from blindwatch.statements.predicates import Word
from blindwatch.statements.register import PersonName
from blindwatch.wire import limits
from blindwatch.wire.messages import CameraName, Digest, ProbeId, ProblemUrn, Timestamp

Outcome = Literal["rejected", "sent", "engaged", "confirmed-true", "confirmed-false", "lost", "expired"]
"""What became of an alert. All but 'sent' and 'engaged' are final."""
FINAL: frozenset[str] = frozenset({"rejected", "confirmed-true", "confirmed-false", "lost", "expired"})
Priority = Literal["red", "amber", "green"]


class KeyReceived(OfDeployment):
    """Custodians have released the key to an operator, up to a time."""

    kind: Literal["key-received"] = "key-received"
    operator: PersonName
    until: Timestamp


class ConsoleStarted(OfDeployment):
    """A console has begun to look, by a version of the manifest and its threshold."""

    kind: Literal["console-started"] = "console-started"
    operator: PersonName
    version: Annotated[int, Field(ge=1, lt=2**31)]
    threshold: Annotated[str, Field(pattern=r"^-?[0-9][0-9.e-]{0,31}$")]
    """The similarity, in the fewest digits that stand for it: records have no fractions."""


Pseudonym = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
"""Of an entry, the same in all records of one deployment and in no other. It says who it was with the salt alone."""
NAMED: Final = 64
"""Entries of one alert that have a pseudonym in its record: more than anybody is shown."""


class Alerted(OfDeployment):
    """A result was a match and is shown to a person. The commitment is salted, and says who it was with the salt."""

    kind: Literal["alerted"] = "alerted"
    alert: ProbeId
    result: Digest
    camera: CameraName
    priority: Priority
    entry: Digest
    about: Annotated[tuple[Pseudonym, ...], Strict(False), Field(min_length=1, max_length=NAMED)]
    """The entries, the most alike first, by what tells whether another alert was about the same one."""
    evidence: Digest | None = None
    """Of the file with what led to the match, sealed to an oversight body."""
    test_subject: bool = False


class AlertsHeldBack(OfDeployment):
    """An entry has had as many alerts as the profile allows. No more about it are shown in this deployment."""

    kind: Literal["alerts-held-back"] = "alerts-held-back"
    entry: Pseudonym
    alerts: Annotated[int, Field(ge=1, lt=2**31)]
    """How many there were."""


class Adjudicated(OfDeployment):
    """A person has decided about an alert."""

    kind: Literal["adjudicated"] = "adjudicated"
    alert: ProbeId
    outcome: Outcome
    operator: PersonName
    second: PersonName | None = None
    """Who agreed as well, where the profile asks for two people."""
    reason: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")] | None = None


class RetentionExecuted(OfDeployment):
    """The time of an alert is over. Somebody was sent for it, so others know of it, and are told so."""

    kind: Literal["retention-executed"] = "retention-executed"
    alert: ProbeId


class AttentionChecked(OfDeployment):
    """An operator was shown two different people as if they were an alert, and saw it or did not."""

    kind: Literal["attention-checked"] = "attention-checked"
    operator: PersonName
    passed: bool


class Stopped(OfDeployment):
    """An operator has stopped the deployment. The server was told so by a statement, or could not be told."""

    kind: Literal["stopped"] = "stopped"
    operator: PersonName
    stop: Digest
    told: bool


SearchOutcome = Literal["identified", "eliminated", "nobody-alike", "inconclusive"]
"""What became of a search: of the person, somebody, nobody, or that cannot be said."""
CrimeReference = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9/._-]{0,63}$")]
"""Of a crime, as the force has it; no name."""
Reason = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")]


class Searched(OfDeployment):
    """An operator is about to search a gallery for one photograph. The server's log names it by the same digits."""

    kind: Literal["searched"] = "searched"
    search: ProbeId
    operator: PersonName
    reference: CrimeReference
    reason: Reason
    photograph: Digest
    """SHA-256 of the file."""
    profile: Word
    """The name of the policy profile, whose rules an identification follows."""


class SearchFailed(OfDeployment):
    """A search came to nothing that an operator saw; the server may have answered all the same."""

    kind: Literal["search-failed"] = "search-failed"
    search: ProbeId
    operator: PersonName
    problem: ProblemUrn


Signed = Annotated[bytes, Field(min_length=1, max_length=16 * limits.KIB)]
"""A signed statement: an envelope as JSON."""


class IdentificationProposed(OfDeployment):
    """One operator has found that an entry is the person. That is no outcome where the profile asks for two people.

    The commitment is salted like that of an alert; the statement says the same with the operator's signatures.
    """

    kind: Literal["identification-proposed"] = "identification-proposed"
    search: ProbeId
    operator: PersonName
    entry: Digest
    evidence: Word
    """The kind of other evidence, by its word in the policy profile."""
    statement: Signed


class SearchConcluded(OfDeployment):
    """What became of a search, as an operator says later."""

    kind: Literal["search-concluded"] = "search-concluded"
    search: ProbeId
    outcome: SearchOutcome
    operator: PersonName
    """Who said so; of an identification that was proposed, who proposed it."""
    second: PersonName | None = None
    """Who agreed, and it is 'identified', or disagreed, and it is 'inconclusive'."""
    statement: Signed | None = None
    """What the second operator signed."""


class Checked(OfDeployment):
    """An operator is about to send the photograph of one person. The server's log names the probe by the same digits.

    Of the photograph there is nothing, not even a digest. The words are those of the policy profile.
    """

    kind: Literal["checked"] = "checked"
    check: ProbeId
    operator: PersonName
    camera: CameraName
    place: Reason
    reason: Reason
    harm: Reason | None = None
    """The risk of significant harm that was stated, as a private place needs one."""
    salt: Digest
    """256 random bits, in hex: without them nobody finds the grounds by trying all words of a profile."""

    @property
    def commitment(self) -> str:
        """What the server's log has of this record: its SHA-256 (hex), which the salt keeps closed."""
        return hashlib.sha256(self.to_cbor()).hexdigest()


Answer = Literal["match", "no-match", "unanswered"]


class CheckAnswered(OfDeployment):
    """What a check has given. A match is an alert as well, of the same identifier, with its decisions."""

    kind: Literal["check-answered"] = "check-answered"
    check: ProbeId
    answer: Answer


EngineName = Literal["bfv", "tfhe"]


class Compared(OfDeployment):
    """An operator is about to compare one person with one entry, at their own machine: no server has a probe of it.

    Of the photograph there is nothing. The commitment is salted, and says which entry it was with the salt.
    """

    kind: Literal["compared"] = "compared"
    comparison: ProbeId
    operator: PersonName
    engine: EngineName
    place: Reason
    reason: Reason
    harm: Reason | None = None
    entry: Digest


class ComparisonAnswered(OfDeployment):
    """The one bit that a comparison has given, or that it gave none. It is no alert: no server has a result of it."""

    kind: Literal["comparison-answered"] = "comparison-answered"
    comparison: ProbeId
    answer: Answer


class KeyForgotten(OfDeployment):
    """An operator's program has dropped the key."""

    kind: Literal["key-forgotten"] = "key-forgotten"
    operator: PersonName


OperatorRecord: TypeAlias = Annotated[
    KeyReceived
    | ConsoleStarted
    | Alerted
    | AlertsHeldBack
    | Adjudicated
    | RetentionExecuted
    | AttentionChecked
    | Stopped
    | Searched
    | SearchFailed
    | IdentificationProposed
    | SearchConcluded
    | Checked
    | CheckAnswered
    | Compared
    | ComparisonAnswered
    | KeyForgotten,
    Field(discriminator="kind"),
]
