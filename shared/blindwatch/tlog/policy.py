"""A policy: which logs are trusted, and whose cosignatures their checkpoints need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from blindwatch.cli import files
from blindwatch.errors import CosignatureMissing, UntrustedCheckpoint
from blindwatch.tlog.checkpoints import Checkpoint, SignedCheckpoint
from blindwatch.tlog.cosignatures import check_cosignature
from blindwatch.tlog.policy_file import NONE, Group, Party, PolicyFile
from blindwatch.wire import limits


@dataclass(frozen=True)
class Trusted:
    """A checkpoint that satisfies a policy, and when each of its witnesses cosigned it, in seconds of POSIX."""

    checkpoint: Checkpoint
    cosigned: Mapping[str, int]


@dataclass(frozen=True)
class Policy:
    """Logs by origin, witnesses and groups by their names in the policy, and the one of these that has to cosign."""

    logs: Mapping[str, Party]
    witnesses: Mapping[str, Party]
    groups: Mapping[str, Group]
    quorum: str | None

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a policy file; raises ConfigurationError or TooLarge."""
        return cls.parse(files.read_at_most(path, limits.LOG_POLICY, "policy of witnesses"))

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a policy; raises ConfigurationError."""
        file = PolicyFile(data)
        return cls(file.logs, file.witnesses, file.groups, None if file.quorum == NONE else file.quorum)

    def check(self, signed: SignedCheckpoint) -> Trusted:
        """The checkpoint, if one of the logs signed it and the quorum cosigned it.

        Raises UntrustedCheckpoint, or CosignatureMissing, which says whose cosignature there is not.
        """
        log = self.logs.get(signed.checkpoint.origin)
        if log is None:
            raise UntrustedCheckpoint("The policy does not have the log of the checkpoint.")
        checkpoint = signed.verify(log.key)
        cosigned = self._cosigned(signed)
        missing = self._missing(self.quorum, cosigned) if self.quorum else []
        if missing:
            raise CosignatureMissing(
                f"The checkpoint is not cosigned as it has to be: not by {', '.join(missing)}.",
                "Ask for it again when the witnesses have seen it.",
                missing,
            )
        return Trusted(checkpoint, cosigned)

    @property
    def least(self) -> int:
        """The fewest witnesses whose cosignatures can make a quorum."""
        return self._least(self.quorum) if self.quorum else 0

    def _least(self, name: str) -> int:
        if name in self.witnesses:
            return 1
        group = self.groups[name]
        return sum(sorted(map(self._least, group.members))[: group.threshold])

    def _cosigned(self, signed: SignedCheckpoint) -> dict[str, int]:
        times = {}
        for name, witness in self.witnesses.items():
            try:
                times[name] = check_cosignature(signed, witness.key)
            except CosignatureMissing:
                continue
        return times

    def _missing(self, name: str, cosigned: Mapping[str, int]) -> list[str]:
        """The witnesses that are missing below a name; none if it has witnessed the checkpoint."""
        if name in self.witnesses:
            return [] if name in cosigned else [name]
        group = self.groups[name]
        lacking = [found for member in group.members if (found := self._missing(member, cosigned))]
        if len(group.members) - len(lacking) >= group.threshold:
            return []
        return [each for found in lacking for each in found]
