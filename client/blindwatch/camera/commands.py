"""`blindwatch camera`: make the camera's key, and run over a folder of photographs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from blindwatch.camera import identity as identities
from blindwatch.camera.camera import Camera, Look
from blindwatch.camera.mandate import Mandate
from blindwatch.cli import files
from blindwatch.cli.progress import progress
from blindwatch.cli.tls import Ca, Certificate, CertificateKey
from blindwatch.errors import ConfigurationError
from blindwatch.he.keys import EncryptionKey
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.register import Register
from blindwatch.vision.pipeline import DEFAULT, FacePipeline
from blindwatch.vision.registry import Registry
from blindwatch.wire import limits
from blindwatch.wire.client import ServerClient
from blindwatch.wire.credentials import Signing
from blindwatch.wire.tls import client_context

app = typer.Typer(no_args_is_help=True)


@app.callback()
def camera() -> None:
    """Find faces, encrypt their templates and send them."""


@app.command()
def identity(
    name: Annotated[str, typer.Option(help="Name of the camera, such as the place where it hangs.")],
    out: Annotated[Path, typer.Option(help="New private file for the key.", dir_okay=False)],
) -> None:
    """Make this camera's own key, and show the line about it that the manifest of a deployment needs."""
    identities.check_name(name)
    typer.echo(identities.entry(name, identities.make(out)).model_dump_json(by_alias=True))


@app.command()
def run(
    keys: Annotated[Path, typer.Option(help="The encryption key.", dir_okay=False)],
    server: Annotated[str, typer.Option(help="Address of the match server.")],
    identity: Annotated[Path, typer.Option(help="This camera's own key.", dir_okay=False)],
    manifest: Annotated[Path, typer.Option(help="The approved manifest of the deployment.", dir_okay=False)],
    register: Annotated[Path, typer.Option(help="This camera's copy of the register.", dir_okay=False)],
    source: Annotated[Path, typer.Option(help="Folder of photographs.", exists=True, file_okay=False)],
    pipeline: Annotated[str, typer.Option(help="Pipeline of the registry of models.")] = DEFAULT,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object for every photograph instead of a table.")
    ] = False,
    ca: Ca = None,
    certificate: Certificate = None,
    certificate_key: CertificateKey = None,
) -> None:
    """Send every face in a folder of photographs as an encrypted probe; photographs are read, never copied."""
    signing = identities.load(identity)
    approved = Envelope.from_json(files.read_at_most(manifest, limits.ENVELOPE, "deployment's manifest"))
    mandate = Mandate.verified(approved, Register.load(register), signing.public_key())
    key = EncryptionKey.from_bytes(files.read(keys, "encryption key"))
    models = FacePipeline.named(Registry.load(), pipeline)
    if models.dimension != key.preset.dimension:
        raise ConfigurationError("The pipeline's embeddings do not have the preset's dimension.")
    photographs = sorted(path for path in source.iterdir() if path.is_file())
    tls = client_context(ca, certificate, certificate_key)
    with ServerClient(server, Signing(signing), tls=tls) as client:
        working = Camera(mandate, key, models, client)
        working.check_deployment()
        try:
            with progress() as display:
                for path in display.track(photographs, description="Watching"):
                    look = working.look(path)
                    if as_json:
                        typer.echo(json.dumps(_describe(path.name, look)))
        finally:
            if not as_json:
                Console().print(_summary(working))


def _describe(photograph: str, look: Look) -> dict[str, object]:
    return {
        "photograph": photograph,
        "visionMs": round(look.vision_ms, 1),
        "dropped": look.dropped,
        "problem": look.problem.urn if look.problem else None,
        "probes": [
            {
                "probeId": each.probe_id,
                "encryptMs": round(each.encrypt_ms, 1),
                "sendMs": round(each.send_ms, 1),
                "bytes": each.size,
            }
            for each in look.sent
        ],
    }


def _summary(camera: Camera) -> Table:
    table = Table("Count", "Number", title=f"Camera {camera.name}")
    for name, number in asdict(camera.tally).items():
        table.add_row(name, str(number))
    return table
