"""The release of a key to one operator's memory, for one window of time, by enough custodians."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from blindwatch.errors import (
    BlindwatchError,
    MalformedMessage,
    NotAuthorised,
    OutsideWindow,
    StatementMismatch,
    WrongShare,
)
from blindwatch.secret.releasing import Ask, Asking, answer, check_request
from blindwatch.secret.shares import split
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import DeploymentManifest, KeyRequest, KeyShare, Window, instant

from ..people import stamp
from ..serving import FORCE
from .office import KEY_ID, TWO_OF_THREE, approved

if TYPE_CHECKING:
    Printed = pytest.CaptureFixture[str]

WORDS = split(bytes(range(32)), TWO_OF_THREE)[0]


MANIFEST = DeploymentManifest.read(approved())
END = instant(MANIFEST.window.not_after) + timedelta(hours=FORCE.profile.clocks.list_after_end_hours)
NOW = instant(MANIFEST.window.not_before)
WINDOW = Window(not_before=stamp(NOW), not_after=stamp(END))
ASK = Ask("e.novak", "gate-4", KEY_ID, FORCE.profile.digest, WINDOW)


def wanted_by(ask: Ask, signer: str = "e.novak", at: datetime = NOW) -> KeyRequest:
    """What a custodian sees of a request, if it may be answered."""
    request = Asking.of(ask, FORCE.identities[signer]).request
    return check_request(request, FORCE.register, MANIFEST, FORCE.profile, at)


@pytest.fixture(scope="module")
def asking() -> Asking:
    return Asking.of(ASK, FORCE.identities["e.novak"])


def answered(asking: Asking, words: str, custodian: str) -> Envelope:
    wanted = KeyRequest.read(asking.request)
    return answer(asking.request, wanted, words, custodian, FORCE.identities[custodian])


# What custodians answer


def test_a_request_says_who_asks_for_what_and_until_when() -> None:
    wanted = wanted_by(ASK)
    assert (wanted.operator, wanted.deployment, wanted.key_id) == ("e.novak", "gate-4", KEY_ID)
    assert wanted_by(ASK, at=END - timedelta(seconds=1)).window == WINDOW
    with pytest.raises(OutsideWindow):
        wanted_by(ASK, at=END)


@pytest.mark.parametrize("signer", ["a.khan", "d.silva", "server-1"])
def test_only_the_operator_it_names_asks(signer: str) -> None:
    with pytest.raises(NotAuthorised):
        wanted_by(ASK, signer)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"deployment": "gate-5"}, StatementMismatch),
        ({"key_id": "cd" * 32}, StatementMismatch),
        (
            {"window": Window(not_before=WINDOW.not_before, not_after=stamp(END + timedelta(seconds=1)))},
            OutsideWindow,
        ),
    ],
)
def test_nothing_is_released_beyond_what_was_approved(
    changes: dict[str, object], expected: type[BlindwatchError]
) -> None:
    with pytest.raises(expected):
        wanted_by(replace(ASK, **changes))  # type: ignore[arg-type]


def test_a_changed_request_is_not_answered(asking: Asking) -> None:
    payload = asking.request.payload.replace(b"gate-4", b"gate-5")
    with pytest.raises(NotAuthorised):
        check_request(
            Envelope(payload, asking.request.signatures), FORCE.register, MANIFEST, FORCE.profile, NOW
        )


def test_who_has_not_acknowledged_these_rules_gets_no_key() -> None:
    with pytest.raises(StatementMismatch, match="acknowledged other rules"):
        wanted_by(replace(ASK, profile_digest="00" * 32))


def test_a_request_without_a_real_key_is_not_answered() -> None:
    made = KeyRequest(
        deployment="gate-4",
        key_id=KEY_ID,
        operator="e.novak",
        profile_digest=FORCE.profile.digest,
        window=WINDOW,
        public_key="AAAA",
    )
    with pytest.raises(MalformedMessage):
        check_request(FORCE.sign(made.envelope(), "e.novak"), FORCE.register, MANIFEST, FORCE.profile, NOW)


# What operators take


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda share: share.model_copy(update={"request_digest": "00" * 32}), StatementMismatch),
        (lambda share: share.model_copy(update={"custodian": "b.osei"}), NotAuthorised),
        (lambda share: share.model_copy(update={"custodian": "d.silva"}), NotAuthorised),
        (lambda share: share.model_copy(update={"sealed": "AAAA"}), WrongShare),
    ],
)
def test_answers_that_do_not_count(
    asking: Asking, change: Callable[[KeyShare], KeyShare], expected: type[BlindwatchError]
) -> None:
    unchanged = answered(asking, WORDS[0], "a.khan")
    assert asking.share(unchanged, FORCE.register) == ("a.khan", WORDS[0])
    with pytest.raises(expected):
        asking.share(FORCE.sign(change(KeyShare.read(unchanged)).envelope(), "a.khan"), FORCE.register)


@pytest.mark.parametrize("other", [ASK, replace(ASK, deployment="gate-5"), replace(ASK, key_id="cd" * 32)])
def test_an_answer_opens_for_nobody_else(asking: Asking, other: Ask) -> None:
    """Neither for another run of the operator's program, nor for another deployment or key."""
    asked = Asking.of(other, FORCE.identities["e.novak"])
    sealed = KeyShare.read(answered(asking, WORDS[0], "a.khan"))
    forwarded = sealed.model_copy(update={"request_digest": asked.request.digest})
    with pytest.raises(WrongShare):
        asked.share(FORCE.sign(forwarded.envelope(), "a.khan"), FORCE.register)
