"""How every server of the project runs uvicorn: HTTP/1.1 alone, and nothing of a request in a log or a header."""

from __future__ import annotations

import logging
import ssl

import uvicorn
from starlette.types import ASGIApp


def hush() -> None:
    """Have libraries print nothing: where no handler is, Python prints their warnings, and what was sent in them."""
    logging.getLogger().addHandler(logging.NullHandler())


def quiet(
    application: ASGIApp,
    grace_seconds: int | None = None,
    tls: ssl.SSLContext | None = None,
    connections: int | None = None,
) -> uvicorn.Config:
    """The configuration; `connections` is how many are answered at once."""
    return uvicorn.Config(
        application,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=connections,
        timeout_graceful_shutdown=grace_seconds,
        ssl_context_factory=None if tls is None else lambda _config, _default: tls,
    )
