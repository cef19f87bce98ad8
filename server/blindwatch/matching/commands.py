"""`blindwatch server`: create the store, make tokens, run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from blindwatch.errors import ConfigurationError
from blindwatch.matching.access import digest_of, new_token
from blindwatch.matching.serving import serve
from blindwatch.matching.settings import ServerSettings
from blindwatch.statements.register import Person, PersonRole, entry
from blindwatch.store.database import Store, read_identity, read_log_name
from blindwatch.tlog.keys import Signer, Use

app = typer.Typer(no_args_is_help=True)

Config = Annotated[Path | None, typer.Option(help="TOML file with the settings.", dir_okay=False)]
Named = Annotated[str, typer.Option("--name", help="Name of the server in the register.")]
Data = Annotated[Path | None, typer.Option(help="Folder of the store.", file_okay=False)]


@app.command()
def init(name: Named, data: Data = None, config: Config = None) -> None:
    """Create an empty store in a new folder, and show the server's entry for the register of people."""
    folder = ServerSettings.load(config, data=data).data
    Store.create(folder, Signer.generate(f"{name}/log", Use.LOG))
    typer.echo(_entry(name, folder))


@app.command()
def identity(name: Named, data: Data = None, config: Config = None) -> None:
    """Show the server's entry for the register once more."""
    typer.echo(_entry(name, ServerSettings.load(config, data=data).data))


@app.command()
def log(data: Data = None, config: Config = None) -> None:
    """Show the line that names the server's log in a policy of witnesses."""
    typer.echo(f"log {read_log_name(ServerSettings.load(config, data=data).data)}")


@app.command()
def token(
    out: Annotated[
        Path | None, typer.Option(help="Write the token to this new private file instead of showing it.")
    ] = None,
) -> None:
    """Make a token for a role, and the digest of it that the server's settings need."""
    made = new_token()
    if out is None:
        typer.echo(f"token:  {made}")
    else:
        _write_private(out, made)
    typer.echo(f"digest: {digest_of(made)}")


@app.command()
def run(
    data: Data = None,
    config: Config = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    workers: Annotated[
        int | None, typer.Option(help="Worker processes; one for each core by default.")
    ] = None,
    ready_file: Annotated[
        Path | None, typer.Option(help="File to write the address into once the server listens.")
    ] = None,
    allow_insecure_preset: Annotated[
        bool,
        typer.Option("--allow-insecure-preset", help="Take presets that encrypt nothing. For tests only."),
    ] = False,
) -> None:
    """Run the match server. Its log goes to standard error, one JSON object a line."""
    settings = ServerSettings.load(config, data=data, host=host, port=port, workers=workers)
    serve(settings, ready_file, allow_insecure_preset)


def _entry(name: str, folder: Path) -> str:
    return entry(Person(name, PersonRole.SERVER, read_identity(folder).public))


def _write_private(path: Path, text: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigurationError(f"The token's file cannot be created ({error.strerror}).") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"{text}\n")
