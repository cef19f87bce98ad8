"""Drawing up a manifest: what a custodian writes in a draft file, and what keys, list and models add to it."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from blindwatch.cli import files
from blindwatch.custodian import ceremony
from blindwatch.custodian.building import PACKAGE
from blindwatch.custodian.uploading import STATEMENT
from blindwatch.deployment.operating_point import OperatingPoint
from blindwatch.errors import ConfigurationError, StatementMismatch, WrongKey
from blindwatch.policy.profile import Profile
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.package import WHAT, OperatorPackage
from blindwatch.statements.predicates import (
    CameraKey,
    DeploymentManifest,
    Document,
    ListRef,
    Prediction,
    ProfileRef,
    Watchlist,
    Window,
    Word,
)
from blindwatch.statements.statement import Line
from blindwatch.statements.trust import USES
from blindwatch.tlog.policy import Policy
from blindwatch.wire import limits
from blindwatch.wire.messages import stamp


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class DraftDocument(_Part):
    """A required document: its file, relative to the draft, and when it lapses."""

    kind: Word
    version: Line
    file: str
    expires: datetime


class Draft(_Part):
    """The draft file: what only people know."""

    profile: str
    purpose: Line
    place: Line
    not_before: datetime
    not_after: datetime
    cameras: Annotated[tuple[str, ...], Field(max_length=limits.CAMERAS)] = ()
    """Files, relative to the draft, with what 'blindwatch camera identity' printed."""
    evidence_recipient: str | None = None
    """The age recipient (age1...) of the oversight body that what led to a match is sealed to."""
    urgent: bool = False
    """It begins before the authority that the profile names a document of has allowed it."""
    operating_point: str | None = None
    """File, relative to the draft, of 'blindwatch evaluate calibrate'; none for the figures of the model's card."""
    log_policy: str
    """File, relative to the draft: the log of the server, and the witnesses that have to cosign it."""
    documents: Annotated[tuple[DraftDocument, ...], Field(max_length=limits.DOCUMENTS)] = ()

    def measured(self, folder: Path) -> OperatingPoint | None:
        """The operating point that the draft names, if it does."""
        return None if self.operating_point is None else OperatingPoint.load(folder / self.operating_point)


def read_draft(path: Path) -> Draft:
    """Read a draft file; raises ConfigurationError that names the field."""
    try:
        return Draft.model_validate(tomllib.loads(files.read_at_most(path, limits.DRAFT, "draft").decode()))
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=False, include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"The draft's field '{name}' is missing, not known or not valid.") from None
    except (ValueError, RecursionError):
        raise ConfigurationError("The draft is not a TOML file.") from None


@dataclass(frozen=True)
class Listing:
    """The folder of a list, as far as a manifest speaks of it."""

    watchlist: Watchlist
    digest: str
    package: OperatorPackage

    @classmethod
    def load(cls, folder: Path) -> Listing:
        """Read the statement and the package of a list, which must be the one that the statement names."""
        statement = Envelope.from_json(
            files.read_at_most(folder / STATEMENT, limits.ENVELOPE, "watchlist's statement")
        )
        watchlist = Watchlist.read(statement)
        package = files.read_at_most(folder / PACKAGE, limits.PACKAGE, WHAT)
        if hashlib.sha256(package).hexdigest() != watchlist.package_digest:
            raise StatementMismatch(f"The {WHAT} was changed after the list was built.", "Build it again.")
        return cls(watchlist, statement.digest, OperatorPackage.from_json(package))


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
    use = USES[rules.use]
    content: dict[str, Any] = {
        "deployment": listed.deployment,
        "version": 1 if base is None else base.manifest.version + 1,
        "change_reason": None if base is None else base.reason,
        "profile": ProfileRef(name=rules.name, version=rules.version, digest=rules.digest),
        "use": use,
        "purpose": draft.purpose,
        "place": draft.place,
        "cameras": tuple(_camera(folder / each) for each in draft.cameras),
        "model_digest": listed.model_digest,
        "preset": listed.preset,
        "key_id": listed.key_id,
        "bundle_digest": _bundle_digest(keys, use, listed.key_id),
        "thresholds": listing.package.thresholds,
        "predicted": predicted,
        "operating_point": point.digest if (point := draft.measured(folder)) else None,
        "watchlist": ListRef(
            digest=listing.digest,
            built_at=listed.built_at,
            entries=listed.entries,
            by_category=listed.by_category,
            under_age=listed.under_age,
            second_approvals=listed.second_approvals,
        ),
        "documents": tuple(_document(each, folder) for each in draft.documents),
        "evidence_recipient": draft.evidence_recipient,
        "crop_key": ceremony.crop_key(keys) if use == "reveal" else None,
        "urgent": draft.urgent,
        "log_policy": _log_policy(folder / draft.log_policy),
        "creator": creator,
    }
    try:
        window = Window(not_before=_stamp(draft.not_before), not_after=_stamp(draft.not_after))
        return DeploymentManifest(window=window, **content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=False, include_url=False)[0]
        raise ConfigurationError(f"The draft cannot become a manifest: {first['msg']}.") from None


def _bundle_digest(keys: Path, use: str, key_id: str) -> str:
    """The digest of what the server computes with, of the keys that the list was encrypted with."""
    ranked = use == "ranked"
    key = ceremony.ranked_key(keys) if ranked else ceremony.encryption_key(keys)
    if key.key_id != key_id:
        raise WrongKey(
            "The list was encrypted with other keys.", "Name the folder of the ceremony for this list."
        )
    name = ceremony.ENCRYPTION if ranked else ceremony.EVALUATION
    return hashlib.sha256(files.read(keys / name, "keys for the server")).hexdigest()


def _camera(path: Path) -> CameraKey:
    try:
        return CameraKey.model_validate_json(files.read(path, "camera's entry"), by_alias=True)
    except ValidationError:
        raise ConfigurationError(
            "A file of a camera does not have its name and key.",
            "It holds what 'blindwatch camera identity' printed.",
        ) from None


def _log_policy(path: Path) -> str:
    text = files.read_at_most(path, limits.LOG_POLICY, "policy of witnesses")
    Policy.parse(text)
    return text.decode()


def _document(document: DraftDocument, folder: Path) -> Document:
    data = files.read(folder / document.file, f"document '{document.kind}'")
    return Document(
        kind=document.kind,
        version=document.version,
        digest=hashlib.sha256(data).hexdigest(),
        expires=_stamp(document.expires),
    )


def _stamp(at: datetime) -> str:
    """A time of a draft as statements carry it, to the second; one without a zone is refused."""
    if at.tzinfo is None:
        raise ConfigurationError("A time in the draft has no time zone.", "Write it as 2026-11-25T12:00:00Z.")
    return stamp(at, "seconds")
