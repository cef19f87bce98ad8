"""Pages out of templates, in which everything that is put into one is escaped, and images."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from blindwatch.console import wording
from blindwatch.console.actions import REASONS
from blindwatch.console.board import Board, errors, retention
from blindwatch.console.sessions import Session
from blindwatch.errors import BlindwatchError, NotFound
from blindwatch.operator.showing import image_age

TEMPLATES: Final = Path(__file__).parent / "templates"


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "clock": wording.clock,
        "iso": wording.iso,
        "second": wording.second,
        "reason": REASONS.__getitem__,
        "sign": wording.SIGNS.__getitem__,
        "stage": wording.STAGES.__getitem__,
        "image_age": image_age,
        "is_old": wording.is_old,
        "times": wording.times,
    }
    return made


_ENVIRONMENT: Final = _environment()


def page(name: str, **content: object) -> str:
    """A page by the name of its template."""
    return _ENVIRONMENT.get_template(name).render(content)


def board_page(board: Board, session: Session, error: BlindwatchError | None = None) -> str:
    """The page of an operator, with what was wrong with the last thing that was tried, if anything was."""
    template = _ENVIRONMENT.get_template("board.html.j2")
    return template.render(
        board=board,
        session=session,
        error=error,
        retention=retention(board.assignment.rules),
        errors=errors(board.assignment),
        zone=board.now.astimezone().tzname(),
    )


def enter_page(operator: str, token: str) -> str:
    """The page to which a link from the terminal leads."""
    return _ENVIRONMENT.get_template("enter.html.j2").render(operator=operator, token=token)


def image(data: bytes | None, otherwise: str) -> Response:
    """A JPEG; raises NotFound, which says `otherwise`, if there is none."""
    if data is None:
        raise NotFound(otherwise)
    return Response(data, media_type="image/jpeg")


def message_page(title: str, detail: str, hint: str = "") -> str:
    """A page that says one thing."""
    return _ENVIRONMENT.get_template("message.html.j2").render(title=title, detail=detail, hint=hint)
