"""A deployment as its users would run it: each role by its command line, as a process of its own, and tapped."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from blindwatch.camera import identity
from blindwatch.demo import approval, roles
from blindwatch.demo.photographs import Cast
from blindwatch.wire.client import ServerClient
from blindwatch.wire.credentials import Signing

from . import memory, writes
from .tap import Tap, tap

NAME: Final = "station-2"
ROLES: Final = ("custodian", "camera", "operator")
CAMERA: Final = "north"
WORKERS: Final = 2
_CAMERA_SECONDS: Final = 120.0
_MATCH_SECONDS: Final = 300.0


@dataclass(frozen=True)
class Server:
    """A running match server, and a tap before it for each role."""

    address: str
    pid: int
    taps: dict[str, Tap]

    @property
    def workers(self) -> list[int]:
        return memory.children(self.pid)


class Deployment:
    """One folder with a part for each role."""

    def __init__(self, folder: Path, cast: Cast) -> None:
        self._folder = folder
        self._similarity = str(cast.cosine)
        self.keys, self.watchlist = folder / "keys", folder / "watchlist"
        self.server_folder, self.camera_folder = folder / "server", folder / "camera"
        self.calls = folder / "calls"
        self.matches = folder / "matches.json"
        for number, photograph in enumerate(cast.enrolled):
            person = folder / "list" / photograph.person
            person.mkdir(parents=True)
            (person / f"{number:03}.jpg").write_bytes(photograph.data)
        (folder / "crowd").mkdir()
        for number, photograph in enumerate(cast.crowd):
            (folder / "crowd" / f"{number:03}.jpg").write_bytes(photograph.data)
        self.register = approval.make_people(folder)
        self.shares = folder / "shares"
        self.identity = folder / "camera.pem"
        self._camera = roles.make_camera(self.identity, CAMERA)
        self._tokens = {role: folder / f"{role}.token" for role in ROLES if role != "camera"}
        self._digests = {role: roles.make_token(file) for role, file in self._tokens.items()}

    @property
    def store(self) -> Path:
        return self.server_folder / "store"

    @property
    def log(self) -> Path:
        return self.server_folder / "server.log"

    @property
    def manifest(self) -> Path:
        return self._folder / approval.MANIFEST

    def enrol(self) -> None:
        """Make the keys, and encrypt the list."""
        arguments = ("custodian", "ceremony", "--profile", approval.PROFILE, "--out", self.keys)
        roles.run(*arguments, "--share-files", self.shares)
        roles.run(
            *("custodian", "enrol", "--keys", self.keys, "--watchlist", self.watchlist),
            *("--faces", self._folder / "list", "--threshold", self._similarity),
            *("--profile", approval.PROFILE, "--deployment", NAME),
            *("--identity", self._folder / "custodian.pem", "--register", self.register),
        )

    @contextmanager
    def server(self) -> Iterator[Server]:
        """The match server, for as long as it is needed."""
        self.server_folder.mkdir()
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("BLINDWATCH_SERVER_WORKERS", str(WORKERS))
            with roles.server(self.server_folder, self._digests, self.register) as address:
                pid = json.loads((self.server_folder / "ready.json").read_text())["pid"]
                with tap(address) as custodian, tap(address) as camera, tap(address) as operator:
                    yield Server(address, pid, dict(zip(ROLES, (custodian, camera, operator), strict=True)))

    def upload(self, server: Server) -> None:
        arguments = ("custodian", "upload", "--keys", self.keys, "--watchlist", self.watchlist)
        shutil.copy(self.server_folder / approval.LOG_POLICY, self._folder)
        manifest = approval.approve(self._folder, self.keys, self.watchlist, (self._camera,))
        roles.run(*arguments, "--manifest", manifest, *self._at(server, "custodian"))

    def watch(self, server: Server) -> tuple[list[dict[str, Any]], bytes]:
        """Run the camera among empty folders; what it says of each photograph, and all that it prints."""
        places = {name: self.camera_folder / name for name in ("here", "home", "temporary")}
        for place in places.values():
            place.mkdir(parents=True)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(places["home"]),
            "TMPDIR": str(places["temporary"]),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        command = ["-m", "blindwatch.cli.main", "camera", "run", "--json"]
        files = (
            *("--keys", self.keys / "encryption.key", "--source", self._folder / "crowd"),
            *("--identity", self.identity, "--register", self.register),
            *("--manifest", self.manifest, "--server", server.taps["camera"].address),
        )
        observed = writes.traced(self.calls) if writes.can_trace() else []
        done = subprocess.run(
            [*observed, sys.executable, *command, *map(str, files)],
            cwd=places["here"],
            env=environment,
            capture_output=True,
            timeout=_CAMERA_SECONDS,
            check=True,
        )
        looks = [json.loads(line) for line in done.stdout.splitlines()]
        return looks, done.stdout + done.stderr

    def wait(self, server: Server) -> None:
        """Wait until every probe is compared."""
        deadline = time.monotonic() + _MATCH_SECONDS
        with self.client(server.address, "operator") as client:
            while client.health().queued:
                assert time.monotonic() < deadline, "the server did not finish in time"
                time.sleep(0.1)

    def read(self, server: Server, count: int) -> list[dict[str, Any]]:
        """Run the operator, who reads so many results."""
        roles.run(
            *("operator", "run", "--keys", self.keys, "--entries", self.watchlist / "operator.json"),
            *("--register", self.register, "--count", str(count), "--out", self.matches),
            *roles.each("--share-file", sorted(self.shares.iterdir())[:2]),
            *self._at(server, "operator"),
        )
        readings: list[dict[str, Any]] = json.loads(self.matches.read_text())
        return readings

    def client(self, address: str, role: str) -> ServerClient:
        if role == "camera":
            return ServerClient(address, Signing(identity.load(self.identity)), timeout=60)
        return ServerClient(address, self._tokens[role].read_text().strip(), timeout=60)

    def _at(self, server: Server, role: str) -> tuple[str | Path, ...]:
        named = () if role == "custodian" else ("--deployment", NAME)  # which the manifest names
        return "--server", server.taps[role].address, *named, "--token-file", self._tokens[role]
