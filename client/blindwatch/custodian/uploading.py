"""Upload of a deployment: the public keys, then the ciphertexts, then the manifest that puts them into use."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from blindwatch.cli import files
from blindwatch.custodian.ceremony import ENCRYPTION, EVALUATION
from blindwatch.custodian.enrolment import BLOBS, read_manifest
from blindwatch.errors import ConfigurationError
from blindwatch.he.ranked.presets import RANK_PRESETS
from blindwatch.wire.client import ServerClient
from blindwatch.wire.messages import DeploymentOffer, WatchlistManifest


class Upload:
    """One watchlist on its way to a server. Repeating an upload changes nothing, so it can simply be tried again."""

    def __init__(self, client: ServerClient, deployment: str, keys: Path, watchlist: Path) -> None:
        self._client = client
        self._deployment = deployment
        self._blobs = watchlist / BLOBS
        content = read_manifest(watchlist)
        offer = {name: content[name] for name in ("preset", "keyId", "modelDigest", "threshold")}
        ranked = content["preset"] in RANK_PRESETS
        bundle = files.read(keys / (ENCRYPTION if ranked else EVALUATION), "keys for the server")
        listed = {name: content[name] for name in ("entries", "blocks")}
        try:
            self._offer = DeploymentOffer.model_validate(
                {**offer, "use": "ranked" if ranked else "reveal", "bundle": bundle}
            )
            self._manifest = WatchlistManifest.model_validate(listed)
        except ValidationError:
            raise ConfigurationError("The manifest of the watchlist is damaged.", "Enrol it again.") from None

    @property
    def parts(self) -> int:
        """Ciphertexts to send."""
        return sum(len(block) for block in self._manifest.blocks)

    def send(self) -> Iterator[int]:
        """Send everything; yields the bytes of each ciphertext once the server has it."""
        self._client.put_deployment(self._deployment, self._offer)
        for digest in (digest for block in self._manifest.blocks for digest in block):
            data = files.read(self._blobs / digest, "watchlist")
            if hashlib.sha256(data).hexdigest() != digest:
                raise ConfigurationError(
                    "A file of the watchlist was changed after enrolment.", "Enrol the watchlist again."
                )
            self._client.put_blob(self._deployment, data)
            yield len(data)
        self._client.put_watchlist(self._deployment, self._manifest)
