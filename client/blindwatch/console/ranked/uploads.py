"""A form with a photograph, as browsers send it (multipart/form-data, RFC 7578), read in memory alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from typing import Annotated, Final, TypeAlias

from fastapi import Depends, Request

from blindwatch.console.forms import MALFORMED
from blindwatch.errors import MalformedMessage
from blindwatch.vision.image import MAX_BYTES
from blindwatch.wire import limits
from blindwatch.wire.bodies import whole_body

_MOST: Final = MAX_BYTES + 8 * limits.KIB
_PARTS: Final = 8


@dataclass(frozen=True)
class Body:
    """A form before it was read."""

    kind: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Upload:
    """A form: its photograph, empty if there is none, and its other fields."""

    photograph: bytes = field(repr=False)
    fields: Mapping[str, str]


async def body_in(request: Request) -> Body:
    """The body of a request, which is never on a disk; raises TooLarge."""
    data = await whole_body(request, _MOST, "form", "Scale the photograph down.")
    return Body(request.headers.get("content-type", ""), data)


Sending: TypeAlias = Annotated[Body, Depends(body_in)]


def read(body: Body) -> Upload:
    """The fields of a form; raises MalformedMessage."""
    if not body.kind.lower().startswith("multipart/form-data;"):
        raise MalformedMessage(MALFORMED)
    head = f"Content-Type: {body.kind}\r\n\r\n".encode("latin-1")
    message = BytesParser(policy=HTTP).parsebytes(head + body.data)
    found = list(_parts(message))
    fields = dict(found)
    if len(fields) != len(found):
        raise MalformedMessage(MALFORMED)
    photograph = fields.pop("photograph", b"")
    try:
        return Upload(photograph, {name: value.decode() for name, value in fields.items()})
    except UnicodeDecodeError:
        raise MalformedMessage(MALFORMED) from None


def _parts(message: Message) -> Iterator[tuple[str, bytes]]:
    parts = message.get_payload() if message.is_multipart() else []
    if not isinstance(parts, list) or message.defects or not 0 < len(parts) <= _PARTS:
        raise MalformedMessage(MALFORMED)
    for part in parts:
        name = part.get_param("name", header="content-disposition") if isinstance(part, Message) else None
        content = None if not isinstance(part, Message) else part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(content, bytes):
            raise MalformedMessage(MALFORMED)
        yield name, content
