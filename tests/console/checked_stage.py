"""A deployment for checks on a real server, and the page for it: in this process, or in one of its own."""

from __future__ import annotations

import io
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path

import httpx

from blindwatch.console.checked.commands import opened
from blindwatch.console.checked.room import Room
from blindwatch.console.checked.serving import Checking
from blindwatch.operator import checking
from blindwatch.operator.examining import Means, Standing
from blindwatch.operator.journal import Journal
from blindwatch.operator.ranking import read_papers
from blindwatch.operator.unlocking import Release
from blindwatch.secret import candidates
from blindwatch.secret.candidates import Album
from blindwatch.secret.shares import combine
from blindwatch.secret.wrapping import FILE, unwrap
from blindwatch.statements.package import OperatorPackage, PackageEntry
from blindwatch.vision.pipeline import FacePipeline

from ..client.running import enough, named
from ..client.stations import OPERATOR, Station
from ..serving import eventually
from .cases import NOTE
from .ranked_stage import csrf

PUBLIC = {"place": "public", "reason": "cannot-identify", "harm": ""}
DETAILS = (
    {"priority": "red", "instruction": "Stop & speak <b>softly</b>: warrant of a court"},
    {"priority": "amber", "instruction": "Ask to come along"},
    {
        "priority": "green",
        "instruction": "Tell the family",
        "known_relative": NOTE,
        "image_date": "2015-02-03",
    },
)


@dataclass(frozen=True)
class Opened:
    """A page that runs in this process."""

    room: Room
    host: Checking
    journal: Journal

    @property
    def address(self) -> str:
        return self.host.address

    def link(self, operator: str = OPERATOR) -> str:
        return self.host.link(operator)

    @property
    def kinds(self) -> list[str]:
        return [each.kind for each in self.journal.records()]


@dataclass(frozen=True)
class Spot:
    """An officer's machine, with a deployment of its own."""

    station: Station
    pipeline: FacePipeline

    @cached_property
    def package(self) -> OperatorPackage:
        return OperatorPackage.load(self.station.watchlist / "operator.json")

    def entry(self, instruction: str) -> PackageEntry:
        """The entry with this instruction."""
        return next(each for each in self.package.entries if each.instruction == instruction)

    @cached_property
    def portraits(self) -> list[bytes]:
        """The faces of the list, in the order of its entries."""
        master = combine([path.read_text().strip() for path in enough(self.station.folder / "shares")])
        secret = unwrap((self.station.folder / "keys" / FILE).read_bytes(), master)
        path = self.station.watchlist / candidates.FILE
        album = Album.load(path, self.package.candidates or "", secret)
        return [album.portrait(entry).image for entry in range(len(self.package.entries))]

    def portrait(self, entry: PackageEntry) -> bytes:
        return self.portraits[self.package.entries.index(entry)]

    def trained(self, day: date | None = None) -> Path:
        path = self.station.folder / f"training-{secrets.token_hex(4)}.toml"
        when = day or (datetime.now(UTC) - timedelta(days=30)).date()
        path.write_text(f'[trained]\n"{OPERATOR}" = {when}\n')
        return path

    @contextmanager
    def room(
        self,
        wait: float = 90,
        day: date | None = None,
        device: str | None = None,
        faces: bool = True,
    ) -> Iterator[tuple[Room, Journal]]:
        """A room, and the journal of the station."""
        folder = self.station.folder
        album = self.station.watchlist / candidates.FILE if faces else None
        papers = read_papers(
            self.station.watchlist / "operator.json",
            folder / "register.toml",
            folder / f"{OPERATOR}.pem",
            None,
            album,
        )
        token, camera = folder / "operator.token", folder / "camera.pem"
        line = checking.line_of(self.station.server.address, token, camera, None)
        means = Means(self.pipeline, checking.key_of(folder / "keys"), wait)
        asked = Release(folder / "keys", 1, None, enough(folder / "shares"))
        with Journal(self.station.journal) as journal:
            standing = Standing.of(papers, line, self.station.deployment)
            room = opened(standing, asked, journal, means, self.trained(day), device)
            try:
                yield room, journal
            finally:
                room.end()

    @contextmanager
    def page(
        self, wait: float = 90, day: date | None = None, device: str | None = None, faces: bool = True
    ) -> Iterator[Opened]:
        """The page, in this process."""
        ready = self.station.folder / f"ready-{secrets.token_hex(4)}"
        with self.room(wait, day, device, faces) as (room, journal):
            host = Checking(room, ("d.silva",), 0)
            thread = threading.Thread(target=host.run, args=(ready,))
            with redirect_stdout(io.StringIO()):
                thread.start()
                eventually(ready.exists)
            try:
                yield Opened(room, host, journal)
            finally:
                host.close()
                thread.join(30)

    def options(self, folder: Path, **changes: object) -> dict[str, object]:
        """The options of `blindwatch operator check-console`."""
        given = {"training": self.trained(), "ready_file": folder / "ready", **changes}
        return self.station.named(photograph=None, place=None, reason=None, **given)

    @contextmanager
    def process(self, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
        """The program, and the link that it prints."""
        said = folder / "said"
        words = [sys.executable, "-m", "blindwatch.cli.main", "operator", "check-console"]
        with said.open("wb") as out, ExitStack() as stack:
            process = subprocess.Popen(
                [*words, *named(**self.options(folder))], stdout=out, stderr=subprocess.STDOUT
            )
            stack.callback(process.wait, 60)
            stack.callback(process.terminate)
            eventually(lambda: (folder / "ready").exists() or process.poll() is not None, 120)
            text = said.read_text()
            assert process.poll() is None, text
            yield process, text.split(f"{OPERATOR}: ")[1].split()[0]


def check(http: httpx.Client, photograph: bytes, **fields: str) -> httpx.Response:
    """Send the form with a photograph, as a browser does."""
    files = {"photograph": ("somebody.jpg", photograph, "image/jpeg")}
    return http.post("/checks", data={"csrf": csrf(http), **fields}, files=files)
