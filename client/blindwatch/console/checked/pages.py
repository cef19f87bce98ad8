"""What the operator calls while checking people: one page, its forms, and faces of the list of an open match."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Response
from fastapi.responses import HTMLResponse
from starlette.types import ASGIApp

from blindwatch.console import forms, rendering
from blindwatch.console.checked import outcomes
from blindwatch.console.checked.forms import Posted
from blindwatch.console.checked.room import Room
from blindwatch.console.entering import back
from blindwatch.console.forms import Form
from blindwatch.console.parts import LoggedIn, Sent
from blindwatch.console.rooms import pages
from blindwatch.console.rooms.pages import Parts, finished, parts_of
from blindwatch.console.sessions import Session
from blindwatch.errors import BlindwatchError
from blindwatch.operator.checks import rules_of

_NO_IMAGE: Final = "There is no such image, or its time was over."


With = Annotated[Parts[Room], Depends(parts_of)]
router = APIRouter()


def application(parts: Parts[Room], hosts: frozenset[str]) -> ASGIApp:
    """The application, reached under these names and ports."""
    return pages.application(parts, router, _page, hosts)


@router.get("/")
def get_page(parts: With, session: LoggedIn) -> HTMLResponse:
    """The page with the answer that is looked at, and the matches that wait for an outcome."""
    return HTMLResponse(_page(parts, session))


@router.post("/checks")
def post_check(posted: Posted, parts: With, session: LoggedIn) -> Response:
    """Check the person on a photograph, or before the camera of this machine, on stated grounds."""
    asked = posted.read()
    try:
        session.check(asked.fields.get("csrf", ""))
        session.notice = ""
        place, reason = asked.fields.get("place", ""), asked.fields.get("reason", "")
        parts.room.check(place, reason, asked.harm, asked.photograph)
    finally:
        asked.wipe()
    return back()


@router.post("/considered")
def post_considered(parts: With, _session: Sent) -> Response:
    """Note that the people who look alike were considered."""
    parts.room.consider()
    return back()


@router.post("/outcomes")
def post_outcome(form: Form, parts: With, session: Sent) -> Response:
    """Write down what became of a match."""
    outcome, reason = outcomes.read(forms.text(form, "became"))
    parts.room.conclude(forms.text(form, "alert"), outcome, reason)
    session.notice = "Written down. It stays as it is, and everything of the match is gone."
    return back()


@router.post("/close")
def post_close(parts: With, _session: Sent) -> Response:
    """Let go of the answer; what became of a match is said later."""
    parts.room.close()
    return back()


@router.post("/stop")
def post_stop(parts: With, _session: Sent) -> Response:
    """Let go of everything and of the key; what became of matches can still be said."""
    parts.room.leave()
    return back()


@router.post("/finish")
def post_finish(parts: With, session: Sent) -> Response:
    """Let go of everything and of the key, and end the program."""
    return finished(parts, session, "Checking is over", "The key is forgotten. Your journal has every check.")


@router.get("/candidates/{number}")
def get_candidate(number: int, parts: With, _session: LoggedIn) -> Response:
    """A face of the list that the open match is with."""
    shown = parts.room.shown
    found = () if shown is None or shown.alert is None else shown.alert.candidates
    image = found[number].image if 0 <= number < len(found) else None
    return rendering.image(image, _NO_IMAGE)


def _page(parts: Parts[Room], session: Session, error: BlindwatchError | None = None) -> str:
    room = parts.room
    manifest, at = room.examiner.standing.approved.manifest, room.now()
    return rendering.page(
        "checked.html.j2",
        manifest=manifest,
        rules=room.rules,
        checks=rules_of(room.rules),
        officers=parts.officers,
        room=room,
        shown=room.shown,
        choices=outcomes.CHOICES,
        session=session,
        error=error,
        now=at,
        zone=at.astimezone().tzname(),
    )
