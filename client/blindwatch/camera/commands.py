"""`blindwatch camera`: run over a folder of photographs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from blindwatch.camera.camera import Camera, Look
from blindwatch.cli import files
from blindwatch.cli.progress import progress
from blindwatch.errors import ConfigurationError
from blindwatch.he.keys import EncryptionKey
from blindwatch.vision.pipeline import DEFAULT, FacePipeline
from blindwatch.vision.registry import Registry
from blindwatch.wire.client import ServerClient

app = typer.Typer(no_args_is_help=True)


@app.callback()
def camera() -> None:
    """Find faces, encrypt their templates and send them."""


@app.command()
def run(
    keys: Annotated[Path, typer.Option(help="The encryption key.", dir_okay=False)],
    server: Annotated[str, typer.Option(help="Address of the match server.")],
    deployment: Annotated[str, typer.Option(help="Name of the deployment.")],
    camera: Annotated[str, typer.Option(help="Name of this camera.")],
    token_file: Annotated[Path, typer.Option(help="File with the camera's token.")],
    source: Annotated[Path, typer.Option(help="Folder of photographs.", exists=True, file_okay=False)],
    pipeline: Annotated[str, typer.Option(help="Pipeline of the registry of models.")] = DEFAULT,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object for every photograph instead of a table.")
    ] = False,
) -> None:
    """Send every face in a folder of photographs as an encrypted probe; photographs are read, never copied."""
    key = EncryptionKey.from_bytes(files.read(keys, "encryption key"))
    models = FacePipeline.named(Registry.load(), pipeline)
    if models.dimension != key.preset.dimension:
        raise ConfigurationError("The pipeline's embeddings do not have the preset's dimension.")
    photographs = sorted(path for path in source.iterdir() if path.is_file())
    with ServerClient(server, files.read_line(token_file, "token file")) as client, progress() as display:
        working = Camera(camera, deployment, key, models, client)
        working.check_deployment()
        for path in display.track(photographs, description="Watching"):
            look = working.look(path)
            if as_json:
                typer.echo(json.dumps(_describe(path.name, look)))
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
