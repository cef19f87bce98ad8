"""How a client of the match server says who it is: cameras sign, the other roles have tokens."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from blindwatch.wire.signatures import Request, joined, sign


class Signing(httpx.Auth):
    """Signs every request with the key of a camera."""

    def __init__(self, key: Ed25519PrivateKey, clock: Callable[[], float] = time.time) -> None:
        self._key = key
        self._clock = clock

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the two fields."""
        if request.url.host:  # an address without one reaches nobody, and the transport says so
            path, _, query = request.url.raw_path.partition(b"?")
            described = Request.of(request.method, path, query, joined(request.headers.raw))
            request.headers.update(sign(described, self._key, self._clock()))
        yield request
