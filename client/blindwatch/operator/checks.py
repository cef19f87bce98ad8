"""Checks of one person: where and why is in the journal before anything is sent, what it gave before it is shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import Final

from blindwatch.camera.camera import Camera, Sent
from blindwatch.errors import CosignatureMissing, ServerUnavailable, WrongUse, error_for
from blindwatch.operator.fetching import Reading
from blindwatch.operator.journal import Journal
from blindwatch.operator.taking import Taken
from blindwatch.policy.profile import Checks, Profile
from blindwatch.records.operator import Answer, CheckAnswered, Checked
from blindwatch.records.record import minute
from blindwatch.statements.authorising import authorise
from blindwatch.statements.package import PackageEntry
from blindwatch.statements.signing import Identity
from blindwatch.wire.client import ServerClient
from blindwatch.wire.messages import FailedResult, Logged, Probe, Result

_NAP_SECONDS: Final = 0.5


@dataclass(frozen=True)
class Grounds:
    """Who checks somebody, where, why, and for what risk of significant harm, if any; words of the profile."""

    operator: str
    place: str
    reason: str
    harm: str | None

    def check(self, rules: Profile) -> None:
        """Refuse what the profile does not allow; raises WrongUse or PolicyViolation."""
        rules_of(rules).allow(self.place, self.reason, self.harm)


def rules_of(rules: Profile) -> Checks:
    """Where and why a profile allows checks; raises WrongUse if it allows none."""
    if rules.checks is None:
        raise WrongUse(
            "The deployment is not for checks of one person.",
            "A check needs a deployment whose profile is operator-initiated, such as oifr.",
        )
    return rules.checks


class Inquiry:
    """One check, from its record in the journal to the record of its answer."""

    def __init__(self, journal: Journal, deployment: str, grounds: Grounds, camera: str) -> None:
        self.identifier = token_hex(16)
        self._journal = journal
        self._deployment = deployment
        self._asked = Checked(
            at=minute(),
            deployment=deployment,
            check=self.identifier,
            operator=grounds.operator,
            camera=camera,
            place=grounds.place,
            reason=grounds.reason,
            harm=grounds.harm,
            salt=token_hex(32),
        )
        self._answer: Answer = "unanswered"

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Record the check, and whatever happens then, what it gave."""
        self._journal.note(self._asked)
        try:
            yield
        finally:
            answered = CheckAnswered(
                at=minute(), deployment=self._deployment, check=self.identifier, answer=self._answer
            )
            self._journal.note(answered)

    def authorised_by(self, keys: Identity) -> Callable[[Probe], Probe]:
        """What signs the probe of this check with the operator's keys, and with it the commitment to its grounds."""
        return lambda probe: authorise(
            probe, self._deployment, self._asked.commitment, self._asked.operator, keys
        )

    def conclude(self, reading: Reading, entries: tuple[PackageEntry, ...], recipient: str | None) -> None:
        """Take what was read as the answer; a match is an alert from now on."""
        if reading.matches:
            self._journal.alert(self._deployment, [reading], entries, recipient)
            self._answer = "match"
        elif reading.problem is None:
            self._answer = "no-match"


def ask(
    camera: Camera, client: ServerClient, check: str, taken: Taken, seconds: float
) -> tuple[Result | FailedResult, Logged]:
    """Send a face, which is gone from memory then, and fetch its result within so many seconds.

    The result is acknowledged before anybody opens it: the server sees the same whatever it holds.
    """
    outcome = camera.send(taken.view, taken.captured_at)
    if not isinstance(outcome, Sent):
        raise error_for(outcome)()
    name, deadline = camera.mandate.manifest.deployment, time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        try:
            batch = client.fetch_result(name, check, left)
        except CosignatureMissing:
            time.sleep(_NAP_SECONDS)
            continue
        if batch.results:
            client.acknowledge(name, check)
            return batch.results[0], batch.logged[0]
    raise ServerUnavailable("The server had no result in time.", "Take another photograph and check again.")
