"""`blindwatch operator forget`: the end of a deployment at an operator, with a receipt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from blindwatch.cli import files
from blindwatch.deployment.closing import read_closing
from blindwatch.deployment.ending import receipts_table
from blindwatch.deployment.papers import Manifest, People, SigningKeys, Yes, read_manifest
from blindwatch.deployment.parting import Part, check_key, keys_in
from blindwatch.errors import (
    AlertsOpen,
    BlindwatchError,
    ConfigurationError,
    NotAuthorised,
    StatementMismatch,
)
from blindwatch.integrations.events import Event
from blindwatch.integrations.outbox import Outbox
from blindwatch.integrations.settings import Integrations
from blindwatch.operator.journal import Journal
from blindwatch.secret import candidates
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.package import OperatorPackage
from blindwatch.statements.predicates import DeploymentManifest
from blindwatch.statements.register import PersonRole, Register
from blindwatch.statements.signing import Identity


def forget(
    manifest: Manifest,
    closing: Annotated[
        Path, typer.Option(help="The signed closing, closing.dsse.json, from a custodian.", dir_okay=False)
    ],
    keys: Annotated[
        Path, typer.Option(help="Your copy of the folder with the wrapped key.", file_okay=False)
    ],
    entries: Annotated[Path, typer.Option(help="Your copy of operator.json.", dir_okay=False)],
    identity: SigningKeys,
    register: People,
    receipts: Annotated[Path, typer.Option(help="Folder for your receipt; the same if it is run again.")],
    also: Annotated[
        list[Path] | None,
        typer.Option(help="File or folder to destroy as well, such as matches or a release; again for more."),
    ] = None,
    journal: Annotated[
        Path | None,
        typer.Option(
            help="Folder of your journal: nothing is destroyed while an alert in it has no outcome, and "
            "others are told of those that they know of."
        ),
    ] = None,
    integrations: Annotated[
        Path | None,
        typer.Option(help="File that says who is told once your copies are gone.", dir_okay=False),
    ] = None,
    server: Annotated[
        str | None, typer.Option(help="Address of the match server, which is told nothing.")
    ] = None,
    yes: Yes = False,
) -> None:
    """Destroy an operator's copies after the end of a deployment, and sign a receipt. If cut short, run it again."""
    others = _others(integrations, server)
    people, approved = Register.load(register), read_manifest(manifest)
    signer = Identity.from_pem(files.read(identity, "signing keys"))
    operator = people.holder(signer.public)
    if operator.role is not PersonRole.OPERATOR:
        raise NotAuthorised("Only an operator of the register forgets.", "A custodian closes the deployment.")
    ended = read_closing(closing, approved, people)
    if not yes:
        typer.confirm("Do you destroy your copies? Nothing brings them back", abort=True)
    things = [*keys_in(keys), ("operator-package", entries), *(("other", path) for path in also or ())]
    part = Part(approved, operator, signer, receipts, things)
    deployment = DeploymentManifest.read(approved).deployment
    if not part.is_begun:
        _check(approved, keys, entries, also or ())
        if journal is not None:
            _check_decided(journal, deployment)
        part.begin([manifest, closing, identity, register])
    is_news = not part.is_finished
    # Before the journal goes, if that is named as well.
    known = _known(journal, deployment) if is_news and integrations is not None else []
    for what in part.destroy():
        Console().print(f"Destroyed here: {what}")
    receipt = part.finish(ended, ("receipt",))
    Console().print(receipts_table([receipt]))
    if is_news:
        _tell(others.outbox(server or ""), deployment, known)


def _others(integrations: Path | None, server: str | None) -> Integrations:
    """Who is told; what is wrong with the file is said before anything goes."""
    if integrations is None:
        return Integrations()
    if server is None:
        raise ConfigurationError(
            "Whoever is told must not be the match server.", "Give its address by --server."
        )
    others = Integrations.load(integrations)
    others.outbox(server).close()
    return others


def _known(journal: Path | None, deployment: str) -> list[str]:
    """What others know alerts as of which they were not told yet that nothing is left."""
    if journal is None:
        return []
    try:
        with Journal(journal) as opened:
            return [opened.reference(course.alerted.alert) for course, _ in opened.ended(deployment)]
    except BlindwatchError:
        # It went when this was run before and cut short, or a part of it. The rest goes all the same.
        Console(stderr=True).print("[yellow]The journal cannot be read:[/] nobody is told of single alerts.")
        return []


def _tell(outbox: Outbox, deployment: str, known: Sequence[str]) -> None:
    """Tell others that the copies are gone: of each alert that they know of, and as a whole."""
    at = datetime.now(UTC)
    with outbox:
        for alert in known:
            what = {"alert": alert, "deleted": "copies", "clock": "end"}
            outbox.send(Event("retention.executed", deployment, at, what))
        outbox.send(Event("deployment.purged", deployment, at, {"at": "operator"}))
    if outbox.undelivered:
        Console(stderr=True).print("[yellow]Not everybody could be told:[/] see the file of dead letters.")


def _check(manifest: Envelope, keys: Path, entries: Path, also: Sequence[Path]) -> None:
    """Refuse the copies of another deployment, which would be lost, and to leave the faces of this one."""
    key_id = DeploymentManifest.read(manifest).key_id
    check_key(keys, key_id)
    if OperatorPackage.load(entries).key_id != key_id:
        raise StatementMismatch("The package is of another deployment.", "Check --entries and --manifest.")
    faces = entries.resolve().with_name(candidates.FILE)
    if faces.exists() and faces not in {path.resolve() for path in also}:
        raise ConfigurationError(
            "The file of faces beside the package would be left.",
            f"Name it as well: --also {candidates.FILE}",
        )


def _check_decided(journal: Path, deployment: str) -> None:
    with Journal(journal) as opened:
        courses = opened.courses().values()
        left = sum(each.final is None for each in courses if each.alerted.deployment == deployment)
    if left:
        raise AlertsOpen(
            f"The journal has {left} alerts of the deployment without an outcome.", "Decide about them first."
        )
