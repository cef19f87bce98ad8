"""`blindwatch operator check`: one photograph of one person, one answer, and nothing of the photograph left."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from blindwatch.camera import identity as identities
from blindwatch.camera.camera import Camera
from blindwatch.camera.mandate import Mandate
from blindwatch.cli import files
from blindwatch.cli.tls import Ca, Certificate, CertificateKey
from blindwatch.console.wiping import begin_again
from blindwatch.deployment.papers import People, SigningKeys
from blindwatch.he.keys import EncryptionKey
from blindwatch.operator import showing, unlocking
from blindwatch.operator.checks import Grounds, Inquiry, ask
from blindwatch.operator.fetching import check_deployment, read, unproven
from blindwatch.operator.journal import Journal
from blindwatch.operator.options import (
    Deployment,
    Hours,
    JournalFolder,
    Pipeline,
    ReleaseFolder,
    Removal,
    Server,
    Wait,
)
from blindwatch.operator.reading import Reader
from blindwatch.operator.removals import Removals, read_removal
from blindwatch.operator.taking import check_source, take
from blindwatch.operator.unlocking import Release
from blindwatch.policy.profile import profile
from blindwatch.secret.wrapping import unwrap
from blindwatch.statements.package import OperatorPackage
from blindwatch.statements.register import Register
from blindwatch.statements.signing import Identity
from blindwatch.vision.pipeline import DEFAULT, FacePipeline
from blindwatch.vision.registry import Registry
from blindwatch.wire.client import ServerClient
from blindwatch.wire.credentials import Signing
from blindwatch.wire.tls import client_context


def check(
    keys: Annotated[Path, typer.Option(help="Folder with the wrapped secret key.", file_okay=False)],
    entries: Annotated[Path, typer.Option(help="The list's operator.json, without names.", dir_okay=False)],
    register: People,
    photograph: Annotated[
        str,
        typer.Option(
            help="- for standard input, the number of a device, an address (rtsp://...), or a file to be removed."
        ),
    ],
    place: Annotated[str, typer.Option(help="Kind of place, as the policy profile has it, such as public.")],
    reason: Annotated[str, typer.Option(help="Why, as the policy profile has it, such as refuses-identity.")],
    journal: JournalFolder,
    identity: SigningKeys,
    camera: Annotated[
        Path, typer.Option(help="The key of the camera that took the photograph.", dir_okay=False)
    ],
    server: Server,
    deployment: Deployment,
    token_file: Annotated[Path, typer.Option(help="File with the operator's token.")],
    harm: Annotated[
        str | None, typer.Option(help="In a private place: the risk of significant harm, such as to-others.")
    ] = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove the file of the photograph once it is read.")
    ] = False,
    ca: Ca = None,
    certificate: Certificate = None,
    certificate_key: CertificateKey = None,
    wait: Wait = 30.0,
    pipeline: Pipeline = DEFAULT,
    removal: Removal = None,
    release: ReleaseFolder = None,
    hours: Hours = 8.0,
    share_file: Annotated[
        list[Path] | None, typer.Option(help="File with a custodian's share, for tests only.")
    ] = None,
) -> None:
    """Check whether one person is on the list, by one photograph, which is kept nowhere.

    Who checks, where and why is in the journal before anything is sent, and what it gave before it is shown.
    """
    begin_again("check")
    check_source(photograph, remove=remove)
    package, people = OperatorPackage.load(entries), Register.load(register)
    person = unlocking.operator_of(Identity.from_pem(files.read(identity, "signing keys")), people)
    grounds = Grounds(person, place, reason, harm)
    signing = identities.load(camera)
    key = EncryptionKey.from_bytes(files.read(keys / "encryption.key", "encryption key"))
    handed = read_removal(removal)
    tls = client_context(ca, certificate, certificate_key)
    token = files.read_line(token_file, "token file")
    with Journal(journal) as kept, ExitStack() as held:
        with (
            ServerClient(server, token, tls=tls) as client,
            ServerClient(server, Signing(signing), tls=tls) as sender,
        ):
            approved = check_deployment(client, deployment, package, people)
            manifest = approved.manifest
            grounds.check(profile(manifest.profile.name))
            mandate = Mandate.verified(approved.envelope, people, signing.public_key())
            models = FacePipeline.named(Registry.load(), pipeline)
            inquiry = Inquiry(kept, deployment, grounds, mandate.camera)
            working = Camera(mandate, key, models, sender, new_name=lambda: inquiry.identifier)
            working.check_deployment()
            asked = Release(keys, hours, release, share_file or ())
            secret = unlocking.released(approved, package, asked, people, identity, unwrap)
            held.enter_context(kept.holding(deployment, person, secret.window))
            reader = Reader(secret, package.fine_threshold, len(package.entries))
            removals = Removals(client, manifest, people, handed)
            taken = take(photograph, models)
            held.enter_context(inquiry.noted())
            result, logged = ask(working, client, inquiry.identifier, taken, wait)
            removals.refresh()
        # The connections are closed by now, so that the server cannot tell by the time what was found.
        reading = read(result, reader, removals, unproven(approved.gate, result, logged))
        # Before the journal says that the key is forgotten.
        del secret, reader
        inquiry.conclude(reading, package.entries, manifest.evidence_recipient)
    console = Console()
    console.print(showing.answer(reading, taken.shortcomings), soft_wrap=True)
    if reading.matches:
        console.print(showing.matches([reading], package.entries))
        console.print(
            f"Match {reading.probe_id[:8]} is in your journal. Say what became of it: blindwatch operator adjudicate",
            soft_wrap=True,
        )
