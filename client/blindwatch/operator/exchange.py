"""The folder in which an operator's request lies, and custodians put their answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

from rich.console import Console

from blindwatch.cli import files
from blindwatch.errors import BlindwatchError, WrongKey, WrongShare
from blindwatch.secret.held import check_held
from blindwatch.secret.releasing import ACCEPTED, Asking
from blindwatch.secret.shares import recover
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Window
from blindwatch.statements.register import Register
from blindwatch.wire import limits
from blindwatch.wire.messages import Logged

REQUEST: Final = "request.dsse.json"
_ANSWERS: Final = "*.dsse.json"
_NAP_SECONDS: Final = 0.2

Secret = TypeVar("Secret")


class Exchange:
    """A request, and the shares that have come for it: one for each custodian, the newest, in memory only."""

    def __init__(self, folder: Path, asking: Asking, register: Register, accepted: Logged) -> None:
        self._folder = files.make_folder(folder, "release")
        self._asking = asking
        self._register = register
        self._accepted = accepted
        self._shares: dict[str, str] = {}
        self._refused: set[tuple[str, int, int]] = set()
        self._console = Console(stderr=True)

    def wait(self, opening: Callable[[bytes], Secret], window: Window) -> Secret:
        """What enough shares open; raises OutsideWindow if too few come in time."""
        request, accepted = self._folder / REQUEST, self._folder / ACCEPTED
        files.replace_private(accepted, self._accepted.to_cbor(), "record of the deployment")
        files.replace_private(request, self._asking.request.to_json(), "request")
        self._console.print(f"Waiting for the custodians to answer {REQUEST} until {window.not_after}.")
        try:
            while True:
                check_held(window, datetime.now(UTC))
                if self._take():
                    try:
                        return recover(self._shares.values(), opening)
                    except (WrongShare, WrongKey) as error:
                        self._console.print(error.detail)
                time.sleep(_NAP_SECONDS)
        finally:
            # Nothing opens an answer to it any more.
            request.unlink(missing_ok=True)
            accepted.unlink(missing_ok=True)

    def _take(self) -> bool:
        """Take in the answers that came since, and delete their files; whether there were any."""
        before = dict(self._shares)
        for path in sorted(self._folder.glob(_ANSWERS)):
            if path.name == REQUEST or path.name.startswith("."):
                continue
            # A file that is still being written does not count yet, so it is looked at again when it has changed.
            seen = (path.name, path.stat().st_size, path.stat().st_mtime_ns)
            if seen not in self._refused and not self._read(path):
                self._refused.add(seen)
        return self._shares != before

    def _read(self, path: Path) -> bool:
        try:
            answer = Envelope.from_json(files.read_at_most(path, limits.ENVELOPE, "answer"))
            custodian, words = self._asking.share(answer, self._register)
        except BlindwatchError as error:
            self._console.print(f"[yellow]An answer does not count:[/] {error.detail}")
            return False
        self._shares[custodian] = words
        path.unlink()
        self._console.print(f"{custodian} has answered.")
        return True
