"""A deployment from beginning to end: a real server process on a real socket, whose clock the test moves."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from blindwatch.records import replaying
from blindwatch.records.operator import (
    Adjudicated,
    Alerted,
    ConsoleStarted,
    KeyForgotten,
    KeyReceived,
    RetentionExecuted,
)
from blindwatch.records.reading import server_record
from blindwatch.records.record import OfDeployment, Record, minute
from blindwatch.records.server import ResultReleased
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import (
    Challenge,
    Closing,
    DeploymentManifest,
    Destroyed,
    Receipt,
    Revocation,
    Stop,
    Thresholds,
    Tombstone,
    Watchlist,
    Window,
)
from blindwatch.tlog import merkle
from blindwatch.tlog.fetching import Fetch
from blindwatch.tlog.following import follow
from blindwatch.tlog.keys import Signer, Use
from blindwatch.tlog.log import Log
from blindwatch.tlog.reading import read_checkpoint
from blindwatch.wire.client import ServerClient
from blindwatch.wire.credentials import Signing
from blindwatch.wire.messages import FacesSeen, Result

from ..client.running import command
from ..people import CAMERA, camera_key, stamp
from ..serving import FORCE, TOKENS, ServerProcess, Trial
from ..witnessing import credulous

MOVED = Path(__file__).with_name("moved")
SECOND = Ed25519PrivateKey.generate()
DECISIONS: tuple[tuple[dict[str, str], ...], ...] = (
    ({"outcome": "sent"}, {"outcome": "engaged"}, {"outcome": "confirmed-true", "reason": "arrest"}),
    ({"outcome": "rejected", "reason": "different-person"},),
)
OPERATOR_LOG = Signer.generate("operator.test/log", Use.LOG)


@dataclass
class Clock:
    """A clock that is off by so many seconds, and the environment of processes that go by it."""

    file: Path
    off: float

    def __post_init__(self) -> None:
        self.move(0)

    def move(self, minutes: float) -> None:
        self.off += 60 * minutes
        part = self.file.with_suffix(".part")
        part.write_text(str(self.off))
        part.replace(self.file)

    def time(self) -> float:
        return time.time() + self.off

    def now(self, minutes: float = 0) -> datetime:
        return datetime.fromtimestamp(self.time() + 60 * minutes, UTC)

    @contextmanager
    def kept(self, deed: Path | None = None) -> Iterator[None]:
        """Processes that are started now go by this clock, and do the deed."""
        before = dict(os.environ)
        others = before.get("PYTHONPATH")
        path = os.pathsep.join([str(MOVED), *([others] if others else [])])
        os.environ |= {"PYTHONPATH": path, "TEST_CLOCK": str(self.file)}
        if deed is not None:
            os.environ["TEST_DEED"] = str(deed)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ |= before


@dataclass
class Deployment:
    """A deployment of a trial on a server, and what people do with it. Without a `listed` there is none yet."""

    server: ServerProcess
    trial: Trial
    clock: Clock
    name: str
    minutes: float = 30
    cameras: tuple[object, ...] = (camera_key(CAMERA, FORCE.camera), camera_key("gate-2", SECOND))
    results: list[Result] = field(default_factory=list)
    offered: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.custodian = self.server.client("custodian")
        self.operator = self.server.client("operator")
        self.oversight = self.server.client("oversight")
        camera = ServerClient(self.server.address, Signing(FORCE.camera, self.clock.time), timeout=20)
        self.camera = self.server._stack.enter_context(camera)

    @cached_property
    def listed(self) -> Watchlist:
        return self.trial.watchlist(self.name, built_at=stamp(self.clock.now(-60)))

    @cached_property
    def window(self) -> Window:
        return Window(not_before=stamp(self.clock.now(-1)), not_after=stamp(self.clock.now(self.minutes)))

    @cached_property
    def witness(self) -> str:
        return f"witness witness-1 {FORCE.witness.verifier} {credulous(FORCE.witness, self.clock.time)}"

    @property
    def log_policy(self) -> str:
        return f"log {FORCE.log.verifier}\n{self.witness}\nquorum witness-1\n"

    def put(self, **changes: object) -> None:
        """Offer a version and put it into force."""
        content = {
            "listed": self.listed,
            "window": self.window,
            "log_policy": self.log_policy,
            "cameras": self.cameras,
        }
        self.offered = {**content, **changes}
        self.custodian.put_deployment(self.name, self.trial.offer(self.name, **self.offered))  # type: ignore[arg-type]
        self.trial.enrol(self.custodian, self.name)

    def change_threshold(self) -> None:
        higher = Thresholds(similarity=0.75, gate=self.trial.gate + 2, fine=24_000)
        self.put(version=2, change_reason="Too many alerts", thresholds=higher)

    def pass_by(self, *entries: int) -> list[Result]:
        """People of the list pass the camera, and the operator reads their results."""
        found: list[Result] = []
        for entry in entries:
            self.camera.post_probe(self.name, self.trial.probe(entry))
        while len(found) < len(entries):
            for result in self.operator.fetch_results(self.name, wait=20).results:
                assert isinstance(result, Result), result
                self.operator.acknowledge(self.name, result.probe_id)
                found.append(result)
        self.results += found
        return found

    def count(self, faces: int) -> None:
        """The camera says what it saw in the last minute: one face more than it could use."""
        seen = FacesSeen(camera=CAMERA, faces=faces, dropped=0, unusable=1)
        self.camera.put_counts(self.name, minute(self.clock.now(-1)), seen)

    def remove(self, *removed: int, sequence: int = 1) -> None:
        statement = Tombstone(
            deployment=self.name,
            watchlist_digest=self.custodian.get_deployment(self.name).watchlist_digest,
            sequence=sequence,
            removed=removed,
            reason="Found",
            issued_at=stamp(self.clock.now()),
        )
        signed = FORCE.sign(statement.envelope(), "b.osei")
        self.custodian.put_tombstone(self.name, sequence, signed.to_json())

    def revoke(self, folder: Path) -> None:
        """Take nothing more from the second camera; the paper goes to a folder."""
        key = camera_key("gate-2", SECOND).key_id
        statement = Revocation(
            deployment=self.name, camera_key=key, reason="Stolen", issued_at=stamp(self.clock.now())
        )
        signed = FORCE.sign(statement.envelope(), "b.osei").to_json()
        self.custodian.put_revocation(self.name, key, signed)
        (folder / "revocation.dsse.json").write_bytes(signed)

    def stop(self, folder: Path) -> None:
        """An operator stops the deployment; the paper goes to a folder."""
        digest = self.custodian.get_deployment(self.name).manifest_digest
        statement = Stop(
            deployment=self.name,
            manifest_digest=digest,
            reason="Something is wrong",
            issued_at=stamp(self.clock.now()),
        )
        signed = FORCE.sign(statement.envelope(), "e.novak").to_json()
        self.operator.stop_deployment(self.name, signed)
        (folder / "stop.dsse.json").write_bytes(signed)

    def challenge(self, folder: Path, first: int, least: int = 1) -> int:
        """Draw at least so many results from a record on, by signing until that is so; returns where it ended."""
        checkpoint = read_checkpoint(self.fetch, FORCE.log.verifier).checkpoint
        challenge = Challenge(
            deployment=self.name,
            origin=checkpoint.origin,
            first=first,
            end=checkpoint.size,
            root=checkpoint.root.hex(),
        )
        leaves = [leaf for index, leaf in self.leaves() if first <= index < checkpoint.size]
        while True:
            envelope = FORCE.sign(challenge.envelope(), "o.ngo")
            seed = replaying.seed(envelope)
            if sum(replaying.draws(seed, leaf, FORCE.profile.replay_rate) for leaf in leaves) >= least:
                break
        (folder / f"challenge-{challenge.end}.dsse.json").write_bytes(envelope.to_json())
        self.oversight.put_challenge(self.name, challenge.end, envelope.to_json())
        return challenge.end

    def close(self, folder: Path, *signers: str) -> None:
        """End the deployment, with receipts of a custodian and an operator."""
        digest = self.custodian.get_deployment(self.name).manifest_digest
        closing = Closing(
            deployment=self.name,
            manifest_digest=digest,
            reason="It is over",
            issued_at=stamp(self.clock.now()),
        )
        envelope = FORCE.sign(closing.envelope(), "c.ruiz")
        for signer in signers or ("c.ruiz", "e.novak"):
            receipt = self.receipt(signer, digest, envelope)
            (folder / f"receipt-of-{signer}.dsse.json").write_bytes(receipt.to_json())
        (folder / "closing.dsse.json").write_bytes(envelope.to_json())
        self.custodian.close_deployment(self.name, envelope.to_json())

    def receipt(self, signer: str, manifest: str, closing: Envelope) -> Envelope:
        receipt = Receipt(
            deployment=self.name,
            manifest_digest=manifest,
            closing_digest=closing.digest,
            signer=signer,
            destroyed_at=stamp(self.clock.now()),
            destroyed=(Destroyed(what="secret-key", count=1, size=2000),),
            kept=("receipts",),
        )
        return FORCE.sign(receipt.envelope(), signer)

    def operator_log(self, folder: Path, change: Callable[[list[Record]], None] = lambda _: None) -> Path:
        """The operator's log, in which every result so far was an alert."""
        records: list[Record] = [
            self._operator(KeyReceived, operator="e.novak", until=self.window.not_after),
            self._operator(ConsoleStarted, operator="e.novak", version=2, threshold="0.75"),
        ]
        for place, result in enumerate(self.results):
            alert = self._operator(
                Alerted,
                alert=result.probe_id,
                result=replaying.digest(result),
                camera=result.camera,
                priority="red",
                entry="ab" * 32,
                about=(f"{place:032x}",),
            )
            decided = [
                self._operator(Adjudicated, alert=result.probe_id, operator="e.novak", **each)
                for each in DECISIONS[place % 2]
            ]
            records += [alert, *decided]
        records += [
            self._operator(RetentionExecuted, alert=self.results[0].probe_id),
            self._operator(KeyForgotten, operator="e.novak"),
        ]
        change(records)
        Log.create(folder / "site", folder / "head", OPERATOR_LOG)
        with Log(folder / "site", folder / "head", OPERATOR_LOG) as log:
            log.append([record.to_cbor() for record in records])
        (folder / "site" / "vkey").write_text(f"{OPERATOR_LOG.verifier}\n")
        return folder / "site"

    def export(self, bundle: Path, **options: object) -> int:
        """Collect the bundle, by the command."""
        token = self.server.folder / "oversight.token"
        token.write_text(TOKENS["oversight"])
        named = {"deployment": self.name, "server": self.server.address, "token_file": token}
        return command("oversight", "export", str(bundle), **named, **options)

    def scan(self, place: Path, report: Path) -> int:
        """Search a copy of the server's store or another place, by the command; 1 if anything is found."""
        own = [self.server.folder / "register.toml", self.server.store / "log.vkey"]
        return command("oversight", "scan", str(place), own_key=own, json=report)

    @property
    def fetch(self) -> Fetch:
        return self.oversight.log_file

    def leaves(self) -> list[tuple[int, bytes]]:
        """The results of the deployment: where each is in the log, and its leaf hash."""
        found: list[tuple[int, bytes]] = []
        newest = read_checkpoint(self.fetch, FORCE.log.verifier).checkpoint

        def each(first: int, entries: Sequence[bytes]) -> None:
            for index, entry in enumerate(entries, first):
                record = server_record(entry)
                if isinstance(record, ResultReleased) and record.deployment == self.name:
                    found.append((index, merkle.leaf_hash(entry)))

        follow(self.fetch, None, newest, each)
        return found

    def _operator(self, kind: type[OfDeployment], **content: Any) -> Record:
        return kind(at=minute(self.clock.now()), deployment=self.name, **content)


def manifest(bundle: Path) -> DeploymentManifest:
    """The newest manifest of a bundle."""
    paths = (bundle / "statements").glob("manifest-*")
    found = [DeploymentManifest.read(Envelope.from_json(path.read_bytes())) for path in paths]
    return max(found, key=lambda each: each.version)


BACKDATED = timedelta(minutes=40)
