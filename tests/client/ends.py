"""A deployment that runs, and everything that its custodian and its operator have of it, to be destroyed."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blindwatch.custodian.uploading import Upload
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Receipt

from ..people import CREATOR
from ..serving import FORCE
from . import killing
from .approved import approve
from .running import command, named

if TYPE_CHECKING:
    from tests.client.conftest import Scene
    from tests.serving import ServerProcess

GONE = ("keys", "watchlist", "list", "operator-keys", "operator.json", "matches.json")


@dataclass(frozen=True)
class Desk:
    """A folder with the custodian's things and the operator's, and the commands that destroy them."""

    folder: Path
    server: ServerProcess
    deployment: str

    @property
    def receipts(self) -> Path:
        return self.folder / "receipts"

    def left(self) -> set[str]:
        """What of the things that go is there still."""
        return {name for name in GONE if (self.folder / name).exists()}

    def receipt(self, name: str) -> Receipt:
        return Receipt.read(Envelope.from_json((self.receipts / name).read_bytes()))

    def closing(self, **changes: object) -> dict[str, object]:
        """The options with which the custodian closes."""
        return {
            "manifest": self.folder / f"{self.deployment}.dsse.json",
            "keys": self.folder / "keys",
            "watchlist": self.folder / "watchlist",
            "photographs": self.folder / "list",
            "identity": self.folder / f"{CREATOR}.pem",
            "register": self.folder / "register.toml",
            "receipts": self.receipts,
            "server": self.server.address,
            "token_file": self.folder / "custodian.token",
            **changes,
        }

    def close(self, **changes: object) -> int:
        return command("deployment", "close", "--yes", **self.closing(**changes))

    def forgetting(self, **changes: object) -> dict[str, object]:
        """The options with which the operator forgets."""
        return {
            "manifest": self.folder / f"{self.deployment}.dsse.json",
            "closing": self.receipts / "closing.dsse.json",
            "keys": self.folder / "operator-keys",
            "entries": self.folder / "operator.json",
            "also": self.folder / "matches.json",
            "identity": self.folder / "e.novak.pem",
            "register": self.folder / "register.toml",
            "receipts": self.receipts,
            **changes,
        }

    def forget(self, **changes: object) -> int:
        return command("operator", "forget", "--yes", **self.forgetting(**changes))


def desk(scene: Scene, server: ServerProcess, folder: Path) -> Desk:
    """A deployment of its own on the list of the scene."""
    for name in ("keys", "watchlist", "list"):
        shutil.copytree(scene.folder / name, folder / name)
    shutil.copytree(scene.keys, folder / "operator-keys")
    shutil.copy(scene.entries, folder / "operator.json")
    (folder / "matches.json").write_text("[]")
    shutil.copy(scene.token("custodian"), folder)
    FORCE.write_register(folder / "register.toml")
    for name in (CREATOR, "b.osei", "d.silva", "e.novak"):
        FORCE.write_identity(name, folder / f"{name}.pem")
    made = Desk(folder, server, f"end-{secrets.token_hex(4)}")
    manifest = approve(folder / "keys", folder / "watchlist", made.deployment)
    for _ in Upload(server.client("custodian"), manifest, folder / "keys", folder / "watchlist").send():
        pass
    return made


def kill_at_every_step(
    template: Path, words: tuple[str, ...], options: dict[str, object]
) -> list[dict[str, Any]]:
    """What became of copies of a folder on which a command was killed, one step later each time, and run again."""
    folder = template.with_name("copy")
    moved = [each.replace(str(template), str(folder)) for each in named(**options)]
    done = subprocess.run(
        [sys.executable, killing.__file__, str(template), str(folder), *words, *moved],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]
