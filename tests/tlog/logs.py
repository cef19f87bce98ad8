"""What the tests of logs share: a naive tree, a log in a folder, and reading a log in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from blindwatch.errors import LogMissing
from blindwatch.tlog.fetching import Fetch
from blindwatch.tlog.following import verify_whole
from blindwatch.tlog.keys import Signer, Use
from blindwatch.tlog.log import Log

ORIGIN = "match.example.org/log"
SIGNER = Signer.generate(ORIGIN, Use.LOG)


def naive_root(entries: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, word by word."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    k = split(len(entries))
    return sha256(b"\x01" + naive_root(entries[:k]) + naive_root(entries[k:])).digest()


def naive_path(index: int, entries: Sequence[bytes]) -> list[bytes]:
    """PATH of section 2.1.1."""
    if len(entries) == 1:
        return []
    k = split(len(entries))
    if index < k:
        return [*naive_path(index, entries[:k]), naive_root(entries[k:])]
    return [*naive_path(index - k, entries[k:]), naive_root(entries[:k])]


def naive_proof(size: int, entries: Sequence[bytes], whole: bool = True) -> list[bytes]:
    """SUBPROOF of section 2.1.2."""
    if size == len(entries):
        return [] if whole else [naive_root(entries)]
    k = split(len(entries))
    if size <= k:
        return [*naive_proof(size, entries[:k], whole), naive_root(entries[k:])]
    return [*naive_proof(size - k, entries[k:], False), naive_root(entries[:k])]


def split(width: int) -> int:
    k = 1
    while 2 * k < width:
        k *= 2
    return k


def numbered(count: int, first: int = 0) -> list[bytes]:
    """Entries that differ, of several lengths."""
    return [b"entry %d " % number + b"." * (number % 7) for number in range(first, first + count)]


@dataclass(frozen=True)
class Place:
    """The two folders of one log."""

    site: Path
    head: Path

    @classmethod
    def made(cls, folder: Path) -> Place:
        place = cls(folder / "site", folder / "head")
        Log.create(place.site, place.head, SIGNER)
        return place

    def open(self) -> Log:
        return Log(self.site, self.head, SIGNER)

    def entries(self) -> list[bytes]:
        """All entries, after verifying the whole log."""
        found: list[bytes] = []
        verify_whole(self.site, SIGNER.verifier, lambda _, entries: found.extend(entries))
        return found

    def files(self) -> dict[str, bytes]:
        """What is served."""
        return {
            str(path.relative_to(self.site)): path.read_bytes()
            for path in sorted(self.site.rglob("*"))
            if path.is_file()
        }


def from_memory(files: Mapping[str, bytes], note: Callable[[str], None] = lambda _: None) -> Fetch:
    """Fetch from a dictionary, as one would over a network."""

    def fetch(path: str, limit: int) -> bytes:
        note(path)
        if path not in files:
            raise LogMissing
        return files[path]

    return fetch
