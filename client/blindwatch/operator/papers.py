"""The files that an operator has for one deployment, and whose they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from blindwatch.cli import files
from blindwatch.operator import unlocking
from blindwatch.operator.removals import read_removal
from blindwatch.secret.candidates import Album
from blindwatch.secret.keys import SecretKey
from blindwatch.secret.ranked import RankSecret
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.package import OperatorPackage
from blindwatch.statements.register import Register
from blindwatch.statements.signing import Identity


@dataclass(frozen=True)
class Papers:
    """An operator's files for a list or a gallery: its entries without names, the register, signing keys."""

    package: OperatorPackage
    register: Register
    identity: Path
    removal: Envelope | None = None
    faces: Path | None = None
    """The faces of the entries, where they are to be looked at."""

    @classmethod
    def read(
        cls, entries: Path, register: Path, identity: Path, removal: Path | None, faces: Path | None = None
    ) -> Self:
        """The papers in these files; raises what says which is none."""
        package, people = OperatorPackage.load(entries), Register.load(register)
        return cls(package, people, identity, read_removal(removal), faces)

    @property
    def keys(self) -> Identity:
        """The signing keys; raises ConfigurationError."""
        return Identity.from_pem(files.read(self.identity, "signing keys"))

    @property
    def operator(self) -> str:
        """Whose signing keys these are; raises ConfigurationError."""
        return unlocking.operator_of(self.keys, self.register)

    def album(self, secret: SecretKey | RankSecret) -> Album | None:
        """The faces, if they are to be looked at and the package names them."""
        digest = self.package.candidates
        return None if digest is None or self.faces is None else Album.load(self.faces, digest, secret)
