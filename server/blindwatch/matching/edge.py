"""What every request passes on its way in and out: the log, the last catch of errors, unread bodies."""

from __future__ import annotations

import asyncio
import time
import traceback
from contextlib import suppress
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from blindwatch.errors import InternalError
from blindwatch.matching import logs
from blindwatch.matching.bodies import problem_response
from blindwatch.wire import limits

_NO_ROUTE: Final = "none"


class Edge:
    """Wraps the application. Nothing that a request holds reaches the log: not even its path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = time.perf_counter()
        exchange = _Exchange(receive, send)
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except Exception as error:  # noqa: BLE001 - whatever it is, its text may hold request data
            logs.warning("unexpected-condition", kind=type(error).__name__, where=_where(error))
            if exchange.status == 0:
                await problem_response(InternalError())(scope, exchange.receive, exchange.send)
        finally:
            # A route knows its own template and methods, so neither comes from the request.
            route = getattr(scope.get("route"), "path", _NO_ROUTE)
            elapsed = round((time.perf_counter() - started) * 1000)
            logs.info("request", route=route, status=exchange.status, elapsedMs=elapsed)


class _Exchange:
    """The messages of one request and its response."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._unread = True
        self.status = 0

    async def receive(self) -> Message:
        message = await self._receive()
        self._unread = message["type"] == "http.request" and message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if self.status >= 400:
                await self._discard()
        await self._send(message)

    async def _discard(self) -> None:
        """Read the rest of the body: who is still sending when the connection closes sees no refusal."""
        left = limits.DISCARDED
        with suppress(TimeoutError):
            async with asyncio.timeout(limits.BODY_SECONDS):
                while self._unread and left > 0:
                    message = await asyncio.wait_for(self.receive(), limits.PAUSE_SECONDS)
                    left -= len(message.get("body", b""))


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].name}:{frames[-1].lineno}" if frames else ""
