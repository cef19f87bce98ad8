"""Profiles in words: the rules of each as rows, which the command line and the page of documentation both show."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

from blindwatch.policy.profile import Checks, Choice, Place, Profile, profile, profiles

Rule: TypeAlias = tuple[str, Callable[[Profile], str]]

_USES: Final = {
    "live": "live: cameras, and matches only",
    "retrospective": "retrospective: a photograph, and every score",
    "operator-initiated": "operator-initiated: a photograph, and matches only",
}

RULES: Final[tuple[Rule, ...]] = (
    ("Use", lambda chosen: _USES[chosen.use]),
    ("Longest deployment", lambda chosen: f"{chosen.window_hours:g} hours"),
    ("Authorising officers who approve", lambda chosen: str(chosen.approvals)),
    ("Custodians who sign a list", lambda chosen: str(chosen.list_signatures)),
    (
        "Shares of the secret key, at least",
        lambda chosen: f"{chosen.share_threshold} of {chosen.share_count}",
    ),
    ("Operators who verify an alert, or whom a search has found", lambda chosen: str(chosen.verifiers)),
    ("List built before the start, at most", lambda chosen: _or_none(chosen.list_age_hours, " hours")),
    ("People on a list, at most", lambda chosen: _or_none(chosen.list_cap)),
    ("Second approval of people under", lambda chosen: f"{chosen.adult_age} years"),
    ("A plain folder of photographs is a list", lambda chosen: "yes" if chosen.folder_import else "no"),
    (
        "False alerts predicted in 1,000 faces, unless acknowledged, at most",
        lambda chosen: _or_none(chosen.false_alerts_per_1000),
    ),
    ("Lowest similarity of a match", lambda chosen: f"{chosen.lowest_similarity:g}"),
    ("Probes of one camera in a minute, at most", lambda chosen: f"{chosen.probes_per_minute:,}"),
    ("Probes of one camera in a deployment, at most", lambda chosen: f"{chosen.probes_per_deployment:,}"),
    ("Alerts about one entry in a deployment, at most", lambda chosen: _or_none(chosen.alerts_per_entry)),
    ("Probes that are computed again by others", lambda chosen: f"{100 * chosen.replay_rate:g} %"),
    ("Witnesses of the server's log, at least", lambda chosen: str(chosen.witnesses)),
    ("What led to a match is sealed to oversight", lambda chosen: "yes" if chosen.matched_input else "no"),
    ("An urgent beginning, before the authority is asked", lambda chosen: _urgency(chosen)),
    ("Training of an operator lasts", lambda chosen: f"{chosen.training_days:g} days"),
    ("An operator authorises each probe", lambda chosen: "yes" if chosen.checks else "no"),
    ("Where one person may be checked", lambda chosen: _places(chosen, private=False)),
    ("The same, for a risk of significant harm", lambda chosen: _places(chosen, private=True)),
    ("Other evidence, for a search to have identified somebody", lambda chosen: _evidence(chosen)),
)

CLOCKS: Final[tuple[Rule, ...]] = (
    (
        "Templates and crops of people who do not match",
        lambda chosen: f"{chosen.clocks.non_match_seconds:g} seconds",
    ),
    ("Images and scores of an alert", lambda chosen: f"{chosen.clocks.alert_hours:g} hours"),
    (
        "The list, after the end of the deployment",
        lambda chosen: f"{chosen.clocks.list_after_end_hours:g} hours",
    ),
    ("Video of the cameras", lambda chosen: f"{chosen.clocks.video_days:g} days"),
    ("Records for audit, nothing biometric", lambda chosen: f"{chosen.clocks.audit_days:g} days"),
    (
        "An encrypted probe, until it is drawn for replay",
        lambda chosen: f"{chosen.clocks.challenge_minutes:g} minutes",
    ),
    (
        "Encrypted probes that were drawn, after the end",
        lambda chosen: f"{chosen.clocks.replay_hours:g} hours",
    ),
)

_HEAD: Final = """\
# Policy profiles

A deployment follows a policy profile: the rules of a force or a law in one file, which the programs read themselves.
`blindwatch policy document` makes this page of the same files, so it cannot say anything else, and
`blindwatch policy show` shows one of them. Comments in the files say where each value comes from, and which are the
project's own choice. A manifest names its profile by the digest of the text, so rules do not change unseen.

The profiles are what the project made of public sources: a starting point for people who answer for it, neither legal
advice nor anybody's official policy."""


def _urgency(chosen: Profile) -> str:
    found = chosen.urgency
    return "never" if found is None else f"{found.hours:g} hours at most, without {found.document}"


def _places(chosen: Profile, *, private: bool) -> str:
    if chosen.checks is None:
        return "nowhere"
    return words([each.name for each in chosen.checks.places if each.private is private])


def _evidence(chosen: Profile) -> str:
    if chosen.use != "retrospective":
        return "nobody is searched for"
    return f"one of {words([each.name for each in chosen.evidence])}"


def page() -> str:
    """All profiles as a page in Markdown."""
    every = [profile(name) for name in profiles()]
    parts = [
        _HEAD,
        "## Rules",
        _table(RULES, every),
        "## Retention",
        "How long each is kept at most; zero is not at all.",
        _table(CLOCKS, every),
        "## Categories and documents",
        *map(_section, every),
    ]
    return "\n\n".join(parts) + "\n"


def _table(rules: Sequence[Rule], every: Sequence[Profile]) -> str:
    rows = [["", *(each.name for each in every)], ["---"] * (len(every) + 1)]
    rows += [[title, *(say(each) for each in every)] for title, say in rules]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _section(chosen: Profile) -> str:
    folder = "../shared/blindwatch/policy/profiles"
    lines = [
        f"### {chosen.name}",
        "",
        f"{chosen.title}: version {chosen.version} of [the file]({folder}/{chosen.name}.toml), SHA-256",
        f"`{chosen.digest}`.",
        "",
        "Nobody is on a list for another reason than these:",
        "",
        *(f"- `{each.name}`: {each.title}{_approval(each.sensitive)}" for each in chosen.categories),
        "",
        f"Every row of a list fills, besides image, name and category: {words(chosen.entry_fields)}.",
        "",
        f"Documents that must be there and in force: {words(chosen.documents)}.",
        *_of_checks(chosen.checks),
        *_of_evidence(chosen),
    ]
    return "\n".join(lines)


def _of_checks(checks: Checks | None) -> Iterator[str]:
    if checks is not None:
        for said, choices in (
            ("Nobody is checked by a photograph elsewhere than here:", checks.places),
            ("Nobody is checked for another reason than these:", checks.reasons),
            ("In a private place nobody is checked but for one of these risks:", checks.harms),
        ):
            yield from ("", said, "", *map(_choice, choices))


def _of_evidence(chosen: Profile) -> Iterator[str]:
    if chosen.evidence:
        yield from ("", "A search has identified nobody without one of these kinds of other evidence:", "")
        yield from map(_choice, chosen.evidence)


def _choice(each: Choice) -> str:
    private = isinstance(each, Place) and each.private
    return f"- `{each.name}`: {each.title}{' (private)' if private else ''}"


def words(names: Sequence[str]) -> str:
    """Names in a row."""
    return ", ".join(names) or "none"


def _approval(sensitive: bool) -> str:
    return " (needs a second approval)" if sensitive else ""


def _or_none(value: float | None, unit: str = "") -> str:
    return "no limit" if value is None else f"{value:,g}{unit}"
