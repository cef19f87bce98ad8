"""`blindwatch operator check-console`: checks of one person in a page that this machine alone can reach."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from blindwatch.cli.tls import Ca, Certificate, CertificateKey
from blindwatch.console.bands import Scale
from blindwatch.console.checked.pages import application
from blindwatch.console.checked.room import Room, Setting
from blindwatch.console.duty import Key
from blindwatch.console.raising import Maker
from blindwatch.console.rooms.serving import serve
from blindwatch.console.training import Training
from blindwatch.console.wiping import begin_again
from blindwatch.deployment.papers import People, SigningKeys
from blindwatch.operator import checking, options
from blindwatch.operator.checks import rules_of
from blindwatch.operator.examining import Examiner, Means, Standing
from blindwatch.operator.journal import Journal
from blindwatch.operator.papers import Papers
from blindwatch.operator.taking import check_device
from blindwatch.operator.unlocking import Release
from blindwatch.secret import candidates
from blindwatch.vision.pipeline import DEFAULT
from blindwatch.wire.tls import client_context


def check_console(
    keys: checking.Keys,
    entries: checking.Entries,
    register: People,
    journal: options.JournalFolder,
    identity: SigningKeys,
    camera: checking.CameraFile,
    training: options.Training,
    server: options.Server,
    deployment: options.Deployment,
    token_file: options.TokenFile,
    device: Annotated[
        str | None,
        typer.Option(
            help="Number of a device or address (rtsp://...) that takes the photographs; files if not given."
        ),
    ] = None,
    faces: options.Faces = None,
    ca: Ca = None,
    certificate: Certificate = None,
    certificate_key: CertificateKey = None,
    wait: options.Wait = 30.0,
    pipeline: options.Pipeline = DEFAULT,
    removal: options.Removal = None,
    release: options.ReleaseFolder = None,
    hours: options.Hours = 8.0,
    share_file: options.ShareFiles = None,
    port: options.Port = 0,
    ready_file: options.ReadyFile = None,
) -> None:
    """Check people in a browser on this machine: grounds, a photograph, an answer, and the face of a match.

    Who checks, where and why is in the journal before anything is sent, and what it gave before it is shown.
    """
    begin_again("check-console")
    check_device(device)
    papers = Papers.read(entries, register, identity, removal, faces or entries.with_name(candidates.FILE))
    line = checking.line_of(server, token_file, camera, client_context(ca, certificate, certificate_key))
    means = checking.means_of(keys, pipeline, wait)
    asked = Release(keys, hours, release, share_file or ())
    with Journal(journal) as kept:
        room = opened(Standing.of(papers, line, deployment), asked, kept, means, training, device)
        approved = room.examiner.standing.approved.envelope
        serve(room, application, approved, papers.register, port, ready_file)


def opened(
    standing: Standing,
    asked: Release,
    journal: Journal,
    means: Means,
    training: Path,
    device: str | None = None,
) -> Room:
    """A room to check people in, with the key released; `Room.leave` lets go of that. Raises WrongUse."""
    rules_of(standing.rules)
    package = standing.papers.package
    trained = Training.load(training, standing.rules.training_days).is_trained
    with ExitStack() as held:
        examiner = Examiner.open(held, standing, asked, journal, means)
        maker = Maker(package.entries, Scale(package.fine_threshold, examiner.highest), examiner.album)
        key = Key(examiner.window, held.pop_all().close)
        return Room(examiner, journal, maker, key, Setting(trained, device))
