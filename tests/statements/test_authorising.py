"""An operator's authorisation of a probe: what it says, how long it holds, and that a probe has room for it."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import pytest

from blindwatch.errors import FutureRequest, StaleRequest
from blindwatch.statements.authorising import LIFETIME, authorise, check_authorised, check_fresh
from blindwatch.statements.predicates import ProbeAuthorisation, instant
from blindwatch.statements.register import Person, PersonRole, Register
from blindwatch.statements.signing import Identity
from blindwatch.wire import limits
from blindwatch.wire.messages import Probe
from blindwatch.wire.signatures import TOLERANCE

from ..crops import CROP

GROUNDS = "cd" * 32
DEPLOYMENT = "a" * 63
OPERATOR = "b" * 64
KEYS = Identity.generate()
REGISTER = Register([Person(OPERATOR, PersonRole.OPERATOR, KEYS.public)])
PROBE = Probe(
    probe_id="0f" * 16,
    camera="c" * 64,
    preset="p" * 64,
    key_id=GROUNDS,
    model_digest=GROUNDS,
    captured_at="2026-01-31T23:59:59.123456789Z",
    ciphertext=bytes(limits.CIPHERTEXT),
    crop=CROP,
)


@pytest.fixture(scope="module")
def authorised() -> Probe:
    return authorise(PROBE, DEPLOYMENT, GROUNDS, OPERATOR, KEYS)


def test_the_longest_one_has_room_in_the_longest_probe(authorised: Probe) -> None:
    sent = authorised.to_cbor()
    assert len(sent) <= limits.PROBE
    assert Probe.from_cbor(sent) == authorised


def test_it_says_what_it_is_for(authorised: Probe) -> None:
    given = check_authorised(authorised, DEPLOYMENT, REGISTER)
    assert (given.deployment, given.probe_id, given.operator) == (DEPLOYMENT, PROBE.probe_id, OPERATOR)
    assert given.subjects() == {
        "ciphertext": hashlib.sha256(PROBE.ciphertext).hexdigest(),
        "grounds": GROUNDS,
    }
    assert authorised.model_copy(update={"authorisation": None}) == PROBE


def at(given: ProbeAuthorisation, seconds: float) -> datetime:
    return instant(given.issued_at) + timedelta(seconds=seconds)


@pytest.mark.parametrize("seconds", [-TOLERANCE, 0, LIFETIME - 1])
def test_the_time_of_it(authorised: Probe, seconds: float) -> None:
    given = check_authorised(authorised, DEPLOYMENT, REGISTER)
    check_fresh(given, at(given, seconds))


def test_it_is_over_and_not_before_its_time(authorised: Probe) -> None:
    given = check_authorised(authorised, DEPLOYMENT, REGISTER)
    with pytest.raises(StaleRequest):
        check_fresh(given, at(given, LIFETIME))
    with pytest.raises(FutureRequest):
        check_fresh(given, at(given, -TOLERANCE - 1))
