"""Fetching: every result, oldest first, opened or not, and acknowledged in the same way whatever it holds.

The server must not learn from the operator which probes matched, so nothing here depends on what was read.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from sys import maxsize

from blindwatch.errors import CipherError, ConfigurationError, DeploymentNotReady, Problem, WrongKey
from blindwatch.operator.reading import Listed, Match, Reader
from blindwatch.wire.client import ServerClient
from blindwatch.wire.messages import FailedResult, Result


@dataclass(frozen=True)
class Reading:
    """One result as the operator read it. Times are in milliseconds, the size in bytes."""

    probe_id: str
    camera: str
    captured_at: str
    matches: tuple[Match, ...]
    problem: Problem | None
    server_ms: int
    decrypt_ms: float
    size: int


def check_deployment(client: ServerClient, deployment: str, listed: Listed) -> None:
    """Refuse a deployment of another key, model or number of entries.

    Its results would open to noise, or to other names, and would be gone.
    """
    info = client.get_deployment(deployment)
    if info.key_id != listed.key_id:
        raise WrongKey(
            "The deployment has another key than the operator.", "Check the name of the deployment."
        )
    if not info.ready:
        raise DeploymentNotReady(hint="Wait until the custodian has uploaded the watchlist.")
    if info.model_digest != listed.model_digest or info.entries != len(listed.names):
        raise ConfigurationError(
            "The deployment has another watchlist than the file with the names of the entries.",
            "Use the file that was written when the watchlist was enrolled.",
        )


def readings(
    client: ServerClient, deployment: str, reader: Reader, wait: float, count: int | None = None
) -> Iterator[Reading]:
    """Every result as it comes, at most `count`, until there is none for `wait` seconds.

    A result is acknowledged once the caller has it and asks for more, so that none is lost on the way.
    """
    left = maxsize if count is None else count
    while left and (results := client.fetch_results(deployment, wait).results):
        for result in results[:left]:
            yield read(result, reader)
            client.acknowledge(deployment, result.probe_id)
            left -= 1


def read(result: Result | FailedResult, reader: Reader) -> Reading:
    """Open one result. One that cannot be read is reported as such, so that it is not taken for a non-match."""
    started = time.perf_counter()
    matches: list[Match] = []
    problem, server_ms, size = None, 0, 0
    if isinstance(result, FailedResult):
        problem = Problem.from_urn(result.problem)
    else:
        server_ms = result.elapsed_ms
        size = sum(len(each.indicator) + len(each.score) for each in result.releases)
        try:
            matches = reader.matches(result.releases)
        except CipherError as error:
            problem = error.problem
    elapsed = (time.perf_counter() - started) * 1000
    return Reading(
        result.probe_id,
        result.camera,
        result.captured_at,
        tuple(matches),
        problem,
        server_ms,
        elapsed,
        size,
    )
