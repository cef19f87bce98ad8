"""A manifest as people read it before they sign: everything in plain words, on one screen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from blindwatch.deployment.operating_point import OperatingPoint, share
from blindwatch.deployment.prediction import FACES, Predicted
from blindwatch.errors import NotAuthorised, PolicyViolation
from blindwatch.policy.profile import Profile
from blindwatch.statements import trust
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import DeploymentManifest, instant
from blindwatch.statements.register import Register
from blindwatch.tlog.policy import Policy


def described(manifest: DeploymentManifest, rules: Profile) -> Table:
    """What the manifest says."""
    table = Table(show_header=False, title=f"Deployment {manifest.deployment}, version {manifest.version}")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in _content(manifest, rules):
        table.add_row(name, escape(value))
    return table


def _content(manifest: DeploymentManifest, rules: Profile) -> Iterator[tuple[str, str]]:
    titles = {each.name: each.title for each in rules.categories}
    listed = manifest.watchlist
    reasons = [f"{count:,} {titles.get(name, name)}" for name, count in sorted(listed.by_category.items())]
    ranked = manifest.use == "ranked"
    yield "Purpose", manifest.purpose
    yield "Place", manifest.place
    yield "Window", f"{manifest.window.not_before} to {manifest.window.not_after}"
    yield "Rules", f"{rules.title} ({rules.name}, version {rules.version})"
    yield "Use", "ranked search: every score is shown" if ranked else "matches only"
    yield "Cameras", ", ".join(each.name for each in manifest.cameras) or "none"
    yield "People on the list", f"{listed.entries:,}: {'; '.join(reasons)}"
    yield "Under age", f"{listed.under_age:,}; a second person agreed to {listed.second_approvals:,} entries"
    yield "List built", listed.built_at
    if not ranked:
        yield "Threshold", f"similarity {manifest.thresholds.similarity:.3f}"
        yield "False alerts", f"{manifest.predicted.false_alerts_per_1000:.3g} in {FACES:,} faces"
    if manifest.operating_point is not None:
        yield "Operating point", f"{manifest.operating_point[:16]}, which the false alerts follow from"
    if manifest.predicted.acknowledged is not None:
        yield "Too many, because", manifest.predicted.acknowledged
    yield "Log", _log(manifest.read_log_policy())
    for each in manifest.documents:
        yield f"Document {each.kind}", f"version {each.version}, until {each.expires}, {each.digest[:16]}"
    if manifest.change_reason is not None:
        yield "Changed because", manifest.change_reason
    yield "Drawn up by", manifest.creator


def _log(policy: Policy) -> str:
    """Which log the server writes, and who has to have seen it."""
    origins = ", ".join(policy.logs)
    if policy.quorum is None:
        return f"{origins}; no witness has to cosign it"
    return f"{origins}; cosigned by {policy.least} at least of {', '.join(policy.witnesses)}"


def predicted(found: Predicted, cap: float | None) -> Table:
    """What errors to expect, in figures and in a sentence."""
    table = Table("What", "Expected", "95 % interval", title="Predicted errors")
    expected, low, high = found.expected, found.false_alerts(found.low), found.false_alerts(found.high)
    table.add_row(
        "False matches in one comparison", f"{found.rate:.2g}", f"{found.low:.2g} to {found.high:.2g}"
    )
    table.add_row(f"False alerts in {FACES:,} faces", f"{expected:.3g}", f"{low:.3g} to {high:.3g}")
    table.caption = (
        f"Of {FACES:,} people who pass and are not on this list of {found.entries:,}, about {expected:.3g} would be "
        f"stopped wrongly if nobody looked twice. {_against(expected, cap)} {found.basis.value}"
    )
    return table


def calibrated(point: OperatingPoint) -> Table:
    """Where a threshold comes from."""
    measured, expected = point.measured, point.expected
    table = Table(show_header=False, title=f"Operating point {point.digest[:16]}")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("Wanted", f"FPIR {point.target.fpir:g} on a list of {point.target.entries:,}")
    table.add_row("Expected", f"FPIR {share(expected.fpir, expected.fpir_95)}, {expected.basis}")
    table.add_row("Missed", f"{share(expected.fnir, expected.fnir_95)} of people on the list")
    table.add_row(
        "Measured on", escape(f"{measured.data}; {measured.embedder}, {measured.detector or 'no detector'}")
    )
    table.add_row(
        "Resting on", f"{measured.false_matches:,} false matches in {measured.comparisons:,} comparisons"
    )
    if expected.assumption is not None:
        table.add_row("Assuming that", escape(expected.assumption))
    if point.falls_short:
        needed = f"[bold red]too few comparisons: it would take {measured.comparisons_needed:,}[/]"
        table.add_row("Shortfall", needed)
    return table


def _against(expected: float, cap: float | None) -> str:
    if cap is None:
        return "The profile sets no cap."
    verdict = "within" if expected <= cap else "[bold red]MORE THAN[/]"
    return f"That is {verdict} the {cap:g} of the profile."


def checklist(manifest: DeploymentManifest, rules: Profile) -> Table:
    """Every rule of the profile, and whether the manifest keeps to it."""
    table = Table("Rule", "Kept", title=f"Rules of {rules.name}")
    for title, check in trust.RULES.items():
        try:
            check(manifest, rules)
            table.add_row(title, "[green]yes[/]")
        except PolicyViolation as error:
            table.add_row(title, f"[bold red]no:[/] {escape(error.detail)}")
    return table


def standing(envelope: Envelope, manifest: DeploymentManifest, register: Register, rules: Profile) -> Table:
    """Who has signed, and whose signatures are missing."""
    signers = register.signers(envelope)
    table = Table("Who", "Role", "Signature", title="Signatures")
    for person in signers.valid:
        table.add_row(person.name, person.role, "[green]holds[/]")
    for person in signers.broken:
        table.add_row(person.name, person.role, "[bold red]void: the manifest was changed since[/]")
    try:
        trust.check_approved(envelope, manifest, register, rules)
        table.caption = "[green]Approved.[/]"
    except NotAuthorised as error:
        table.caption = f"[bold red]Not approved:[/] {error.detail}"
    return table


def changes(new: DeploymentManifest, old: DeploymentManifest) -> Table:
    """What differs between two versions."""
    table = Table("What", f"Version {old.version}", f"Version {new.version}", title="What is different")
    before, after = (
        each.model_dump(mode="json", exclude={"version", "change_reason"}) for each in (old, new)
    )
    for name, value in after.items():
        if value != before[name]:
            table.add_row(name.replace("_", " "), escape(_short(before[name])), escape(_short(value)))
    return table


def _short(value: object) -> str:
    """A part of a manifest in a cell; digests by their beginning."""
    match value:
        case dict():
            return "\n".join(f"{name.replace('_', ' ')}: {_short(part)}" for name, part in value.items())
        case list():
            return "\n".join(map(_short, value)) or "none"
        case str():
            return value[:16] if len(value) == 64 else value
        case float():
            return f"{value:.4g}"
        case _:
            return f"{value}"


def countdown(manifest: DeploymentManifest, at: datetime) -> str:
    """Where the deployment's window stands, in words."""
    start, end = instant(manifest.window.not_before), instant(manifest.window.not_after)
    if at < start:
        return f"It begins in {_span(start - at)}."
    return f"It ends in {_span(end - at)}." if at < end else "It is over."


def _span(length: timedelta) -> str:
    minutes = int(length.total_seconds()) // 60
    return f"{minutes // 60} h {minutes % 60:02} min"


def screen(
    envelope: Envelope, manifest: DeploymentManifest, register: Register, rules: Profile, at: datetime
) -> Iterator[RenderableType]:
    """All of it together."""
    yield described(manifest, rules)
    yield checklist(manifest, rules)
    yield standing(envelope, manifest, register, rules)
    yield countdown(manifest, at)
