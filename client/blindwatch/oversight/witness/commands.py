"""`blindwatch oversight witness`: cosign what logs sign, as long as they only grow."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from blindwatch.cli import files
from blindwatch.errors import ConfigurationError, CosignatureMissing
from blindwatch.oversight import evidence
from blindwatch.oversight.extras import needing
from blindwatch.oversight.witness.folder import WitnessFolder
from blindwatch.tlog.cosignatures import check_cosignature
from blindwatch.tlog.keys import Use, VerifierKey
from blindwatch.tlog.witness import Answer
from blindwatch.tlog.witness_state import Record
from blindwatch.wire.messages import now
from blindwatch.wire.tls import server_context

app = typer.Typer(no_args_is_help=True)

Folder = Annotated[Path, typer.Option(help="Folder of the witness.", file_okay=False)]
PemFile = Path | None


@app.command()
def init(
    folder: Folder,
    name: Annotated[str, typer.Option(help="Name of the key, such as inspectorate.example.org/w1.")],
) -> None:
    """Make the folder of a witness with a new key, and print what policies of witnesses name it by."""
    typer.echo(WitnessFolder.create(folder, name))


@app.command("add-log")
def add_log(
    folder: Folder,
    log_key: Annotated[Path, typer.Option(help="File with the key of the log: a server's log.vkey.")],
) -> None:
    """Cosign for a log from now on. The witness is not at work meanwhile."""
    key = VerifierKey.parse(files.read_line(log_key, "key of the log"), Use.LOG)
    with WitnessFolder(folder).open() as witness:
        witness.add_log(key)
    Console().print(f"[green]Added[/] {escape(key.name)}")


@app.command()
def run(
    folder: Folder,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)
    ] = 8471,
    certificate: Annotated[
        PemFile, typer.Option(help="Certificate of the witness for TLS, in PEM.", dir_okay=False)
    ] = None,
    certificate_key: Annotated[PemFile, typer.Option(help="Key of the certificate.", dir_okay=False)] = None,
    ready_file: Annotated[
        PemFile, typer.Option(help="File to write the address into once the witness listens.")
    ] = None,
) -> None:
    """Answer logs that ask for cosignatures, until a signal ends it."""
    with needing("of a witness", "witness"):
        from blindwatch.oversight.witness import serving
    if (certificate is None) != (certificate_key is None):
        raise ConfigurationError("A certificate and its key go together.", "Name both files, or neither.")
    tls = server_context(certificate, certificate_key, None) if certificate and certificate_key else None
    console = Console(stderr=True)
    with WitnessFolder(folder).open() as witness, serving.listen(host, port) as listener:
        console.print(f"Listening at {serving.address_of(listener, tls=tls is not None)}", soft_wrap=True)
        if tls is None and not _is_loopback(host):
            # Nothing that a witness is sent or answers is secret, and all of it is signed.
            console.print("[yellow]Without TLS others can keep requests from arriving, unnoticed.[/]")
        serving.serve(witness, listener, tls, lambda answer: _note(console, answer), ready_file)


@app.command()
def show(folder: Folder) -> None:
    """Show which logs were cosigned up to where, and what speaks against any of them."""
    opened, console = WitnessFolder(folder), Console()
    console.print(f"Witness {opened.key}", soft_wrap=True)
    table = Table("Log", "Cosigned", "At", title="Logs")
    for record in opened.state.records():
        signed = record.cosigned
        seen = "nothing yet" if signed is None else evidence.tree(signed.checkpoint)
        table.add_row(escape(record.log.name), seen, _cosigned_at(record, opened.key))
    console.print(table)
    found = list(opened.state.evidence())
    if found:
        console.print(evidence.table(found))
        console.print(
            f"Give the files in {opened.evidence} to whoever relies on the log, to check with"
            " 'blindwatch oversight evidence'.",
            soft_wrap=True,
        )
    else:
        console.print("[green]Nothing speaks against any log.[/]")


def _note(console: Console, answer: Answer) -> None:
    if answer.status != 200:
        said = escape(answer.body.decode().strip())
        console.print(f"{now()} refused with {answer.status}: {said}", soft_wrap=True)


def _cosigned_at(record: Record, key: VerifierKey) -> str:
    if record.cosigned is None:
        return "-"
    try:
        return evidence.at(check_cosignature(record.cosigned, key))
    except CosignatureMissing:
        return "by another key"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
