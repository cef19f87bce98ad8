"""Webhooks in the form of Standard Webhooks: an HMAC over identifier, time and body, for receivers to check."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ssl
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import httpx

from blindwatch.errors import ConfigurationError
from blindwatch.integrations.destination import SECONDS, NotDelivered
from blindwatch.integrations.events import Event

_PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = range(24, 65)


def secret(line: str) -> bytes:
    """The secret that a line holds, as `whsec_` and base64; raises ConfigurationError."""
    try:
        found = base64.b64decode(line.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if not line.startswith(_PREFIX) or len(found) not in _SECRET_BYTES:
        raise ConfigurationError(
            "The secret of a webhook does not follow its form.",
            f"It is {_PREFIX} and 24 to 64 random bytes in base64.",
        )
    return found


def signature(key: bytes, identifier: str, at: int, body: bytes) -> str:
    """What a receiver computes again: HMAC-SHA-256 over identifier, seconds since 1970 and body, with its version."""
    signed = hmac.new(key, f"{identifier}.{at}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


@dataclass(frozen=True)
class Webhook:
    """A receiver of POST requests."""

    url: str
    host: str
    key: bytes = field(repr=False)
    tls: ssl.SSLContext | None = field(repr=False, default=None)

    @property
    def name(self) -> str:
        """Its kind and host."""
        return f"webhook {self.host}"

    def deliver(self, event: Event) -> None:
        """Send an event; any answer but one of success is a failure. Redirections are not followed."""
        body, at = event.to_json(), int(time.time())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": event.id,
            "webhook-timestamp": str(at),
            "webhook-signature": signature(self.key, event.id, at, body),
        }
        try:
            # A proxy of the environment would be one more who sees it. Of the answer nothing but its status is read.
            with (
                httpx.Client(timeout=SECONDS, trust_env=False, verify=self.tls or True) as client,
                client.stream("POST", self.url, content=body, headers=headers) as answer,
            ):
                status = answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL):
            raise NotDelivered("not reached") from None
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            raise NotDelivered(f"answered with status {status}")
