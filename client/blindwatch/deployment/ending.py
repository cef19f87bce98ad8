"""`blindwatch deployment close` and `receipts`: the end of a deployment, and the proof of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from blindwatch.cli import files
from blindwatch.cli.tls import Ca
from blindwatch.custodian import membership
from blindwatch.custodian.signing import custodian
from blindwatch.deployment import receipt_page, removing
from blindwatch.deployment.closing import Ending, read_receipts
from blindwatch.deployment.papers import Manifest, People, SigningKeys, Yes, read_manifest
from blindwatch.deployment.parting import Part, keys_in
from blindwatch.errors import BlindwatchError, UnknownDeployment
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Receipt
from blindwatch.statements.register import Register
from blindwatch.statements.signing import Identity
from blindwatch.wire.client import ServerClient

_WARNING = (
    "This destroys the key of the deployment, its list and everything that the server holds of it. "
    "Nothing brings it back."
)


def close(
    manifest: Manifest,
    keys: Annotated[Path, typer.Option(help="Folder of the key ceremony.", file_okay=False)],
    watchlist: Annotated[Path, typer.Option(help="Folder of the watchlist.", file_okay=False)],
    identity: SigningKeys,
    register: People,
    receipts: Annotated[Path, typer.Option(help="Folder for receipts; the same if it is run again.")],
    server: Annotated[str, typer.Option(help="Address of the match server.")],
    token_file: Annotated[Path, typer.Option(help="File with the custodian's token.")],
    photographs: Annotated[
        Path | None, typer.Option(help="Folder with the photographs of the list, to be destroyed as well.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why it ends.")] = "The deployment is over",
    ca: Ca = None,
    yes: Yes = False,
) -> None:
    """End a deployment: destroy its key, its list and what the server holds, and keep signed receipts of that.

    If it is cut short, or the server cannot be reached, run it again: it goes on where it was.
    """
    people, console = Register.load(register), Console()
    signer = Identity.from_pem(files.read(identity, "signing keys"))
    things = [*keys_in(keys), ("watchlist", watchlist)]
    things += [] if photographs is None else [("photographs", photographs)]
    part = Part(read_manifest(manifest), custodian(signer, people), signer, receipts, things)
    ending = Ending(part, keys, watchlist, people)
    if not yes:
        console.print(f"[bold red]{_WARNING}[/]")
        typer.confirm("Do you end the deployment?", abort=True)
    with removing.client(server, token_file, ca) as client:
        ending.check_version(client)
        closing = ending.begin(reason, [manifest, identity, register, token_file])
        for what in ending.destroy():
            console.print(f"Destroyed here: {what}")
        found = [ending.finish(closing), *_at_server(ending, client, closing, console)]
    console.print(receipts_table(found))
    console.print(
        f"Whoever has {membership.FILE} and {membership.KEY} can ask whether a person was on the list. Move "
        f"{membership.KEY} from the receipts to where your organisation keeps such keys."
    )


def _at_server(ending: Ending, client: ServerClient, closing: Envelope, console: Console) -> list[Receipt]:
    try:
        return [ending.at_server(client, closing)]
    except UnknownDeployment:
        console.print("[yellow]Note:[/] the server knows no deployment of this name, so it gives no receipt.")
        return []
    except BlindwatchError as error:
        console.print(
            "[yellow]The key is destroyed, so nothing can be opened any more.[/] The server still has its "
            "copies: run this again once it can be reached."
        )
        raise type(error)(error.detail, error.hint) from None


def receipts(
    folder: Annotated[Path, typer.Argument(help="Folder with receipts.", exists=True, file_okay=False)],
    register: People,
    page: Annotated[
        Path | None, typer.Option(help="New file for a page with all of it, to print and to keep.")
    ] = None,
) -> None:
    """Verify the receipts of a deployment's end, without any server, and show what they say."""
    people = Register.load(register)
    found = read_receipts(folder, people)
    if page is not None:
        files.write_private(page, receipt_page.html(found, people).encode(), "page")
    Console().print(receipts_table(found))


def receipts_table(found: list[Receipt]) -> Table:
    """What receipts say, one row for each kind of thing."""
    table = Table("Who", "When", "What", "Files", "Bytes", title=f"Destroyed of {found[0].deployment}")
    for receipt in found:
        for each in receipt.destroyed:
            table.add_row(
                receipt.signer, receipt.destroyed_at, each.what, f"{each.count:,}", f"{each.size:,}"
            )
    table.caption = (
        "Receipts say what their signers did. Whoever kept a copy of the wrapped key, and has enough shares, can "
        "still open what was copied."
    )
    return table
