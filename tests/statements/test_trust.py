"""What makes statements hold, as a table of everything that must not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from blindwatch.errors import (
    BlindwatchError,
    MalformedMessage,
    NotAuthorised,
    OutsideWindow,
    PolicyViolation,
    StatementMismatch,
)
from blindwatch.policy.profile import Category
from blindwatch.statements import trust
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import (
    Closing,
    DeploymentManifest,
    ListRef,
    Prediction,
    Revocation,
    Thresholds,
    Tombstone,
    Window,
    instant,
)

from ..people import Force, a_manifest, a_watchlist, documents, stamp

FORCE = Force()
START = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
WATCHLIST = a_watchlist(FORCE, built_at=stamp(START - timedelta(hours=1)))
LISTED = FORCE.watchlist(WATCHLIST)
MANIFEST = a_manifest(
    FORCE,
    WATCHLIST,
    LISTED,
    window=Window(not_before=stamp(START), not_after=stamp(START + timedelta(hours=2))),
    documents=documents(FORCE, START + timedelta(hours=2)),
)


def _changed(**changes: object) -> DeploymentManifest:
    return DeploymentManifest.model_validate({**dict(MANIFEST), **changes})


def _check(envelope: Envelope, force: Force = FORCE) -> DeploymentManifest:
    return trust.check_deployment(envelope, FORCE.register, force.profile)


def test_an_approved_manifest_holds() -> None:
    assert _check(FORCE.manifest(MANIFEST)) == MANIFEST


def _officers() -> list[str]:
    return ["d.silva", "f.lund"]


@pytest.mark.parametrize(
    "signers",
    [
        [],
        ["a.khan"],
        ["d.silva", "f.lund"],
        ["a.khan", "b.osei", "c.ruiz"],
        ["b.osei", "d.silva", "f.lund"],
        ["a.khan", "e.novak", "o.ngo", "server-1"],
    ],
    ids=", ".join,
)
def test_fewer_or_others_do_not_approve(signers: list[str]) -> None:
    with pytest.raises(NotAuthorised):
        _check(FORCE.sign(MANIFEST.envelope(), *signers))


def test_nobody_approves_what_they_drew_up() -> None:
    """An officer who is named as the creator is no custodian, so the creator has not signed."""
    with pytest.raises(NotAuthorised):
        _check(FORCE.sign(_changed(creator="d.silva").envelope(), *_officers()))


def test_a_profile_may_want_two_officers() -> None:
    strict = FORCE.profile.model_copy(update={"approvals": 2})
    one = FORCE.sign(MANIFEST.envelope(), "a.khan", "d.silva", "d.silva")
    with pytest.raises(NotAuthorised, match="1 authorising officers of the 2"):
        trust.check_deployment(one, FORCE.register, strict)
    assert trust.check_deployment(FORCE.sign(one, "f.lund"), FORCE.register, strict) == MANIFEST


@pytest.mark.parametrize(
    "changes",
    [
        {"purpose": "Something else"},
        {
            "watchlist": MANIFEST.watchlist.model_copy(
                update={"entries": 11, "by_category": {FORCE.category: 11}}
            )
        },
        {"thresholds": Thresholds(similarity=0.7, gate=139, fine=22400)},
        {"window": Window(not_before=stamp(START), not_after=stamp(START + timedelta(seconds=7199)))},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_any_change_after_approval_voids_it(changes: dict[str, object]) -> None:
    approved = FORCE.manifest(MANIFEST)
    with pytest.raises(NotAuthorised):
        _check(replace(_changed(**changes).envelope(), signatures=approved.signatures))


def test_every_changed_byte_of_an_approved_manifest_is_refused() -> None:
    approved = FORCE.manifest(MANIFEST)
    for place in range(len(approved.payload)):
        payload = bytearray(approved.payload)
        payload[place] ^= 1
        with pytest.raises((NotAuthorised, MalformedMessage, StatementMismatch, PolicyViolation)):
            _check(replace(approved, payload=bytes(payload)))


def _listed(**changes: object) -> ListRef:
    return ListRef.model_validate({**dict(MANIFEST.watchlist), **changes})


POLICY: list[tuple[str, dict[str, object], dict[str, object]]] = [
    (
        "another text of the profile",
        {"profile": MANIFEST.profile.model_copy(update={"digest": "11" * 32})},
        {},
    ),
    ("another profile", {"profile": MANIFEST.profile.model_copy(update={"name": "uk-met"})}, {}),
    ("another use", {"use": "ranked", "crop_key": None}, {}),
    ("a longer window", {}, {"window_hours": 1.9}),
    ("a category it does not have", {"watchlist": _listed(by_category={"intelligence": 10})}, {}),
    ("a longer list", {}, {"list_cap": 9}),
    ("a child without a second approval", {"watchlist": _listed(under_age=1)}, {}),
    ("one approval for two children", {"watchlist": _listed(under_age=2, second_approvals=1)}, {}),
    (
        "a sensitive category without second approvals",
        {"watchlist": _listed(second_approvals=9)},
        {"categories": (Category(name=FORCE.category, title="Sensitive", sensitive=True),)},
    ),
    ("an older list", {}, {"list_age_hours": 0.99}),
    (
        "more false alerts",
        {"predicted": Prediction(false_match_rate=0.1, false_alerts_per_1000=1.01)},
        {"false_alerts_per_1000": 1.0},
    ),
    ("a lower threshold", {}, {"lowest_similarity": 0.71}),
    ("no document", {"documents": ()}, {"documents": ("signage",)}),
    (
        "a document that lapses",
        {"documents": documents(FORCE, START + timedelta(hours=2, seconds=-1))},
        {},
    ),
]


@pytest.mark.parametrize(("changes", "rules"), [row[1:] for row in POLICY], ids=[row[0] for row in POLICY])
def test_a_profile_forbids(changes: dict[str, object], rules: dict[str, object]) -> None:
    with pytest.raises(PolicyViolation):
        trust.check_policy(_changed(**changes), FORCE.profile.model_copy(update=rules))


def test_children_may_be_listed_with_second_approvals() -> None:
    listed = _listed(under_age=2, second_approvals=2)
    trust.check_policy(_changed(watchlist=listed), FORCE.profile)


def test_every_document_that_is_missing_is_named() -> None:
    rules = FORCE.profile.model_copy(update={"documents": ("signage", "dpia", "authorisation")})
    with pytest.raises(PolicyViolation, match=r"missing: dpia, authorisation\.$"):
        trust.check_policy(MANIFEST, rules)


def test_a_list_may_be_as_old_as_the_profile_says() -> None:
    trust.check_policy(MANIFEST, FORCE.profile.model_copy(update={"list_age_hours": 1.0}))


def test_an_acknowledged_prediction_may_exceed_the_cap() -> None:
    rules = FORCE.profile.model_copy(update={"false_alerts_per_1000": 1.0})
    predicted = Prediction(false_match_rate=0.1, false_alerts_per_1000=99.0, acknowledged="A test of the cap")
    trust.check_policy(_changed(predicted=predicted), rules)


@pytest.mark.parametrize(
    ("seconds", "refused"), [(-1, True), (0, False), (7199, False), (7200, True), (7201, True)]
)
def test_a_deployment_is_open_from_its_first_instant_to_its_last(seconds: int, refused: bool) -> None:
    at = instant(MANIFEST.window.not_before) + timedelta(seconds=seconds)
    if refused:
        with pytest.raises(OutsideWindow):
            trust.check_open(MANIFEST, at)
    else:
        trust.check_open(MANIFEST, at)


@pytest.mark.parametrize(
    ("changes", "fits"),
    [
        ({"version": 2, "change_reason": "Later"}, True),
        ({}, False),
        ({"version": 2, "change_reason": "Later", "key_id": "11" * 32}, False),
        ({"version": 2, "change_reason": "Later", "model_digest": "11" * 32}, False),
        ({"version": 2, "change_reason": "Later", "deployment": "gate-5"}, False),
    ],
)
def test_versions_rise_and_keep_key_and_model(changes: dict[str, object], fits: bool) -> None:
    new = _changed(**changes)
    if fits:
        trust.check_succeeds(new, MANIFEST)
    else:
        with pytest.raises(StatementMismatch):
            trust.check_succeeds(new, MANIFEST)


class TestWatchlist:
    def test_the_named_one_holds(self) -> None:
        assert trust.check_watchlist(LISTED, FORCE.register, FORCE.profile, MANIFEST) == WATCHLIST

    def test_another_is_refused(self) -> None:
        other = FORCE.watchlist(a_watchlist(FORCE, package_digest="11" * 32))
        with pytest.raises(StatementMismatch):
            trust.check_watchlist(other, FORCE.register, FORCE.profile, MANIFEST)

    def test_it_needs_custodians(self) -> None:
        unsigned = FORCE.sign(WATCHLIST.envelope(), "d.silva", "e.novak")
        with pytest.raises(NotAuthorised):
            trust.check_watchlist(unsigned, FORCE.register, FORCE.profile, MANIFEST)

    @pytest.mark.parametrize(
        "changes",
        [{"preset": "reveal-128"}, {"key_id": "11" * 32}, {"watchlist": _listed(under_age=1)}],
        ids=lambda changes: next(iter(changes)),
    )
    def test_the_manifest_must_say_the_same_of_it(self, changes: dict[str, object]) -> None:
        with pytest.raises(StatementMismatch):
            trust.check_watchlist(LISTED, FORCE.register, FORCE.profile, _changed(**changes))


def _tombstone(**changes: object) -> Tombstone:
    content = {
        "deployment": MANIFEST.deployment,
        "watchlist_digest": LISTED.digest,
        "sequence": 1,
        "removed": (4,),
        "reason": "Found",
        "issued_at": stamp(START),
        **changes,
    }
    return Tombstone.model_validate(content)


class TestTombstone:
    FIRST = _tombstone()

    def test_one_custodian_removes(self) -> None:
        signed = FORCE.sign(self.FIRST.envelope(), "c.ruiz")
        assert trust.check_tombstone(signed, FORCE.register, MANIFEST, None) == self.FIRST

    def test_the_next_goes_on(self) -> None:
        second = _tombstone(sequence=2, removed=(4, 7))
        signed = FORCE.sign(second.envelope(), "c.ruiz")
        assert trust.check_tombstone(signed, FORCE.register, MANIFEST, self.FIRST) == second

    @pytest.mark.parametrize(
        "changes",
        [
            {"sequence": 1, "removed": (4, 7)},
            {"sequence": 3, "removed": (4, 7)},
            {"sequence": 2, "removed": (7,)},
            {"sequence": 2, "removed": (4, 10)},
            {"sequence": 2, "removed": (4, 7), "watchlist_digest": "11" * 32},
            {"sequence": 2, "removed": (4, 7), "deployment": "gate-5"},
        ],
    )
    def test_nothing_is_taken_back(self, changes: dict[str, object]) -> None:
        signed = FORCE.sign(_tombstone(**changes).envelope(), "c.ruiz")
        with pytest.raises(StatementMismatch):
            trust.check_tombstone(signed, FORCE.register, MANIFEST, self.FIRST)

    @pytest.mark.parametrize("signer", ["d.silva", "e.novak", "server-1", "o.ngo"])
    def test_others_do_not_remove(self, signer: str) -> None:
        with pytest.raises(NotAuthorised):
            trust.check_tombstone(FORCE.sign(self.FIRST.envelope(), signer), FORCE.register, MANIFEST, None)


@pytest.mark.parametrize(("signer", "may"), [("a.khan", True), ("d.silva", True), ("e.novak", False)])
def test_who_revokes_and_closes(signer: str, may: bool) -> None:
    approved = FORCE.manifest(MANIFEST)
    common = {"deployment": MANIFEST.deployment, "reason": "Lost", "issued_at": stamp(START)}
    revocation = FORCE.sign(Revocation(camera_key="22" * 32, **common).envelope(), signer)
    closing = FORCE.sign(Closing(manifest_digest=approved.digest, **common).envelope(), signer)
    if may:
        trust.check_revocation(revocation, FORCE.register, MANIFEST)
        trust.check_closing(closing, FORCE.register, approved)
        return
    with pytest.raises(NotAuthorised):
        trust.check_revocation(revocation, FORCE.register, MANIFEST)
    with pytest.raises(NotAuthorised):
        trust.check_closing(closing, FORCE.register, approved)


def test_a_closing_is_for_one_manifest() -> None:
    closing = Closing(
        deployment=MANIFEST.deployment, manifest_digest="33" * 32, reason="Over", issued_at=stamp(START)
    )
    with pytest.raises(StatementMismatch):
        trust.check_closing(FORCE.sign(closing.envelope(), "a.khan"), FORCE.register, MANIFEST.envelope())


def test_every_refusal_says_why_in_one_sentence() -> None:
    with pytest.raises(BlindwatchError) as caught:
        _check(MANIFEST.envelope())
    assert caught.value.detail.endswith(".")
    assert "\n" not in caught.value.detail
