"""The TFHE engine as the rest of the project sees it: two processes in Concrete ML's environment, and the traffic
between them.

The process that holds keys never talks to the evaluator; what goes between them passes through here, so it can be
seen that these are evaluation keys, ciphertexts, a threshold and encrypted bits.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from secrets import token_hex
from types import TracebackType
from typing import BinaryIO, NamedTuple, Self, TypeVar, cast

import httpx
import numpy as np

from blindwatch.errors import InternalError, ServerUnavailable, WorkerLost, WrongKey
from blindwatch.he import verdicts
from blindwatch.he.verdicts import DIMENSION, Integers, Verdicts
from blindwatch.opinion import frames
from blindwatch.opinion.environment import Installed
from blindwatch.wire import problems
from blindwatch.wire.messages import Message
from blindwatch.wire.opinions import OpinionAnswer, OpinionKeys, OpinionRequest, Pair, Verdict

_KEYS_SECONDS = 300.0
_VERDICT_SECONDS = 300.0

M = TypeVar("M", bound=Message)
Process = subprocess.Popen[bytes]


class _Compared(NamedTuple):
    match: bool
    seconds: float
    lookups: int


class TfheEngine:
    """Verdicts in TFHE with keys of its own, for as long as the context is open."""

    scheme = "TFHE (Concrete)"

    def __init__(self, installed: Installed) -> None:
        self._installed = installed
        self._holder: Process | None = None
        self._evaluator: Process | None = None
        self._http: httpx.Client | None = None
        self._key_bytes = 0

    def __enter__(self) -> Self:
        if self._holder is None:
            self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start both sides, make keys and try them; some ten seconds. Raises WorkerLost where either side ends."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End both processes; with the one that held them the keys are gone."""
        if self._http is not None:
            self._http.close()
        for process in (self._holder, self._evaluator):
            if process is not None:
                _end(process)
        self._http = self._holder = self._evaluator = None

    @property
    def key_bytes(self) -> int:
        """How many bytes of evaluation keys were sent."""
        return self._key_bytes

    def verdicts(self, probe: Integers, entries: Integers, threshold: int) -> Verdicts:
        """One bit for each entry; see `VerdictEngine`."""
        verdicts.check(probe, entries, threshold)
        compared = [self._compare(probe, entry, threshold) for entry in entries]
        return Verdicts(
            matches=tuple(each.match for each in compared),
            error_probability=self._installed.circuit.error_probability,
            seconds=sum(each.seconds for each in compared),
            lookups=compared[0].lookups,
        )

    def _start(self) -> None:
        token = token_hex(32)
        where = [str(self._installed.folder), self._installed.circuit.sha256]
        self._holder = self._run(["-m", "blindwatch.opinion.keyholder", *where])
        self._evaluator = self._run(["-m", "blindwatch.evaluator", *where])
        entrance = _stream(self._evaluator.stdin)
        entrance.write(token.encode() + b"\n")
        entrance.flush()
        port = _stream(self._evaluator.stdout).readline().strip()
        if not port.isdigit():
            raise WorkerLost("The evaluator of the TFHE engine did not start.")
        self._http = httpx.Client(
            base_url=f"http://127.0.0.1:{int(port)}",
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,  # loopback goes through no proxy
        )
        keys = frames.read(_stream(self._holder.stdout), OpinionKeys.limit)
        self._key_bytes = len(keys)
        self._send("PUT", "/keys", keys, _KEYS_SECONDS)
        self._try()

    def _try(self) -> None:
        """Decide a known pair. Keys unfold in the first comparison, so nobody should wait for its verdict."""
        known = np.zeros(DIMENSION, dtype=np.int64)
        known[0] = 1
        if not self._compare(known, known, 1).match:
            raise WrongKey("The TFHE engine decided a known pair wrongly; nothing was compared.")

    def _run(self, arguments: Sequence[str]) -> Process:
        return subprocess.Popen(  # noqa: S603 - the interpreter that was installed for it
            [str(self._installed.python), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # libraries print their warnings there, and might print more
            env=self._installed.variables,
        )

    def _compare(self, probe: Integers, entry: Integers, threshold: int) -> _Compared:
        # Templates in clear are let go of here before the comparison, not after it.
        request = self._ask(
            Pair(probe=tuple(probe.tolist()), entry=tuple(entry.tolist()), threshold=threshold),
            OpinionRequest,
        )
        answer = OpinionAnswer.from_cbor(self._send("POST", "/verdicts", request.to_cbor(), _VERDICT_SECONDS))
        match = self._ask(answer, Verdict).match
        return _Compared(match, answer.elapsed_ms / 1000, answer.lookups)

    def _ask(self, message: Message, answer: type[M]) -> M:
        """What the process that holds the keys says to a message."""
        if self._holder is None:
            raise WorkerLost("The TFHE engine is not running.")
        frames.write(_stream(self._holder.stdin), message.to_cbor())
        return answer.from_cbor(frames.read(_stream(self._holder.stdout), answer.limit))

    def _send(self, method: str, path: str, body: bytes, seconds: float) -> bytes:
        """What the evaluator answers; raises the error that it reports."""
        if self._http is None:
            raise WorkerLost("The TFHE engine is not running.")
        try:
            response = self._http.request(method, path, content=body, timeout=seconds)
        except httpx.HTTPError:
            raise ServerUnavailable("The evaluator of the TFHE engine does not answer.") from None
        if response.is_success:
            return response.content
        if response.headers.get("content-type") == problems.MEDIA_TYPE:
            raise problems.from_json(response.content)
        raise InternalError


def _end(process: Process) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()


def _stream(stream: object) -> BinaryIO:
    """A pipe of a process that was started with one."""
    return cast(BinaryIO, stream)
