"""Collecting a bundle from a server, from files that people hand over, and from an operator's log.

It can be done again: before the closing for what the closing destroys, and after it for the secret of the masks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blindwatch.cli import files
from blindwatch.errors import (
    ConfigurationError,
    DeploymentClosed,
    LogMissing,
    NotClosed,
    NotFound,
    StatementMismatch,
)
from blindwatch.oversight import bundle as places
from blindwatch.oversight.bundle import Statement, statement
from blindwatch.oversight.log_source import newest, the_log
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import (
    Challenge,
    DeploymentManifest,
    Receipt,
    Revocation,
    Tombstone,
    Watchlist,
)
from blindwatch.statements.statement import Predicate
from blindwatch.tlog.fetching import Fetch, from_folder
from blindwatch.tlog.following import follow
from blindwatch.tlog.keys import Use, VerifierKey
from blindwatch.tlog.reading import read_checkpoint
from blindwatch.tlog.tiles import CHECKPOINT
from blindwatch.wire import limits
from blindwatch.wire.client import ServerClient

Shown = Callable[[str], None]
"""Is told what was collected."""
_PARTIAL: Final = ".p/"


@dataclass(frozen=True)
class Collector:
    """Fills the folder of a bundle of one deployment."""

    folder: Path
    deployment: str
    shown: Shown

    def statements_of(self, client: ServerClient) -> None:
        """The manifest and the list in force with its removals, or the receipt of a deployment that is over."""
        name = self.deployment
        try:
            info = client.get_deployment(name)
            self.add(client.get_manifest(name))
            self.add(client.get_watchlist(name))
            for sequence in range(1, info.tombstone + 1):
                self.add(client.get_tombstone_of(name, sequence))
        except DeploymentClosed:
            with suppress(NotFound):
                self.add(client.get_receipt(name))

    def ciphertexts_of(self, client: ServerClient) -> None:
        """The public keys and the ciphertexts of the list in force, as long as there are any."""
        try:
            manifest = DeploymentManifest.read(Envelope.from_json(client.get_manifest(self.deployment)))
            listed = Watchlist.read(Envelope.from_json(client.get_watchlist(self.deployment)))
        except DeploymentClosed:
            return
        self._fetch(client, places.KEYS, [manifest.bundle_digest])
        self._fetch(client, places.BLOBS, sorted(listed.blobs))

    def kept_of(self, client: ServerClient) -> None:
        """The probes that were drawn, as far as they are not here yet."""
        with suppress(NotFound):
            for probe_id in client.kept(self.deployment).probes:
                path = self._place(places.KEPT, f"{probe_id}.cbor")
                if not path.exists():
                    kept = client.get_kept(self.deployment, probe_id)
                    files.replace_private(path, kept.to_cbor(), "probe")
                    self.shown(f"probe {probe_id}")

    def mask_secret_of(self, client: ServerClient) -> None:
        """The secret of the masks, once the deployment is over."""
        path = self.folder / places.MASK_SECRET
        with suppress(NotClosed, NotFound):
            if not path.exists():
                files.replace_private(path, client.get_mask_secret(self.deployment), "secret of the masks")
                self.shown("the secret of the masks")

    def log_of(self, fetch: Fetch, key: VerifierKey) -> int:
        """The whole log, verified as it is copied; returns its size.

        Raises LogForked or LogRolledBack, of which evidence is kept in the folder, or another LogError.
        """
        return _mirror(fetch, key, self.folder / places.LOG, self.folder)

    def operator_log(self, site: Path) -> int:
        """The log of an operator's side, with its key beside it; returns its size."""
        text = files.read_at_most(site / places.OPERATOR_KEY, limits.KIB, "key of the operator's log")
        key = VerifierKey.parse(text.decode(errors="replace").strip(), Use.LOG)
        target = self.folder / places.OPERATOR_LOG
        size = _mirror(from_folder(site), key, target, self.folder)
        files.replace_private(target / places.OPERATOR_KEY, f"{key}\n".encode(), "key of the operator's log")
        for path in sorted((site / places.OPERATOR_EVIDENCE).glob("*.age")):
            data = files.read_at_most(path, limits.EVIDENCE, "evidence of an alert")
            (target / places.OPERATOR_EVIDENCE).mkdir(mode=0o700, exist_ok=True)
            files.replace_private(target / places.OPERATOR_EVIDENCE / path.name, data, "evidence of an alert")
        return size

    def add_files(self, given: Iterable[Path]) -> None:
        """Statements that people hand over: files, or folders with files of signed statements."""
        for path in given:
            for each in sorted(path.glob("*.dsse.json")) if path.is_dir() else [path]:
                self.add(files.read_at_most(each, limits.ENVELOPE, "statement"))

    def add(self, data: bytes) -> None:
        """A statement of the deployment; of two with the same words the one with more signatures is kept."""
        found = statement(data)
        if getattr(found.content, "deployment", self.deployment) != self.deployment:
            raise StatementMismatch("A statement is about another deployment than the bundle's.")
        path = self._place(places.STATEMENTS, f"{_named(found)}.dsse.json")
        held = Envelope.from_json(path.read_bytes()).signatures if path.exists() else ()
        if len(found.envelope.signatures) > len(held) or not path.exists():
            files.replace_private(path, data, "statement")
            self.shown(path.name)

    def manifest(self) -> DeploymentManifest:
        """The newest version of the manifest that was collected."""
        paths = (self.folder / places.STATEMENTS).glob("manifest-*.dsse.json")
        found = [DeploymentManifest.read(Envelope.from_json(path.read_bytes())) for path in paths]
        if not found:
            raise ConfigurationError(
                "The bundle has no manifest, and the server gives none any more.",
                "Hand it over with --add, as custodians and cameras have it.",
            )
        return max(found, key=lambda each: each.version)

    def key(self) -> VerifierKey:
        """The key of the log that the manifest names."""
        return the_log(self.manifest().read_log_policy())

    def _fetch(self, client: ServerClient, folder: str, digests: Iterable[str]) -> None:
        for digest in digests:
            path = self._place(folder, digest)
            if not path.exists():
                files.replace_private(path, client.get_blob(self.deployment, digest), "ciphertext")
                self.shown(f"ciphertext {digest[:16]}")

    def _place(self, folder: str, name: str) -> Path:
        place = self.folder / folder
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        return place / name


def _named(found: Statement[Predicate]) -> str:
    content, digest = found.content, found.envelope.digest[:16]
    match content:
        case DeploymentManifest():
            kind = f"manifest-{content.version}"
        case Tombstone():
            kind = f"tombstone-{content.sequence}"
        case Revocation():
            kind = f"revocation-{content.camera_key[:16]}"
        case Challenge():
            kind = f"challenge-{content.end}"
        case Receipt():
            kind = f"receipt-{content.signer}"
        case _:
            kind = type(content).__name__.lower()
    return f"{kind}-{digest}"


def _mirror(fetch: Fetch, key: VerifierKey, target: Path, evidence: Path) -> int:
    """Copy a log into a folder, while all of it is verified; what cannot change any more is not fetched again."""
    local = from_folder(target)
    try:
        kept = read_checkpoint(local, key)
    except LogMissing:
        kept = None
    signed = newest(fetch, key, kept, evidence)

    def through(path: str, limit: int) -> bytes:
        if _PARTIAL not in path:
            with suppress(LogMissing):
                return local(path, limit)
        data = fetch(path, limit)
        place = target / path
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        files.replace_private(place, data, "copy of the log")
        return data

    follow(through, None, signed.checkpoint, lambda _index, _entries: None)
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    files.replace_private(target / CHECKPOINT, signed.to_bytes(), "checkpoint")
    return signed.checkpoint.size
