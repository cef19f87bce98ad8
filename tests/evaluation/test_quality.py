"""Photographs made worse, and what that costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from rich.progress import Progress
from skimage import data

from blindwatch.evaluation.acquiring import Models, acquisition
from blindwatch.evaluation.degrading import DEGRADATIONS, Degradation, Worse
from blindwatch.evaluation.quality import Line
from blindwatch.evaluation.samples import Samples, Source
from blindwatch.he.presets import preset
from blindwatch.vision.image import Image

REVEAL = preset("reveal-128")
NAMES = [each.name for each in DEGRADATIONS]


def portrait() -> Image:
    images: Any = data  # its functions carry no types
    return np.ascontiguousarray(images.astronaut()[..., ::-1])


def named(name: str) -> Degradation:
    return next(each for each in DEGRADATIONS if each.name == name)


@pytest.mark.parametrize("name", NAMES)
def test_each_begins_with_the_photograph_as_it_is_and_gets_worse(name: str) -> None:
    way = named(name)
    image = cv2.resize(portrait(), (250, 250), interpolation=cv2.INTER_AREA).astype(np.uint8)
    assert np.array_equal(Worse(way.way, way.amounts[0])(image), image)
    steps = [Worse(way.way, amount)(image) for amount in way.amounts]
    assert all(step.dtype == np.uint8 and step.ndim == 3 for step in steps)
    if name == "size":
        assert [step.shape[1] for step in steps] == list(way.amounts)
    if name == "light":
        assert np.argsort([step.mean() for step in steps]).tolist() == list(range(len(steps)))[::-1]
    if name == "blur":
        sharp = [cv2.Laplacian(step, cv2.CV_64F).var() for step in steps]
        assert np.argsort(sharp).tolist() == list(range(len(steps)))[::-1]


def test_a_turn_moves_the_sides_together_and_leaves_the_middle() -> None:
    image = np.full((101, 101, 3), 10, np.uint8)
    image[:, 50] = 200
    image[:, 90] = 250
    turned = named("pose").way(image, 50)
    assert abs(int(turned[50, :, 0].argmax()) - 50) < 40 * np.cos(np.radians(50)) + 2
    assert turned[50, 49:52, 0].max() > 100


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Line]:
    """One portrait, photographed twice, and somebody who is not a face at all."""
    folder = tmp_path_factory.mktemp("photographs")
    images = ["Ada/1.png", "Ada/2.png", "Bo/1.png"]
    for image in images:
        (folder / image).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(folder / image), portrait())
    (folder / "Bo" / "1.png").write_bytes(b"no image")
    with acquisition(Models.named("default", None)) as asked:
        rows = np.stack(list(asked.embed([folder / image for image in images])))
    source = Source("test", "blindwatch-embedder", "cascade", None)
    made = Samples(source, images, np.array([0, 0, 1]), rows, np.array([True, False, True]))
    return folder, Line.of(made, REVEAL, REVEAL.thresholds(0.42), 10, 1)


def test_what_cannot_be_read_is_a_failure_to_acquire(line: tuple[Path, Line]) -> None:
    assert line[1].samples.acquired.tolist() == [True, True, False]


def test_a_poor_photograph_is_missed_in_the_end(line: tuple[Path, Line]) -> None:
    folder, made = line
    with acquisition(Models.named("default", None)) as asked, Progress(disable=True) as display:
        curves = {each.degradation.name: each.steps for each in made.curves(folder, asked, display)}
    assert list(curves) == NAMES
    for steps in curves.values():
        assert steps[0].missed.events == 0
        assert str(steps[0].missed).startswith("< ")
    assert curves["size"][-1].missed.events == 1
    assert curves["light"][-1].failed.events <= curves["light"][-1].missed.events
