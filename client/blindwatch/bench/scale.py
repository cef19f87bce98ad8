"""How much is measured: the sizes of the recorded run, or the smallest of each for tests."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True)
class Scale:
    """Sizes in entries, and how often each piece of work is repeated."""

    repeats: int
    compared: tuple[int, ...]
    """Lists that are also matched in plain SEAL calls."""
    standard: int
    """The list of a live deployment."""
    growth: tuple[int, ...]
    dimensions: tuple[int, ...]
    """Dimensions other than the preset's."""
    dimensioned: int
    """Entries of the lists of other dimensions."""
    widths: tuple[int, ...]
    """How many scores the match set has."""
    in_flight: int
    """Probes that are sent at once."""
    pairs: int
    """Pairs of templates that are compared one by one."""
    fetched: int
    """Records of the fetch-by-similarity workload."""
    ranked: tuple[tuple[int, int], ...]
    """Entries and dimension of galleries, all of the same size in bytes."""
    leaves: int
    """Records of a log."""
    appended: int
    """Records that are appended to it, each by itself."""
    rates: tuple[float, ...]
    """Faces a second that walk past a camera, ascending."""
    seconds: float
    """For how long they do, at each rate."""
    faces: Path | None = None
    """Folder with photographs of people, NAME/*.jpg; the small ones of a package if none."""


FULL: Final = Scale(
    repeats=5,
    compared=(16_384, 17_000),
    standard=17_000,
    growth=(1_000, 4_000, 17_000, 65_000),
    dimensions=(256, 512),
    dimensioned=16_384,
    widths=(24, 56, 120),
    in_flight=8,
    pairs=50,
    fetched=50_000,
    ranked=((1_000_000, 128), (500_000, 256), (250_000, 512)),
    leaves=1_000_000,
    appended=1_000,
    rates=(0.5, 1.0, 2.0, 3.0, 4.0),
    seconds=15.0,
)

QUICK: Final = Scale(
    repeats=1,
    compared=(200,),
    standard=200,
    growth=(200,),
    dimensions=(256,),
    dimensioned=100,
    widths=(24,),
    in_flight=2,
    pairs=3,
    fetched=600,
    ranked=((4_096, 128),),
    leaves=2_000,
    appended=20,
    rates=(1.0,),
    seconds=4.0,
)


def available_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0))
