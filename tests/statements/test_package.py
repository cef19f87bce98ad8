"""The operator's package: it says what it was made from, and nothing else is taken for one."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindwatch.errors import MalformedMessage, TooLarge
from blindwatch.statements.package import OperatorPackage, PackageEntry, Priority
from blindwatch.wire import limits

LINES = st.none() | st.text(st.characters(blacklist_categories=["Cc", "Cs"]), min_size=1, max_size=40)
ENTRIES = st.builds(
    lambda **fields: PackageEntry(**fields),
    reference=st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", min_size=8, max_size=8),
    category=st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True),
    priority=st.sampled_from(Priority),
    instruction=LINES,
    image_date=st.none() | st.dates(),
    known_relative=LINES,
)


def package(*entries: PackageEntry) -> OperatorPackage:
    return OperatorPackage(
        preset="reveal-128",
        key_id="01" * 32,
        model_digest="ab" * 32,
        similarity=0.5,
        gate=92,
        fine_threshold=16_000,
        entries=entries,
    )


@given(st.lists(ENTRIES, min_size=1, max_size=4, unique_by=lambda entry: entry.reference))
def test_there_and_back(entries: list[PackageEntry]) -> None:
    made = package(*entries)
    assert OperatorPackage.from_json(made.to_json()) == made
    assert made.thresholds.fine == 16_000


ONE = package(
    PackageEntry(
        reference="ABCDEFG2",
        category="wanted-by-court",
        priority=Priority.RED,
        instruction="Stop and speak",
        image_date=date(2021, 3, 4),
        known_relative=None,
    )
)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_bytes_that_are_no_package(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        OperatorPackage.from_json(data)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"red"', b'"purple"'),
        (b"ABCDEFG2", b"ABCDEFG1"),
        (b"ABCDEFG2", b"SMITH"),
        (b'"similarity": 0.5', b'"similarity": "high"'),
        (b'"gate"', b'"name"'),
        (b"Stop and speak", b"Stop\\nand speak"),
        (b"2021-03-04", b"yesterday"),
        (b'"wanted-by-court"', b'"wanted-by-court", "name": "Smith"'),
    ],
)
def test_a_package_with_something_else_in_it(old: bytes, new: bytes) -> None:
    data = ONE.to_json()
    assert data.count(old) == 1
    with pytest.raises(MalformedMessage):
        OperatorPackage.from_json(data.replace(old, new))


def test_a_reference_twice() -> None:
    data = ONE.model_copy(update={"entries": ONE.entries * 2}).to_json()
    with pytest.raises(MalformedMessage):
        OperatorPackage.from_json(data)


def test_a_package_over_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PACKAGE", len(ONE.to_json()))
    assert OperatorPackage.from_json(ONE.to_json()) == ONE
    with pytest.raises(TooLarge):
        OperatorPackage.from_json(ONE.to_json() + b" ")
