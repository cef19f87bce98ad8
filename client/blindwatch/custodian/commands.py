"""`blindwatch custodian`: the ceremony, the list, and the upload of both."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from blindwatch.cli import files
from blindwatch.cli.progress import progress
from blindwatch.cli.tls import Ca, Certificate, CertificateKey
from blindwatch.custodian import answering, conducting, listing
from blindwatch.custodian.uploading import Upload
from blindwatch.wire.client import ServerClient
from blindwatch.wire.tls import client_context

app = typer.Typer(no_args_is_help=True)

Keys = Annotated[Path, typer.Option(help="Folder of the key ceremony.", file_okay=False)]


app.command("ceremony")(conducting.ceremony)
app.command("release")(answering.release)
app.command("enrol")(listing.enrol)
app.command("sign-watchlist")(listing.sign_watchlist)
app.command("was-listed")(listing.was_listed)


@app.command()
def upload(
    manifest: Annotated[Path, typer.Option(help="The approved manifest of the deployment.", dir_okay=False)],
    keys: Keys,
    watchlist: Annotated[Path, typer.Option(help="Folder of the watchlist.", exists=True, file_okay=False)],
    server: Annotated[str, typer.Option(help="Address of the match server.")],
    token_file: Annotated[Path, typer.Option(help="File with the custodian's token.")],
    ca: Ca = None,
    certificate: Certificate = None,
    certificate_key: CertificateKey = None,
) -> None:
    """Send an approved deployment to a match server, with its public keys and list, and put it into force."""
    token = files.read_line(token_file, "token file")
    tls = client_context(ca, certificate, certificate_key)
    with ServerClient(server, token, tls=tls) as client, progress() as display:
        sending = Upload(client, manifest, keys, watchlist)
        task = display.add_task("Uploading", total=sending.parts)
        for _ in sending.send():
            display.advance(task)
    Console().print(f"[green]In force[/] {sending.deployment}")
