"""One person against one entry under TFHE, from the photograph to the journal: slow, as `make test-tfhe` is."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from blindwatch.demo.photographs import alter
from blindwatch.records.operator import Compared, ComparisonAnswered
from blindwatch.vision.image import load

from ..client.photographs import encoded
from ..client.running import named
from ..client.stations import Station, stationed
from ..client.verifying import reference
from ..serving import ServerProcess

pytestmark = pytest.mark.tfhe

LISTED = "Tony_Blair/Tony_Blair_0001.jpg"
STRANGER = "Roger_Federer/Roger_Federer_0002.jpg"


def words(station: Station) -> list[str]:
    """The command as a process of its own takes it, which starts itself again with other settings of memory."""
    options = {**station.named(), "reference": reference(station, 0), "camera": None}
    return [sys.executable, "-m", "blindwatch.cli.main", "operator", "verify-person", *named(**options)]


def test_one_person_is_compared_with_one_entry(
    faces_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    listed = (faces_dir / "lfw" / LISTED).read_bytes()
    same = encoded(alter(load(listed)), ".jpg")
    with ExitStack() as stack:
        server = ServerProcess(tmp_path_factory.mktemp("server"), stack)
        station = stationed(tmp_path_factory.mktemp("station"), server, [listed]).opened()
        for photograph in (same, (faces_dir / "lfw" / STRANGER).read_bytes()):
            done = subprocess.run(
                words(station), input=photograph, capture_output=True, timeout=600, check=True
            )
            assert b"TFHE" in done.stdout
            assert b"table lookups" in done.stdout
    made = [each for each in station.records() if isinstance(each, Compared)]
    assert [each.engine for each in made] == ["tfhe", "tfhe"]
    answers = [each.answer for each in station.records() if isinstance(each, ComparisonAnswered)]
    assert answers == ["match", "no-match"]
