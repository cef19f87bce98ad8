"""What the operator calls while searching: one page, its forms, and images of what was opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, StreamingResponse
from starlette.types import ASGIApp

from blindwatch.console import forms, rendering
from blindwatch.console.application import guarded
from blindwatch.console.entering import back
from blindwatch.console.forms import Form
from blindwatch.console.parts import LoggedIn, Sent, session_of
from blindwatch.console.ranked import uploads
from blindwatch.console.ranked.room import Room
from blindwatch.console.ranked.uploads import Sending
from blindwatch.console.sessions import COOKIE, Session, Sessions
from blindwatch.console.streaming import changes
from blindwatch.errors import BlindwatchError, MalformedMessage, NotFound, Unauthenticated
from blindwatch.operator.searches import Purpose
from blindwatch.policy.profile import profile
from blindwatch.records.operator import SearchOutcome
from blindwatch.wire import problems

OUTCOMES: Final[Mapping[SearchOutcome, str]] = {
    "eliminated": "Somebody was eliminated",
    "nobody-alike": "Nobody is the person",
    "inconclusive": "Cannot be said",
}
_HTML: Final = "text/html"


@dataclass(frozen=True)
class Parts:
    """What the pages work with."""

    room: Room
    sessions: Sessions
    officers: tuple[str, ...]
    """Who approved the deployment."""
    close: Callable[[], None]
    """Ends the program."""
    is_closing: Callable[[], bool]


def _parts_of(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


With = Annotated[Parts, Depends(_parts_of)]
router = APIRouter()


def application(parts: Parts, hosts: frozenset[str]) -> ASGIApp:
    """The application, reached under these names and ports."""
    return guarded(parts, router, _refused, hosts)


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


@router.post("/logout")
def post_logout(parts: With, session: Sent) -> Response:
    """Log out, and let go of the search."""
    parts.room.close()
    parts.sessions.leave(session)
    response = HTMLResponse(rendering.message_page("Logged out", "You can close this page."))
    response.delete_cookie(COOKIE)
    return response


@router.post("/finish")
def post_finish(parts: With, session: Sent) -> Response:
    """Let go of everything and of the key, and end the program."""
    parts.room.leave()
    parts.sessions.leave(session)
    parts.close()
    return HTMLResponse(
        rendering.message_page("Searching is over", "The key is forgotten. Your journal has every search.")
    )


@router.get("/face")
def get_face(parts: With, session: LoggedIn) -> Response:
    """The face that was searched for."""
    parts.room.check_trained(session.operator)
    look = parts.room.look
    return _image(None if look is None else look.face)


@router.get("/candidates/{rank}")
def get_candidate(rank: int, parts: With, session: LoggedIn) -> Response:
    """The face of a candidate that was opened."""
    parts.room.check_trained(session.operator)
    look = parts.room.look
    return _image(None if look is None else look.place(rank).image)


@router.get("/events")
async def get_events(parts: With, _session: LoggedIn) -> StreamingResponse:
    """Say that the page is not what it was, each time it is not."""
    return changes(lambda: parts.room.version, parts.is_closing)


def _image(image: bytes | None) -> Response:
    if image is None:
        raise NotFound("There is no such image, or nobody has opened it.")
    return Response(image, media_type="image/jpeg")


def _page(parts: Parts, session: Session, error: BlindwatchError | None = None) -> str:
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


def _refused(request: Request, error: Exception) -> Response:
    """What is wrong: on the operator's page in a browser, and as problem details (RFC 9457) for everybody else."""
    known = error if isinstance(error, BlindwatchError) else BlindwatchError()
    status = known.problem.status
    if _HTML not in request.headers.get("accept", ""):
        return Response(problems.to_json(known), status, media_type=problems.MEDIA_TYPE)
    try:
        session = session_of(request)
    except Unauthenticated:
        title = "Not logged in" if status == HTTPStatus.UNAUTHORIZED else "That did not work"
        return HTMLResponse(rendering.message_page(title, known.detail, known.hint), status)
    return HTMLResponse(_page(_parts_of(request), session, known), status)
