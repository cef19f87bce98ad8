"""The memory of a console's process: no face that was decided about or never shown, no stranger, no forgotten key."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import tenseal.sealapi as sealapi

from blindwatch.he import seal
from blindwatch.secret import candidates
from blindwatch.secret.candidates import Album
from blindwatch.secret.keys import SecretKey
from blindwatch.secret.shares import combine
from blindwatch.secret.wrapping import FILE, identity, unwrap
from blindwatch.statements.package import OperatorPackage

from ..client.photographs import small
from ..client.running import enough
from ..proof.memory import can_read, chunks, stopped
from ..serving import eventually
from .cases import ANNA
from .stage import LINK, Stage, seen_again
from .test_web import csrf

SECONDS = 60.0
"""After so long nothing may be left."""


class Process:
    """`blindwatch operator console` in a process of its own."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.stage, self._folder = stage, folder
        command = stage.program(folder, check_minutes=0)
        self._said = (folder / "said").open("wb")
        self.process = subprocess.Popen(command, stdout=self._said, stderr=subprocess.STDOUT)
        eventually((folder / "ready").exists, 30)
        self.http = self._logged_in()

    def _logged_in(self) -> httpx.Client:
        link = dict(LINK.findall((self._folder / "said").read_text()))[ANNA]
        address, token = link.split("/login/")
        limits = httpx.Limits(max_keepalive_connections=0)  # the process stands still at times
        http = httpx.Client(base_url=address, headers={"Origin": address}, limits=limits)
        assert http.post("/login", data={"token": token}).status_code == 303
        return http

    def see(self, number: int) -> str:
        """Somebody of the list walks past; the alert is there when this returns."""
        identifier = self.stage.see(seen_again(number))
        eventually(lambda: identifier in self.http.get("/").text)
        return identifier

    def image(self, path: str) -> bytes:
        answer = self.http.get(path)
        assert answer.status_code == 200
        return answer.content

    def post(self, path: str, **fields: str) -> None:
        assert self.http.post(path, data={"csrf": csrf(self.http), **fields}).status_code == 303

    def found(self, needles: dict[str, bytes]) -> set[str]:
        """Which of these are in the memory of the process now."""
        with stopped([self.process.pid]):
            return {
                name
                for chunk in chunks(self.process.pid)
                for name, needle in needles.items()
                if needle in chunk
            }

    def end(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)
        self._said.close()
        self.http.close()


@contextmanager
def running(stage: Stage, folder: Path) -> Iterator[Process]:
    made = Process(stage, folder)
    try:
        yield made
    finally:
        made.end()


def core(image: bytes) -> bytes:
    """A piece from the middle of an image, which no other has."""
    return image[len(image) // 2 : len(image) // 2 + 64]


def portraits(stage: Stage) -> list[bytes]:
    """The faces of the list, in the order of its entries."""
    package = OperatorPackage.load(stage.folder / "watchlist" / "operator.json")
    album = Album.load(
        stage.folder / "watchlist" / candidates.FILE, package.candidates or "", secret_of(stage)
    )
    return [album.portrait(entry).image for entry in range(len(package.entries))]


def secret_of(stage: Stage) -> SecretKey:
    master = combine([path.read_text().strip() for path in enough(stage.folder / "shares")])
    return unwrap((stage.folder / "keys" / FILE).read_bytes(), master)


def numbers(secret: SecretKey) -> Iterator[tuple[str, bytes]]:
    """Pieces of the secret key as it computes: eight numbers of 64 bits, here and there."""
    key = seal.load(secret.preset, sealapi.SecretKey, secret.material)
    held = key.data()
    for at in range(0, held.coeff_count() - 8, 16_384):
        piece = b"".join(held.data(at + each).to_bytes(8, "little") for each in range(8))
        assert len(set(piece)) > 8
        yield f"number {at}", piece


pytestmark = pytest.mark.skipif(
    not can_read(os.getpid()), reason="this system does not show the memory of processes"
)


def gone(console: Process, needles: dict[str, bytes]) -> set[str]:
    """What of it is left once nothing of it may be."""
    began, left = time.monotonic(), set(needles)
    while left and time.monotonic() - began < SECONDS:
        time.sleep(2)
        left = console.found(needles)
    return left


def test_faces_go_with_the_outcome_and_strangers_are_never_there(stage: Stage, tmp_path: Path) -> None:
    with running(stage, tmp_path) as console:
        strangers = [stage.see(small(number)) for number in (70, 71, 72)]
        identifier = console.see(0)
        console.post("/take")
        seen, shown = (console.image(f"/alerts/{identifier}/{path}") for path in ("probe", "candidates/0"))
        assert seen == stage.crops[identifier]
        listed = portraits(stage)
        faces = {"seen": core(seen), "shown": core(shown)}
        others = {f"entry {number}": core(image) for number, image in enumerate(listed) if image != shown}
        assert len(others) == len(listed) - 1
        unseen = {f"stranger {name}": core(stage.crops[name]) for name in strangers}
        named = {f"name {name}": name.encode() for name in strangers}
        # While somebody looks at two faces these are there, and nobody else's.
        assert console.found({**faces, **others, **unseen}) == set(faces)
        console.post(
            f"/alerts/{identifier}/decision", stage="new", outcome="rejected", reason="different-person"
        )
        assert gone(console, {**faces, **others, **unseen, **named}) == set()


def test_the_key_is_gone_when_it_is_forgotten(encrypted: Stage, tmp_path: Path) -> None:
    secret = secret_of(encrypted)
    master = combine([path.read_text().strip() for path in enough(encrypted.folder / "shares")])
    words = enough(encrypted.folder / "shares")[0].read_text().strip()
    needles = {
        **{f"file of the key at {at}": secret.material[at : at + 32] for at in range(4096, 800_000, 65_536)},
        **dict(numbers(secret)),
        "master": master,
        "master as an identity": identity(master).encode(),
        "share": words[:64].encode(),
    }
    with running(encrypted, tmp_path) as console:
        identifier = console.see(0)
        found = console.found(needles)
        # What decrypts is there, and nothing that the key could be had from otherwise.
        assert found
        assert {name.split()[0] for name in found} == {"number"}
        console.post("/stop")
        assert gone(console, needles) == set()
        assert identifier in console.http.get("/").text
