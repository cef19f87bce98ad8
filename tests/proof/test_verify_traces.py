"""Of a person and an entry that are compared nothing is left in the operator's program.

A real process, which stands still before it compares and once it has the verdict, while its memory is searched.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from blindwatch.demo.photographs import alter
from blindwatch.he.presets import preset
from blindwatch.opinion.faces import Templater
from blindwatch.oversight.scan import forms
from blindwatch.vision.image import load
from blindwatch.vision.pipeline import Face, FacePipeline
from blindwatch.vision.portrait import SIDE, detection, portrait
from blindwatch.vision.portrait import encoded as jpeg
from blindwatch.vision.registry import Registry

from ..client.photographs import encoded, small
from ..client.running import SIMILARITY, named
from ..client.stations import stationed
from ..client.verifying import reference
from ..serving import ServerProcess, eventually
from . import known, memory
from .known import Sighting
from .search import Needle, Search

PRESET: Final = preset("reveal-128")
LISTED: Final = (18, 31)
PLACES: Final = ("comparing", "answered")
_WAIT: Final = 120.0
_PIECES: Final = 3
_PROGRAM: Final = """
import sys, time
from pathlib import Path
from blindwatch.cli.main import run
from blindwatch.operator.comparing import Comparison
from blindwatch.verification.bfv import BfvEngine
def stop_before(kind, name, place):
    going_on = getattr(kind, name)
    def standing(*arguments):
        place.touch()
        while place.exists():
            time.sleep(0.05)
        return going_on(*arguments)
    setattr(kind, name, standing)
stop_before(BfvEngine, "verdicts", Path(sys.argv[1]) / "comparing")
stop_before(Comparison, "conclude", Path(sys.argv[1]) / "answered")
sys.exit(run(sys.argv[2:]))
"""
"""The operator's program, but that it waits at two places until a file is gone."""


@dataclass
class Evidence:
    """What was found in the program's memory at each place, and afterwards on the disk."""

    found: dict[str, set[str]]
    on_disk: set[str]
    printed: bytes


def needles(who: str, photograph: bytes, face: Face, templates: Templater) -> Iterator[Needle]:
    """What is made of a face on the way to a verdict."""
    template = templates.of(face.embedding)
    yield from forms.encoded(forms.of_integers(f"template of {who}", template, _PIECES))
    yield from known.of_sighting(Sighting(who, photograph, [face]), PRESET)


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    if not memory.can_read(os.getpid()):
        pytest.skip("this system does not let us read the memory of processes")
    models = FacePipeline.named(Registry.load())
    templates = Templater(models)
    listed = [small(number) for number in LISTED]
    photograph = encoded(alter(listed[0]), ".jpg")
    face_of_list = portrait(listed[0], models.faces(listed[0])[0].landmarks)
    made = [
        *needles("the person", photograph, models.faces(photograph)[0], templates),
        *needles("the entry", face_of_list, models.describe(load(face_of_list), detection()), templates),
    ]
    common = jpeg(np.zeros((SIDE, SIDE, 3), np.uint8)).tobytes()  # tables that every JPEG has
    # Where nothing was clipped, a coarse template is the one that is compared, which comes first.
    each_once = {each.data: each for each in reversed(made) if each.data not in common}
    search = Search(list(each_once.values()))
    places = tmp_path_factory.mktemp("places")
    with ExitStack() as stack:
        server = ServerProcess(tmp_path_factory.mktemp("server"), stack)
        enrolled = [encoded(each) for each in listed]
        station = stationed(
            tmp_path_factory.mktemp("station"), server, enrolled, threshold=SIMILARITY
        ).opened()
        options = {**station.named(), "reference": reference(station, 0), "engine": "bfv", "camera": None}
        words = [sys.executable, "-c", _PROGRAM, str(places), "operator", "verify-person", *named(**options)]
        found: dict[str, set[str]] = {}
        pipe = subprocess.PIPE
        with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as process:
            stack.callback(process.kill)
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(photograph)
            process.stdin.close()
            for name in PLACES:
                eventually((places / name).exists, _WAIT)
                with memory.stopped([process.pid]):
                    found[name] = search.chunks(memory.chunks(process.pid))
                (places / name).unlink()
            printed = process.stdout.read()
            assert process.wait(_WAIT) == 0
        return Evidence(found, search.folder(Path(station.folder)), printed)


def test_while_they_are_compared_only_templates_are_in_memory(evidence: Evidence) -> None:
    # That they are found says that the search can find something at all.
    assert {each.split(" as ")[0] for each in evidence.found["comparing"]} == {
        "template of the person",
        "template of the entry",
    }


def test_with_the_verdict_nothing_is_left(evidence: Evidence) -> None:
    assert b"Match with entry" in evidence.printed
    assert evidence.found["answered"] == set()


def test_nothing_of_it_is_on_the_disk(evidence: Evidence) -> None:
    assert evidence.on_disk == set()
