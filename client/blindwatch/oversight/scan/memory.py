"""The memory of other processes, as Linux shows it to whoever may trace them."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blindwatch.errors import ConfigurationError
from blindwatch.oversight.scan.files import Advance, scan_file
from blindwatch.oversight.scan.hits import Place
from blindwatch.oversight.scan.stream import CHUNK, Scanner

_REGION: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) r(.)(.)\S \S+ \S+ \S+\s*(.*)")
_OF_THE_KERNEL: Final = ("[vvar", "[vsyscall]")


@dataclass(frozen=True)
class Region:
    """A stretch of addresses that a process can read, and what is mapped there."""

    start: int
    end: int
    name: str
    is_program: bool = False
    """Mapped from a program or library, and not to be written: it is as its file is."""


def regions(pid: int) -> list[Region]:
    """What of its memory a process can read itself; raises OSError."""
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    found = [match for line in lines if (match := _REGION.match(line))]
    programs = {match[5] for match in found if match[4] == "x" and match[5].startswith("/")}
    return [
        Region(int(match[1], 16), int(match[2], 16), match[5], match[3] == "-" and match[5] in programs)
        for match in found
        if not match[5].startswith(_OF_THE_KERNEL)
    ]


def chunks(pid: int, region: Region) -> Iterator[bytes]:
    """The bytes of a region, one piece after the other; raises OSError."""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for at in range(region.start, region.end, CHUNK):
            yield os.pread(memory.fileno(), min(CHUNK, region.end - at), at)


def children(pid: int) -> list[int]:
    """The processes that a process has started and that have not ended."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for each in lists for child in each.read_text().split()]


def family(pid: int) -> list[int]:
    """A process and all that it started, directly or through others."""
    return [pid, *(each for child in children(pid) for each in family(child))]


def size_of(pid: int) -> int:
    """Bytes of what a process can read; raises ConfigurationError if it is not there, or not ours to see."""
    return sum(region.end - region.start for region in _open(pid))


@contextmanager
def stopped(pids: Iterable[int]) -> Iterator[None]:
    """Let processes stand still."""
    with ExitStack() as stack:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
            stack.callback(_go_on, pid)
        yield


def scan_process(pid: int, scanner: Scanner, of_programs: Scanner, advance: Advance) -> int:
    """Search what a process has in memory, and files that it holds open without a name; returns how many bytes.

    Programs and libraries are searched by a scanner of their own: tables in them look like many things.

    Raises ConfigurationError if there is no such process, or its memory may not be read.
    """
    found, count = _open(pid), 0
    name = f"process {pid} ({Path(f'/proc/{pid}/comm').read_text().strip()})"
    for region in found:
        stream = (of_programs if region.is_program else scanner).stream(Place(name), region.start)
        try:
            for data in chunks(pid, region):
                stream.feed(data)
                count += len(data)
                advance(len(data))
        except OSError as error:
            where = f"{name}, {region.start:x} to {region.end:x} {region.name}".rstrip()
            scanner.findings.leave(where, f"it cannot be read ({error.strerror})")
        stream.close()
    return count + _nameless(pid, name, scanner, advance)


def _open(pid: int) -> list[Region]:
    try:
        os.close(os.open(f"/proc/{pid}/mem", os.O_RDONLY))
        return regions(pid)
    except OSError as error:
        raise ConfigurationError(
            f"The memory of process {pid} cannot be read ({error.strerror}).",
            "It takes the same user with the right to trace, or root.",
        ) from None


def _nameless(pid: int, name: str, scanner: Scanner, advance: Advance) -> int:
    """Files that were deleted, or never had a name, and are still open."""
    count = 0
    for each in sorted(Path(f"/proc/{pid}/fd").iterdir()):
        with suppress(OSError):
            target = str(each.readlink())
            if target.endswith(" (deleted)") and each.is_file():
                count += scan_file(each, scanner, advance, f"{name}, open file {each.name} without a name")
    return count


def _go_on(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
