"""The record of a deployment for the public: counts and error rates from the logs alone, small numbers left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from blindwatch.errors import ConfigurationError, NotClosed
from blindwatch.oversight.checks.case import Case
from blindwatch.oversight.checks.findings import Unchecked
from blindwatch.oversight.checks.operators import Alerts, read_alerts
from blindwatch.oversight.intervals import SMALL, Rate, rate
from blindwatch.records.operator import FINAL
from blindwatch.records.server import (
    DeploymentClosed,
    EntriesRemoved,
    ProbeAccepted,
    ResultReleased,
    SearchAccepted,
)
from blindwatch.statements.predicates import DeploymentManifest, Tombstone

TRUE: Final = "true alerts"
FALSE: Final = "false alerts"
UNDECIDED: Final = "neither confirmed nor rejected"
_GROUPS: Final = {
    "confirmed-true": TRUE,
    "rejected": FALSE,
    "confirmed-false": FALSE,
    "lost": UNDECIDED,
    "expired": UNDECIDED,
}
OTHERWISE: Final = (
    "Arrests and other results of engagements",
    "Who was stopped after an alert, by group",
    "How many faces passed that no camera could compare",
)
"""What the logs do not have, and a force has to add from its own records."""


@dataclass(frozen=True)
class Count:
    """A number of something; none if it is too small to be published, or would tell one that is."""

    name: str
    value: int | None

    @property
    def said(self) -> str:
        """The number in words."""
        return "not published" if self.value is None else f"{self.value:,}"


@dataclass(frozen=True)
class Table:
    """Counts that belong together."""

    title: str
    counts: tuple[Count, ...]


@dataclass(frozen=True)
class DeploymentRecord:
    """What is known of a deployment, by the logs that are named here and by the approved manifest."""

    published: bool
    about: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...]
    per_face: Rate
    per_alert: Rate
    sources: tuple[tuple[str, str], ...]

    def to_json(self) -> dict[str, object]:
        """The record as an object of JSON."""
        return {
            "published": self.published,
            "smallNumbersBelow": SMALL if self.published else None,
            "about": dict(self.about),
            "counts": {
                table.title: {each.name: each.value for each in table.counts} for table in self.tables
            },
            "falseAlertsPerFace": self.per_face.to_json(),
            "falseAlertsPerAlert": self.per_alert.to_json(),
            "notInTheLogs": list(OTHERWISE),
            "sources": dict(self.sources),
        }

    def rows(self) -> Iterator[tuple[str, ...]]:
        """The record as the rows of a table: section, measure, value, and the ends of the interval of a rate."""
        yield ("section", "measure", "value", "low", "high")
        for name, text in self.about:
            yield ("deployment", name, text, "", "")
        for table in self.tables:
            for each in table.counts:
                yield (table.title, each.name, "" if each.value is None else str(each.value), "", "")
        for name, found in (("per face", self.per_face), ("per alert", self.per_alert)):
            shown = found.to_json()
            ends = ("" if shown[end] is None else f"{shown[end]:.3g}" for end in ("rate", "low", "high"))
            yield ("false alerts", name, *ends)
        for name, text in self.sources:
            yield ("sources", name, text, "", "")


def record_of(case: Case, *, published: bool) -> DeploymentRecord:
    """The record of a case that is over and whose logs are whole.

    Raises NotClosed, a LogError, or ConfigurationError if the operator's log is not there.
    """
    case.read_log()
    course, manifest = case.course, case.newest.manifest
    if course.last(DeploymentClosed) is None:
        raise NotClosed("The deployment is not over yet, so its numbers are not final.")
    taken = len(course.of(ProbeAccepted)) + len(course.of(SearchAccepted))
    results = course.of(ResultReleased)
    alerts = _alerts(case)
    real = [each.alert for each in alerts.alerted() if not each.test_subject]
    groups = _groups(alerts, real)
    compared = (
        Count("faces compared", taken),
        Count("results", sum(each.record.problem is None for each in results)),
        Count("faces that could not be answered", sum(each.record.problem is not None for each in results)),
        Count("alerts", _small(len(real), published)),
        Count("faces for each alert", _per(taken, len(real), published)),
    )
    outcomes = tuple(Count(name, groups[name]) for name in (TRUE, FALSE, UNDECIDED))
    return DeploymentRecord(
        published,
        tuple(_about(case)),
        (
            Table("the list", tuple(_list(case, manifest, published))),
            Table("comparisons", compared),
            Table("what became of alerts", _hidden(outcomes) if published else outcomes),
            *(() if published else (Table("outcomes in full", _in_full(alerts, real)),)),
        ),
        rate(groups[FALSE], taken, published=published),
        rate(groups[FALSE], len(real), published=published),
        tuple(_sources(case, alerts)),
    )


def _alerts(case: Case) -> Alerts:
    try:
        return read_alerts(case.bundle)
    except Unchecked as why:
        raise ConfigurationError(
            f"{why} Without it nobody knows the alerts.", "Hand it over with: oversight export --operator-log"
        ) from None


def _groups(alerts: Alerts, real: list[str]) -> Mapping[str, int]:
    counted = Counter({TRUE: 0, FALSE: 0, UNDECIDED: 0})
    for name in real:
        final = [each.outcome for each in alerts.decided.get(name, []) if each.outcome in FINAL]
        counted[_GROUPS[final[-1]] if final else UNDECIDED] += 1
    return counted


def _in_full(alerts: Alerts, real: list[str]) -> tuple[Count, ...]:
    names = set(real)
    decisions = [each for each in alerts.records if getattr(each, "alert", None) in names]
    counted = Counter(outcome for each in decisions if (outcome := getattr(each, "outcome", None)))
    return tuple(Count(name, counted[name]) for name in sorted(counted))


def _per(faces: int, alerts: int, published: bool) -> int | None:
    return round(faces / alerts) if alerts and _small(alerts, published) else None


def _small(value: int, published: bool) -> int | None:
    return None if published and 0 < value < SMALL else value


def _hidden(counts: tuple[Count, ...]) -> tuple[Count, ...]:
    """Counts that add up to a total which is published, without those that are small or would tell one that is.

    Of several that could be left out beside a single small one, the true alerts are: rates need the false ones.
    """
    small = {each.name for each in counts if each.value is not None and 0 < each.value < SMALL}
    if len(small) == 1:
        others = [each for each in counts if each.name not in small]
        small.add(
            max(others, key=lambda each: (bool(each.value), each.name != FALSE, each.name == TRUE)).name
        )
    return tuple(Count(each.name, None if each.name in small else each.value) for each in counts)


def _list(case: Case, manifest: DeploymentManifest, published: bool) -> Iterator[Count]:
    listed = manifest.watchlist
    yield Count("entries", listed.entries)
    categories = tuple(Count(f"of them {name}", count) for name, count in sorted(listed.by_category.items()))
    yield from _hidden(categories) if published and len(categories) > 1 else categories
    yield Count("under age", _small(listed.under_age, published))
    yield Count("with a second approval", _small(listed.second_approvals, published))
    removed = {
        number
        for event in case.course.of(EntriesRemoved)
        for each in case.statements.of(Tombstone)
        if each.envelope.digest == event.record.tombstone
        for number in each.content.removed
    }
    yield Count("removed while it ran", _small(len(removed), published))


def _about(case: Case) -> Iterator[tuple[str, str]]:
    manifest = case.newest.manifest
    yield "deployment", manifest.deployment
    yield "purpose", manifest.purpose
    yield "place", manifest.place
    yield "approved window", f"{manifest.window.not_before} to {manifest.window.not_after}"
    taken = [each.record.at for each in case.course.of(ProbeAccepted)]
    yield "faces were compared", f"{min(taken)} to {max(taken)}" if taken else "never"
    yield "rules", f"{case.profile.title} ({case.profile.name}, version {case.profile.version})"
    yield "cameras", str(len(manifest.cameras))
    for version in case.versions:
        thresholds = version.manifest.thresholds
        yield f"threshold of version {version.manifest.version}", f"similarity {thresholds.similarity:.3f}"
    predicted = manifest.predicted.false_alerts_per_1000
    yield "false alerts predicted", f"{predicted:.3g} in 1,000 faces"
    yield "list built", manifest.watchlist.built_at


def _sources(case: Case, alerts: Alerts) -> Iterator[tuple[str, str]]:
    checkpoint = case.log.checkpoint
    yield "manifest", case.newest.digest
    yield "log of the server", f"{checkpoint.origin}, {checkpoint.size} records, root {checkpoint.root.hex()}"
    operator = alerts.checkpoint
    yield "log of the operator", f"{operator.origin}, {operator.size} records, root {operator.root.hex()}"
