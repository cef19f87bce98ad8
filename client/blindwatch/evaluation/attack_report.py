"""What a report on attacks says."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from blindwatch.evaluation.attack_plots import record, recovered, searched
from blindwatch.evaluation.attacks import ANSWERS, LEARNED, Attacks
from blindwatch.evaluation.budgets import MOST, budgets
from blindwatch.evaluation.compromise import COMPROMISES
from blindwatch.evaluation.document import Report, Section, Table
from blindwatch.evaluation.recovery import Mode

_BUDGETS: Final = (100, 500, 1000, 2000)
_ALERTS: Final = (5, 10, 20, 40, 100)

_SPIRIT: Final = (
    "Figures of the kinds that ISO/IEC 30136 names, in its spirit and without any claim of conformity or "
    "certification: what encryption costs in accuracy, how well attacks succeed, what a compromise leaks, and "
    "whether enrolments can be linked.",
)
_RECOVERY: Final = (
    "The attacker is an operator who knows the templates of the entries and holds the key. It searches for "
    "faces that are not on the list, with real ciphertexts, takes what decrypts for scores, and solves for the "
    "face. In ranked search these are the scores. By reveal on match they are numbers at random, for every "
    "entry that does not match.",
)
_BOUNDARY: Final = (
    "The attacker has the key of a camera and learns whether its probes raise an alert; with the operator's "
    "help, with what score. It starts from a face that is confused with the entry. Decisions are those of the "
    "integers in clear, which are those under encryption.",
    "A budget of probes stops this if it is smaller than what it takes. It has to let everybody pass who walks by, "
    "so that of a live deployment does not. But every accepted probe is an alert about the same entry, in front of "
    "an operator: consoles for live use show so many about one entry and then no more, and the attack has no more "
    "answers.",
    "So an attacker saves alerts, and not probes: it asks along each direction upwards, until the first probe is "
    "accepted, and takes what faces are like into account.",
)
_LINKING: Final = (
    "A classifier without keys looks at two ciphertexts and says whether they hold the same face. An area of "
    "0.5 is guessing.",
)
_BUDGET: Final = (
    "Budgets of probes are for each camera. Limits on alerts are for each console, and bind the project's own, not "
    f"an operator who decrypts by another program; an alert gives whoever sees it {ANSWERS} answers, that it is "
    "there and that the face was seen again. In ranked use, whoever searches with faces of its own choice gets one "
    "score of every entry from each search, so as many searches as it takes scores give the gallery away. Where an "
    f"attack is stopped it has not learned the template (a cosine of {LEARNED}), but it has come as near as that."
)


def report(found: Attacks) -> Report:
    """The whole report."""
    return Report(
        kind="attacks",
        title="What attacks on templates achieve",
        summary=list(_summary(found)),
        warnings=list(_warnings(found)),
        sections=[
            Section("What was tried", _SPIRIT, [_data(found)]),
            Section("Template recovery from scores", _RECOVERY, [_recovery(found)], [recovered(found)]),
            Section(
                "Boundary search",
                _BOUNDARY,
                [_boundary(found), _alerts(found), _budget(found)],
                [searched(found)],
            ),
            Section("Unlinkability", _LINKING, [_linking(found)]),
            Section("What each part gives to an attacker", (), [compromises()]),
        ],
        results=record(found),
    )


def compromises() -> Table:
    """What each part gives, which the threat model has too."""
    rows = [(each.part, each.faces, each.entries, each.evidence) for each in COMPROMISES]
    return Table(
        "What a compromise gives",
        ("in the hands of an attacker", "of people not on the list", "of people on it", "shown by"),
        rows,
        words=4,
    )


def _summary(found: Attacks) -> Iterator[str]:
    for scored in found.scored:
        enough = scored.enough(MOST)
        if enough is None:
            last = scored.steps[-1]
            yield (
                f"By {scored.mode.value}, {last.scores} decrypted numbers recover {last.same} of faces; "
                f"their correlation with the true scores is {scored.leak.correlation:+.4f}."
            )
        else:
            yield f"By {scored.mode.value}, {enough} scores recover at least {100 * MOST:.0f} % of faces."
    for each in found.searched:
        yield (
            f"Boundary search by {each.by} learned the templates of {each.learned} of {len(each.courses)} entries, "
            f"in {_range(each.queries)} queries."
        )
    stopped = [each.profile.name for each in budgets(found) if each.stops]
    names = ", ".join(stopped) or "none"
    yield f"Policy profiles whose limits stop the attack on their deployments: {names}."
    accuracy = found.accuracy
    yield (
        f"Of {accuracy.comparisons:,} comparisons under encryption, {accuracy.different:,} were decided otherwise "
        "than in clear."
    )


def _warnings(found: Attacks) -> Iterator[str]:
    open_to = [each.profile.name for each in budgets(found) if not each.stops]
    if open_to:
        yield (
            f"The limits of {', '.join(open_to)} do not stop the attack on its deployments. Boundary search takes a "
            "camera's signing key and sight of the alerts; ranked search, an operator."
        )
    recovered = [each for each in found.scored if each.mode is Mode.REVEAL and each.enough(0.05) is not None]
    if recovered:
        yield "Reveal on match gave faces away. That is a break: report it."
    if found.accuracy.different:
        yield "Decisions under encryption differ from those in clear. That is a fault: report it."


def _data(found: Attacks) -> Table:
    return Table(
        "Data",
        ("what", "value"),
        [
            ("data", found.samples.source.data),
            ("embedder", found.samples.source.embedder),
            ("gate and fine threshold", f"{found.thresholds.gate}, {found.thresholds.fine:,}"),
            ("faces that were attacked", f"{len(found.targets.faces)}"),
            ("entries that the attacker knows", f"{len(found.targets.known)}"),
            ("comparisons under encryption", f"{found.accuracy.comparisons:,}"),
            ("of these, scores released", f"{found.accuracy.released:,}"),
            ("decided otherwise than in clear", f"{found.accuracy.different:,}"),
        ],
    )


def _recovery(found: Attacks) -> Table:
    rows = [
        (scored.mode.value, f"{step.scores}", f"{step.cosine:.3f}", str(step.same), str(step.another))
        for scored in found.scored
        for step in scored.steps
    ]
    return Table(
        "Recovered templates",
        (
            "mode",
            "scores",
            "cosine with the true template",
            "match the same photograph",
            "match another photograph",
        ),
        rows,
        f"The two photographs of these people match each other in {found.targets.genuine} of cases.",
    )


def _boundary(found: Attacks) -> Table:
    rows = [
        (
            each.by,
            f"{len(each.courses)}",
            f"{each.learned}",
            _range(each.queries),
            _range(each.alerts),
            *(f"{each.cosine(budget):.2f}" for budget in _BUDGETS),
        )
        for each in found.searched
    ]
    columns = (
        "the attacker sees",
        "entries",
        "learned",
        "queries",
        "alerts",
        *(f"cosine after {each:,}" for each in _BUDGETS),
    )
    return Table(
        "Queries after the first probe that matches",
        columns,
        rows,
        f"Learned: a cosine of {LEARNED} with the entry's template. A face of somebody else matches an entry in "
        f"{found.first} of comparisons, which is what it takes to find the first probe.",
    )


def _alerts(found: Attacks) -> Table:
    rows = [(each.by, *(f"{each.cosine(math.inf, most):.2f}" for most in _ALERTS)) for each in found.searched]
    return Table(
        "Cosine by the probes that match",
        ("the attacker sees", *(f"after {each:,}" for each in _ALERTS)),
        rows,
        f"Two photographs of one person have {found.targets.likeness:.2f}.",
    )


def _budget(found: Attacks) -> Table:
    rows = [
        (
            each.profile.name,
            each.attack,
            f"{each.profile.probes_per_minute:,}",
            f"{each.profile.probes_per_deployment:,}",
            _or_none(each.profile.alerts_per_entry),
            "more than was tried" if each.takes is None else f"{each.takes:,}",
            "none" if each.alerts is None else f"{each.alerts:,}",
            f"{each.nearest:.2f}",
            "yes" if each.stops else "NO",
        )
        for each in budgets(found)
    ]
    columns = (
        "profile",
        "attack",
        "probes a minute",
        "probes in a deployment",
        "alerts about one entry",
        "it takes, probes",
        "or, alerts",
        "cosine within both",
        "stopped",
    )
    return Table("Limits of the policy profiles", columns, rows, _BUDGET, words=2)


def _linking(found: Attacks) -> Table:
    rows = [
        (each.where, f"{each.pairs:,}", f"{each.area:.3f} [{each.low:.3f}, {each.high:.3f}]")
        for each in found.linked
    ]
    return Table(
        "Ciphertexts of one face told from those of two",
        ("enrolled", "pairs of each kind", "area under the curve"),
        rows,
    )


def _or_none(limit: int | None) -> str:
    return "no limit" if limit is None else f"{limit:,}"


def _range(counts: list[int | None]) -> str:
    """The fewest and the most, of those that succeeded."""
    known = [each for each in counts if each is not None]
    return f"{min(known):,} to {max(known):,}" if known else "none"
