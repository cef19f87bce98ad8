"""What an operator is on duty for: an approved deployment, its rules, and who takes part."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from blindwatch.console.training import Training
from blindwatch.deployment.operating_point import OperatingPoint
from blindwatch.errors import StatementMismatch, WrongUse
from blindwatch.operator.fetching import Approved
from blindwatch.policy.profile import Profile, profile
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import DeploymentManifest, instant
from blindwatch.statements.register import PersonRole, Register


@dataclass(frozen=True)
class Assignment:
    """One deployment, as its approved manifest has it, and the operators at this console."""

    manifest: DeploymentManifest
    manifest_digest: str
    rules: Profile
    officers: tuple[str, ...]
    """Who approved it."""
    operators: tuple[str, ...]
    """Who may log in; the first holds the key."""
    training: Training
    point: OperatingPoint | None = None
    """What the threshold rests on, where the manifest names it and the operator has the file."""

    @classmethod
    def of(
        cls,
        approved: Approved,
        envelope: Envelope,
        register: Register,
        operators: tuple[str, ...],
        training: Training,
        point: OperatingPoint | None = None,
    ) -> Assignment:
        """The assignment of a manifest that was verified, in the envelope that it came in."""
        rules = profile(approved.manifest.profile.name)
        if point is not None and point.digest != approved.manifest.operating_point:
            raise StatementMismatch("The approved manifest names another operating point, or none.")
        if rules.use != "live":
            raise WrongUse("The console is for live deployments.", "Use: blindwatch operator run")
        officers = register.signers(envelope).of_role(PersonRole.AUTHORISING_OFFICER)
        return cls(
            approved.manifest, envelope.digest, rules, tuple(sorted(officers)), operators, training, point
        )

    @property
    def deployment(self) -> str:
        """Its name."""
        return self.manifest.deployment

    @property
    def ends(self) -> datetime:
        """When it is over."""
        return instant(self.manifest.window.not_after)

    @property
    def cameras(self) -> tuple[str, ...]:
        """The names of its cameras."""
        return tuple(camera.name for camera in self.manifest.cameras)

    def category(self, name: str) -> str:
        """A reason to be on the list, in words."""
        found = self.rules.category(name)
        return name if found is None else found.title
