"""`blindwatch camera run` on what is no folder of photographs: what it takes, refuses, prints and never writes."""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from blindwatch.camera.counting import Minute
from blindwatch.camera.live import Status
from blindwatch.camera.showing import Line
from blindwatch.errors import Problem

from .clips import Walk, in_memory, write_clip
from .conftest import Scene
from .photographs import encoded, group, small, write
from .running import command, only_error
from .test_live import NUMBERS, counted, sums

if TYPE_CHECKING:
    from tests.serving import ServerProcess

    Start = Callable[..., ServerProcess]

PASSWORD = "correct-horse"  # noqa: S105 - one that must not be printed


@pytest.fixture(scope="module")
def short() -> Iterator[Path]:
    """Two people side by side, at once."""
    with in_memory() as folder:
        walks = [Walk(0, 0, 1.4, speed=10), Walk(3, 0, 1.4, x=230, speed=-10)]
        yield write_clip(folder / "short.avi", walks, 2)


def watch(scene: Scene, server: ServerProcess, name: str, source: object, *words: str, **more: object) -> int:
    options = {**scene.camera(name), "server": server.address, "source": source, **more}
    return command("camera", "run", *words, **options)


def test_a_zone_and_a_size_are_kept_to(
    scene: Scene, server: ServerProcess, short: Path, tmp_path: Path
) -> None:
    (tmp_path / "zone.json").write_text("[[0, 0], [0.5, 0], [0.5, 1], [0, 1]]")
    for more, expected in (
        ({}, (2, 0, 0)),
        ({"zone": tmp_path / "zone.json"}, (1, 0, 0)),
        ({"min_size": 36}, (2, 0, 2)),  # eyes 27 pixels apart
        ({"min_size": 60}, (0, 0, 0)),  # so small are not looked for
    ):
        name = scene.open(server)
        assert watch(scene, server, name, short, "--json", **more) == 0
        assert sums(counted(server, name)) == expected
        assert len(server.client("operator").fetch_results(name, wait=3).results) <= 2


def test_a_zone_holds_for_photographs_as_well(scene: Scene, server: ServerProcess, tmp_path: Path) -> None:
    write(tmp_path / "crowd" / "1.png", group(0, 3))
    (tmp_path / "zone.json").write_text("[[0, 0], [0.5, 0], [0.5, 1], [0, 1]]")
    name = scene.open(server)
    assert watch(scene, server, name, tmp_path / "crowd", zone=tmp_path / "zone.json") == 0
    assert sums(counted(server, name)) == (1, 0, 0)


def test_the_numbers_in_the_end_are_a_table(
    scene: Scene, server: ServerProcess, short: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert watch(scene, server, scene.open(server), short) == 0
    rows = [line.strip("│┃ ").split() for line in capsys.readouterr().out.splitlines()]
    counts = {row[0]: row[-1] for row in rows if len(row) == 3 and row[-1].isdigit()}
    assert set(counts) == NUMBERS - {"at"}
    assert counts["faces"] == "2"
    assert int(counts["sent"]) + int(counts["dropped"]) == 2  # a busy machine may drop one


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{folder}/none.mp4", "no video or folder"),
        ("{folder}/words.mp4", "cannot be opened"),
        ("{folder}/nothing.mp4", "cannot be opened"),
        (f"rtsp://guard:{PASSWORD}@127.0.0.1:9/gate", "cannot be opened"),
        (f"ftp://guard:{PASSWORD}@127.0.0.1/gate", "not supported"),
        ("63", "cannot be opened"),
    ],
)
def test_a_source_that_is_none(
    scene: Scene, server: ServerProcess, tmp_path: Path, capfd: pytest.CaptureFixture[str], source: str, said: str
) -> None:  # fmt: skip
    (tmp_path / "words.mp4").write_text("this is not a video")
    (tmp_path / "nothing.mp4").touch()
    assert watch(scene, server, scene.open(server), source.format(folder=tmp_path)) == 1
    printed = capfd.readouterr()
    assert printed.out == ""
    assert said in only_error(printed.err)
    assert PASSWORD not in printed.err


def test_only_a_folder_can_be_followed(
    scene: Scene, server: ServerProcess, short: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert watch(scene, server, scene.open(server), short, "--follow") == 1
    assert "Only a folder" in only_error(capsys.readouterr().err)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_photographs_that_come_into_a_folder_are_sent_once_until_it_is_stopped(
    scene: Scene, server: ServerProcess, tmp_path: Path, end: signal.Signals
) -> None:
    name, folder = scene.open(server), tmp_path / "crowd"
    write(folder / "old.png", small(1))
    options = {**scene.camera(name), "server": server.address, "source": folder}
    words = [sys.executable, "-m", "blindwatch.cli.main", "camera", "run", "--json", "--follow"]
    with subprocess.Popen(
        [*words, *(f"--{each}={value}" for each, value in options.items())], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines: list[dict[str, object]] = []
        deadline = time.monotonic() + 30
        number = 0
        while not lines:  # until it looks
            assert time.monotonic() < deadline
            number += 1
            whole = encoded(small(0))
            slow = folder / f"new-{number}.png"
            slow.write_bytes(whole[: len(whole) // 2])
            time.sleep(0.2)
            slow.write_bytes(whole)
            os.set_blocking(process.stdout.fileno(), False)
            time.sleep(1.5)
            lines = [json.loads(line) for line in process.stdout]
        process.send_signal(end)
        assert process.wait(20) == 0
    assert all(line["problem"] is None and len(line["probes"]) == 1 for line in lines)  # type: ignore[arg-type]
    assert len({line["photograph"] for line in lines}) == len(lines)
    assert "old.png" not in {line["photograph"] for line in lines}
    assert sums(counted(server, name))[0] >= 1


def test_a_video_ends_with_a_signal_and_what_was_held_is_sent(
    scene: Scene, server: ServerProcess, tmp_path: Path
) -> None:
    name = scene.open(server)
    with in_memory() as folder:
        clip = write_clip(folder / "long.avi", [Walk(0, 0, 1.4, speed=10)], 60)
        options = {**scene.camera(name), "server": server.address, "source": clip}
        words = [sys.executable, "-m", "blindwatch.cli.main", "camera", "run", "--json"]
        begun = time.monotonic()
        with subprocess.Popen(
            [*words, *(f"--{each}={value}" for each, value in options.items())],
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            server.results(name, 1)
            process.send_signal(signal.SIGTERM)
            printed, _ = process.communicate(timeout=20)
        assert time.monotonic() - begun < 50
    assert process.returncode == 0
    assert json.loads(printed.splitlines()[-1])["sent"] == 1
    assert sums(counted(server, name)) == (1, 0, 0)


# What the person at the camera sees


QUIET = Status(0, 0, 0, 0, False, Minute(), 0, None, 0)


def test_the_line_says_how_it_goes() -> None:
    line = Line("gate-1")
    line.text(QUIET, 0.0)
    text = line.text(replace(QUIET, frames=50, sent=2, seen=Minute(faces=3, dropped=1)), 10.0).plain
    assert text == "gate-1  5.0 frames/s  3 faces in the last minute  2 sent  1 dropped  server: answers"
    text = line.text(replace(QUIET, damaged=3), 11.0).plain
    assert "3 damaged in the last minute" in text
    assert "source: lost" not in text
    assert "source: lost" in line.text(replace(QUIET, losses=1, is_lost=True), 12.0).plain
    later = replace(QUIET, frames=650, sent=2, seen=Minute(faces=3), problem=Problem.SERVER_UNAVAILABLE)
    text = line.text(later, 75.0).plain
    assert "0 faces in the last minute" in text
    assert text.endswith("server: cannot be reached")
    assert "all the work it accepts" in line.text(replace(QUIET, problem=Problem.BUSY), 76.0).plain


# What is never written


def test_nothing_in_a_camera_can_write_a_picture(repo: Path) -> None:
    writers = {
        "VideoWriter",
        "imwrite",
        "imwritemulti",
        "imwriteanimation",
        "tofile",
        "savez",
        "savez_compressed",
    }
    for package in ("camera", "vision"):
        for path in (repo / "client" / "blindwatch" / package).rglob("*.py"):
            names = {
                getattr(node, "attr", None) or getattr(node, "id", None)
                for node in ast.walk(ast.parse(path.read_text()))
            }
            assert names & writers == set(), path
