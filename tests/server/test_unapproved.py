"""Statements that do not hold, case by case over the socket: each is refused by its name, and nothing changes."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from blindwatch.errors import (
    BlindwatchError,
    MalformedMessage,
    NotAuthorised,
    OutsideWindow,
    PolicyViolation,
    StatementMismatch,
    UnknownDeployment,
)
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import DeploymentManifest, ProfileRef, Thresholds, Window
from blindwatch.wire.messages import DeploymentOffer

from ..people import Force, a_manifest, stamp
from ..serving import FORCE

if TYPE_CHECKING:
    from tests.serving import ServerProcess, Trial

STRANGERS = Force()
"""People of the same names and roles, whom this server does not know."""
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class World:
    """What a custodian might offer under one name."""

    trial: Trial
    name: str

    def offer(self, **changes: Any) -> DeploymentOffer:
        """An approved offer; the changes are made before people sign."""
        return self.trial.offer(self.name, **changes)

    def window(self, start: timedelta, length: timedelta) -> Window:
        begins = datetime.now(UTC) + start
        return Window(not_before=stamp(begins), not_after=stamp(begins + length))

    def signed_by(self, force: Force) -> DeploymentOffer:
        """The same offer with everybody's signatures from another force."""
        listed = self.trial.watchlist(self.name)
        statement = force.watchlist(listed)
        manifest = a_manifest(force, listed, statement, bundle_digest=self.trial.bundle_digest, cameras=())
        return DeploymentOffer(
            manifest=force.manifest(manifest).to_json(),
            watchlist=statement.to_json(),
            bundle=self.trial.bundle,
        )

    def altered(self, **changes: object) -> DeploymentOffer:
        """An offer whose manifest was changed after people signed it."""
        offer = self.offer()
        approved = Envelope.from_json(offer.manifest)
        changed = DeploymentManifest.read(approved).model_copy(update=changes).envelope()
        forged = Envelope(changed.payload, approved.signatures)
        return offer.model_copy(update={"manifest": forged.to_json()})

    def drawn_up_by(self, creator: str, *signers: str) -> DeploymentOffer:
        """An offer that these people signed, and nobody else."""
        offer = self.offer(creator=creator)
        bare = Envelope(Envelope.from_json(offer.manifest).payload)
        return offer.model_copy(update={"manifest": FORCE.sign(bare, *signers).to_json()})

    def unsigned_list(self) -> DeploymentOffer:
        offer = self.offer()
        bare = Envelope(Envelope.from_json(offer.watchlist).payload)
        return offer.model_copy(update={"watchlist": bare.to_json()})

    def swapped(self) -> DeploymentOffer:
        """The list in the place of the manifest."""
        offer = self.offer()
        return offer.model_copy(update={"manifest": offer.watchlist})


def _longer(world: World) -> DeploymentOffer:
    return world.altered(window=world.window(-HOUR, 3 * HOUR))


def _more_people(world: World) -> DeploymentOffer:
    offer = Envelope.from_json(world.offer().manifest)
    held = DeploymentManifest.read(offer).watchlist
    more = {"entries": held.entries + 1, "by_category": {FORCE.category: held.entries + 1}}
    return world.altered(watchlist=held.model_copy(update=more))


CASES: dict[str, tuple[Callable[[World], DeploymentOffer], type[BlindwatchError]]] = {
    "nobody signed": (lambda world: world.drawn_up_by("a.khan"), NotAuthorised),
    "no officer": (lambda world: world.drawn_up_by("a.khan", "a.khan", "b.osei"), NotAuthorised),
    "an officer approves what he drew up": (
        lambda world: world.drawn_up_by("d.silva", "d.silva"),
        NotAuthorised,
    ),
    "an officer drew it up and another approves": (
        lambda world: world.drawn_up_by("d.silva", "d.silva", "f.lund"),
        NotAuthorised,
    ),
    "another custodian than the creator signed": (
        lambda world: world.drawn_up_by("a.khan", "b.osei", "d.silva"),
        NotAuthorised,
    ),
    "an operator draws it up": (
        lambda world: world.drawn_up_by("e.novak", "e.novak", "d.silva"),
        NotAuthorised,
    ),
    "people of another register": (lambda world: world.signed_by(STRANGERS), NotAuthorised),
    "a longer window after approval": (_longer, NotAuthorised),
    "more people after approval": (_more_people, NotAuthorised),
    "another camera after approval": (lambda world: world.altered(cameras=()), NotAuthorised),
    "a lower threshold after approval": (
        lambda world: world.altered(thresholds=Thresholds(similarity=0.7, gate=130, fine=20_000)),
        NotAuthorised,
    ),
    "another purpose after approval": (lambda world: world.altered(purpose="Something else"), NotAuthorised),
    "a list that nobody signed": (lambda world: world.unsigned_list(), NotAuthorised),
    "a list in the place of the manifest": (lambda world: world.swapped(), StatementMismatch),
    "a model that the list was not made with": (
        lambda world: world.offer(model_digest="cd" * 32),
        StatementMismatch,
    ),
    "a key that the list was not made for": (lambda world: world.offer(key_id="cd" * 32), StatementMismatch),
    "a window that is over": (
        lambda world: world.offer(window=world.window(-2 * HOUR, HOUR)),
        OutsideWindow,
    ),
    "a window of a month": (
        lambda world: world.offer(window=world.window(-HOUR, 24 * 31 * HOUR)),
        PolicyViolation,
    ),
    "another text of the profile": (
        lambda world: world.offer(profile=ProfileRef(name="demo", version=1, digest="00" * 32)),
        PolicyViolation,
    ),
    "another use than the profile's": (lambda world: world.offer(use="ranked"), PolicyViolation),
}


@pytest.fixture
def world(trial: Trial) -> World:
    return World(trial, f"world-{secrets.token_hex(4)}")


@pytest.mark.parametrize("case", CASES)
def test_an_offer_that_does_not_hold(server: ServerProcess, world: World, case: str) -> None:
    make, expected = CASES[case]
    custodian = server.client("custodian")
    with pytest.raises(BlindwatchError) as caught:
        custodian.put_deployment(world.name, make(world))
    assert type(caught.value) is expected
    assert caught.value.detail
    with pytest.raises(UnknownDeployment):
        custodian.get_deployment(world.name)


@pytest.mark.parametrize("case", CASES)
def test_a_new_version_that_does_not_hold(server: ServerProcess, trial: Trial, case: str) -> None:
    """The one in force stays in force, whatever is offered in its place."""
    name = trial.open(server)
    custodian = server.client("custodian")
    before, manifest = custodian.get_deployment(name), custodian.get_manifest(name)
    with pytest.raises(BlindwatchError) as caught:
        custodian.put_deployment(name, CASES[case][0](World(trial, name)))
    assert type(caught.value) is CASES[case][1]
    custodian.activate(name)
    assert (custodian.get_deployment(name), custodian.get_manifest(name)) == (before, manifest)


@pytest.mark.parametrize("which", ["manifest", "watchlist"])
def test_any_byte_of_an_envelope_counts(server: ServerProcess, world: World, which: str) -> None:
    """One character of its payload or of a signature is another one: never is it the same statement."""
    offer = world.offer()
    envelope = getattr(offer, which)
    fields = json.loads(envelope)
    texts = [fields["payload"], *(each["sig"] for each in fields["signatures"])]
    custodian = server.client("custodian")
    for text in texts:
        start = envelope.index(text.encode())
        for position in (start, start + len(text) // 2, start + len(text) - 8):
            changed = bytearray(envelope)
            changed[position] = ord("A") if changed[position] != ord("A") else ord("B")
            with pytest.raises((NotAuthorised, StatementMismatch, MalformedMessage)):
                custodian.put_deployment(world.name, offer.model_copy(update={which: bytes(changed)}))
    assert custodian.put_deployment(world.name, offer).version == 1


def test_an_older_version_does_not_come_back(server: ServerProcess, trial: Trial) -> None:
    name = trial.open(server)
    world = World(trial, name)
    custodian = server.client("custodian")
    listed = trial.watchlist(name)
    first, second, third = (
        world.offer(listed=listed, version=version, change_reason=reason).model_copy(update={"bundle": None})
        for version, reason in ((1, None), (2, "Another place"), (3, "Another time"))
    )
    custodian.put_deployment(name, third)
    custodian.activate(name)
    for older in (first, second):
        with pytest.raises(StatementMismatch, match="not newer"):
            custodian.put_deployment(name, older)
    custodian.activate(name)
    assert custodian.get_deployment(name).version == 3
    assert (custodian.get_manifest(name), custodian.get_watchlist(name)) == (third.manifest, third.watchlist)
