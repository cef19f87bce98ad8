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
    CosignatureMissing,
    DeploymentNotReady,
    LogError,
    OtherWatchlist,
    Problem,
    WrongKey,
)
from blindwatch.operator.reading import Match, Reader
from blindwatch.operator.removals import Removals
from blindwatch.policy.profile import profile
from blindwatch.records import replaying
from blindwatch.records.gating import Gate
from blindwatch.statements import trust
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.package import OperatorPackage
from blindwatch.statements.predicates import DeploymentManifest, Watchlist
from blindwatch.statements.register import Register
from blindwatch.wire.client import ServerClient
from blindwatch.wire.messages import FailedResult, Logged, Result, ResultBatch

_NAP_SECONDS = 1.0


@dataclass(frozen=True)
class Reading:
    """One result as the operator read it. Times are in milliseconds, the size in bytes."""

    probe_id: str
    digest: str
    """What the log names the result by."""
    camera: str
    captured_at: str
    matches: tuple[Match, ...]
    problem: Problem | None
    server_ms: int
    decrypt_ms: float
    size: int


@dataclass(frozen=True)
class Approved:
    """An approved manifest, the record that the server has accepted it, and what that makes of results."""

    manifest: DeploymentManifest
    envelope: Envelope
    """The one that the manifest came in, signed."""
    accepted: Logged
    gate: Gate


def check_deployment(
    client: ServerClient, deployment: str, package: OperatorPackage, register: Register
) -> Approved:
    """The approved manifest of a deployment; refused if the package is not the one of its list.

    Its results would open to noise, or to other entries, and would be gone. Raises LogError if the server's log does
    not have, before its witnesses, that it has accepted this manifest.
    """
    info = client.get_deployment(deployment)
    if info.key_id != package.key_id:
        raise WrongKey(
            "The deployment has another key than the operator.", "Check the name of the deployment."
        )
    if not info.ready:
        raise DeploymentNotReady(hint="Wait until the custodian has uploaded the watchlist.")
    manifest, envelope, listed = _approved(client, deployment, register)
    made_for = (package.digest, package.key_id, package.model_digest, package.thresholds)
    approved = (listed.package_digest, manifest.key_id, manifest.model_digest, manifest.thresholds)
    if approved != made_for or manifest.deployment != deployment:
        raise ConfigurationError(
            "The deployment has another watchlist than the operator's package.",
            "Use the operator.json that was written when this watchlist was enrolled.",
        )
    accepted = client.get_accepted(deployment)
    return Approved(manifest, envelope, accepted, Gate(accepted, envelope.digest, manifest))


def _approved(
    client: ServerClient, deployment: str, register: Register
) -> tuple[DeploymentManifest, Envelope, Watchlist]:
    """The manifest in force with its envelope, and the list, once they hold by the operator's own register."""
    approved = Envelope.from_json(client.get_manifest(deployment))
    chosen = profile(DeploymentManifest.read(approved).profile.name)
    manifest = trust.check_deployment(approved, register, chosen)
    listed = Envelope.from_json(client.get_watchlist(deployment))
    return manifest, approved, trust.check_watchlist(listed, register, chosen, manifest)


def readings(
    client: ServerClient,
    deployment: str,
    reader: Reader,
    removals: Removals,
    gate: Gate,
    wait: float,
    count: int | None = None,
) -> Iterator[Reading]:
    """Every result as it comes, at most `count`, until there is none for `wait` seconds.

    A result is acknowledged once the caller has it and asks for more, so that none is lost on the way. One that the
    server's log does not prove is acknowledged as well, and is not opened.
    """
    left = maxsize if count is None else count
    while left and (batch := _fetched(client, deployment, wait)).results:
        removals.refresh()
        for result, logged in list(zip(batch.results, batch.logged, strict=True))[:left]:
            yield read(result, reader, removals, unproven(gate, result, logged))
            client.acknowledge(deployment, result.probe_id)
            left -= 1


def _fetched(client: ServerClient, deployment: str, wait: float) -> ResultBatch:
    """The oldest results; witnesses that do not answer the server are waited for as long as results are."""
    deadline = time.monotonic() + wait
    while True:
        try:
            return client.fetch_results(deployment, wait)
        except CosignatureMissing:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_NAP_SECONDS)


def unproven(gate: Gate, result: Result | FailedResult, logged: Logged) -> Problem | None:
    """What is wrong with the proof that the server's log has a result; nothing if it holds."""
    try:
        gate.check(result, logged)
    except LogError as error:
        return error.problem
    return None


def read(
    result: Result | FailedResult,
    reader: Reader,
    removals: Removals | None = None,
    doubt: Problem | None = None,
) -> Reading:
    """Open one result. One that cannot be read is reported as such, so that it is not taken for a non-match.

    Entries that were removed are never among the matches, and a result of another list than the approved one is not
    opened: its entries have other numbers. Nor is one whose proof is in `doubt`: what is wrong with it is reported.
    """
    started = time.perf_counter()
    matches: list[Match] = []
    problem, server_ms, size = doubt, 0, 0
    if isinstance(result, FailedResult):
        problem = problem or Problem.from_urn(result.problem)
    else:
        server_ms = result.elapsed_ms
        size = result.size
    if problem is None and isinstance(result, Result):
        try:
            matches, ignored = _opened(result, reader, removals)
            problem = Problem.REMOVAL_IGNORED if ignored else None
        except (CipherError, OtherWatchlist) as error:
            problem = error.problem
    elapsed = (time.perf_counter() - started) * 1000
    return Reading(
        result.probe_id,
        replaying.digest(result),
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
