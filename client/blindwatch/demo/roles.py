"""The roles as processes of their own, each started by its command line and given only its own files."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

from blindwatch.demo.approval import LOG_POLICY
from blindwatch.errors import ConfigurationError, InternalError, ServerUnavailable
from blindwatch.statements.predicates import CameraKey

_PROGRAM: Final = (sys.executable, "-m", "blindwatch.cli.main")
_READY_SECONDS: Final = 60.0
_END_SECONDS: Final = 30.0


def run(*arguments: str | Path, on_line: Callable[[str], None] | None = None) -> float:
    """Run one command of a role to its end and return the milliseconds it took.

    Every line it prints is handed on while it works. What it says about an error becomes an error here.
    """
    started = time.perf_counter()
    command = [*_PROGRAM, *map(str, arguments)]
    with TemporaryFile("w+", encoding="utf-8") as errors:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process:  # noqa: S603
            try:
                for line in process.stdout or ():
                    if on_line:
                        on_line(line)
            except BaseException:
                process.terminate()
                raise
        if process.returncode:
            errors.seek(0)
            raise InternalError(
                f"The command 'blindwatch {arguments[0]} {arguments[1]}' did not succeed.",
                _last_line(errors.read()),
            )
    return (time.perf_counter() - started) * 1000


def each(option: str, values: Iterable[Path]) -> list[str | Path]:
    """An option that is given once for each value."""
    return [word for value in values for word in (option, value)]


def make_token(file: Path) -> str:
    """Make a token for a role and return the digest that the server is to know."""
    lines: list[str] = []
    run("server", "token", "--out", file, on_line=lines.append)
    return next(line.split()[1] for line in lines if line.startswith("digest:"))


def make_camera(file: Path, name: str) -> CameraKey:
    """Make the key of a camera and return what the manifest is to say of it."""
    lines: list[str] = []
    run("camera", "identity", "--name", name, "--out", file, on_line=lines.append)
    return CameraKey.model_validate_json("".join(lines), by_alias=True)


@contextmanager
def server(folder: Path, digests: dict[str, str], register: Path) -> Iterator[str]:
    """A match server on a free port of this machine with an empty store, for as long as it is needed.

    Its own entry is added to its copy of the register of people. What names its log is written for the custodian.
    """
    config, ready, log = folder / "server.toml", folder / "ready.json", folder / "server.log"
    tokens = "\n".join(f'{role} = ["{digest}"]' for role, digest in digests.items())
    own, lines = folder / "server-register.toml", [register.read_text(encoding="utf-8")]
    places = f"data = {json.dumps(str(folder / 'store'))}\nregister_file = {json.dumps(str(own))}\n"
    config.write_text(f"{places}port = 0\n\n[tokens]\n{tokens}\n", encoding="utf-8")
    run("server", "init", "--name", "match-server", "--config", config, on_line=lines.append)
    own.write_text("".join(lines), encoding="utf-8")
    policy: list[str] = []
    run("server", "log", "--config", config, on_line=policy.append)
    (folder / LOG_POLICY).write_text("".join([*policy, "quorum none\n"]), encoding="utf-8")
    command = [*_PROGRAM, "server", "run", "--config", str(config), "--ready-file", str(ready)]
    with log.open("wb") as errors, subprocess.Popen(command, stderr=errors) as process:  # noqa: S603
        try:
            yield _address(process, ready)
        finally:
            process.terminate()
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _address(process: subprocess.Popen[bytes], ready: Path) -> str:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ConfigurationError(
                "The match server did not start.", "See what it says: blindwatch server run"
            )
        if ready.is_file():
            return str(json.loads(ready.read_text(encoding="utf-8"))["address"])
        time.sleep(0.05)
    raise ServerUnavailable("The match server did not become ready in time.")


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "")
