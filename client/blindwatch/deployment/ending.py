"""`blindwatch deployment close` and `receipts`: the end of a deployment, and the proof of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from blindwatch.cli import files
from blindwatch.cli.tls import Ca
from blindwatch.custodian.signing import custodian
from blindwatch.deployment import closing, removing
from blindwatch.errors import ServiceError
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Receipt
from blindwatch.statements.register import Register
from blindwatch.statements.signing import Identity
from blindwatch.wire import limits

People = Annotated[Path, typer.Option(help="Your copy of the register of people.", dir_okay=False)]
_WARNING = (
    "This destroys the key of the deployment, its list and everything that the server holds of it. "
    "Nothing brings it back."
)


def close(
    manifest: Annotated[Path, typer.Option(help="The deployment's manifest.", dir_okay=False)],
    keys: Annotated[Path, typer.Option(help="Folder of the key ceremony.", file_okay=False)],
    watchlist: Annotated[Path, typer.Option(help="Folder of the watchlist.", file_okay=False)],
    identity: Annotated[Path, typer.Option(help="Your signing keys, a PEM file.", dir_okay=False)],
    register: People,
    receipts: Annotated[Path, typer.Option(help="Folder for receipts; the same if it is run again.")],
    server: Annotated[str, typer.Option(help="Address of the match server.")],
    token_file: Annotated[Path, typer.Option(help="File with the custodian's token.")],
    photographs: Annotated[
        Path | None, typer.Option(help="Folder with the photographs of the list, to be destroyed as well.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why it ends.")] = "The deployment is over",
    ca: Ca = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether to go on.")] = False,
) -> None:
    """End a deployment: destroy its key, its list and what the server holds, and keep signed receipts of that.

    If it is cut short, or the server cannot be reached, run it again: it goes on where it was.
    """
    people, console = Register.load(register), Console()
    signer = Identity.from_pem(files.read(identity, "signing keys"))
    name = custodian(signer, people).name
    approved = Envelope.from_json(files.read_at_most(manifest, limits.ENVELOPE, "manifest"))
    if not yes:
        console.print(f"[bold red]{_WARNING}[/]")
        typer.confirm("Do you end the deployment?", abort=True)
    held = closing.Held(keys, watchlist, photographs, receipts)
    statement = closing.begin(approved, reason, signer, held)
    for what in closing.destroy(held):
        console.print(f"Destroyed here: {what}")
    with removing.client(server, token_file, ca) as client:
        try:
            found = closing.at_server(client, statement, people, held)
        except ServiceError as error:
            console.print(
                "[yellow]The key is destroyed, so nothing can be opened any more.[/] The server still has its "
                "copies: run this again once it can be reached."
            )
            raise type(error)(error.detail, error.hint) from None
    own = closing.finish(approved, statement, signer, name, held)
    console.print(_table([found, own]))


def receipts(
    folder: Annotated[Path, typer.Argument(help="Folder with receipts.", exists=True, file_okay=False)],
    register: People,
) -> None:
    """Verify the receipts of a deployment's end, without any server, and show what they say."""
    Console().print(_table(closing.read_receipts(folder, Register.load(register))))


def _table(found: list[Receipt]) -> Table:
    table = Table("Who", "When", "What", "Files", "Bytes", title="Destroyed")
    for receipt in found:
        for each in receipt.destroyed:
            table.add_row(
                receipt.signer, receipt.destroyed_at, each.what, f"{each.count:,}", f"{each.size:,}"
            )
    table.caption = (
        "Receipts say what their signers did. Whoever kept a copy of the key and of enough shares has it."
    )
    return table
