"""`blindwatch deployment draft` and `approve`: whoever signs sees first what is signed, and what errors to expect."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from blindwatch.cli import files
from blindwatch.custodian.signing import custodian
from blindwatch.deployment import review, showing
from blindwatch.deployment.drafting import Base, Listing, draw_up, read_draft
from blindwatch.deployment.operating_point import OperatingPoint
from blindwatch.deployment.papers import (
    Manifest,
    People,
    SigningKeys,
    Yes,
    check_new,
    read_manifest,
    write_new,
)
from blindwatch.deployment.prediction import Predicted, calibrated, curves, predict
from blindwatch.errors import ConfigurationError, NotAuthorised, PolicyViolation
from blindwatch.policy.profile import Profile
from blindwatch.policy.profile import profile as find_profile
from blindwatch.statements import trust
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import DeploymentManifest, Prediction
from blindwatch.statements.register import PersonRole, Register
from blindwatch.statements.signing import Identity
from blindwatch.vision.registry import Registry


def draft(
    draft: Annotated[Path, typer.Option(help="Draft file: purpose, place, window, cameras, documents.")],
    keys: Annotated[Path, typer.Option(help="Folder of the key ceremony.", file_okay=False)],
    watchlist: Annotated[Path, typer.Option(help="Folder of the watchlist.", exists=True, file_okay=False)],
    identity: SigningKeys,
    register: People,
    out: Annotated[Path, typer.Option(help="New file for the manifest.")],
    acknowledge: Annotated[
        str | None, typer.Option(help="Why it is right to exceed the profile's cap of false alerts.")
    ] = None,
    replaces: Annotated[
        Path | None,
        typer.Option(help="The manifest in force, if this is a newer version of it.", dir_okay=False),
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why the newer version differs.")] = None,
    yes: Yes = False,
) -> None:
    """Draw up a manifest as a custodian, see what errors to expect, and sign it. It is not approved yet."""
    people, console = Register.load(register), Console()
    signer = Identity.from_pem(files.read(identity, "signing keys"))
    creator = custodian(signer, people)
    check_new(out, "manifest")
    written, listing, base = read_draft(draft), Listing.load(watchlist), _base(replaces, reason)
    rules = find_profile(written.profile)
    point = written.measured(draft.parent)
    expected = _expected(listing, rules, point)
    if point is not None:
        console.print(showing.calibrated(point))
    promise = Prediction(false_match_rate=0.0, false_alerts_per_1000=0.0)
    if expected is not None:
        console.print(showing.predicted(expected, rules.false_alerts_per_1000))
        promise = expected.statement(acknowledge)
    manifest = draw_up(written, draft.parent, keys, listing, promise, creator.name, rules, base)
    console.print(showing.described(manifest, rules))
    _show_changes(console, manifest, base.manifest if base else None)
    trust.check_policy(manifest, rules)
    review.check(manifest, expected, datetime.now(UTC))
    if not yes:
        typer.confirm("Do you sign this?", abort=True)
    write_new(out, manifest.envelope().signed_by(signer).to_json(), "manifest")
    console.print(f"[green]Signed.[/] It needs {rules.approvals} authorising officers to approve it.")


def approve(
    manifest: Manifest,
    identity: SigningKeys,
    register: People,
    replaces: Annotated[
        Path | None, typer.Option(help="The version before, to see what is different.", dir_okay=False)
    ] = None,
    operating_point: Annotated[
        Path | None, typer.Option(help="The operating point, if the manifest names one.", dir_okay=False)
    ] = None,
    acknowledge: Annotated[
        bool,
        typer.Option(
            "--acknowledge", help="Accept more false alerts than the profile's cap, for the stated reason."
        ),
    ] = False,
    yes: Yes = False,
) -> None:
    """Approve a manifest as an authorising officer. Whatever is changed after that voids your approval.

    Everything that you sign for is shown first: the purpose, who is on the list and why, the documents, which rules
    are kept, and how many people are expected to be stopped wrongly.
    """
    people, console = Register.load(register), Console()
    signer = Identity.from_pem(files.read(identity, "signing keys"))
    envelope = read_manifest(manifest)
    content = DeploymentManifest.read(envelope)
    _check_officer(signer, people, envelope, content)
    rules, now = find_profile(content.profile.name), datetime.now(UTC)
    before = None if replaces is None else DeploymentManifest.read(read_manifest(replaces))
    point = None if operating_point is None else OperatingPoint.load(operating_point)
    expected = review.expected(content, Registry.load(), point)
    for part in showing.screen(envelope, content, people, rules, now):
        console.print(part)
    if point is not None:
        console.print(showing.calibrated(point))
    if expected is not None:
        console.print(showing.predicted(expected, rules.false_alerts_per_1000))
    _show_changes(console, content, before)
    trust.check_policy(content, rules)
    review.check(content, expected, now)
    _check_acknowledged(content, rules, acknowledge)
    if not yes:
        typer.confirm("Do you approve this deployment?", abort=True)
    signed = envelope.signed_by(signer)
    files.replace_private(manifest, signed.to_json(), "manifest")
    console.print(showing.standing(signed, content, people, rules))


def _expected(listing: Listing, rules: Profile, point: OperatingPoint | None) -> Predicted | None:
    listed = listing.watchlist
    if trust.USES[rules.use] == "ranked":
        if point is not None:
            raise ConfigurationError("Ranked search has no operating point.", "Take it out of the draft.")
        return None
    if point is not None:
        point.check(listed.model_digest, listed.preset, listing.package.thresholds)
        return calibrated(point, listed.entries)
    return predict(curves(Registry.load(), listed.model_digest), listing.package.similarity, listed.entries)


def _base(replaces: Path | None, reason: str | None) -> Base | None:
    if replaces is None and reason is None:
        return None
    if replaces is None or reason is None:
        raise ConfigurationError(
            "A newer version names the one it replaces and says why.", "Give both --replaces and --reason."
        )
    return Base(DeploymentManifest.read(read_manifest(replaces)), reason)


def _show_changes(console: Console, new: DeploymentManifest, old: DeploymentManifest | None) -> None:
    """Show what a newer version changes; refused if it may not take the place of the other, or that is not given."""
    if old is not None:
        trust.check_succeeds(new, old)
        console.print(showing.changes(new, old))
    elif new.version > 1:
        raise ConfigurationError(
            "This version replaces another, and what it changes must be seen.", "Name it with --replaces."
        )


def _check_officer(
    signer: Identity, people: Register, envelope: Envelope, manifest: DeploymentManifest
) -> None:
    officer = people.holder(signer.public)
    if officer.name == manifest.creator:
        raise NotAuthorised("You drew this manifest up, so somebody else has to approve it.")
    if officer.role is not PersonRole.AUTHORISING_OFFICER:
        raise NotAuthorised("These are not the keys of an authorising officer.")
    if manifest.creator not in people.signers(envelope).of_role(PersonRole.CUSTODIAN):
        raise NotAuthorised("The custodian who drew up the manifest has not signed it as it is now.")


def _check_acknowledged(manifest: DeploymentManifest, rules: Profile, acknowledged: bool) -> None:
    if trust.exceeds_cap(manifest, rules) and not acknowledged:
        raise PolicyViolation(
            f"More than {rules.false_alerts_per_1000:g} false alerts in 1,000 faces are predicted.",
            "If the reason in the manifest convinces you, approve it with --acknowledge.",
        )
