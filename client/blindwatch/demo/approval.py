"""The people of a demonstration, and their approval: each signs with keys of their own, all held by one program."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from blindwatch.cli import files
from blindwatch.custodian.building import PACKAGE
from blindwatch.custodian.ceremony import EVALUATION
from blindwatch.custodian.uploading import STATEMENT
from blindwatch.policy.profile import Profile, profile
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.package import OperatorPackage
from blindwatch.statements.predicates import (
    CameraKey,
    DeploymentManifest,
    Document,
    ListRef,
    Prediction,
    ProfileRef,
    Watchlist,
    Window,
)
from blindwatch.statements.register import Person, PersonRole, entry
from blindwatch.statements.signing import Identity

PROFILE: Final = "demo"
REGISTER: Final = "register.toml"
MANIFEST: Final = "deployment.dsse.json"
PEOPLE: Final = {
    "custodian": PersonRole.CUSTODIAN,
    "officer": PersonRole.AUTHORISING_OFFICER,
    "operator": PersonRole.OPERATOR,
}
_FALSE_MATCH_RATE: Final = 1e-3
"""Of the embedded model at its operating point, on photographs that it was not made from."""
_NOTICE: Final = b"A demonstration of face matching is under way on this machine."
_HOURS: Final = 4


def make_people(folder: Path) -> Path:
    """Make signing keys for everybody and write the register, which is returned."""
    entries = []
    for name, role in PEOPLE.items():
        identity = Identity.generate()
        files.write_private(folder / f"{name}.pem", identity.to_pem(), "signing keys")
        entries.append(entry(Person(name, role, identity.public)))
    files.write_private(folder / REGISTER, "\n".join(entries).encode(), "register")
    return folder / REGISTER


def approve(folder: Path, keys: Path, watchlist: Path, cameras: Sequence[CameraKey] = ()) -> Path:
    """Draw up the manifest for a list as its custodian, have the officer approve it, and write it."""
    statement = Envelope.from_json(files.read(watchlist / STATEMENT, "watchlist's statement"))
    package = OperatorPackage.load(watchlist / PACKAGE)
    bundle = files.read(keys / EVALUATION, "evaluation keys")
    manifest = _manifest(statement, package, hashlib.sha256(bundle).hexdigest(), cameras)
    envelope = manifest.envelope()
    for name in ("custodian", "officer"):
        envelope = envelope.signed_by(Identity.from_pem(files.read(folder / f"{name}.pem", "signing keys")))
    files.write_private(folder / MANIFEST, envelope.to_json(), "manifest")
    return folder / MANIFEST


def _manifest(
    statement: Envelope,
    package: OperatorPackage,
    bundle: str,
    cameras: Sequence[CameraKey],
) -> DeploymentManifest:
    listed, rules, start = Watchlist.read(statement), profile(PROFILE), datetime.now(UTC)
    return DeploymentManifest(
        deployment=listed.deployment,
        version=1,
        profile=ProfileRef(name=rules.name, version=rules.version, digest=rules.digest),
        use="reveal",
        purpose="To show how matching on encrypted templates works",
        place="This machine",
        window=Window(not_before=_stamp(start), not_after=_stamp(start + timedelta(hours=_HOURS))),
        cameras=tuple(cameras),
        model_digest=listed.model_digest,
        preset=listed.preset,
        key_id=listed.key_id,
        bundle_digest=bundle,
        thresholds=package.thresholds,
        predicted=Prediction(
            false_match_rate=_FALSE_MATCH_RATE,
            false_alerts_per_1000=min(1000.0, 1000 * _FALSE_MATCH_RATE * listed.entries),
        ),
        watchlist=ListRef(
            digest=statement.digest,
            built_at=listed.built_at,
            entries=listed.entries,
            by_category=listed.by_category,
            under_age=listed.under_age,
        ),
        documents=_documents(rules, start + timedelta(hours=_HOURS)),
        creator="custodian",
    )


def _documents(rules: Profile, expires: datetime) -> tuple[Document, ...]:
    digest = hashlib.sha256(_NOTICE).hexdigest()
    return tuple(
        Document(kind=kind, version="1", digest=digest, expires=_stamp(expires)) for kind in rules.documents
    )


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
