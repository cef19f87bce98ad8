"""What the operator calls while searching: one page, its forms, and images of what was opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Response
from fastapi.responses import HTMLResponse
from starlette.types import ASGIApp

from blindwatch.console import forms, rendering
from blindwatch.console.entering import back
from blindwatch.console.forms import Form
from blindwatch.console.parts import LoggedIn, Sent
from blindwatch.console.ranked import uploads
from blindwatch.console.ranked.room import Room
from blindwatch.console.ranked.uploads import Sending
from blindwatch.console.rooms import pages
from blindwatch.console.rooms.pages import Parts, finished, parts_of
from blindwatch.console.sessions import Session
from blindwatch.errors import BlindwatchError, MalformedMessage
from blindwatch.operator.searches import Purpose
from blindwatch.policy.profile import profile
from blindwatch.records.operator import SearchOutcome

OUTCOMES: Final[Mapping[SearchOutcome, str]] = {
    "eliminated": "Somebody was eliminated",
    "nobody-alike": "Nobody is the person",
    "inconclusive": "Cannot be said",
}
_NO_IMAGE: Final = "There is no such image, or nobody has opened it."


With = Annotated[Parts[Room], Depends(parts_of)]
router = APIRouter()


def application(parts: Parts[Room], hosts: frozenset[str]) -> ASGIApp:
    """The application, reached under these names and ports."""
    return pages.application(parts, router, _page, hosts)


@router.get("/")
def get_page(parts: With, session: LoggedIn) -> HTMLResponse:
    """The page with the search that is open, and what waits for an outcome."""
    return HTMLResponse(_page(parts, session))


@router.post("/searches")
def post_search(sending: Sending, parts: With, session: LoggedIn) -> Response:
    """Search for the person on a photograph, for a crime and a reason."""
    upload = uploads.read(sending)
    session.check(upload.fields.get("csrf", ""))
    session.notice = ""
    purpose = Purpose(upload.fields.get("reference", ""), upload.fields.get("reason", ""))
    parts.room.search(upload.photograph, purpose, session.operator)
    return back()


@router.post("/candidates/{rank}/open")
def post_open(rank: int, parts: With, session: Sent) -> Response:
    """Open the face of one candidate."""
    parts.room.open(rank, session.operator)
    return back()


@router.post("/close")
def post_close(parts: With, session: Sent) -> Response:
    """Let go of everything of the search, and say later what became of it."""
    parts.room.close()
    session.notice = "Closed. Say later what became of the search: it is in the list below."
    return back()


@router.post("/conclusions")
def post_conclusion(form: Form, parts: With, session: Sent) -> Response:
    """Write down what became of a search."""
    outcome = next((each for each in OUTCOMES if each == form.get("outcome")), None)
    if outcome is None:
        raise MalformedMessage(forms.MALFORMED)
    parts.room.conclude(forms.text(form, "search"), outcome, session.operator)
    session.notice = "Written down. It stays as it is, and everything of the search is gone."
    return back()


@router.post("/identifications")
def post_identification(form: Form, parts: With, session: Sent) -> Response:
    """Write down that the operator has identified somebody, with other evidence."""
    said = (forms.text(form, "search"), forms.text(form, "entry"), forms.text(form, "evidence"))
    parts.room.propose(*said, session.operator)
    session.notice = "Written down. Another operator has to agree before it is an outcome."
    return back()


@router.post("/agreements")
def post_agreement(form: Form, parts: With, session: Sent) -> Response:
    """Write down that another operator finds the same entry."""
    parts.room.agree(forms.text(form, "search"), forms.text(form, "entry"), session.operator)
    session.notice = "Written down: identified by two people. Everything of the search is gone."
    return back()


@router.post("/disagreements")
def post_disagreement(form: Form, parts: With, session: Sent) -> Response:
    """Write down that another operator does not."""
    parts.room.disagree(forms.text(form, "search"), session.operator)
    session.notice = (
        "Written down: it cannot be said, since two people disagree. Everything of the search is gone."
    )
    return back()


@router.post("/finish")
def post_finish(parts: With, session: Sent) -> Response:
    """Let go of everything and of the key, and end the program."""
    return finished(
        parts, session, "Searching is over", "The key is forgotten. Your journal has every search."
    )


@router.get("/face")
def get_face(parts: With, session: LoggedIn) -> Response:
    """The face that was searched for."""
    parts.room.check_trained(session.operator)
    look = parts.room.look
    return rendering.image(None if look is None else look.face, _NO_IMAGE)


@router.get("/candidates/{rank}")
def get_candidate(rank: int, parts: With, session: LoggedIn) -> Response:
    """The face of a candidate that was opened."""
    parts.room.check_trained(session.operator)
    look = parts.room.look
    return rendering.image(None if look is None else look.place(rank).image, _NO_IMAGE)


def _page(parts: Parts[Room], session: Session, error: BlindwatchError | None = None) -> str:
    room = parts.room
    manifest, at = room.inquirer.approved.manifest, room.now()
    rules = profile(manifest.profile.name)
    is_trained = room.is_trained(session.operator)
    return rendering.page(
        "ranked.html.j2",
        manifest=manifest,
        rules=rules,
        officers=parts.officers,
        room=room,
        look=room.look if is_trained else None,
        is_trained=is_trained,
        session=session,
        error=error,
        outcomes=OUTCOMES,
        evidence={each.name: each.title for each in rules.evidence},
        now=at,
        zone=at.astimezone().tzname(),
    )
