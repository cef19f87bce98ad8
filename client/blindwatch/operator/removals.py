"""Removals from a list, as the operator holds the server to them: none is taken back, and none is ignored."""

from __future__ import annotations

from pathlib import Path

from blindwatch.cli import files
from blindwatch.errors import RemovalIgnored
from blindwatch.operator.reading import Match
from blindwatch.statements import trust
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import DeploymentManifest, Tombstone
from blindwatch.statements.register import Register
from blindwatch.wire.client import ServerClient


def read_removal(path: Path | None) -> Envelope | None:
    """The removal in a custodian's file, if there is one, verified by nobody yet."""
    return None if path is None else Envelope.from_json(files.read(path, "removal"))


class Removals:
    """The newest removal of one deployment that the operator has seen, on the server or in the custodian's file."""

    def __init__(
        self, client: ServerClient, manifest: DeploymentManifest, register: Register, handed: Envelope | None
    ) -> None:
        self._client = client
        self._manifest = manifest
        self._register = register
        self._newest = None if handed is None else trust.check_removal(handed, register, manifest)
        self.refresh()

    @property
    def watchlist(self) -> str:
        """The list that entries may be removed from, by the digest of its statement."""
        return self._manifest.watchlist.digest

    def refresh(self) -> None:
        """Ask the server for its newest removal; raises RemovalIgnored if it is older than one that was seen."""
        data = self._client.get_tombstone(self._manifest.deployment)
        served = (
            None
            if data is None
            else trust.check_removal(Envelope.from_json(data), self._register, self._manifest)
        )
        if self._newest is not None and not goes_on(served, self._newest):
            raise RemovalIgnored(
                "The server does not have the newest removal from the list.",
                "Have a custodian send it again, and tell the oversight body if it was there before.",
            )
        self._newest = served

    def ask(self, client: ServerClient) -> None:
        """Ask by another connection from now on, and ask once; what was seen counts on."""
        self._client = client
        self.refresh()

    @property
    def newest(self) -> tuple[int, frozenset[int]]:
        """The sequence of the newest removal that was seen, 0 if there is none, and all entries that are removed."""
        return (
            (0, frozenset())
            if self._newest is None
            else (self._newest.sequence, frozenset(self._newest.removed))
        )

    def sort_out(self, matches: list[Match], sequence: int) -> tuple[list[Match], bool]:
        """The matches with entries that were not removed, and whether the server ignored a removal.

        The sequence is that of the removal with which the server says that it computed the result. A result from
        before the removal may hold such a match, which is dropped; one from after it may not.
        """
        newest, removed = self.newest
        left = [match for match in matches if match.entry not in removed]
        return left, len(left) < len(matches) and sequence >= newest


def goes_on(served: Tombstone | None, seen: Tombstone) -> bool:
    """Whether what the server has is at least as new as what was seen, and takes back nothing of it."""
    if served is None or served.sequence < seen.sequence:
        return False
    if served.sequence == seen.sequence:
        return served.removed == seen.removed
    return set(seen.removed) <= set(served.removed)
