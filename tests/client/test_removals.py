"""Removal from a list as the operator sees it: nobody removed is shown, and a server that ignores it is found out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindwatch.errors import Problem, RemovalIgnored
from blindwatch.operator import showing
from blindwatch.operator.fetching import read
from blindwatch.operator.reading import Match, Reader
from blindwatch.operator.removals import Removals, goes_on
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.package import OperatorPackage
from blindwatch.statements.predicates import DeploymentManifest, Tombstone

from ..people import stamp
from ..serving import FORCE
from .posts import KNOWN, NAMES, PRESET, STRANGER, THRESHOLD, Post, as_result, released
from .running import only_error

REMOVED = 0
KEPT = 1


def removal(post: Post, *removed: int, sequence: int = 1, signer: str = "b.osei") -> Envelope:
    """A custodian takes entries off the list of a post."""
    made = Tombstone(
        deployment=post.deployment,
        watchlist_digest=listed(post),
        sequence=sequence,
        removed=removed,
        reason="Found at home",
        issued_at=stamp(datetime.now(UTC)),
    )
    return FORCE.sign(made.envelope(), signer)


def manifest(post: Post) -> DeploymentManifest:
    served = post.server.client("operator").get_manifest(post.deployment)
    return DeploymentManifest.read(Envelope.from_json(served))


def listed(post: Post) -> str:
    """The digest of the list that is in force."""
    return manifest(post).watchlist.digest


def remove(post: Post, *removed: int, sequence: int = 1) -> Envelope:
    made = removal(post, *removed, sequence=sequence)
    post.server.client("custodian").put_tombstone(post.deployment, sequence, made.to_json())
    return made


def removals(post: Post, handed: Envelope | None = None) -> Removals:
    return Removals(post.server.client("operator"), manifest(post), FORCE.register, handed)


def shown(post: Post, folder: Path, count: int, **options: object) -> list[list[int]]:
    """The entries that a run of the operator shows for each result."""
    out = folder / f"matches-{len(list(folder.iterdir()))}.json"
    assert post.run(count=count, out=out, **options) == 0
    return [[match["entry"] for match in each["matches"]] for each in json.loads(out.read_text())]


# K13


def test_a_removed_entry_is_not_shown_any_more(
    post: Post, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    post.see(KNOWN)
    assert shown(post, tmp_path, 1) == [[REMOVED, KEPT]]
    post.see(KNOWN)  # compared before the removal, read after it
    remove(post, REMOVED)
    post.server.client("camera").post_probe(post.deployment, post.probe(KNOWN))
    post.server.results(post.deployment, 2)
    capsys.readouterr()
    assert shown(post, tmp_path, 2) == [[KEPT], [KEPT]]
    printed = capsys.readouterr().out
    assert post.references[REMOVED] not in printed
    assert "violation" not in printed


def test_who_is_removed_is_not_noticed_in_what_the_server_sees(post: Post, tmp_path: Path) -> None:
    remove(post, REMOVED, KEPT)
    post.see(KNOWN, STRANGER)
    assert shown(post, tmp_path, 2) == [[], []]
    assert post.left() == 0


def test_a_result_of_another_list_is_not_opened(post: Post, reader: Reader) -> None:
    watching = removals(post)
    release = released({1: 0}, {1: THRESHOLD + 5})
    reading = read(as_result(release, watchlist="11" * 32), reader, watching)
    assert (reading.matches, reading.problem) == ((), Problem.OTHER_WATCHLIST)
    assert read(as_result(release, watchlist=listed(post)), reader, watching).matches == (
        Match(1, THRESHOLD + 5),
    )


# Violations


@pytest.mark.parametrize(
    ("sequence", "problem"), [(0, None), (1, Problem.REMOVAL_IGNORED), (2, Problem.REMOVAL_IGNORED)]
)
def test_a_match_that_a_removal_should_have_prevented(
    post: Post, reader: Reader, sequence: int, problem: Problem | None
) -> None:
    remove(post, 3)
    release = released({1: 0, 3: 0}, {1: THRESHOLD + 5, 3: THRESHOLD + 9})
    result = as_result(release, watchlist=listed(post)).model_copy(update={"tombstone": sequence})
    assert read(result, reader).matches == (Match(1, THRESHOLD + 5), Match(3, THRESHOLD + 9))
    reading = read(result, reader, removals(post))
    assert (reading.matches, reading.problem) == ((Match(1, THRESHOLD + 5),), problem)


def test_a_violation_is_reported_and_names_nobody(post: Post, reader: Reader) -> None:
    remove(post, 3)
    forged = as_result(released({3: 0}, {3: THRESHOLD}), watchlist=listed(post))
    result = forged.model_copy(update={"tombstone": 1})
    reading = read(result, reader, removals(post))
    entries = OperatorPackage.load(post.entries).entries
    table = showing.matches([reading], entries)
    cells = [cell for column in table.columns for cell in column.cells]
    assert any("violation: The server does not keep to a removal" in str(cell) for cell in cells)
    assert "report this" in str(table.caption)
    assert not any(entry.reference in map(str, cells) for entry in entries)
    described = showing.describe(reading, entries)
    assert (described["matches"], described["problem"]) == ([], Problem.REMOVAL_IGNORED.urn)


def test_a_server_without_the_removal_that_a_custodian_handed_over(
    post: Post, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    post.see(KNOWN)
    file = tmp_path / "removal.dsse.json"
    file.write_bytes(removal(post, REMOVED).to_json())
    assert post.run(count=1, removal=file) == 1
    printed = capsys.readouterr()
    assert "does not have the newest removal" in only_error(printed.err)
    assert post.references[REMOVED] not in printed.out
    assert post.left() == 1
    remove(post, REMOVED)
    assert shown(post, tmp_path, 1, removal=file) == [[KEPT]]


def test_a_removal_that_was_seen_cannot_be_taken_back(post: Post) -> None:
    remove(post, REMOVED)
    watching = removals(post)
    remove(post, REMOVED, 3, sequence=2)
    watching.refresh()
    assert watching.sort_out([Match(0, 1), Match(1, 1), Match(3, 1)], 0) == ([Match(1, 1)], False)
    with pytest.raises(RemovalIgnored):
        removals(post, handed=removal(post, REMOVED, 3, 4, sequence=3))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"signer": "e.novak"}, "needs the signature of a custodian"),
        ({"removed": (len(NAMES),)}, "an entry that the list does not have"),
        ({"other": True}, "another list"),
    ],
)
def test_a_removal_that_does_not_hold(
    post: Post, tmp_path: Path, changes: dict[str, Any], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made = removal(post, *changes.get("removed", (REMOVED,)), signer=changes.get("signer", "b.osei"))
    if "other" in changes:
        content = Tombstone.read(made).model_copy(update={"watchlist_digest": "00" * 32})
        made = FORCE.sign(content.envelope(), "b.osei")
    file = tmp_path / "removal.dsse.json"
    file.write_bytes(made.to_json())
    assert post.run(count=1, removal=file) == 1
    assert said in only_error(capsys.readouterr().err)


ENTRIES = st.sets(st.integers(0, 6), min_size=1)


@given(ENTRIES, ENTRIES, st.integers(1, 3), st.integers(1, 3))
def test_what_goes_on_from_what(one: set[int], two: set[int], first: int, second: int) -> None:
    def made(removed: set[int], sequence: int) -> Tombstone:
        return Tombstone(
            deployment="gate-4",
            watchlist_digest="00" * 32,
            sequence=sequence,
            removed=tuple(sorted(removed)),
            reason="Found",
            issued_at="2026-11-25T00:00:00Z",
        )

    expected = (first == second and one == two) or (first > second and one >= two)
    assert goes_on(made(one, first), made(two, second)) == expected
    assert not goes_on(None, made(two, second))


def test_the_preset_of_these_tests_encrypts_nothing() -> None:
    assert PRESET.is_insecure  # so that results can be forged
