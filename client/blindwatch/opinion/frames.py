"""Messages over a pair of pipes: four bytes of length, big-endian, and the message."""

from __future__ import annotations

from typing import BinaryIO, Final

from blindwatch.errors import TooLarge, WorkerLost

_LENGTH: Final = 4


def write(stream: BinaryIO, data: bytes) -> None:
    """Send one message; raises WorkerLost if nobody reads any more."""
    try:
        stream.write(len(data).to_bytes(_LENGTH, "big") + data)
        stream.flush()
    except (BrokenPipeError, ValueError):
        raise WorkerLost("The process at the other end has ended.") from None


def read(stream: BinaryIO, limit: int) -> bytes:
    """Receive one message of at most `limit` bytes; raises WorkerLost at the end of the stream, and TooLarge."""
    length = int.from_bytes(_exactly(stream, _LENGTH), "big")
    if length > limit:
        raise TooLarge("A message is over its byte limit.")
    return _exactly(stream, length)


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise WorkerLost("The process at the other end has ended.")
    return data
