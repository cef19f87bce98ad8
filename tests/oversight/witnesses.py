"""A witness in a process of its own, and a log that asks it for cosignatures."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from blindwatch.tlog.checkpoints import Checkpoint, SignedCheckpoint
from blindwatch.tlog.cosignatures import check_cosignature
from blindwatch.tlog.evidence import Evidence
from blindwatch.tlog.keys import Signer, Use, VerifierKey
from blindwatch.tlog.log import Log
from blindwatch.tlog.notes import parse_signatures
from blindwatch.tlog.submissions import Submission

from ..client.running import command
from ..serving import eventually
from ..tlog.logs import ORIGIN, SIGNER, naive_root, numbered

NAME = "inspectorate.example.org/w1"
PROGRAM = (sys.executable, "-m", "blindwatch.cli.main", "oversight", "witness")


@dataclass
class Witnessing:
    """`blindwatch oversight witness run`, started and killed at will over one folder."""

    folder: Path
    stack: ExitStack
    options: tuple[str, ...] = ()
    verify: bool | ssl.SSLContext = True
    log: VerifierKey = SIGNER.verifier
    address: str = field(init=False)

    def __post_init__(self) -> None:
        (self.folder / "log.vkey").write_text(f"{self.log}\n")
        assert command("oversight", "witness", "init", folder=self.place, name=NAME) == 0
        done = command("oversight", "witness", "add-log", folder=self.place, log_key=self.folder / "log.vkey")
        assert done == 0
        self.start()
        self.stack.callback(self.kill)

    @property
    def place(self) -> Path:
        return self.folder / "witness"

    @property
    def key(self) -> VerifierKey:
        return VerifierKey.parse((self.place / "witness.vkey").read_text().strip(), Use.WITNESS)

    @property
    def said(self) -> str:
        return (self.folder / "said").read_text()

    def start(self) -> None:
        ready = self.folder / "ready"
        ready.unlink(missing_ok=True)
        with (self.folder / "said").open("ab") as said:
            words = (f"--folder={self.place}", "--port=0", f"--ready-file={ready}", *self.options)
            self.process = subprocess.Popen([*PROGRAM, "run", *words], stderr=said)
        eventually(lambda: ready.exists() or self.process.poll() is not None, 20)
        assert self.process.poll() is None, self.said
        self.address = json.loads(ready.read_text())["address"]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def post(self, body: bytes) -> httpx.Response:
        return httpx.post(f"{self.address}/add-checkpoint", content=body, timeout=20, verify=self.verify)

    def ask(self, old_size: int, proof: list[bytes], signed: SignedCheckpoint) -> httpx.Response:
        return self.post(Submission(old_size, tuple(proof), signed).to_bytes())

    def ask_for(self, log: Log, old_size: int) -> httpx.Response:
        """As a log does: its newest checkpoint, and the proof from what the witness has."""
        return self.ask(old_size, log.view().prove_consistency(old_size), log.checkpoint)

    def cosigned(self, response: httpx.Response, signed: SignedCheckpoint) -> int:
        """When the witness cosigned, by its answer; raises if it did not."""
        assert response.status_code == 200, response.text
        return check_cosignature(signed.with_signatures(parse_signatures(response.text)), self.key)

    def evidence(self) -> list[Evidence]:
        kept = sorted((self.place / "state" / "evidence").glob("[a-z]*.json"))
        return [Evidence.from_json(path.read_bytes()) for path in kept]


def signed_tree(count: int, first: int = 0, signer: Signer = SIGNER) -> SignedCheckpoint:
    """A checkpoint of numbered entries, which need not be those of any log."""
    return Checkpoint(ORIGIN, count, naive_root(numbered(count, first))).signed_by(signer)
