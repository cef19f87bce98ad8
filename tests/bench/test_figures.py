"""Times, bars, plots and the page, from rows that are made up."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from blindwatch.bench import camera, match, suite
from blindwatch.bench.bars import BARS
from blindwatch.bench.case import Benchmark, Case
from blindwatch.bench.live import Run
from blindwatch.bench.plots import PLOTS
from blindwatch.bench.record import PAGE, RESULTS, Record
from blindwatch.bench.rows import Row
from blindwatch.bench.scale import QUICK
from blindwatch.bench.timing import Timed, compare, measure
from blindwatch.bench.wording import ratio, seconds, size
from blindwatch.cli.progress import progress
from blindwatch.errors import ConfigurationError, InternalError

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
FIELDS = [
    *("name", "entries", "dim", "cores", "probes", "median_s", "min_s", "max_s"),
    *("baseline", "baseline_median_s", "ratio", "exact", "worst_budget_bits"),
]
LIVE = Row(name="match", entries=17_000, dim=128, cores=2, probes=1, median_s=0.4, exact=True, note=match.ONE)
PLAIN = replace(LIVE, cores=1, baseline=match.PLAIN, baseline_median_s=8.0, ratio=7.5)


def test_a_row_has_the_agreed_fields_and_others_only_where_they_say_something() -> None:
    bare = Row(name="match", entries=1, dim=2, cores=3, probes=4)
    assert list(bare.to_json()) == FIELDS
    noted = replace(bare, note="a note", bytes=0)
    assert list(noted.to_json()) == [*FIELDS, "note", "bytes"]
    assert Row.from_json(json.loads(json.dumps(noted.to_json()))) == noted


def test_repetitions_come_after_one_that_warms_up_and_what_is_compared_takes_turns() -> None:
    calls: list[str] = []
    timed = measure(lambda: calls.append("work"), 3)
    assert (len(calls), len(timed.seconds), len(timed.results)) == (4, 3, 3)
    calls.clear()
    compare(lambda: calls.append("ours"), lambda: calls.append("theirs"), 2)
    assert calls == ["ours", "theirs"] * 3


def test_times_are_reported_by_their_median_and_beside_a_baseline() -> None:
    timed: Timed[None] = Timed(seconds=[3.0, 1.0, 9.0])
    assert timed.fields() == {"median_s": 3.0, "min_s": 1.0, "max_s": 9.0}
    beside = timed.against("another", 6.0)
    assert (beside["baseline"], beside["baseline_median_s"], beside["ratio"]) == ("another", 6.0, 2.0)


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (seconds(None), "-"),
        (seconds(0.0123), "12.3 ms"),
        (seconds(0.35), "350 ms"),
        (seconds(2.0), "2.00 s"),
        (size(500), "500 B"),
        (size(3 << 20), "3.00 MiB"),
        (size(300 << 20), "300 MiB"),
        (ratio(0.914), "0.91x"),
        (ratio(25.04), "25.0x"),
    ],
)
def test_figures_have_units(shown: str, text: str) -> None:
    assert shown == text


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([], "not measured"),
        ([replace(LIVE, entries=16_384)], "not measured"),
        ([replace(LIVE, median_s=1.2)], "missed"),
        ([LIVE], "met"),
        ([replace(LIVE, median_s=0.3), PLAIN], "beyond"),
        ([replace(LIVE, cores=1, median_s=0.3), LIVE], "met"),
    ],
)
def test_a_bar_of_time_takes_the_row_on_most_cores(rows: list[Row], verdict: str) -> None:
    assert BARS[0].cells(rows)[-1] == verdict


def at_rate(rate: float, p95: float, dropped: int = 0, late: int = 0) -> Row:
    """What `live` might have measured."""
    row = Row(name="live", entries=17_000, dim=128, cores=2, probes=30, exact=True)
    row = replace(row, median_s=p95 / 2, min_s=p95 / 4, max_s=p95, p95_s=p95, p99_s=p95)
    return replace(row, rate=rate, dropped=dropped, late=late)


@pytest.mark.parametrize(
    ("rows", "verdicts"),
    [
        ([], ["not measured", "not measured"]),
        ([at_rate(0.5, 1.0), at_rate(1.0, 2.0), at_rate(2.0, 2.9, dropped=1)], ["met", "met"]),
        ([at_rate(1.0, 1.4), at_rate(2.0, 2.9), at_rate(3.0, 2.9, late=1)], ["beyond", "beyond"]),
        ([at_rate(0.5, 2.0), at_rate(1.0, 3.1)], ["missed", "missed"]),
        ([at_rate(0.5, 2.0, dropped=1)], ["not measured", "missed"]),
    ],
    ids=["nothing", "one", "two", "half", "none"],
)
def test_bars_of_alerts_want_them_in_time_and_nobody_dropped(rows: list[Row], verdicts: list[str]) -> None:
    assert [bar.cells(rows)[-1] for bar in BARS[-2:]] == verdicts


def test_a_run_is_too_much_when_somebody_is_dropped_or_alerts_are_late() -> None:
    fine = Run(1.0, 20, dropped=0, waited=[0.1 * each for each in range(1, 21)], late=0, is_exact=True)
    assert not fine.is_saturated
    assert (fine.quantile(0.5), fine.quantile(0.95), fine.quantile(1.0)) == (1.1, 2.0, 2.0)
    for changed in (
        replace(fine, dropped=1),
        replace(fine, late=1),
        replace(fine, waited=[]),
        replace(fine, waited=[3.01]),
    ):
        assert changed.is_saturated


@pytest.mark.parametrize(("factor", "verdict"), [(7.5, "missed"), (9.0, "met"), (26.0, "beyond")])
def test_a_bar_of_ratios_wants_more(factor: float, verdict: str) -> None:
    bar = next(each for each in BARS if "plain SEAL" in each.what)
    assert bar.cells([LIVE, replace(PLAIN, ratio=factor)])[-1] == verdict


@pytest.mark.parametrize(
    ("seconds_each", "verdict"), [(0.11, "missed"), (0.1, "met"), (0.05, "beyond"), (None, "not measured")]
)
def test_a_bar_of_faces_takes_pictures_with_one_face_before_the_embedded_models(
    seconds_each: float | None, verdict: str
) -> None:
    def row(count: int, pipeline: str, median: float | None) -> Row:
        note = f"{camera.rate_note(count, pipeline)}: some"
        return Row(name="camera", entries=1, dim=128, cores=2, probes=count, median_s=median, note=note)

    bar = next(each for each in BARS if "with one face" in each.what)
    others = [row(2, "default", 0.001), row(1, "reference", 0.001)]
    assert bar.cells([*others, row(1, "default", seconds_each)])[-1] == verdict


def test_an_answer_that_differs_ends_the_run() -> None:
    wrong = Benchmark("match", "", lambda _: [Case("planted", lambda: [LIVE, replace(LIVE, exact=False)])])
    with (
        progress() as display,
        pytest.raises(InternalError, match="differs from the clear computation: planted"),
    ):
        suite.run([wrong], QUICK, display)


def test_an_unknown_benchmark_is_refused_with_the_names_of_all() -> None:
    with pytest.raises(ConfigurationError) as refused:
        suite.chosen("speed")
    assert all(name in refused.value.hint for name in ("match", "rank", "fetch", "bytes", "enrol"))


def test_the_page_shows_the_recorded_results() -> None:
    recorded = Record.read(FOLDER)
    text = (FOLDER / PAGE).read_text(encoding="utf-8")
    assert recorded.fill(text) == text
    for plot in PLOTS:
        assert (plot.file in text) == any(row.name == plot.benchmark for row in recorded.rows)
        if plot.file in text:
            assert (FOLDER / plot.file).read_text(encoding="utf-8") == plot.draw(recorded.rows)


def test_a_record_replaces_results_tables_and_plots(tmp_path: Path) -> None:
    (tmp_path / PAGE).write_text((FOLDER / PAGE).read_text(encoding="utf-8"), encoding="utf-8")
    growing = [replace(LIVE, name="growth", entries=count, note="|V| = 120") for count in (1_000, 4_000)]
    alerts = [at_rate(1.0, 1.4), at_rate(2.0, 3.4, dropped=3)]
    record = Record({"Processor": "one"}, [LIVE, PLAIN, *growing, *alerts])
    for _ in range(2):
        record.write(tmp_path)
    assert Record.read(tmp_path) == record
    page = (tmp_path / PAGE).read_text(encoding="utf-8")
    assert "| 17,000 | 128 | 1 | 1 | 400 ms |" in page
    assert "\\|V\\| = 120" in page
    assert "| Processor | one |" in page
    assert "</svg>" in (tmp_path / "growth.svg").read_text(encoding="utf-8")
    assert "10 % dropped" in (tmp_path / "live.svg").read_text(encoding="utf-8")
    assert json.loads((tmp_path / RESULTS).read_text(encoding="utf-8"))["rows"][0] == LIVE.to_json()


def test_a_page_without_a_place_for_a_table_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / PAGE).write_text("# Nothing generated\n", encoding="utf-8")
    with pytest.raises(ConfigurationError):
        Record({}, [LIVE]).write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [PAGE]
