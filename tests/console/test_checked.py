"""Checks of one person in a page: grounds first, an answer, a face for a minute, and what became of it."""

from __future__ import annotations

import http.client
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime
from html import escape
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest

from blindwatch.console.checked.answers import MINUTE
from blindwatch.demo.photographs import alter
from blindwatch.errors import (
    BlindwatchError,
    Busy,
    NotFound,
    OutsideWindow,
    ServerUnavailable,
)
from blindwatch.he.presets import preset
from blindwatch.records.operator import Adjudicated, CheckAnswered, Checked
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.portrait import SIDE
from blindwatch.vision.portrait import encoded as jpeg
from blindwatch.vision.registry import Registry

from ..client.clips import Walk, in_memory, write_clip
from ..client.photographs import bad, encoded, group, small
from ..client.running import SIMILARITY, command
from ..client.stations import OPERATOR, Station, stationed
from ..people import CAMERA
from ..proof import known, memory
from ..proof.known import Sighting
from ..proof.search import Needle, Search, needles
from ..serving import FORCE, ServerProcess, eventually
from .cases import NOTE, Clock
from .checked_stage import DETAILS, PUBLIC, Opened, Spot, check
from .ranked_stage import browsing, csrf, post
from .test_memory import core

LISTED: Final = (18, 31, 77)
STRANGER: Final = 50
RED, AMBER, GREEN = (each["instruction"] for each in DETAILS)
WAIT: Final = 90.0
TRIES, PAUSE = 20, 3.0
"""Searches of a program, and seconds for which it goes on between two: a minute, after which nothing may be left."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ExitStack() as stack:
        yield ServerProcess(tmp_path_factory.mktemp("checked"), stack)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, server: ServerProcess) -> Station:
    photographs = [encoded(small(number)) for number in LISTED]
    folder = tmp_path_factory.mktemp("spot")
    return stationed(folder, server, photographs, threshold=SIMILARITY, details=DETAILS)


@pytest.fixture(scope="module")
def pipeline() -> FacePipeline:
    return FacePipeline.named(Registry.load())


@pytest.fixture
def spot(first: Station, pipeline: FacePipeline) -> Spot:
    return Spot(first.opened(), pipeline)


@pytest.fixture
def page(spot: Spot) -> Iterator[Opened]:
    with spot.page() as opened:
        yield opened


@pytest.fixture
def http_(page: Opened) -> Iterator[httpx.Client]:
    with browsing(page.link()) as logged_in:
        yield logged_in


def seen(number: int) -> bytes:
    """Another photograph of somebody."""
    return encoded(alter(small(number)), ".jpg")


def answers(page: Opened) -> list[str]:
    return [each.answer for each in page.journal.records() if isinstance(each, CheckAnswered)]


def inquire(page: Opened, photograph: bytes) -> None:
    page.room.check("public", "cannot-identify", None, bytearray(photograph))


# The whole way


def test_a_match_shows_the_face_of_the_list_until_its_outcome(
    spot: Spot, page: Opened, http_: httpx.Client
) -> None:
    assert check(http_, seen(LISTED[0]), **PUBLIC).status_code == 303
    assert page.kinds == ["key-received", "checked", "alerted", "check-answered"]
    checked = next(each for each in page.journal.records() if isinstance(each, Checked))
    assert (checked.operator, checked.camera, checked.place) == (OPERATOR, CAMERA, "public")
    entry, text = spot.entry(RED), http_.get("/").text
    for said in ("Match", "RED", "▲", entry.reference, "Photograph taken in custody", "Likeness"):
        assert said in text
    assert "Stop &amp; speak &lt;b&gt;softly&lt;/b&gt;" in text
    answer = http_.get("/candidates/0")
    assert answer.content == spot.portrait(entry)
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("image/jpeg", "no-store")
    assert http_.get("/candidates/1").status_code == 404
    # Another check has to wait, and no outcome is without a reason of its own.
    assert check(http_, seen(LISTED[1]), **PUBLIC).status_code == 409
    for wrong in ("rejected/arrest", "rejected/", "rejected", "sent/", "guilty/arrest"):
        assert post(http_, "/outcomes", alert=checked.check, became=wrong).status_code == 409
    became = {"alert": checked.check, "became": "rejected/relative-or-lookalike"}
    assert post(http_, "/outcomes", **became).status_code == 303
    assert page.room.shown is None
    assert http_.get("/candidates/0").status_code == 404
    assert entry.reference not in http_.get("/").text
    last = list(page.journal.records())[-1]
    assert isinstance(last, Adjudicated)
    assert (last.alert, last.outcome, last.reason) == (checked.check, "rejected", "relative-or-lookalike")
    assert last.operator == OPERATOR
    assert post(http_, "/outcomes", **became).status_code == 409


def test_of_somebody_who_is_not_listed_there_is_an_answer_and_nothing_else(
    page: Opened, http_: httpx.Client
) -> None:
    assert check(http_, seen(STRANGER), **PUBLIC).status_code == 303
    text = http_.get("/").text
    assert "No match" in text
    assert "this does not say who the person is" in text
    assert page.kinds == ["key-received", "checked", "check-answered"]
    assert answers(page) == ["no-match"]
    assert page.room.waiting == []
    # The next one may be checked at once, and is not taken for the one before.
    assert check(http_, seen(LISTED[1]), **PUBLIC).status_code == 303
    text = http_.get("/").text
    assert AMBER in text
    assert "this does not say who the person is" not in text


def test_what_became_of_a_match_can_be_said_later(page: Opened, http_: httpx.Client) -> None:
    check(http_, seen(LISTED[1]), **PUBLIC)
    assert page.room.waiting == []
    assert post(http_, "/close").status_code == 303
    (waiting,) = page.room.waiting
    name, text = waiting.alerted.alert, http_.get("/").text
    assert "Other matches without an outcome: 1" in text
    assert AMBER not in text
    assert http_.get("/candidates/0").status_code == 404
    assert post(http_, "/outcomes", alert=name, became="lost/not-comparable").status_code == 303
    assert page.room.waiting == []
    assert [each.final.outcome for each in page.journal.courses().values() if each.final] == ["lost"]


def test_nobody_is_confirmed_before_who_looks_alike_was_considered(page: Opened, http_: httpx.Client) -> None:
    check(http_, seen(LISTED[2]), **PUBLIC)
    text = http_.get("/").text
    assert NOTE in text
    assert "The photograph on the list is 11 years old" in text
    shown = page.room.shown
    assert shown is not None
    assert shown.alert is not None
    became = {"alert": shown.alert.id, "became": "confirmed-true/no-further-action"}
    assert post(http_, "/outcomes", **became).status_code == 409
    assert post(http_, "/considered").status_code == 303
    assert post(http_, "/outcomes", **became).status_code == 303
    assert post(http_, "/considered").status_code == 404


# Grounds before there is a picture


def test_without_grounds_it_is_a_problem_of_rfc_9457(page: Opened) -> None:
    for wrong, said in (
        ({"place": "home"}, "has to be stated"),
        ({"place": "street"}, "no such kind of place"),
        ({"place": ""}, "no such kind of place"),
        ({"reason": "curiosity"}, "no such reason"),
        ({"place": "school", "harm": "none"}, "no such risk"),
    ):
        with browsing(page.link(), Accept="application/json") as plain:
            # That it is no photograph is not found out, since nobody has looked at it.
            answer = check(plain, b"this is not an image", **{**PUBLIC, **wrong})
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
        problem = answer.json()
        assert problem["type"] == "urn:blindwatch:problem:policy-violation"
        assert said in problem["detail"]
        # In a browser it is the page, with the same words.
        with browsing(page.link()) as logged_in:
            answer = check(logged_in, seen(LISTED[0]), **{**PUBLIC, **wrong})
        assert (answer.status_code, answer.headers["content-type"]) == (422, "text/html; charset=utf-8")
        assert problem["detail"] in answer.text
    assert page.kinds == ["key-received"]


def test_what_was_chosen_is_still_chosen_after_a_refusal(page: Opened, http_: httpx.Client) -> None:
    answer = check(http_, seen(STRANGER), place="home", reason="refuses-identity", harm="")
    assert '<option value="home" data-private selected>' in answer.text
    assert '<option value="refuses-identity" selected>' in answer.text
    assert check(http_, seen(STRANGER), place="home", reason="refuses-identity", harm="to-others")
    checked = next(each for each in page.journal.records() if isinstance(each, Checked))
    assert (checked.place, checked.harm) == ("home", "to-others")
    # The next person has grounds of their own.
    assert " selected" not in http_.get("/").text


def test_a_photograph_that_is_of_no_use_is_not_sent(page: Opened, http_: httpx.Client) -> None:
    for photograph, said in (
        (bad("words"), "not an image"),
        (bad("nothing"), "not an image"),
        (bad("wall"), "No face was found"),
        (encoded(group(0, 50)), "shows several faces"),
    ):
        answer = check(http_, photograph, **PUBLIC)
        assert answer.status_code == 422
        assert said in answer.text
    assert page.kinds == ["key-received"]


def test_forms_that_are_not_of_the_page(page: Opened, http_: httpx.Client) -> None:
    photograph = {"photograph": ("x.jpg", seen(LISTED[0]), "image/jpeg")}
    assert http_.post("/checks", data={"csrf": "x", **PUBLIC}, files=photograph).status_code == 403
    assert http_.post("/checks", data={"csrf": csrf(http_), **PUBLIC}).status_code == 422
    elsewhere = {"Origin": "http://elsewhere.test"}
    for path in ("/checks", "/close", "/stop", "/outcomes", "/considered", "/finish"):
        assert http_.post(path, data={"csrf": "x"}, headers=elsewhere).status_code == 403
    for path in ("/close", "/stop", "/outcomes", "/considered", "/finish"):
        assert http_.post(path, data={"csrf": "x"}).status_code == 403
    assert http_.get("/", headers={"Host": "elsewhere.test"}).status_code == 403
    with httpx.Client(base_url=page.address, headers={"Origin": page.address}) as nobody:
        for path in ("/", "/candidates/0", "/events"):
            answer = nobody.get(path)
            assert answer.status_code == 401
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            assert answer.headers["cache-control"] == "no-store"
    assert page.kinds == ["key-received"]
    assert page.room.key.is_held


# What time does, by a clock of the test


def test_faces_go_after_a_minute_and_the_rest_with_the_key(spot: Spot) -> None:
    with spot.room() as (room, journal):
        room._clock = clock = Clock(datetime.now(UTC))
        room.check("public", "cannot-identify", None, bytearray(seen(STRANGER)))
        assert room.shown is not None
        clock.pass_(seconds=MINUTE.total_seconds())
        assert room.shown is None
        room.check("public", "cannot-identify", None, bytearray(seen(LISTED[0])))
        clock.pass_(seconds=MINUTE.total_seconds() - 1)
        assert room.shown is not None
        assert room.shown.has_faces
        clock.pass_(seconds=1)
        shown = room.shown
        assert shown is not None
        assert shown.alert is not None
        assert not shown.has_faces
        assert shown.alert.candidates[0].entry.instruction == RED
        clock.now = room.key.until
        assert room.shown is None
        assert not room.has_key
        with pytest.raises(OutsideWindow):
            room.check("public", "cannot-identify", None, bytearray(seen(STRANGER)))
        with pytest.raises(NotFound):
            room.consider()
        (waiting,) = room.waiting
        assert waiting.final is None
        kinds = [each.kind for each in journal.records()]
        assert kinds[0], kinds[-1] == ("key-received", "key-forgotten")
        assert kinds.count("key-forgotten") == 1


def test_who_is_not_trained_checks_nobody(spot: Spot) -> None:
    with spot.page(day=date(2020, 1, 2)) as page, browsing(page.link()) as http_:
        assert "Your training has run out" in http_.get("/").text
        assert check(http_, seen(LISTED[0]), **PUBLIC).status_code == 403
        assert page.kinds == ["key-received"]


def test_without_the_file_of_faces_a_match_is_shown_by_its_reference(spot: Spot) -> None:
    with spot.page(faces=False) as page, browsing(page.link()) as http_:
        check(http_, seen(LISTED[1]), **PUBLIC)
        text = http_.get("/").text
        assert "this list has none here" in text
        assert "Do not act on the answer alone" in text
        assert spot.entry(AMBER).reference in text


# The server, and the end


def test_a_server_that_does_not_answer_and_a_stop_in_between(spot: Spot) -> None:
    failed: list[BlindwatchError] = []
    server = spot.station.server

    def checking(page: Opened) -> None:
        try:
            inquire(page, seen(LISTED[0]))
        except BlindwatchError as error:
            failed.append(error)

    with spot.page(wait=5) as page:
        server.pause()
        thread = threading.Thread(target=checking, args=(page,))
        try:
            thread.start()
            eventually(page.room._working.locked, 30)
            with pytest.raises(Busy):
                inquire(page, seen(STRANGER))
            thread.join(60)
        finally:
            server.resume()
        assert [type(each) for each in failed] == [ServerUnavailable]
        assert answers(page) == ["unanswered"]
        assert page.room.shown is None
        server.results(spot.station.deployment, 1)
        # Stopped while a check is under way: it has no answer, and the key is gone at once.
        server.pause()
        thread = threading.Thread(target=checking, args=(page,))
        try:
            thread.start()
            eventually(lambda: page.kinds.count("checked") == 2, 30)
            with browsing(page.link()) as http_:
                assert post(http_, "/stop").status_code == 303
                text = http_.get("/").text
            assert "Key</b> gone" in text
            assert not page.room.has_key
        finally:
            server.resume()
        thread.join(60)
        assert isinstance(failed[1], OutsideWindow | ServerUnavailable)
        assert answers(page) == ["unanswered", "unanswered"]
        assert page.kinds[-1] == "key-forgotten"


def test_a_server_that_is_gone_is_said_in_words(
    first: Station, pipeline: FacePipeline, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with ExitStack() as stack:
        own = ServerProcess(tmp_path_factory.mktemp("gone"), stack)
        spot = Spot(Station(first.folder, own).opened(), pipeline)
        with spot.page() as page, browsing(page.link()) as http_:
            own.kill()
            answer = check(http_, seen(LISTED[0]), **PUBLIC)
            assert answer.status_code == 503
            assert 'role="alert"' in answer.text
            # Before there was anything to record.
            assert page.kinds == ["key-received"]


def test_a_live_deployment_is_not_for_checks(
    first: Station, pipeline: FacePipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    live = Spot(first.opened(FORCE), pipeline)
    capsys.readouterr()
    assert command("operator", "check-console", **live.options(tmp_path)) == 1
    assert "not for checks of one person" in capsys.readouterr().err
    assert command("operator", "check-console", **live.options(tmp_path, device="face.jpg")) == 1
    assert "come from a device or a stream" in capsys.readouterr().err
    assert live.station.records() == []


def test_a_camera_of_the_machine_takes_the_photograph(spot: Spot) -> None:
    with in_memory() as folder:
        clip = write_clip(folder / "clip.avi", [Walk(LISTED[0], 0.5, 3, x=100, y=40, speed=0)], 2)
        with spot.page(device=str(clip)) as page, browsing(page.link()) as http_:
            assert 'type="file"' not in http_.get("/").text
            wrong = http_.post("/checks", data={"csrf": csrf(http_)}, files={"nothing": b""})
            assert wrong.status_code == 422
            answer = http_.post("/checks", data={"csrf": csrf(http_), **PUBLIC}, files={"nothing": b""})
            assert answer.status_code == 303
            assert escape(RED) in http_.get("/").text


def test_on_photographs_of_people(
    faces_dir: Path, server: ServerProcess, pipeline: FacePipeline, tmp_path: Path
) -> None:
    """One photograph enrolled, another one checked."""
    lfw = faces_dir / "lfw"
    people = ("George_W_Bush", "Tony_Blair")
    listed = [(lfw / who / f"{who}_0001.jpg").read_bytes() for who in people]
    spot = Spot(stationed(tmp_path, server, listed, details=DETAILS[:2]).opened(), pipeline)
    with spot.page() as page, browsing(page.link()) as http_:
        check(http_, (lfw / "Tony_Blair" / "Tony_Blair_0003.jpg").read_bytes(), **PUBLIC)
        assert AMBER in http_.get("/").text
        assert http_.get("/candidates/0").content == spot.portrait(spot.entry(AMBER))
        page.room.close()
        check(http_, (lfw / "Roger_Federer" / "Roger_Federer_0002.jpg").read_bytes(), **PUBLIC)
        assert "No match" in http_.get("/").text
        assert answers(page) == ["match", "no-match"]


# Memory of a process of its own, under encryption


def evidence(photograph: bytes, pipeline: FacePipeline) -> list[Needle]:
    """What a program makes of a photograph, in every form in which it may hold it."""
    common = jpeg(np.zeros((SIDE, SIDE, 3), np.uint8)).tobytes()  # tables that every JPEG has
    faces = pipeline.faces(photograph)
    found = known.of_sighting(Sighting("the person", photograph, faces), preset("reveal-128"))
    text = core(photograph).decode("ascii", "surrogateescape").encode("utf-16-le", "surrogatepass")
    return [*(each for each in found if each.data not in common), *needles("text of the parser", text)]


def slowly(link: str, cookie: str, token: str, photograph: bytes) -> tuple[http.client.HTTPConnection, bytes]:
    """The form on its way, but for its end, which is returned."""
    parts = "".join(
        f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in {"csrf": token, **PUBLIC}.items()
    )
    head = '--edge\r\nContent-Disposition: form-data; name="photograph"; filename="a.jpg"\r\n\r\n'
    body = f"{parts}{head}".encode() + photograph + b"\r\n--edge--\r\n"
    address = urlsplit(link)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=2 * WAIT)
    connection.putrequest("POST", "/checks")
    for name, value in {
        "Origin": f"http://{address.netloc}",
        "Cookie": cookie,
        "Content-Type": "multipart/form-data; boundary=edge",
        "Content-Length": str(len(body)),
    }.items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(body[:-10])
    return connection, body[-10:]


def inside(process: subprocess.Popen[bytes], search: Search) -> set[str]:
    """What of it is in the memory of the program now."""
    with memory.stopped([process.pid]):
        return search.chunks(memory.chunks(process.pid))


def awaited(process: subprocess.Popen[bytes], search: Search, met: Callable[[set[str]], bool]) -> bool:
    """Whether something is so in time, by what the program has of it: while it is searched it stands still."""
    for _ in range(TRIES):
        if met(inside(process, search)):
            return True
        time.sleep(PAUSE)
    return False


@pytest.mark.skipif(
    not memory.can_read(os.getpid()), reason="this system does not show the memory of processes"
)
def test_nothing_of_a_photograph_is_in_memory_once_it_is_sent_and_no_face_after_the_outcome(
    server: ServerProcess, pipeline: FacePipeline, tmp_path: Path
) -> None:
    listed = [encoded(small(number)) for number in LISTED]
    (tmp_path / "made").mkdir()
    made = stationed(tmp_path / "made", server, listed, "reveal-128", SIMILARITY, DETAILS)
    spot, photograph = Spot(made.opened(), pipeline), seen(LISTED[0])
    shown = spot.portrait(spot.entry(RED))
    others = [each for each in spot.portraits if each != shown]
    assert len(others) == len(LISTED) - 1
    faces = [Needle("shown", core(shown)), *(Needle("another face", core(each)) for each in others)]
    search = Search([*evidence(photograph, pipeline), *faces])

    with spot.process(tmp_path) as (process, link), browsing(link) as http_:
        cookie = "; ".join(f"{name}={value}" for name, value in http_.cookies.items())
        connection, rest = slowly(link, cookie, csrf(http_), photograph)
        try:
            # Without this, finding nothing afterwards would mean nothing.
            assert awaited(process, search, lambda found: any("photograph" in each for each in found))
            server.pause()
            try:
                connection.send(rest)
                eventually(lambda: server.client("operator").health().queued > 0, WAIT)
                assert inside(process, search) == set()
            finally:
                server.resume()
            assert connection.getresponse().status == 303
        finally:
            connection.close()
        assert http_.get("/candidates/0").content == shown
        assert inside(process, search) == {"shown"}
        name = http_.get("/").text.split('name="alert" value="')[1].split('"')[0]
        assert post(http_, "/outcomes", alert=name, became="rejected/different-person").status_code == 303
        assert awaited(process, search, lambda found: not found)
