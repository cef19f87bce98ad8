"""`blindwatch operator rank-console`: ranked search in a page that this machine alone can reach."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from blindwatch.cli import files
from blindwatch.cli.tls import Ca, Certificate, CertificateKey
from blindwatch.console.duty import Key
from blindwatch.console.ranked.pages import application
from blindwatch.console.ranked.room import Room, Terms
from blindwatch.console.rooms.serving import serve
from blindwatch.console.training import Training
from blindwatch.console.wiping import begin_again
from blindwatch.deployment.papers import People, SigningKeys
from blindwatch.errors import SamePerson
from blindwatch.operator import options, ranking
from blindwatch.operator.identifying import Signatory
from blindwatch.operator.inquiring import Inquirer
from blindwatch.operator.journal import Journal
from blindwatch.operator.papers import Papers
from blindwatch.operator.unlocking import Release
from blindwatch.policy.profile import profile
from blindwatch.secret import candidates
from blindwatch.statements.register import Register
from blindwatch.statements.signing import Identity
from blindwatch.vision.pipeline import DEFAULT, FacePipeline
from blindwatch.vision.registry import Registry
from blindwatch.wire.client import ServerClient
from blindwatch.wire.tls import client_context


def rank_console(
    keys: ranking.Keys,
    entries: ranking.Entries,
    register: People,
    journal: options.JournalFolder,
    identity: SigningKeys,
    training: options.Training,
    server: options.Server,
    deployment: options.Deployment,
    token_file: options.TokenFile,
    faces: Annotated[
        Path | None,
        typer.Option(
            help="The gallery's candidates.cbor; beside operator.json if not given.", dir_okay=False
        ),
    ] = None,
    ca: Ca = None,
    certificate: Certificate = None,
    certificate_key: CertificateKey = None,
    top: ranking.Top = 20,
    wait: options.Wait = 120.0,
    pipeline: options.Pipeline = DEFAULT,
    removal: options.Removal = None,
    release: options.ReleaseFolder = None,
    hours: options.Hours = 8.0,
    share_file: options.ShareFiles = None,
    second: Annotated[
        Path | None,
        typer.Option(
            help="Signing keys of another operator, who looks as well and may agree.", dir_okay=False
        ),
    ] = None,
    port: options.Port = 0,
    ready_file: options.ReadyFile = None,
) -> None:
    """Search a gallery in a browser on this machine: a ranking, and the faces that you ask for.

    Who searches, for which crime and why is in the journal before anything is sent.
    """
    begin_again("rank-console")
    beside = faces or entries.with_name(candidates.FILE)
    papers = Papers.read(entries, register, identity, removal, beside)
    people = signatories(papers.register, identity, second)
    asked = Release(keys, hours, release, share_file or ())
    tls, token = client_context(ca, certificate, certificate_key), files.read_line(token_file, "token file")
    models = FacePipeline.named(Registry.load(), pipeline)
    with ServerClient(server, token, tls=tls) as client, Journal(journal) as kept:
        room = opened(papers, asked, kept, client, deployment, models, people, training, Terms(top, wait))
        serve(room, application, room.inquirer.approved.envelope, papers.register, port, ready_file)


def signatories(register: Register, identity: Path, second: Path | None) -> tuple[Signatory, ...]:
    """Who uses the page, by their signing keys; raises ConfigurationError, or SamePerson if they are one person's."""
    paths = (identity,) if second is None else (identity, second)
    keys = (Identity.from_pem(files.read(path, "signing keys")) for path in paths)
    people = tuple(Signatory.of(each, register) for each in keys)
    if len({each.name for each in people}) != len(people):
        raise SamePerson("The second operator is the first one.", "Give the keys of another with --second.")
    return people


def opened(
    papers: Papers,
    asked: Release,
    journal: Journal,
    client: ServerClient,
    deployment: str,
    models: FacePipeline,
    people: Sequence[Signatory],
    training: Path,
    terms: Terms,
) -> Room:
    """A room to search in, with the key released; `Room.leave` lets go of that."""
    with ExitStack() as held:
        inquirer = Inquirer.open(held, papers, asked, journal, client, deployment, models)
        days = profile(inquirer.approved.manifest.profile.name).training_days
        trained = Training.load(training, days).is_trained
        key = Key(inquirer.window, held.pop_all().close)
        return Room(inquirer, journal, papers.package.entries, key, people, trained, terms)
