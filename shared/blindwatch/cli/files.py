"""Files that commands read and write: errors as one sentence that names the option, never the content."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

from blindwatch.errors import ConfigurationError, TooLarge


def read(path: Path, what: str) -> bytes:
    """The bytes of a file that a command needs."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"The {what} cannot be read ({error.strerror}).") from None


def read_at_most(path: Path, limit: int, what: str) -> bytes:
    """The bytes of a file of a bounded size; one byte too many is enough to refuse it."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise ConfigurationError(f"The {what} cannot be read ({error.strerror}).") from None
    if len(data) > limit:
        raise TooLarge(f"The {what} is over its byte limit.")
    return data


def read_line(path: Path, what: str) -> str:
    """The one line of a file with a token or a share."""
    try:
        line = read(path, what).decode().strip()
    except UnicodeDecodeError:
        line = ""
    if not line or "\n" in line:
        raise ConfigurationError(f"The {what} must be a file with one line of text.")
    return line


def read_json(path: Path, what: str) -> Any:
    """The content of a JSON file."""
    try:
        return json.loads(read(path, what))
    except (ValueError, RecursionError):
        raise ConfigurationError(f"The {what} is not a JSON file.") from None


def make_folder(path: Path, what: str) -> Path:
    """A new or empty private folder; refused if something is in it, so that nothing is ever written over."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_make(what, error) from None
    check_new_folder(path, what)
    return path


@contextmanager
def new_folder(path: Path, what: str) -> Iterator[Path]:
    """A private folder to fill, which takes its place at once when it is finished, or not at all.

    Until then it lies beside its place under a hidden name. What a process that was killed left there is removed by
    the next one that makes the same folder.
    """
    check_new_folder(path, what)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in path.parent.glob(f".{path.name}.*.part"):
            shutil.rmtree(left)
        part = path.parent / f".{path.name}.{token_hex(4)}.part"
        part.mkdir(mode=0o700)
    except OSError as error:
        raise _cannot_make(what, error) from None
    try:
        yield part
        for folder in (part, *(each for each in part.rglob("*") if each.is_dir())):
            settle(folder)
        part.rename(path)
        settle(path.parent)
    except OSError as error:
        raise _cannot_make(what, error) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def check_new_file(path: Path | None) -> None:
    """Refuse a file that cannot be written, if there is to be one, before there is something to lose."""
    if path is not None and (path.exists() or not path.parent.is_dir()):
        raise ConfigurationError(
            "The file to write is there already, or its folder is not.",
            "Name a new file in an existing folder.",
        )


def check_new_folder(path: Path, what: str) -> None:
    """Refuse a place where something is already, before work is done that would then be lost."""
    try:
        if path.exists() and any(path.iterdir()):
            raise ConfigurationError(f"The folder for the {what} is not empty.", "Name a new folder.")
    except OSError as error:
        raise _cannot_make(what, error) from None


def settle(folder: Path) -> None:
    """See to it that names that came into a folder, or went, stay so after a loss of power; raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cannot_make(what: str, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"The folder for the {what} cannot be made ({error.strerror}).")


def write_private(path: Path, data: bytes, what: str) -> None:
    """Write a new file that only its owner can read."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        raise ConfigurationError(f"The {what} cannot be written ({error.strerror}).") from None


def replace_private(path: Path, data: bytes, what: str) -> None:
    """Put a new private file in the place of another, which is there in whole until then."""
    part = path.with_name(f".{path.name}.{token_hex(4)}.part")
    write_private(part, data, what)
    try:
        part.replace(path)
        settle(path.parent)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ConfigurationError(f"The {what} cannot be written ({error.strerror}).") from None


def write_json(path: Path, content: Any, what: str) -> None:
    """Write a new private JSON file."""
    write_private(path, json.dumps(content, indent=1, ensure_ascii=False).encode() + b"\n", what)
