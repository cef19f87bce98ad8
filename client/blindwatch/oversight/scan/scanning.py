"""One scan: what it looks for, where it looked, and what came of it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

from blindwatch.errors import ConfigurationError
from blindwatch.oversight.scan.files import Advance, name_of, scan_file, size_of, swaps, tree
from blindwatch.oversight.scan.hits import Finding, Findings, Hit, Kind, Place
from blindwatch.oversight.scan.images import IMAGES
from blindwatch.oversight.scan.keys import key_signatures
from blindwatch.oversight.scan.likeness import Likeness, Likenesses
from blindwatch.oversight.scan.memory import scan_process
from blindwatch.oversight.scan.needles import Needle, digest
from blindwatch.oversight.scan.result import (
    FORMAT,
    FoundThing,
    Needles,
    ScanResult,
    SearchedPlace,
    UnsearchedPlace,
)
from blindwatch.oversight.scan.search import Search
from blindwatch.oversight.scan.stream import Detector, Scanner
from blindwatch.oversight.scan.words import find_words
from blindwatch.wire.messages import now

SWAP: Final = "swap"


@dataclass(frozen=True)
class Sought:
    """What a scan looks for beside images, keys and shares: needles, canaries, and whatever looks like a template.

    `own_keys` are public keys whose private ones belong where the scan looks, as `public_form` has them.
    """

    needles: Sequence[Needle] = ()
    canaries: Sequence[Likeness] = ()
    own_keys: Collection[bytes] = ()
    vectors: bool = True


class Scan:
    """Searches one place after the other and keeps what it finds, never the bytes."""

    def __init__(self, sought: Sought) -> None:
        self.sought = sought
        self.findings = Findings()
        self._searched: list[SearchedPlace] = []
        self._started_at = now()
        search = Search(sought.needles)

        def needles(data: bytes) -> Iterator[Hit]:
            for needle, start in search.find(data):
                yield Hit(start, start + len(needle.data), Kind.CANARY, needle.what)

        detectors: list[Detector] = [needles, find_words]
        signatures = [*IMAGES, *key_signatures(sought.own_keys)]
        self._of_programs = self._scanner = Scanner(detectors, signatures, self.findings)
        if sought.vectors:
            detectors = [*detectors, Likenesses(sought.canaries).find]
            self._scanner = Scanner(detectors, signatures, self.findings)

    def expect(self, root: Path) -> int:
        """How many bytes there are in a place, by what files say; raises ConfigurationError if there is nothing."""
        return sum(size_of(path) for path in tree(root, self._scanner))

    def path(self, root: Path, advance: Advance = lambda _: None) -> None:
        """Search a file, a device or all files of a folder; raises ConfigurationError if there is nothing."""
        sizes = [scan_file(path, self._scanner, advance) for path in tree(root, self._scanner)]
        self._note(name_of(root), len(sizes), sum(sizes))

    def process(self, pid: int, advance: Advance = lambda _: None) -> None:
        """Search the memory of a process; raises ConfigurationError if it cannot be read."""
        if pid == os.getpid():
            raise ConfigurationError("A scan cannot search itself: it holds what it looks for.")
        size = scan_process(pid, self._scanner, self._of_programs, advance)
        self._note(f"process {pid}", 1, size)

    def swap(self, advance: Advance = lambda _: None) -> None:
        """Search where memory was swapped out to, as far as that can be read."""
        sizes = [scan_file(path, self._scanner, advance) for path in swaps(self._scanner)]
        self._note(SWAP, len(sizes), sum(sizes))

    def data(self, name: str, data: bytes | bytearray) -> None:
        """Search bytes that are at hand."""
        stream = self._scanner.stream(Place(name))
        stream.feed(bytes(data))
        stream.close()
        self._note(name, 1, len(data))

    def result(self) -> ScanResult:
        """What came of it so far."""
        found = {
            is_wrong: tuple(map(_thing, self.findings.of(is_wrong=is_wrong))) for is_wrong in (True, False)
        }
        sought = self.sought
        return ScanResult(
            format=FORMAT,
            software=f"blindwatch {metadata.version('blindwatch')}",
            started_at=self._started_at,
            ended_at=now(),
            needles=Needles(
                count=len(sought.needles), canaries=len(sought.canaries), digest=digest(sought.needles)
            ),
            vectors=sought.vectors,
            searched=tuple(self._searched),
            unpacked=sum(each.unpacked for each in {self._scanner, self._of_programs}),
            findings=found[True],
            own_keys=found[False],
            not_searched=tuple(
                UnsearchedPlace(place=place, why=why) for place, why in self.findings.unsearched
            ),
        )

    def _note(self, place: str, items: int, size: int) -> None:
        self._searched.append(SearchedPlace(place=place, items=items, size=size))


def _thing(finding: Finding) -> FoundThing:
    return FoundThing(
        place=finding.place.name,
        within=finding.place.within,
        kind=finding.kind,
        what=finding.what,
        count=finding.count,
        offset=finding.offset,
    )
