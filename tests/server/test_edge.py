"""The last catch: errors that nobody foresaw, and bodies that nobody read."""

from __future__ import annotations

import asyncio
import json
import logging

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from blindwatch.errors import InternalError
from blindwatch.matching.edge import Edge
from blindwatch.wire import limits, problems

SECRET = "what the request held"  # noqa: S105


async def failing(scope: Scope, receive: Receive, send: Send) -> None:
    raise ValueError(SECRET)


async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 413, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def test_an_unexpected_error_is_a_problem_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(Edge(failing))) as client:
            return await client.post("http://server/", content=b"x")

    with caplog.at_level(logging.INFO, "blindwatch.server"):
        response = asyncio.run(ask())
    assert response.status_code == 500
    assert isinstance(problems.from_json(response.content), InternalError)
    assert SECRET not in response.text
    noted = [vars(record).get("fields", {}) for record in caplog.records]
    assert {"ValueError"} == {fields["kind"] for fields in noted if "kind" in fields}
    assert SECRET not in json.dumps(noted)
    assert all(record.exc_info is None for record in caplog.records)


@pytest.mark.parametrize("chunk", [1, limits.MIB])
def test_a_refused_body_is_read_to_its_end_or_to_the_limit(chunk: int) -> None:
    read, sent = 0, []

    async def receive() -> Message:
        nonlocal read
        read += chunk
        return {"type": "http.request", "body": bytes(chunk), "more_body": chunk > 1 or read < 5}

    async def send(message: Message) -> None:
        sent.append(message["type"])

    asyncio.run(Edge(refusing)({"type": "http", "method": "POST"}, receive, send))
    assert read == (limits.DISCARDED if chunk > 1 else 5)
    assert sent == ["http.response.start", "http.response.body"]
