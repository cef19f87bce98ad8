"""Counting a deployment for its record, from the logs alone. Small numbers are left out of what is published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from blindwatch.errors import ConfigurationError, NotClosed
from blindwatch.oversight.checks.case import Case
from blindwatch.oversight.checks.course import Course
from blindwatch.oversight.checks.findings import Unchecked
from blindwatch.oversight.checks.operator_log import Alerts
from blindwatch.oversight.checks.searches import read
from blindwatch.oversight.deployment_record import OTHERWISE, Count, DeploymentRecord, Table
from blindwatch.oversight.intervals import SMALL, rate
from blindwatch.oversight.uses import REPEATED, comparisons, searches, tables
from blindwatch.records.operator import FINAL
from blindwatch.records.reading import answered, compared
from blindwatch.records.server import (
    DeploymentClosed,
    EntriesRemoved,
    FacesCounted,
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
    faces = (
        *_seen(course),
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
            Table("comparisons", faces),
            Table("what became of alerts", _hidden(outcomes) if published else outcomes),
            Table("what followed", _followed(alerts, real, published)),
            *(() if published else (Table("outcomes in full", _in_full(alerts, real)),)),
            *_uses(case, alerts, published),
        ),
        rate(groups[FALSE], taken, published=published),
        rate(groups[FALSE], len(real), published=published),
        tuple(_sources(case, alerts)),
        OTHERWISE if case.profile.checks is None else (*OTHERWISE, REPEATED),
    )


def _uses(case: Case, alerts: Alerts, published: bool) -> Iterator[Table]:
    """How checks of one person were used, or what became of searches, where the profile has them."""
    if case.profile.evidence:
        found = searches(read(alerts).values())
        yield Table(found.title, _hidden(found.counts)) if published else found
    if case.profile.checks is not None:
        rules, officers = case.profile.checks, not published
        for each in (
            *tables(answered(alerts.records), rules, officers=officers),
            *comparisons(compared(alerts.records), rules, officers=officers),
        ):
            yield Table(each.title, _hidden(each.counts)) if published else each


def _alerts(case: Case) -> Alerts:
    try:
        return case.operator_log
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


def _seen(course: Course) -> Iterator[Count]:
    """What cameras counted themselves, if they did: the last that each of them said of each minute."""
    said = {(each.record.camera, each.record.minute): each.record for each in course.of(FacesCounted)}
    if said:
        yield Count("faces seen, as the cameras count", sum(each.faces for each in said.values()))
        yield Count("of them never clear enough", sum(each.unusable for each in said.values()))
        yield Count("of them not sent", sum(each.dropped for each in said.values()))


def _followed(alerts: Alerts, real: list[str], published: bool) -> tuple[Count, ...]:
    """Engagements, and the reasons that operators gave for final outcomes, such as an arrest."""
    decided = [alerts.decided.get(name, []) for name in real]
    engaged = sum(any(each.outcome == "engaged" for each in course) for course in decided)
    reasons = Counter(
        each.reason for course in decided for each in course if each.outcome in FINAL and each.reason
    )
    counts = (Count("engagements", engaged), *(Count(name, reasons[name]) for name in sorted(reasons)))
    return tuple(Count(each.name, _small(each.value or 0, published)) for each in counts)


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
    titles = {each.name: each.title for each in case.profile.categories}
    categories = tuple(
        Count(f"of them: {titles.get(name, name)}", count)
        for name, count in sorted(listed.by_category.items())
    )
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
