"""The limit on alerts about one entry: what is held back is neither shown nor kept nor recorded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from blindwatch.console.board import board
from blindwatch.operator.journal import Journal
from blindwatch.records.operator import Alerted, AlertsHeldBack

from .cases import ANNA, BEN
from .past import MOST, entries, had, place
from .stage import SECOND_CAMERA, Page, Stage


def held_back(page: Page, operator: str = ANNA) -> list[str]:
    return [line.text for line in board(page.post.duty, operator).lines if line.label == "Held back"]


def records(stage: Stage, kind: type[Alerted] | type[AlertsHeldBack]) -> list[Alerted | AlertsHeldBack]:
    with Journal(stage.journal) as journal:
        return [each for each in journal.records() if isinstance(each, kind)]


def opened(found: list[int]) -> Callable[[], None]:
    """What notes that the face of a probe is about to be opened."""
    return lambda: found.append(1)


def test_an_entry_has_as_many_alerts_as_the_profile_allows_and_then_none(stage: Stage) -> None:
    had(stage, MOST - 1, 0)
    faces: list[int] = []
    with stage.console(BEN, opening=opened(faces)) as page:
        assert held_back(page) == []
        last = stage.walk(page)
        (said,) = held_back(page)
        assert f"entry {entries(stage)[place(stage, 0)].reference} has had {MOST} alerts" in said
        assert held_back(page, BEN) == [said], "operators of one console count together"
        later = page.post.duty.now() + timedelta(seconds=31)
        page.post.duty._clock = page.post.duty._desk._clock = page.post.duty._desk.tray._clock = lambda: later
        before = board(page.post.duty, ANNA)
        version, seen = page.post.duty.version, len(faces)
        for camera in ("gate-1", SECOND_CAMERA):
            held = stage.walk(page, camera=camera)
            with page.post.duty.desk() as desk:
                assert [each.id for each in desk.tray.alerts] == [last]
                assert not desk.tray.alerts[0].is_seen_again
        after = board(page.post.duty, ANNA)
        assert (page.post.duty.version, len(faces)) == (version, seen)
        assert [line for line in after.lines if line.label != "Faces seen"] == [
            line for line in before.lines if line.label != "Faces seen"
        ]
        # Others are found as before.
        other = stage.walk(page, 1)
        with page.post.duty.desk() as desk:
            assert {each.id for each in desk.tray.alerts} == {last, other}
    assert len(records(stage, Alerted)) == MOST + 1
    (noted,) = records(stage, AlertsHeldBack)
    assert isinstance(noted, AlertsHeldBack)
    assert noted.alerts == MOST
    written = b"".join(path.read_bytes() for path in stage.journal.rglob("*") if path.is_file())
    assert held.encode() not in written
    assert stage.crops[held] not in written


def test_a_console_that_is_started_again_counts_on(stage: Stage) -> None:
    had(stage, MOST, 0)
    had(stage, MOST - 2, 1)
    with stage.console() as page:
        assert len(held_back(page)) == 1
        stage.walk(page)
        found = stage.walk(page, 1)
        with page.post.duty.desk() as desk:
            assert [each.id for each in desk.tray.alerts] == [found]
    with stage.console() as page:
        assert len(held_back(page)) == 1
        stage.walk(page, 1)
        assert len(held_back(page)) == 2
        stage.walk(page, 1, SECOND_CAMERA)
    assert len(records(stage, Alerted)) == 2 * MOST
    assert len(records(stage, AlertsHeldBack)) == 2
