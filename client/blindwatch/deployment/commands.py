"""`blindwatch deployment`: draw up, approve, show, take away from, and close deployments."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from blindwatch.cli import files
from blindwatch.cli.tls import Ca
from blindwatch.custodian.signing import custodian
from blindwatch.deployment import ending, removing, showing
from blindwatch.deployment.drafting import Base, Listing, draw_up, read_draft
from blindwatch.deployment.prediction import points, predict
from blindwatch.errors import ConfigurationError, NotAuthorised
from blindwatch.policy.profile import profile as find_profile
from blindwatch.statements import trust
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import DeploymentManifest, Prediction
from blindwatch.statements.register import Person, PersonRole, Register, entry
from blindwatch.statements.signing import Identity
from blindwatch.vision.pipeline import DEFAULT
from blindwatch.vision.registry import Registry
from blindwatch.wire import limits

app = typer.Typer(no_args_is_help=True)

Manifest = Annotated[Path, typer.Option(help="The deployment's manifest.", dir_okay=False)]
SigningKeys = Annotated[Path, typer.Option(help="Your signing keys, a PEM file.", dir_okay=False)]
People = Annotated[Path, typer.Option(help="Your copy of the register of people.", dir_okay=False)]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask whether to go on.")]


@app.command()
def identity(
    name: Annotated[str, typer.Option(help="Your name in the register, such as a.khan.")],
    role: Annotated[PersonRole, typer.Option(help="Your one role.")],
    out: Annotated[
        Path, typer.Option(help="New file for your signing keys. Whoever has it can sign as you.")
    ],
) -> None:
    """Make a person's signing keys, and print the entry for the register."""
    keys = Identity.generate()
    text = entry(Person(name, role, keys.public))
    Register.read(text.encode())  # refuses a name that no register takes
    files.write_private(out, keys.to_pem(), "signing keys")
    typer.echo(text)


@app.command()
def register(register: People) -> None:
    """Check a register, and show who is in it."""
    table = Table("Name", "Role", "Keys", title="Register")
    for person in Register.load(register).people:
        table.add_row(person.name, person.role, " ".join(each[:12] for each in person.keys.key_ids))
    Console().print(table)


@app.command()
def draft(
    draft: Annotated[Path, typer.Option(help="Draft file: purpose, place, window, cameras, documents.")],
    keys: Annotated[Path, typer.Option(help="Folder of the key ceremony.", file_okay=False)],
    watchlist: Annotated[Path, typer.Option(help="Folder of the watchlist.", exists=True, file_okay=False)],
    identity: SigningKeys,
    register: People,
    out: Annotated[Path, typer.Option(help="New file for the manifest.")],
    pipeline: Annotated[str, typer.Option(help="Pipeline of the registry of models.")] = DEFAULT,
    acknowledge: Annotated[
        str | None, typer.Option(help="Why it is right to exceed the profile's cap of false alerts.")
    ] = None,
    replaces: Annotated[
        Path | None, typer.Option(help="The manifest in force, if this is a newer version of it.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why the newer version differs.")] = None,
    yes: Yes = False,
) -> None:
    """Draw up a manifest as a custodian, see what errors are expected, and sign it. It is not approved yet."""
    people, console = Register.load(register), Console()
    signer = Identity.from_pem(files.read(identity, "signing keys"))
    creator = custodian(signer, people)
    written, listing = read_draft(draft), Listing.load(watchlist)
    rules = find_profile(written.profile)
    predicted = Prediction(false_match_rate=0.0, false_alerts_per_1000=0.0)
    if rules.use != "retrospective":
        expected = predict(
            points(Registry.load(), pipeline, listing.watchlist.model_digest),
            listing.package.fine_threshold,
            listing.watchlist.entries,
        )
        console.print(expected.table(rules.false_alerts_per_1000))
        predicted = expected.statement(acknowledge)
    manifest = draw_up(
        written, draft.parent, keys, listing, predicted, creator.name, rules, _base(replaces, reason)
    )
    trust.check_policy(manifest, rules)
    console.print(showing.described(manifest, rules))
    if not yes:
        typer.confirm("Do you sign this?", abort=True)
    files.write_private(out, manifest.envelope().signed_by(signer).to_json(), "manifest")
    console.print("[green]Signed.[/] It takes effect once authorising officers have approved it.")


@app.command()
def approve(manifest: Manifest, identity: SigningKeys, register: People, yes: Yes = False) -> None:
    """Approve a manifest as an authorising officer. Any change after that voids your approval."""
    people, console = Register.load(register), Console()
    signer = Identity.from_pem(files.read(identity, "signing keys"))
    officer = people.holder(signer.public)
    envelope = _read(manifest)
    content = DeploymentManifest.read(envelope)
    rules = find_profile(content.profile.name)
    if officer.name == content.creator:
        raise NotAuthorised("You drew this manifest up, so somebody else has to approve it.")
    if officer.role is not PersonRole.AUTHORISING_OFFICER:
        raise NotAuthorised("Only an authorising officer of the register approves.")
    trust.check_policy(content, rules)
    if content.creator not in people.signers(envelope).of_role(PersonRole.CUSTODIAN):
        raise NotAuthorised("The custodian who drew up the manifest has not signed it as it is now.")
    console.print(showing.described(content, rules))
    if not yes:
        typer.confirm("Do you approve this deployment?", abort=True)
    files.replace_private(manifest, envelope.signed_by(signer).to_json(), "manifest")
    console.print(showing.standing(_read(manifest), people, rules))


@app.command()
def show(manifest: Manifest, register: People) -> None:
    """Show what a manifest says, who signed it and what is missing."""
    envelope = _read(manifest)
    content = DeploymentManifest.read(envelope)
    rules = find_profile(content.profile.name)
    Console().print(showing.screen(envelope, content, Register.load(register), rules, datetime.now(UTC)))


app.command("close")(ending.close)
app.command("receipts")(ending.receipts)


@app.command()
def verify(manifest: Manifest, register: People) -> None:
    """Check a manifest as every camera and server does; says why if it does not hold."""
    envelope = _read(manifest)
    rules = find_profile(DeploymentManifest.read(envelope).profile.name)
    content = trust.check_deployment(envelope, Register.load(register), rules)
    Console().print(f"[green]Approved[/] {content.deployment}, version {content.version}, {envelope.digest}")


@app.command()
def remove(
    manifest: Manifest,
    package: Annotated[Path, typer.Option(help="The list's operator.json.", dir_okay=False)],
    reference: Annotated[list[str], typer.Option(help="Reference of a person to remove; again for more.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    identity: SigningKeys,
    register: People,
    out: Annotated[Path, typer.Option(help="New file for the signed removal.")],
    server: Annotated[str, typer.Option(help="Address of the match server.")],
    token_file: Annotated[Path, typer.Option(help="File with the custodian's token.")],
    ca: Ca = None,
) -> None:
    """Remove people from the list of a running deployment: from the next face on nobody is matched to them."""
    signer = Identity.from_pem(files.read(identity, "signing keys"))
    custodian(signer, Register.load(register))
    with removing.client(server, token_file, ca) as client:
        count = removing.remove(client, _read(manifest), package, reference, reason, signer, out)
    Console().print(
        f"[green]Removed.[/] {count} entries of the list match no more. Give the file to the operator."
    )


@app.command("revoke-camera")
def revoke_camera(
    manifest: Manifest,
    camera: Annotated[str, typer.Option(help="Name of the camera in the manifest.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    identity: SigningKeys,
    out: Annotated[Path, typer.Option(help="New file for the signed revocation.")],
    server: Annotated[str, typer.Option(help="Address of the match server.")],
    token_file: Annotated[Path, typer.Option(help="File with the custodian's token.")],
    ca: Ca = None,
) -> None:
    """Revoke a camera: from its next request on the server takes nothing from it."""
    signer = Identity.from_pem(files.read(identity, "signing keys"))
    with removing.client(server, token_file, ca) as client:
        removing.revoke(client, _read(manifest), camera, reason, signer, out)
    Console().print(f"[green]Revoked.[/] Camera {camera} can send nothing more.")


def _read(path: Path) -> Envelope:
    return Envelope.from_json(files.read_at_most(path, limits.ENVELOPE, "manifest"))


def _base(replaces: Path | None, reason: str | None) -> Base | None:
    if (replaces is None) != (reason is None):
        raise ConfigurationError(
            "A newer version names the one it replaces and says why.", "Give both --replaces and --reason."
        )
    if replaces is None or reason is None:
        return None
    return Base(DeploymentManifest.read(_read(replaces)), reason)
