"""Workers that die, queues that fill, servers that stop and start again."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from blindwatch.errors import Busy, ServerUnavailable
from blindwatch.wire.messages import FailedResult, Result

if TYPE_CHECKING:
    from tests.serving import ServerProcess, Trial

    Start = Callable[..., ServerProcess]


def test_a_worker_killed_in_the_middle_of_a_job(start: Start, trial: Trial) -> None:
    server = start(workers=2)
    name = trial.open(server)
    before = server.workers
    server.pause()
    probes = [trial.probe() for _ in range(6)]
    for probe in probes:
        server.client("camera").post_probe(name, probe)
    os.kill(before[0], signal.SIGKILL)
    os.kill(before[1], signal.SIGCONT)
    results = server.results(name, 6).results
    # No probe is lost, not even the one that the worker had.
    assert {result.probe_id for result in results} == {probe.probe_id for probe in probes}
    assert all(isinstance(result, Result) for result in results)
    while not server.is_complete():
        time.sleep(0.02)
    assert len(server.workers) == 2
    assert before[0] not in server.workers


def test_a_worker_that_hangs_is_replaced(start: Start, trial: Trial) -> None:
    server = start(job_seconds=3.0)
    name = trial.open(server)
    server.pause()
    server.client("camera").post_probe(name, trial.probe())
    (result,) = server.results(name, 1).results
    assert isinstance(result, Result)
    assert "worker-lost" in server.log


def test_a_full_queue(start: Start, trial: Trial) -> None:
    server = start(queue_length=3)
    name = trial.open(server)
    camera = server.client("camera")
    server.pause()
    for _ in range(3):
        camera.post_probe(name, trial.probe())
    with pytest.raises(Busy):
        camera.post_probe(name, trial.probe())
    refused = server.http("camera").post(f"/v1/deployments/{name}/probes")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert camera.health().queued == 3
    server.resume()
    assert len(server.results(name, 3).results) == 3
    camera.post_probe(name, trial.probe())
    assert len(server.results(name, 4).results) == 4


def test_a_restart_keeps_deployments_watchlists_and_results(start: Start, trial: Trial) -> None:
    server = start()
    name = trial.open(server)
    server.client("camera").post_probe(name, trial.probe())
    waiting = server.results(name, 1)
    info = server.client("operator").get_deployment(name)
    assert server.stop() == 0
    server.start()
    assert server.client("operator").get_deployment(name) == info
    found = server.client("operator").fetch_results(name)
    assert found.results == waiting.results
    # The proof is under a later checkpoint: the log has the start as well.
    assert [each.record for each in found.logged] == [each.record for each in waiting.logged]
    server.client("camera").post_probe(name, trial.probe(3))
    assert all(isinstance(result, Result) for result in server.results(name, 2).results)


def test_a_server_that_is_killed_starts_again(start: Start, trial: Trial) -> None:
    server = start()
    name = trial.open(server)
    orphans = server.workers
    server.process.kill()
    server.process.wait()
    with pytest.raises(ServerUnavailable):
        server.client("camera").post_probe(name, trial.probe())
    server.start()
    server.client("camera").post_probe(name, trial.probe())
    assert len(server.results(name, 1).results) == 1
    # Workers end with the pipe to their server.
    assert not any(os.path.exists(f"/proc/{pid}/exe") for pid in orphans)  # noqa: PTH110 - a zombie has no exe


def test_a_server_that_is_stopped_answers_what_it_took(start: Start, trial: Trial) -> None:
    server = start()
    name = trial.open(server)
    server.pause()
    for _ in range(3):
        server.client("camera").post_probe(name, trial.probe())
    resuming = threading.Timer(0.5, server.resume)
    resuming.start()
    assert server.stop() == 0
    resuming.join()
    server.start()
    results = server.client("operator").fetch_results(name).results
    assert [type(result) for result in results] == [Result] * 3


def test_what_a_stopped_server_cannot_answer_fails_by_name(start: Start, trial: Trial) -> None:
    server = start(shutdown_seconds=0.2)
    name = trial.open(server)
    server.pause()
    server.client("camera").post_probe(name, trial.probe())
    assert server.stop() == 0
    server.start()
    (result,) = server.client("operator").fetch_results(name).results
    assert isinstance(result, FailedResult)
    assert result.problem == ServerUnavailable.problem.urn


def test_nobody_who_waits_for_results_holds_up_the_end(start: Start, trial: Trial) -> None:
    server = start()
    name = trial.open(server, enrolled=False)
    answers: list[int] = []
    operator = server.client("operator")
    waiting = threading.Thread(
        target=lambda: answers.append(len(operator.fetch_results(name, wait=15).results))
    )
    waiting.start()
    time.sleep(0.3)
    started = time.monotonic()
    assert server.stop() == 0
    waiting.join()
    assert time.monotonic() - started < 5
    assert answers == [0]


def test_results_expire(start: Start, trial: Trial) -> None:
    server = start(result_hours=1.5 / 3600)
    name = trial.open(server)
    server.client("camera").post_probe(name, trial.probe())
    assert len(server.results(name, 1).results) == 1
    time.sleep(2)
    assert server.client("operator").fetch_results(name).results == ()
    with sqlite3.connect(f"file:{server.store}/blindwatch.sqlite3?mode=ro", uri=True) as database:
        assert database.execute("SELECT count(*) FROM results").fetchone() == (0,)
    database.close()


def test_a_store_has_one_server_at_a_time(start: Start, trial: Trial) -> None:
    server = start()
    trial.open(server, enrolled=False)
    second = subprocess.run(server.command("run"), capture_output=True, text=True, timeout=20)
    assert second.returncode == 1
    assert "Another server has this store open" in second.stderr
    server.stop()
    # Nor does one take it over that was not told to allow what is in it.
    assert "INSECURE-PRESETS-ALLOWED" in server.log
    third = subprocess.run(server.command("run"), capture_output=True, text=True, timeout=20)
    assert third.returncode == 1
    assert "encrypts nothing" in third.stderr


def test_a_blob_that_changed_on_disk_is_noticed(start: Start, trial: Trial) -> None:
    server = start()
    name = trial.open(server)
    server.stop()
    blob = server.store / "blobs" / name / trial.rows[0][0]
    data = bytearray(blob.read_bytes())
    data[1000] ^= 1
    blob.write_bytes(data)
    server.start()
    assert "watchlist-refused" in server.log
    server.client("camera").post_probe(name, trial.probe())
    (result,) = server.results(name, 1).results
    assert isinstance(result, FailedResult)
