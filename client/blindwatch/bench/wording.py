"""Figures as the tables show them."""

from __future__ import annotations

from typing import Final

from blindwatch.bench.rows import Row

_UNITS: Final = (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10))

NONE: Final = "-"
"""Stands where a figure does not apply."""

COLUMNS: Final = (
    "Entries",
    "Dim",
    "Cores",
    "Probes",
    "Median",
    "Min-max",
    "Baseline",
    "Ratio",
    "Budget",
    "What",
)
RIGHT: Final = frozenset({"Entries", "Dim", "Cores", "Probes", "Median", "Min-max", "Ratio", "Budget"})


def seconds(value: float | None) -> str:
    """A time with a unit that suits it."""
    if value is None:
        return NONE
    return f"{value:.2f} s" if value >= 1 else f"{1000 * value:.{0 if value >= 0.1 else 1}f} ms"


def size(count: float) -> str:
    """Bytes with a unit that suits them."""
    for unit, factor in _UNITS:
        if count >= factor:
            return f"{count / factor:.{0 if count >= 100 * factor else 2}f} {unit}"
    return f"{count:.0f} B"


def ratio(value: float | None) -> str:
    """How many times; shares of one with two digits."""
    return NONE if value is None else f"{value:.{1 if value >= 2 else 2}f}x"


def cells(row: Row) -> list[str]:
    """A row under `COLUMNS`."""
    spread = NONE if row.min_s is None else f"{seconds(row.min_s)} - {seconds(row.max_s)}"
    baseline = NONE if row.baseline is None else f"{row.baseline}: {seconds(row.baseline_median_s)}"
    return [
        f"{row.entries:,}",
        str(row.dim) if row.dim else NONE,
        str(row.cores),
        str(row.probes),
        seconds(row.median_s) if row.bytes is None else size(row.bytes),
        spread,
        baseline,
        ratio(row.ratio),
        NONE if row.worst_budget_bits is None else f"{row.worst_budget_bits} bits",
        row.note,
    ]
