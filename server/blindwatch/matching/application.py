"""The FastAPI application: routes, the page that describes them, and every error as problem details."""

from __future__ import annotations

from importlib import metadata
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from blindwatch.errors import BlindwatchError, MalformedMessage, NotFound
from blindwatch.matching.access import Authenticator
from blindwatch.matching.bodies import plain_problem, problem_response
from blindwatch.matching.edge import Edge
from blindwatch.matching.manual import manual
from blindwatch.matching.routes import Desks, public, router

_NOT_FOUND: Final = 404


def application(desks: Desks, authenticator: Authenticator) -> ASGIApp:
    """The application over these parts of the server."""
    app = FastAPI(
        title="Blindwatch match server",
        version=metadata.version("blindwatch"),
        description="Matches encrypted probes against encrypted watchlists. Bodies are CBOR.",
        docs_url=None,  # FastAPI's page loads scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.desks = desks
    app.state.authenticator = authenticator
    app.include_router(router)
    app.include_router(public)
    app.mount("/log/tile", StaticFiles(directory=desks.ledger.site / "tile", check_dir=False))
    page = manual(app.openapi())

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(page)

    app.add_exception_handler(BlindwatchError, _problem)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _refused)
    return Edge(app)


async def _problem(_: Request, error: Exception) -> Response:
    return problem_response(error if isinstance(error, BlindwatchError) else BlindwatchError())


async def _malformed(_request: Request, _error: Exception) -> Response:
    """An address that does not fit its route. What the framework says of it repeats the request."""
    return problem_response(MalformedMessage("A part of the address or a query parameter is not valid."))


async def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException) or error.status_code == _NOT_FOUND:
        return problem_response(NotFound())
    return plain_problem(error.status_code, error.headers)
