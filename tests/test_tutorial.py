"""The tutorial, command by command, as its reader would run it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .client.photographs import PEOPLE, small, write

SECONDS = 600
SEEN = (0, 2, 50)
"""Two people of the list walk past, and somebody who is not on it."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tutorial")
    for number, person in enumerate(PEOPLE):
        write(made / "list" / person / "1.png", small(number))
    for number in SEEN:
        write(made / "crowd" / f"{number}.png", small(number))
    return made


def script(repo: Path) -> str:
    blocks = re.findall(r"```sh\n(.*?)```", (repo / "docs" / "tutorial.md").read_text(), re.DOTALL)
    return "set -eu\ntrap 'kill $(jobs -p)' EXIT\n" + "\n".join(blocks)


def matched(path: Path) -> list[str]:
    readings: list[dict[str, Any]] = json.loads(path.read_text())
    assert len(readings) == len(SEEN)
    return [match["reference"] for reading in readings for match in reading["matches"]]


def test_the_tutorial_runs_as_it_is_written(folder: Path, repo: Path) -> None:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PERSON": PEOPLE[SEEN[0]],
        "COLUMNS": "200",
    }
    done = subprocess.run(
        ["bash", "-c", script(repo)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    before, after = matched(folder / "matches.json"), matched(folder / "matches-after.json")
    assert len(before) == 2
    assert set(after) < set(before)
    assert len(after) == 1
    # What is left is signatures, receipts and shares that open nothing; and no name but that of the question.
    gone = ("keys", "watchlist", "list")
    assert not [name for name in gone if (folder / name).exists()]
    assert list((folder / "store" / "blobs").iterdir()) == []
    for said in ("Predicted errors", "Approved.", "Removed.", "Destroyed"):
        assert said in done.stdout
    assert "yes, on the list of gate-4" in done.stdout
    assert "Traceback" not in done.stderr + (folder / "server.log").read_text()
