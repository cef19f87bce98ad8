"""One real run for all tests of it, and a small outcome without encryption for the table and the report."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from blindwatch.demo.outcome import Entry, Match, Outcome, Peek, Sighting, Step
from blindwatch.demo.photographs import Relation

GATE, THRESHOLD = 95, 90
NEAR = np.array([0, 5, 0])
"""How much the coarse scores of this outcome lie above the fine ones."""
SLOTS = 1024
RUN_SECONDS = 900


@dataclass(frozen=True)
class Run:
    """What a run of `blindwatch demo` printed, the folder it ran in and its temporary folder."""

    printed: str
    folder: Path
    temporary: Path

    @property
    def report(self) -> Path:
        return self.folder / "blindwatch-demo" / "report.html"


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """`blindwatch demo` on the built-in photographs, as anybody would run it."""
    folder, temporary = tmp_path_factory.mktemp("run"), tmp_path_factory.mktemp("temporary")
    done = subprocess.run(
        [sys.executable, "-m", "blindwatch.cli.main", "demo"],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(temporary), "NO_COLOR": "1", "TERM": "dumb"},
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Run(done.stdout, folder, temporary)


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (32, 32, 3), dtype=np.uint8)


@pytest.fixture
def outcome(picture: np.ndarray) -> Outcome:
    """A match, a stranger, and somebody on the list whom the model does not recognise."""
    random = np.random.default_rng(5)
    entries = tuple(Entry(index, name, picture) for index, name in enumerate(("Ada", "Ben", "Cleo")))
    rows = (
        ("Ada", Relation.OTHER_PHOTOGRAPH, (120, 3, -8), (Match(entries[0], 120),)),
        ("Dan", Relation.STRANGER, (5, 40, 89), ()),
        ("Ben", Relation.ALTERED_PHOTOGRAPH, (11, 80, 2), ()),
    )
    sightings = tuple(
        Sighting(
            f"{number:032x}",
            person,
            relation,
            picture,
            matches,
            np.array(scores) + NEAR,
            np.array(scores),
            31,
            700,
            0.4,
            860_000,
            494_000,
        )
        for number, (person, relation, scores, matches) in enumerate(rows)
    )
    peeks = tuple(
        Peek(each.probe_id, random.integers(0, 65537, 3), random.integers(0, 65537, SLOTS))
        for each in sightings
    )
    steps = (
        Step("Camera", "encrypts a template", 3, 31.0, 860_000),
        Step("Operator", "decrypts", 3, 4.0, None),
    )
    return Outcome(entries, sightings, peeks, steps, "a test", GATE, THRESHOLD, 200, "reveal-128", 12.0)


@pytest.fixture
def mistaken(outcome: Outcome) -> Outcome:
    """The same, but the stranger is taken for Cleo."""
    sightings = list(outcome.sightings)
    scores = np.array((5, 40, 95))
    matches = (Match(outcome.entries[2], 95),)
    sightings[1] = replace(sightings[1], matches=matches, coarse_scores=scores, true_scores=scores)
    return replace(outcome, sightings=tuple(sightings))
