"""The gate for probes: under a profile for checks an operator authorises each of them, under others nobody does."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from blindwatch.errors import BlindwatchError, UnauthorisedProbe
from blindwatch.matching import logs
from blindwatch.policy.profile import profile
from blindwatch.statements.authorising import LIFETIME, check_authorised, check_fresh
from blindwatch.statements.predicates import DeploymentManifest, instant
from blindwatch.statements.register import Register
from blindwatch.store.nonces import Nonces
from blindwatch.wire.messages import Probe


class ProbeGate:
    """Lets a probe pass as its profile has it. What it refuses, it logs by its reason."""

    def __init__(self, register: Register, nonces: Nonces) -> None:
        self._register = register
        self._nonces = nonces

    async def admit(self, manifest: DeploymentManifest, probe: Probe) -> str | None:
        """The commitment to the grounds of a probe, where there have to be any; it is used up then.

        Raises an AccessError that says why not.
        """
        try:
            if profile(manifest.profile.name).checks is not None:
                return await self._grounds(manifest.deployment, probe)
            if probe.authorisation is not None:
                raise UnauthorisedProbe("The deployment's profile has no probes that operators authorise.")
        except BlindwatchError as error:
            logs.warning("probe-refused", why=error.problem.slug)
            raise
        return None

    async def _grounds(self, deployment: str, probe: Probe) -> str:
        given = check_authorised(probe, deployment, self._register)
        check_fresh(given, datetime.now(UTC))
        key_id, _ = self._register.person(given.operator).keys.key_ids
        ends = instant(given.issued_at).timestamp() + LIFETIME
        await asyncio.to_thread(self._nonces.use, deployment, key_id, probe.probe_id, ends)
        return given.grounds
