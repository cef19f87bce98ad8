"""Logging in: a link from the terminal, which works once, gives a cookie."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from blindwatch.console import forms, rendering
from blindwatch.console.forms import Form
from blindwatch.console.parts import Who
from blindwatch.console.sessions import COOKIE, Session, Sessions

router = APIRouter()


@router.get("/login/{token}")
def get_login(token: str, people: Who) -> HTMLResponse:
    """Ask whoever has opened a link whether to log in: fetching a page must not use it up."""
    return HTMLResponse(rendering.enter_page(people.whose(token), token))


@router.post("/login")
def post_login(form: Form, people: Who) -> Response:
    """Log in, and use up the link."""
    cookie = people.enter(forms.text(form, "token"))
    response = back()
    response.set_cookie(COOKIE, cookie, httponly=True, samesite="strict")
    return response


def left(people: Sessions, session: Session) -> Response:
    """Log out."""
    people.leave(session)
    response = HTMLResponse(rendering.message_page("Logged out", "You can close this page."))
    response.delete_cookie(COOKIE)
    return response


def back() -> RedirectResponse:
    """To the page that shows everything."""
    return RedirectResponse("/", HTTPStatus.SEE_OTHER)
