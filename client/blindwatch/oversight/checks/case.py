"""What is before the checks: a bundle, what the auditor brings along, and what several checks need, read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final

from blindwatch.errors import BlindwatchError, ConfigurationError, LogError
from blindwatch.oversight.bundle import Bundle, Statement, Statements
from blindwatch.oversight.checks.course import Course
from blindwatch.oversight.checks.findings import Unchecked
from blindwatch.oversight.checks.operator_log import Alerts, read_alerts
from blindwatch.oversight.checks.reading import Progress, WholeLog, read_whole
from blindwatch.policy.profile import Profile, profile
from blindwatch.statements.predicates import DeploymentManifest, Watchlist
from blindwatch.statements.register import Register
from blindwatch.tlog.checkpoints import SignedCheckpoint
from blindwatch.tlog.keys import VerifierKey
from blindwatch.tlog.policy import Policy

TOLERANCE: Final = timedelta(minutes=2)
"""How far the clocks of honest parties may be apart, with the minute to which records are cut down."""


@dataclass(frozen=True)
class Version:
    """A version of the deployment's manifest, and the list that it names if the bundle has it."""

    statement: Statement[DeploymentManifest]
    listed: Statement[Watchlist] | None

    @property
    def manifest(self) -> DeploymentManifest:
        """What it says."""
        return self.statement.content

    @property
    def digest(self) -> str:
        """What names it."""
        return self.statement.envelope.digest


class Case:
    """A bundle and the auditor's own register, with older checkpoints of the log that the auditor has from elsewhere.

    What is missing, or cannot be relied on, is raised as Unchecked: the check that needs it is not carried out.
    """

    def __init__(
        self,
        bundle: Bundle,
        register: Register,
        seen: Sequence[SignedCheckpoint] = (),
        progress: Progress = lambda _: None,
    ) -> None:
        self.bundle = bundle
        self.register = register
        self.seen = tuple(seen)
        self._progress = progress
        self._log: WholeLog | LogError | None = None

    @property
    def statements(self) -> Statements:
        """All statements of the bundle."""
        return self.bundle.statements

    @cached_property
    def versions(self) -> list[Version]:
        """The versions of the deployment's manifest, by their numbers."""
        lists = {each.envelope.digest: each for each in self.statements.of(Watchlist)}
        found = [
            Version(each, lists.get(each.content.watchlist.digest))
            for each in self.statements.of(DeploymentManifest)
            if each.content.deployment == self.bundle.deployment
        ]
        if not found:
            raise Unchecked("The bundle has no manifest of the deployment.")
        return sorted(found, key=lambda each: each.manifest.version)

    @property
    def newest(self) -> Version:
        """The newest version of the manifest."""
        return self.versions[-1]

    def version_of(self, digest: str) -> Version | None:
        """The version of this digest."""
        return next((each for each in self.versions if each.digest == digest), None)

    @cached_property
    def profile(self) -> Profile:
        """The policy profile that the manifest names, as the auditor has it installed."""
        try:
            return profile(self.newest.manifest.profile.name)
        except ConfigurationError:
            raise Unchecked("The profile of the deployment is not installed here.") from None

    @cached_property
    def policy(self) -> Policy:
        """The log and the witnesses that the manifest names."""
        try:
            return self.newest.manifest.read_log_policy()
        except ConfigurationError as error:
            raise Unchecked(f"The manifest does not name its log: {error.detail}") from None

    @cached_property
    def key(self) -> VerifierKey:
        """The key of the server's log."""
        if len(self.policy.logs) != 1:
            raise Unchecked("The manifest does not name one log.")
        (party,) = self.policy.logs.values()
        return party.key

    def read_log(self) -> WholeLog:
        """The log, verified and read when it is asked for first; raises a LogError."""
        if self._log is None:
            try:
                self._log = read_whole(self.bundle.log, self.key, self.bundle.deployment, self._progress)
            except LogError as error:
                self._log = error
        if isinstance(self._log, LogError):
            raise self._log
        return self._log

    @property
    def log(self) -> WholeLog:
        """The log; without one that is whole nothing is concluded from it."""
        try:
            return self.read_log()
        except BlindwatchError:
            raise Unchecked("The log is not whole, so nothing that it says is relied on.") from None

    @cached_property
    def operator_log(self) -> Alerts:
        """The operator's log, verified and read when it is asked for first; raises what `read_alerts` raises."""
        return read_alerts(self.bundle)

    @property
    def alerts(self) -> Alerts:
        """The same; without one that is whole nothing is concluded from it."""
        try:
            return self.operator_log
        except BlindwatchError:
            raise Unchecked(
                "The operator's log is not whole, so nothing that it says is relied on."
            ) from None

    @property
    def course(self) -> Course:
        """What the log says of the deployment."""
        return self.log.course

    @property
    def latest(self) -> datetime:
        """The latest time that is in the log."""
        return datetime.fromtimestamp(self.log.latest, UTC)
