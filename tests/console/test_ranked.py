"""Ranked search in a page: why first, a ranking, faces on request, and nothing left of what nobody opened."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from blindwatch.console.ranked.looking import UNOPENED
from blindwatch.console.ranked.room import Room
from blindwatch.errors import (
    Busy,
    ConfigurationError,
    NoFace,
    NotFound,
    NotTrained,
    OutsideWindow,
    ServerUnavailable,
    UnreadableImage,
    WrongStep,
)
from blindwatch.operator.searches import Purpose
from blindwatch.records.operator import SearchConcluded, Searched, SearchFailed

from ..client.photographs import bad
from ..client.running import command
from ..gallery import papers
from ..oversight.deployments import Clock
from ..proof.memory import can_read, chunks, stopped
from ..serving import eventually
from .ranked_stage import CRIME, OPERATOR, Gallery, Opened, browsing, csrf, post, search
from .stage import Stage
from .test_memory import core

PURPOSE = Purpose(**CRIME)
SECONDS = 60.0
"""After so long nothing may be left."""


@pytest.fixture(scope="module")
def shared(gallery: Gallery) -> Iterator[Opened]:
    with gallery.page() as opened:
        yield opened


@pytest.fixture
def page(shared: Opened) -> Iterator[Opened]:
    """The page without a search, with nothing in its journal that waits."""
    yield shared
    shared.room.close()
    for each in shared.room.waiting:
        shared.room.conclude(each.searched.search, "inconclusive", OPERATOR)


@pytest.fixture
def http(page: Opened) -> Iterator[httpx.Client]:
    with browsing(page.link()) as http:
        yield http


def kinds(room: Room) -> list[str]:
    return [each.kind for each in room._journal.records()]


# The whole way


def test_a_search_shows_a_ranking_and_faces_on_request(
    gallery: Gallery, page: Opened, http: httpx.Client
) -> None:
    before = len(kinds(page.room))
    assert search(http, gallery.photograph, **CRIME).status_code == 303
    assert kinds(page.room)[before:] == ["searched"]
    ((waiting,), text) = page.room.waiting, http.get("/").text
    made = waiting.searched
    assert (made.operator, made.reference, made.reason) == (OPERATOR, *CRIME.values())
    assert made.photograph == hashlib.sha256(gallery.photograph).hexdigest()
    # The best five in the order of their scores, and nobody else.
    places = [text.find(f"entry {each.reference}") for each in gallery.ranking[:5]]
    assert min(places) > 0
    assert places == sorted(places)
    assert not any(each.reference in text for each in gallery.ranking[5:])
    assert "likeness 0." in text
    assert http.get("/face").content.startswith(b"\xff\xd8\xff")
    # No face before it was asked for, and then the one of that entry.
    assert http.get("/candidates/2").status_code == 404
    assert post(http, "/candidates/2/open").status_code == 303
    answer = http.get("/candidates/2")
    assert answer.content == gallery.portraits[gallery.number(gallery.ranking[1])]
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "no-store"
    assert [http.get(f"/candidates/{rank}").status_code for rank in (1, 3, 4, 5, 6)] == [404] * 5
    # What became of it is said on the page, and then everything is gone.
    assert post(http, "/conclusions", search=made.search, outcome="eliminated").status_code == 303
    assert page.room.look is None
    assert page.room.waiting == []
    assert [http.get(path).status_code for path in ("/face", "/candidates/2")] == [404, 404]
    last = list(page.room._journal.records())[-1]
    assert isinstance(last, SearchConcluded)
    assert (last.search, last.outcome, last.operator) == (made.search, "eliminated", OPERATOR)
    assert post(http, "/conclusions", search=made.search, outcome="inconclusive").status_code == 409


def test_the_outcome_can_be_said_later(gallery: Gallery, page: Opened, http: httpx.Client) -> None:
    search(http, gallery.photograph, **CRIME)
    assert search(http, gallery.photograph, **CRIME).status_code == 409
    assert post(http, "/close").status_code == 303
    text = http.get("/").text
    (waiting,) = page.room.waiting
    assert waiting.searched.search in text
    assert "Searches without an outcome: 1" in text
    assert http.get("/face").status_code == 404


# No search without a crime


@pytest.mark.parametrize(
    "fields",
    [
        {"reason": "unknown-suspect"},
        {"reference": "", "reason": "unknown-suspect"},
        {"reference": "Mr Smith", "reason": "unknown-suspect"},
        {"reference": "CR/0042/26"},
        {"reference": "CR/0042/26", "reason": "I want to"},
    ],
    ids=["no reference", "empty reference", "a name", "no reason", "a sentence"],
)
def test_without_a_crime_or_a_reason_it_is_a_problem_of_rfc_9457(
    gallery: Gallery, page: Opened, fields: dict[str, str]
) -> None:
    before = kinds(page.room)
    with browsing(page.link(), Accept="application/json") as http:
        answer = search(http, gallery.photograph, **fields)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["type"], problem["status"]) == ("urn:blindwatch:problem:invalid-configuration", 422)
    assert not any(value and value in answer.text for value in fields.values())
    # In a browser it is the page, with the same words.
    with browsing(page.link()) as http:
        answer = search(http, gallery.photograph, **fields)
        assert (answer.status_code, answer.headers["content-type"]) == (422, "text/html; charset=utf-8")
        assert problem["detail"] in answer.text
    assert kinds(page.room) == before


@pytest.mark.parametrize("kind", ["words", "nothing", "cut", "wall"])
def test_what_is_no_photograph_of_a_face_is_not_searched_for(
    page: Opened, http: httpx.Client, kind: str
) -> None:
    before = kinds(page.room)
    answer = search(http, bad(kind), **CRIME)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert kinds(page.room) == before


def test_forms_that_are_not_of_the_page(gallery: Gallery, page: Opened, http: httpx.Client) -> None:
    photograph = {"photograph": ("x.jpg", gallery.photograph, "image/jpeg")}
    own = csrf(http)
    assert http.post("/searches", data={"csrf": "x", **CRIME}, files=photograph).status_code == 403
    assert http.post("/searches", data={"csrf": own, **CRIME}).status_code == 422
    assert (
        http.post(
            "/searches", content=b"x", headers={"Content-Type": "multipart/form-data; boundary=b"}
        ).status_code
        == 422
    )
    assert post(http, "/conclusions", search="0" * 32, outcome="guilty").status_code == 422
    assert (
        http.post("/close", data={"csrf": own}, headers={"Origin": "http://elsewhere.test"}).status_code
        == 403
    )
    assert post(http, "/candidates/1/open").status_code == 404
    with httpx.Client(base_url=page.address, headers={"Origin": page.address}) as nobody:
        for path in ("/", "/face", "/candidates/1", "/events"):
            assert nobody.get(path).status_code == 401
    assert page.room.waiting == []


# What time does, by a clock of the test


class Hands:
    """A clock that stands until the test moves it."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.at


def test_candidates_that_nobody_opens_go_after_a_minute_and_the_rest_with_the_key(gallery: Gallery) -> None:
    with gallery.room(hours=8) as room:
        room._clock = hands = Hands()
        room.search(gallery.photograph, PURPOSE, OPERATOR)
        assert room.look is not None
        assert room.look.unopened == 5
        assert not any(each.image for each in room.look.places)
        hands.at += UNOPENED - timedelta(seconds=1)
        room.open(3, OPERATOR)
        hands.at += UNOPENED - timedelta(seconds=1)
        room.open(1, OPERATOR)  # opening one gives the others another minute
        hands.at += UNOPENED - timedelta(seconds=1)
        room.open(3, OPERATOR)  # looking at an open one does not
        hands.at += timedelta(seconds=1)
        assert [(each.rank, each.is_open) for each in room.look.places] == [(1, True), (3, True)]
        assert (room.look.gone, room.look.shown) == (3, 3)
        with pytest.raises(NotFound):
            room.open(2, OPERATOR)
        hands.at = room.key.until
        room.tick()
        assert room.look is None
        assert not room.key.is_held
        with pytest.raises(OutsideWindow):
            room.search(gallery.photograph, PURPOSE, OPERATOR)
        assert kinds(room) == ["key-received", "searched", "key-forgotten"]


def test_who_is_not_trained_does_not_search(gallery: Gallery) -> None:
    with gallery.room(day=date(2020, 1, 2)) as room:
        with pytest.raises(NotTrained):
            room.search(gallery.photograph, PURPOSE, OPERATOR)
        assert kinds(room) == ["key-received"]


def test_a_search_that_fails_is_in_the_journal_as_such(gallery: Gallery) -> None:
    with gallery.room(wait=6) as room:
        gallery.server.pause()
        failures: list[BaseException] = []

        def searching() -> None:
            try:
                room.search(gallery.photograph, PURPOSE, OPERATOR)
            except ServerUnavailable as error:
                failures.append(error)

        thread = threading.Thread(target=searching)
        try:
            thread.start()
            eventually(room._working.locked, 30)
            with pytest.raises(Busy):
                room.search(gallery.photograph, PURPOSE, OPERATOR)
            with pytest.raises(Busy):
                room.conclude("0" * 32, "inconclusive", OPERATOR)
            thread.join(60)
        finally:
            gallery.server.resume()
        assert len(failures) == 1
        made, failed = list(room._journal.records())[1:]
        assert isinstance(made, Searched)
        assert isinstance(failed, SearchFailed)
        assert (failed.search, failed.problem) == (made.search, "urn:blindwatch:problem:server-unavailable")
        assert room.look is None
        (waiting,) = room.waiting
        assert waiting.has_failed
        # The server took it, so that it needs an outcome like every other.
        room.conclude(made.search, "inconclusive", OPERATOR)
        with pytest.raises(WrongStep):
            room.conclude(made.search, "inconclusive", OPERATOR)


def test_a_gallery_without_faces_is_ranked_by_references(gallery: Gallery) -> None:
    with gallery.page(faces=None) as opened, browsing(opened.link()) as http:
        assert search(http, gallery.photograph, **CRIME).status_code == 303
        assert post(http, "/candidates/1/open").status_code == 303
        text = http.get("/").text
        assert "this gallery has none here" in text
        assert "There is no image of this entry here." in text
        assert gallery.ranking[0].reference in text
        assert http.get("/candidates/1").status_code == 404


def test_what_is_refused_before_anything_is_sent(gallery: Gallery) -> None:
    with pytest.raises(ConfigurationError):
        Purpose("", "unknown-suspect")
    with gallery.room() as room:
        for photograph, error in ((b"", UnreadableImage), (bad("wall"), NoFace)):
            with pytest.raises(error):
                room.search(photograph, PURPOSE, OPERATOR)
        assert kinds(room) == ["key-received"]


def test_a_live_deployment_is_not_searched(
    stage: Stage, gallery: Gallery, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = {
        **papers(gallery.folder, stage.server.address),
        "keys": stage.folder / "keys",
        "entries": stage.folder / "watchlist" / "operator.json",
        "register": stage.folder / "register.toml",
        "deployment": stage.deployment,
        "journal": stage.journal,
        "training": gallery.trained(),
    }
    capsys.readouterr()
    assert command("operator", "rank-console", **named) == 1
    assert "reveals matches only, so it cannot be searched" in capsys.readouterr().err


# Memory of a process of its own


@pytest.mark.skipif(not can_read(os.getpid()), reason="this system does not show the memory of processes")
def test_nothing_of_what_nobody_opened_is_in_memory(gallery: Gallery, tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock", 0)
    with clock.kept(), gallery.process(tmp_path) as (process, link), browsing(link) as http:

        def found(needles: dict[str, bytes]) -> set[str]:
            with stopped([process.pid]):
                return {
                    name for chunk in chunks(process.pid) for name, each in needles.items() if each in chunk
                }

        assert search(http, gallery.photograph, **CRIME).status_code == 303
        assert post(http, "/candidates/2/open").status_code == 303
        face, opened = http.get("/face").content, http.get("/candidates/2").content
        ranked = gallery.ranking
        lines = {
            f"line {rank}": f"Candidate {rank}</b>: entry {ranked[rank - 1].reference}".encode()
            for rank in range(1, 6)
        }
        assert all(line.decode() in http.get("/").text for line in lines.values())
        second = gallery.number(ranked[1])
        unopened = {
            f"face {number}": core(image)
            for number, image in enumerate(gallery.portraits)
            if number != second
        }
        looked_at = {"face": core(face), "opened": core(opened)}
        sent = {"photograph": core(gallery.photograph), **gallery.numbers}
        # The face that was searched for and the one that was opened are there; no other face is, nor the photograph,
        # nor what was computed of it, nor the scores of all entries.
        assert found({**looked_at, **unopened, **sent}) == set(looked_at)
        clock.move(1.1)
        eventually(lambda: "gone" in http.get("/").text, SECONDS)
        left = {name: line for name, line in lines.items() if name != "line 2"}
        eventually(lambda: not found(left), SECONDS)
        made = http.get("/").text.split('name="search" value="')[1].split('"')[0]
        assert post(http, "/conclusions", search=made, outcome="nobody-alike").status_code == 303
        eventually(lambda: not found({**looked_at, **unopened, **sent, **lines}), SECONDS)
