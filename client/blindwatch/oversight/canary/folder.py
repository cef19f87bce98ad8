"""The private folder of canaries: one file for each test face, of everything that is to be looked for.

What is in it is biometric data of the volunteers in the photographs, as much as what it finds.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

import numpy as np
from pydantic import Field

from blindwatch.cli import files
from blindwatch.errors import ConfigurationError
from blindwatch.oversight.scan.forms import encoded
from blindwatch.oversight.scan.likeness import Likeness
from blindwatch.oversight.scan.scanning import Sought
from blindwatch.statements.statement import Line
from blindwatch.wire import limits
from blindwatch.wire.messages import Count, Digest, Message, Timestamp

FORMAT: Final = 1
MILLION: Final = 1_000_000
_SUFFIX: Final = ".canary"
_WHAT: Final = "file of a canary"


class Part(Message):
    """A fragment of something, before it is encoded as text."""

    what: Line
    data: Annotated[bytes, Field(min_length=1)]


class Canary(Message):
    """One test face: where it is from, its unit embedding (float32), and fragments of all that is made of it.

    A template is of the same person from a cosine of `threshold` millionths on.
    """

    limit = 16 * limits.MIB
    format: Literal[1]
    name: Line
    file: Line
    made_at: Timestamp
    pipeline: Line
    model_digest: Digest
    threshold: Annotated[int, Field(ge=0, le=MILLION)]
    faces: Count
    embedding: bytes
    fragments: list[Part]

    @property
    def likeness(self) -> Likeness:
        """What templates are compared with."""
        embedding = np.frombuffer(self.embedding, "<f4").astype(np.float64)
        return Likeness(self.name, embedding, self.threshold / MILLION)


def write_canary(folder: Path, number: int, canary: Canary) -> None:
    """Add a canary to its folder, for its owner alone to read."""
    files.write_private(folder / f"{number:03}{_SUFFIX}", canary.to_cbor(), _WHAT)


def read_canaries(folder: Path) -> list[Canary]:
    """All canaries of a folder; raises ConfigurationError if there is none."""
    found = _files(folder)
    return [Canary.from_cbor(files.read_at_most(path, Canary.limit, _WHAT)) for path in found]


def destroy_canaries(folder: Path) -> int:
    """Delete all canaries of a folder, and the folder if nothing else is in it; returns how many there were."""
    found = _files(folder)
    try:
        for path in found:
            path.unlink()
        files.settle(folder)
        if not any(folder.iterdir()):
            folder.rmdir()
    except OSError as error:
        raise ConfigurationError(f"The canaries cannot be deleted ({error.strerror}).") from None
    return len(found)


def sought(canaries: Sequence[Canary], own_keys: Collection[bytes] = (), *, vectors: bool = True) -> Sought:
    """What a scan looks for."""
    needles = [
        needle
        for canary in canaries
        for needle in encoded((each.what, each.data) for each in canary.fragments)
    ]
    return Sought(needles, [canary.likeness for canary in canaries], own_keys, vectors)


def _files(folder: Path) -> list[Path]:
    found = sorted(folder.glob(f"*{_SUFFIX}"))
    if not found:
        raise ConfigurationError(
            "The folder has no canaries.", "Make some with: blindwatch oversight canary make"
        )
    return found
