"""Destruction that is noted before it begins, so that one that was cut short is brought to its end.

Files are deleted, not overwritten: on solid-state disks, file systems with a journal and in backups overwriting
promises nothing. What makes copies of ciphertexts worthless is that the wrapped key is gone, and it goes first.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import Field, ValidationError

from blindwatch.cli import files
from blindwatch.errors import ConfigurationError, MalformedMessage, NotDestroyed, StatementMismatch
from blindwatch.statements.predicates import Destroyed, Word
from blindwatch.statements.statement import Fields
from blindwatch.wire import limits
from blindwatch.wire.messages import Count, Digest

_WHAT: Final = "journal of the end"


class Thing(Fields):
    """A file or a folder that goes: what it is, where it is, and what there was of it before anything went."""

    what: Word
    path: Annotated[str, Field(min_length=1)]
    count: Count
    size: Count

    @classmethod
    def measure(cls, what: Word, path: Path, counted: set[Path]) -> Self:
        """Look at something that is to go, and count its files unless they are counted already.

        Raises ConfigurationError if it is not there.
        """
        place = path.resolve()
        if not place.exists():
            raise ConfigurationError(f"There is nothing where the {what} should be.", "Check the names.")
        found = {each for each in (place, *place.rglob("*")) if each.is_file()} - counted
        counted |= found
        size = sum(each.stat().st_size for each in found)
        return cls(what=what, path=str(place), count=len(found), size=size)

    @property
    def places(self) -> list[Path]:
        """Where it is, and what a process that was killed may have left beside it while it was made."""
        path = Path(self.path)
        return [path, *path.parent.glob(f".{path.name}.*.part")]


class Journal(Fields):
    """What goes, in its order, for the end of one deployment."""

    manifest_digest: Digest
    things: Annotated[tuple[Thing, ...], Field(min_length=1)]

    @classmethod
    def of(cls, manifest_digest: Digest, named: Iterable[tuple[Word, Path]], kept: Sequence[Path]) -> Self:
        """Look at all that is to go; refused if anything that is kept lies inside of it."""
        counted: set[Path] = set()
        things = tuple(Thing.measure(what, path, counted) for what, path in named)
        for thing in things:
            if any(each.resolve().is_relative_to(thing.path) for each in kept):
                raise ConfigurationError(
                    f"What would be destroyed as the {thing.what} holds files that are needed or kept.",
                    "Name the folder itself, and keep receipts, keys to sign with and the register elsewhere.",
                )
        return cls(manifest_digest=manifest_digest, things=things)

    def check(self, manifest_digest: Digest, named: Iterable[tuple[Word, Path]]) -> None:
        """Refuse to go on with anything else than was begun."""
        again = [(what, str(path.resolve())) for what, path in named]
        if self.manifest_digest != manifest_digest or again != [
            (each.what, each.path) for each in self.things
        ]:
            raise StatementMismatch(
                "An end was begun here for another deployment, or for other folders.",
                "Name the same as the first time, or another folder for receipts.",
            )

    def destroy(self) -> Iterator[Word]:
        """Destroy everything in its order; yields what is gone. What is gone already is no error."""
        for thing in self.things:
            for place in thing.places:
                _remove(place, thing.what)
            yield thing.what

    def destroyed(self) -> tuple[Destroyed, ...]:
        """What a receipt says of it."""
        left = next((each.what for each in self.things if any(place.exists() for place in each.places)), None)
        if left is not None:
            raise NotDestroyed(f"Something is left of the {left}.", "Run the command again.")
        return tuple(Destroyed(what=each.what, count=each.count, size=each.size) for each in self.things)

    def write(self, path: Path) -> None:
        """Keep the journal in a file, which outlasts a loss of power."""
        files.replace_private(path, self.model_dump_json(by_alias=True).encode(), _WHAT)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a journal; raises MalformedMessage."""
        try:
            return cls.model_validate_json(files.read_at_most(path, limits.JSON, _WHAT), by_alias=True)
        except ValidationError:
            raise MalformedMessage(f"The {_WHAT} cannot be read.") from None


def _remove(place: Path, what: Word) -> None:
    try:
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)
        if place.parent.is_dir():
            files.settle(place.parent)
    except OSError as error:
        raise NotDestroyed(
            f"The {what} cannot be deleted ({error.strerror}).", "Mend that, and run the command again."
        ) from None
