"""How the operator's program comes by the key: from custodians who send or type their shares, into memory only."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import typer
from rich.console import Console

from blindwatch.cli import files
from blindwatch.errors import BlindwatchError, ConfigurationError, WrongShare
from blindwatch.secret.releasing import Ask, Asking, check_held
from blindwatch.secret.shares import check, combine
from blindwatch.secret.wrapping import FILE
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Window
from blindwatch.statements.register import PersonRole, Register
from blindwatch.statements.signing import Identity
from blindwatch.wire import limits

REQUEST: Final = "request.dsse.json"
_ANSWERS: Final = "*.dsse.json"
_NAP_SECONDS: Final = 0.2


@dataclass(frozen=True)
class Request:
    """What the operator asks the custodians for, and where they exchange files; nowhere if they are present."""

    deployment: str
    key_id: str
    hours: float
    folder: Path | None
    identity: Path | None


@dataclass(frozen=True)
class Held:
    """The wrapped key, what opens it, and for how long."""

    wrapped: bytes = field(repr=False)
    master: bytes = field(repr=False)
    window: Window

    def check(self) -> None:
        """Raise OutsideWindow once the time of the release is over."""
        check_held(self.window, datetime.now(UTC))


def unlock(keys: Path, share_files: Sequence[Path], request: Request, register: Register | None) -> Held:
    """Get what opens the key in a ceremony's folder: by release, from share files, or typed by custodians here."""
    wrapped = files.read(keys / FILE, "secret key")
    window = _window(request.hours)
    if request.folder is not None:
        if register is None or request.identity is None:
            raise ConfigurationError(
                "A release needs your signing keys and the register.", "Give --identity and --register."
            )
        return Held(wrapped, _released(request, window, request.folder, request.identity, register), window)
    if share_files:
        return Held(wrapped, combine([files.read_line(path, "share file") for path in share_files]), window)
    return Held(wrapped, _typed(), window)


def _window(hours: float) -> Window:
    # Seconds are cut off, so the window begins at once.
    start = datetime.now(UTC)
    return Window(not_before=_stamp(start), not_after=_stamp(start + timedelta(hours=hours)))


def _stamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _typed() -> bytes:
    """Shares as custodians type them one after the other, until they open something together."""
    shares: list[str] = []
    console = Console(stderr=True)
    while True:
        try:
            shares.append(check(typer.prompt(f"Share {len(shares) + 1}, all words", hide_input=True)))
        except WrongShare as error:
            console.print(f"[bold red]{error.detail}[/] {error.hint}")
            continue
        with suppress(WrongShare):
            return combine(shares)


def _released(request: Request, window: Window, folder: Path, pem: Path, register: Register) -> bytes:
    identity = Identity.from_pem(files.read(pem, "signing keys"))
    operator = register.holder(identity.public)
    if operator.role is not PersonRole.OPERATOR:
        raise ConfigurationError("Only an operator of the register asks for a key.")
    files.make_folder(folder, "release")
    asking = Asking.of(Ask(operator.name, request.deployment, request.key_id, window), identity)
    files.write_private(folder / REQUEST, asking.request.to_json(), "request")
    Console(stderr=True).print(f"Waiting for the custodians to answer {REQUEST} until {window.not_after}.")
    answers: list[Envelope] = []
    while True:
        check_held(window, datetime.now(UTC))
        answers += _arrived(folder, asking, register)
        with suppress(WrongShare):
            master = asking.open(answers, register)
            (folder / REQUEST).unlink()
            return master
        time.sleep(_NAP_SECONDS)


def _arrived(folder: Path, asking: Asking, register: Register) -> list[Envelope]:
    """The answers that came since; each file is deleted once it is read, and those that hold nothing are named."""
    found = []
    for path in sorted(folder.glob(_ANSWERS)):
        if path.name == REQUEST or path.name.startswith("."):
            continue
        try:
            answer = Envelope.from_json(files.read_at_most(path, limits.ENVELOPE, "answer"))
            asking.share(answer, register)
            found.append(answer)
        except BlindwatchError as error:
            Console(stderr=True).print(f"[yellow]An answer does not count:[/] {error.detail}")
        path.unlink()
    return found
