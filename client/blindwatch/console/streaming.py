"""One stream of events to each page, which say no more than that it is not what it was."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

from fastapi.responses import StreamingResponse

_LOOK_SECONDS: Final = 0.05
_STATUS_SECONDS: Final = 2.0


def changes(version: Callable[[], int], is_closing: Callable[[], bool]) -> StreamingResponse:
    """An event for each new version, and every two seconds at least."""
    return StreamingResponse(_events(version, is_closing), media_type="text/event-stream")


async def _events(version: Callable[[], int], is_closing: Callable[[], bool]) -> AsyncIterator[str]:
    """Ends with the connection, or when the program is about to end."""
    seen, left = -1, _STATUS_SECONDS
    while not is_closing():
        left -= _LOOK_SECONDS
        if version() != seen or left <= 0:
            seen, left = version(), _STATUS_SECONDS
            yield "event: changed\ndata:\n\n"
        await asyncio.sleep(_LOOK_SECONDS)
