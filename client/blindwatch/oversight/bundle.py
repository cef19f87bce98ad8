"""A bundle: the folder in which an oversight body collects what there is to check of one deployment.

Whoever made it is not trusted. Everything in it is bounded, and means nothing before a check has verified it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, Generic, Self, TypeVar

from pydantic import Field, ValidationError

from blindwatch.cli import files
from blindwatch.errors import ConfigurationError, MalformedMessage, StatementMismatch, TooLarge
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import (
    Authorisation,
    Challenge,
    Closing,
    DeploymentManifest,
    Receipt,
    Revocation,
    Stop,
    Tombstone,
    Watchlist,
)
from blindwatch.statements.statement import Fields, Line, Predicate
from blindwatch.wire import limits
from blindwatch.wire.messages import Count, DeploymentId, Digest, KeptProbe, Timestamp

FORMAT: Final = 1
INFO: Final = "bundle.json"
LOG: Final = "log"
OPERATOR_LOG: Final = "operator-log"
OPERATOR_KEY: Final = "vkey"
OPERATOR_EVIDENCE: Final = "evidence"
STATEMENTS: Final = "statements"
KEYS: Final = "keys"
BLOBS: Final = "blobs"
KEPT: Final = "kept"
MASK_SECRET: Final = "mask-secret"  # noqa: S105 - the name of a file
SCAN: Final = "scan.json"
REGISTER: Final = "register.toml"
_SECRET_BYTES: Final = 32
_KINDS: Final[tuple[type[Predicate], ...]] = (
    DeploymentManifest,
    Watchlist,
    Tombstone,
    Revocation,
    Authorisation,
    Stop,
    Closing,
    Challenge,
    Receipt,
)

Said = TypeVar("Said", bound=Predicate)


class PresetNote(Fields):
    """A parameter preset, and what it is said to withstand."""

    name: Line
    security: Line


class Package(Fields):
    """An installed package."""

    name: Line
    version: Line


class Info(Fields):
    """What a bundle says about itself. None of it is trusted."""

    format: Annotated[int, Field(ge=1, le=FORMAT)]
    deployment: DeploymentId
    exported_at: Timestamp
    software: Line
    presets: tuple[PresetNote, ...]
    models: tuple[Digest, ...]
    packages: Annotated[tuple[Package, ...], Field(max_length=limits.BUNDLE_PACKAGES)]
    log_size: Count


@dataclass(frozen=True)
class Statement(Generic[Said]):
    """A statement that nobody has verified: what was signed, and what it says."""

    envelope: Envelope
    content: Said


@dataclass
class Statements:
    """All statements of a bundle by their kind, in the order of their file names, and the files that are none."""

    found: dict[type[Predicate], list[Statement[Predicate]]] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)

    def of(self, kind: type[Said]) -> list[Statement[Said]]:
        """The statements of one kind."""
        every = self.found.get(kind, [])
        return [Statement(each.envelope, each.content) for each in every if isinstance(each.content, kind)]

    def add(self, name: str, data: bytes) -> None:
        """Read the bytes of one file."""
        try:
            read = statement(data)
        except (MalformedMessage, TooLarge, StatementMismatch):
            self.unreadable.append(name)
            return
        self.found.setdefault(type(read.content), []).append(read)


def statement(data: bytes) -> Statement[Predicate]:
    """The statement in the bytes of a file, of any kind that a bundle has.

    Raises MalformedMessage, TooLarge or StatementMismatch.
    """
    envelope = Envelope.from_json(data)
    for kind in _KINDS:
        try:
            return Statement(envelope, kind.read(envelope))
        except StatementMismatch:
            continue
    raise StatementMismatch("The statement is of a kind that no bundle has.")


class Bundle:
    """The folder, opened for reading."""

    def __init__(self, folder: Path, info: Info) -> None:
        self.folder = folder
        self.info = info

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a bundle; raises ConfigurationError, MalformedMessage or TooLarge."""
        _check_plain(folder)
        data = _read(folder / INFO, limits.BUNDLE_INFO, "bundle's description")
        try:
            return cls(folder, Info.model_validate_json(data, by_alias=True, by_name=False))
        except ValidationError:
            raise MalformedMessage(f"The file {INFO} does not describe a bundle of this version.") from None

    @property
    def deployment(self) -> str:
        """The deployment that the bundle says it is about."""
        return self.info.deployment

    @property
    def log(self) -> Path:
        """The copy of the server's log."""
        return self.folder / LOG

    @property
    def operator_log(self) -> Path:
        """The copy of the operator's log, which need not be there."""
        return self.folder / OPERATOR_LOG

    @cached_property
    def statements(self) -> Statements:
        """All statements; raises TooLarge if there are too many."""
        found = Statements()
        for path in _listed(self.folder / STATEMENTS, limits.BUNDLE_STATEMENTS, "statements"):
            found.add(path.name, _read(path, limits.ENVELOPE, "statement"))
        return found

    def keys(self, digest: str) -> bytes:
        """The public keys of this digest; raises ConfigurationError, TooLarge or MalformedMessage."""
        return self._named(KEYS, digest, limits.BUNDLE, "public keys")

    def blob(self, digest: str) -> bytes:
        """The ciphertext of this digest; raises ConfigurationError, TooLarge or MalformedMessage."""
        return self._named(BLOBS, digest, limits.RANKED_FORM, "ciphertext of the list")

    def has_blobs(self, digests: frozenset[str]) -> bool:
        """Whether all ciphertexts of these digests are there."""
        return all((self.folder / BLOBS / each).is_file() for each in digests)

    def kept(self) -> Iterator[tuple[str, KeptProbe | None]]:
        """The probes that were drawn, by the names of their files; none for one that cannot be read."""
        for path in _listed(self.folder / KEPT, limits.BUNDLE_KEPT, "probes"):
            data = _read(path, limits.KEPT, "probe")
            try:
                yield path.stem, KeptProbe.from_cbor(data)
            except (MalformedMessage, TooLarge):
                yield path.stem, None

    @property
    def mask_secret(self) -> bytes | None:
        """The secret that seeded the masks, if it is there; raises MalformedMessage if it is none."""
        path = self.folder / MASK_SECRET
        if not path.exists():
            return None
        secret = _read(path, _SECRET_BYTES, "secret of the masks")
        if len(secret) != _SECRET_BYTES:
            raise MalformedMessage("The secret of the masks does not have 32 bytes.")
        return secret

    @property
    def scan(self) -> bytes | None:
        """The report of a search for plaintext, if it is there."""
        path = self.folder / SCAN
        return _read(path, limits.BUNDLE_SCAN, "report of the search") if path.exists() else None

    def _named(self, folder: str, digest: str, limit: int, what: str) -> bytes:
        data = _read(self.folder / folder / digest, limit, what)
        if hashlib.sha256(data).hexdigest() != digest:
            raise MalformedMessage(f"A file of the bundle is not the {what} that its name says.")
        return data


def _check_plain(folder: Path) -> None:
    """Refuse links and pipes: nobody who hands over a bundle may lead its reader out of it, or keep them waiting."""
    for path in folder.rglob("*"):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise MalformedMessage("The bundle holds something else than plain files and folders.")


def _read(path: Path, limit: int, what: str) -> bytes:
    if not path.is_file():
        raise ConfigurationError(f"The bundle has no {what} where it should be.", "Export it again.")
    return files.read_at_most(path, limit, what)


def _listed(folder: Path, most: int, what: str) -> list[Path]:
    """The files of a folder by name; none if there is no folder."""
    if not folder.is_dir():
        return []
    found: list[Path] = []
    for path in folder.iterdir():
        if len(found) == most:
            raise TooLarge(f"The bundle has more {what} than {most:,}.")
        if not path.name.startswith("."):
            found.append(path)
    return sorted(found)
