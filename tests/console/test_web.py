"""The pages over a real socket: who gets in, what is refused, and what every answer forbids browsers to do."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from blindwatch.console.guarding import HEADERS
from blindwatch.console.serving import Service
from blindwatch.console.sessions import COOKIE
from blindwatch.errors import ConfigurationError

from ..client.photographs import small
from ..serving import eventually
from .cases import ANNA, BEN
from .stage import Page, Stage

SAFE = ("/static/console.css", "/static/console.js", "/static/icon.svg")


@pytest.fixture
def page(stage: Stage) -> Iterator[Page]:
    with stage.console(BEN) as page:
        yield page


@pytest.fixture(scope="module")
def quiet(prepared: Stage) -> Iterator[Page]:
    """A console for tests that change nothing; nobody walks past."""
    prepared.open()
    with prepared.console(BEN) as page:
        yield page


@contextmanager
def browser(page: Page, operator: str | None = ANNA) -> Iterator[httpx.Client]:
    """A client that sends what a browser would, logged in unless it is nobody's."""
    with httpx.Client(base_url=page.address, headers={"Origin": page.address}) as http:
        if operator is not None:
            token = page.link(operator).rsplit("/", 1)[1]
            assert http.post("/login", data={"token": token}).status_code == 303
        yield http


def csrf(http: httpx.Client) -> str:
    return http.get("/").text.split('name="csrf" value="')[1].split('"')[0]


def post(http: httpx.Client, path: str, **fields: str) -> httpx.Response:
    return http.post(path, data={"csrf": csrf(http), **fields})


# Who gets in


def test_a_link_works_once_and_only_when_it_is_sent(page: Page) -> None:
    token = page.printed[ANNA].rsplit("/", 1)[1]
    assert set(page.printed) == {ANNA, BEN}
    with browser(page, None) as http:
        for _ in range(2):  # looking at it does not use it up
            assert ANNA in http.get(f"/login/{token}").text
        answer = http.post("/login", data={"token": token})
        assert answer.status_code == 303
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"{COOKIE}=")
        assert {"HttpOnly", "SameSite=strict"} <= {part.strip() for part in cookie.split(";")}
        assert http.get("/").status_code == 200
        assert http.post("/login", data={"token": token}).status_code == 401
        assert http.get(f"/login/{token}").status_code == 401
    with browser(page, None) as other:
        assert other.get("/").status_code == 401
        assert other.get(f"/login/{'x' * 43}").status_code == 401


@pytest.mark.parametrize("path", ["/", "/events", "/alerts/x/probe", "/alerts/x/candidates/0"])
def test_nothing_is_shown_to_who_is_not_logged_in(quiet: Page, path: str) -> None:
    with browser(quiet, None) as http:
        answer = http.get(path)
        assert answer.status_code == 401
        assert "not logged in" in answer.text.lower()
        http.cookies.set(COOKIE, "made-up")
        assert http.get(path).status_code == 401


@pytest.mark.parametrize("path", ["/stop", "/take", "/finish", "/logout", "/alerts/x/decision"])
def test_nothing_is_done_for_who_is_not_logged_in(quiet: Page, path: str) -> None:
    with browser(quiet, None) as http:
        assert http.post(path, data={"csrf": "x"}).status_code == 401
    assert not quiet.post.duty.over.is_set()


def test_who_logs_out_is_out(quiet: Page) -> None:
    with browser(quiet) as http:
        cookie = http.cookies[COOKIE]
        assert post(http, "/logout").status_code == 200
        http.cookies.set(COOKIE, cookie)
        assert http.get("/").status_code == 401


# What other pages cannot do


@pytest.mark.parametrize("path", ["/stop", "/take", "/finish", "/logout"])
@pytest.mark.parametrize("origin", ["http://evil.example", "null", "", "http://127.0.0.1:1"])
def test_forms_of_other_pages_are_refused(quiet: Page, path: str, origin: str) -> None:
    with browser(quiet) as http:
        fields = {"csrf": csrf(http)}
        assert http.post(path, data=fields, headers={"Origin": origin}).status_code == 403
        assert http.get("/").status_code == 200
    assert not quiet.post.duty.over.is_set()


@pytest.mark.parametrize("token", [None, "", "x" * 43, "ü"])
def test_forms_without_the_token_of_the_session_are_refused(quiet: Page, token: str | None) -> None:
    with browser(quiet) as http, browser(quiet, BEN) as other:
        fields = {} if token is None else {"csrf": token}
        for each in (fields, {"csrf": csrf(other)}):
            assert http.post("/stop", data=each).status_code in {403, 422}
    assert not quiet.post.duty.over.is_set()


@pytest.mark.parametrize("host", ["evil.example", "localhost", "127.0.0.1", "127.0.0.1:1", ""])
def test_other_names_for_this_machine_are_refused(quiet: Page, host: str) -> None:
    with browser(quiet) as http:
        for path in ("/", "/static/console.js"):
            assert http.get(path, headers={"Host": host}).status_code == 403


def test_only_loopback_is_listened_to(quiet: Page) -> None:
    address, port = quiet.address.removeprefix("http://").split(":")
    assert ipaddress.ip_address(address).is_loopback
    for other in ("127.0.0.1", "127.0.0.2", socket.gethostbyname(socket.gethostname())):
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://{other}:{port}/")


def test_a_port_that_is_taken_is_said_to_be(quiet: Page) -> None:
    with socket.create_server(("", 0)) as taken, pytest.raises(ConfigurationError, match="this port"):
        Service(quiet.post, taken.getsockname()[1])


def test_every_answer_forbids_what_no_page_needs(quiet: Page) -> None:
    with browser(quiet) as http, browser(quiet, None) as nobody:
        answers = [
            *(http.get(path) for path in ("/", "/nowhere", "/alerts/x/probe", *SAFE)),
            *(http.post(path, data={"csrf": "x"}) for path in ("/stop", "/login", "/nowhere")),
            nobody.get("/"),
            http.get("/", headers={"Host": "evil.example"}),
        ]
    for answer in answers:
        for name, value in HEADERS.items():
            assert answer.headers[name] == value
    policy = HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert not any(word in policy for word in ("unsafe", "*", "http", "data:"))


def test_no_page_has_script_or_style_of_its_own_or_anything_from_elsewhere(stage: Stage, page: Page) -> None:
    stage.walk(page, 2)
    with browser(page) as http:
        post(http, "/take")
        for text in (http.get("/").text, http.get("/nowhere").text, http.get(page.link(BEN)).text):
            assert "<script>" not in text
            assert "<style" not in text
            assert " style=" not in text
            assert " onclick=" not in text
            assert "//" not in text.replace(f"{page.address}", "").replace("</", "")


# What is sent wrongly


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 422),
        ({"stage": "new", "outcome": "arrested"}, 422),
        ({"stage": "old", "outcome": "rejected"}, 422),
        ({"stage": "new", "outcome": "rejected", "reason": "no-idea"}, 422),
        ({"stage": "new", "outcome": "rejected"}, 409),
        ({"stage": "new", "outcome": "expired"}, 409),
        ({"stage": "new", "outcome": "confirmed-true", "reason": "arrest"}, 409),
        ({"stage": "sent", "outcome": "engaged"}, 409),
    ],
)
def test_a_decision_that_cannot_be_changes_nothing(
    stage: Stage, page: Page, fields: dict[str, str], status: int
) -> None:
    identifier = stage.walk(page)
    with browser(page) as http:
        post(http, "/take")
        answer = post(http, f"/alerts/{identifier}/decision", **fields)
        assert answer.status_code == status
        assert 'id="card"' in answer.text
    with page.post.duty.desk() as desk:
        assert [alert.stage for alert in desk.tray.open] == ["new"]


@pytest.mark.parametrize("body", [b"csrf=a&csrf=b", b"\xff", b"csrf", b"a=1&" * 20, b"csrf=" + b"x" * 2000])
def test_a_form_that_is_none_is_refused(quiet: Page, body: bytes) -> None:
    with browser(quiet) as http:
        answer = http.post(
            "/stop", content=body, headers={"Content-Type": "application/x-www-form-urlencoded"}
        )
        assert answer.status_code in {413, 422}
    assert not quiet.post.duty.over.is_set()


def test_an_alert_that_is_not_there(quiet: Page) -> None:
    with browser(quiet) as http:
        answer = post(http, "/alerts/unknown/claim")
        assert answer.status_code == 404
        assert "no such alert" in answer.text


# Faces


def test_faces_are_shown_to_whoever_has_the_alert_and_to_nobody_else(stage: Stage, page: Page) -> None:
    identifier = stage.walk(page)
    paths = (f"/alerts/{identifier}/probe", f"/alerts/{identifier}/candidates/0")
    with browser(page) as http, browser(page, BEN) as other:
        assert [http.get(path).status_code for path in paths] == [404, 404]
        post(http, "/take")
        answers = [http.get(path) for path in paths]
        assert [(each.status_code, each.headers["content-type"]) for each in answers] == [
            (200, "image/jpeg")
        ] * 2
        assert answers[0].content == stage.crops[identifier]
        assert answers[0].headers["cache-control"] == "no-store"
        assert [other.get(path).status_code for path in paths] == [404, 404]
        assert http.get(f"/alerts/{identifier}/candidates/1").status_code == 404
        assert http.get(f"/alerts/{identifier}/candidates/-1").status_code == 404
        post(
            http, f"/alerts/{identifier}/decision", stage="new", outcome="rejected", reason="different-person"
        )
        assert [http.get(path).status_code for path in paths] == [404, 404]


def test_two_operators_do_not_act_on_one_alert(stage: Stage, page: Page) -> None:
    identifier = stage.walk(page)
    fields = {"stage": "new", "outcome": "rejected", "reason": "different-person"}
    with browser(page) as http, browser(page, BEN) as other:
        post(http, "/take")
        answer = post(other, f"/alerts/{identifier}/decision", **fields)
        assert answer.status_code == 409
        assert f"{ANNA} has this alert" in answer.text
        assert post(http, f"/alerts/{identifier}/decision", **fields).status_code == 303
        assert post(other, f"/alerts/{identifier}/undo").status_code == 409
        assert post(http, f"/alerts/{identifier}/undo").status_code == 303


def test_where_two_have_to_agree_the_same_person_twice_is_refused(stage: Stage, page: Page) -> None:
    page.post.duty._desk._verifiers = 2
    identifier = stage.walk(page)
    fields = {"stage": "new", "outcome": "sent"}
    with browser(page) as http, browser(page, BEN) as other:
        assert post(http, f"/alerts/{identifier}/decision", **fields).status_code == 303
        answer = post(http, f"/alerts/{identifier}/decision", **fields)
        assert answer.status_code == 403
        assert "second person" in answer.text
        assert post(other, "/take").status_code == 303
        assert f"{ANNA} takes this for a possible match" in other.get("/").text
        assert post(other, f"/alerts/{identifier}/decision", **fields).status_code == 303
    page.post.duty.abandon()
    assert stage.recorded(page) == [("sent", ANNA, BEN)]


def test_an_operator_whose_training_has_run_out_looks_on_and_can_stop(stage: Stage) -> None:
    with stage.console(BEN, training=stage.train(BEN)) as page:
        identifier = stage.walk(page)
        with browser(page) as http:
            answer = http.get("/")
            assert "You look on" in answer.text
            for path in ("/take", f"/alerts/{identifier}/claim"):
                answer = post(http, path)
                assert answer.status_code == 403
                assert "training" in answer.text
            assert http.get(f"/alerts/{identifier}/probe").status_code == 404
            assert post(http, "/stop").status_code == 303
        assert page.post.duty.halt is not None


def test_a_stranger_is_counted_and_nothing_else(stage: Stage, page: Page) -> None:
    before = page.post.duty.signals.faces
    stage.see(small(70))
    eventually(lambda: page.post.duty.signals.faces > before)
    with browser(page) as http:
        text = http.get("/").text
        assert "false alerts in 1,000 faces, by what was measured of the model." in text
    assert "Open alerts: 0" in text
    assert "<b>Faces seen</b> 1" in text
