"""A gallery of twelve photographed people for ranked search, made by the commands, and who searches it."""

from __future__ import annotations

from pathlib import Path

from blindwatch.demo.photographs import alter
from blindwatch.operator.journal import Journal

from .client.approved import approve_signed
from .client.lists import row, write_rows
from .client.photographs import encoded, small, write
from .client.running import command, enough
from .people import Force
from .serving import FORCE, TOKENS

SEARCHERS = Force("rfr", FORCE)
NUMBERS = (0, 1, 2, 3, 12, 5, 6, 7, 8, 9, 10, 11)
SOUGHT = 7
DEPLOYMENT = "cold-case"


def prepare(folder: Path) -> None:
    """The files of everybody, a list of twelve people, and another photograph of one of them."""
    rows = [
        row(number, category="custody-image", quality_override="The only photograph") for number in NUMBERS
    ]
    for number in NUMBERS:
        write(folder / "list" / f"{number}.png", small(number))
    write(folder / "sought.jpg", encoded(alter(small(SOUGHT)), ".jpg"))
    write_rows(folder / "list", *rows)
    SEARCHERS.write_register(folder / "register.toml")
    for name in ("a.khan", "b.osei", "e.novak", "g.okoro"):
        SEARCHERS.write_identity(name, folder / f"{name}.pem")
    Journal.create(folder / "journal", "e.novak.force.example/journal")
    for role, token in TOKENS.items():
        (folder / f"{role}.token").write_text(token)


def ceremony(folder: Path, preset: str = "rank-128") -> int:
    return command(
        *("custodian", "ceremony"),
        out=folder / "keys",
        profile="rfr",
        preset=preset,
        share_files=folder / "shares",
    )


def enrol(folder: Path, **more: int) -> int:
    return command(
        *("custodian", "enrol"),
        keys=folder / "keys",
        list=folder / "list",
        watchlist=folder / "gallery",
        profile="rfr",
        deployment=DEPLOYMENT,
        identity=folder / "a.khan.pem",
        register=folder / "register.toml",
        **more,
    )


def sign(folder: Path) -> int:
    """The second custodian, whom the profile asks for."""
    return command(
        *("custodian", "sign-watchlist"),
        watchlist=folder / "gallery",
        identity=folder / "b.osei.pem",
        register=folder / "register.toml",
    )


def upload(folder: Path, address: str) -> int:
    bundle = folder / "keys" / "encryption.key"
    return command(
        *("custodian", "upload"),
        keys=folder / "keys",
        watchlist=folder / "gallery",
        manifest=approve_signed(SEARCHERS, bundle, folder / "gallery", use="ranked"),
        server=address,
        token_file=folder / "custodian.token",
    )


def papers(folder: Path, address: str) -> dict[str, Path | str | list[Path]]:
    """What every command of an operator who searches is told."""
    return {
        "keys": folder / "keys",
        "entries": folder / "gallery" / "operator.json",
        "register": folder / "register.toml",
        "server": address,
        "deployment": DEPLOYMENT,
        "token_file": folder / "operator.token",
        "identity": folder / "e.novak.pem",
        "journal": folder / "journal",
        "share_file": enough(folder / "shares"),
    }
