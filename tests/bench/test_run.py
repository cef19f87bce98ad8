"""The smallest form of every benchmark, run for real: the rows it prints, and that it looks at the answers."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from blindwatch.bench import camera, fetch, log, match, rank, sizes
from blindwatch.bench.engine import Engine
from blindwatch.bench.rows import OPTIONAL
from blindwatch.bench.scale import QUICK
from blindwatch.bench.trial import PLANTED, trial
from blindwatch.he.presets import preset
from blindwatch.he.templates import Templates
from blindwatch.wire import crops

from .test_figures import FIELDS

NUMBER = (int, float)
Rows = list[dict[str, Any]]


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "blindwatch.cli.main", "bench", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=1500, check=False)


@pytest.fixture(scope="module")
def rows() -> Rows:
    done = bench("--quick", "--json")
    assert done.returncode == 0, done.stderr
    found: Rows = json.loads(done.stdout)
    return found


def test_every_benchmark_gives_rows(rows: Rows) -> None:
    assert {row["name"] for row in rows} == {
        "match",
        "growth",
        "rank",
        "fetch",
        "bytes",
        "enrol",
        "log",
        "camera",
        "live",
    }


def test_rows_have_the_agreed_fields_and_types(rows: Rows) -> None:
    for row in rows:
        assert [name for name in row if name not in OPTIONAL] == FIELDS
        counted = ["entries", "cores", "probes", *(["dim"] if row["name"] != "log" else [])]
        assert all(isinstance(row[name], int) and row[name] > 0 for name in counted)
        if row["name"] == "bytes":
            assert isinstance(row["bytes"], int)
            assert row["bytes"] > 0
            assert row["median_s"] is None
        elif row["median_s"] is None:
            # A machine that is too busy sends nothing in time.
            assert row["name"] == "live"
            assert row["dropped"] > 0
        else:
            assert 0 < row["min_s"] <= row["median_s"] <= row["max_s"]
        beside = [row[name] for name in ("baseline", "baseline_median_s", "ratio")]
        assert all(each is None for each in beside) or (
            isinstance(beside[0], str) and all(isinstance(each, NUMBER) for each in beside[1:])
        )


def test_every_row_was_checked_and_kept_some_budget(rows: Rows) -> None:
    # What a camera does before it encrypts has no ciphertext to look into.
    before = (camera.DETECT, camera.ALIGN, camera.EMBED)
    for row in rows:
        if row["name"] == "camera" and row["note"].startswith(before):
            assert row["exact"] is None
            continue
        assert row["exact"] is True
        assert row["name"] in {"log", "live"} or row["worst_budget_bits"] >= 1


def test_ratios_are_those_of_the_medians(rows: Rows) -> None:
    for row in rows:
        if row["baseline"] is not None:
            assert row["ratio"] == pytest.approx(
                row["baseline_median_s"] / row["median_s"], rel=0.01, abs=0.001
            )


def test_each_baseline_is_there(rows: Rows) -> None:
    assert {row["baseline"] for row in rows if row["baseline"]} == {
        match.PLAIN,
        match.PAIRS,
        rank.READING,
        rank.IN_CLEAR,
        log.BASELINE,
        camera.ANY_SIZE,
    }


def test_releasing_takes_a_part_of_the_time(rows: Rows) -> None:
    (released,) = [row for row in rows if row["note"] == match.RELEASED]
    assert released["exact"]
    assert released["entries"] == QUICK.standard


def test_several_probes_are_in_flight_at_once(rows: Rows) -> None:
    flight = [row for row in rows if row["note"] == match.IN_FLIGHT]
    assert [row["probes"] for row in flight] == [QUICK.in_flight]


def test_bytes_are_those_of_query_answer_keys_templates_and_memory(rows: Rows) -> None:
    found = {row["note"]: row["bytes"] for row in rows if row["name"] == "bytes"}
    wanted = {sizes.QUERY, sizes.ANSWER, sizes.OPENED_FACE, sizes.ON_DISK, sizes.RANKED, sizes.PROCESS}
    assert wanted <= set(found)
    assert found[sizes.QUERY] < found[sizes.PROCESS]
    assert found[sizes.SEALED_FACE] < 0.02 * found[sizes.QUERY]
    # A short list has room for the pieces of the key beside the rest.
    assert found[sizes.OPENED_FACE] == crops.WRAPPED
    assert sum("key" in note for note in found) == 3


def test_count_and_payloads_are_of_the_same_matches(rows: Rows) -> None:
    notes = [row["note"].split("; ") for row in rows if row["name"] == "fetch"]
    assert {note[0] for note in notes} == {fetch.COUNT, fetch.PAYLOADS}
    assert len({note[1] for note in notes}) == 1


def test_faces_come_to_alerts_through_every_role(rows: Rows) -> None:
    (row,) = [row for row in rows if row["name"] == "live"]
    assert (row["rate"], row["entries"]) == (QUICK.rates[0], QUICK.standard)
    assert 0 <= row["dropped"] <= row["probes"] <= QUICK.rates[0] * QUICK.seconds
    assert row["median_s"] is None or row["median_s"] <= row["p95_s"] <= row["p99_s"] <= row["max_s"]


def test_a_camera_with_the_embedded_models_is_given_one_two_and_five_faces(rows: Rows) -> None:
    for count in camera.CROWDS:
        (row,) = [row for row in rows if row["note"].startswith(camera.rate_note(count))]
        assert row["probes"] == count
        assert float(row["note"].split()[-2]) == pytest.approx(count / row["median_s"], abs=0.06)


def test_wrong_answers_are_noticed() -> None:
    subject = trial(QUICK.standard, preset("reveal-128"))
    answers = [Engine.of(subject).match(subject.ciphertext)]
    assert 0 < len(subject.expected) < PLANTED
    assert subject.check(answers).exact
    other_order = Templates(
        *(np.roll(each, 1, axis=0) for each in (subject.templates.coarse, subject.templates.fine))
    )
    other_scores = Templates(subject.templates.coarse, -subject.templates.fine)
    for other in (other_order, other_scores):
        assert not replace(subject, templates=other).check(answers).exact


@pytest.mark.parametrize("count", [600, 50_000])
def test_data_of_the_workload_is_far_from_its_threshold(count: int) -> None:
    vectors, query = fetch.records(count, 128)
    cosines = vectors @ query
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    near = cosines > fetch.COSINE
    assert 1 <= near.sum() <= 64
    assert cosines[near].min() > 0.88
    assert cosines[~near].max() < 0.7


@pytest.mark.parametrize("arguments", [("--quick",), ("match",)])
def test_only_a_whole_run_is_recorded(arguments: tuple[str, ...], tmp_path: Any) -> None:
    done = bench(*arguments, "--record", str(tmp_path))
    assert done.returncode == 1
    assert "Only a whole run is recorded." in done.stderr
