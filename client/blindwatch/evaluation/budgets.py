"""The query budgets of policy profiles, each beside what the attack on such deployments takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

from blindwatch.evaluation.attacks import Attacks, Scored
from blindwatch.evaluation.recovery import Mode
from blindwatch.policy.profile import Profile
from blindwatch.statements import trust

MOST: Final = 0.9
"""The share of faces from which on an attack on scores is said to work."""


@dataclass(frozen=True)
class Budget:
    """How far an attack comes within the probes that a profile allows."""

    profile: Profile
    attack: str
    takes: int | None
    """Probes, the fewest that sufficed; none where none of those that were tried did."""
    nearest: float
    """The cosine with the true template that is reached within the budget, the mean over those attacked."""

    @classmethod
    def of(cls, profile: Profile, found: Attacks) -> Self:
        """Searches whose scores add up, where every score is decrypted; boundary search elsewhere."""
        allowed = profile.probes_per_deployment
        if trust.USES[profile.use] == "ranked":
            scored = next(each for each in found.scored if each.mode is Mode.RANKED)
            return cls(profile, "scores of ranked searches", scored.enough(MOST), _within(scored, allowed))
        (decisions, *_) = found.searched
        return cls(profile, "boundary search", decisions.soonest, decisions.cosine(allowed))

    @property
    def stops(self) -> bool:
        """Whether the attack takes more probes than a camera may send."""
        return self.takes is None or self.profile.probes_per_deployment < self.takes


def budgets(found: Attacks) -> Iterator[Budget]:
    """Those of all profiles that were looked at."""
    return (Budget.of(each, found) for each in found.budgets)


def _within(scored: Scored, allowed: int) -> float:
    return max((step.cosine for step in scored.steps if step.scores <= allowed), default=0.0)
