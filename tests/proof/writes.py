"""Where a command writes, and whom it talks to, by its system calls."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

_CALLS: Final = (
    *("open", "openat", "openat2", "creat", "mkdir", "mkdirat", "mknod", "mknodat", "truncate", "ftruncate"),
    *("rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat"),
    *("write", "writev", "pwrite64", "pwritev", "pwritev2", "sendfile", "copy_file_range", "splice", "tee"),
    *("connect", "bind", "sendto", "sendmsg", "sendmmsg"),
)
_OPENED = re.compile(r"(?:creat\(|open.*\b(?:O_WRONLY|O_RDWR)\b).* = \d+<(.*)>(?:\(deleted\))?$")
_MADE = re.compile(r"((?:mkdir|mknod|truncate|rename|link|symlink)\w*\(.*\)) = 0$")
_FILLED = re.compile(r"(?:write|writev|pwrite64|pwritev|pwritev2|ftruncate)\(\d+<(.*?)>")
_COPIED = re.compile(r"((?:sendfile|copy_file_range|splice|tee)\(.*)")
_ADDRESS = re.compile(r"sa_family=AF_INET6?, sin6?_port=htons\((\d+)\), .*?\"([^\"]+)\"")

_NO_FILE = re.compile(r"(?:pipe|socket):\[\d+\]|anon_inode:.*|/dev/null|/memfd:.*")
"""What goes to the caller or over the wire, stays in memory, or nowhere."""
_TRIAL = re.compile(r".*/__pycache__/[^/]*")
"""The compiler of kernels tries whether it could write its cache, with files that stay empty."""


@cache
def can_trace() -> bool:
    """Whether system calls can be traced here."""
    trial = ["strace", "-o", "/dev/null", "true"]
    return shutil.which("strace") is not None and subprocess.run(trial, check=False).returncode == 0


def traced(folder: Path) -> list[str]:
    """What to put before a command so that its calls are noted in a new folder, in one file for each thread."""
    folder.mkdir()
    calls = ",".join(f"?{call}" for call in _CALLS)
    quietly = ("-s", "0", "-e", "signal=none")
    return ["strace", "-ff", "-y", *quietly, "-e", f"trace={calls}", "-o", str(folder / "calls")]


def written(folder: Path) -> set[str]:
    """Every file that was opened for writing, filled, made or moved, by the calls noted in a folder."""
    found: set[str] = set()
    for line in _lines(folder):
        if opened := _OPENED.match(line):
            found |= {opened[1]} if not _TRIAL.fullmatch(opened[1]) else set()
        for pattern in (_FILLED, _COPIED, _MADE):
            if call := pattern.match(line):
                found.add(call[1])
    return {each for each in found if not _NO_FILE.fullmatch(each)}


def addressed(folder: Path) -> set[tuple[str, int]]:
    """Every internet address, with its port, that was named in a call."""
    found = (match for line in _lines(folder) for match in _ADDRESS.finditer(line))
    return {(match[2], int(match[1])) for match in found}


def _lines(folder: Path) -> list[str]:
    return [line for file in sorted(folder.iterdir()) for line in file.read_text().splitlines()]
