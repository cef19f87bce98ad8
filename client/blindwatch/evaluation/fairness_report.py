"""What a report on groups and quality says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from blindwatch.evaluation.document import Report, Section, Table
from blindwatch.evaluation.fairness import Comparison, Fairness
from blindwatch.evaluation.fairness_plots import by_group, record, worsening
from blindwatch.evaluation.groups import FEWEST, Group, Kind
from blindwatch.evaluation.quality import Curve

_WHAT: Final = (
    "Groups are labels that somebody gave to the photographs; nothing here infers what anybody is, and labels "
    "of others say nothing of how people see themselves. FMR and FNMR are of comparisons within a group, FPIR "
    "and FNIR of searches for its members among everybody in the data, so FPIR depends on who is on that list.",
    f"Groups of fewer than {FEWEST} subjects are left out. Each rate is tested for a difference between the "
    "groups by permuting the labels of the subjects; p-values are corrected for all tests together. A ratio "
    "beside 'finds' is what the test would have found with a probability of 80 %: that no difference was shown "
    "says nothing about smaller ones.",
)
_QUALITY: Final = (
    "Photographs of people whose entry is another one are made worse step by step, and searched for at the "
    "same threshold. Missed are people who were not found, those without a face among them. The turn to the "
    "side is that of a plane, so a head costs more. All of it is done by a computer: real lenses, distances "
    "and lamps differ.",
)


_CONDITION: Final = (
    "Searches by a label of the photograph that is searched for, whoever it shows. The entries are the same for all.",
)


def report(found: Fairness, curves: Sequence[Curve]) -> Report:
    """The whole report."""
    sections = [Section("What was measured", _WHAT, [_data(found)])]
    sections += [
        Section(f"By {each.column}", (), [_rates(each), _differences(each)], [by_group(each)])
        for each in found.comparisons
    ]
    sections += [
        Section(f"By {column} of the photograph", _CONDITION, [_condition(column, groups)])
        for column, groups in found.conditions.items()
    ]
    if found.likeness is not None:
        sections.append(Section("Relatives and look-alikes", (), [_likeness(found)]))
    if curves:
        sections.append(
            Section(
                "Poor photographs",
                _QUALITY,
                [_quality(curve) for curve in curves],
                [worsening(each) for each in curves],
            )
        )
    return Report(
        "fairness",
        "Whom recognition errs about",
        list(_summary(found)),
        sections,
        record(found, curves),
        list(_warnings(found)),
    )


def _summary(found: Fairness) -> Iterator[str]:
    yield (
        f"{found.samples.subjects:,} subjects, embedder {found.samples.source.embedder}, threshold gate "
        f"{found.thresholds.gate}, fine {found.thresholds.fine:,}."
    )
    for comparison, kind, difference in found.differing:
        times = (
            f"{difference.ratio:.1f} times"
            if difference.ratio
            else f"at least {difference.ratio_low:.1f} times"
        )
        yield (
            f"{kind.value} differs by {comparison.column}: that of {difference.highest} is {times} that of "
            f"{difference.lowest} (p = {difference.probability:.3f})."
        )
    if not found.differing and found.comparisons:
        yield "No rate was shown to differ between groups. What the tests would have found is in the tables."
    if found.likeness is not None and found.likeness.alike.trials:
        alike, everybody = found.likeness.alike, found.likeness.everybody
        yield f"Relatives and look-alikes match in {alike} of comparisons, two people of the data in {everybody}."


def _warnings(found: Fairness) -> Iterator[str]:
    for comparison in found.comparisons:
        blind = [kind.value for kind, each in comparison.differences.items() if each.detectable is None]
        if blind:
            yield f"By {comparison.column}, the data are too few to find any difference in {', '.join(blind)}."


def _data(found: Fairness) -> Table:
    return Table(
        "Data",
        ("what", "value"),
        [
            ("data", found.samples.source.data),
            ("embedder", found.samples.source.embedder),
            ("similarity", f"{found.thresholds.fine / found.preset.fine_squared_norm:.4f}"),
            ("gate and fine threshold", f"{found.thresholds.gate}, {found.thresholds.fine:,}"),
            ("FPIR is for lists of", f"{found.entries:,}"),
            ("tests", f"{found.tests}"),
        ],
    )


def _rates(comparison: Comparison) -> Table:
    rows = [
        (
            group.name,
            f"{group.subjects:,}",
            f"{group.photographs:,}",
            *(str(group.rates[kind]) for kind in Kind),
        )
        for group in comparison.groups
    ]
    columns = ("group", "subjects", "photographs", *(kind.value for kind in Kind))
    return Table(f"Error rates by {comparison.column}", columns, rows)


def _condition(column: str, groups: Sequence[Group]) -> Table:
    kinds = (Kind.FPIR, Kind.FNIR, Kind.FAILURE)
    rows = [
        (group.name, f"{group.photographs:,}", *(str(group.rates[kind]) for kind in kinds))
        for group in groups
    ]
    return Table(f"Searches by {column}", ("label", "photographs", *(kind.value for kind in kinds)), rows)


def _differences(comparison: Comparison) -> Table:
    rows = []
    for kind, each in comparison.differences.items():
        ratio = "none" if each.ratio is None else f"{each.ratio:.2f}"
        high = "" if each.ratio_high is None else f"{each.ratio_high:.2f}"
        rows.append(
            (
                kind.value,
                f"{each.highest} to {each.lowest}",
                ratio,
                f"{each.ratio_low:.2f} to {high or 'any'}",
                f"{each.probability:.3f}",
                "none" if each.detectable is None else f"{each.detectable:.1f}",
            )
        )
    columns = ("rate", "highest to lowest", "ratio", "95 % interval", "p, corrected", "finds a ratio of")
    return Table(f"Differences by {comparison.column}", columns, rows, words=2)


def _likeness(found: Fairness) -> Table:
    if found.likeness is None:
        raise ValueError("there are no relatives to speak of")
    alike, everybody = found.likeness.alike, found.likeness.everybody
    rows = [
        (
            f"relatives and look-alikes, {found.likeness.families} families",
            f"{alike.trials:,}",
            f"{alike.events:g}",
            str(alike),
        ),
        ("everybody", f"{everybody.trials:,}", f"{everybody.events:g}", str(everybody)),
    ]
    return Table(
        "False matches of people who look alike", ("comparisons of", "number", "matches", "FMR"), rows
    )


def _quality(curve: Curve) -> Table:
    rows = [
        (f"{step.amount:g}", str(step.failed), str(step.missed), str(step.false_matches))
        for step in curve.steps
    ]
    name = curve.degradation.name
    return Table(name.capitalize(), (curve.degradation.unit, "no face found", "missed (FNIR)", "FMR"), rows)
