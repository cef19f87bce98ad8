"""An operator: the console as a process of its own, and the page that it serves, as a browser follows it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from threading import Thread
from typing import IO, Any, Final

import httpx

from blindwatch.errors import InternalError
from blindwatch.operator.journal import Journal

OPERATOR: Final = "operator"
_PROGRAM: Final = (sys.executable, "-m", "blindwatch.cli.main", "operator", "console")
_READY_SECONDS: Final = 120.0
_END_SECONDS: Final = 20.0
_LINK: Final = re.compile(rf"^{OPERATOR}: (\S+)/login/(\S+)$", re.MULTILINE)
_ALERTS: Final = re.compile(r'data-alerts="([0-9a-f ]*)"')
_CSRF: Final = re.compile(r'name="csrf" value="([^"]+)"')
_FACE: Final = re.compile(r'src="(/alerts/[0-9a-f]+/probe)"')
_JPEG: Final = b"\xff\xd8\xff"


class Page:
    """The page of an operator who is logged in, fetched again whenever the console says that it has changed."""

    def __init__(self, address: str, token: str) -> None:
        self.seen: dict[str, float] = {}
        """When each alert was on the page first, by the monotonic clock."""
        self._client = httpx.Client(
            base_url=address,
            headers={"Origin": address},
            trust_env=False,
            follow_redirects=True,
            timeout=30.0,
        )
        self._client.post("/login", data={"token": token}).raise_for_status()
        self._thread = Thread(target=self._follow, daemon=True)
        self._thread.start()

    def shows_a_face(self) -> bool:
        """Take an alert as the page does by itself, and see whether there is a picture of who passed."""
        page = self._client.get("/").text
        found = _CSRF.search(page)
        if found is None:
            return False
        face = _FACE.search(self._client.post("/take", data={"csrf": found[1]}).text)
        return face is not None and self._client.get(face[1]).content.startswith(_JPEG)

    def close(self) -> None:
        """Look no more; the console has ended."""
        self._thread.join(_END_SECONDS)
        self._client.close()

    def _follow(self) -> None:
        with (
            suppress(httpx.HTTPError),
            self._client.stream("GET", "/events", timeout=_END_SECONDS) as events,
        ):
            for line in events.iter_lines():
                if line.startswith("event:"):
                    self._look()

    def _look(self) -> None:
        found = _ALERTS.search(self._client.get("/").text)
        at = time.monotonic()
        for identifier in found[1].split() if found else ():
            self.seen.setdefault(identifier, at)


@contextmanager
def console(folder: Path, options: Mapping[str, str | Path], shares: list[Path]) -> Iterator[Page]:
    """A console with a journal of its own in a new folder, and an operator before it."""
    folder.mkdir()
    Journal.create(folder / "journal", "bench.example/journal")
    training = folder / "training.toml"
    training.write_text(f"[trained]\n{OPERATOR} = {datetime.now(UTC).date()}\n", encoding="utf-8")
    given = {
        **options,
        "journal": folder / "journal",
        "training": training,
        "ready-file": folder / "ready",
        "check-minutes": 0,
    }
    words = [f"--{name}={value}" for name, value in given.items()]
    words += [f"--share-file={share}" for share in shares]
    with (
        TemporaryFile("w+", encoding="utf-8") as said,
        subprocess.Popen([*_PROGRAM, *words], stdout=said, stderr=subprocess.STDOUT) as process,  # noqa: S603
    ):
        try:
            address, token = _link(process, folder / "ready", said)
            page = Page(address, token)
            try:
                yield page
            finally:
                process.terminate()
                page.close()
        finally:
            _end(process)


def _link(process: subprocess.Popen[Any], ready: Path, said: IO[str]) -> tuple[str, str]:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if ready.is_file():
            said.seek(0)
            found = _LINK.search(said.read())
            if found is not None:
                return str(json.loads(ready.read_text(encoding="utf-8"))["address"]), found[2]
        time.sleep(0.05)
    raise InternalError("The operator's console did not start.")


def _end(process: subprocess.Popen[Any]) -> None:
    process.terminate()
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
