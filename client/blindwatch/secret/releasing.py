"""Release of the secret key: so many custodians send their shares to one operator's memory, for one window of time.

The operator's program makes a key pair that never leaves its memory, and signs a request with the public half. A
custodian seals a share to that, with HPKE (RFC 9180, X25519 and ML-KEM-768 together), bound to the whole request.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from blindwatch.errors import MalformedMessage, NotAuthorised, OutsideWindow, StatementMismatch, WrongShare
from blindwatch.policy.profile import Profile
from blindwatch.secret.shares import check
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import DeploymentManifest, KeyRequest, KeyShare, Window, instant
from blindwatch.statements.register import PersonRole, Register
from blindwatch.statements.signing import Identity

ACCEPTED: Final = "accepted.cbor"
"""Beside a request: the record that the server has accepted the deployment, with its proof."""
_SUITE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_LATTICE_BYTES: Final = 1184


@dataclass(frozen=True)
class Ask:
    """What an operator asks for."""

    operator: str
    deployment: str
    key_id: str
    profile_digest: str
    window: Window


@dataclass(frozen=True)
class Asking:
    """A request and what opens its answers, in the memory of the operator's program."""

    request: Envelope
    _lattice: MLKEM768PrivateKey = field(repr=False)
    _curve: X25519PrivateKey = field(repr=False)

    @classmethod
    def of(cls, ask: Ask, identity: Identity) -> Asking:
        """Ask, with a key pair that is made for this once."""
        lattice, curve = MLKEM768PrivateKey.generate(), X25519PrivateKey.generate()
        public = lattice.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()
        request = KeyRequest(
            deployment=ask.deployment,
            key_id=ask.key_id,
            operator=ask.operator,
            profile_digest=ask.profile_digest,
            window=ask.window,
            public_key=base64.b64encode(public).decode(),
        )
        return cls(request.envelope().signed_by(identity), lattice, curve)

    def share(self, answer: Envelope, register: Register) -> tuple[str, str]:
        """The custodian who answers, and the words; raises if it is no answer, or one to another request."""
        content = KeyShare.read(answer)
        if content.request_digest != self.request.digest:
            raise StatementMismatch("The answer is to another request.")
        if content.custodian not in register.signers(answer).of_role(PersonRole.CUSTODIAN):
            raise NotAuthorised("The answer is not signed by the custodian that it names.")
        private = MLKEM768X25519PrivateKey(self._lattice, self._curve)
        try:
            words = _SUITE.decrypt(base64.b64decode(content.sealed), private, self.request.payload)
        except InvalidTag:
            raise WrongShare("The answer was not sealed to this request.") from None
        return content.custodian, check(words.decode("ascii", "replace"))


def check_request(
    request: Envelope, register: Register, manifest: DeploymentManifest, rules: Profile, at: datetime
) -> KeyRequest:
    """What an operator asks for, signed by that operator, not over, and within what the deployment was approved for.

    Results may be read for as long after the deployment as its profile keeps the list.
    """
    wanted = KeyRequest.read(request)
    if wanted.operator not in register.signers(request).of_role(PersonRole.OPERATOR):
        raise NotAuthorised("The request is not signed by the operator that it names.")
    if at >= instant(wanted.window.not_after):
        raise OutsideWindow("The time that the key is asked for is over.", "The operator asks again.")
    if (wanted.deployment, wanted.key_id) != (manifest.deployment, manifest.key_id):
        raise StatementMismatch("The key is asked for another deployment than the manifest's.")
    if wanted.profile_digest != manifest.profile.digest:
        raise StatementMismatch(
            "The operator has acknowledged other rules than those of the deployment.",
            "The operator installs this version, and asks again.",
        )
    end = instant(manifest.window.not_after) + timedelta(hours=rules.clocks.list_after_end_hours)
    if instant(wanted.window.not_after) > end:
        raise OutsideWindow(
            "The key is asked for a longer time than the deployment lasts.",
            "The operator asks for fewer hours.",
        )
    _public_key(wanted)
    return wanted


def answer(request: Envelope, wanted: KeyRequest, words: str, custodian: str, identity: Identity) -> Envelope:
    """A share, sealed to the operator who asked."""
    sealed = _SUITE.encrypt(check(words).encode(), _public_key(wanted), request.payload)
    share = KeyShare(
        request_digest=request.digest, custodian=custodian, sealed=base64.b64encode(sealed).decode()
    )
    return share.envelope().signed_by(identity)


def _public_key(wanted: KeyRequest) -> MLKEM768X25519PublicKey:
    raw = base64.b64decode(wanted.public_key)
    try:
        return MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(raw[:_LATTICE_BYTES]),
            X25519PublicKey.from_public_bytes(raw[_LATTICE_BYTES:]),
        )
    except ValueError:
        raise MalformedMessage("The request does not hold a public key.") from None
