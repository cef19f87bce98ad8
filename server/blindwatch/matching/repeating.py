"""Work that the server does again and again while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from blindwatch.matching import logs


async def repeat(name: str, work: Callable[[], Awaitable[None]], pause: float) -> None:
    """Do some work for as long as the server runs, with a pause in between; what fails is noted, and tried again."""
    while True:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - work that ended here would silently never be done again
            logs.warning(f"{name}-failed", kind=type(error).__name__)
        await asyncio.sleep(pause)
