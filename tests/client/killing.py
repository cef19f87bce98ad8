"""A program that runs a command of `blindwatch` again and again on copies of a folder, each time killed a step later.

A step is whatever is seen in the file system: a file that is opened to be written, renamed or deleted, a folder that
is made or deleted; and a connection. Killed is meant as by `kill -9`. After each kill the command is run again to
its end. What is there after the kill and in the end is printed, run by run, as JSON.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from itertools import count
from pathlib import Path
from typing import Any

from blindwatch.cli.main import run
from blindwatch.deployment import commands as _deployment  # noqa: F401 - so that no child loads it anew
from blindwatch.operator import commands as _operator  # noqa: F401 - nor this

STEPS = {"os.remove", "os.rename", "os.rmdir", "os.mkdir", "socket.connect"}
_WRITING = os.O_WRONLY | os.O_RDWR


def die_after(steps: int, folder: Path) -> None:
    """Have this process killed just before it takes one step more than so many."""
    left = steps

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        writes = event == "open" and str(arguments[0]).startswith(str(folder)) and arguments[2] & _WRITING
        if event in STEPS or writes:
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def _in_child(command: list[str], steps: int | None, folder: Path) -> int:
    """Run the command in a process of its own; its exit code, negative if it was killed."""
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if steps is not None:
            die_after(steps, folder)
        os._exit(run(command))
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def contents(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def main(template: Path, folder: Path, command: list[str]) -> None:
    for steps in count():
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(template, folder)
        first = _in_child(command, steps, folder)
        killed = contents(folder)
        code = first if first >= 0 else _in_child(command, None, folder)
        seen = {"first": first, "killed": killed, "code": code, "end": contents(folder)}
        sys.stdout.write(json.dumps(seen) + "\n")
        if first >= 0:
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
