"""Shares of words: the published vectors, any enough of them, and never fewer."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindwatch.errors import ConfigurationError, WrongShare
from blindwatch.secret.shares import WORDS, Group, Scheme, check, combine, new_master, some_of, split

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
    with pytest.raises(WrongShare):
        combine(chosen[: threshold - 1])


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
    for alone in (groups[0], groups[1], groups[2], [groups[0][0], groups[1][0]]):
        with pytest.raises(WrongShare):
            combine(alone)


def test_shares_of_two_ceremonies_do_not_mix() -> None:
    other = split(MASTER, TWO_OF_THREE)[0]
    with pytest.raises(WrongShare, match="different ceremonies"):
        combine([SHARES[0], other[1]])


def test_the_same_share_twice_is_one() -> None:
    with pytest.raises(WrongShare):
        combine([SHARES[0], SHARES[0]])


def test_more_shares_than_needed_are_refused_and_nothing_is_opened() -> None:
    with pytest.raises(WrongShare):
        combine(SHARES)


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
        assert SHARES[0].split()[4] not in caught.value.detail + caught.value.hint


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
