"""One measurement as a row: what `--json` prints, what is recorded and what the tables show."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Self

OPTIONAL: Final = ("note", "bytes", "rate", "p95_s", "p99_s", "dropped", "late")
"""Fields that are left out of a row where they have nothing to say."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measurement; times in seconds, of all probes together. None where a field does not apply, 0 for `dim`.

    Of a log, `entries` are its records before anything is appended, and `probes` the records that are.
    """

    name: str
    """The benchmark it belongs to."""
    entries: int
    dim: int
    cores: int
    probes: int
    median_s: float | None = None
    min_s: float | None = None
    max_s: float | None = None
    baseline: str | None = None
    """What did the same work in the same run."""
    baseline_median_s: float | None = None
    ratio: float | None = None
    """How many times as long the baseline took."""
    exact: bool | None = None
    """Whether every answer of the run was that of the integers in clear."""
    worst_budget_bits: int | None = None
    """The lowest noise budget of all released ciphertexts, as the holder of the secret key sees it."""
    note: str = ""
    bytes: int | None = None
    rate: float | None = None
    """Faces that come in a second; then `probes` are faces, and times are those of each by itself."""
    p95_s: float | None = None
    p99_s: float | None = None
    dropped: int | None = None
    """Faces that came and were not sent."""
    late: int | None = None
    """Alerts that were waited for in vain."""

    def to_json(self) -> dict[str, Any]:
        """The row as a JSON object."""
        fields = asdict(self)
        return {
            name: value for name, value in fields.items() if name not in OPTIONAL or value not in ("", None)
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """A row from its JSON object."""
        return cls(**content)
