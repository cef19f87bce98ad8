"""`blindwatch camera`: make the camera's key, and watch a video, a stream, a device or a folder of photographs."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from threading import Event
from typing import Annotated

import typer
from rich.console import Console

from blindwatch.camera import identity as identities
from blindwatch.camera.camera import Camera, Look
from blindwatch.camera.folder import arriving, photographs
from blindwatch.camera.forgetting import wipe_freed
from blindwatch.camera.live import Watch
from blindwatch.camera.mandate import Mandate
from blindwatch.camera.sending import SEND_SECONDS
from blindwatch.camera.showing import Display, numbers
from blindwatch.camera.sources import opened
from blindwatch.camera.watching import Watcher
from blindwatch.camera.zone import Zone
from blindwatch.cli import files
from blindwatch.cli.progress import progress
from blindwatch.cli.tls import Ca, Certificate, CertificateKey
from blindwatch.errors import ConfigurationError
from blindwatch.he.keys import EncryptionKey
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.register import Register
from blindwatch.vision.pipeline import DEFAULT, FacePipeline
from blindwatch.vision.quality import SMALLEST_EYES
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
    source: Annotated[
        str,
        typer.Option(
            envvar="BLINDWATCH_SOURCE",
            show_envvar=True,
            help="A video file, an address (rtsp://...), the number of a device, or a folder of photographs.",
        ),
    ],
    follow: Annotated[
        bool,
        typer.Option("--follow", help="Of a folder, look at the photographs that come into it from now on."),
    ] = False,
    zone: Annotated[
        Path | None,
        typer.Option(help="Corners of the part of the picture to look at, in JSON.", dir_okay=False),
    ] = None,
    min_size: Annotated[
        float, typer.Option(help="Pixels from eye to eye of the smallest face to send, in a video.", min=8)
    ] = SMALLEST_EYES,
    pipeline: Annotated[str, typer.Option(help="Pipeline of the registry of models.")] = DEFAULT,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="Print JSON: an object for each photograph, or for each minute of a video."
        ),
    ] = False,
    ca: Ca = None,
    certificate: Certificate = None,
    certificate_key: CertificateKey = None,
) -> None:
    """Send the faces of a source as encrypted probes: one for each face. Nothing that is seen is kept."""
    wipe_freed()
    signing = identities.load(identity)
    approved = Envelope.from_json(files.read_at_most(manifest, limits.ENVELOPE, "deployment's manifest"))
    mandate = Mandate.verified(approved, Register.load(register), signing.public_key())
    key = EncryptionKey.from_bytes(files.read(keys, "encryption key"))
    models = FacePipeline.named(Registry.load(), pipeline)
    if models.dimension != key.preset.dimension:
        raise ConfigurationError("The pipeline's embeddings do not have the preset's dimension.")
    area = None if zone is None else Zone.load(zone)
    tls = client_context(ca, certificate, certificate_key)
    is_folder = Path(source).is_dir()
    if follow and not is_folder:
        raise ConfigurationError("Only a folder can be followed.", "Leave out --follow.")
    timeout = {} if is_folder else {"timeout": SEND_SECONDS}
    with ServerClient(server, Signing(signing), tls=tls, **timeout) as client:
        working = Camera(mandate, key, models, client, zone=area)
        working.check_deployment()
        with _stopped() as stop:
            if is_folder:
                _look(working, Path(source), stop, follow=follow, as_json=as_json)
            else:
                _watch(working, source, Watcher(models, area, min_size), stop, as_json=as_json)
        _tell_left(working)


def _look(camera: Camera, folder: Path, stop: Event, *, follow: bool, as_json: bool) -> None:
    """Photographs, each by itself."""
    try:
        with progress() as display:
            found = (
                arriving(folder, stop)
                if follow
                else display.track(photographs(folder), description="Watching")
            )
            for path in found:
                if stop.is_set():
                    break
                if path is not None:
                    look = camera.look(path)
                    if as_json:
                        typer.echo(json.dumps(_describe(path.name, look)))
                camera.report()
    finally:
        camera.report(everything=True)
        if not as_json:
            Console().print(numbers(camera.name, asdict(camera.tally)))


def _watch(camera: Camera, source: str, watcher: Watcher, stop: Event, *, as_json: bool) -> None:
    """Video, in which faces are followed."""
    display = Display(camera.name, as_json=as_json)
    watch = Watch(camera, opened(source), watcher)
    with display.running():
        status = watch.run(stop, display.show)
    display.finish(camera.name, status)
    if watch.has_ended:
        Console(stderr=True).print("The deployment has ended.")


def _tell_left(camera: Camera) -> None:
    left = sum(each.faces for each in camera.counts.waiting(everything=True).values())
    if left:
        Console(stderr=True).print(f"[yellow]The server has no counts of {left} of the faces.[/]")


@contextmanager
def _stopped() -> Iterator[Event]:
    """Set by the first signal to end; the second one ends at once."""
    stop = Event()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def note(_number: int, _frame: object) -> None:
        stop.set()
        restore()

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        restore()


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
