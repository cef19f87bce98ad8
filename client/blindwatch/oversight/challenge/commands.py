"""`blindwatch oversight challenge`: draw results for replay, by signatures that nobody can foresee."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from blindwatch.cli import files
from blindwatch.cli.tls import Ca, Certificate, CertificateKey
from blindwatch.errors import CosignatureMissing, DeploymentClosed, NotAuthorised, ServerUnavailable
from blindwatch.oversight.challenge.challenging import Challenger
from blindwatch.oversight.challenge.state import ChallengeFolder, Outcome
from blindwatch.oversight.evidence import LogPolicy
from blindwatch.oversight.log_source import LogSource
from blindwatch.statements.register import PersonRole, Register
from blindwatch.statements.signing import Identity
from blindwatch.tlog.policy import Policy
from blindwatch.wire.client import ServerClient
from blindwatch.wire.tls import client_context

app = typer.Typer(no_args_is_help=True)

Folder = Annotated[
    Path, typer.Option("--state", help="Folder for the challenges of one deployment.", file_okay=False)
]
Deployment = Annotated[str, typer.Option(help="Name of the deployment.")]


@app.command()
def init(state: Folder, deployment: Deployment) -> None:
    """Make the folder in which every challenge of a deployment is kept, with what came of it."""
    ChallengeFolder.create(state, deployment)
    Console().print("[green]Made.[/] Begin to draw before the first probe comes.")


@app.command()
def run(
    state: Folder,
    server: Annotated[str, typer.Option(help="Address of the match server.")],
    deployment: Deployment,
    register: Annotated[Path, typer.Option(help="Your copy of the register of people.", dir_okay=False)],
    identity: Annotated[Path, typer.Option(help="Your signing keys, a PEM file.", dir_okay=False)],
    token_file: Annotated[Path, typer.Option(help="File with the token of the oversight body.")],
    log_policy: LogPolicy,
    ca: Ca = None,
    certificate: Certificate = None,
    certificate_key: CertificateKey = None,
    every: Annotated[float, typer.Option(help="Seconds from one draw to the next.", min=0.1)] = 10.0,
    once: Annotated[bool, typer.Option("--once", help="Draw once from what there is.")] = False,
) -> None:
    """Draw results for replay as they come, and hold the server to keeping them, until the deployment is over."""
    folder, people = ChallengeFolder(state), Register.load(register)
    folder.check(deployment)
    signer = Identity.from_pem(files.read(identity, "signing keys"))
    if people.holder(signer.public).role is not PersonRole.OVERSIGHT:
        raise NotAuthorised("Only an oversight body of the register draws results for replay.")
    token, tls = files.read_line(token_file, "token file"), client_context(ca, certificate, certificate_key)
    with (
        ServerClient(server, token, tls=tls) as client,
        LogSource(f"{server.rstrip('/')}/log", tls) as source,
    ):
        policy = Policy.load(log_policy)
        challenger = Challenger(folder, deployment, client, source, policy, people, signer)
        _draw(challenger, every, once=once)
    outcomes = folder.outcomes()
    Console().print(_summary(outcomes), soft_wrap=True)
    if not all(each.holds for each in outcomes):
        raise typer.Exit(1)


def _draw(challenger: Challenger, every: float, *, once: bool) -> None:
    """Draw again and again, until the deployment is over."""
    console = Console()
    while True:
        try:
            outcome = challenger.step(datetime.now(UTC))
            if outcome is not None:
                console.print(_line(outcome), soft_wrap=True)
        except DeploymentClosed:
            console.print("The deployment is over.")
            return
        except (ServerUnavailable, CosignatureMissing) as error:
            if once:
                raise
            console.print(f"[yellow]{escape(error.detail)}[/]")
        if once:
            return
        time.sleep(every)


def _line(outcome: Outcome) -> str:
    said = (
        f"Records {outcome.first:,} to {outcome.end - 1:,}: {outcome.results:,} results, "
        f"{len(outcome.kept):,} drawn and kept"
    )
    if outcome.late:
        said += f", [yellow]{len(outcome.late):,} drawn too late[/]"
    if outcome.lost:
        said += f", [yellow]{len(outcome.lost):,} lost when the server was started anew[/]"
    for what, probes in (
        ("NOT KEPT although drawn", outcome.missing),
        ("KEPT although not drawn", outcome.extra),
    ):
        if probes:
            said += f", [bold red]{what}: {', '.join(each[:8] for each in probes)}[/]"
    return said


def _summary(outcomes: Sequence[Outcome]) -> str:
    results, kept = sum(each.results for each in outcomes), sum(len(each.kept) for each in outcomes)
    broken = sum(not each.holds for each in outcomes)
    said = f"{len(outcomes):,} challenges in all, of {results:,} results: {kept:,} are kept for replay."
    return f"{said} [bold red]{broken:,} were not kept to.[/]" if broken else said
