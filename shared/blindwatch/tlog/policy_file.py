"""Reading the lines of a policy file, after the C2SP draft tlog-policy.

    log <vkey> [<url>]
    witness <name> <vkey> [<url>]
    group <name> all|any|<k> <name>...
    quorum <name>|none

Narrower than the draft: the text is UTF-8, an origin has one key, and no key is that of a log and of a witness.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NoReturn

from blindwatch.errors import ConfigurationError, MalformedLog
from blindwatch.tlog.encoding import to_number
from blindwatch.tlog.keys import Use, VerifierKey

NONE: Final = "none"
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_SPACE: Final = re.compile(r"[ \t]+")


@dataclass(frozen=True)
class Party:
    """A log or a witness, and where it is reached, if the policy says so."""

    key: VerifierKey
    url: str | None


@dataclass(frozen=True)
class Group:
    """So many of the members have to have witnessed a checkpoint; members are witnesses and other groups."""

    threshold: int
    members: tuple[str, ...]


class PolicyFile:
    """What the lines of a policy file define; raises ConfigurationError, which names the line."""

    def __init__(self, data: bytes) -> None:
        self.logs: dict[str, Party] = {}
        self.witnesses: dict[str, Party] = {}
        self.groups: dict[str, Group] = {}
        self.quorum: str | None = None
        self._line = 0
        try:
            text = data.decode()
        except UnicodeDecodeError:
            raise ConfigurationError("The policy of witnesses is not in UTF-8.") from None
        if _CONTROL.search(text) or not text.endswith("\n"):
            raise ConfigurationError("The policy of witnesses is not made of whole lines of text.")
        for number, line in enumerate(text.split("\n"), 1):
            self._line = number
            self._read(line.strip(" \t"))
        if self.quorum is None:
            raise ConfigurationError(
                "The policy of witnesses has no quorum.", "End it with a line: quorum <name>"
            )

    def _read(self, line: str) -> None:
        if not line or line.startswith("#"):
            return
        match _SPACE.split(line):
            case ["log", vkey, *url] if len(url) <= 1:
                self._add_log(vkey, url)
            case ["witness", name, vkey, *url] if len(url) <= 1:
                self._check_new(name)
                self.witnesses[name] = self._party(vkey, Use.WITNESS, url)
            case ["group", name, threshold, *members] if members:
                self._add_group(name, threshold, members)
            case ["quorum", name] if self.quorum is None:
                if name != NONE:
                    self._check_known(name)
                self.quorum = name
            case _:
                self._refuse("is not one of log, witness, group, or the only quorum")

    def _add_log(self, vkey: str, url: list[str]) -> None:
        party = self._party(vkey, Use.LOG, url)
        if party.key.name in self.logs:
            self._refuse("names a log a second time")
        self.logs[party.key.name] = party

    def _add_group(self, name: str, threshold: str, members: list[str]) -> None:
        self._check_new(name)
        taken = {member for group in self.groups.values() for member in group.members}
        for member in members:
            self._check_known(member)
            if member in taken or members.count(member) > 1:
                self._refuse("has a member that counts in a group already")
        count = {"all": len(members), "any": 1}.get(threshold) or self._number(threshold)
        if not 1 <= count <= len(members):
            self._refuse("asks for none of its members, or for more than it has")
        self.groups[name] = Group(count, tuple(members))

    def _party(self, vkey: str, use: Use, url: list[str]) -> Party:
        try:
            key = VerifierKey.parse(vkey, use)
        except ConfigurationError as error:
            raise ConfigurationError(f"Line {self._line} of the policy: {error.detail}", error.hint) from None
        if key.public in {party.key.public for party in (*self.logs.values(), *self.witnesses.values())}:
            self._refuse("has a key that is there already")
        return Party(key, *url) if url else Party(key, None)

    def _number(self, text: str) -> int:
        try:
            return to_number(text)
        except MalformedLog:
            self._refuse("has no threshold: all, any or a number")

    def _check_new(self, name: str) -> None:
        if name == NONE or name in self.witnesses or name in self.groups:
            self._refuse("defines a name that is taken")

    def _check_known(self, name: str) -> None:
        if name not in self.witnesses and name not in self.groups:
            self._refuse("has a name that no line before it defines")

    def _refuse(self, why: str) -> NoReturn:
        raise ConfigurationError(f"Line {self._line} of the policy of witnesses {why}.")
