"""What the project has set itself, beside what was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from blindwatch.bench import camera, fetch, live, match, rank, sizes, wording
from blindwatch.bench.rows import Row
from blindwatch.bench.scale import FULL

Rows = Sequence[Row]


@dataclass(frozen=True)
class Bar:
    """One figure, the bar it has to reach and the one beyond that."""

    what: str
    bar: float
    beyond: float
    value: Callable[[Rows], float | None]
    """The measured figure; None if no row has it."""
    shown: Callable[[float], str]
    more_is_better: bool = False

    def reached(self, value: float, limit: float) -> bool:
        """Whether a figure reaches a limit."""
        return value >= limit if self.more_is_better else value <= limit

    def cells(self, rows: Rows) -> list[str]:
        """What, bar, beyond, measured and verdict, as a table shows them."""
        sign = ">=" if self.more_is_better else "<="
        limits = [f"{sign} {self.shown(limit)}" for limit in (self.bar, self.beyond)]
        value = self.value(rows)
        if value is None:
            return [self.what, *limits, "-", "not measured"]
        met = "met" if self.reached(value, self.bar) else "missed"
        verdict = "beyond" if self.reached(value, self.beyond) else met
        return [self.what, *limits, self.shown(value), verdict]


def _row(rows: Rows, name: str, entries: int, note: str = "", baseline: str | None = None) -> Row | None:
    """The row that fits, of those the one with most cores."""
    fitting = [
        row
        for row in rows
        if (row.name, row.entries, row.baseline) == (name, entries, baseline) and row.note.startswith(note)
    ]
    return max(fitting, key=lambda row: row.cores, default=None)


def _time(
    name: str, entries: int, note: str = "", baseline: str | None = None
) -> Callable[[Rows], float | None]:
    def value(rows: Rows) -> float | None:
        row = _row(rows, name, entries, note, baseline)
        return None if row is None else row.median_s

    return value


def _bytes(what: str) -> Callable[[Rows], float | None]:
    def value(rows: Rows) -> float | None:
        row = _row(rows, "bytes", FULL.standard, what)
        return None if row is None else row.bytes

    return value


def _ratio(rows: Rows) -> float | None:
    row = _row(rows, "match", FULL.standard, baseline=match.PLAIN)
    return None if row is None else row.ratio


def _rate(rows: Rows) -> float | None:
    row = _row(rows, "match", FULL.standard, match.IN_FLIGHT)
    return None if row is None or row.median_s is None else row.probes / row.median_s


def _share(rows: Rows) -> float | None:
    row = _row(rows, "rank", 1_000_000, baseline=rank.READING)
    return None if row is None else row.ratio


def _alert(rows: Rows) -> float | None:
    found = [row.p95_s for row in _live(rows) if row.rate == 1.0]
    return found[0] if found else None


def _sustained(rows: Rows) -> float | None:
    """The highest rate up to which nobody was dropped and alerts came in time; none if nothing was measured."""
    measured = _live(rows)
    held = [
        row.rate or 0.0
        for row in measured
        if not (row.dropped or row.late) and row.p95_s is not None and row.p95_s <= live.LIMIT_SECONDS
    ]
    return max(held, default=0.0) if measured else None


def _live(rows: Rows) -> list[Row]:
    return [row for row in rows if (row.name, row.entries) == ("live", FULL.standard)]


def _camera(rows: Rows) -> float | None:
    row = _row(rows, "camera", 1, camera.rate_note(1))
    return None if row is None or row.median_s is None else row.probes / row.median_s


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"


def _faces(value: float) -> str:
    return f"{value:.1f} faces/s"


_MIB: Final = 1 << 20

BARS: Final = (
    Bar(
        "reveal on match, 17,000 x 128, one probe",
        1.0,
        0.35,
        _time("match", FULL.standard, match.ONE),
        wording.seconds,
    ),
    Bar("the same with several probes in flight", 2.0, 5.0, _rate, _faces, more_is_better=True),
    Bar(
        "against the same work in plain SEAL calls, both on one thread",
        8.0,
        25.0,
        _ratio,
        wording.ratio,
        more_is_better=True,
    ),
    Bar("list of 1,000", 0.3, 0.1, _time("growth", 1_000, "|V| = 120"), wording.seconds),
    Bar(
        "fetch by similarity, small, payloads (their reference on the same two cores: 199 s)",
        6.0,
        3.0,
        _time("fetch", FULL.fetched, fetch.PAYLOADS),
        wording.seconds,
    ),
    Bar(
        "ranked scan, 1,000,000 x 128, one probe",
        0.4,
        0.2,
        _time("rank", 1_000_000, rank.NOTE, rank.READING),
        wording.seconds,
    ),
    Bar("the same, of the measured memory bandwidth", 0.6, 0.9, _share, _percent, more_is_better=True),
    Bar(
        "encrypted template, reveal on match, d = 128",
        13 << 10,
        6 << 10,
        _bytes(sizes.ON_DISK),
        wording.size,
    ),
    Bar("encrypted template, ranked, d = 128", 2.1 * 1024, 2.0 * 1024, _bytes(sizes.RANKED), wording.size),
    Bar("query", 1.5 * _MIB, 0.4 * _MIB, _bytes(sizes.QUERY), wording.size),
    Bar("answer for one probe at 17,000", 4 * _MIB, _MIB, _bytes(sizes.ANSWER), wording.size),
    Bar("memory of the server at 17,000", 2048 * _MIB, 614.4 * _MIB, _bytes(sizes.PROCESS), wording.size),
    Bar("quantise and encrypt 17,000 templates", 30.0, 5.0, _time("enrol", FULL.standard), wording.seconds),
    Bar(
        "a camera with the embedded models, pictures of 1280 x 720 with one face",
        10.0,
        20.0,
        _camera,
        _faces,
        more_is_better=True,
    ),
    Bar(
        "capture to alert, 17,000 entries, 95 of 100 at one face a second",
        live.LIMIT_SECONDS,
        live.LIMIT_SECONDS / 2,
        _alert,
        wording.seconds,
    ),
    Bar(
        "faces a second with nobody dropped and alerts within these 3 s",
        1.0,
        2.0,
        _sustained,
        _faces,
        more_is_better=True,
    ),
)
