"""Forms as browsers send them: a few short fields, each once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, TypeAlias, get_args
from urllib.parse import parse_qsl

from fastapi import Depends, Request

from blindwatch.console.alerts import Reason, Stage
from blindwatch.errors import MalformedMessage
from blindwatch.records.operator import Outcome
from blindwatch.wire import limits
from blindwatch.wire.bodies import whole_body

_FIELDS: Final = 8
_OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
_STAGES: Final[tuple[Stage, ...]] = ("new", *_OUTCOMES)
MALFORMED: Final = "The form does not have the fields that it should."


async def _read(request: Request) -> Mapping[str, str]:
    body = await whole_body(request, limits.KIB, "form")
    try:
        fields = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=_FIELDS
        )
    except (ValueError, UnicodeDecodeError):
        raise MalformedMessage(MALFORMED) from None
    found = dict(fields)
    if len(found) != len(fields):
        raise MalformedMessage(MALFORMED)
    return found


Form: TypeAlias = Annotated[Mapping[str, str], Depends(_read)]


def text(form: Mapping[str, str], name: str) -> str:
    """A field that has to be there."""
    if name not in form:
        raise MalformedMessage(MALFORMED)
    return form[name]


def decision(form: Mapping[str, str]) -> tuple[Stage, Outcome, Reason | None]:
    """The stage at which an alert was seen, and what was decided."""
    stage = next((each for each in _STAGES if each == form.get("stage")), None)
    outcome = next((each for each in _OUTCOMES if each == form.get("outcome")), None)
    reason = form.get("reason") or None
    if stage is None or outcome is None or reason not in {None, *Reason}:
        raise MalformedMessage(MALFORMED)
    return stage, outcome, None if reason is None else Reason(reason)
