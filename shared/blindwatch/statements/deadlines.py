"""The moments that a manifest and its profile set: until when what has to be done, and what lapses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from blindwatch.policy.profile import Profile
from blindwatch.statements.predicates import DeploymentManifest, instant


@dataclass(frozen=True)
class Deadline:
    """A moment that is counted down to."""

    title: str
    """What happens then, or has to have happened."""
    at: datetime
    over: str
    """What is said once it is past."""


def deadlines(manifest: DeploymentManifest, rules: Profile) -> list[Deadline]:
    """All of them, the earliest first."""
    return _sorted((*of_course(manifest, rules), *of_documents(manifest)))


def of_course(manifest: DeploymentManifest, rules: Profile) -> list[Deadline]:
    """When the deployment begins and ends, and what has to be done before or after that."""
    return _sorted(_course(manifest, rules))


def of_documents(manifest: DeploymentManifest) -> list[Deadline]:
    """When the documents lapse that have to be in force."""
    return _sorted(
        Deadline(f"until the document {each.kind} expires", instant(each.expires), "expired")
        for each in manifest.documents
    )


def _course(manifest: DeploymentManifest, rules: Profile) -> Iterator[Deadline]:
    start, end = instant(manifest.window.not_before), instant(manifest.window.not_after)
    yield Deadline("until the deployment begins", start, "begun")
    yield Deadline("until the deployment ends", end, "over")
    if rules.list_age_hours is not None:
        stale = instant(manifest.watchlist.built_at) + timedelta(hours=rules.list_age_hours)
        yield Deadline("until the list is stale, and no deployment begins with it", stale, "stale")
    if manifest.urgent and rules.urgency is not None:
        asked = start + timedelta(hours=rules.urgency.hours)
        yield Deadline(f"to ask the authority for the {rules.urgency.document}", asked, "too late")
    gone = end + timedelta(hours=rules.clocks.list_after_end_hours)
    yield Deadline("until the list has to be destroyed", gone, "due")


def _sorted(found: Iterable[Deadline]) -> list[Deadline]:
    return sorted(found, key=lambda each: each.at)
