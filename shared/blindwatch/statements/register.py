"""Who may sign what: the people of a force, each with one role and the public keys of their own.

Every party has its own copy of the register and brings it along itself, so that a server cannot swap it.
"""

from __future__ import annotations

import base64
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from blindwatch.cli import files
from blindwatch.errors import ConfigurationError, TooLarge
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.signing import PublicKeys
from blindwatch.wire import limits

NAME: Final = r"^[a-z0-9][a-z0-9.-]{0,63}$"
PersonName = Annotated[str, StringConstraints(pattern=NAME)]


class PersonRole(StrEnum):
    """What a person is, and nothing else besides: the roles exclude each other."""

    CUSTODIAN = "custodian"
    AUTHORISING_OFFICER = "authorising-officer"
    OPERATOR = "operator"
    SERVER = "server"
    OVERSIGHT = "oversight"


@dataclass(frozen=True)
class Person:
    """Somebody who signs."""

    name: str
    role: PersonRole
    keys: PublicKeys


@dataclass(frozen=True)
class Signers:
    """Whose signatures an envelope carries: those that hold, and those of known people that do not."""

    valid: tuple[Person, ...]
    broken: tuple[Person, ...]

    def of_role(self, role: PersonRole) -> frozenset[str]:
        """The names of the people of one role whose signatures hold."""
        return frozenset(person.name for person in self.valid if person.role is role)


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: PersonName
    role: PersonRole
    ed25519: str
    mldsa44: str


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    people: tuple[_Entry, ...]


class Register:
    """The people, by name. A name, and a key, belongs to one person of one role."""

    def __init__(self, people: Iterable[Person]) -> None:
        self.people = tuple(people)
        names = [person.name for person in self.people]
        if len(set(names)) != len(names):
            raise ConfigurationError(
                "A name is in the register twice.", "Nobody has two roles: they exclude each other."
            )
        keys = [key for person in self.people for key in (person.keys.ed25519, person.keys.mldsa44)]
        if len(set(keys)) != len(keys):
            raise ConfigurationError(
                "A key is in the register twice.", "Every person has keys of their own, and one role."
            )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a register file."""
        return cls.read(files.read(path, "register"))

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Read a register from TOML; raises ConfigurationError or TooLarge."""
        if len(data) > limits.REGISTER:
            raise TooLarge("The register is over its byte limit.")
        try:
            content: Any = tomllib.loads(data.decode())
            listed = _File.model_validate(content).people
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, ValidationError):
            raise ConfigurationError(
                "The register does not follow its form.",
                "Each of [[people]] has a name, a role, and the keys ed25519 and mldsa44.",
            ) from None
        return cls(
            Person(each.name, each.role, PublicKeys(_raw(each.ed25519), _raw(each.mldsa44)))
            for each in listed
        )

    def person(self, name: str) -> Person:
        """The person of this name."""
        found = next((person for person in self.people if person.name == name), None)
        if found is None:
            raise ConfigurationError("The register has nobody of this name.")
        return found

    def holder(self, keys: PublicKeys) -> Person:
        """The person whose keys these are."""
        found = next((person for person in self.people if person.keys == keys), None)
        if found is None:
            raise ConfigurationError(
                "The register does not have these signing keys.",
                "Add the line that 'blindwatch deployment identity' printed.",
            )
        return found

    def signers(self, envelope: Envelope) -> Signers:
        """Whose signatures are on an envelope. Those of unknown keys do not count for anything."""
        message = envelope.message
        verdicts = {
            person.name: person.keys.have_signed(message, envelope.signatures) for person in self.people
        }
        return Signers(
            tuple(person for person in self.people if verdicts[person.name] is True),
            tuple(person for person in self.people if verdicts[person.name] is False),
        )


def entry(person: Person) -> str:
    """A person as the register file has them."""
    return (
        "[[people]]\n"
        f'name = "{person.name}"\n'
        f'role = "{person.role}"\n'
        f'ed25519 = "{base64.b64encode(person.keys.ed25519).decode()}"\n'
        f'mldsa44 = "{base64.b64encode(person.keys.mldsa44).decode()}"\n'
    )


def _raw(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise ConfigurationError("A key in the register is not in base64.") from None
