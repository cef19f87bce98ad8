"""What operators call: pages, forms, images and one stream of events."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse, StreamingResponse

from blindwatch.console import forms, rendering
from blindwatch.console.board import board
from blindwatch.console.desk import Notice
from blindwatch.console.entering import back, left
from blindwatch.console.forms import Form
from blindwatch.console.parts import LoggedIn, Sent, With
from blindwatch.console.streaming import changes

_NO_IMAGE: Final = "There is no such image, or you do not have this alert."
router = APIRouter()


@router.post("/logout")
def post_logout(parts: With, session: Sent) -> Response:
    """Log out, and give back what the operator has."""
    with parts.duty.desk() as desk:
        held = desk.held(session.operator)
        if held is not None:
            desk.release(held.id, session.operator)
    return left(parts.sessions, session)


@router.get("/")
def get_board(parts: With, session: LoggedIn) -> HTMLResponse:
    """The page of the operator who asks."""
    return HTMLResponse(rendering.board_page(board(parts.duty, session.operator), session))


@router.post("/take")
def post_take(parts: With, session: Sent) -> Response:
    """Hand over the most urgent alert that waits."""
    with parts.duty.desk() as desk:
        desk.take(session.operator)
    return back()


@router.post("/alerts/{identifier}/claim")
def post_claim(identifier: str, parts: With, session: Sent) -> Response:
    """Hand over one alert."""
    with parts.duty.desk() as desk:
        desk.claim(identifier, session.operator)
    return back()


@router.post("/alerts/{identifier}/release")
def post_release(identifier: str, parts: With, session: Sent) -> Response:
    """Take an alert back."""
    with parts.duty.desk() as desk:
        desk.release(identifier, session.operator)
    return back()


@router.post("/alerts/{identifier}/relative")
def post_relative(identifier: str, parts: With, session: Sent) -> Response:
    """Note that the people who look alike were considered."""
    with parts.duty.desk() as desk:
        desk.consider(identifier, session.operator)
    return back()


@router.post("/alerts/{identifier}/decision")
def post_decision(identifier: str, form: Form, parts: With, session: Sent) -> Response:
    """Decide about an alert."""
    with parts.duty.desk() as desk:
        notice = desk.decide(identifier, session.operator, *forms.decision(form))
    # What was decided can be seen from what can be undone.
    session.notice = "" if notice is Notice.DECIDED else notice.value
    return back()


@router.post("/alerts/{identifier}/undo")
def post_undo(identifier: str, parts: With, session: Sent) -> Response:
    """Take back the last decision about an alert."""
    with parts.duty.desk() as desk:
        desk.undo(identifier, session.operator)
    return back()


@router.post("/stop")
def post_stop(parts: With, session: Sent) -> Response:
    """Stop: in one step, by anybody who is logged in, trained or not."""
    parts.duty.stop(session.operator, parts.identity, parts.server)
    return back()


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
    return rendering.image(image, _NO_IMAGE)


@router.get("/alerts/{identifier}/candidates/{number}")
def get_candidate(identifier: str, number: int, parts: With, session: LoggedIn) -> Response:
    """A face of the list, for whoever has the alert."""
    with parts.duty.desk() as desk:
        held = desk.held(session.operator)
        found = held.candidates if held is not None and held.id == identifier else ()
        image = found[number].image if 0 <= number < len(found) else None
    return rendering.image(image, _NO_IMAGE)


@router.get("/events")
async def get_events(parts: With, _session: LoggedIn) -> StreamingResponse:
    """Say that the page is not what it was, each time it is not."""
    return changes(lambda: parts.duty.version, parts.is_closing)
