"""Checks of what people signed before a deployment: its manifest, the rules of its profile, and its list."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Final

from blindwatch.errors import StatementMismatch
from blindwatch.oversight.checks.case import Case, Version
from blindwatch.oversight.checks.findings import Check, Findings
from blindwatch.statements import trust
from blindwatch.statements.predicates import DeploymentManifest

_APPROVALS: Final = "Second approvals"
"""The rule that has a check of its own."""


def _approved(case: Case, findings: Findings) -> None:
    for name in case.statements.unreadable:
        findings.fault(f"The file {name} is not a statement.")
    if not case.statements.of(DeploymentManifest):
        findings.fault("There is no manifest, so nothing says what was approved.")
    for version in case.versions:
        number = version.manifest.version
        approve = partial(
            trust.check_approved,
            version.statement.envelope,
            version.manifest,
            case.register,
            case.profile,
        )
        findings.attempt(f"Version {number}", approve)
        signers = case.register.signers(version.statement.envelope)
        names = ", ".join(f"{person.name} ({person.role})" for person in signers.valid)
        findings.note(f"Version {number} is signed by {names or 'nobody of the register'}.")
    for old, new in pairwise(case.versions):
        findings.attempt(f"Version {new.manifest.version}", partial(_check_succeeds, new, old))


def _check_succeeds(new: Version, old: Version) -> None:
    trust.check_succeeds(new.manifest, old.manifest)
    if _log_of(new.manifest) != _log_of(old.manifest):
        raise StatementMismatch("The manifest names another log than the version before.")


def _log_of(manifest: DeploymentManifest) -> set[str]:
    return {str(party.key) for party in manifest.read_log_policy().logs.values()}


def _keeps_rules(case: Case, findings: Findings) -> None:
    rules = {name: rule for name, rule in trust.RULES.items() if name != _APPROVALS}
    for version in case.versions:
        for name, rule in rules.items():
            about = f"Version {version.manifest.version}, {name.lower()}"
            findings.attempt(about, partial(rule, version.manifest, case.profile))
    findings.note(f"Profile {case.profile.name}, version {case.profile.version}: {', '.join(rules).lower()}.")


def _second_approvals(case: Case, findings: Findings) -> None:
    for version in case.versions:
        about, listed = f"Version {version.manifest.version}", version.manifest.watchlist
        findings.attempt(about, partial(trust.RULES[_APPROVALS], version.manifest, case.profile))
        findings.note(
            f"{about}: {listed.under_age:,} under {case.profile.adult_age}, "
            f"{trust.least_approvals(version.manifest, case.profile):,} at least that need a second approval, "
            f"{listed.second_approvals:,} that have one."
        )


def _lists(case: Case, findings: Findings) -> None:
    for version in case.versions:
        about, listed = f"The list of version {version.manifest.version}", version.listed
        if listed is None:
            findings.fault(f"{about} is not in the bundle.")
            continue
        check = partial(trust.check_watchlist, listed.envelope, case.register, case.profile, version.manifest)
        findings.attempt(about, check)
        findings.note(
            f"{about} has {listed.content.entries:,} entries and was built at {listed.content.built_at}."
        )


CHECKS: Final = (
    Check(
        "manifest",
        "The deployment was approved",
        "Those who have to approve a deployment have signed every version of this one, by the auditor's own "
        "register: its place, time, cameras, list and threshold are what they agreed to.",
        "That what they agreed to is right, or lawful.",
        _approved,
    ),
    Check(
        "rules",
        "The deployment keeps to its policy profile",
        "What was approved is within the rules of the profile, as the auditor has it.",
        "That the rules of the profile are those of the law.",
        _keeps_rules,
    ),
    Check(
        "watchlist",
        "The list is signed",
        "As many custodians as the profile asks for have signed the list, and it is the one that was approved, "
        "with as many entries of each category.",
        "Who is on the list, and whether they should be: names are with the custodians alone.",
        _lists,
    ),
    Check(
        "second-approvals",
        "Children and vulnerable people were approved twice",
        "As many entries have a second approval, with a reason, as need one, and the people who agreed to them have "
        "signed the list.",
        "That the reasons are good ones: they are with the custodians, in their own records.",
        _second_approvals,
    ),
)
