"""`live`: from a face before a camera to the alert before an operator, faster and faster until it is too much."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from blindwatch.bench.case import Benchmark, Case
from blindwatch.bench.crowd import Crowd, Walker, best
from blindwatch.bench.onlooking import Page
from blindwatch.bench.rows import Row
from blindwatch.bench.scale import Scale, available_cores
from blindwatch.bench.stage import PRESET, Stage
from blindwatch.bench.walking import Noted, Walked, walk
from blindwatch.bench.wording import seconds
from blindwatch.he.presets import preset
from blindwatch.he.templates import Templates
from blindwatch.vision.quantise import templates

LIMIT_SECONDS: Final = 3.0
"""Capture to alert, for 95 of 100."""
PATIENCE_SECONDS: Final = 45.0
"""After the last face. What is not on the page by then counts as late, with the time that it was waited for."""
_LOOK_SECONDS: Final = 0.1
_DIGITS: Final = 6


def cases(scale: Scale) -> list[Case]:
    """One deployment, and one rate after the other."""
    return [Case(f"live, {scale.standard:,} entries", partial(_measure, scale))]


BENCHMARK: Final = Benchmark("live", "From a face before a camera to the alert before an operator.", cases)


def _measure(scale: Scale) -> Sequence[Row]:
    chosen = preset(PRESET)
    crowd = Crowd.gather(scale, chosen)
    book = templates([each.embedding for each in crowd.listed], chosen)
    rows: list[Row] = []
    with (
        TemporaryDirectory(prefix="blindwatch-bench-") as folder,
        Stage(Path(folder)).opened(crowd) as stage,
        ProcessPoolExecutor(1, get_context("spawn")) as camera,
    ):
        for rate in scale.rates:
            run = _run(stage, camera, crowd, book, rate, scale.seconds)
            rows.append(_row(crowd, run))
            if run.is_saturated:
                break
    return rows


@dataclass(frozen=True)
class Run:
    """What one rate came to. Times are in seconds, from the first picture of a face to the page with its alert."""

    rate: float
    walkers: int
    dropped: int
    """Faces of which the server is not known to have taken a probe."""
    waited: Sequence[float]
    """Of every probe that has to raise an alert; of those that did not yet, for how long that was waited for."""
    late: int
    """How many of these had raised none when nobody waited any longer."""
    is_exact: bool
    """Whether all alerts are of probes that match by the integers in clear, and faces open."""

    @property
    def is_saturated(self) -> bool:
        """Whether it is too much: somebody was dropped, or alerts come too late."""
        slowest = self.quantile(0.95)
        return self.dropped + self.late > 0 or slowest is None or slowest > LIMIT_SECONDS

    def quantile(self, share: float) -> float | None:
        """The time within which this share of the alerts were there: one that was measured, the next above."""
        if not self.waited:
            return None
        return round(float(np.quantile(self.waited, share, method="higher")), _DIGITS)


def _run(
    stage: Stage, camera: ProcessPoolExecutor, crowd: Crowd, book: Templates, rate: float, length: float
) -> Run:
    count = max(1, min(round(rate * length), len(crowd.walkers) - 1))
    # The one who walks ahead is the last of all, so that nobody walks twice.
    walkers = [crowd.walkers[-1], *crowd.walkers[:count]]
    with stage.console() as page:
        walked = camera.submit(walk, stage.camera, walkers, rate).result()
        matching = {each.probe_id for each in walked.probes if _matches(book, each)}
        first = _first(walkers, walked)
        awaited = {probe_id: who for who, probe_id in first.items() if probe_id in matching}
        gone = _wait(page, set(awaited))
        seen = dict(page.seen)
        opens = not seen or page.shows_a_face()
    return Run(
        rate,
        count,
        dropped=count - len(first),
        waited=[seen.get(probe_id, gone) - walked.handed[who] for probe_id, who in awaited.items()],
        late=len(set(awaited) - set(seen)),
        is_exact=set(seen) <= matching and opens,
    )


def _first(walkers: Sequence[Walker], walked: Walked) -> dict[int, str]:
    """The first probe that the server took of everybody, but for the one who walks ahead, by their numbers."""
    found: dict[int, str] = {}
    for each in walked.probes:
        if each.is_taken and (who := _nearest(walkers, each)) > 0:
            found.setdefault(who, each.probe_id)
    return found


def _matches(book: Templates, probe: Noted) -> bool:
    """Whether a probe reaches an entry, by the integers in clear."""
    return best(book, probe.embedding, preset(PRESET)) is not None


def _nearest(walkers: Sequence[Walker], probe: Noted) -> int:
    """Who of those who walked is in a probe."""
    return int(np.argmax(np.stack([each.embedding for each in walkers]) @ probe.embedding))


def _wait(page: Page, awaited: set[str]) -> float:
    """Until all these alerts are on the page, or it takes too long; the time of the monotonic clock."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not awaited <= set(page.seen) and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
    return time.monotonic()


def _row(crowd: Crowd, run: Run) -> Row:
    p95, p99 = run.quantile(0.95), run.quantile(0.99)
    return Row(
        name=BENCHMARK.name,
        entries=len(crowd.listed),
        dim=preset(PRESET).dimension,
        cores=available_cores(),
        probes=run.walkers,
        median_s=run.quantile(0.5),
        min_s=run.quantile(0.0),
        max_s=run.quantile(1.0),
        exact=run.is_exact,
        rate=run.rate,
        p95_s=p95,
        p99_s=p99,
        dropped=run.dropped,
        late=run.late,
        note=(
            f"{run.rate:g} faces/s: p95 {seconds(p95)}, p99 {seconds(p99)} of {len(run.waited)} alerts; "
            f"{run.dropped} faces dropped, {run.late} alerts late; {crowd.people:,} entries are people"
        ),
    )
