"""The log of what the server does: a record is durable before anybody can see the effect of what it records."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from blindwatch.errors import CosignatureMissing
from blindwatch.matching.cosigning import Cosigner
from blindwatch.records.record import Record
from blindwatch.tlog.checkpoints import SignedCheckpoint
from blindwatch.tlog.keys import VerifierKey
from blindwatch.tlog.log import Log
from blindwatch.tlog.policy import Policy
from blindwatch.tlog.proofs import LogProof
from blindwatch.wire.messages import Logged


class Ledger:
    """Appends records, and proves that the log has them, to whoever asks for certain cosignatures."""

    def __init__(self, log: Log, site: Path, name: VerifierKey, cosigner: Cosigner) -> None:
        self.site = site
        self.name = name
        self._log = log
        self._cosigner = cosigner

    async def record(self, *records: Record) -> int:
        """Record what is about to be done and return the index of the first; raises LogUnwritable."""
        entries = [record.to_cbor() for record in records]
        index = await asyncio.to_thread(self._log.append, entries)
        self._cosigner.ask()
        return index

    @property
    def published(self) -> SignedCheckpoint:
        """The newest checkpoint that readers get to see."""
        return self._cosigner.published

    @property
    def size(self) -> int:
        """How many records there are."""
        return self._log.checkpoint.checkpoint.size

    def entries(self, first: int, end: int) -> list[bytes]:
        """The records of a range."""
        return list(self._log.entries(first, end))

    def entry(self, index: int) -> bytes:
        """An entry of the log."""
        return self._log.view().entry(index)

    def root_at(self, size: int) -> bytes:
        """The root of the log at its first entries."""
        return self._log.view().root_at(size)

    async def proven(self, records: Iterable[tuple[int, bytes]], policy: Policy, wait: float) -> list[Logged]:
        """Records, each with its index, with proofs under a checkpoint that satisfies the policy.

        Waits up to so many seconds for the witnesses; raises CosignatureMissing.
        """
        found = list(records)
        if not found:
            return []
        size = 1 + max(index for index, _ in found)
        signed = await self._cosigner.covering(size, policy, wait)
        if signed is None:
            raise CosignatureMissing(
                "The witnesses have not cosigned yet what the log has.",
                "Try again; if it stays so, see whether the witnesses of the manifest's policy can be reached.",
            )
        view = self._log.view_at(signed.checkpoint)

        def prove() -> list[Logged]:
            return [
                Logged(
                    record=record,
                    proof=LogProof(index, tuple(view.prove_inclusion(index)), signed).to_bytes(),
                )
                for index, record in found
            ]

        return await asyncio.to_thread(prove)
