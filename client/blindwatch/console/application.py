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


def _refused(request: Request, error: Exception) -> Response:
    """What is wrong, on the operator's page if there is one."""
    known = error if isinstance(error, BlindwatchError) else BlindwatchError()
    status = known.problem.status
    try:
        session = session_of(request)
    except Unauthenticated:
        title = "Not logged in" if status == HTTPStatus.UNAUTHORIZED else "That did not work"
        return HTMLResponse(rendering.message_page(title, known.detail, known.hint), status)
    shown = board(parts_of(request).duty, session.operator)
    return HTMLResponse(rendering.board_page(shown, session, known), status)


def _unknown(_request: Request, _error: Exception) -> Response:
    return HTMLResponse(
        rendering.message_page("Nothing here", "There is no page at this address."), HTTPStatus.NOT_FOUND
    )
