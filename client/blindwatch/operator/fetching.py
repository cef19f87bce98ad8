"""Fetching: every result, oldest first, opened or not, and acknowledged in the same way whatever it holds.

The server must not learn from the operator which probes matched, so nothing here depends on what was read.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from sys import maxsize

from blindwatch.errors import (
    CipherError,
    ConfigurationError,
    DeploymentNotReady,
    OtherWatchlist,
    Problem,
    WrongKey,
)
from blindwatch.operator.reading import Match, Reader
from blindwatch.operator.removals import Removals
from blindwatch.policy.profile import profile
from blindwatch.statements import trust
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.package import OperatorPackage
from blindwatch.statements.predicates import DeploymentManifest, Watchlist
from blindwatch.statements.register import Register
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


def check_deployment(
    client: ServerClient, deployment: str, package: OperatorPackage, register: Register
) -> DeploymentManifest:
    """The approved manifest of a deployment; refused if the package is not the one of its list.

    Its results would open to noise, or to other entries, and would be gone.
    """
    info = client.get_deployment(deployment)
    if info.key_id != package.key_id:
        raise WrongKey(
            "The deployment has another key than the operator.", "Check the name of the deployment."
        )
    if not info.ready:
        raise DeploymentNotReady(hint="Wait until the custodian has uploaded the watchlist.")
    manifest, listed = _approved(client, deployment, register)
    made_for = (package.digest, package.key_id, package.model_digest, package.thresholds)
    approved = (listed.package_digest, manifest.key_id, manifest.model_digest, manifest.thresholds)
    if approved != made_for or manifest.deployment != deployment:
        raise ConfigurationError(
            "The deployment has another watchlist than the operator's package.",
            "Use the operator.json that was written when this watchlist was enrolled.",
        )
    return manifest


def _approved(
    client: ServerClient, deployment: str, register: Register
) -> tuple[DeploymentManifest, Watchlist]:
    """The manifest and the list that the server has in force, once they hold by the operator's own register."""
    approved = Envelope.from_json(client.get_manifest(deployment))
    chosen = profile(DeploymentManifest.read(approved).profile.name)
    manifest = trust.check_deployment(approved, register, chosen)
    listed = Envelope.from_json(client.get_watchlist(deployment))
    return manifest, trust.check_watchlist(listed, register, chosen, manifest)


def readings(
    client: ServerClient,
    deployment: str,
    reader: Reader,
    removals: Removals,
    wait: float,
    count: int | None = None,
) -> Iterator[Reading]:
    """Every result as it comes, at most `count`, until there is none for `wait` seconds.

    A result is acknowledged once the caller has it and asks for more, so that none is lost on the way.
    """
    left = maxsize if count is None else count
    while left and (results := client.fetch_results(deployment, wait).results):
        removals.refresh()
        for result in results[:left]:
            yield read(result, reader, removals)
            client.acknowledge(deployment, result.probe_id)
            left -= 1


def read(result: Result | FailedResult, reader: Reader, removals: Removals | None = None) -> Reading:
    """Open one result. One that cannot be read is reported as such, so that it is not taken for a non-match.

    Entries that were removed are never among the matches, and a result of another list than the approved one is not
    opened: its entries have other numbers.
    """
    started = time.perf_counter()
    matches: list[Match] = []
    problem, server_ms, size = None, 0, 0
    if isinstance(result, FailedResult):
        problem = Problem.from_urn(result.problem)
    else:
        server_ms = result.elapsed_ms
        size = sum(len(each.indicator) + len(each.score) for each in result.releases)
        try:
            matches, ignored = _opened(result, reader, removals)
            problem = Problem.REMOVAL_IGNORED if ignored else None
        except (CipherError, OtherWatchlist) as error:
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


def _opened(result: Result, reader: Reader, removals: Removals | None) -> tuple[list[Match], bool]:
    """The matches of a result, and whether the server ignored a removal; raises CipherError or OtherWatchlist."""
    if removals is None:
        return reader.matches(result.releases), False
    if result.watchlist != removals.watchlist:
        raise OtherWatchlist
    return removals.sort_out(reader.matches(result.releases), result.tombstone)
