"""A real server process on a real socket, and a trial of a deployment to talk to it about."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from blindwatch.he.encrypting import Encryptor
from blindwatch.he.presets import preset
from blindwatch.he.templates import Templates
from blindwatch.secret.keys import KeySet, generate
from blindwatch.statements.predicates import Thresholds, Watchlist
from blindwatch.store.database import IDENTITY, Store
from blindwatch.wire import digests
from blindwatch.wire.client import ServerClient
from blindwatch.wire.credentials import Signing
from blindwatch.wire.messages import DeploymentOffer, Probe, ResultBatch, now

from .crops import CROP
from .people import CAMERA, Force, a_manifest, a_watchlist

TOKENS = {role: f"token-of-the-{role}" for role in ("custodian", "operator", "oversight")}
FORCE = Force()
MODEL = "ab" * 32
START_SECONDS = 60


def eventually(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    """Wait for something that happens in another process."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


class ServerProcess:
    """`blindwatch server run`, started and stopped at will over one store."""

    def __init__(
        self,
        folder: Path,
        stack: ExitStack,
        *options: str,
        tls: ssl.SSLContext | None = None,
        **settings: float | str,
    ) -> None:
        self.folder = folder
        self._tls = tls
        self.store = folder / "store"
        self._stack = stack
        self._clients: dict[tuple[str, str], ServerClient] = {}
        self._plain_clients: dict[tuple[str, str], httpx.Client] = {}
        self._options = ("--allow-insecure-preset", *options)
        self._log = folder / "log"
        self._ready = folder / "ready"
        self._config = folder / "server.toml"
        settings = {"workers": 1, "port": 0, **settings}
        self._size = settings["workers"]
        self._config.write_text(
            "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
            + f'data = "{self.store}"\nregister_file = "{FORCE.write_register(folder / "register.toml")}"\n'
            + "[tokens]\n"
            + "".join(
                f'{role} = ["{hashlib.sha256(token.encode()).hexdigest()}"]\n'
                for role, token in TOKENS.items()
            )
        )
        Store.create(self.store, FORCE.log)
        FORCE.write_identity("server-1", self.store / IDENTITY)
        self.start()
        stack.callback(self.kill)

    def command(self, *arguments: str) -> list[str]:
        config = f"--config={self._config}"
        return [sys.executable, "-m", "blindwatch.cli.main", "server", arguments[0], config, *arguments[1:]]

    def start(self) -> None:
        self._ready.unlink(missing_ok=True)
        with self._log.open("ab") as log:
            command = self.command("run", f"--ready-file={self._ready}", *self._options)
            self.process = subprocess.Popen(command, stderr=log)
        eventually(lambda: self._ready.exists() or self.process.poll() is not None, START_SECONDS)
        assert self.process.poll() is None, self.log
        self.address = json.loads(self._ready.read_text())["address"]
        eventually(self.is_complete, START_SECONDS)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(20)

    def kill(self) -> None:
        for pid in self.workers:
            os.kill(pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def workers(self) -> list[int]:
        """The processes that the server has started and that have not ended."""
        if self.process.poll() is not None:
            return []
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def is_complete(self) -> bool:
        """Whether every worker can take jobs."""
        return self.client("camera").health().workers == self._size

    def pause(self) -> None:
        """Let the workers do nothing."""
        for pid in self.workers:
            os.kill(pid, signal.SIGSTOP)

    def resume(self) -> None:
        for pid in self.workers:
            os.kill(pid, signal.SIGCONT)

    def client(self, role: str) -> ServerClient:
        """The client of a role, one for each address, since hundreds of tests ask the same server."""
        key = (self.address, role)
        if key not in self._clients:
            client = ServerClient(self.address, _credentials(role), timeout=20, tls=self._tls)
            self._clients[key] = self._stack.enter_context(client)
        return self._clients[key]

    def http(self, role: str) -> httpx.Client:
        """A client that sends what it is told to, with the credentials of a role; one for each address."""
        key = (self.address, role)
        if key not in self._plain_clients:
            given = _credentials(role)
            auth = given if isinstance(given, httpx.Auth) else None
            headers = {} if auth else {"Authorization": f"Bearer {given}"}
            client = httpx.Client(base_url=self.address, headers=headers, auth=auth, timeout=20)
            self._plain_clients[key] = self._stack.enter_context(client)
        return self._plain_clients[key]

    @contextmanager
    def cut_off(
        self, path: str, body: bytes, headers: dict[str, str], method: str = "POST"
    ) -> Iterator[None]:
        """Send a request whole, and hear no answer."""
        host, port = self.address.removeprefix("http://").split(":")
        fields = {**headers, "Content-Length": str(len(body)), digests.FIELD: digests.content_digest(body)}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        with socket.create_connection((host, int(port)), timeout=15) as connection:
            connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{head}\r\n".encode() + body)
            yield

    def results(self, name: str, count: int) -> ResultBatch:
        """Wait until so many results are there."""
        client = self.client("operator")
        eventually(lambda: len(client.fetch_results(name).results) >= count)
        return client.fetch_results(name)


def _credentials(role: str) -> str | httpx.Auth:
    return Signing(FORCE.camera) if role == "camera" else TOKENS[role]


@dataclass(frozen=True)
class Trial:
    """Keys and an encrypted watchlist, made once and uploaded under many names."""

    preset_name: str

    @cached_property
    def keys(self) -> KeySet:
        return generate(preset(self.preset_name))

    @cached_property
    def encryptor(self) -> Encryptor:
        return Encryptor(self.keys.encryption)

    @cached_property
    def templates(self) -> Templates:
        sizes = np.where(np.arange(preset(self.preset_name).dimension) % 7, 1, 2)  # squared norm 185 of 200
        coarse = np.random.default_rng(5).choice([-1, 1], (10, len(sizes))) * sizes
        return Templates(coarse, 13 * coarse)

    @cached_property
    def blocks(self) -> list[list[bytes]]:
        return [list(block) for block in self.encryptor.watchlist(self.templates)]

    @cached_property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        """The digests of the list's ciphertexts."""
        return tuple(tuple(hashlib.sha256(blob).hexdigest() for blob in block) for block in self.blocks)

    @property
    def gate(self) -> int:
        """The coarse score from where on entries are revealed."""
        return preset(self.preset_name).squared_norm - 60

    @cached_property
    def bundle(self) -> bytes:
        return self.keys.evaluation.to_bytes()

    @property
    def bundle_digest(self) -> str:
        return hashlib.sha256(self.bundle).hexdigest()

    def watchlist(self, name: str, **changes: object) -> Watchlist:
        content: dict[str, object] = {
            "deployment": name,
            "preset": self.preset_name,
            "key_id": self.keys.encryption.key_id,
            "model_digest": MODEL,
            "entries": len(self.templates),
            "blocks": self.rows,
        }
        return a_watchlist(FORCE, **{**content, **changes})

    def offer(self, name: str, *, listed: Watchlist | None = None, **changes: Any) -> DeploymentOffer:
        """An approved deployment of this name; the changes are made before people sign."""
        watchlist = listed or self.watchlist(name)
        statement = FORCE.watchlist(watchlist)
        content: dict[str, object] = {
            "bundle_digest": self.bundle_digest,
            "thresholds": Thresholds(similarity=0.7, gate=self.gate, fine=160 * self.gate),
        }
        manifest = FORCE.manifest(a_manifest(FORCE, watchlist, statement, **{**content, **changes}))
        return DeploymentOffer(manifest=manifest.to_json(), watchlist=statement.to_json(), bundle=self.bundle)

    def probe(self, index: int = 0, **changes: Any) -> Probe:
        made = Probe(
            probe_id=secrets.token_hex(16),
            camera=CAMERA,
            preset=self.preset_name,
            key_id=self.keys.encryption.key_id,
            model_digest=MODEL,
            captured_at=now(),
            ciphertext=self.encryptor.probe(self.templates[index : index + 1]),
            crop=CROP,
        )
        return made.model_copy(update=changes)

    def open(self, server: ServerProcess, *, enrolled: bool = True, **changes: Any) -> str:
        """Open a deployment of its own, with its watchlist in use."""
        name = f"trial-{secrets.token_hex(4)}"
        custodian = server.client("custodian")
        custodian.put_deployment(name, self.offer(name, **changes))
        if enrolled:
            self.enrol(custodian, name)
        return name

    def enrol(self, custodian: ServerClient, name: str) -> None:
        """Upload the list, and put the newest version into force."""
        for blob in chain.from_iterable(self.blocks):
            custodian.put_blob(name, blob)
        custodian.activate(name)
