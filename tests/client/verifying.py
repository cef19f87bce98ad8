"""An officer who compares one person with one entry, by the command in this process."""

from __future__ import annotations

import json

from blindwatch.statements.package import OperatorPackage

from .photographs import write
from .running import command
from .stations import Station


def reference(station: Station, number: int) -> str:
    """What stands for the person of a row of the list."""
    names = json.loads((station.watchlist / "names.json").read_text())
    package = OperatorPackage.load(station.watchlist / "operator.json")
    return next(
        e.reference for e in package.entries if names[e.reference]["sourceRef"] == f"CI-2026-{number}"
    )


def verify(station: Station, photograph: bytes, number: int = 0, **changes: object) -> int:
    """Compare somebody with the person of a row, by BFV unless told otherwise; the file is to be removed."""
    path = write(station.folder / "photograph.jpg", photograph)
    options = {
        **station.named(photograph=path),
        "reference": reference(station, number),
        "engine": "bfv",
        "camera": None,
        **changes,
    }
    return command("operator", "verify-person", "--remove", **options)
