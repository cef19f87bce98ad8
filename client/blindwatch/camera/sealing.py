"""Sealing a face to the operator: the server passes it on, and cannot open it."""

from __future__ import annotations

from blindwatch.errors import WrongUse
from blindwatch.statements.predicates import DeploymentManifest
from blindwatch.vision.image import Image
from blindwatch.vision.portrait import encoded
from blindwatch.wire import crops


class Sealer:
    """Seals faces to the key of a manifest, for one camera."""

    def __init__(self, manifest: DeploymentManifest, camera: str) -> None:
        if manifest.crop_key is None:
            raise WrongUse("The manifest has no key that faces are sealed to.")
        self._recipient = crops.Recipient(manifest.crop_key)
        self._deployment = manifest.deployment
        self._camera = camera

    def seal(self, face: Image, probe_id: str) -> bytes:
        """A face in the framing of portraits as JPEG, sealed; what was made in between is overwritten."""
        image = encoded(face, crops.LONGEST)
        padded = crops.pad(image.data)
        image.fill(0)
        bound = crops.bound_to(self._deployment, self._camera, probe_id)
        try:
            return self._recipient.seal(padded, bound)
        finally:
            padded[:] = bytes(len(padded))
