"""The files of signed statements, and the options with which commands name them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from blindwatch.cli import files
from blindwatch.errors import ConfigurationError
from blindwatch.statements.dsse import Envelope
from blindwatch.wire import limits

Manifest = Annotated[Path, typer.Option(help="The deployment's manifest.", dir_okay=False)]
SigningKeys = Annotated[Path, typer.Option(help="Your signing keys, a PEM file.", dir_okay=False)]
People = Annotated[Path, typer.Option(help="Your copy of the register of people.", dir_okay=False)]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask whether to go on.")]


def read_manifest(path: Path) -> Envelope:
    """The envelope in the file of a manifest, verified by nobody yet."""
    return read_statement(path, "manifest")


def read_statement(path: Path, what: str) -> Envelope:
    """The envelope in a file, verified by nobody yet."""
    return Envelope.from_json(files.read_at_most(path, limits.ENVELOPE, what))


def check_new(path: Path, what: str) -> None:
    """Refuse a place where something is already, before anybody is asked to sign."""
    if path.exists():
        raise ConfigurationError(f"There is a file already where the {what} would go.", "Name a new file.")


def write_new(path: Path, data: bytes, what: str) -> None:
    """Write a new private file, which is there in whole or not at all."""
    check_new(path, what)
    files.replace_private(path, data, what)
