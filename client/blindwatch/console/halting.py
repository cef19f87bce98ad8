"""Stop: the server is told by a signed statement, again and again until it takes nothing more."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from threading import Event
from typing import Final

from blindwatch.errors import BlindwatchError, DeploymentClosed, StatementMismatch
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Stop
from blindwatch.statements.signing import Identity
from blindwatch.wire.client import ServerClient
from blindwatch.wire.messages import stamp

_REASON: Final = "Stopped by an operator at the console"
_NAP_SECONDS: Final = 1.0


@dataclass
class Halt:
    """One stop: who pressed it and when, and whether the server has it."""

    operator: str
    at: datetime
    deployment: str
    manifest_digest: str
    """The version that is stopped; of another one, should the server have that in force by now."""
    identity: Identity = field(repr=False)
    told: Event = field(default_factory=Event)
    refused: BlindwatchError | None = None
    """Why the server did not take it the last time."""

    def statement(self) -> Envelope:
        """The stop, signed with the keys of whoever holds the key of the deployment."""
        stop = Stop(
            deployment=self.deployment,
            manifest_digest=self.manifest_digest,
            reason=_REASON,
            issued_at=stamp(self.at),
        )
        return stop.envelope().signed_by(self.identity)

    def tell(self, client: ServerClient) -> str:
        """Tell the server once, and set `told` if it takes nothing more; the digest of what it was told."""
        statement = self.statement()
        try:
            client.stop_deployment(self.deployment, statement.to_json())
        except DeploymentClosed:
            self.told.set()
        except BlindwatchError as error:
            self.refused = error
            if isinstance(error, StatementMismatch):
                self._follow(client)
        else:
            self.told.set()
        return statement.digest

    def keep_telling(self, client: ServerClient) -> None:
        """Tell the server until it has it."""
        while not self.told.wait(_NAP_SECONDS):
            self.tell(client)

    def _follow(self, client: ServerClient) -> None:
        """Another version came into force meanwhile: that one is stopped then."""
        try:
            self.manifest_digest = client.get_deployment(self.deployment).manifest_digest
        except BlindwatchError as error:
            self.refused = error
