"""What operators call: pages, forms, images and one stream of events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse

from blindwatch.console import forms, rendering
from blindwatch.console.board import board
from blindwatch.console.desk import Notice
from blindwatch.console.forms import Form
from blindwatch.console.parts import LoggedIn, Parts, Sent, With
from blindwatch.console.sessions import COOKIE
from blindwatch.errors import NotFound

_LOOK_SECONDS: Final = 0.05
_STATUS_SECONDS: Final = 2.0

router = APIRouter()


@router.get("/login/{token}")
def get_login(token: str, parts: With) -> HTMLResponse:
    """Ask whoever has opened a link whether to log in: fetching a page must not use it up."""
    return HTMLResponse(rendering.enter_page(parts.sessions.whose(token), token))


@router.post("/login")
def post_login(form: Form, parts: With) -> Response:
    """Log in, and use up the link."""
    cookie = parts.sessions.enter(forms.text(form, "token"))
    response = _back()
    response.set_cookie(COOKIE, cookie, httponly=True, samesite="strict")
    return response


@router.post("/logout")
def post_logout(parts: With, session: Sent) -> Response:
    """Log out, and give back what the operator has."""
    with parts.duty.desk() as desk:
        held = desk.held(session.operator)
        if held is not None:
            desk.release(held.id, session.operator)
    parts.sessions.leave(session)
    response = HTMLResponse(rendering.message_page("Logged out", "You can close this page."))
    response.delete_cookie(COOKIE)
    return response


@router.get("/")
def get_board(parts: With, session: LoggedIn) -> HTMLResponse:
    """The page of the operator who asks."""
    return HTMLResponse(rendering.board_page(board(parts.duty, session.operator), session))


@router.post("/take")
def post_take(parts: With, session: Sent) -> Response:
    """Hand over the most urgent alert that waits."""
    with parts.duty.desk() as desk:
        desk.take(session.operator)
    return _back()


@router.post("/alerts/{identifier}/claim")
def post_claim(identifier: str, parts: With, session: Sent) -> Response:
    """Hand over one alert."""
    with parts.duty.desk() as desk:
        desk.claim(identifier, session.operator)
    return _back()


@router.post("/alerts/{identifier}/release")
def post_release(identifier: str, parts: With, session: Sent) -> Response:
    """Take an alert back."""
    with parts.duty.desk() as desk:
        desk.release(identifier, session.operator)
    return _back()


@router.post("/alerts/{identifier}/relative")
def post_relative(identifier: str, parts: With, session: Sent) -> Response:
    """Note that the people who look alike were considered."""
    with parts.duty.desk() as desk:
        desk.consider(identifier, session.operator)
    return _back()


@router.post("/alerts/{identifier}/decision")
def post_decision(identifier: str, form: Form, parts: With, session: Sent) -> Response:
    """Decide about an alert."""
    with parts.duty.desk() as desk:
        notice = desk.decide(identifier, session.operator, *forms.decision(form))
    # What was decided can be seen from what can be undone.
    session.notice = "" if notice is Notice.DECIDED else notice.value
    return _back()


@router.post("/alerts/{identifier}/undo")
def post_undo(identifier: str, parts: With, session: Sent) -> Response:
    """Take back the last decision about an alert."""
    with parts.duty.desk() as desk:
        desk.undo(identifier, session.operator)
    return _back()


@router.post("/stop")
def post_stop(parts: With, session: Sent) -> Response:
    """Stop: in one step, by anybody who is logged in, trained or not."""
    parts.duty.stop(session.operator, parts.identity, parts.server)
    return _back()


@router.post("/finish")
def post_finish(parts: With, session: Sent) -> Response:
    """End the duty, once every alert has an outcome."""
    parts.duty.finish()
    parts.sessions.leave(session)
    parts.close()
    return HTMLResponse(
        rendering.message_page("The duty is over", "The key is forgotten. Every alert has an outcome.")
    )


@router.get("/alerts/{identifier}/probe")
def get_probe(identifier: str, parts: With, session: LoggedIn) -> Response:
    """The face that passed, for whoever has the alert."""
    with parts.duty.desk() as desk:
        held = desk.held(session.operator)
        image = held.probe_image if held is not None and held.id == identifier else None
    return _image(image)


@router.get("/alerts/{identifier}/candidates/{number}")
def get_candidate(identifier: str, number: int, parts: With, session: LoggedIn) -> Response:
    """A face of the list, for whoever has the alert."""
    with parts.duty.desk() as desk:
        held = desk.held(session.operator)
        found = held.candidates if held is not None and held.id == identifier else ()
        image = found[number].image if 0 <= number < len(found) else None
    return _image(image)


@router.get("/events")
async def get_events(parts: With, _session: LoggedIn) -> StreamingResponse:
    """Say that the page is not what it was, each time it is not."""
    return StreamingResponse(_events(parts), media_type="text/event-stream")


async def _events(parts: Parts) -> AsyncIterator[str]:
    """Ends with the connection, or when the program is about to end."""
    seen, left = -1, _STATUS_SECONDS
    while not parts.is_closing():
        left -= _LOOK_SECONDS
        if parts.duty.version != seen or left <= 0:
            seen, left = parts.duty.version, _STATUS_SECONDS
            yield "event: changed\ndata:\n\n"
        await asyncio.sleep(_LOOK_SECONDS)


def _image(image: bytes | None) -> Response:
    if image is None:
        raise NotFound("There is no such image, or you do not have this alert.")
    return Response(image, media_type="image/jpeg")


def _back() -> RedirectResponse:
    return RedirectResponse("/", HTTPStatus.SEE_OTHER)
