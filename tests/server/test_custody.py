"""What the server asks of statements, over the socket: approval, versions, removals, windows and the end."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from blindwatch.errors import (
    BlindwatchError,
    DeploymentClosed,
    MalformedMessage,
    NotAuthorised,
    NotFound,
    OutsideWindow,
    PolicyViolation,
    StatementMismatch,
)
from blindwatch.operator.reading import Reader
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import (
    Closing,
    DeploymentManifest,
    Receipt,
    Revocation,
    Tombstone,
    Window,
)
from blindwatch.statements.register import PersonRole
from blindwatch.wire.messages import DeploymentOffer, Result, now

from ..people import stamp
from ..serving import FORCE, TOKENS

if TYPE_CHECKING:
    from tests.serving import ServerProcess, Trial

    Start = Callable[..., ServerProcess]


def fresh() -> str:
    return f"trial-{secrets.token_hex(4)}"


def resigned(offer: DeploymentOffer, *signers: str) -> DeploymentOffer:
    """The same manifest with other signatures."""
    bare = Envelope(Envelope.from_json(offer.manifest).payload)
    return offer.model_copy(update={"manifest": FORCE.sign(bare, *signers).to_json()})


@pytest.mark.parametrize(
    "signers", [(), ("a.khan",), ("d.silva",), ("a.khan", "b.osei"), ("a.khan", "e.novak")]
)
def test_nothing_opens_without_approval(
    server: ServerProcess, trial: Trial, signers: tuple[str, ...]
) -> None:
    name = fresh()
    with pytest.raises(NotAuthorised):
        server.client("custodian").put_deployment(name, resigned(trial.offer(name), *signers))


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


@pytest.mark.parametrize("which", ["manifest", "watchlist"])
def test_a_byte_changed_on_the_way(server: ServerProcess, trial: Trial, which: str) -> None:
    name = fresh()
    offer = trial.offer(name)
    envelope = Envelope.from_json(getattr(offer, which))
    payload = bytearray(envelope.payload)
    payload[payload.index(b"trial-")] ^= 1
    changed = Envelope(bytes(payload), envelope.signatures).to_json()
    with pytest.raises((NotAuthorised, StatementMismatch)):
        server.client("custodian").put_deployment(name, offer.model_copy(update={which: changed}))


def test_an_expired_manifest_opens_nothing(server: ServerProcess, trial: Trial) -> None:
    past = datetime.now(UTC) - timedelta(seconds=2)
    window = Window(not_before=stamp(past - timedelta(hours=1)), not_after=stamp(past))
    name = fresh()
    with pytest.raises(OutsideWindow):
        server.client("custodian").put_deployment(name, trial.offer(name, window=window))


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
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3)
    window = Window(not_before=stamp(start), not_after=stamp(start + timedelta(seconds=3)))
    custodian, camera = server.client("custodian"), server.client("camera")
    custodian.put_deployment(name, trial.offer(name, window=window))
    trial.enrol(custodian, name)
    with pytest.raises(OutsideWindow, match="not begun"):
        camera.post_probe(name, trial.probe())
    _sleep_until(start)
    camera.post_probe(name, trial.probe())
    _sleep_until(start + timedelta(seconds=3))
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
    server: ServerProcess, trial: Trial, changes: dict[str, object], expected: type[BlindwatchError]
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


def tombstone(server: ServerProcess, name: str, *removed: int, sequence: int = 1) -> Envelope:
    made = Tombstone(
        deployment=name,
        watchlist_digest=server.client("custodian").get_deployment(name).watchlist_digest,
        sequence=sequence,
        removed=removed,
        reason="Found",
        issued_at=now(),
    )
    return FORCE.sign(made.envelope(), "b.osei")


def matches(server: ServerProcess, trial: Trial, name: str, index: int) -> tuple[int, list[int]]:
    """Which entries a probe of one of the listed opens, and which removal the result was computed with."""
    probe = trial.probe(index)
    server.client("camera").post_probe(name, probe)
    operator = server.client("operator")
    (result,) = operator.fetch_results(name, wait=20).results
    assert isinstance(result, Result)
    operator.acknowledge(name, probe.probe_id)
    reader = Reader(trial.keys.secret, 160 * trial.gate, len(trial.templates))
    return result.tombstone, [match.entry for match in reader.matches(result.releases)]


def test_a_removed_entry_matches_no_more_and_does_not_come_back(start: Start, trial: Trial) -> None:
    server = start(workers=2)
    name = trial.open(server)
    assert matches(server, trial, name, 3) == (0, [3])
    custodian = server.client("custodian")
    first = tombstone(server, name, 3)
    began = time.monotonic()
    custodian.put_tombstone(name, 1, first.to_json())
    assert matches(server, trial, name, 3) == (1, [])
    assert time.monotonic() - began < 2
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


def closing(server: ServerProcess, name: str, *signers: str) -> bytes:
    digest = server.client("custodian").get_deployment(name).manifest_digest
    made = Closing(deployment=name, manifest_digest=digest, reason="It is over", issued_at=now())
    return FORCE.sign(made.envelope(), *(signers or ("c.ruiz",))).to_json()


def check_gone(server: ServerProcess, trial: Trial, name: str, receipt: bytes) -> Receipt:
    """Nothing of the deployment is left but its receipt."""
    envelope = Envelope.from_json(receipt)
    assert FORCE.register.signers(envelope).of_role(PersonRole.SERVER) == {"server-1"}
    for call in (
        lambda: server.client("custodian").get_deployment(name),
        lambda: server.client("camera").post_probe(name, trial.probe()),
        lambda: server.client("operator").fetch_results(name),
        lambda: server.client("custodian").put_deployment(name, trial.offer(name)),
        lambda: server.client("custodian").activate(name),
    ):
        with pytest.raises(DeploymentClosed):
            call()
    assert server.client("operator").get_receipt(name) == receipt
    assert not (server.store / "blobs" / name).exists()
    assert not (server.store / "prepared" / name).exists()
    return Receipt.read(envelope)


def test_a_closed_deployment_leaves_a_receipt_and_nothing_else(start: Start, trial: Trial) -> None:
    server = start()
    name = trial.open(server)
    watchlist = server.client("custodian").get_deployment(name).watchlist_digest
    server.client("camera").post_probe(name, trial.probe())
    (result,) = server.results(name, 1).results
    assert isinstance(result, Result)
    with pytest.raises(NotFound):
        server.client("operator").get_receipt(name)
    statement = closing(server, name)
    receipt = server.client("custodian").close_deployment(name, statement)
    content = check_gone(server, trial, name, receipt)
    assert server.client("custodian").close_deployment(name, statement) == receipt
    assert content.closing_digest == Envelope.from_json(statement).digest
    destroyed = {each.what: (each.count, each.size) for each in content.destroyed}
    assert destroyed["results"] == (1, len(result.to_cbor()))
    assert destroyed["watchlist-ciphertexts"][0] == len(set(trial.rows[0]))
    server.stop()
    stored = [path for path in server.store.rglob("*") if path.is_file()]
    needles = (watchlist.encode(), trial.rows[0][0].encode(), result.releases[0].score[2000:2064])
    for path in stored:
        assert not [needle for needle in needles if needle in path.read_bytes()], path.name
    server.start()
    check_gone(server, trial, name, receipt)


@pytest.mark.parametrize("signers", [("e.novak",), ("o.ngo", "server-1")])
def test_who_may_not_close(server: ServerProcess, trial: Trial, signers: tuple[str, ...]) -> None:
    name = trial.open(server)
    with pytest.raises(NotAuthorised):
        server.client("custodian").close_deployment(name, closing(server, name, *signers))
    assert server.client("custodian").get_deployment(name).ready


@pytest.mark.parametrize("delay", [0.0, 0.01, 0.02, 0.04, 0.08])
def test_an_end_that_is_cut_short_comes_to_its_end(start: Start, trial: Trial, delay: float) -> None:
    server = start()
    name = trial.open(server)
    statement = closing(server, name)
    headers = {"Authorization": f"Bearer {TOKENS['custodian']}"}
    with server.cut_off(f"/v1/deployments/{name}/closing", statement, headers):
        time.sleep(delay)
        server.kill()
    server.start()
    # Either it had not begun, and can be asked for again, or it is finished by now.
    receipt = server.client("custodian").close_deployment(name, statement)
    check_gone(server, trial, name, receipt)
