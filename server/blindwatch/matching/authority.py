"""What this server takes from people: statements that hold by its own copy of the register, and no others."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from blindwatch.errors import ConfigurationError, OutsideWindow, StatementMismatch, WrongUse
from blindwatch.matching.uses import RankedRules, RevealRules, check_allowed, rules
from blindwatch.policy.profile import profile
from blindwatch.statements import trust
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import DeploymentManifest, instant
from blindwatch.statements.register import PersonRole, Register
from blindwatch.statements.signing import Identity
from blindwatch.store.deployments import Terms
from blindwatch.tlog.keys import VerifierKey
from blindwatch.wire.messages import DeploymentOffer

_NOT_YET: Final = -1


class Authority:
    """Who may decide what at this server, and what it is set to do at all."""

    def __init__(
        self,
        register: Register,
        identity: Identity,
        log: VerifierKey,
        *,
        allow_insecure: bool,
        allow_ranked: bool,
    ) -> None:
        self.register = register
        self.identity = identity
        self._log = log
        self._allow_insecure = allow_insecure
        self._allow_ranked = allow_ranked
        self.name = _own_name(register, identity)

    def rules(self, preset: str) -> RevealRules | RankedRules:
        """The rules of a preset that this server is set to take."""
        found = rules(preset)
        check_allowed(found, insecure=self._allow_insecure, ranked=self._allow_ranked)
        return found

    def terms(self, name: str, offer: DeploymentOffer) -> Terms:
        """What is offered, once it is approved, signed, possible and not over."""
        found = Terms(Envelope.from_json(offer.manifest), Envelope.from_json(offer.watchlist), _NOT_YET)
        manifest = DeploymentManifest.read(found.manifest_statement)
        chosen = profile(manifest.profile.name)
        trust.check_deployment(found.manifest_statement, self.register, chosen)
        trust.check_watchlist(found.watchlist_statement, self.register, chosen, manifest)
        if manifest.deployment != name:
            raise StatementMismatch("The manifest is for another deployment than the address.")
        if datetime.now(UTC) >= instant(manifest.window.not_after):
            raise OutsideWindow("The manifest has expired.", "Have a new one approved.")
        if self._log not in (party.key for party in found.log_policy.logs.values()):
            raise StatementMismatch(
                "The policy of witnesses in the manifest does not have the log of this server.",
                "Its key is in the file log.vkey of the server's store.",
            )
        applying = self.rules(manifest.preset)
        if applying.use != manifest.use:
            raise WrongUse("The preset of the manifest is for another use than the manifest.")
        applying.check_threshold(manifest.thresholds.gate)
        applying.check_shape(found.watchlist)
        return found


def _own_name(register: Register, identity: Identity) -> str:
    person = register.holder(identity.public)
    if person.role is not PersonRole.SERVER:
        raise ConfigurationError("The register has this server's keys in another role than 'server'.")
    return person.name
