"""Counts as a collector gets them, over a real socket."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from blindwatch.errors import ConfigurationError
from blindwatch.integrations.counts import Counts
from blindwatch.integrations.metrics import DutyCollector, serving
from blindwatch.integrations.outbox import Outbox

START = datetime(2026, 11, 28, 7, 0, 1, tzinfo=UTC)


def asked(port: int) -> dict[tuple[str, tuple[str, ...]], float]:
    """Every sample, by its name and the values of its labels."""
    answer = httpx.get(
        f"http://127.0.0.1:{port}/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"}
    )
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    parse: Any = text_string_to_metric_families  # which carries no types
    families = parse(answer.text)
    return {(each.name, tuple(each.labels.values())): each.value for one in families for each in one.samples}


def test_counts_are_those_of_the_minute_and_name_nobody() -> None:
    time, faces = START, 7

    def counts() -> Counts:
        return Counts(faces, 1, {"confirmed-true": 2}, True, True, 1)

    collector = DutyCollector("gate-4", counts, Outbox(), lambda: time)
    with serving(0, collector) as port:
        found = asked(port)
        assert found == {
            ("blindwatch_alert_outcomes_total", ("gate-4", "confirmed-true")): 2,
            ("blindwatch_results_total", ("gate-4",)): 7,
            ("blindwatch_result_failures_total", ("gate-4",)): 1,
            ("blindwatch_cameras_offline", ("gate-4",)): 1,
            ("blindwatch_key_held", ("gate-4",)): 1,
            ("blindwatch_server_answers", ("gate-4",)): 1,
        }
        faces = 8
        time += timedelta(seconds=58)
        assert asked(port) == found  # nobody learns when somebody passed
        time += timedelta(seconds=2)
        assert asked(port)["blindwatch_results_total", ("gate-4",)] == 8


def test_a_port_that_is_taken_is_refused() -> None:
    collector = DutyCollector("gate-4", Counts, Outbox(), lambda: START)
    with (
        serving(0, collector) as port,
        pytest.raises(ConfigurationError, match="port"),
        serving(port, collector),
    ):
        pass
