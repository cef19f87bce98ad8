"""A log whose process is killed at any moment has every entry that was acknowledged."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from blindwatch.tlog.log import Log

from .logs import ORIGIN, SIGNER, Place

APPEND = f"""
import random, sys
from pathlib import Path
from blindwatch.tlog.keys import Signer, Use
from blindwatch.tlog.log import Log

site, head, key, seed = sys.argv[1:]
chance = random.Random(seed)
with Log(Path(site), Path(head), Signer.from_pem(Path(key).read_bytes(), {ORIGIN!r}, Use.LOG)) as log:
    number = 0
    while True:
        batch = [b"%s %d" % (seed.encode(), number + each) for each in range(chance.choice((1, 5, 200, 700)))]
        number += len(batch)
        print(log.append(batch), len(batch), flush=True)
"""


def run_and_kill(place: Place, key: Path, turn: int, chance: random.Random) -> dict[int, bytes]:
    """Append until the process is killed; what it acknowledged, by index."""
    command = [sys.executable, "-c", APPEND, str(place.site), str(place.head), str(key), str(turn)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline()]
        time.sleep(chance.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        said += process.stdout.readlines()
    acknowledged: dict[int, bytes] = {}
    number = 0
    for line in said:
        if line.endswith("\n"):
            index, count = map(int, line.split())
            acknowledged |= {index + each: b"%d %d" % (turn, number + each) for each in range(count)}
            number += count
    assert acknowledged
    return acknowledged


def test_killed_twenty_times(tmp_path: Path) -> None:
    place = Place.made(tmp_path)
    key = tmp_path / "key.pem"
    key.write_bytes(SIGNER.to_pem())
    chance = random.Random()  # noqa: S311 - when to kill
    acknowledged: dict[int, bytes] = {}
    for turn in range(20):
        acknowledged |= run_and_kill(place, key, turn, chance)
        before = place.entries()
        Log(place.site, place.head, SIGNER).close()
        entries = place.entries()
        assert entries[: len(before)] == before
        assert {index: entries[index] for index in acknowledged} == acknowledged
