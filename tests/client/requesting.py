"""A program that runs a command of `blindwatch`, killed after so many of the steps of `killing`, and of answers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tests.client import killing

from blindwatch.cli.main import run
from blindwatch.wire.client import ServerClient

ANSWERED = "blindwatch.answered"


class _Call:
    """The client's one way to the server, which says so whenever an answer has come."""

    def __init__(self, call: Any) -> None:
        self._call = call

    def __get__(self, client: ServerClient, _: type[ServerClient]) -> Any:
        def call(*arguments: Any, **named: Any) -> bytes:
            answer: bytes = self._call(client, *arguments, **named)
            sys.audit(ANSWERED)
            return answer

        return call


if __name__ == "__main__":
    ServerClient._call = _Call(ServerClient._call)  # type: ignore[assignment, method-assign]
    killing.STEPS.add(ANSWERED)
    killing.die_after(int(sys.argv[1]), Path(sys.argv[2]))
    sys.exit(run(sys.argv[3:]))
