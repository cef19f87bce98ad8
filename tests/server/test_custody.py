"""What the server asks of statements, over the socket: approval, versions, removals, windows and the end."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from blindwatch.errors import (
    BlindwatchError,
    NotAuthorised,
    OutsideWindow,
    PolicyViolation,
    StatementMismatch,
)
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import (
    DeploymentManifest,
    Revocation,
    Window,
)
from blindwatch.wire.messages import DeploymentOffer, now

from ..people import stamp
from ..serving import FORCE

if TYPE_CHECKING:
    from tests.serving import ServerProcess, Trial

    Start = Callable[..., ServerProcess]


def fresh() -> str:
    return f"trial-{secrets.token_hex(4)}"


def resigned(offer: DeploymentOffer, *signers: str) -> DeploymentOffer:
    """The same manifest with other signatures."""
    bare = Envelope(Envelope.from_json(offer.manifest).payload)
    return offer.model_copy(update={"manifest": FORCE.sign(bare, *signers).to_json()})


def test_another_name_than_approved(server: ServerProcess, trial: Trial) -> None:
    with pytest.raises(StatementMismatch):
        server.client("custodian").put_deployment(fresh(), trial.offer(fresh()))


def test_another_list_than_approved(server: ServerProcess, trial: Trial) -> None:
    name = fresh()
    other = FORCE.watchlist(trial.watchlist(name, package_digest="11" * 32)).to_json()
    with pytest.raises(StatementMismatch):
        server.client("custodian").put_deployment(
            name, trial.offer(name).model_copy(update={"watchlist": other})
        )


def test_a_list_too_old_for_its_profile(server: ServerProcess, trial: Trial) -> None:
    start = datetime.now(UTC) - timedelta(minutes=1)
    for minutes, refused in ((24 * 60 + 1, True), (24 * 60 - 1, False)):
        name = fresh()
        window = Window(not_before=stamp(start), not_after=stamp(start + timedelta(hours=1)))
        listed = trial.watchlist(name, built_at=stamp(start - timedelta(minutes=minutes)))
        offer = trial.offer(name, listed=listed, window=window)
        if refused:
            with pytest.raises(PolicyViolation, match="24 hours old"):
                server.client("custodian").put_deployment(name, offer)
        else:
            assert not server.client("custodian").put_deployment(name, offer).ready


def test_probes_are_taken_from_the_first_second_to_the_last(server: ServerProcess, trial: Trial) -> None:
    name = fresh()
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=6)
    window = Window(not_before=stamp(start), not_after=stamp(start + timedelta(seconds=6)))
    custodian, camera = server.client("custodian"), server.client("camera")
    custodian.put_deployment(name, trial.offer(name, window=window))
    trial.enrol(custodian, name)
    with pytest.raises(OutsideWindow, match="not begun"):
        camera.post_probe(name, trial.probe())
    _sleep_until(start)
    camera.post_probe(name, trial.probe())
    _sleep_until(start + timedelta(seconds=6))
    with pytest.raises(OutsideWindow, match="has ended"):
        camera.post_probe(name, trial.probe())


def _sleep_until(at: datetime) -> None:
    time.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds()))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, StatementMismatch),
        ({"version": 2, "change_reason": "Other", "bundle_digest": "11" * 32}, StatementMismatch),
        ({"version": 2, "change_reason": "Other", "model_digest": "11" * 32}, StatementMismatch),
    ],
)
def test_what_no_version_changes(
    server: ServerProcess, trial: Trial, changes: dict[str, Any], expected: type[BlindwatchError]
) -> None:
    name = trial.open(server)
    before = server.client("custodian").get_deployment(name)
    offer = trial.offer(name, **{"purpose": "Another", **changes}).model_copy(update={"bundle": None})
    with pytest.raises(expected):
        server.client("custodian").put_deployment(name, offer)
    server.client("custodian").activate(name)
    assert server.client("custodian").get_deployment(name) == before


def test_a_threshold_changes_by_a_version_that_officers_approve(server: ServerProcess, trial: Trial) -> None:
    name = trial.open(server)
    custodian = server.client("custodian")
    thresholds = DeploymentManifest.read(
        Envelope.from_json(custodian.get_manifest(name))
    ).thresholds.model_copy(update={"gate": trial.gate + 9})
    changed = trial.offer(name, version=2, change_reason="Too many alerts", thresholds=thresholds)
    without_officers = resigned(changed, "a.khan", "b.osei", "c.ruiz", "e.novak")
    with pytest.raises(NotAuthorised):
        custodian.put_deployment(name, without_officers)
    assert (
        server.http("operator").put(f"/v1/deployments/{name}", content=changed.to_cbor()).status_code == 403
    )
    custodian.put_deployment(name, changed)
    custodian.activate(name)
    assert custodian.get_deployment(name).threshold == trial.gate + 9


def test_a_revocation_is_of_the_camera_in_its_address(server: ServerProcess, trial: Trial) -> None:
    name, key = trial.open(server), "77" * 32
    revocation = Revocation(deployment=name, camera_key=key, reason="Stolen", issued_at=now())
    signed = FORCE.sign(revocation.envelope(), "d.silva").to_json()
    custodian = server.client("custodian")
    with pytest.raises(StatementMismatch):
        custodian.put_revocation(name, "78" * 32, signed)
    with pytest.raises(NotAuthorised):
        custodian.put_revocation(name, key, revocation.envelope().to_json())
    custodian.put_revocation(name, key, signed)
    custodian.put_revocation(name, key, signed)
