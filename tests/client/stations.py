"""A deployment for checks of one person, on a real server, and an officer's machine with all that it needs."""

from __future__ import annotations

import secrets
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from blindwatch.custodian.uploading import Upload
from blindwatch.operator.journal import Journal
from blindwatch.records.operator import OperatorRecord
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import DeploymentManifest, Watchlist

from ..people import Force
from ..serving import FORCE, TOKENS
from .approved import approve_signed
from .lists import row, write_rows
from .photographs import write
from .running import NOOP, command, enough, named

if TYPE_CHECKING:
    from tests.serving import ServerProcess

OFFICERS = Force("oifr", FORCE)
OPERATOR = "e.novak"


@dataclass(frozen=True)
class Station:
    """A folder with the keys, the list and an operator's papers; a deployment once `opened`."""

    folder: Path
    server: ServerProcess
    deployment: str = ""

    @property
    def journal(self) -> Path:
        return self.folder / "journal"

    @property
    def watchlist(self) -> Path:
        return self.folder / "watchlist"

    def named(self, **changes: object) -> dict[str, object]:
        """The options of a check in a public place."""
        return {
            "keys": self.folder / "keys",
            "entries": self.watchlist / "operator.json",
            "register": self.folder / "register.toml",
            "photograph": "-",
            "place": "public",
            "reason": "cannot-identify",
            "journal": self.journal,
            "identity": self.folder / f"{OPERATOR}.pem",
            "camera": self.folder / "camera.pem",
            "server": self.server.address,
            "deployment": self.deployment,
            "token_file": self.folder / "operator.token",
            "share_file": enough(self.folder / "shares"),
            **changes,
        }

    def check(self, photograph: bytes, **changes: object) -> int:
        """Check somebody, by the command in this process; the file of the photograph is to be removed."""
        path = write(self.folder / "photograph.jpg", photograph)
        return command("operator", "check", "--remove", **self.named(photograph=path, **changes))

    def words(self, **changes: object) -> list[str]:
        """The command as a process of its own takes it, with the photograph on its standard input."""
        options = named(**self.named(**changes))
        return [sys.executable, "-m", "blindwatch.cli.main", "operator", "check", *options]

    def records(self) -> list[OperatorRecord]:
        with Journal(self.journal) as journal:
            return list(journal.records())

    def opened(self, force: Force = OFFICERS, **changes: object) -> Station:
        """The same with a deployment and a journal of its own, so that no other test's are there."""
        folder = self.folder / f"station-{secrets.token_hex(4)}"
        for name in ("keys", "watchlist", "shares"):
            shutil.copytree(self.folder / name, folder / name)
        for name in ("register.toml", f"{OPERATOR}.pem", "camera.pem", "operator.token"):
            shutil.copy(self.folder / name, folder)
        Journal.create(folder / "journal", "e.novak.force.example/journal")
        made = replace(self, folder=folder, deployment=folder.name)
        statement = made.watchlist / "watchlist.dsse.json"
        listed = Watchlist.read(Envelope.from_json(statement.read_bytes()))
        by_force = {force.category: listed.entries}
        changed = listed.model_copy(update={"deployment": made.deployment, "by_category": by_force})
        statement.write_bytes(force.watchlist(changed).to_json())
        manifest = approve_signed(force, made.folder / "keys" / "evaluation.keys", made.watchlist, **changes)
        for _ in Upload(
            self.server.client("custodian"), manifest, made.folder / "keys", made.watchlist
        ).send():
            pass
        return made

    @property
    def manifest_file(self) -> Path:
        return self.watchlist.with_name(f"{self.deployment}.dsse.json")

    @property
    def manifest(self) -> DeploymentManifest:
        return DeploymentManifest.read(Envelope.from_json(self.manifest_file.read_bytes()))


def stationed(
    folder: Path,
    server: ServerProcess,
    photographs: Sequence[bytes],
    preset: str = NOOP,
    threshold: float | None = None,
    details: Sequence[Mapping[str, str]] = (),
) -> Station:
    """Enrol photographs by the real commands, under the rules for checks; `details` are what else rows have."""
    OFFICERS.write_register(folder / "register.toml")
    OFFICERS.write_camera(folder / "camera.pem")
    for name in ("a.khan", OPERATOR):
        OFFICERS.write_identity(name, folder / f"{name}.pem")
    (folder / "operator.token").write_text(TOKENS["operator"])
    common = {"category": "custody-image", "quality_override": "The only photograph"}
    rows = [
        row(number, **common, **(details[number] if details else {})) for number in range(len(photographs))
    ]
    for number, photograph in enumerate(photographs):
        write(folder / "list" / f"{number}.png", photograph)
    write_rows(folder / "list", *rows)
    made = command(
        *("custodian", "ceremony"),
        profile="oifr",
        out=folder / "keys",
        preset=preset,
        share_files=folder / "shares",
    )
    assert made == 0
    made = command(
        *("custodian", "enrol"),
        keys=folder / "keys",
        list=folder / "list",
        watchlist=folder / "watchlist",
        profile="oifr",
        deployment="stations",
        identity=folder / "a.khan.pem",
        register=folder / "register.toml",
        threshold=threshold,
    )
    assert made == 0
    return Station(folder, server)
