"""The form of a check: its few words, and a photograph that is in memory once, to be overwritten."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, TypeAlias

from fastapi import Depends, Request

from blindwatch.console.forms import MALFORMED
from blindwatch.console.ranked import uploads
from blindwatch.console.ranked.uploads import Body
from blindwatch.errors import MalformedMessage


@dataclass(frozen=True)
class Asked:
    """What an operator asks for."""

    fields: Mapping[str, str]
    photograph: bytearray = field(repr=False)
    """The bytes of a file, none if the camera of this machine takes the photograph."""

    @property
    def harm(self) -> str | None:
        """The risk of significant harm, if one was stated."""
        return self.fields.get("harm") or None

    def wipe(self) -> None:
        """Overwrite the photograph."""
        self.photograph[:] = bytes(len(self.photograph))


class Form:
    """A form that can be read once: whoever called for it holds it for as long as the request lasts."""

    def __init__(self, body: Body) -> None:
        self._body: Body | None = body

    def read(self) -> Asked:
        """What was asked for, of which there is no other copy then; raises MalformedMessage."""
        found = self._taken()
        gc.collect()  # the parser of MIME leaves what it has read in circles
        return found

    def _taken(self) -> Asked:
        body, self._body = self._body, None
        if body is None:
            raise MalformedMessage(MALFORMED)
        upload = uploads.read(body)
        return Asked(upload.fields, bytearray(upload.photograph))


async def _form(request: Request) -> Form:
    # Not by a dependency of its own, which would be kept with what it gave until there is an answer.
    return Form(await uploads.body_in(request))


Posted: TypeAlias = Annotated[Form, Depends(_form)]
