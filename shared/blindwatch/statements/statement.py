"""in-toto Statements, version 1: a predicate about subjects that are named by their digests."""

from __future__ import annotations

import json
from abc import abstractmethod
from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from blindwatch.errors import MalformedMessage, StatementMismatch
from blindwatch.statements.dsse import Envelope, parse_json
from blindwatch.wire.messages import STRICT

STATEMENT: Final = "https://in-toto.io/Statement/v1"

Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,500}$")]
"""Text that people wrote, on one line."""


class Fields(BaseModel):
    """A frozen part of a predicate, with field names in camel case."""

    model_config = STRICT | ConfigDict(allow_inf_nan=False)


class Predicate(Fields):
    """What a statement says. Each kind has a name, and names what it is about by SHA-256."""

    kind: ClassVar[str]

    @abstractmethod
    def subjects(self) -> dict[str, str]:
        """What the statement is about: a SHA-256 (hex) by name."""

    def envelope(self) -> Envelope:
        """The statement, not signed yet."""
        content = {
            "_type": STATEMENT,
            "subject": _subject(self.subjects()),
            "predicateType": self.kind,
            "predicate": self.model_dump(mode="json", by_alias=True),
        }
        return Envelope(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())

    @classmethod
    def read(cls, envelope: Envelope) -> Self:
        """What an envelope says, verified or not; raises MalformedMessage or StatementMismatch."""
        match parse_json(envelope.payload):
            case {
                "_type": "https://in-toto.io/Statement/v1",
                "subject": list(subject),
                "predicateType": str(kind),
                "predicate": dict(content),
            } as every if len(every) == 4:
                pass
            case _:
                raise MalformedMessage("The payload is not an in-toto statement.")
        if kind != cls.kind:
            raise StatementMismatch("The statement is of another kind.")
        predicate = cls._validated(content)
        if subject != _subject(predicate.subjects()):
            raise MalformedMessage("The statement is about something else than it says.")
        return predicate

    @classmethod
    def _validated(cls, content: dict[str, Any]) -> Self:
        try:
            # From JSON again, in which lists stand for tuples however strict the models are.
            return cls.model_validate_json(json.dumps(content), by_alias=True, by_name=False)
        except ValidationError:
            raise MalformedMessage(f"The statement does not follow the schema of {cls.__name__}.") from None


def _subject(subjects: dict[str, str]) -> list[dict[str, object]]:
    return [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(subjects.items())]
