"""A strict profile of CBOR (RFC 8949): the few types that messages need, in one encoding each.

Maps with distinct text keys, arrays, integers of 64 bits, byte and text strings, true, false and null;
definite lengths in their shortest form; nothing after the value. There are no tags: a general decoder turns
them into dates, patterns and shared references, which is more than untrusted bytes should be able to ask for.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import cbor2

from blindwatch.errors import MalformedMessage, TooLarge
from blindwatch.wire import limits

Value: TypeAlias = bool | int | bytes | str | list["Value"] | dict[str, "Value"] | None

_SIMPLE: Final[dict[int, Value]] = {20: False, 21: True, 22: None}
_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _OTHER = range(8)


def encode(value: Value) -> bytes:
    """Encode a value; the same value always gives the same bytes."""
    return cbor2.dumps(value, canonical=True)


def decode(data: bytes, limit: int) -> Value:
    """Decode exactly one value of the profile from at most `limit` bytes."""
    if len(data) > limit:
        raise TooLarge(f"A message is over its limit of {limit} bytes.")
    reader = _Reader(data)
    value = reader.value(limits.DEPTH)
    reader.finish()
    return value


class _Reader:
    """A cursor over the bytes of one message."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._items = limits.ITEMS

    def finish(self) -> None:
        """Refuse bytes after the value."""
        if self._at != len(self._data):
            raise MalformedMessage("The message goes on after its end.")

    def value(self, depth: int) -> Value:
        """Read one value that nests at most `depth` containers."""
        self._items -= 1
        if depth < 0 or self._items < 0:
            raise MalformedMessage("The message nests too deeply or has too many parts.")
        major, argument = self._head()
        match major:
            case 0:
                return argument
            case 1:
                return -1 - argument
            case 2:
                return self._take(argument)
            case 3:
                return self._text(argument)
            case 4:
                return [self.value(depth - 1) for _ in range(argument)]
            case 5:
                return self._map(argument, depth)
            case 7 if argument in _SIMPLE:
                return _SIMPLE[argument]
        raise MalformedMessage("The message uses a type that is not allowed.")

    def _map(self, length: int, depth: int) -> Value:
        entries: dict[str, Value] = {}
        for _ in range(length):
            major, argument = self._head()
            if major != _TEXT:
                raise MalformedMessage("A map has a key that is not text.")
            key = self._text(argument)
            if key in entries:
                raise MalformedMessage("A map has the same key twice.")
            entries[key] = self.value(depth - 1)
        return entries

    def _head(self) -> tuple[int, int]:
        """The major type and argument of the next item, refusing every encoding but the shortest."""
        major, short = divmod(self._take(1)[0], 32)
        if short < 24:
            return major, short
        if short > 27 or major == _OTHER:
            raise MalformedMessage("The message has an item of indefinite length or of a reserved type.")
        width = 1 << (short - 24)
        argument = int.from_bytes(self._take(width), "big")
        if argument < 24 or (width > 1 and argument >> (4 * width) == 0):
            raise MalformedMessage("A number in the message is not in its shortest form.")
        return major, argument

    def _text(self, length: int) -> str:
        try:
            return self._take(length).decode()
        except UnicodeDecodeError:
            raise MalformedMessage("A text in the message is not UTF-8.") from None

    def _take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._data):
            raise MalformedMessage("The message ends too early.")
        taken = self._data[self._at : end]
        self._at = end
        return taken
