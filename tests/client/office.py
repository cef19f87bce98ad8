"""Where custodians and an operator exchange files, with the keys of one ceremony."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from blindwatch.custodian import ceremony
from blindwatch.errors import (
    BlindwatchError,
)
from blindwatch.operator.exchange import REQUEST
from blindwatch.operator.unlocking import Request, unlock
from blindwatch.secret.keys import SecretKey
from blindwatch.secret.releasing import ACCEPTED
from blindwatch.secret.shares import Group, Scheme
from blindwatch.secret.wrapping import unwrap
from blindwatch.statements.dsse import Envelope

from ..people import a_manifest, a_watchlist
from ..proving import acceptance, proven
from ..serving import FORCE
from .running import command

KEY_ID = "ab" * 32
TWO_OF_THREE = Scheme((Group(2, 3),))


def approved(key_id: str = KEY_ID) -> Envelope:
    """A manifest for that key, approved."""
    listed = a_watchlist(FORCE, key_id=key_id)
    return FORCE.manifest(a_manifest(FORCE, listed, FORCE.watchlist(listed)))


@dataclass
class Office:
    """Where custodians and an operator exchange files, with the keys of one ceremony."""

    folder: Path
    keys: ceremony.Keys
    done: list[SecretKey] = field(default_factory=list)
    failed: list[BlindwatchError] = field(default_factory=list)

    @property
    def exchange(self) -> Path:
        return self.folder / "release"

    @property
    def shares(self) -> list[str]:
        return [path.read_text() for path in sorted((self.folder / "shares").iterdir())]

    @property
    def manifest(self) -> Envelope:
        return Envelope.from_json((self.folder / "manifest.json").read_bytes())

    def request(self, hours: float = 0.5) -> Request:
        identity = self.folder / "e.novak.pem"
        accepted = proven(acceptance(self.manifest), FORCE.log)
        return Request(
            "gate-4", self.keys.secret.key_id, FORCE.profile.digest, hours, self.exchange, identity, accepted
        )

    def operate(self, hours: float) -> None:
        try:
            self.done.append(unlock(self.folder / "keys", [], self.request(hours), FORCE.register, unwrap))
        except BlindwatchError as error:
            self.failed.append(error)

    def start(self, hours: float = 0.5) -> threading.Thread:
        waiting = threading.Thread(target=self.operate, args=(hours,))
        waiting.start()
        deadline = time.monotonic() + 60
        while not (self.exchange / REQUEST).is_file():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return waiting

    def release(self, custodian: str, words: str, **changes: object) -> int:
        (self.folder / "words").write_text(words)
        given: dict[str, object] = {
            "request": self.exchange / REQUEST,
            "identity": self.folder / f"{custodian}.pem",
            "register": self.folder / "register.toml",
            "manifest": self.folder / "manifest.json",
            "share_file": self.folder / "words",
        }
        return command("custodian", "release", "--yes", **{**given, **changes})

    def taken(self) -> bool:
        """Whether the operator has taken every answer."""
        deadline = time.monotonic() + 30
        while [path for path in self.exchange.iterdir() if path.name not in (REQUEST, ACCEPTED)]:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True
