"""What a camera may do: the manifest of its deployment, once it is verified, and the camera's place in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from blindwatch.errors import ModelMismatch, UnknownCamera, WrongKey, WrongPreset, WrongUse
from blindwatch.he.keys import EncryptionKey
from blindwatch.policy.profile import profile
from blindwatch.statements import trust
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import DeploymentManifest
from blindwatch.statements.register import Register
from blindwatch.wire.signatures import key_id

_OTHER_KEY: Final = "Use the encryption key that the custodian made for this deployment."


@dataclass(frozen=True)
class Mandate:
    """A deployment that was approved, and the name that one camera has in it."""

    manifest: DeploymentManifest
    digest: str
    """Of the manifest as it was signed."""
    camera: str

    @classmethod
    def verified(cls, envelope: Envelope, register: Register, camera: Ed25519PublicKey) -> Self:
        """The mandate of the camera with this key; raises what says why the manifest gives it none."""
        named = DeploymentManifest.read(envelope).profile.name
        manifest = trust.check_deployment(envelope, register, profile(named))
        if manifest.use != "reveal":
            raise WrongUse("The deployment has no cameras: it is for ranked search.")
        listed = next((each for each in manifest.cameras if each.key_id == key_id(camera)), None)
        if listed is None:
            raise UnknownCamera(
                "The manifest does not list this camera's key.",
                "Give the custodian the line that 'blindwatch camera identity' printed.",
            )
        return cls(manifest, envelope.digest, listed.name)

    def check_means(self, key: EncryptionKey, model_digest: str) -> None:
        """Refuse another key, preset or model than the manifest's."""
        if self.manifest.preset != key.preset.name:
            raise WrongPreset("The deployment uses another preset than the camera's key.", _OTHER_KEY)
        if self.manifest.key_id != key.key_id:
            raise WrongKey("The deployment uses another key than the camera's.", _OTHER_KEY)
        if self.manifest.model_digest != model_digest:
            raise ModelMismatch(
                "The deployment's watchlist was made with another model than the camera's.",
                "Choose the pipeline that the watchlist was enrolled with.",
            )

    def check_time(self, at: datetime) -> None:
        """Refuse a time outside the window of the manifest; raises OutsideWindow."""
        trust.check_open(self.manifest, at)
