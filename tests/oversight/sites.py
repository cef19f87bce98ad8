"""Logs of a server on a real socket, with records in them, and copies of themselves to go back to."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from blindwatch.records.record import minute
from blindwatch.records.server import ServerRecord, Started, Viewed
from blindwatch.tlog.checkpoints import SignedCheckpoint
from blindwatch.tlog.cosignatures import cosign
from blindwatch.tlog.keys import Signer, Use

from ..tlog.logs import SIGNER, Place

WITNESS = Signer.generate("inspectorate.example.org/w1", Use.WITNESS)
ALONE = f"log {SIGNER.verifier}\nquorum none\n"
WITNESSED = f"log {SIGNER.verifier}\nwitness inspectorate {WITNESS.verifier}\nquorum inspectorate\n"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address at which the files of a folder are served."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join(10)


@dataclass(frozen=True)
class Kept:
    """A log in its two folders, which can be put back to what they were."""

    folder: Path

    @classmethod
    def made(cls, folder: Path) -> Kept:
        Place.made(folder)
        return cls(folder)

    @property
    def place(self) -> Place:
        return Place(self.folder / "site", self.folder / "head")

    def append(self, *records: ServerRecord | bytes) -> SignedCheckpoint:
        with self.place.open() as log:
            log.append([each if isinstance(each, bytes) else each.to_cbor() for each in records])
            return log.checkpoint

    def cosign(self, signer: Signer = WITNESS) -> None:
        """Have what is served carry a cosignature."""
        path = self.place.site / "checkpoint"
        signed = SignedCheckpoint.parse(path.read_bytes())
        given = cosign(signed.checkpoint, signer, int(datetime.now(UTC).timestamp()))
        path.write_bytes(signed.with_signatures([given]).to_bytes())

    def copy(self) -> Path:
        return Path(shutil.copytree(self.folder, self.folder.with_name("copy")))

    def put_back(self, copy: Path) -> None:
        shutil.rmtree(self.folder)
        shutil.copytree(copy, self.folder)


def started(at: datetime | None = None) -> Started:
    return Started(at=minute(at), software="blindwatch 0.1.0")


def views(count: int, at: datetime | None = None) -> Sequence[Viewed]:
    return [
        Viewed(at=minute(at), deployment="gate-4", what="kept-probe", count=number) for number in range(count)
    ]
