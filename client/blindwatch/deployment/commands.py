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
from blindwatch.deployment import agreeing, authorising, ending, removing, showing, standing_page
from blindwatch.deployment.papers import Manifest, People, SigningKeys, read_manifest, write_new
from blindwatch.policy.profile import profile as find_profile
from blindwatch.statements import trust
from blindwatch.statements.predicates import DeploymentManifest
from blindwatch.statements.register import Person, PersonRole, Register, entry
from blindwatch.statements.signing import Identity

app = typer.Typer(no_args_is_help=True)


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
    write_new(out, keys.to_pem(), "signing keys")
    typer.echo(text)


@app.command()
def register(register: People) -> None:
    """Check a register, and show who is in it."""
    table = Table("Name", "Role", "Keys", title="Register")
    for person in Register.load(register).people:
        table.add_row(person.name, person.role, " ".join(each[:12] for each in person.keys.key_ids))
    Console().print(table)


app.command("draft")(agreeing.draft)
app.command("approve")(agreeing.approve)


@app.command()
def show(
    manifest: Manifest,
    register: People,
    page: Annotated[
        Path | None, typer.Option(help="New file for a page that counts down to everything that lapses.")
    ] = None,
) -> None:
    """Show what a manifest says, who signed it and what is missing."""
    envelope, console = read_manifest(manifest), Console()
    content = DeploymentManifest.read(envelope)
    rules, people, at = find_profile(content.profile.name), Register.load(register), datetime.now(UTC)
    if page is not None:
        files.write_private(page, standing_page.html(envelope, content, people, rules, at).encode(), "page")
    for part in showing.screen(envelope, content, people, rules, at):
        console.print(part)


app.command("close")(ending.close)
app.command("receipts")(ending.receipts)


@app.command()
def verify(manifest: Manifest, register: People) -> None:
    """Check a manifest as every camera and server does; says why if it does not hold."""
    envelope = read_manifest(manifest)
    rules = find_profile(DeploymentManifest.read(envelope).profile.name)
    content = trust.check_deployment(envelope, Register.load(register), rules)
    Console().print(f"[green]Approved[/] {content.deployment}, version {content.version}, {envelope.digest}")


@app.command()
def remove(
    manifest: Manifest,
    watchlist: Annotated[Path, typer.Option(help="Folder of the watchlist.", exists=True, file_okay=False)],
    person: Annotated[list[str], typer.Option(help="Name or reference of whom to remove; again for more.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    identity: SigningKeys,
    register: People,
    out: Annotated[Path, typer.Option(help="New file for the signed removal.")],
    server: Annotated[str, typer.Option(help="Address of the match server.")],
    token_file: Annotated[Path, typer.Option(help="File with the custodian's token.")],
    ca: Ca = None,
) -> None:
    """Remove people from the list of a running deployment: from the next face on nobody is matched to them."""
    signer, people = Identity.from_pem(files.read(identity, "signing keys")), Register.load(register)
    custodian(signer, people)
    content = DeploymentManifest.read(read_manifest(manifest))
    entries = removing.entries_of(watchlist, content, person)
    with removing.client(server, token_file, ca) as client:
        count = removing.remove(client, content, people, entries, reason, signer, out)
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
    """Revoke a camera, as a custodian or an officer: from its next request on the server takes nothing from it."""
    signer = Identity.from_pem(files.read(identity, "signing keys"))
    content = DeploymentManifest.read(read_manifest(manifest))
    with removing.client(server, token_file, ca) as client:
        removing.revoke(client, content, camera, reason, signer, out)
    Console().print(f"[green]Revoked.[/] Camera {camera} can send nothing more.")


app.command("authorisation")(authorising.authorise)
