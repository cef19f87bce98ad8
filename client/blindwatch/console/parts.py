"""What every page works with: the duty, who is logged in, and forms that are their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from blindwatch.console.duty import Duty
from blindwatch.console.forms import Form
from blindwatch.console.sessions import COOKIE, Session, Sessions
from blindwatch.statements.signing import Identity
from blindwatch.wire.client import ServerClient


@dataclass(frozen=True)
class Parts:
    """What the pages work with."""

    duty: Duty
    sessions: Sessions
    identity: Identity
    server: ServerClient
    """For stops; it does not wait long."""
    close: Callable[[], None]
    """Ends the program."""
    is_closing: Callable[[], bool]
    """Whether it is about to end."""


def parts_of(request: Request) -> Parts:
    """The parts that the application was made of."""
    parts: Parts = request.app.state.parts
    return parts


def sessions_of(request: Request) -> Sessions:
    """Who may log in, and who is."""
    sessions: Sessions = request.app.state.parts.sessions
    return sessions


def session_of(request: Request) -> Session:
    """Who sends a request; raises Unauthenticated."""
    return sessions_of(request).find(request.cookies.get(COOKIE, ""))


With = Annotated[Parts, Depends(parts_of)]
Who = Annotated[Sessions, Depends(sessions_of)]
LoggedIn = Annotated[Session, Depends(session_of)]


def _sent(session: LoggedIn, form: Form) -> Session:
    session.check(form.get("csrf", ""))
    session.notice = ""
    return session


Sent = Annotated[Session, Depends(_sent)]
"""The session of a form that is one of its own."""
