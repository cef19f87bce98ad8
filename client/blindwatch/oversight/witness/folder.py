"""The folder of a witness: its key, and what it remembers of logs. It is made by a call of its own, once."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from blindwatch.cli import files
from blindwatch.errors import ConfigurationError
from blindwatch.tlog.keys import Signer, Use, VerifierKey
from blindwatch.tlog.witness import Witness
from blindwatch.tlog.witness_state import WitnessState

VKEY: Final = "witness.vkey"
EVIDENCE: Final = "state/evidence"
_KEY: Final = "witness.pem"
_STATE: Final = "state"


class WitnessFolder:
    """A folder that `create` made."""

    def __init__(self, folder: Path) -> None:
        self.evidence = folder / EVIDENCE
        self._folder = folder
        if not (folder / VKEY).is_file():
            raise ConfigurationError(
                "The folder is not that of a witness.", "Make one with: blindwatch oversight witness init"
            )

    @classmethod
    def create(cls, folder: Path, name: str) -> VerifierKey:
        """Make a folder with a new key of this name and nothing remembered; raises ConfigurationError."""
        signer = Signer.generate(name, Use.WITNESS)
        with files.new_folder(folder, "witness") as part:
            files.write_private(part / _KEY, signer.to_pem(), "witness's key")
            files.write_private(part / VKEY, f"{signer.verifier}\n".encode(), "witness's public key")
            Witness.create(part / _STATE)
        return signer.verifier

    @property
    def key(self) -> VerifierKey:
        """The public key, which policies name."""
        return VerifierKey.parse(files.read_line(self._folder / VKEY, "witness's public key"), Use.WITNESS)

    @property
    def state(self) -> WitnessState:
        """What is remembered, for reading while the witness may be at work."""
        return WitnessState(self._folder / _STATE)

    def open(self) -> Witness:
        """The witness at work; raises LogInUse if another process has it open."""
        signer = Signer.from_pem(files.read(self._folder / _KEY, "witness's key"), self.key.name, Use.WITNESS)
        if signer.verifier != self.key:
            raise ConfigurationError("The two files with the witness's key do not belong together.")
        return Witness(self._folder / _STATE, signer)
