"""Who a request comes from, and what that role may do."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Final, Protocol

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from blindwatch.errors import Forbidden, Unauthenticated

TOKEN_BYTES: Final = 32


class Role(StrEnum):
    """The roles that call the server with a token. Cameras sign their requests instead."""

    CUSTODIAN = "custodian"
    OPERATOR = "operator"
    OVERSIGHT = "oversight"


class Authenticator(Protocol):
    """Tells the role of a request's sender from the request, before its body is read."""

    def authenticate(self, request: Request) -> Role:
        """The sender's role; raises `Unauthenticated`."""
        ...


class BearerTokens:
    """Tokens of which the server knows the SHA-256 digests only."""

    def __init__(self, digests: Mapping[Role, Iterable[str]]) -> None:
        self._roles = {digest: role for role, held in digests.items() for digest in held}

    def authenticate(self, request: Request) -> Role:
        """The role whose token the request carries."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        presented = digest_of(token.strip())
        role = None
        for digest, holder in self._roles.items():
            if hmac.compare_digest(digest, presented):
                role = holder
        if role is None or scheme.lower() != "bearer":
            raise Unauthenticated(hint="Use a token whose digest is in the server's settings.")
        return role


def new_token() -> str:
    """A token that nobody can guess."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def digest_of(token: str) -> str:
    """What the server's settings hold of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


_BEARER: Final = HTTPBearer(auto_error=False, description="A token of the role")


def only(*roles: Role) -> Callable[..., Awaitable[None]]:
    """A dependency that lets these roles pass."""

    async def check(
        request: Request,
        _documented: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
    ) -> None:
        authenticator: Authenticator = request.app.state.authenticator
        if authenticator.authenticate(request) not in roles:
            raise Forbidden

    return check
