"""Errors as RFC 9457 problem details, and back."""

from __future__ import annotations

import json
from typing import Final

from blindwatch.errors import BlindwatchError, InternalError, Problem, error_for
from blindwatch.wire import limits

MEDIA_TYPE: Final = "application/problem+json"


def to_problem(error: BlindwatchError) -> dict[str, str | int]:
    """The problem details of an error. Messages of errors hold no request data, so neither do these."""
    problem = error.problem
    details: dict[str, str | int] = {
        "type": problem.urn,
        "title": problem.title,
        "status": problem.status,
        "detail": error.detail,
    }
    return details | ({"hint": error.hint} if error.hint else {})


def to_json(error: BlindwatchError) -> bytes:
    """The problem details of an error as the body of a response."""
    return json.dumps(to_problem(error)).encode()


def from_json(body: bytes) -> BlindwatchError:
    """The error that a problem response reports; a body that is no such thing is an `InternalError`."""
    try:
        details = json.loads(body) if len(body) <= limits.JSON else None
    except (ValueError, RecursionError):
        details = None
    if not isinstance(details, dict) or not isinstance(details.get("type"), str):
        return InternalError("The server answered with something that is not a problem description.")
    return from_urn(details["type"], _text(details.get("detail")), _text(details.get("hint")))


def from_urn(urn: str, detail: str = "", hint: str = "") -> BlindwatchError:
    """The error of a problem type."""
    return error_for(Problem.from_urn(urn))(detail, hint)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
