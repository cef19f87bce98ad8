"""Photographs of a list: what is measured, what is refused, and who is taken for one person."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindwatch.custodian.likeness import KEPT, Likeness, Pair
from blindwatch.custodian.quality import measure
from blindwatch.custodian.viewing import Viewing
from blindwatch.errors import InvalidList, NoFace
from blindwatch.vision.image import Image
from blindwatch.vision.pipeline import FacePipeline

from .lists import entries, row, write_list
from .photographs import bad, blur, encoded, group, portrait, scaled, small, write

ALLOWED = {"quality_override": "There is no better one"}


def shortcomings(image: Image, pipeline: FacePipeline) -> list[str]:
    return list(measure(pipeline.faces(image)).shortcomings())


def dimmed(image: Image, factor: float) -> Image:
    return (image * factor).astype(np.uint8)


# What is measured


def test_a_good_photograph(pipeline: FacePipeline) -> None:
    quality = measure(pipeline.faces(portrait()))
    assert list(quality.shortcomings()) == []
    assert 35 < quality.eyes < 50
    assert quality.asymmetry < 0.2
    assert quality.rivals == 0


@pytest.mark.parametrize(
    ("spoiled", "said"),
    [
        (lambda: blur(portrait(), 4), "blurred"),
        (lambda: scaled(portrait(), 0.5), "too small"),
        (lambda: group(1, 2), "several faces"),
    ],
)
def test_a_photograph_that_was_spoiled(
    spoiled: Callable[[], Image], said: str, pipeline: FacePipeline
) -> None:
    assert said in " ".join(shortcomings(spoiled(), pipeline))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"eyes": 23.9}, "too small"),
        ({"sharpness": 0.079}, "blurred"),
        ({"asymmetry": 0.71}, "turned away"),
        ({"brightness": 39.0}, "dark"),
        ({"brightness": 216.0}, "bright"),
        ({"contrast": 11.9}, "contrast"),
        ({"rivals": 1}, "several faces"),
    ],
)
def test_the_limits(changes: dict[str, Any], said: str, pipeline: FacePipeline) -> None:
    good = measure(pipeline.faces(portrait()))
    (wrong,) = replace(good, **changes).shortcomings()
    assert said in wrong


def test_measures_follow_what_they_measure(pipeline: FacePipeline) -> None:
    face, dark = pipeline.faces(portrait())[0], pipeline.faces(portrait())[0]
    dark = replace(dark, crop=dimmed(dark.crop, 0.1))
    assert measure([dark]).brightness == pytest.approx(measure([face]).brightness * 0.1, abs=1)
    turned = face.landmarks.copy()
    turned[2] = turned[1]  # the nose below an eye, as from the side
    assert measure([replace(face, landmarks=turned)]).asymmetry == pytest.approx(1)
    wide = replace(face, box=(0, 0, 60, 60))
    for side, rivals in ((29, 0), (30, 1)):
        assert measure([wide, replace(face, box=(100, 0, side, side))]).rivals == rivals


# What is refused


def looked_at(folder: Path, pipeline: FacePipeline, *rows: dict[str, str]) -> Viewing:
    viewing = Viewing(pipeline)
    for entry in entries(write_list(folder, *rows)):
        viewing.look(entry)
    for _ in viewing.compare():
        pass
    return viewing


def test_low_quality_is_refused_without_a_reason_and_recorded_with_one(
    tmp_path: Path, pipeline: FacePipeline
) -> None:
    write(tmp_path / "2.png", blur(portrait(), 4))
    refused = looked_at(tmp_path, pipeline, row(2, image_date="2024-01-02"))
    assert [(each.row, each.field) for each in refused.faults] == [("2", "image")]
    with pytest.raises(InvalidList) as error:
        refused.check()
    assert error.value.faults == tuple(refused.faults)
    allowed = looked_at(tmp_path, pipeline, row(2, quality_override="The only photograph there is"))
    allowed.check()
    assert any("blurred" in each for each in allowed.views[0].quality.shortcomings())


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("wall", "No face"),
        ("words", "not an image"),
        ("nothing", "not an image"),
        ("cut", "cut short"),
        ("huge", "40 megapixels"),
    ],
)
def test_an_override_does_not_help_where_there_is_no_face(
    tmp_path: Path, pipeline: FacePipeline, kind: str, said: str
) -> None:
    write(tmp_path / "2.png", bad(kind))
    viewing = looked_at(tmp_path, pipeline, row(1), row(2, quality_override="Please"), row(3))
    (fault,) = viewing.faults
    assert (fault.row, fault.field) == ("3", "image")
    assert said in fault.wrong
    assert fault.remedy
    assert [view.entry.row for view in viewing.views] == ["2", "4"]


# One photograph, two people


def test_one_photograph_under_two_names(tmp_path: Path, pipeline: FacePipeline) -> None:
    write(tmp_path / "2.png", portrait())
    viewing = looked_at(tmp_path, pipeline, row(1), row(2))
    (fault,) = viewing.faults
    assert fault.row == "3"
    assert "photograph of row 2, of somebody else" in fault.wrong


def test_a_copy_of_a_photograph_under_another_name(tmp_path: Path, pipeline: FacePipeline) -> None:
    write(tmp_path / "2.jpg", encoded(scaled(portrait(), 0.9), ".jpg"))
    viewing = looked_at(tmp_path, pipeline, row(1), row(2, image="2.jpg"))
    (fault,) = viewing.faults
    assert fault.row == "3"
    assert "copy" in fault.wrong


def test_one_photograph_twice_for_one_person(tmp_path: Path, pipeline: FacePipeline) -> None:
    write(tmp_path / "2.png", portrait())
    same = {"name": "Quillon Zephyrine 1", "nominal_ref": "NR/0001/26"}
    (fault,) = looked_at(tmp_path, pipeline, row(1), row(2, **same)).faults
    assert "again" in fault.wrong


def test_two_photographs_of_one_person_are_welcome(tmp_path: Path, pipeline: FacePipeline) -> None:
    # Four of the small faces show one man on four occasions.
    write(tmp_path / "1.png", small(0))
    write(tmp_path / "2.png", small(36))
    same = {"name": "Quillon Zephyrine 1", "nominal_ref": "NR/0001/26"}
    viewing = looked_at(tmp_path, pipeline, row(1, **ALLOWED), row(2, **same, **ALLOWED))
    assert (viewing.faults, viewing.likeness.count) == ([], 0)


def test_one_person_under_two_names_is_pointed_out(tmp_path: Path, pipeline: FacePipeline) -> None:
    write(tmp_path / "1.png", small(0))
    write(tmp_path / "2.png", small(36))
    write(tmp_path / "3.png", portrait())
    viewing = looked_at(tmp_path, pipeline, row(1, **ALLOWED), row(2, **ALLOWED), row(3))
    assert viewing.faults == []
    assert viewing.likeness.count == 1
    (pair,) = viewing.likeness.pairs
    assert [entry.row for entry in viewing.entries_of(pair)] == ["2", "3"]
    assert pair.similarity >= pipeline.operating_point


@given(st.integers(0, 2**32), st.integers(1, 1200), st.floats(0.2, 0.9))
def test_pairs_are_those_of_all_products(seed: int, count: int, lowest: float) -> None:
    random = np.random.default_rng(seed)
    rows = random.normal(size=(count, 4)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    people = [f"person {number}" for number in random.integers(0, max(count // 2, 1), count)]
    likeness = Likeness(people, lowest)
    assert sum(1 for _ in likeness.compare(rows)) == -(-count // 512)
    products = rows @ rows.T
    names = np.array(people)
    wanted = np.triu((products >= lowest) & (names[:, None] != names), 1)
    # Products of other blocks may round to the other side of the threshold.
    unsure = np.triu(np.abs(products - lowest) < 1e-5, 1).sum()
    assert abs(likeness.count - wanted.sum()) <= unsure
    assert len(likeness.pairs) == min(likeness.count, KEPT)
    values = [pair.similarity for pair in likeness.pairs]
    assert values == sorted(values, reverse=True)
    if values:
        expected = np.sort(products[wanted])[::-1][: len(values)]
        assert np.allclose(values[: len(expected)], expected[: len(values)], atol=1e-5)
    assert all(names[pair.first] != names[pair.second] for pair in likeness.pairs)


def test_pairs_are_in_order() -> None:
    assert max(Pair(0.5, 0, 1), Pair(0.7, 2, 3)).first == 2


def test_a_wall_is_nobody(pipeline: FacePipeline) -> None:
    """The negative of all that is above."""
    with pytest.raises(NoFace):
        pipeline.faces(bad("wall"))


# On photographs as they are


def test_few_photographs_of_an_archive_are_refused(pipeline: FacePipeline, faces_dir: Path) -> None:
    photographs = sorted((faces_dir / "lfw").glob("*/*_0001.jpg"))[::60]
    found = []
    for photograph in photographs:
        try:
            found.append(measure(pipeline.faces(photograph)))
        except NoFace:
            continue
    assert len(found) > 50
    refused = [list(quality.shortcomings()) for quality in found]
    assert sum(map(bool, refused)) / len(found) < 0.25
    alone = [each for each, quality in zip(refused, found, strict=True) if quality.rivals == 0]
    assert sum(map(bool, alone)) / len(alone) < 0.05


def test_photographs_do_not_stay_in_memory(tmp_path: Path, pipeline: FacePipeline) -> None:
    large = scaled(portrait(), 3)  # 7 MB of pixels
    for number in range(8):
        write(tmp_path / f"{number}.jpg", encoded(large, ".jpg"))
    rows = [row(number, image=f"{number}.jpg") for number in range(8)]
    viewing, sizes = Viewing(pipeline), []
    for entry in entries(write_list(tmp_path, *rows)):
        viewing.look(entry)
        sizes.append(resident())
    assert len(viewing.views) == 8
    assert sizes[-1] - sizes[1] < 3 * large.nbytes


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
