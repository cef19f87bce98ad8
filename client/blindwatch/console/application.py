"""The web application of the console, for operators who are logged in."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Final, TypeAlias

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from blindwatch.console import entering, rendering
from blindwatch.console.board import board
from blindwatch.console.guarding import Guard
from blindwatch.console.parts import Parts, parts_of, session_of
from blindwatch.console.routes import router
from blindwatch.console.sessions import Session
from blindwatch.errors import BlindwatchError, Unauthenticated

Refused: TypeAlias = Callable[[Request, Exception], Response]
STATIC: Final = Path(__file__).parent / "static"


def application(parts: Parts, hosts: frozenset[str]) -> ASGIApp:
    """The application, reached under these names and ports."""
    return guarded(parts, router, _refused, hosts)


def guarded(parts: object, own: APIRouter, refused: Refused, hosts: frozenset[str]) -> ASGIApp:
    """An application of these routes and those for logging in; `refused` answers what went wrong."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.parts = parts
    app.include_router(entering.router)
    app.include_router(own)
    app.mount("/static", StaticFiles(directory=STATIC))
    app.add_exception_handler(BlindwatchError, refused)
    app.add_exception_handler(RequestValidationError, _unknown)
    app.add_exception_handler(HTTPException, _unknown)
    return Guard(app, hosts)


def known(error: Exception) -> BlindwatchError:
    """What is said of an error."""
    return error if isinstance(error, BlindwatchError) else BlindwatchError()


def told(request: Request, error: Exception, page: Callable[[Session, BlindwatchError], str]) -> HTMLResponse:
    """What is wrong, on the page of whoever asked, if they are logged in."""
    what = known(error)
    status = what.problem.status
    try:
        session = session_of(request)
    except Unauthenticated:
        title = "Not logged in" if status == HTTPStatus.UNAUTHORIZED else "That did not work"
        return HTMLResponse(rendering.message_page(title, what.detail, what.hint), status)
    return HTMLResponse(page(session, what), status)


def _refused(request: Request, error: Exception) -> Response:
    def page(session: Session, what: BlindwatchError) -> str:
        return rendering.board_page(board(parts_of(request).duty, session.operator), session, what)

    return told(request, error, page)


def _unknown(_request: Request, _error: Exception) -> Response:
    return HTMLResponse(
        rendering.message_page("Nothing here", "There is no page at this address."), HTTPStatus.NOT_FOUND
    )
