"""How the operator's program comes by the key: from custodians who send or type their shares, into memory only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias, TypeVar

import typer
from rich.console import Console

from blindwatch.cli import files
from blindwatch.errors import ConfigurationError, WrongKey, WrongShare
from blindwatch.operator.exchange import Exchange
from blindwatch.operator.fetching import Approved
from blindwatch.secret.keys import SecretKey
from blindwatch.secret.ranked import RankSecret
from blindwatch.secret.releasing import Ask, Asking
from blindwatch.secret.shares import check, recover
from blindwatch.secret.wrapping import FILE
from blindwatch.statements.package import OperatorPackage
from blindwatch.statements.predicates import Window
from blindwatch.statements.register import PersonRole, Register
from blindwatch.statements.signing import Identity
from blindwatch.wire.messages import Logged, stamp

Secret = TypeVar("Secret", SecretKey, RankSecret)
Unwrap: TypeAlias = Callable[[bytes, bytes, Window], Secret]
"""Opens the wrapped key with the master secret, for a window: `unwrap` or `unwrap_ranked`."""


@dataclass(frozen=True)
class Release:
    """How the key is to be had: the folder of the ceremony, and where custodians answer, or share files of a test."""

    keys: Path
    hours: float
    folder: Path | None
    share_files: Sequence[Path] = ()


@dataclass(frozen=True)
class Request:
    """What the operator asks the custodians for, and where they exchange files; nowhere if they are present.

    With it goes the record that the server has accepted the deployment: without that custodians release nothing.
    """

    deployment: str
    key_id: str
    profile_digest: str
    hours: float
    folder: Path | None
    identity: Path | None
    accepted: Logged


def asked(
    approved: Approved, package: OperatorPackage, hours: float, folder: Path | None, identity: Path | None
) -> Request:
    """What is asked of the custodians; the rules that are acknowledged with it are shown."""
    manifest = approved.manifest
    rules = manifest.profile
    Console(stderr=True).print(
        f"By asking for the key you acknowledge the policy profile {rules.name}, version {rules.version}."
        f" Read it: blindwatch policy show {rules.name}",
        highlight=False,
        soft_wrap=True,
    )
    return Request(
        manifest.deployment, package.key_id, rules.digest, hours, folder, identity, approved.accepted
    )


def released(
    approved: Approved,
    package: OperatorPackage,
    release: Release,
    register: Register,
    identity: Path | None,
    unwrap: Unwrap[Secret],
) -> Secret:
    """Ask for the key of an approved deployment; raises WrongKey if the list was not made for what comes."""
    request = asked(approved, package, release.hours, release.folder, identity)
    secret = unlock(release.keys, release.share_files, request, register, unwrap)
    if package.key_id != secret.key_id:
        raise WrongKey("The watchlist was made for another key.")
    return secret


def unlock(
    keys: Path,
    share_files: Sequence[Path],
    request: Request,
    register: Register | None,
    unwrap: Unwrap[Secret],
) -> Secret:
    """The key in a ceremony's folder, for the window: by release, from share files, or typed by custodians here."""
    wrapped = files.read(keys / FILE, "secret key")
    window = _window(request.hours)

    def opening(master: bytes) -> Secret:
        return unwrap(wrapped, master, window)

    if request.folder is not None:
        if register is None or request.identity is None:
            raise ConfigurationError(
                "A release needs your signing keys and the register.", "Give --identity and --register."
            )
        asking = _ask(request, window, request.identity, register)
        return Exchange(request.folder, asking, register, request.accepted).wait(opening, window)
    if share_files:
        return recover([files.read_line(path, "share file") for path in share_files], opening)
    return _typed(opening)


def operator_of(identity: Identity, register: Register) -> str:
    """The name of the operator whose keys these are; raises ConfigurationError."""
    person = register.holder(identity.public)
    if person.role is not PersonRole.OPERATOR:
        raise ConfigurationError("These are not the keys of an operator of the register.")
    return person.name


def _window(hours: float) -> Window:
    start = datetime.now(UTC)
    return Window(not_before=stamp(start), not_after=stamp(start + timedelta(hours=hours)))


def _typed(opening: Callable[[bytes], Secret]) -> Secret:
    """What shares open that custodians type one after the other; a wrong one among them does no harm."""
    shares: list[str] = []
    console = Console(stderr=True)
    while True:
        try:
            shares.append(check(typer.prompt(f"Share {len(shares) + 1}, all words", hide_input=True)))
            return recover(shares, opening)
        except (WrongShare, WrongKey) as error:
            console.print(f"[bold red]{error.detail}[/] {error.hint}")


def _ask(request: Request, window: Window, pem: Path, register: Register) -> Asking:
    identity = Identity.from_pem(files.read(pem, "signing keys"))
    name = operator_of(identity, register)
    return Asking.of(Ask(name, request.deployment, request.key_id, request.profile_digest, window), identity)
