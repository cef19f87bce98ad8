"""The people of a force, and statements that they sign, for any deployment a test thinks of."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

import pyrage
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from blindwatch.policy.profile import Profile, profile
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import (
    CameraKey,
    DeploymentManifest,
    Document,
    ListRef,
    Prediction,
    ProfileRef,
    Thresholds,
    Watchlist,
    Window,
)
from blindwatch.statements.register import Person, PersonRole, Register, entry
from blindwatch.statements.signing import Identity
from blindwatch.tlog.keys import Signer, Use

from .crops import crop_key
from .witnessing import credulous

ROLES = {
    "a.khan": PersonRole.CUSTODIAN,
    "b.osei": PersonRole.CUSTODIAN,
    "c.ruiz": PersonRole.CUSTODIAN,
    "d.silva": PersonRole.AUTHORISING_OFFICER,
    "f.lund": PersonRole.AUTHORISING_OFFICER,
    "e.novak": PersonRole.OPERATOR,
    "g.okoro": PersonRole.OPERATOR,
    "o.ngo": PersonRole.OVERSIGHT,
    "server-1": PersonRole.SERVER,
}
CREATOR = "a.khan"
EVIDENCE_KEY = pyrage.x25519.Identity.generate()
"""What an oversight body opens the evidence of alerts with."""
BLANK = "00" * 32
CAMERA = "gate-1"


def stamp(at: datetime) -> str:
    """A time as statements carry it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def camera_key(name: str, key: Ed25519PrivateKey) -> CameraKey:
    """A camera as a manifest lists it."""
    return CameraKey(name=name, ed25519=base64.b64encode(key.public_key().public_bytes_raw()).decode())


@dataclass(frozen=True)
class Force:
    """Everybody with their private keys, as nobody ever has them."""

    profile_name: str = "demo"
    same_as: Force | None = None
    """Another force of the same people, under another profile."""

    @cached_property
    def identities(self) -> dict[str, Identity]:
        if self.same_as is not None:
            return self.same_as.identities
        return {name: Identity.generate() for name in ROLES}

    @cached_property
    def register(self) -> Register:
        return Register(Person(name, role, self.identities[name].public) for name, role in ROLES.items())

    @cached_property
    def camera(self) -> Ed25519PrivateKey:
        """The key of the one camera that manifests list unless a test says otherwise."""
        return self.same_as.camera if self.same_as is not None else Ed25519PrivateKey.generate()

    @cached_property
    def log(self) -> Signer:
        """The key of the server's log."""
        return self.same_as.log if self.same_as is not None else Signer.generate("server-1.test/log", Use.LOG)

    @cached_property
    def witness(self) -> Signer:
        """The key of a witness."""
        if self.same_as is not None:
            return self.same_as.witness
        return Signer.generate("witness-1.test", Use.WITNESS)

    @cached_property
    def witness_address(self) -> str:
        """Where that witness is reached; it is there from now on."""
        return self.same_as.witness_address if self.same_as is not None else credulous(self.witness)

    @property
    def log_policy(self) -> str:
        """The server's log, with as many witnesses as the profile asks for: none, or one."""
        if not self.profile.witnesses:
            return f"log {self.log.verifier}\nquorum none\n"
        witness = f"witness witness-1 {self.witness.verifier} {self.witness_address}"
        return f"log {self.log.verifier}\n{witness}\nquorum witness-1\n"

    @property
    def profile(self) -> Profile:
        return profile(self.profile_name)

    @property
    def category(self) -> str:
        """A reason to be on a list that the profile has."""
        return self.profile.categories[0].name

    def write_register(self, path: Path) -> Path:
        path.write_text("\n".join(entry(person) for person in self.register.people))
        return path

    def write_identity(self, name: str, path: Path) -> Path:
        path.touch(mode=0o600)
        path.write_bytes(self.identities[name].to_pem())
        return path

    def write_camera(self, path: Path) -> Path:
        path.touch(mode=0o600)
        path.write_bytes(self.camera.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return path

    def sign(self, envelope: Envelope, *names: str) -> Envelope:
        for name in names:
            envelope = envelope.signed_by(self.identities[name])
        return envelope

    def watchlist(self, watchlist: Watchlist) -> Envelope:
        """A list with the signatures that its profile asks for."""
        return self.sign(
            watchlist.envelope(), *self._of(PersonRole.CUSTODIAN)[: self.profile.list_signatures]
        )

    def manifest(self, manifest: DeploymentManifest) -> Envelope:
        """A manifest with the signatures that its profile asks for."""
        officers = self._of(PersonRole.AUTHORISING_OFFICER)[: self.profile.approvals]
        return self.sign(manifest.envelope(), manifest.creator, *officers)

    def _of(self, role: PersonRole) -> list[str]:
        return [name for name, held in ROLES.items() if held is role]


def a_watchlist(force: Force, **changes: object) -> Watchlist:
    """A list of ten test subjects; its blocks and digests are to be given where they matter."""
    content: dict[str, object] = {
        "deployment": "gate-4",
        "preset": "insecure-noop-128",
        "key_id": BLANK,
        "model_digest": "ab" * 32,
        "built_at": stamp(datetime.now(UTC)),
        "entries": 10,
        "under_age": 0,
        "builder": CREATOR,
        "blocks": ((BLANK,),),
        "package_digest": BLANK,
        "membership_digest": BLANK,
        **changes,
    }
    content.setdefault("by_category", {force.category: content["entries"]})
    return Watchlist.model_validate(content)


def a_manifest(force: Force, watchlist: Watchlist, listed: Envelope, **changes: object) -> DeploymentManifest:
    """A manifest for a list that runs from a minute ago for an hour and a half."""
    start = datetime.now(UTC) - timedelta(minutes=1)
    content: dict[str, object] = {
        "deployment": watchlist.deployment,
        "version": 1,
        "profile": ProfileRef(
            name=force.profile.name, version=force.profile.version, digest=force.profile.digest
        ),
        "use": "reveal",
        "purpose": "To try the software out",
        "place": "A loopback interface",
        "window": Window(not_before=stamp(start), not_after=stamp(start + timedelta(minutes=90))),
        "cameras": (camera_key(CAMERA, force.camera),),
        "model_digest": watchlist.model_digest,
        "preset": watchlist.preset,
        "key_id": watchlist.key_id,
        "bundle_digest": BLANK,
        "thresholds": Thresholds(similarity=0.7, gate=140, fine=22400),
        "predicted": Prediction(false_match_rate=1e-6, false_alerts_per_1000=0.01),
        "watchlist": ListRef(
            digest=listed.digest,
            built_at=watchlist.built_at,
            entries=watchlist.entries,
            by_category=watchlist.by_category,
            under_age=watchlist.under_age,
            second_approvals=watchlist.second_approvals,
        ),
        "documents": documents(force, start + timedelta(days=1)),
        "log_policy": force.log_policy,
        "evidence_recipient": str(EVIDENCE_KEY.to_public()) if force.profile.matched_input else None,
        "creator": CREATOR,
        **changes,
    }
    content.setdefault("crop_key", crop_key() if content["use"] == "reveal" else None)
    return DeploymentManifest.model_validate(content)


def documents(force: Force, expires: datetime) -> tuple[Document, ...]:
    """All the documents that the profile requires."""
    return tuple(
        Document(
            kind=kind, version="1", digest=hashlib.sha256(kind.encode()).hexdigest(), expires=stamp(expires)
        )
        for kind in force.profile.documents
    )
