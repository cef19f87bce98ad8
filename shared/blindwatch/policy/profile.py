"""Policy profiles: the rules of a force or a law as configuration, named and versioned, in one place for everything.

Code, command line, documentation and purging read the same file, so they cannot say different things.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from blindwatch.errors import ConfigurationError, PolicyViolation

Use = Literal["live", "retrospective", "operator-initiated"]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Column = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Title = Annotated[str, StringConstraints(pattern=r"^[^|\x00-\x1f\x7f]{1,100}$")]
Hours = Annotated[float, Field(gt=0)]
_FOLDER: Final = "profiles"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Category(_Part):
    """A reason for which somebody may be on a list."""

    name: Word
    title: Title
    sensitive: bool = False
    """Needs a second approval, with a reason."""


class Clocks(_Part):
    """How long what is kept. Hours and days are from the event, or from the end of the deployment."""

    non_match_seconds: Annotated[float, Field(ge=0)]
    alert_hours: Annotated[float, Field(ge=0)]
    list_after_end_hours: Annotated[float, Field(ge=0)]
    video_days: Annotated[float, Field(ge=0)]
    audit_days: Annotated[float, Field(gt=0)]
    challenge_minutes: Annotated[float, Field(gt=0)]
    """How long the ciphertext of a probe waits to be drawn for replay after its result is released."""
    replay_hours: Annotated[float, Field(gt=0)]
    """How long what replay needs is kept after the end: the probes that were drawn, and the secret of the masks."""


class Urgency(_Part):
    """A deployment may begin before an authority outside the force has allowed it, if it is asked in time."""

    document: Word
    """The document that is then missing at first."""
    hours: Hours
    """From the beginning, until the authority has to be asked. A refusal ends the deployment at once."""


class Choice(_Part):
    """A word that operators choose from, and what it stands for."""

    name: Word
    title: Title


class Place(Choice):
    """A kind of place where somebody may be checked."""

    private: bool = False
    """Only for a risk of significant harm, which has to be stated."""


class Checks(_Part):
    """Where and why an operator may check one person by one photograph."""

    places: Annotated[tuple[Place, ...], Field(min_length=1)]
    reasons: Annotated[tuple[Choice, ...], Field(min_length=1)]
    harms: tuple[Choice, ...]
    """The risks of significant harm for which a private place is allowed."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        every = (self.places, self.reasons, self.harms)
        if any(len({each.name for each in named}) != len(named) for named in every):
            raise ValueError("a place, reason or harm is there twice")
        return self

    def allow(self, place: str, reason: str, harm: str | None) -> None:
        """Refuse a place, reason or harm that these rules do not have; raises PolicyViolation."""
        where = next((each for each in self.places if each.name == place), None)
        if where is None:
            raise PolicyViolation("The policy profile has no such kind of place.", _one_of(self.places))
        if reason not in {each.name for each in self.reasons}:
            raise PolicyViolation("The policy profile has no such reason for a check.", _one_of(self.reasons))
        if harm is not None and harm not in {each.name for each in self.harms}:
            raise PolicyViolation("The policy profile has no such risk of harm.", _one_of(self.harms))
        if where.private and harm is None:
            raise PolicyViolation(
                "In a private place nobody is checked but for a risk of significant harm, which has to be stated.",
                _one_of(self.harms),
            )


def _one_of(choices: tuple[Choice, ...]) -> str:
    return f"Choose one of: {', '.join(each.name for each in choices)}"


class Profile(_Part):
    """The rules that a deployment follows."""

    name: Word
    version: Annotated[int, Field(ge=1)]
    title: Title
    use: Use
    categories: Annotated[tuple[Category, ...], Field(min_length=1)]
    entry_fields: tuple[Column, ...]
    """Columns of an import that no row may leave empty, besides image, name and category."""
    folder_import: bool = False
    """Whether a plain folder of photographs may be enrolled, without a word about anybody."""
    adult_age: Annotated[int, Field(ge=1)] = 18
    list_age_hours: Hours | None = None
    list_cap: Annotated[int, Field(ge=1)] | None = None
    false_alerts_per_1000: Annotated[float, Field(gt=0)] | None = None
    lowest_similarity: Annotated[float, Field(ge=-1, le=1)]
    approvals: Annotated[int, Field(ge=1)]
    list_signatures: Annotated[int, Field(ge=1)]
    share_threshold: Annotated[int, Field(ge=1)]
    share_count: Annotated[int, Field(ge=1)]
    verifiers: Literal[1, 2]
    documents: tuple[Word, ...]
    matched_input: bool = False
    """Whether what led to a match is kept, sealed to an oversight body."""
    urgency: Urgency | None = None
    window_hours: Hours
    probes_per_minute: Annotated[int, Field(ge=1)]
    probes_per_deployment: Annotated[int, Field(ge=1)]
    alerts_per_entry: Annotated[int, Field(ge=1)] | None = None
    """How many alerts about one entry a console shows in a deployment; of live use, and of no other."""
    replay_rate: Annotated[float, Field(ge=0, le=1)]
    witnesses: Annotated[int, Field(ge=0)]
    """How many witnesses at least have to cosign the log of the server."""
    training_days: Annotated[int, Field(ge=1)]
    checks: Checks | None = None
    """Of operator-initiated use, and of no other."""
    evidence: tuple[Choice, ...] = ()
    """Kinds of other evidence, without one of which a search identifies nobody; of retrospective use alone."""
    clocks: Clocks
    digest: str
    """SHA-256 (hex) of the text that these rules were read from."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.share_threshold > self.share_count:
            raise ValueError("more shares are needed than there are")
        if self.urgency is not None and self.urgency.document not in self.documents:
            raise ValueError("the document that may be late is not required at all")
        if (self.checks is not None) != (self.use == "operator-initiated"):
            raise ValueError("rules for checks belong to operator-initiated use, and to no other")
        if bool(self.evidence) != (self.use == "retrospective"):
            raise ValueError("kinds of other evidence belong to retrospective use, and to no other")
        if (self.alerts_per_entry is not None) != (self.use == "live"):
            raise ValueError("a limit on alerts about one entry belongs to live use, and to no other")
        named = (_names(self.categories), self.entry_fields, self.documents, _names(self.evidence))
        if any(len(set(names)) != len(names) for names in named):
            raise ValueError("a category, column, document or kind of evidence is there twice")
        return self

    def category(self, name: str) -> Category | None:
        """The category of this name, if the profile has it."""
        return next((each for each in self.categories if each.name == name), None)

    def check_evidence(self, kind: str) -> None:
        """Refuse a kind of other evidence that these rules do not have; raises PolicyViolation."""
        if kind not in _names(self.evidence):
            raise PolicyViolation(
                "The policy profile has no such kind of other evidence.", _one_of(self.evidence)
            )


def _names(parts: Iterable[Category | Choice]) -> tuple[str, ...]:
    return tuple(each.name for each in parts)


def profiles() -> list[str]:
    """The names of all profiles."""
    folder = resources.files(__package__) / _FOLDER
    return sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))


@cache
def profile(name: str) -> Profile:
    """The profile of this name; raises ConfigurationError."""
    if name not in profiles():
        raise ConfigurationError(
            "There is no policy profile of this name.", f"Choose one of: {', '.join(profiles())}"
        )
    return read((resources.files(__package__) / _FOLDER / f"{name}.toml").read_bytes())


def read(data: bytes) -> Profile:
    """A profile from its text; raises ConfigurationError."""
    try:
        content = tomllib.loads(data.decode())
        digest = hashlib.sha256(data).hexdigest()
        if "digest" in content:
            raise ValueError("a text cannot name its own digest")
        # From JSON, in which lists stand for tuples however strict the models are.
        return Profile.model_validate_json(json.dumps({**content, "digest": digest}))
    except (ValueError, TypeError, RecursionError):
        raise ConfigurationError("The policy profile does not follow its form.") from None
