"""An operator's authorisation of one probe: how it is made, and what makes it hold."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Final

from blindwatch.errors import FutureRequest, StaleRequest, UnauthorisedProbe
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import ProbeAuthorisation, instant
from blindwatch.statements.register import PersonRole, Register
from blindwatch.statements.signing import Identity
from blindwatch.wire import signatures
from blindwatch.wire.messages import Probe, now

LIFETIME: Final = 120
"""Seconds from the authorisation to the end of it: for the camera's signature and for the body to arrive."""

_KEYS: Final = 2
_HINT: Final = "Under this profile an operator checks one person: blindwatch operator check"
_CLOCKS: Final = "Compare the clocks of operator and server."


def authorise(probe: Probe, deployment: str, grounds: str, operator: str, keys: Identity) -> Probe:
    """A probe with the operator's authorisation from now on; `grounds` is the commitment to where and why (hex)."""
    given = ProbeAuthorisation(
        deployment=deployment,
        probe_id=probe.probe_id,
        ciphertext=_ciphertext(probe),
        grounds=grounds,
        operator=operator,
        issued_at=now(),
    )
    return probe.model_copy(update={"authorisation": given.envelope().signed_by(keys).to_json()})


def check_authorised(probe: Probe, deployment: str, register: Register) -> ProbeAuthorisation:
    """What an operator of the register has signed for this probe; raises UnauthorisedProbe that says why not.

    When it was signed is left to `check_fresh`.
    """
    if probe.authorisation is None:
        raise UnauthorisedProbe("The probe has no authorisation of an operator.", _HINT)
    envelope = Envelope.from_json(probe.authorisation)
    given = ProbeAuthorisation.read(envelope)
    about = (given.deployment, given.probe_id, given.ciphertext)
    if about != (deployment, probe.probe_id, _ciphertext(probe)):
        raise UnauthorisedProbe("The authorisation is for another probe, or for another deployment.", _HINT)
    signed = register.signers(envelope).of_role(PersonRole.OPERATOR)
    if given.operator not in signed or len(envelope.signatures) != _KEYS:
        raise UnauthorisedProbe(
            "The authorisation is not signed by the operator that it names, and by nobody else.",
            "The operator has to be in the server's register, with these keys.",
        )
    return given


def check_fresh(given: ProbeAuthorisation, at: datetime) -> None:
    """Refuse an authorisation that is over at this time, or to come; raises StaleRequest or FutureRequest."""
    issued = instant(given.issued_at)
    if at >= issued + timedelta(seconds=LIFETIME):
        raise StaleRequest("The operator authorised the probe too long ago.", _CLOCKS)
    if issued > at + timedelta(seconds=signatures.TOLERANCE):
        raise FutureRequest("The operator authorised the probe in the future.", _CLOCKS)


def _ciphertext(probe: Probe) -> str:
    return hashlib.sha256(probe.ciphertext).hexdigest()
