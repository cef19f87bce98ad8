"""Removals from a list that is in use: at once, for good, and whatever else the server is doing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from blindwatch.errors import BlindwatchError, MalformedMessage, NotAuthorised, StatementMismatch
from blindwatch.statements.dsse import Envelope

from ..serving import FORCE, eventually
from .acts import CUSTODIAN, answer, matches, opened, tombstone

if TYPE_CHECKING:
    from tests.serving import ServerProcess, Trial

    Start = Callable[..., ServerProcess]

AT_ONCE = 2.0
"""Seconds."""


def test_a_removal_takes_effect_within_two_seconds(start: Start, trial: Trial) -> None:
    server = start(workers=2)
    name = trial.open(server)
    custodian, taken = server.client("custodian"), []
    for sequence, removed in enumerate(([3], [3, 4], [3, 4, 5]), 1):
        began = time.monotonic()
        custodian.put_tombstone(
            name, sequence, tombstone(server, name, *removed, sequence=sequence).to_json()
        )
        assert matches(server, trial, name, removed[-1]) == (sequence, [])
        taken.append(time.monotonic() - began)
    # Other work on the machine may hold up one of them.
    assert min(taken) < AT_ONCE


def test_a_removed_entry_matches_no_more_and_does_not_come_back(start: Start, trial: Trial) -> None:
    server = start(workers=2)
    name = trial.open(server)
    assert matches(server, trial, name, 3) == (0, [3])
    custodian = server.client("custodian")
    first = tombstone(server, name, 3)
    custodian.put_tombstone(name, 1, first.to_json())
    assert matches(server, trial, name, 3) == (1, [])
    assert matches(server, trial, name, 4) == (1, [4])
    assert Envelope.from_json(custodian.get_tombstone(name) or b"") == first
    assert custodian.get_deployment(name).tombstone == 1
    server.kill()
    server.start()
    assert matches(server, trial, name, 3) == (1, [])
    custodian = server.client("custodian")
    for again in (tombstone(server, name, 4, sequence=2), tombstone(server, name, 3, 4, sequence=1)):
        with pytest.raises(StatementMismatch):
            custodian.put_tombstone(name, 2, again.to_json())
    custodian.put_tombstone(name, 2, tombstone(server, name, 3, 4, sequence=2).to_json())
    assert matches(server, trial, name, 4) == (2, [])


def test_a_probe_that_is_being_compared_is_compared_again(start: Start, trial: Trial) -> None:
    """What was taken before a removal and answered after it releases nothing for the removed entry either."""
    server = start()
    name = trial.open(server)
    server.pause()
    server.client("camera").post_probe(name, trial.probe(3))
    server.client("custodian").put_tombstone(name, 1, tombstone(server, name, 3).to_json())
    server.resume()
    result = answer(server, name)
    assert (result.tombstone, opened(trial, result)) == (1, [])


def test_a_removal_does_not_wait_for_a_list_to_be_loaded(start: Start, trial: Trial) -> None:
    server = start()
    listed = trial.watchlist(name := trial.open(server))
    custodian = server.client("custodian")
    first = trial.offer(name, listed=listed, version=2, change_reason="The list of the tests that follow")
    custodian.put_deployment(name, first)
    custodian.activate(name)
    lower = trial.offer(name, listed=listed, version=3, change_reason="Another place", place="Elsewhere")
    custodian.put_deployment(name, lower)
    server.pause()
    with server.cut_off(f"/v1/deployments/{name}/activation", b"", CUSTODIAN):
        time.sleep(0.3)
        # Whoever waited for the workers, which stand still, would not come back from this.
        custodian.put_tombstone(name, 1, tombstone(server, name, 3).to_json())
        assert custodian.get_deployment(name).version == 2
        server.resume()
        eventually(lambda: custodian.get_deployment(name).version == 3)
    assert matches(server, trial, name, 3) == (1, [])


def test_removals_are_of_one_list_and_results_name_theirs(server: ServerProcess, trial: Trial) -> None:
    name = trial.open(server)
    custodian = server.client("custodian")
    custodian.put_tombstone(name, 1, tombstone(server, name, 3).to_json())
    server.client("camera").post_probe(name, trial.probe(3))
    assert answer(server, name).watchlist == custodian.get_deployment(name).watchlist_digest
    other = trial.watchlist(name, package_digest="11" * 32)
    custodian.put_deployment(name, trial.offer(name, listed=other, version=2, change_reason="Another list"))
    custodian.activate(name)
    info = custodian.get_deployment(name)
    assert (info.watchlist_digest, info.tombstone) == (other.envelope().digest, 0)
    server.client("camera").post_probe(name, trial.probe(3))
    result = answer(server, name)
    assert (result.watchlist, result.tombstone, opened(trial, result)) == (info.watchlist_digest, 0, [3])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda envelope: Envelope(envelope.payload), NotAuthorised),
        (lambda envelope: FORCE.sign(Envelope(envelope.payload), "d.silva", "e.novak"), NotAuthorised),
        (lambda envelope: Envelope(envelope.payload + b" ", envelope.signatures), NotAuthorised),
        (lambda envelope: Envelope(b"{}", envelope.signatures), MalformedMessage),
    ],
)
def test_removals_that_do_not_hold(
    server: ServerProcess,
    trial: Trial,
    change: Callable[[Envelope], Envelope],
    expected: type[BlindwatchError],
) -> None:
    name = trial.open(server)
    changed = change(tombstone(server, name, 3))
    with pytest.raises(expected):
        server.client("custodian").put_tombstone(name, 1, changed.to_json())
    with pytest.raises(StatementMismatch, match="number"):
        server.client("custodian").put_tombstone(name, 2, tombstone(server, name, 3).to_json())
    assert server.client("operator").get_tombstone(name) is None
