"""Counts in the form of OpenMetrics, at a port of this machine: of a duty, never of a face.

They change once a minute, so that whoever asks often does not learn when somebody passed, and of alerts there is
nothing before their outcome.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from blindwatch.errors import ConfigurationError
from blindwatch.integrations.counts import Counts
from blindwatch.integrations.outbox import Outbox

_LOOPBACK = "127.0.0.1"


class DutyCollector(Collector):
    """Gives the counts of the last whole minute."""

    def __init__(
        self, deployment: str, counts: Callable[[], Counts], outbox: Outbox, clock: Callable[[], datetime]
    ) -> None:
        self._deployment = deployment
        self._read = counts
        self._outbox = outbox
        self._clock = clock
        self._minute: datetime | None = None
        self._counts, self._fates = Counts(), Counter[tuple[str, str]]()

    def collect(self) -> Iterator[Metric]:
        """The families, in the order of their names."""
        minute = self._clock().replace(second=0, microsecond=0)
        if minute != self._minute:
            self._minute, self._counts, self._fates = minute, self._read(), self._deliveries()
        yield from self._of_the_duty()
        sent = CounterMetricFamily("blindwatch_events", "Events for others.", labels=["destination", "fate"])
        for labels, count in sorted(self._fates.items()):
            sent.add_metric(labels, count)
        yield sent

    def _of_the_duty(self) -> Iterator[Metric]:
        found, here = self._counts, [self._deployment]
        outcomes = CounterMetricFamily(
            "blindwatch_alert_outcomes", "Alerts by their outcome.", labels=["deployment", "outcome"]
        )
        for outcome, count in sorted(found.outcomes.items()):
            outcomes.add_metric([*here, outcome], count)
        yield outcomes
        for name, text, value in (
            ("results", "Results that were read, one for each face that passed a camera.", found.results),
            ("result_failures", "Results that could not be read or were not proven.", found.failures),
        ):
            counter = CounterMetricFamily(f"blindwatch_{name}", text, labels=["deployment"])
            counter.add_metric(here, value)
            yield counter
        for name, text, value in (
            ("cameras_offline", "Cameras of which nothing was heard for too long.", found.cameras_offline),
            ("key_held", "Whether the key is in memory.", int(found.key_is_held)),
            ("server_answers", "Whether the match server answers.", int(found.server_answers)),
        ):
            gauge = GaugeMetricFamily(f"blindwatch_{name}", text, labels=["deployment"])
            gauge.add_metric(here, value)
            yield gauge

    def _deliveries(self) -> Counter[tuple[str, str]]:
        found = Counter[tuple[str, str]]()
        for courier in self._outbox.couriers:
            for fate, count in courier.fates.items():
                found[courier.destination.name, fate] += count
        return found


@contextmanager
def serving(port: int, collector: DutyCollector) -> Iterator[int]:
    """Answer at a port of loopback, a free one if it is 0, for as long as it is needed; raises ConfigurationError."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    try:
        server, thread = start_http_server(port, _LOOPBACK, registry)
    except OSError as error:
        raise ConfigurationError(
            f"Counts cannot be served at this port ({error.strerror}).", "Choose another metrics_port."
        ) from None
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
