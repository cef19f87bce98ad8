"""Drawing up a manifest: what a custodian writes in a draft file, and what keys, list and models add to it."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from blindwatch.cli import files
from blindwatch.custodian.building import PACKAGE
from blindwatch.custodian.ceremony import ENCRYPTION, EVALUATION
from blindwatch.custodian.uploading import STATEMENT
from blindwatch.errors import ConfigurationError
from blindwatch.policy.profile import Profile
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
from blindwatch.statements.statement import Line
from blindwatch.wire import limits


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class DraftDocument(_Part):
    """A required document: its file, relative to the draft, and when it lapses."""

    kind: str
    version: Line
    file: str
    expires: datetime


class DraftCamera(_Part):
    """A camera as 'blindwatch camera identity' prints it."""

    name: str
    ed25519: str


class Draft(_Part):
    """The draft file: what only people know."""

    profile: str
    purpose: Line
    place: Line
    not_before: datetime
    not_after: datetime
    cameras: Annotated[tuple[DraftCamera, ...], Field(max_length=limits.CAMERAS)] = ()
    documents: Annotated[tuple[DraftDocument, ...], Field(max_length=limits.DOCUMENTS)] = ()


def read_draft(path: Path) -> Draft:
    """Read a draft file; raises ConfigurationError that names the field."""
    try:
        content = tomllib.loads(files.read(path, "draft").decode())
        return Draft.model_validate(content)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
        raise ConfigurationError("The draft is not a TOML file.") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=False, include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"The draft's field '{name}' is missing or not valid.") from None


@dataclass(frozen=True)
class Listing:
    """The folder of a list, as far as a manifest speaks of it."""

    watchlist: Watchlist
    digest: str
    package: OperatorPackage

    @classmethod
    def load(cls, folder: Path) -> Listing:
        """Read the statement and the package of a list."""
        statement = Envelope.from_json(
            files.read_at_most(folder / STATEMENT, limits.ENVELOPE, "watchlist's statement")
        )
        return cls(Watchlist.read(statement), statement.digest, OperatorPackage.load(folder / PACKAGE))


@dataclass(frozen=True)
class Base:
    """What a new version takes the place of, and why."""

    manifest: DeploymentManifest
    reason: str


def draw_up(
    draft: Draft,
    folder: Path,
    keys: Path,
    listing: Listing,
    predicted: Prediction,
    creator: str,
    rules: Profile,
    base: Base | None,
) -> DeploymentManifest:
    """The manifest of a draft whose documents are in `folder`; raises ConfigurationError."""
    listed = listing.watchlist
    use = "ranked" if rules.use == "retrospective" else "reveal"
    bundle = files.read(keys / (ENCRYPTION if use == "ranked" else EVALUATION), "keys for the server")
    content: dict[str, Any] = {
        "deployment": listed.deployment,
        "version": 1 if base is None else base.manifest.version + 1,
        "change_reason": None if base is None else base.reason,
        "profile": ProfileRef(name=rules.name, version=rules.version, digest=rules.digest),
        "use": use,
        "purpose": draft.purpose,
        "place": draft.place,
        "cameras": tuple(CameraKey(name=each.name, ed25519=each.ed25519) for each in draft.cameras),
        "model_digest": listed.model_digest,
        "preset": listed.preset,
        "key_id": listed.key_id,
        "bundle_digest": hashlib.sha256(bundle).hexdigest(),
        "thresholds": listing.package.thresholds,
        "predicted": predicted,
        "watchlist": ListRef(
            digest=listing.digest,
            built_at=listed.built_at,
            entries=listed.entries,
            by_category=listed.by_category,
            under_age=listed.under_age,
        ),
        "documents": tuple(_document(each, folder) for each in draft.documents),
        "creator": creator,
    }
    try:
        window = Window(not_before=stamp(draft.not_before), not_after=stamp(draft.not_after))
        return DeploymentManifest(window=window, **content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=False, include_url=False)[0]
        raise ConfigurationError(f"The draft cannot become a manifest: {first['msg']}.") from None


def _document(document: DraftDocument, folder: Path) -> Document:
    data = files.read(folder / document.file, f"document '{document.kind}'")
    return Document(
        kind=document.kind,
        version=document.version,
        digest=hashlib.sha256(data).hexdigest(),
        expires=stamp(document.expires),
    )


def stamp(at: datetime) -> str:
    """A time of a draft as statements carry it; one without a zone is refused."""
    if at.tzinfo is None:
        raise ConfigurationError("A time in the draft has no time zone.", "Write it as 2026-11-25T12:00:00Z.")
    return at.astimezone(UTC).isoformat(timespec="seconds").removesuffix("+00:00") + "Z"
