"""Lists from templates in place of photographs, and approved deployments of them, signed by everybody who has to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from blindwatch.custodian.building import PACKAGE, Terms, build
from blindwatch.custodian.ceremony import EVALUATION, crop_key
from blindwatch.custodian.entries import Entry
from blindwatch.custodian.quality import Quality
from blindwatch.custodian.uploading import STATEMENT
from blindwatch.custodian.viewing import View
from blindwatch.he.encrypting import Encryptor
from blindwatch.he.keys import EncryptionKey
from blindwatch.he.templates import Templates
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.package import OperatorPackage, Priority
from blindwatch.statements.predicates import Thresholds, Watchlist

from ..people import CREATOR, Force, a_manifest
from ..serving import FORCE

QUALITY = Quality(eyes=40, sharpness=0.5, asymmetry=0.1, brightness=120, contrast=40, rivals=0)


def view(name: str, **changes: Any) -> View:
    """What enrolment knows of somebody, but for a photograph; `changes` are fields of the entry."""
    content: dict[str, Any] = {
        **dict.fromkeys(Entry.__dataclass_fields__),
        "row": "2",
        "image": Path("1.png"),
        "name": name,
        "nominal_ref": name,
        "category": FORCE.category,
        "priority": Priority.GREEN,
        "sensitive": False,
        "filled_in": (),
        **changes,
    }
    return View(Entry(**content), "00" * 32, QUALITY, np.zeros(0, np.float32))


def write_list(
    folder: Path,
    key: EncryptionKey,
    model: str,
    thresholds: Thresholds,
    views: Sequence[View],
    templates: Templates,
) -> Path:
    """The folder of a list of these views, whose templates are given in their order."""
    terms = Terms("not-approved", key, model, thresholds, 18, CREATOR)
    for _ in build(folder, terms, views, Encryptor(key).watchlist(templates), FORCE.identities[CREATOR]):
        pass
    return folder


def approve(keys: Path, watchlist: Path, name: str, **changes: object) -> Path:
    """Sign a list over to a deployment of this name; the file of the manifest, beside the list."""
    listed = Watchlist.read(Envelope.from_json((watchlist / STATEMENT).read_bytes()))
    statement = FORCE.watchlist(listed.model_copy(update={"deployment": name}))
    (watchlist / STATEMENT).write_bytes(statement.to_json())
    return approve_signed(FORCE, keys / EVALUATION, watchlist, **{"crop_key": crop_key(keys), **changes})


def approve_signed(force: Force, bundle: Path, watchlist: Path, **changes: object) -> Path:
    """Have a deployment of a list approved that is signed already; the file of its manifest, beside the list."""
    statement = Envelope.from_json((watchlist / STATEMENT).read_bytes())
    listed = Watchlist.read(statement)
    content: dict[str, object] = {
        "bundle_digest": hashlib.sha256(bundle.read_bytes()).hexdigest(),
        "thresholds": OperatorPackage.load(watchlist / PACKAGE).thresholds,
        **changes,
    }
    manifest = watchlist.with_name(f"{listed.deployment}.dsse.json")
    manifest.write_bytes(force.manifest(a_manifest(force, listed, statement, **content)).to_json())
    return manifest
