"""The master secret in shares of words after SLIP-39, so that nobody opens anything alone.

The sharing is the `shamir-mnemonic` library's, by the authors of the standard. Words are never part of an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations, product
from secrets import token_bytes
from typing import Final, TypeVar

from shamir_mnemonic import MnemonicError, Share, combine_mnemonics, generate_mnemonics
from shamir_mnemonic.share import ShareCommonParameters, ShareGroupParameters
from shamir_mnemonic.wordlist import WORD_INDEX_MAP

from blindwatch.errors import BlindwatchError, ConfigurationError, WrongKey, WrongShare

T = TypeVar("T")

MASTER_BYTES: Final = 32
WORDS: Final = 33
"""Of each share of a 32-byte secret."""
_MOST: Final = 16
_ITERATIONS: Final = 1
"""The iteration exponent of SLIP-39. There is no passphrase to protect."""
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
    shares: list[list[str]] = generate_mnemonics(
        scheme.group_threshold, groups, master, iteration_exponent=_ITERATIONS
    )
    return shares


def combine(shares: Sequence[str], passphrase: bytes = b"") -> bytes:
    """The secret of exactly enough shares, as the standard has it; raises WrongShare. Ours have no passphrase."""
    for words in shares:
        check(words)
    try:
        master: bytes = combine_mnemonics(shares, passphrase)
    except MnemonicError:
        raise WrongShare("The shares do not make up a secret.") from None
    return master


def recover(shares: Iterable[str], opening: Callable[[bytes], T]) -> T:
    """What opens with the secret that any enough of the shares make up, whatever else is among them.

    Raises WrongShare if they make up none, and the WrongKey of `opening` if theirs is the secret of something else.
    """
    ceremonies: dict[ShareCommonParameters, list[Share]] = {}
    for share in {check(words): _ours(words) for words in shares}.values():
        ceremonies.setdefault(share.common_parameters(), []).append(share)
    refused: BlindwatchError | None = None
    for held in ceremonies.values():
        try:
            return opening(_secret(held))
        except (WrongShare, WrongKey) as error:
            refused = error
    if len(ceremonies) == 1 and refused is not None:
        raise refused
    if ceremonies:
        raise WrongShare("The shares are of different ceremonies.", "Look at the key on the sheets.")
    raise _too_few()


def _secret(shares: Sequence[Share]) -> bytes:
    """The secret of shares of one ceremony."""
    tried = False
    for chosen in _choices(shares):
        tried = True
        with suppress(WrongShare):
            return combine([each.mnemonic() for each in chosen])
    if tried:
        raise WrongShare(
            "The shares do not open anything together: one of them is not what was handed out.",
            "Bring another share, and find out who keeps the wrong one.",
        )
    raise _too_few()


def _choices(shares: Sequence[Share]) -> Iterator[list[Share]]:
    """Every choice of just enough shares of one ceremony: the library, as the standard says, takes no more."""
    groups: dict[ShareGroupParameters, list[Share]] = {}
    for share in shares:
        groups.setdefault(share.group_parameters(), []).append(share)
    whole = [held for of, held in groups.items() if len(held) >= of.member_threshold]
    for chosen in combinations(whole, shares[0].group_threshold):
        for parts in product(*(combinations(held, held[0].member_threshold) for held in chosen)):
            yield [share for part in parts for share in part]


def _too_few() -> WrongShare:
    return WrongShare(
        "There are too few shares to open anything.", "It takes as many people as the ceremony set."
    )


def _ours(words: str) -> Share:
    """A share as our ceremonies make them. Others could take hours to combine: the standard allows it."""
    share = Share.from_mnemonic(words)
    if len(share.value) != MASTER_BYTES or share.iteration_exponent != _ITERATIONS:
        raise WrongShare("The share is of something else than a key.")
    return share


def some_of(shares: Iterable[Sequence[str]], scheme: Scheme) -> list[str]:
    """Just enough of the shares of a ceremony, to try them out."""
    groups = sorted(zip(scheme.groups, shares, strict=True), key=lambda pair: pair[0].threshold)
    return [words for group, held in groups[: scheme.group_threshold] for words in held[: group.threshold]]


def check(words: str) -> str:
    """One share in its plain form: lower case, one space between words; raises WrongShare."""
    plain = words.lower().split()
    for place, word in enumerate(plain, 1):
        if word not in WORD_INDEX_MAP:
            raise WrongShare(
                f"Word {place} is not among the words that shares are made of.", "Look at the sheet again."
            )
    try:
        Share.from_mnemonic(" ".join(plain))
    except (MnemonicError, ValueError):
        raise WrongShare(
            "The words are not a share: their check does not agree.",
            f"Look for a mistake in the {WORDS} words, and in their order.",
        ) from None
    return " ".join(plain)
