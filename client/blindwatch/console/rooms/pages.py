"""What every page of a room has: its parts, the way out, events, and what is said when something went wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Generic, TypeAlias, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, StreamingResponse
from starlette.types import ASGIApp

from blindwatch.console import rendering
from blindwatch.console.application import guarded, known, told
from blindwatch.console.entering import left
from blindwatch.console.parts import LoggedIn, Sent
from blindwatch.console.rooms.room import Room
from blindwatch.console.sessions import Session, Sessions
from blindwatch.console.streaming import changes
from blindwatch.errors import BlindwatchError
from blindwatch.wire import problems

_HTML: Final = "text/html"
_R = TypeVar("_R", bound=Room)


@dataclass(frozen=True)
class Parts(Generic[_R]):
    """What the pages work with."""

    room: _R
    sessions: Sessions
    officers: tuple[str, ...]
    """Who approved the deployment."""
    close: Callable[[], None]
    """Ends the program."""
    is_closing: Callable[[], bool]


Page: TypeAlias = Callable[[Any, Session, BlindwatchError | None], str]
"""The page of whoever is logged in, from its parts, and what was wrong with the last thing that was tried."""


def parts_of(request: Request) -> Any:
    """The parts that the application was made of."""
    return request.app.state.parts


_With = Annotated[Parts[Room], Depends(parts_of)]
_router = APIRouter()


def application(parts: Parts[_R], own: APIRouter, page: Page, hosts: frozenset[str]) -> ASGIApp:
    """The application of these routes and those of every room, reached under these names and ports."""
    router = APIRouter()
    router.include_router(_router)
    router.include_router(own)
    return guarded(parts, router, lambda request, error: _refused(request, error, page), hosts)


def finished(parts: Parts[_R], session: Session, title: str, detail: str) -> HTMLResponse:
    """Let go of everything and of the key, and end the program."""
    parts.room.leave()
    parts.sessions.leave(session)
    parts.close()
    return HTMLResponse(rendering.message_page(title, detail))


@_router.post("/logout")
def post_logout(parts: _With, session: Sent) -> Response:
    """Log out, and let go of what is looked at."""
    parts.room.close()
    return left(parts.sessions, session)


@_router.get("/events")
async def get_events(parts: _With, _session: LoggedIn) -> StreamingResponse:
    """Say that the page is not what it was, each time it is not."""
    return changes(lambda: parts.room.version, parts.is_closing)


def _refused(request: Request, error: Exception, page: Page) -> Response:
    """What is wrong: on the operator's page in a browser, and as problem details (RFC 9457) for everybody else."""
    if _HTML in request.headers.get("accept", ""):
        return told(request, error, lambda session, what: page(parts_of(request), session, what))
    what = known(error)
    return Response(problems.to_json(what), what.problem.status, media_type=problems.MEDIA_TYPE)
