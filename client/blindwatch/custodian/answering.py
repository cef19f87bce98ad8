"""`blindwatch custodian release`: a custodian gives an operator a share of the key, for a time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.panel import Panel

from blindwatch.cli import files
from blindwatch.errors import ConfigurationError
from blindwatch.policy.profile import Profile, profile
from blindwatch.records import gating
from blindwatch.secret import releasing
from blindwatch.statements import trust
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import DeploymentManifest, KeyRequest
from blindwatch.statements.register import PersonRole, Register
from blindwatch.statements.signing import Identity
from blindwatch.wire import limits
from blindwatch.wire.messages import Logged


def release(
    request: Annotated[Path, typer.Option(help="The operator's request.", dir_okay=False)],
    identity: Annotated[Path, typer.Option(help="Your signing keys, a PEM file.", dir_okay=False)],
    register: Annotated[Path, typer.Option(help="Your copy of the register of people.", dir_okay=False)],
    manifest: Annotated[
        Path, typer.Option(help="The deployment's approved manifest: it says for which key.", dir_okay=False)
    ],
    out: Annotated[
        Path | None, typer.Option(help="New file for your answer; beside the request if not given.")
    ] = None,
    share_file: Annotated[
        Path | None, typer.Option(help="File with your share, for tests only; asked for if not given.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether to go on.")] = False,
) -> None:
    """Give an operator your share of the key for a time: nobody but that operator's program can open the answer.

    The operator's program has put the proof beside the request that the server's log has the deployment, before the
    witnesses that the manifest names.
    """
    people, console = Register.load(register), Console()
    signer = Identity.from_pem(files.read(identity, "signing keys"))
    custodian = people.holder(signer.public)
    if custodian.role is not PersonRole.CUSTODIAN:
        raise ConfigurationError("Only a custodian of the register releases a share.")
    asked = Envelope.from_json(files.read_at_most(request, limits.ENVELOPE, "request"))
    approved, digest, rules = _approved(manifest, people)
    wanted = releasing.check_request(asked, people, approved, rules, datetime.now(UTC))
    gating.accepted(_accepted(request), digest, approved)
    console.print(_described(wanted))
    place = out or request.with_name(f"{custodian.name}.dsse.json")
    if place.exists():
        raise ConfigurationError(
            "There is a file already where the answer would be.", "Name another with --out."
        )
    if not yes:
        typer.confirm("Do you release your share for this?", abort=True)
    words = _read_share(share_file, "Your share, all words")
    answer = releasing.answer(asked, wanted, words, custodian.name, signer)
    files.replace_private(place, answer.to_json(), "answer")
    console.print("[green]Released.[/] Put the file where the operator's request came from.")


def _read_share(file: Path | None, question: str) -> str:
    """The words of one share, from a file or from whoever holds it."""
    if file is not None:
        return files.read_line(file, "share file")
    words: str = typer.prompt(question, hide_input=True)
    return words


def _accepted(request: Path) -> Logged:
    path = request.with_name(releasing.ACCEPTED)
    return Logged.from_cbor(files.read_at_most(path, Logged.limit, f"proof {path.name} beside the request"))


def _approved(path: Path, register: Register) -> tuple[DeploymentManifest, str, Profile]:
    envelope = Envelope.from_json(files.read_at_most(path, limits.ENVELOPE, "manifest"))
    rules = profile(DeploymentManifest.read(envelope).profile.name)
    return trust.check_deployment(envelope, register, rules), envelope.digest, rules


def _described(wanted: KeyRequest) -> Panel:
    return Panel(
        f"Operator:    [bold]{wanted.operator}[/]\n"
        f"Deployment:  [bold]{wanted.deployment}[/]\n"
        f"From:        {wanted.window.not_before}\n"
        f"Until:       {wanted.window.not_after}\n"
        f"Key:         {wanted.key_id}",
        title="Somebody asks for the key",
    )
