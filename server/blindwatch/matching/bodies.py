"""Bodies in and out: byte limits while they arrive, digests, CBOR and problem details."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from fastapi import Request, Response

from blindwatch.errors import (
    BlindwatchError,
    Busy,
    QueryBudgetUsed,
    TooLarge,
    Unauthenticated,
)
from blindwatch.statements.dsse import Envelope
from blindwatch.wire import digests, limits, problems
from blindwatch.wire.bodies import whole_body

CBOR: Final = "application/cbor"
ENVELOPE: Final = "application/vnd.dsse.envelope.v1+json"
_RETRY_SECONDS: Final = "1"


async def read_body(request: Request, limit: int, *, digested: bool) -> bytes:
    """The body of a request, of which no more than the limit is ever held."""
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced) > limit:
        raise TooLarge(f"The body is over its limit of {limit} bytes.")
    whole = await whole_body(request, limit)
    digests.check_content_digest(request.headers.get(digests.FIELD), whole, required=digested)
    return whole


async def read_statement(request: Request) -> Envelope:
    """The signed statement that a request carries."""
    return Envelope.from_json(await read_body(request, limits.ENVELOPE, digested=True))


def cbor_response(body: bytes, status: int = 200) -> Response:
    """A message as a response, with its digest."""
    return _response(body, CBOR, status)


def statement_response(body: bytes) -> Response:
    """A signed statement as a response, with its digest."""
    return _response(body, ENVELOPE)


def _response(body: bytes, media: str, status: int = 200) -> Response:
    headers = {digests.FIELD: digests.content_digest(body), "Cache-Control": "no-store"}
    return Response(body, status, headers, media_type=media)


def problem_response(error: BlindwatchError) -> Response:
    """An error as a response."""
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, Busy):
        headers["Retry-After"] = _RETRY_SECONDS
    if isinstance(error, QueryBudgetUsed):
        headers["Retry-After"] = str(error.retry_seconds)
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    return Response(problems.to_json(error), error.problem.status, headers, media_type=problems.MEDIA_TYPE)


def plain_problem(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """A status that means nothing beyond itself, as RFC 9457 says it."""
    body = json.dumps({"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status})
    return Response(body, status, headers, media_type=problems.MEDIA_TYPE)
