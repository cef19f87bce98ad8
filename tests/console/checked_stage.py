"""A deployment for checks on a real server, and the page for it: in this process, or in one of its own."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import httpx

from blindwatch.console.checked.commands import opened
from blindwatch.console.checked.pages import application
from blindwatch.console.checked.room import Room
from blindwatch.operator import checking
from blindwatch.operator.examining import Means, Standing
from blindwatch.operator.journal import Journal
from blindwatch.operator.papers import Papers
from blindwatch.operator.unlocking import Release
from blindwatch.secret import candidates
from blindwatch.secret.candidates import Album
from blindwatch.secret.shares import combine
from blindwatch.secret.wrapping import FILE, unwrap
from blindwatch.statements.package import OperatorPackage, PackageEntry
from blindwatch.vision.pipeline import FacePipeline

from ..client.running import enough, named
from ..client.stations import OPERATOR, Station
from . import rooms
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


Opened: TypeAlias = rooms.Opened[Room]


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
        papers = Papers.read(
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
        with (
            self.room(wait, day, device, faces) as (room, journal),
            rooms.page_of(room, application, journal, self.station.folder) as page,
        ):
            yield page

    def options(self, folder: Path, **changes: object) -> dict[str, object]:
        """The options of `blindwatch operator check-console`."""
        given = {"training": self.trained(), "ready_file": folder / "ready", **changes}
        return self.station.named(photograph=None, place=None, reason=None, **given)

    def process(self, folder: Path) -> AbstractContextManager[tuple[subprocess.Popen[bytes], str]]:
        """The program, and the link that it prints."""
        words = [sys.executable, "-m", "blindwatch.cli.main", "operator", "check-console"]
        return rooms.running([*words, *named(**self.options(folder))], folder)


def check(http: httpx.Client, photograph: bytes, **fields: str) -> httpx.Response:
    """Send the form with a photograph, as a browser does."""
    files = {"photograph": ("somebody.jpg", photograph, "image/jpeg")}
    return http.post("/checks", data={"csrf": csrf(http), **fields}, files=files)
