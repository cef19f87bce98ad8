"""A manifest as people read it before they sign: everything in plain words, on one screen."""

from __future__ import annotations

from datetime import datetime

from rich.console import Group
from rich.markup import escape
from rich.table import Table

from blindwatch.errors import BlindwatchError
from blindwatch.policy.profile import Profile
from blindwatch.statements import trust
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import DeploymentManifest, instant
from blindwatch.statements.register import Register


def described(manifest: DeploymentManifest, rules: Profile) -> Table:
    """What the manifest says."""
    table = Table(show_header=False, title=f"Deployment {manifest.deployment}, version {manifest.version}")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    titles = {each.name: each.title for each in rules.categories}
    listed = manifest.watchlist
    reasons = [f"{count:,} {titles.get(name, name)}" for name, count in sorted(listed.by_category.items())]
    rows = [
        ("Purpose", manifest.purpose),
        ("Place", manifest.place),
        ("From", manifest.window.not_before),
        ("Until", manifest.window.not_after),
        ("Rules", f"{rules.title} ({rules.name}, version {rules.version})"),
        ("Use", "ranked search" if manifest.use == "ranked" else "reveal on match"),
        ("Cameras", ", ".join(each.name for each in manifest.cameras) or "none"),
        ("People on the list", f"{listed.entries:,}: " + "; ".join(reasons)),
        ("Of them under age", f"{listed.under_age:,}"),
        ("List built", listed.built_at),
        ("Threshold", f"similarity {manifest.thresholds.similarity:.3f}"),
        ("False alerts", f"{manifest.predicted.false_alerts_per_1000:.3g} in 1,000 faces expected"),
        ("Cap exceeded because", manifest.predicted.acknowledged or "not exceeded, or not acknowledged"),
        ("Documents", ", ".join(f"{each.kind} ({each.version})" for each in manifest.documents) or "none"),
        ("Changed because", manifest.change_reason or "this is the first version"),
        ("Drawn up by", manifest.creator),
    ]
    for name, value in rows:
        table.add_row(name, escape(value))
    return table


def standing(envelope: Envelope, register: Register, rules: Profile) -> Table:
    """Who has signed, and whether the manifest holds."""
    signers = register.signers(envelope)
    table = Table("Who", "Role", "Signature", title="Signatures")
    for person in signers.valid:
        table.add_row(person.name, person.role, "[green]holds[/]")
    for person in signers.broken:
        table.add_row(person.name, person.role, "[bold red]void: the manifest was changed since[/]")
    try:
        trust.check_deployment(envelope, register, rules)
        table.caption = "[green]Approved.[/]"
    except BlindwatchError as error:
        table.caption = f"[bold red]Not approved:[/] {error.detail} {error.hint}"
    return table


def countdown(manifest: DeploymentManifest, at: datetime) -> str:
    """Where the deployment's window stands, in words."""
    start, end = instant(manifest.window.not_before), instant(manifest.window.not_after)
    if at < start:
        return f"It begins in {_span(start - at)}."
    return f"It ends in {_span(end - at)}." if at < end else "It is over."


def _span(length: object) -> str:
    return str(length).split(".", maxsplit=1)[0]


def screen(
    envelope: Envelope, manifest: DeploymentManifest, register: Register, rules: Profile, at: datetime
) -> Group:
    """All of it together."""
    return Group(
        described(manifest, rules),
        standing(envelope, register, rules),
        countdown(manifest, at),
    )
