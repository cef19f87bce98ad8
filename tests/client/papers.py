"""What a custodian has on the desk before a deployment is drawn up: keys, a signed list, cameras and documents."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from blindwatch.he.presets import preset
from blindwatch.secret.keys import generate
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.package import OperatorPackage, PackageEntry, Priority
from blindwatch.statements.predicates import DeploymentManifest, Watchlist
from blindwatch.vision.catalogue import Embedder
from blindwatch.vision.pipeline import DEFAULT, model_digest
from blindwatch.vision.registry import Registry

from ..people import Force, a_manifest, a_watchlist, camera_key, stamp
from .lists import write_keys
from .running import NOOP, command

REGISTERED = Registry.load()
MEASURED = REGISTERED.find_as(REGISTERED.pipeline(DEFAULT).embedder, Embedder).operating_point.cosine
"""The threshold of the default model, which was measured and keeps one entry below the caps of profiles."""
ROLES = ("a.khan", "b.osei", "d.silva", "f.lund", "e.novak")
SOON = timedelta(hours=1)


def model() -> str:
    """The digest of the default model."""
    entry = REGISTERED.find_as(REGISTERED.pipeline(DEFAULT).embedder, Embedder)
    assert entry.projection is None
    return model_digest(entry, None)


def entries(count: int, category: str) -> tuple[PackageEntry, ...]:
    """As many entries, each with a reference of its own."""
    first = PackageEntry(
        reference="A" * 8,
        category=category,
        priority=Priority.GREEN,
        instruction=None,
        image_date=None,
        known_relative=None,
    )
    references = (base64.b32encode(number.to_bytes(5, "big")).decode() for number in range(count))
    return tuple(first.model_copy(update={"reference": reference}) for reference in references)


@dataclass
class Papers:
    """A folder with all of it, and the commands that work on it."""

    folder: Path
    force: Force
    entries: int = 1
    similarity: float = MEASURED
    start: datetime = field(default_factory=lambda: datetime.now(UTC) + SOON)
    built_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def write(self) -> Papers:
        key = generate(preset(NOOP)).encryption
        write_keys(self.folder / "keys", key)
        (self.folder / "keys" / "evaluation.keys").write_bytes(b"what the server computes with")
        self.force.write_register(self.folder / "register.toml")
        for name in ROLES:
            self.force.write_identity(name, self.folder / f"{name}.pem")
        self.write_list(key.key_id)
        self.write_draft()
        return self

    def write_list(self, key_id: str) -> None:
        made = preset(NOOP).thresholds(self.similarity)
        package = OperatorPackage(
            preset=NOOP,
            key_id=key_id,
            model_digest=model(),
            similarity=self.similarity,
            gate=made.gate,
            fine_threshold=made.fine,
            entries=entries(self.entries, self.force.category),
        ).to_json()
        content = {
            "key_id": key_id,
            "model_digest": model(),
            "entries": self.entries,
            "built_at": stamp(self.built_at),
            "package_digest": hashlib.sha256(package).hexdigest(),
        }
        (self.folder / "watchlist").mkdir(exist_ok=True)
        (self.folder / "watchlist" / "operator.json").write_bytes(package)
        signed = self.force.watchlist(a_watchlist(self.force, **content))
        (self.folder / "watchlist" / "watchlist.dsse.json").write_bytes(signed.to_json())

    def write_draft(self, without: str = "", expires: timedelta = timedelta(hours=2), **changes: str) -> None:
        """The draft; of its lines some can be changed, and of the documents one left out."""
        camera = camera_key("north", Ed25519PrivateKey.generate())
        (self.folder / "north.json").write_text(camera.model_dump_json(by_alias=True))
        (self.folder / "log.policy").write_text(self.force.log_policy)
        end = self.start + timedelta(hours=2)
        lines = {
            "profile": f'"{self.force.profile.name}"',
            "purpose": '"To find [somebody] at the match"',
            "place": '"The station"',
            "not_before": stamp(self.start),
            "not_after": stamp(end),
            "cameras": '["north.json"]',
            "log_policy": '"log.policy"',
            **changes,
        }
        text = "".join(f"{name} = {value}\n" for name, value in lines.items())
        for kind in self.force.profile.documents:
            if kind == without:
                continue
            (self.folder / f"{kind}.pdf").write_text(f"The {kind} of this deployment")
            text += f'[[documents]]\nkind = "{kind}"\nversion = "2"\nfile = "{kind}.pdf"\n'
            text += f"expires = {stamp(self.start + expires)}\n"
        (self.folder / "draft.toml").write_text(text)

    @property
    def manifest(self) -> Path:
        return self.folder / "deployment.dsse.json"

    @property
    def envelope(self) -> Envelope:
        return Envelope.from_json(self.manifest.read_bytes())

    @property
    def content(self) -> DeploymentManifest:
        return DeploymentManifest.read(self.envelope)

    def draft(self, name: str = "a.khan", **changes: Any) -> int:
        options: dict[str, Any] = {
            "draft": self.folder / "draft.toml",
            "keys": self.folder / "keys",
            "watchlist": self.folder / "watchlist",
            "register": self.folder / "register.toml",
            "identity": self.folder / f"{name}.pem",
            "out": self.manifest,
            **changes,
        }
        return command("deployment", "draft", "--yes", **options)

    def approve(self, name: str = "d.silva", *flags: str, **changes: Any) -> int:
        options = {
            "manifest": self.manifest,
            "register": self.folder / "register.toml",
            "identity": self.folder / f"{name}.pem",
            **changes,
        }
        return command("deployment", "approve", "--yes", *flags, **options)

    def ask(self, what: str, page: Path | None = None) -> int:
        """Show, on a page as well if one is named, or verify."""
        register = self.folder / "register.toml"
        return command("deployment", what, manifest=self.manifest, register=register, page=page)

    def put(self, **changes: Any) -> None:
        """A manifest that its creator has signed as it should not have been, past all commands."""
        signed = Envelope.from_json((self.folder / "watchlist" / "watchlist.dsse.json").read_bytes())
        listed = Watchlist.read(signed)
        content = {
            "thresholds": OperatorPackage.load(self.folder / "watchlist" / "operator.json").thresholds,
            **changes,
        }
        made = a_manifest(self.force, listed, signed, **content)
        self.manifest.write_bytes(self.force.sign(made.envelope(), made.creator).to_json())
