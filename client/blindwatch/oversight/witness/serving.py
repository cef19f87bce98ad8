"""A witness on a socket: POST add-checkpoint of C2SP tlog-witness v1.0.0, and nothing else."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from blindwatch.cli import files
from blindwatch.errors import BlindwatchError, ConfigurationError, MalformedLog, MalformedMessage
from blindwatch.tlog.witness import Answer, Witness
from blindwatch.wire import limits
from blindwatch.wire.bodies import whole_body
from blindwatch.wire.serving import hush, quiet

Note = Callable[[Answer], None]
"""Is told of every answer."""

_PATH: Final = "/add-checkpoint"
_CONNECTIONS: Final = 256
_GRACE_SECONDS: Final = 5
_TEXT: Final = "text/plain; charset=utf-8"


def application(witness: Witness, note: Note) -> Starlette:
    """The service over an open witness."""

    def respond(answer: Answer) -> Response:
        note(answer)
        return Response(answer.body, answer.status, {"Content-Type": answer.content_type})

    async def add_checkpoint(request: Request) -> Response:
        try:
            body = await _read(request)
            return respond(await run_in_threadpool(witness.answer, body, int(time.time())))
        except BlindwatchError as error:
            return respond(_said(error.problem.status, error.detail))

    async def unexpected(_: Request, __: Exception) -> Response:
        return respond(_said(500, "The witness met an unexpected condition."))

    return Starlette(
        routes=[Route(_PATH, add_checkpoint, methods=["POST"])],
        exception_handlers={HTTPException: _elsewhere, Exception: unexpected},
    )


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one. Raises ConfigurationError."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=128)
    except OSError as error:
        raise ConfigurationError(
            f"The witness cannot listen at this address ({error.strerror}).",
            "Check the host and the port, and that nothing else has them.",
        ) from None


def address_of(listener: socket.socket, *, tls: bool) -> str:
    """Where a socket is reached, as policies name it."""
    host, port = listener.getsockname()[:2]
    named = f"[{host}]" if listener.family == socket.AF_INET6 else host
    return f"{'https' if tls else 'http'}://{named}:{port}"


def serve(
    witness: Witness,
    listener: socket.socket,
    tls: ssl.SSLContext | None,
    note: Note,
    ready_file: Path | None,
) -> None:
    """Answer until a signal ends it. The address is written into a file that is replaced as a whole."""
    hush()
    config = quiet(application(witness, note), _GRACE_SECONDS, tls, _CONNECTIONS)
    if ready_file is not None:
        # The socket listens already: whoever connects from now on is answered.
        content = {"address": address_of(listener, tls=tls is not None)}
        files.replace_private(ready_file, json.dumps(content).encode() + b"\n", "ready file")
    uvicorn.Server(config).run(sockets=[listener])


async def _read(request: Request) -> bytes:
    """The body, of which no more than the limit is ever held."""
    try:
        return await whole_body(request, limits.LOG_PROOF, "submission")
    except MalformedMessage as error:
        raise MalformedLog(error.detail) from None


async def _elsewhere(_: Request, error: Exception) -> Response:
    status, headers = (error.status_code, error.headers) if isinstance(error, HTTPException) else (500, None)
    return PlainTextResponse("A witness takes POST add-checkpoint.\n", status, headers)


def _said(status: int, sentence: str) -> Answer:
    return Answer(status, _TEXT, f"{sentence}\n".encode())
