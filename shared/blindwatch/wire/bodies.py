"""The body of a request, as every server of the project reads it: within a limit of bytes, and in its time."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request

from blindwatch.errors import MalformedMessage, TooLarge
from blindwatch.wire import limits


async def whole_body(request: Request, limit: int, what: str = "body", hint: str = "") -> bytes:
    """All bytes of a body, in memory alone and never more than `limit` of them and one chunk.

    It has `limits.BODY_SECONDS`, and a second more for each `limits.BODY_PART` of its limit. Raises TooLarge, with
    the hint, and MalformedMessage if it ends early or is late; `what` names it in both.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(limits.BODY_SECONDS + limit / limits.BODY_PART):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise TooLarge(f"The {what} is over its limit of {limit} bytes.", hint)
    except TimeoutError:
        raise MalformedMessage(f"The {what} did not arrive in its time.") from None
    except ClientDisconnect:
        raise MalformedMessage(f"The {what} ended early.") from None
    return bytes(body)
