"""`blindwatch operator console`: compare, decide, stop, in a page that this machine alone can reach."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from blindwatch.cli import files
from blindwatch.cli.tls import Ca, Certificate, CertificateKey
from blindwatch.console.post import Papers, Post
from blindwatch.console.serving import Service
from blindwatch.console.wiping import begin_again
from blindwatch.deployment.operating_point import OperatingPoint
from blindwatch.deployment.papers import People, SigningKeys
from blindwatch.integrations.metrics import DutyCollector, serving
from blindwatch.integrations.outbox import Outbox
from blindwatch.integrations.settings import Integrations
from blindwatch.operator.options import (
    Deployment,
    Faces,
    JournalFolder,
    Port,
    ReleaseFolder,
    Removal,
    Server,
    Training,
)
from blindwatch.operator.removals import read_removal
from blindwatch.operator.unlocking import Release
from blindwatch.secret import candidates
from blindwatch.statements.package import OperatorPackage
from blindwatch.statements.register import Register
from blindwatch.wire.client import ServerClient
from blindwatch.wire.serving import hush
from blindwatch.wire.tls import client_context

_AT_ONCE_SECONDS: Final = 1.5
"""For what must not wait: a stop counts within two seconds, or the operator is told that it does not."""


def console(
    keys: Annotated[Path, typer.Option(help="Folder with the wrapped secret key.", file_okay=False)],
    entries: Annotated[Path, typer.Option(help="The list's operator.json, without names.", dir_okay=False)],
    register: People,
    server: Server,
    deployment: Deployment,
    token_file: Annotated[Path, typer.Option(help="File with the operator's token.")],
    identity: SigningKeys,
    journal: JournalFolder,
    training: Training,
    faces: Faces = None,
    also: Annotated[
        list[str] | None, typer.Option("--operator", help="Another operator at this console; again for more.")
    ] = None,
    removal: Removal = None,
    release: ReleaseFolder = None,
    hours: Annotated[float, typer.Option(help="For how long to ask for the key.", min=0.001)] = 8.0,
    share_file: Annotated[
        list[Path] | None, typer.Option(help="File with a custodian's share, for tests only.")
    ] = None,
    operating_point: Annotated[
        Path | None, typer.Option(help="The operating point, if the manifest names one.", dir_okay=False)
    ] = None,
    check_minutes: Annotated[
        float, typer.Option(help="Minutes between checks of attention, on average; 0 for none.", min=0)
    ] = 60.0,
    port: Port = 0,
    ca: Ca = None,
    certificate: Certificate = None,
    certificate_key: CertificateKey = None,
    integrations: Annotated[
        Path | None, typer.Option(help="File that says who is told of decisions.", dir_okay=False)
    ] = None,
    ready_file: Annotated[
        Path | None, typer.Option(help="File to write the address into once the console is there.")
    ] = None,
) -> None:
    """Show alerts to operators, who compare two images and decide, in a browser on this machine."""
    begin_again("console")
    package = OperatorPackage.load(entries)
    others = Integrations() if integrations is None else Integrations.load(integrations)
    papers = Papers(
        package=package,
        faces=faces or entries.with_name(candidates.FILE),
        register=Register.load(register),
        identity=identity,
        training=training,
        journal=journal,
        removal=read_removal(removal),
        point=None if operating_point is None else OperatingPoint.load(operating_point),
        outbox=others.outbox(server),
    )
    asked = Release(keys, hours, release, share_file or ())
    tls = client_context(ca, certificate, certificate_key)
    token = files.read_line(token_file, "token file")
    with papers.outbox, ExitStack() as stack:
        clients = (
            stack.enter_context(ServerClient(server, token, tls=tls)),
            stack.enter_context(ServerClient(server, token, _AT_ONCE_SECONDS, tls)),
        )
        post = Post.open(stack, papers, asked, clients, deployment, also or (), check_minutes)
        hush()
        try:
            with _counted(others.metrics_port, post):
                Service(post, port).run(ready_file)
        finally:
            _report(post.duty.abandon())
    _report_undelivered(papers.outbox)


@contextmanager
def _counted(port: int | None, post: Post) -> Iterator[None]:
    """Have counts served, if there is a port for them."""
    if port is None:
        yield
        return
    duty = post.duty
    collector = DutyCollector(duty.assignment.deployment, duty.counts, post.outbox, duty.now)
    with serving(port, collector) as taken:
        typer.echo(f"Counts: http://127.0.0.1:{taken}/metrics")
        yield


def _report(left: int) -> None:
    if left:
        Console(stderr=True).print(
            f"[bold yellow]Alerts without an outcome: {left}.[/] Start the console again and decide about them;"
            " the deployment cannot be reported as over before.",
            soft_wrap=True,
        )


def _report_undelivered(outbox: Outbox) -> None:
    if outbox.undelivered:
        Console(stderr=True).print(
            f"[bold yellow]Events that did not reach somebody: {outbox.undelivered}.[/]"
            " They are in the file of dead letters, and are not sent again.",
            soft_wrap=True,
        )
