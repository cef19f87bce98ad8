"""Who is logged in: a link that works once gives a cookie that counts until the console ends. Both are random."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from hmac import compare_digest
from threading import Lock
from typing import Final

from blindwatch.errors import Forbidden, Unauthenticated

COOKIE: Final = "blindwatch-console"
_TOKEN_BYTES: Final = 32


@dataclass
class Session:
    """One operator at one browser."""

    operator: str
    csrf: str = field(repr=False)
    """Comes with every form, so that no other page can send one."""
    notice: str = ""
    """What the last thing came to that the operator did."""

    def check(self, csrf: str) -> None:
        """Refuse a form that no page of this session had; raises Forbidden."""
        if not compare_digest(csrf.encode(), self.csrf.encode()):
            raise Forbidden("The form is not one of this session.", "Load the page again.")


class Sessions:
    """The operators of a console, their links and their sessions, by the digests of what names them."""

    def __init__(self, operators: Sequence[str]) -> None:
        self.operators = tuple(operators)
        self._links: dict[str, str] = {}
        self._open: dict[str, Session] = {}
        self._lock = Lock()

    def link(self, operator: str) -> str:
        """A new token with which this operator logs in once; the one before works no longer."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        with self._lock:
            self._links = {digest: name for digest, name in self._links.items() if name != operator}
            self._links[_digest(token)] = operator
        return token

    def whose(self, token: str) -> str:
        """Whom a token is for; raises Unauthenticated if it was used, or never was one."""
        with self._lock:
            return self._whose(token)

    def enter(self, token: str) -> str:
        """Use up a token, and end the operator's session elsewhere; what the cookie is to hold."""
        cookie = secrets.token_urlsafe(_TOKEN_BYTES)
        with self._lock:
            operator = self._whose(token)
            del self._links[_digest(token)]
            self._open = {name: each for name, each in self._open.items() if each.operator != operator}
            self._open[_digest(cookie)] = Session(operator, secrets.token_urlsafe(_TOKEN_BYTES))
        return cookie

    def find(self, cookie: str) -> Session:
        """The session of a cookie; raises Unauthenticated."""
        with self._lock:
            found = self._open.get(_digest(cookie))
        if found is None:
            raise Unauthenticated("You are not logged in.", "Open a link from the terminal.")
        return found

    def leave(self, session: Session) -> None:
        """End a session."""
        with self._lock:
            self._open = {name: each for name, each in self._open.items() if each is not session}

    def _whose(self, token: str) -> str:
        operator = self._links.get(_digest(token))
        if operator is None:
            raise Unauthenticated(
                "The link was used already, or is not one.", "Press Enter at the terminal for new links."
            )
        return operator


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
