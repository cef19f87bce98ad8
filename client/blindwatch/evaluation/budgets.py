"""The limits of policy profiles on probes and alerts, each beside what the attack on such deployments takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

from blindwatch.evaluation.attacks import SCORES, Attacks, Scored, Searched
from blindwatch.evaluation.recovery import Mode
from blindwatch.policy.profile import Profile
from blindwatch.statements import trust

MOST: Final = 0.9
"""The share of faces from which on an attack on scores is said to work."""


@dataclass(frozen=True)
class Budget:
    """How far an attack comes within the probes, and the alerts about one entry, that a profile allows."""

    profile: Profile
    attack: str
    takes: int | None
    """Probes, the fewest that sufficed; none where none of those that were tried did."""
    alerts: int | None
    """The same of alerts, by the way that takes fewest; none also where there are no alerts."""
    nearest: float
    """The cosine with the true template that is reached within both, the mean over those attacked."""
    stops: bool
    """Whether no template is learned within both."""

    @classmethod
    def of(cls, profile: Profile, found: Attacks) -> Self:
        """Searches whose scores add up, where every score is decrypted; boundary search elsewhere."""
        allowed = profile.probes_per_deployment
        if trust.USES[profile.use] == "ranked":
            scored = next(each for each in found.scored if each.mode is Mode.RANKED)
            takes = scored.enough(MOST)
            stops = takes is None or allowed < takes
            return cls(profile, "scores of ranked searches", takes, None, _within(scored, allowed), stops)
        ways = [each for each in found.searched if each.by != SCORES]
        # With a limit on alerts it is measured in attacks that were given no more answers than that.
        most = profile.alerts_per_entry
        tried = ways if most is None else found.limited[most]
        return cls(
            profile,
            "boundary search",
            _fewest([each.soonest for each in ways]),
            _fewest([each.least for each in ways]),
            max(each.cosine(allowed) for each in tried),
            not any(_learns(each, allowed) for each in tried),
        )


def budgets(found: Attacks) -> Iterator[Budget]:
    """Those of all profiles that were looked at."""
    return (Budget.of(each, found) for each in found.budgets)


def _fewest(counts: Sequence[int | None]) -> int | None:
    return min((each for each in counts if each is not None), default=None)


def _learns(searched: Searched, allowed: int) -> bool:
    """Whether any entry's template is learned by so many probes."""
    return searched.soonest is not None and searched.soonest <= allowed


def _within(scored: Scored, allowed: int) -> float:
    return max((step.cosine for step in scored.steps if step.scores <= allowed), default=0.0)
