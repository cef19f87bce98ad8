"""`blindwatch operator check`: one photograph of one person, one answer, and nothing of the photograph left."""

from __future__ import annotations

import ssl
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from rich.console import Console

from blindwatch.camera import identity as identities
from blindwatch.cli import files
from blindwatch.cli.tls import Ca, Certificate, CertificateKey
from blindwatch.console.wiping import begin_again
from blindwatch.deployment.papers import People, SigningKeys
from blindwatch.he.keys import EncryptionKey
from blindwatch.operator import options, showing
from blindwatch.operator.checks import Grounds
from blindwatch.operator.examining import Answered, Examiner, Line, Means, Standing
from blindwatch.operator.journal import Journal
from blindwatch.operator.papers import Papers
from blindwatch.operator.taking import check_source, take
from blindwatch.operator.unlocking import Release
from blindwatch.statements.package import PackageEntry
from blindwatch.vision.pipeline import DEFAULT, FacePipeline
from blindwatch.vision.registry import Registry
from blindwatch.wire.tls import client_context

Keys: TypeAlias = Annotated[Path, typer.Option(help="Folder with the wrapped secret key.", file_okay=False)]
Entries: TypeAlias = Annotated[
    Path, typer.Option(help="The list's operator.json, without names.", dir_okay=False)
]
CameraFile: TypeAlias = Annotated[
    Path, typer.Option("--camera", help="The key of the camera that takes the photographs.", dir_okay=False)
]


def check(
    keys: Keys,
    entries: Entries,
    register: People,
    photograph: options.Photograph,
    place: options.Place,
    reason: Annotated[str, typer.Option(help="Why, as the policy profile has it, such as refuses-identity.")],
    journal: options.JournalFolder,
    identity: SigningKeys,
    camera: CameraFile,
    server: options.Server,
    deployment: options.Deployment,
    token_file: options.TokenFile,
    harm: options.Harm = None,
    remove: options.Remove = False,
    ca: Ca = None,
    certificate: Certificate = None,
    certificate_key: CertificateKey = None,
    wait: options.Wait = 30.0,
    pipeline: options.Pipeline = DEFAULT,
    removal: options.Removal = None,
    release: options.ReleaseFolder = None,
    hours: options.Hours = 8.0,
    share_file: options.ShareFiles = None,
) -> None:
    """Check whether one person is on the list, by one photograph, which is kept nowhere.

    Who checks, where and why is in the journal before anything is sent, and what it gave before it is shown.
    """
    begin_again("check")
    check_source(photograph, remove=remove)
    papers = Papers.read(entries, register, identity, removal)
    grounds = Grounds(papers.operator, place, reason, harm)
    line = line_of(server, token_file, camera, client_context(ca, certificate, certificate_key))
    means = means_of(keys, pipeline, wait)
    asked = Release(keys, hours, release, share_file or ())
    with Journal(journal) as kept, ExitStack() as held:
        standing = Standing.of(papers, line, deployment)
        grounds.check(standing.rules)
        answered = Examiner.open(held, standing, asked, kept, means).check(grounds, partial(take, photograph))
    _show(answered, papers.package.entries)


def line_of(server: str, token_file: Path, camera: Path, tls: ssl.SSLContext | None) -> Line:
    """How the server is reached, with what these files hold."""
    return Line(server, files.read_line(token_file, "token file"), identities.load(camera), tls)


def means_of(keys: Path, pipeline: str, wait: float) -> Means:
    """The models of a pipeline and the encryption key of a ceremony."""
    return Means(FacePipeline.named(Registry.load(), pipeline), key_of(keys), wait)


def key_of(keys: Path) -> EncryptionKey:
    """The encryption key in the folder of a ceremony."""
    return EncryptionKey.from_bytes(files.read(keys / "encryption.key", "encryption key"))


def _show(answered: Answered, entries: tuple[PackageEntry, ...]) -> None:
    reading, console = answered.reading, Console()
    console.print(showing.answer(reading, answered.shortcomings), soft_wrap=True)
    if reading.matches:
        console.print(showing.matches([reading], entries))
        console.print(
            f"Match {reading.probe_id[:8]} is in your journal. Say what became of it: blindwatch operator adjudicate",
            soft_wrap=True,
        )
