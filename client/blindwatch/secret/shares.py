"""The master secret in shares of words after SLIP-39, so that nobody opens anything alone.

The sharing is the `shamir-mnemonic` library's, by the authors of the standard. Words are never part of an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from secrets import token_bytes
from typing import Final

from shamir_mnemonic import MnemonicError, Share, combine_mnemonics, generate_mnemonics

from blindwatch.errors import ConfigurationError, WrongShare

MASTER_BYTES: Final = 32
WORDS: Final = 33
"""Of each share of a 32-byte secret."""
_MOST: Final = 16
_GROUP: Final = re.compile(r"([0-9]{1,2})of([0-9]{1,2})")


@dataclass(frozen=True)
class Group:
    """A number of shares, of which so many are enough."""

    threshold: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.threshold <= self.count <= _MOST or (self.threshold == 1 and self.count > 1):
            raise ConfigurationError(
                f"{self.threshold} of {self.count} shares is not possible.",
                f"At most {_MOST} shares; of several at least two are needed to open.",
            )

    @classmethod
    def parse(cls, text: str) -> Group:
        """A group as people write it, such as 2of3."""
        found = _GROUP.fullmatch(text)
        if not found:
            raise ConfigurationError(
                "The number of shares is not understood.", "Write it as 2of3, for example."
            )
        return cls(int(found[1]), int(found[2]))


@dataclass(frozen=True)
class Scheme:
    """Groups of shares, of which so many are enough. Plain sharing is one group."""

    groups: tuple[Group, ...]
    group_threshold: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.group_threshold <= len(self.groups) <= _MOST:
            raise ConfigurationError(
                "There are not as many groups as are needed to open.", f"At most {_MOST} groups."
            )

    @property
    def fewest(self) -> int:
        """The fewest people who can open together."""
        return sum(sorted(group.threshold for group in self.groups)[: self.group_threshold])

    @property
    def count(self) -> int:
        """How many shares there are."""
        return sum(group.count for group in self.groups)

    def check_at_least(self, threshold: int, count: int) -> None:
        """Refuse a scheme in which fewer people open, or fewer hold shares, than a policy asks for."""
        if self.fewest < threshold or self.count < count:
            raise ConfigurationError(
                f"The policy asks for {threshold} of {count} shares at least.", "Use more shares."
            )


def new_master() -> bytes:
    """A new master secret."""
    return token_bytes(MASTER_BYTES)


def split(master: bytes, scheme: Scheme) -> list[list[str]]:
    """The shares of a secret, group by group, each as its words with spaces between them."""
    groups = [(group.threshold, group.count) for group in scheme.groups]
    shares: list[list[str]] = generate_mnemonics(scheme.group_threshold, groups, master)
    return shares


def combine(shares: Sequence[str], passphrase: bytes = b"") -> bytes:
    """The secret of enough shares; raises WrongShare. Our own shares have no passphrase."""
    for words in shares:
        check(words)
    try:
        master: bytes = combine_mnemonics(shares, passphrase)
    except MnemonicError as error:
        raise WrongShare(_together(shares), _MORE) from error.__cause__
    return master


def some_of(shares: Iterable[Sequence[str]], scheme: Scheme) -> list[str]:
    """Just enough of the shares of a ceremony, to try them out."""
    groups = sorted(zip(scheme.groups, shares, strict=True), key=lambda pair: pair[0].threshold)
    return [words for group, held in groups[: scheme.group_threshold] for words in held[: group.threshold]]


def check(words: str) -> str:
    """One share in its plain form: lower case, one space between words; raises WrongShare."""
    plain = " ".join(words.lower().split())
    try:
        Share.from_mnemonic(plain)
    except (MnemonicError, ValueError):
        raise WrongShare(
            "The words are not a share.", f"Look for a mistake in the {WORDS} words, and in their order."
        ) from None
    return plain


_MORE: Final = "Shares come from one ceremony, each is used once, and it takes as many as that ceremony set."


def _together(shares: Sequence[str]) -> str:
    ceremonies = {Share.from_mnemonic(words).identifier for words in shares}
    if len(ceremonies) > 1:
        return "The shares are of different ceremonies."
    return "The shares do not open anything together."
