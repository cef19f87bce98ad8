"""A deployment that began before an authority outside the force had allowed it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from blindwatch.errors import DeploymentClosed, NotAuthorised, PolicyViolation, StatementMismatch
from blindwatch.policy.profile import profile
from blindwatch.statements import trust
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Authorisation, Window
from blindwatch.store.database import IDENTITY, Store
from blindwatch.store.deployments import Terms
from blindwatch.wire.messages import now

from ..people import Force, a_manifest, a_watchlist, documents, stamp
from ..serving import FORCE
from .test_closing import desk
from .test_ledger import kinds

if TYPE_CHECKING:
    from tests.serving import ServerProcess, Trial

    Start = Callable[..., ServerProcess]

URGENT = Force("eu-rt-rbi", same_as=FORCE)
LATE = profile("eu-rt-rbi").urgency
# Of a category that needs no second approval.
CATEGORY = next(each.name for each in URGENT.profile.categories if not each.sensitive)
LISTED = a_watchlist(URGENT, by_category={CATEGORY: 10})
STATEMENT = URGENT.watchlist(LISTED)


def without(document: str) -> tuple[object, ...]:
    held = documents(URGENT, datetime.now(UTC) + timedelta(days=1))
    return tuple(each for each in held if each.kind != document)


def terms(**changes: object) -> Terms:
    assert LATE is not None
    manifest = a_manifest(URGENT, LISTED, STATEMENT, documents=without(LATE.document), **changes)
    return Terms(URGENT.manifest(manifest), STATEMENT, accepted=0)


def decision(manifest: Envelope, what: str, name: str, signer: str = "d.silva") -> Envelope:
    made = Authorisation(
        deployment=name,
        manifest_digest=manifest.digest,
        decision=what,  # type: ignore[arg-type]
        authority="The court of the district",
        reference="7 Gs 17/26",
        decided_at=now(),
    )
    return FORCE.sign(made.envelope(), signer)


def test_only_an_urgent_beginning_may_lack_the_document_and_only_where_the_profile_has_it() -> None:
    rules = profile("eu-rt-rbi")
    trust.check_policy(terms(urgent=True).manifest, rules)
    with pytest.raises(PolicyViolation, match="judicial-authorisation"):
        trust.check_policy(terms().manifest, rules)
    listed = a_watchlist(FORCE)
    urgent = a_manifest(FORCE, listed, FORCE.watchlist(listed), urgent=True)
    with pytest.raises(PolicyViolation, match="urgent"):
        trust.check_policy(urgent, FORCE.profile)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    folder = tmp_path / "store"
    Store.create(folder, FORCE.log)
    FORCE.write_identity("server-1", folder / IDENTITY)
    return Store.open(folder)


@pytest.mark.parametrize(
    ("asked", "seconds", "closed"), [(False, -1, False), (False, 0, True), (True, 0, False)]
)
def test_it_ends_by_itself_if_nobody_asks_in_time(
    store: Store, asked: bool, seconds: int, closed: bool
) -> None:
    """The window is longer than the time to ask, so that it is this that ends it."""
    assert LATE is not None
    start = datetime.now(UTC).replace(microsecond=0)
    window = Window(not_before=stamp(start), not_after=stamp(start + timedelta(hours=48)))
    held = terms(urgent=True, window=window)
    with store:
        store.deployments.add(LISTED.deployment, b"s" * 32, held)
        if asked:
            statement = decision(held.manifest_statement, "requested", LISTED.deployment)
            store.deployments.authorise(LISTED.deployment, statement)
        asyncio.run(desk(store).close_due(start + timedelta(hours=LATE.hours, seconds=seconds)))
        assert bool(store.closures.all()) is closed


def test_a_refusal_ends_it_and_destroys_everything(start: Start, trial: Trial) -> None:
    server = start()
    name = trial.open(server)
    server.client("camera").post_probe(name, trial.probe())
    server.results(name, 1)
    custodian = server.client("custodian")
    manifest = Envelope.from_json(custodian.get_manifest(name))
    with pytest.raises(NotAuthorised):
        custodian.put_authorisation(name, decision(manifest, "refused", name, signer="a.khan").to_json())
    with pytest.raises(StatementMismatch):
        custodian.put_authorisation(name, decision(Envelope(b"{}"), "refused", name).to_json())
    custodian.put_authorisation(name, decision(manifest, "requested", name).to_json())
    custodian.put_authorisation(name, decision(manifest, "refused", name).to_json())
    with pytest.raises(DeploymentClosed):
        server.client("operator").fetch_results(name)
    assert custodian.get_receipt(name)
    assert not (server.store / "blobs" / name).exists()
    assert kinds(server, name)[-5:] == [
        "authorisation-recorded",
        "authorisation-recorded",
        "deployment-closed",
        "result-deleted",
        "deployment-destroyed",
    ]
