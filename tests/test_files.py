"""Files that commands write: whole or not there, for their owner alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from blindwatch.cli import files
from blindwatch.errors import ConfigurationError, TooLarge


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def make(target: Path, meanwhile: Callable[[Path], None]) -> None:
    """Make a folder with a file in it, while something else happens."""
    with files.new_folder(target, "keys") as part:
        (part / "a").write_bytes(b"1")
        meanwhile(target)


@pytest.fixture(autouse=True)
def _careless_user() -> object:
    before = os.umask(0)
    yield
    os.umask(before)


def test_a_new_folder_appears_with_all_that_is_in_it(tmp_path: Path) -> None:
    target = tmp_path / "keys" / "of today"
    with files.new_folder(target, "keys") as part:
        assert not target.exists()
        assert mode(part) == 0o700
        files.write_private(part / "a", b"1", "key")
    assert [path.name for path in target.parent.iterdir()] == ["of today"]
    assert (target / "a").read_bytes() == b"1"
    assert (mode(target), mode(target / "a")) == (0o700, 0o600)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, GeneratorExit])
def test_what_fails_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    def fail(_: Path) -> None:
        raise error

    with pytest.raises(error):
        make(tmp_path / "keys", fail)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in (".keys.00ff.part", ".other.00ff.part", "keys.part"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_bytes(b"1")
    with files.new_folder(tmp_path / "keys", "keys"):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {"keys", ".other.00ff.part", "keys.part"}


def test_an_empty_folder_is_taken_and_any_other_is_left(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    with files.new_folder(tmp_path / "keys", "keys") as part:
        (part / "a").write_bytes(b"1")
    with pytest.raises(ConfigurationError, match="not empty"), files.new_folder(tmp_path / "keys", "keys"):
        pytest.fail("it was made")
    assert (tmp_path / "keys" / "a").read_bytes() == b"1"


def test_a_place_where_no_folder_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"1")
    for place in (tmp_path / "file", tmp_path / "file" / "keys"):
        with pytest.raises(ConfigurationError, match="cannot be made"), files.new_folder(place, "keys"):
            pytest.fail("it was made")
    assert (tmp_path / "file").read_bytes() == b"1"


def test_somebody_who_was_faster_is_not_written_over(tmp_path: Path) -> None:
    def be_faster(target: Path) -> None:
        target.mkdir()
        (target / "b").write_bytes(b"2")

    with pytest.raises(ConfigurationError, match="cannot be made"):
        make(tmp_path / "keys", be_faster)
    assert [path.name for path in tmp_path.rglob("*")] == ["keys", "b"]


def test_a_file_is_replaced_at_once(tmp_path: Path) -> None:
    files.write_private(tmp_path / "a", b"old", "file")
    files.replace_private(tmp_path / "a", b"new", "file")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert ((tmp_path / "a").read_bytes(), mode(tmp_path / "a")) == (b"new", 0o600)
    (tmp_path / "folder" / "b").mkdir(parents=True)
    with pytest.raises(ConfigurationError):
        files.replace_private(tmp_path / "folder", b"new", "file")
    assert {path.name for path in tmp_path.iterdir()} == {"a", "folder"}


def test_a_file_that_is_too_long(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert files.read_at_most(tmp_path / "a", 5, "file") == b"12345"
    with pytest.raises(TooLarge):
        files.read_at_most(tmp_path / "a", 4, "file")
    for nowhere in (tmp_path / "b", tmp_path):
        with pytest.raises(ConfigurationError):
            files.read_at_most(nowhere, 5, "file")
