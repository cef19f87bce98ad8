"""Upload of a deployment: what was approved, then the ciphertexts that it names, then its activation."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from pathlib import Path
from typing import Final

from blindwatch.cli import files
from blindwatch.custodian.ceremony import ENCRYPTION, EVALUATION
from blindwatch.errors import ConfigurationError, StatementMismatch
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import DeploymentManifest, Watchlist
from blindwatch.wire.client import ServerClient
from blindwatch.wire.messages import DeploymentOffer

BLOBS: Final = "blobs"
STATEMENT: Final = "watchlist.dsse.json"


class Upload:
    """One deployment on its way to a server. Repeating an upload changes nothing, so it can simply be tried again."""

    def __init__(self, client: ServerClient, manifest: Path, keys: Path, watchlist: Path) -> None:
        self._client = client
        self._blobs = watchlist / BLOBS
        approved = Envelope.from_json(files.read(manifest, "deployment's manifest"))
        listed = Envelope.from_json(files.read(watchlist / STATEMENT, "watchlist's statement"))
        self._manifest = DeploymentManifest.read(approved)
        self._listed = Watchlist.read(listed)
        if self._manifest.watchlist.digest != listed.digest:
            raise StatementMismatch(
                "The manifest was approved for another watchlist.", "Have it approved with this one."
            )
        bundle = ENCRYPTION if self._manifest.use == "ranked" else EVALUATION
        self._offer = DeploymentOffer(
            manifest=approved.to_json(),
            watchlist=listed.to_json(),
            bundle=files.read(keys / bundle, "keys for the server"),
        )

    @property
    def deployment(self) -> str:
        """The name of the deployment."""
        return self._manifest.deployment

    @property
    def parts(self) -> int:
        """Ciphertexts to send."""
        return len(self._listed.blobs)

    def send(self) -> Generator[int, None, None]:
        """Send everything; yields the bytes of each ciphertext once the server has it."""
        self._client.put_deployment(self.deployment, self._offer)
        for digest in sorted(self._listed.blobs):
            data = files.read(self._blobs / digest, "watchlist")
            if hashlib.sha256(data).hexdigest() != digest:
                raise ConfigurationError(
                    "A file of the watchlist was changed after enrolment.", "Enrol the watchlist again."
                )
            self._client.put_blob(self.deployment, data)
            yield len(data)
        self._client.activate(self.deployment)
