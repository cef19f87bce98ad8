"""The evaluator on a loopback socket: PUT /keys and POST /verdicts, in CBOR, with errors as RFC 9457."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from hmac import compare_digest
from typing import TYPE_CHECKING, TypeVar

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from blindwatch.errors import BlindwatchError, InternalError, Unauthenticated
from blindwatch.wire import problems
from blindwatch.wire.bodies import whole_body
from blindwatch.wire.messages import Message
from blindwatch.wire.opinions import OpinionKeys, OpinionRequest

if TYPE_CHECKING:
    from blindwatch.evaluator.evaluator import Evaluator

M = TypeVar("M", bound=Message)
Handler = Callable[[Request], Awaitable[Response]]


def application(evaluator: Evaluator, token: str) -> Starlette:
    """The service; only who has the token, on this machine, is answered."""
    turn = asyncio.Lock()

    async def keys(request: Request) -> Response:
        message = await _read(request, OpinionKeys)
        async with turn:
            await run_in_threadpool(evaluator.take, message)
        return Response(status_code=204)

    async def verdicts(request: Request) -> Response:
        message = await _read(request, OpinionRequest)
        async with turn:
            answer = await run_in_threadpool(evaluator.compare, message)
        return Response(answer.to_cbor(), media_type="application/cbor")

    routes = [
        Route("/keys", _guarded(keys, token), methods=["PUT"]),
        Route("/verdicts", _guarded(verdicts, token), methods=["POST"]),
    ]
    return Starlette(routes=routes)


def _guarded(handler: Handler, token: str) -> Handler:
    async def answer(request: Request) -> Response:
        try:
            if not compare_digest(
                request.headers.get("authorization", "").encode(), f"Bearer {token}".encode()
            ):
                raise Unauthenticated
            return await handler(request)
        except BlindwatchError as error:
            return _problem(error)
        except Exception:  # noqa: BLE001 - a trace could hold what was sent
            return _problem(InternalError())

    return answer


def _problem(error: BlindwatchError) -> Response:
    return Response(problems.to_json(error), error.problem.status, media_type=problems.MEDIA_TYPE)


async def _read(request: Request, kind: type[M]) -> M:
    """The message in the body, of which no more than its limit is ever held."""
    return kind.from_cbor(await whole_body(request, kind.limit, "message"))
