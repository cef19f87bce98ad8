"""`blindwatch operator`: fetch results and read the matches among them; search where ranking is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from blindwatch.cli import files
from blindwatch.cli.progress import progress
from blindwatch.cli.tls import Ca, Certificate, CertificateKey
from blindwatch.console.checked.commands import check_console
from blindwatch.console.commands import console
from blindwatch.console.ranked.commands import rank_console
from blindwatch.deployment.papers import People
from blindwatch.errors import ConfigurationError
from blindwatch.operator import checking, concluding, forgetting, journalling, showing, unlocking, verifying
from blindwatch.operator.allowance import MEANING, Allowance
from blindwatch.operator.fetching import Reading, check_deployment, readings
from blindwatch.operator.journal import Journal
from blindwatch.operator.options import Deployment, Hours, Removal, Server, ShareFiles
from blindwatch.operator.ranking import rank
from blindwatch.operator.reading import Reader
from blindwatch.operator.removals import Removals, read_removal
from blindwatch.operator.unlocking import Release, operator_of
from blindwatch.policy.profile import profile
from blindwatch.secret.wrapping import unwrap
from blindwatch.statements.package import OperatorPackage, PackageEntry
from blindwatch.statements.register import Register
from blindwatch.statements.signing import Identity
from blindwatch.wire.client import ServerClient
from blindwatch.wire.tls import client_context

app = typer.Typer(no_args_is_help=True)
app.command("forget")(forgetting.forget)
app.command("adjudicate")(journalling.adjudicate)
app.command("conclude")(concluding.conclude)
app.command("second")(concluding.second)
app.command("console")(console)
app.command("check")(checking.check)
app.command("check-console")(check_console)
app.command("verify-person")(verifying.verify_person)
app.command("rank")(rank)
app.command("rank-console")(rank_console)
app.add_typer(journalling.app, name="journal", help="A log of your own, of keys, alerts and their outcomes.")

ReleaseFolder = Annotated[
    Path | None,
    typer.Option(
        help="Folder for your request to the custodians and their answers; needs --identity.", file_okay=False
    ),
]
SigningKeys = Annotated[
    Path | None, typer.Option(help="Your signing keys, a PEM file; for --release.", dir_okay=False)
]
JournalFolder = Annotated[
    Path | None,
    typer.Option(
        help="Folder of your journal, for keys, alerts and outcomes; needs --identity.", file_okay=False
    ),
]


@app.callback()
def operator() -> None:
    """Fetch results and read the matches among them; search where ranking is allowed."""


@app.command()
def run(
    keys: Annotated[Path, typer.Option(help="Folder with the wrapped secret key.", file_okay=False)],
    entries: Annotated[Path, typer.Option(help="The list's operator.json, without names.", dir_okay=False)],
    register: People,
    server: Server,
    deployment: Deployment,
    token_file: Annotated[Path, typer.Option(help="File with the operator's token.")],
    ca: Ca = None,
    certificate: Certificate = None,
    certificate_key: CertificateKey = None,
    count: Annotated[int | None, typer.Option(help="Stop after this many results.", min=1)] = None,
    wait: Annotated[float, typer.Option(help="Stop when no result comes for these seconds.")] = 30.0,
    out: Annotated[Path | None, typer.Option(help="New file for the matches, as JSON.")] = None,
    removal: Removal = None,
    release: ReleaseFolder = None,
    identity: SigningKeys = None,
    hours: Hours = 8.0,
    share_file: ShareFiles = None,
    journal: JournalFolder = None,
) -> None:
    """Fetch every result, decrypt it and show the matches; of everybody else nothing is shown or kept."""
    files.check_new_file(out)
    package, people = OperatorPackage.load(entries), Register.load(register)
    person = _operator(identity, people) if journal is not None else ""
    token, tls = files.read_line(token_file, "token file"), client_context(ca, certificate, certificate_key)
    done: list[Reading] = []
    recipient: str | None = None
    allowance: Allowance | None = None
    with ExitStack() as stack:
        kept = None if journal is None else stack.enter_context(Journal(journal))
        try:
            with ServerClient(server, token, tls=tls) as client:
                approved = check_deployment(client, deployment, package, people)
                recipient = approved.manifest.evidence_recipient
                if kept is not None:
                    most = profile(approved.manifest.profile.name).alerts_per_entry
                    allowance = kept.allowance(deployment, package.entries, most)
                asked = Release(keys, hours, release, share_file or ())
                secret = unlocking.released(approved, package, asked, people, identity, unwrap)
                if kept is not None:
                    stack.enter_context(kept.holding(deployment, person, secret.window))
                reader = Reader(secret, package.fine_threshold, len(package.entries))
                removals = Removals(client, approved.manifest, people, read_removal(removal))
                found = readings(client, deployment, reader, removals, approved.gate, wait, count)
                with progress() as display:
                    task = display.add_task("Fetching results", total=count)
                    for reading in found:
                        done.append(reading)
                        display.advance(task)
                # Before the journal says that the key is forgotten.
                del secret, reader, found
        finally:
            # What was read is gone from the server, so it is kept whatever ends the run. The connection is closed by
            # now, so that the server cannot tell by the time whether there was anything to write down.
            if done:
                _keep(done, deployment, package.entries, out, kept, recipient, allowance)
    if not done:
        _keep(done, deployment, package.entries, out, None)


def _operator(identity: Path | None, register: Register) -> str:
    """The name under which an operator's journal is kept."""
    if identity is None:
        raise ConfigurationError("A journal says who has the key.", "Give your signing keys with --identity.")
    return operator_of(Identity.from_pem(files.read(identity, "signing keys")), register)


def _keep(
    done: list[Reading],
    deployment: str,
    entries: Sequence[PackageEntry],
    out: Path | None,
    journal: Journal | None,
    recipient: str | None = None,
    allowance: Allowance | None = None,
) -> None:
    if journal is not None:
        # Before anybody sees them.
        done = journal.alert(deployment, done, entries, recipient, allowance)
    Console().print(showing.matches(done, entries))
    for held_back in [] if allowance is None else allowance.said(entries):
        Console().print(f"[yellow]Held back:[/] {held_back}; {MEANING}.", soft_wrap=True)
    if out is not None:
        files.write_json(out, [showing.describe(reading, entries) for reading in done], "matches")
