"""Where decisions are written down, before the effect of them can be seen."""

from __future__ import annotations

from typing import Protocol

from blindwatch.console.alerts import Alert, Reason
from blindwatch.records.operator import Outcome


class Journal(Protocol):
    """Writes down what lasts; every method raises LogError where it cannot."""

    def decided(
        self, alert: Alert, outcome: Outcome, operators: tuple[str, ...], reason: Reason | None
    ) -> None:
        """An outcome cannot be undone any more; nobody but the clock decided if there is no operator."""

    def checked(self, operator: str, *, passed: bool) -> None:
        """An operator was shown two different people, and saw it or did not."""
