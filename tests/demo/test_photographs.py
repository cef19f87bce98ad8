"""Who is on the list and who walks by."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from blindwatch.demo.photographs import LIST_ONLY, Relation, built_in, encode, from_folder
from blindwatch.errors import ConfigurationError


def anything(_: bytes) -> bool:
    return True


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Twelve people: six with two photographs, six with one, and some things that are no photographs."""
    random = np.random.default_rng(0)
    for number in range(12):
        folder = tmp_path / f"Person_{number:02}"
        folder.mkdir()
        for copy in range(2 if number % 2 else 1):
            image = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            (folder / f"{copy}.jpg").write_bytes(encode(image))
        (folder / "notes.txt").write_text("not a photograph")
    (tmp_path / "empty").mkdir()
    (tmp_path / "README.md").write_text("not a person")
    return tmp_path


def test_the_built_in_photographs_need_no_download_and_show_faces() -> None:
    cast = built_in(16, anything)
    assert len(cast.crowd) == 16
    listed = {each.person for each in cast.enrolled}
    assert len(listed) == len(cast.enrolled) >= LIST_ONLY
    for seen in cast.crowd:
        assert (seen.person in listed) == seen.relation.on_list
        pixels = cv2.imdecode(np.frombuffer(seen.data, np.uint8), cv2.IMREAD_COLOR)
        assert pixels is not None
        assert pixels.shape[2] == 3
    relations = [each.relation for each in cast.crowd]
    assert relations.count(Relation.OTHER_PHOTOGRAPH) == 3
    assert relations.count(Relation.STRANGER) > len(relations) / 2


def test_nobody_walks_by_with_the_enrolled_file_itself() -> None:
    cast = built_in(16, anything)
    assert not {each.data for each in cast.enrolled} & {each.data for each in cast.crowd}


def test_unusable_photographs_lengthen_no_list() -> None:
    assert len(built_in(16, lambda _: False).enrolled) < LIST_ONLY


def test_a_folder_gives_half_listed_people_by_another_photograph(people: Path) -> None:
    cast = from_folder(people, 6, anything)
    first = {each.person: each.data for each in cast.enrolled}
    assert [each.relation.on_list for each in cast.crowd] == [True, False] * 3
    for seen in cast.crowd:
        if seen.relation.on_list:
            assert seen.data == (people / seen.person.replace(" ", "_") / "1.jpg").read_bytes()
            assert first[seen.person] == (people / seen.person.replace(" ", "_") / "0.jpg").read_bytes()
        else:
            assert seen.person not in first


def test_a_folder_gives_the_same_at_every_run(people: Path) -> None:
    assert from_folder(people, 6, anything) == from_folder(people, 6, anything)


def test_people_whose_photographs_cannot_be_used_are_passed_over(people: Path) -> None:
    spoilt = (people / "Person_01" / "1.jpg").read_bytes()
    cast = from_folder(people, 6, lambda data: data != spoilt)
    assert "Person 01" not in {each.person for each in cast.crowd if each.relation.on_list}
    assert sum(each.relation.on_list for each in cast.crowd) == 3


@pytest.mark.parametrize("usable", [True, False])
def test_a_folder_without_enough_people_is_refused(tmp_path: Path, usable: bool) -> None:
    (tmp_path / "Only").mkdir()
    (tmp_path / "Only" / "1.jpg").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="enough people"):
        from_folder(tmp_path, 6, lambda _: usable)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not exist"):
        from_folder(tmp_path / "nowhere", 6, anything)
