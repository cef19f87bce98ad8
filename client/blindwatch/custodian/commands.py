"""`blindwatch custodian`: the ceremony, the list, and the upload of both."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from blindwatch.cli import files
from blindwatch.cli.progress import progress
from blindwatch.cli.tls import Ca, Certificate, CertificateKey
from blindwatch.custodian import ceremony as ceremonies
from blindwatch.custodian import listing
from blindwatch.custodian.uploading import Upload
from blindwatch.he.presets import preset as find_preset
from blindwatch.he.ranked.presets import RANK_PRESETS, RankPreset
from blindwatch.wire.client import ServerClient
from blindwatch.wire.tls import client_context

app = typer.Typer(no_args_is_help=True)

Keys = Annotated[Path, typer.Option(help="Folder of the key ceremony.", file_okay=False)]


@app.command()
def ceremony(
    out: Annotated[Path, typer.Option(help="New folder for the keys.")],
    preset: Annotated[str, typer.Option(help="Parameter preset.")] = "reveal-128",
    passphrase_file: Annotated[
        Path | None, typer.Option(help="File with the passphrase; asked for if not given.")
    ] = None,
) -> None:
    """Make the keys of a deployment; the secret key is written under a passphrase."""
    chosen = RANK_PRESETS.get(preset) or find_preset(preset)
    if passphrase_file is None:
        passphrase = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=True)
    else:
        passphrase = files.read_line(passphrase_file, "passphrase file")
    keys = (
        ceremonies.hold_ranked(chosen, passphrase, out)
        if isinstance(chosen, RankPreset)
        else ceremonies.hold(chosen, passphrase, out)
    )
    Console().print(f"[green]Made keys[/] {keys.encryption.key_id}")


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
