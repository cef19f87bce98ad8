"""Shares of words: the published vectors, any enough of them, and never fewer."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shamir_mnemonic import Share

from blindwatch.errors import ConfigurationError, WrongKey, WrongShare
from blindwatch.secret.shares import WORDS, Group, Scheme, check, combine, new_master, recover, some_of, split

VECTORS = Path(__file__).parents[3] / "shared" / "vectors" / "slip39" / "vectors.json"
MASTER = bytes(range(32))
TWO_OF_THREE = Scheme((Group(2, 3),))
SHARES = split(MASTER, TWO_OF_THREE)[0]


def vectors() -> list[tuple[str, list[str], str]]:
    if not VECTORS.is_file():
        return []
    return [(row[0], row[1], row[2]) for row in json.loads(VECTORS.read_text())]


@pytest.mark.skipif(not VECTORS.is_file(), reason="needs the SLIP-39 vectors beside the checkout")
def test_all_vectors_are_there() -> None:
    expected = [secret for _, _, secret in vectors()]
    assert (len(expected), expected.count("")) == (45, 30)


@pytest.mark.parametrize(("title", "words", "secret"), vectors(), ids=[row[0] for row in vectors()])
def test_published_vectors(title: str, words: list[str], secret: str) -> None:
    if secret:
        assert combine(words, b"TREZOR").hex() == secret
    else:
        with pytest.raises(WrongShare) as caught:
            combine(words, b"TREZOR")
        said = (caught.value.detail + caught.value.hint).split()
        assert not any(" ".join(share.split()[:2]) in " ".join(said) for share in words)


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_any_enough_shares_and_never_fewer(data: st.DataObject) -> None:
    count = data.draw(st.integers(2, 5))
    threshold = data.draw(st.integers(2, count))
    master = new_master()
    (shares,) = split(master, Scheme((Group(threshold, count),)))
    chosen = data.draw(st.permutations(shares))
    assert combine(chosen[:threshold]) == master
    assert recover(shares, bytes) == master
    with pytest.raises(WrongShare):
        combine(chosen[: threshold - 1])
    with pytest.raises(WrongShare, match="too few"):
        recover(chosen[: threshold - 1], bytes)


def test_every_pair_of_three_opens() -> None:
    assert {combine(pair) for pair in combinations(SHARES, 2)} == {MASTER}
    assert all(len(share.split()) == WORDS for share in SHARES)


def test_groups_open_together_and_not_one_alone() -> None:
    scheme = Scheme((Group(1, 1), Group(2, 3), Group(3, 4)), group_threshold=2)
    groups = split(MASTER, scheme)
    assert combine(groups[0] + groups[1][1:]) == MASTER
    assert combine(some_of(groups, scheme)) == MASTER
    assert scheme.fewest == 3
    assert scheme.count == 8
    assert recover(groups[0] + groups[1] + groups[2], bytes) == MASTER
    for alone in (groups[0], groups[1], groups[2], [groups[0][0], groups[1][0]]):
        with pytest.raises(WrongShare, match="too few"):
            recover(alone, bytes)


def test_shares_of_two_ceremonies_do_not_mix() -> None:
    other = split(MASTER, TWO_OF_THREE)[0]
    with pytest.raises(WrongShare, match="different ceremonies"):
        recover([SHARES[0], other[1]], bytes)
    with pytest.raises(WrongShare):
        combine([SHARES[0], other[1]])


def test_the_same_share_twice_is_one() -> None:
    with pytest.raises(WrongShare, match="too few"):
        recover([SHARES[0], SHARES[0].upper()], bytes)


def forged(words: str, **changes: object) -> str:
    """A share of the same ceremony, number and group that is well written, and is not what was handed out."""
    return str(replace(Share.from_mnemonic(words), **{"value": bytes(32), **changes}).mnemonic())


def only_master(master: bytes) -> bytes:
    """Opens with the one secret, as a wrapped key does."""
    if master != MASTER:
        raise WrongKey("This opens with another secret.")
    return master


@pytest.mark.parametrize("count", [2, 3, 5])
def test_enough_true_shares_open_whatever_else_is_there(count: int) -> None:
    others = [*split(bytes(32), TWO_OF_THREE)[0], forged(SHARES[0]), forged(SHARES[1])]
    for order in (SHARES + others[:count], others[:count] + SHARES, [*others[:1], *others[3:], *SHARES[1:]]):
        assert recover(order, only_master) == MASTER


def test_one_true_share_and_false_ones_open_nothing() -> None:
    with pytest.raises(WrongShare, match="not what was handed out"):
        recover([SHARES[0], forged(SHARES[0]), forged(SHARES[1]), forged(SHARES[2])], only_master)


def test_shares_of_another_secret() -> None:
    with pytest.raises(WrongKey, match="another secret"):
        recover(split(bytes(32), TWO_OF_THREE)[0], only_master)


@pytest.mark.parametrize("changes", [{"iteration_exponent": 15}, {"value": bytes(16)}])
def test_shares_that_no_ceremony_of_ours_makes(changes: dict[str, object]) -> None:
    with pytest.raises(WrongShare, match="something else"):
        recover([forged(SHARES[0], **changes), SHARES[1]], only_master)


def test_nothing_opens_nothing() -> None:
    with pytest.raises(WrongShare, match="too few"):
        recover([], bytes)


def test_a_share_may_be_written_carelessly() -> None:
    assert check(f"  {SHARES[0].upper().replace(' ', '   ')}\n") == SHARES[0]


@given(st.text(max_size=300))
def test_no_text_raises_anything_else(text: str) -> None:
    with pytest.raises(WrongShare):
        check(text)


@given(st.integers(0, WORDS - 1), st.sampled_from(["academic", "zero", "xylophone", ""]))
def test_a_mistaken_word_is_noticed(place: int, word: str) -> None:
    words = SHARES[0].split()
    if words[place] != word:
        words[place] = word
        with pytest.raises(WrongShare) as caught:
            check(" ".join(words))
        said = f"{caught.value.detail} {caught.value.hint}"
        assert SHARES[0].split()[4] not in said
        assert (f"Word {place + 1} " in said) == (word == "xylophone")


@pytest.mark.parametrize("text", ["2of3", "3of5", "1of1", "16of16"])
def test_how_people_write_a_scheme(text: str) -> None:
    group = Group.parse(text)
    assert text == f"{group.threshold}of{group.count}"


@pytest.mark.parametrize("text", ["", "2", "3of2", "1of2", "0of1", "2of17", "2 of 3", "-2of3"])
def test_schemes_that_are_not_possible(text: str) -> None:
    with pytest.raises(ConfigurationError):
        Group.parse(text)


@pytest.mark.parametrize("threshold", [0, 2])
def test_as_many_groups_as_there_are(threshold: int) -> None:
    with pytest.raises(ConfigurationError):
        Scheme((Group(2, 3),), threshold)


@pytest.mark.parametrize(("threshold", "count", "enough"), [(2, 3, True), (3, 3, False), (2, 4, False)])
def test_a_policy_asks_for_so_many_shares(threshold: int, count: int, enough: bool) -> None:
    if enough:
        TWO_OF_THREE.check_at_least(threshold, count)
    else:
        with pytest.raises(ConfigurationError):
            TWO_OF_THREE.check_at_least(threshold, count)
