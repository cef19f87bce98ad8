"""Signing keys, envelopes and statements as bytes."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from blindwatch.errors import (
    BlindwatchError,
    ConfigurationError,
    MalformedMessage,
    StatementMismatch,
    TooLarge,
)
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Closing, Revocation, Tombstone
from blindwatch.statements.register import Person, PersonRole, Register, entry
from blindwatch.statements.signing import Identity, PublicKeys, Signature
from blindwatch.wire import limits

from ..people import ROLES, Force

FORCE = Force()
CLOSING = Closing(
    deployment="gate-4", manifest_digest="12" * 32, reason="It is over", issued_at="2026-11-25T12:00:00Z"
)
SIGNED = FORCE.sign(CLOSING.envelope(), "a.khan", "d.silva")


def test_an_identity_survives_its_file() -> None:
    identity = Identity.generate()
    assert Identity.from_pem(identity.to_pem()).public == identity.public


@pytest.mark.parametrize("data", [b"", b"no key", Identity.generate().to_pem()[:200]])
def test_a_file_of_something_else_is_no_identity(data: bytes) -> None:
    with pytest.raises(ConfigurationError):
        Identity.from_pem(data)


def test_an_identity_shows_no_key() -> None:
    assert "object" not in repr(Identity.generate())


def test_what_is_signed_is_the_published_encoding() -> None:
    """The example of the DSSE 1.0 text, with this project's payload type in its place."""
    kind = "application/vnd.in-toto+json"
    assert Envelope(b"hello world").message == f"DSSEv1 {len(kind)} {kind} 11 hello world".encode()


def test_an_envelope_survives_its_file() -> None:
    assert Envelope.from_json(SIGNED.to_json()) == SIGNED


def test_signing_again_replaces_the_signature() -> None:
    again = SIGNED.signed_by(FORCE.identities["a.khan"])
    assert len(again.signatures) == len(SIGNED.signatures)
    assert {person.name for person in FORCE.register.signers(again).valid} == {"a.khan", "d.silva"}


def test_a_statement_reads_as_it_was_made() -> None:
    assert Closing.read(Envelope.from_json(SIGNED.to_json())) == CLOSING


def test_a_payload_is_an_in_toto_statement() -> None:
    payload = json.loads(SIGNED.payload)
    assert payload["_type"] == "https://in-toto.io/Statement/v1"
    assert payload["subject"] == [{"name": "deployment", "digest": {"sha256": "12" * 32}}]


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        Envelope.from_json(data)


@given(st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner)))
def test_no_json_raises_anything_else(value: object) -> None:
    with pytest.raises(BlindwatchError):
        Closing.read(Envelope(json.dumps(value).encode()))


def _changed(**changes: object) -> bytes:
    return json.dumps({**json.loads(SIGNED.to_json()), **changes}).encode()


@pytest.mark.parametrize(
    "data",
    [
        _changed(payloadType="text/plain"),
        _changed(more=1),
        _changed(payload="$$$"),
        _changed(payload=json.loads(SIGNED.to_json())["payload"].rstrip("=") + "\n"),
        _changed(signatures=[{"keyid": "x"}]),
        _changed(signatures=[{"keyid": "x", "sig": "", "cert": ""}]),
        _changed(signatures=[{"keyid": "x", "sig": ""}] * (limits.SIGNATURES + 1)),
        SIGNED.to_json().replace(b'"payloadType"', b'"payload": "", "payloadType"'),
        b'{"payloadType": NaN}',
        b"[" * 100_000,
    ],
)
def test_an_envelope_of_another_form_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        Envelope.from_json(data)


def test_an_envelope_over_the_limit_is_not_read() -> None:
    with pytest.raises(TooLarge):
        Envelope.from_json(b" " * (limits.ENVELOPE + 1))


def _statement(**changes: object) -> Envelope:
    return Envelope(json.dumps({**json.loads(SIGNED.payload), **changes}).encode())


@pytest.mark.parametrize(
    "envelope",
    [
        _statement(_type="https://in-toto.io/Statement/v0.1"),
        _statement(subject=[]),
        _statement(subject=[{"name": "deployment", "digest": {"sha256": "13" * 32}}]),
        _statement(predicate={}),
        _statement(predicate={**json.loads(SIGNED.payload)["predicate"], "more": 1}),
        _statement(predicate={**json.loads(SIGNED.payload)["predicate"], "reason": "two\nlines"}),
        _statement(more=1),
    ],
)
def test_a_statement_of_another_form_is_refused(envelope: Envelope) -> None:
    with pytest.raises(MalformedMessage):
        Closing.read(envelope)


def test_a_statement_of_another_kind_is_refused() -> None:
    with pytest.raises(StatementMismatch):
        Revocation.read(SIGNED)


@pytest.mark.parametrize("removed", [(3, 1), (1, 1), ()])
def test_removed_entries_are_in_order_and_some(removed: tuple[int, ...]) -> None:
    def tombstone(removed: tuple[int, ...]) -> Tombstone:
        return Tombstone(
            deployment="gate-4",
            watchlist_digest="00" * 32,
            sequence=1,
            reason="Found",
            issued_at="2026-11-25T12:00:00Z",
            removed=removed,
        )

    assert tombstone((1, 3)).removed == (1, 3)
    with pytest.raises(ValueError, match=r"removed|order"):
        tombstone(removed)


class TestCounting:
    """A signature counts only if both keys of a person of the register made it."""

    def test_both_together(self) -> None:
        assert {person.name for person in FORCE.register.signers(SIGNED).valid} == {"a.khan", "d.silva"}

    @pytest.mark.parametrize("left_out", range(4))
    def test_one_without_the_other(self, left_out: int) -> None:
        kept = tuple(each for number, each in enumerate(SIGNED.signatures) if number != left_out)
        assert len(FORCE.register.signers(Envelope(SIGNED.payload, kept)).valid) == 1

    @pytest.mark.parametrize("spoilt", range(4))
    def test_one_of_another_message(self, spoilt: int) -> None:
        other = FORCE.sign(Envelope(b"other"), "a.khan", "d.silva").signatures
        mixed = tuple(
            other[number] if number == spoilt else each for number, each in enumerate(SIGNED.signatures)
        )
        signers = FORCE.register.signers(Envelope(SIGNED.payload, mixed))
        assert (len(signers.valid), len(signers.broken)) == (1, 1)

    @given(
        st.integers(min_value=0, max_value=len(SIGNED.payload) - 1), st.integers(min_value=1, max_value=255)
    )
    def test_any_changed_byte_voids_them_all(self, place: int, change: int) -> None:
        payload = bytearray(SIGNED.payload)
        payload[place] ^= change
        signers = FORCE.register.signers(Envelope(bytes(payload), SIGNED.signatures))
        assert not signers.valid
        assert {person.name for person in signers.broken} == {"a.khan", "d.silva"}

    def test_somebody_unknown(self) -> None:
        signers = FORCE.register.signers(CLOSING.envelope().signed_by(Identity.generate()))
        assert signers.valid == signers.broken == ()

    def test_a_name_with_somebody_elses_signature(self) -> None:
        """A signature is looked up by the key it names, so one that names another's key does not verify."""
        victim = FORCE.identities["a.khan"].public.key_ids
        forged = Identity.generate().sign(CLOSING.envelope().message)
        envelope = Envelope(
            CLOSING.envelope().payload,
            tuple(Signature(name, each.value) for name, each in zip(victim, forged, strict=True)),
        )
        assert not FORCE.register.signers(envelope).valid


class TestRegister:
    """One name, one role, keys of their own."""

    def test_it_survives_its_file(self) -> None:
        text = "".join(entry(person) for person in FORCE.register.people)
        assert Register.read(text.encode()).people == FORCE.register.people

    def test_nobody_has_two_roles(self) -> None:
        keys = FORCE.identities["a.khan"].public
        with pytest.raises(ConfigurationError, match="twice"):
            Register(
                [
                    Person("a.khan", PersonRole.CUSTODIAN, keys),
                    Person("a.khan", PersonRole.OPERATOR, Identity.generate().public),
                ]
            )

    @pytest.mark.parametrize("shared", ["ed25519", "mldsa44"])
    def test_no_key_belongs_to_two(self, shared: str) -> None:
        one, two = Identity.generate().public, Identity.generate().public
        mixed = (
            PublicKeys(one.ed25519, two.mldsa44)
            if shared == "ed25519"
            else PublicKeys(two.ed25519, one.mldsa44)
        )
        with pytest.raises(ConfigurationError, match="key is in the register twice"):
            Register(
                [Person("a.khan", PersonRole.CUSTODIAN, one), Person("e.novak", PersonRole.OPERATOR, mixed)]
            )

    @pytest.mark.parametrize("name", ["", "A", "a b", "-a", "a" * 65])
    def test_names_are_plain(self, name: str) -> None:
        person = Person(name, PersonRole.CUSTODIAN, Identity.generate().public)
        with pytest.raises(ConfigurationError):
            Register.read(entry(person).encode())

    @pytest.mark.parametrize(
        "data", [b"\xff", b"people = 3", b"[[people]]\nname = 'a'", b"a = " + b"[" * 9000]
    )
    def test_another_form_is_refused(self, data: bytes) -> None:
        with pytest.raises(ConfigurationError):
            Register.read(data)

    def test_keys_are_keys(self) -> None:
        raw = base64.b64encode(Ed25519PrivateKey.generate().public_key().public_bytes_raw()).decode()
        text = f"[[people]]\nname = 'a'\nrole = 'custodian'\ned25519 = '{raw}'\nmldsa44 = '{raw}'\n"
        with pytest.raises(ConfigurationError):
            Register.read(text.encode())

    def test_a_holder_is_found_by_keys(self) -> None:
        assert [FORCE.register.holder(FORCE.identities[name].public).name for name in ROLES] == list(ROLES)
        with pytest.raises(ConfigurationError):
            FORCE.register.holder(Identity.generate().public)
