"""One run: the roles in their order, and the same comparison in clear beside it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from rich.progress import Progress

from blindwatch.custodian.building import NAMES, PACKAGE
from blindwatch.demo import approval, roles
from blindwatch.demo.clear import ClearView
from blindwatch.demo.outcome import Outcome, Peek
from blindwatch.demo.photographs import Cast
from blindwatch.demo.record import Record, assemble
from blindwatch.errors import InternalError
from blindwatch.he.presets import Preset
from blindwatch.operator.reading import Reader
from blindwatch.secret.keys import Decryptor, SecretKey
from blindwatch.secret.shares import combine
from blindwatch.secret.wrapping import FILE, unwrap
from blindwatch.statements.package import OperatorPackage
from blindwatch.wire.client import ServerClient
from blindwatch.wire.messages import Result

DEPLOYMENT: Final = "demonstration"
CAMERA: Final = "entrance"
_PATIENCE_SECONDS: Final = 900.0


class Scene:
    """The stage of one run: a private folder with a part for each role, and what they did in it."""

    def __init__(self, folder: Path, preset: Preset, cast: Cast, display: Progress) -> None:
        self._folder = folder
        self._preset = preset
        self._cast = cast
        self._display = display
        self._record = Record()

    def play(self, view: ClearView) -> Outcome:
        """Let every role do its work once, and say what came of it."""
        started = time.perf_counter()
        self._lay_out_photographs()
        digests = {name: roles.make_token(self._token(name)) for name in ("custodian", "operator")}
        self._register = approval.make_people(self._folder)
        self._make_keys()
        self._enrol()
        with roles.server(self._folder, digests, self._register) as address:
            self._upload(address)
            self._watch(address)
            peeks = self._wait_and_peek(address)
            self._read(address)
        seconds = time.perf_counter() - started
        return assemble(self._cast, self._record, peeks, view, self._preset, seconds)

    def _lay_out_photographs(self) -> None:
        for number, photograph in enumerate(self._cast.enrolled):
            person = self._folder / "list" / photograph.person
            person.mkdir(parents=True)
            (person / f"{number:03}.jpg").write_bytes(photograph.data)
        crowd = self._folder / "crowd"
        crowd.mkdir()
        for number, photograph in enumerate(self._cast.crowd):
            (crowd / f"{number:03}.jpg").write_bytes(photograph.data)

    def _make_keys(self) -> None:
        with self._stage("The custodian makes the keys"):
            self._record.ceremony_ms = roles.run(
                *("custodian", "ceremony", "--out", self._keys, "--preset", self._preset.name),
                *("--profile", approval.PROFILE, "--share-files", self._folder / "shares"),
            )
        self._record.bundle_size = (self._keys / "evaluation.keys").stat().st_size

    def _enrol(self) -> None:
        options: tuple[str, ...] = ()
        if self._cast.cosine is not None:
            options = ("--threshold", str(self._cast.cosine))
        with self._stage("The custodian enrols the list"):
            self._record.enrol_ms = roles.run(
                *("custodian", "enrol", "--keys", self._keys, "--watchlist", self._watchlist),
                *("--faces", self._folder / "list", "--profile", approval.PROFILE),
                *("--deployment", DEPLOYMENT, "--register", self._register),
                *("--identity", self._folder / "custodian.pem"),
                *options,
            )
        package = OperatorPackage.load(self._watchlist / PACKAGE)
        self._record.gate, self._record.threshold = package.gate, package.fine_threshold
        # Only a demonstration has the custodian's names beside what the operator finds.
        names = json.loads((self._watchlist / NAMES).read_text(encoding="utf-8"))
        self._record.names = [names[each.reference]["name"] for each in package.entries]
        self._record.list_size = sum(
            file.stat().st_size for file in (self._watchlist / "blobs").iterdir() if file.is_file()
        )

    def _upload(self, address: str) -> None:
        camera = roles.make_camera(self._identity, CAMERA)
        self._manifest = approval.approve(self._folder, self._keys, self._watchlist, (camera,))
        with self._stage("The custodian uploads list and public keys"):
            self._record.upload_ms = roles.run(
                *("custodian", "upload", "--keys", self._keys, "--watchlist", self._watchlist),
                *(
                    "--manifest",
                    self._manifest,
                    "--server",
                    address,
                    "--token-file",
                    self._token("custodian"),
                ),
            )

    def _watch(self, address: str) -> None:
        with self._stage("The camera sees the crowd", len(self._cast.crowd)) as advance:

            def note(line: str) -> None:
                self._record.looks.append(json.loads(line))
                advance()

            roles.run(
                *("camera", "run", "--keys", self._keys / "encryption.key", "--identity", self._identity),
                *("--manifest", self._manifest, "--register", self._register, "--server", address),
                *("--source", self._folder / "crowd", "--json"),
                on_line=note,
            )
        if any(look["dropped"] for look in self._record.looks):
            raise InternalError("The camera had to drop probes, so there is no result for everybody.")

    def _wait_and_peek(self, address: str) -> list[Peek]:
        """Wait until all is compared; then look into the first batch of results, as no role could."""
        total = len(self._record.probes)
        with (
            ServerClient(address, self._token("operator").read_text(encoding="utf-8").strip()) as client,
            self._stage("The server compares what it cannot see", total) as advance,
        ):
            done, deadline = 0, time.monotonic() + _PATIENCE_SECONDS
            while done < total:
                if time.monotonic() > deadline:
                    raise InternalError("The server did not finish in time.")
                time.sleep(0.2)
                now_done = total - client.health().queued
                for _ in range(now_done - done):
                    advance()
                done = max(done, now_done)
            results = client.fetch_results(DEPLOYMENT, wait=30).results
        return self._open([result for result in results if isinstance(result, Result)])

    def _open(self, results: list[Result]) -> list[Peek]:
        master = combine([file.read_text(encoding="utf-8").strip() for file in self._shares])
        secret: SecretKey = unwrap((self._keys / FILE).read_bytes(), master)
        reader, decryptor = Reader(secret, self._record.threshold, len(self._record.names)), Decryptor(secret)
        return [
            Peek(
                result.probe_id,
                scores=reader.values(result.releases)[1],
                slots=decryptor.slots(result.releases[0].ciphertexts[-1]),
            )
            for result in results
        ]

    def _read(self, address: str) -> None:
        matches = self._folder / "matches.json"
        with self._stage("The operator fetches, decrypts and keeps matches"):
            roles.run(
                *("operator", "run", "--keys", self._keys, "--entries", self._watchlist / PACKAGE),
                *("--register", self._register, "--count", str(len(self._record.probes)), "--out", matches),
                *("--server", address, *roles.each("--share-file", self._shares)),
                *("--deployment", DEPLOYMENT, "--token-file", self._token("operator")),
            )
        readings: list[dict[str, Any]] = json.loads(matches.read_text(encoding="utf-8"))
        if any(reading["problem"] for reading in readings) or len(readings) != len(self._record.probes):
            raise InternalError("Some probes have no result.")
        self._record.readings = {reading["probeId"]: reading for reading in readings}

    def _token(self, role: str) -> Path:
        return self._folder / f"{role}.token"

    @property
    def _identity(self) -> Path:
        return self._folder / "camera.pem"

    @property
    def _shares(self) -> list[Path]:
        """Two shares of the three: enough, and no more."""
        return sorted((self._folder / "shares").iterdir())[:2]

    @property
    def _keys(self) -> Path:
        return self._folder / "keys"

    @property
    def _watchlist(self) -> Path:
        return self._folder / "watchlist"

    @contextmanager
    def _stage(self, description: str, total: int = 1) -> Iterator[Callable[[], None]]:
        """A line of the progress display; yields what moves it on by one."""
        task = self._display.add_task(description, total=total)
        yield partial(self._display.advance, task)
        self._display.update(task, completed=total)
