"""Photographs, registered models and pipelines that the tests of the vision package share."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from skimage import data

from blindwatch.vision.image import Image
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.registry import VARIABLE, Registry

DATA: Any = data  # its functions carry no types


@pytest.fixture(autouse=True)
def _no_models_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever models the user of this machine has must not change what the tests see."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def portrait() -> Image:
    """A photograph of one person, 512 x 512, that comes inside a package."""
    return np.ascontiguousarray(DATA.astronaut()[..., ::-1])


@pytest.fixture(scope="session")
def others() -> list[Image]:
    """Fifty small grey faces of other people, enlarged, with room around them."""
    enlarged = [
        cv2.resize((pixels * 255).astype(np.uint8), (100, 100), interpolation=cv2.INTER_CUBIC)
        for pixels in DATA.lfw_subset()[:50]
    ]
    framed = [cv2.copyMakeBorder(face, 40, 40, 40, 40, cv2.BORDER_REPLICATE) for face in enlarged]
    return [np.asarray(cv2.cvtColor(face, cv2.COLOR_GRAY2BGR), np.uint8) for face in framed]


@pytest.fixture(scope="session")
def nobody() -> Image:
    """A photograph of a wall."""
    return np.asarray(cv2.cvtColor(DATA.brick(), cv2.COLOR_GRAY2BGR), np.uint8)


@pytest.fixture(scope="session")
def shipped() -> Registry:
    """The registry with what comes along, and nothing else."""
    return Registry.load(Path("a directory that does not exist"))


@pytest.fixture(scope="session")
def builtin(shipped: Registry) -> FacePipeline:
    """The pipeline that works with nothing but the package."""
    return FacePipeline.named(shipped)


@pytest.fixture(scope="session")
def complete(faces_dir: Path) -> Registry:
    """The registry with the models that are kept beside the checkout."""
    return Registry.load(faces_dir / "models")


def held_out(name: str) -> bool:
    """The rule of models/training/faces.py, by which a fifth of the people were never trained on."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[-8:], "big") < 0.2 * 2**64


@pytest.fixture(scope="session")
def labelled_pairs(faces_dir: Path) -> list[tuple[Path, Path, bool]]:
    """Sixty pairs of photographs, and whether both show one person; no photograph occurs twice.

    All are people that the training of the built-in models held out.
    """
    wrong = set((faces_dir / "lfw_errata_images.txt").read_text().split())
    with (faces_dir / "lfw_pairs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    seen = set(wrong)
    chosen: dict[bool, list[tuple[Path, Path, bool]]] = {True: [], False: []}
    for index in np.random.default_rng(0).permutation(len(rows)):
        first, second = (faces_dir / "lfw" / rows[index][key] for key in ("a", "b"))
        same = rows[index]["same"] == "1"
        known = {first.stem, second.stem} & seen
        if (
            len(chosen[same]) < 30
            and not known
            and all(held_out(path.parent.name) for path in (first, second))
        ):
            seen |= {first.stem, second.stem}
            chosen[same].append((first, second, same))
    return chosen[True] + chosen[False]
