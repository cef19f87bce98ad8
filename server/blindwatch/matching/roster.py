"""The deployments of this server as they are now, for everybody who serves one of their roles."""

from __future__ import annotations

import asyncio

from blindwatch.errors import (
    DeploymentClosed,
    DeploymentNotReady,
    DeploymentStopped,
    UnknownDeployment,
    WrongUse,
)
from blindwatch.matching.uses import rules
from blindwatch.store.database import Store
from blindwatch.store.deployments import Deployment, Terms
from blindwatch.tlog.policy import Policy
from blindwatch.wire.messages import Use


class Roster:
    """What is held in memory of the store. Changes are made one at a time, by whoever has the turn.

    Nobody keeps the turn while workers compute, so that a removal never waits for a list to be loaded. Whoever needs
    workers for a change, or destroys what they have mapped, has `workers` as well, and takes it first.
    """

    def __init__(self, store: Store) -> None:
        self.turn = asyncio.Lock()
        self.workers = asyncio.Lock()
        self._closed = {closure.id for closure in store.closures.all()}
        every = store.deployments.all()
        self._held = {deployment.id: deployment for deployment in every if deployment.id not in self._closed}

    def __len__(self) -> int:
        return len(self._held)

    @property
    def names(self) -> set[str]:
        """Of every deployment, closed ones as well."""
        return self._closed | self._held.keys()

    def open(self) -> list[Deployment]:
        """Every deployment that is not closed."""
        return list(self._held.values())

    def find(self, name: str) -> Deployment | None:
        """The deployment of this name, if there ever was one; raises DeploymentClosed if it is over."""
        if name in self._closed:
            raise DeploymentClosed(hint="Its name is not used again. The receipt says what was destroyed.")
        return self._held.get(name)

    def get(self, name: str) -> Deployment:
        """The deployment of this name."""
        found = self.find(name)
        if found is None:
            raise UnknownDeployment
        return found

    def log_policies(self) -> list[Policy]:
        """Who has to have seen the log, for each deployment."""
        return [deployment.shown.log_policy for deployment in self._held.values()]

    def is_open(self, name: str) -> bool:
        """Whether the deployment is held."""
        return name in self._held

    def used(self, name: str, use: Use) -> Deployment:
        """The deployment of this name, which must be for this use."""
        deployment = self.get(name)
        if rules(deployment.preset).use != use:
            raise WrongUse
        return deployment

    def ready(self, name: str, use: Use | None = None) -> tuple[Deployment, Terms]:
        """The deployment of this name and its terms in force, which must be for this use, if one is given."""
        deployment = self.get(name) if use is None else self.used(name, use)
        if deployment.in_force is None:
            raise DeploymentNotReady
        return deployment, deployment.in_force

    def taking(self, name: str, use: Use) -> tuple[Deployment, Terms]:
        """As `ready`, for what is to be compared; raises DeploymentStopped."""
        deployment, terms = self.ready(name, use)
        if deployment.is_stopped:
            raise DeploymentStopped(hint="A newer version of its manifest has to be approved.")
        return deployment, terms

    def put(self, deployment: Deployment) -> None:
        """Hold a deployment as it is from now on."""
        self._held[deployment.id] = deployment

    def close(self, name: str) -> None:
        """Hold a deployment no longer; its name stays taken."""
        self._closed.add(name)
        self._held.pop(name, None)
