"""A gallery on a real server, and the page in which it is searched: in this process, or in one of its own."""

from __future__ import annotations

import json
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
import numpy as np
from numpy.typing import NDArray

from blindwatch.console.ranked.commands import opened, signatories
from blindwatch.console.ranked.pages import application
from blindwatch.console.ranked.room import Room, Terms
from blindwatch.operator.journal import Journal
from blindwatch.operator.papers import Papers
from blindwatch.operator.searching import best
from blindwatch.operator.unlocking import Release
from blindwatch.secret import candidates
from blindwatch.secret.candidates import Album
from blindwatch.secret.ranked import RankSecret
from blindwatch.secret.shares import combine
from blindwatch.secret.wrapping import FILE, unwrap_ranked
from blindwatch.statements.package import OperatorPackage, PackageEntry
from blindwatch.vision.image import Image
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.quantise import quantise
from blindwatch.wire.client import ServerClient

from ..client.photographs import small
from ..client.running import enough, named
from ..gallery import (
    DEPLOYMENT,
    NUMBERS,
    SEARCHERS,
    ceremony,
    enrol,
    papers,
    prepare,
    sign,
    upload,
)
from ..serving import TOKENS, ServerProcess
from . import rooms

OPERATOR, SECOND = "e.novak", "g.okoro"
CRIME = {"reference": "CR/0042/26", "reason": "unknown-suspect"}


Opened: TypeAlias = rooms.Opened[Room]


@dataclass(frozen=True)
class Gallery:
    """The files of everybody, and a server that allows ranked search."""

    folder: Path
    server: ServerProcess
    pipeline: FacePipeline

    def fill(self) -> None:
        prepare(self.folder)
        assert ceremony(self.folder) == 0
        assert enrol(self.folder) == 0
        assert sign(self.folder) == 0
        assert upload(self.folder, self.server.address) == 0

    @cached_property
    def package(self) -> OperatorPackage:
        return OperatorPackage.load(self.folder / "gallery" / "operator.json")

    @cached_property
    def secret(self) -> RankSecret:
        master = combine([path.read_text().strip() for path in enough(self.folder / "shares")])
        return unwrap_ranked((self.folder / "keys" / FILE).read_bytes(), master)

    @cached_property
    def portraits(self) -> list[bytes]:
        """The faces of the gallery, in the order of its entries."""
        path = self.folder / "gallery" / candidates.FILE
        album = Album.load(path, self.package.candidates or "", self.secret)
        return [album.portrait(entry).image for entry in range(len(NUMBERS))]

    @cached_property
    def photograph(self) -> bytes:
        return (self.folder / "sought.jpg").read_bytes()

    @cached_property
    def scores(self) -> NDArray[np.int64]:
        """How alike each entry is to the photograph, by templates in clear."""
        records = json.loads((self.folder / "gallery" / "names.json").read_text())
        sources = (records[each.reference]["sourceRef"] for each in self.package.entries)
        listed = [self._template(small(int(each.removeprefix("CI-2026-")))) for each in sources]
        return np.stack(listed) @ self._template(self.photograph)

    @cached_property
    def ranking(self) -> list[PackageEntry]:
        """All entries in that order, the most alike first."""
        return [self.package.entries[each.entry] for each in best(self.scores, len(NUMBERS))]

    @property
    def numbers(self) -> dict[str, bytes]:
        """What a search computes in clear, as programs hold it: embedding, template, scores."""
        modulus = self.secret.preset.plain_modulus
        template = self._template(self.photograph)
        return {
            "embedding": self.pipeline.faces(self.photograph)[0].embedding.tobytes()[:128],
            "template": template.tobytes()[:256],
            "template of SEAL": (template % modulus).tobytes()[:256],
            "scores": self.scores.tobytes(),
            "scores of SEAL": (self.scores % modulus).tobytes(),
        }

    def _template(self, source: bytes | Image) -> NDArray[np.int64]:
        return quantise(self.pipeline.faces(source)[0].embedding, self.secret.preset.squared_norm)

    def number(self, entry: PackageEntry) -> int:
        return self.package.entries.index(entry)

    def trained(self, day: date | None = None) -> Path:
        path = self.folder / f"training-{secrets.token_hex(4)}.toml"
        when = day or (datetime.now(UTC) - timedelta(days=30)).date()
        path.write_text("[trained]\n" + "".join(f'"{each}" = {when}\n' for each in (OPERATOR, SECOND)))
        return path

    @contextmanager
    def room(
        self,
        top: int = 5,
        wait: float = 60,
        day: date | None = None,
        hours: float = 1,
        faces: str | None = candidates.FILE,
    ) -> Iterator[Room]:
        """A room with a journal of its own."""
        folder = self.folder / f"journal-{secrets.token_hex(4)}"
        Journal.create(folder, "e.novak.test/journal")
        given = Papers(
            self.package,
            SEARCHERS.register,
            self.folder / f"{OPERATOR}.pem",
            faces=None if faces is None else self.folder / "gallery" / faces,
        )
        asked = Release(self.folder / "keys", hours, None, enough(self.folder / "shares"))
        with (
            Journal(folder) as journal,
            ServerClient(self.server.address, TOKENS["operator"], timeout=90) as client,
        ):
            terms = Terms(top, wait)
            people = signatories(given.register, given.identity, self.folder / f"{SECOND}.pem")
            training = self.trained(day)
            room = opened(given, asked, journal, client, DEPLOYMENT, self.pipeline, people, training, terms)
            try:
                yield room
            finally:
                room.leave()

    @contextmanager
    def page(self, **terms: float | date | None) -> Iterator[Opened]:
        """The page, in this process."""
        with (
            self.room(**terms) as room,  # type: ignore[arg-type]
            rooms.page_of(room, application, room._journal, self.folder) as page,
        ):
            yield page

    def program(self, folder: Path) -> list[str]:
        """`blindwatch operator rank-console` for a process of its own, with its own journal."""
        Journal.create(folder / "journal", "e.novak.test/journal")
        given = {
            **papers(self.folder, self.server.address),
            "journal": folder / "journal",
            "training": self.trained(),
            "ready_file": folder / "ready",
            "top": 5,
        }
        words = [sys.executable, "-m", "blindwatch.cli.main", "operator", "rank-console"]
        return [*words, *named(**given)]

    def process(self, folder: Path) -> AbstractContextManager[tuple[subprocess.Popen[bytes], str]]:
        """The program, and the link that it prints."""
        return rooms.running(self.program(folder), folder)


@contextmanager
def browsing(link: str, **headers: str) -> Iterator[httpx.Client]:
    """A client that sends what a browser would, logged in by a link."""
    address, token = link.split("/login/")
    sent = {"Origin": address, "Accept": "text/html", **headers}
    limits = httpx.Limits(max_keepalive_connections=0)  # a process may stand still at times
    with httpx.Client(base_url=address, headers=sent, limits=limits, timeout=90) as http:
        assert http.post("/login", data={"token": token}).status_code == 303
        yield http


def csrf(http: httpx.Client) -> str:
    return http.get("/").text.split('name="csrf" value="')[1].split('"')[0]


def post(http: httpx.Client, path: str, **fields: str) -> httpx.Response:
    return http.post(path, data={"csrf": csrf(http), **fields})


def search(http: httpx.Client, photograph: bytes, **fields: str) -> httpx.Response:
    """Send the form with a photograph, as a browser does."""
    files = {"photograph": ("sought.jpg", photograph, "image/jpeg")}
    return http.post("/searches", data={"csrf": csrf(http), **fields}, files=files)
