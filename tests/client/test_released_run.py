"""The operator's program asks for the key, two custodians look at the proof and answer, and it reads results."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from blindwatch.operator.exchange import REQUEST
from blindwatch.secret.releasing import ACCEPTED

from ..serving import FORCE, eventually
from .posts import KNOWN, Post
from .running import command, enough, only_error

if TYPE_CHECKING:
    Printed = pytest.CaptureFixture[str]


def test_a_key_is_released_for_a_deployment_that_the_log_has(
    post: Post, tmp_path: Path, capsys: Printed
) -> None:
    for name in ("a.khan", "b.osei", "e.novak"):
        FORCE.write_identity(name, tmp_path / f"{name}.pem")
    post.see(KNOWN)
    exchange, out = tmp_path / "exchange", tmp_path / "matches.json"
    options = {
        "keys": post.folder / "keys",
        "entries": post.entries,
        "register": post.folder / "register.toml",
        "server": post.server.address,
        "deployment": post.deployment,
        "token-file": post.folder / "operator.token",
        "release": exchange,
        "identity": tmp_path / "e.novak.pem",
        "hours": 0.5,
        "count": 1,
        "out": out,
    }
    words = [f"--{name}={value}" for name, value in options.items()]
    program = (sys.executable, "-m", "blindwatch.cli.main", "operator", "run", *words)
    with subprocess.Popen(program, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as running:
        try:
            eventually(lambda: (exchange / REQUEST).exists(), 30)
            # A custodian who gets the request without the proof releases nothing.
            alone = Path(shutil.copy(exchange / REQUEST, tmp_path))
            assert release(post, tmp_path, alone, "a.khan", 0) == 1
            assert ACCEPTED in only_error(capsys.readouterr().err)
            for number, name in enumerate(("a.khan", "b.osei")):
                assert release(post, tmp_path, exchange / REQUEST, name, number) == 0
            assert running.wait(60) == 0
        finally:
            running.kill()
    (reading,) = json.loads(out.read_text())
    assert len(reading["matches"]) == 2
    assert list(exchange.iterdir()) == []


def release(post: Post, folder: Path, request: Path, custodian: str, share: int) -> int:
    return command(
        *("custodian", "release", "--yes"),
        request=request,
        identity=folder / f"{custodian}.pem",
        register=post.folder / "register.toml",
        manifest=post.folder / f"{post.deployment}.dsse.json",
        share_file=enough(post.folder / "shares")[share],
    )
