"""`blindwatch operator verify-person`: one person against the one entry that they are believed to be, in one bit."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from blindwatch.cli import files
from blindwatch.cli.tls import Ca, Certificate, CertificateKey
from blindwatch.console.wiping import begin_again
from blindwatch.deployment.papers import People, SigningKeys
from blindwatch.operator import comparing, options, showing, unlocking
from blindwatch.operator.checking import Entries, Keys
from blindwatch.operator.checks import Grounds
from blindwatch.operator.comparing import Comparison, Named
from blindwatch.operator.fetching import check_deployment
from blindwatch.operator.journal import Journal
from blindwatch.operator.papers import Papers
from blindwatch.operator.removals import Removals
from blindwatch.operator.taking import check_source, take
from blindwatch.operator.unlocking import Release
from blindwatch.opinion.faces import Templater
from blindwatch.policy.profile import profile
from blindwatch.secret.candidates import Album, Portrait
from blindwatch.secret.keys import SecretKey
from blindwatch.secret.wrapping import unwrap
from blindwatch.verification.engines import Engine, check_installed, opened
from blindwatch.vision.pipeline import DEFAULT, FacePipeline
from blindwatch.vision.registry import Registry
from blindwatch.wire.client import ServerClient
from blindwatch.wire.tls import client_context


def verify_person(
    reference: Annotated[str, typer.Option(help="The entry that the person is believed to be.")],
    keys: Keys,
    entries: Entries,
    register: People,
    photograph: options.Photograph,
    place: options.Place,
    reason: Annotated[str, typer.Option(help="Why, as the policy profile has it, such as doubted-identity.")],
    journal: options.JournalFolder,
    identity: SigningKeys,
    server: options.Server,
    deployment: options.Deployment,
    token_file: options.TokenFile,
    engine: Annotated[
        Engine, typer.Option(help="The second scheme, or that of the match server.")
    ] = Engine.TFHE,
    faces: options.Faces = None,
    harm: options.Harm = None,
    remove: options.Remove = False,
    ca: Ca = None,
    certificate: Certificate = None,
    certificate_key: CertificateKey = None,
    pipeline: options.Pipeline = DEFAULT,
    removal: options.Removal = None,
    release: options.ReleaseFolder = None,
    hours: options.Hours = 8.0,
    share_file: options.ShareFiles = None,
) -> None:
    """Compare one person with the one entry that they are believed to be, encrypted, at this machine alone.

    Who asks, where and why is in the journal before anything is computed, and the answer before it is shown.
    """
    begin_again("verify-person")
    check_source(photograph, remove=remove)
    check_installed(engine)
    papers = Papers.read(entries, register, identity, removal)
    package, people = papers.package, papers.register
    grounds = Grounds(papers.operator, place, reason, harm)
    named = Named.find(package, reference)
    album_file = comparing.faces_of(package, entries, faces)
    models = FacePipeline.named(Registry.load(), pipeline)
    templates = Templater(models)
    tls, token = client_context(ca, certificate, certificate_key), files.read_line(token_file, "token file")
    with Journal(journal) as kept, ExitStack() as held:
        with ServerClient(server, token, tls=tls) as client:
            approved = check_deployment(client, deployment, package, people)
            manifest = approved.manifest
            grounds.check(profile(manifest.profile.name))
            comparing.check_running(client, approved, models.model_digest)
            removals = Removals(client, manifest, people, papers.removal)
            named.check_listed(removals)
            threshold = templates.threshold(manifest.thresholds.similarity)
            # Before custodians are troubled: an engine may fail to start.
            judge = held.enter_context(opened(engine))
            asked = Release(keys, hours, release, share_file or ())
            secret = unlocking.released(approved, package, asked, people, identity, unwrap)
            held.enter_context(kept.holding(deployment, grounds.operator, secret.window))
            # Custodians may have taken their time.
            comparing.check_running(client, approved, models.model_digest)
            named.check_listed(removals)
        comparison = Comparison(kept, deployment, grounds, engine, named)
        held.enter_context(comparison.noted())
        portrait = _portrait(album_file, secret, named)
        del secret  # it has opened the one face that it was released for
        entry = comparing.listed(portrait, models, templates)
        of_entry = portrait.shortcomings
        del portrait
        taken = take(photograph, models)
        verdicts = comparing.decide(taken, entry, threshold, templates, judge)
        comparison.conclude(verdicts)
    shortcomings = (*taken.shortcomings, *(f"Of the entry: {each}" for each in of_entry))
    console = Console()
    console.print(showing.comparison(named.entry, verdicts, shortcomings), soft_wrap=True)
    console.print(showing.arithmetic(judge.scheme, verdicts, threshold), soft_wrap=True)
    console.print(f"Comparison {comparison.identifier[:8]} is in your journal.")


def _portrait(file: tuple[Path, str], secret: SecretKey, named: Named) -> Portrait:
    """The face of the one entry; the others stay closed."""
    album = Album.load(*file, secret)
    try:
        return album.portrait(named.number)
    finally:
        album.forget()
