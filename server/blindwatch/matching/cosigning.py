"""Asking the witnesses of the deployments' policies to cosign the log (C2SP tlog-witness)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

import httpx

from blindwatch.errors import LogError, TooLarge
from blindwatch.matching import logs
from blindwatch.tlog.checkpoints import SignedCheckpoint
from blindwatch.tlog.cosignatures import check_cosignature
from blindwatch.tlog.log import Log
from blindwatch.tlog.notes import NoteSignature, parse_signatures
from blindwatch.tlog.policy import Policy
from blindwatch.tlog.policy_file import Party
from blindwatch.tlog.submissions import Submission
from blindwatch.wire import limits

_SECONDS: Final = 5.0
_PAUSE: Final = 1.0
_SIZE: Final = "text/x.tlog.size"
_OK, _CONFLICT = 200, 409


class Cosigner:
    """The newest checkpoint with all cosignatures that there are, and the wish for a newer one.

    One round is asked for at a time, of all witnesses at once. A witness that does not answer makes a round take
    seconds, and its cosignature is missing; whether that is too little, the policy of each deployment says.
    """

    def __init__(self, log: Log, policies: Callable[[], Iterable[Policy]]) -> None:
        self._log = log
        self._policies = policies
        self._sizes: dict[str, int] = {}
        self._published = log.checkpoint
        self._wanted = asyncio.Event()
        self._news = asyncio.Condition()

    @property
    def published(self) -> SignedCheckpoint:
        """What readers get to see as the newest."""
        return self._published if self._witnesses() else self._log.checkpoint

    def ask(self) -> None:
        """Have what is in the log by now cosigned."""
        self._wanted.set()

    async def covering(self, size: int, policy: Policy, wait: float) -> SignedCheckpoint | None:
        """A published checkpoint of at least so many entries that satisfies a policy, once there is one."""

        def found() -> SignedCheckpoint | None:
            signed = self.published
            return signed if signed.checkpoint.size >= size and _satisfies(signed, policy) else None

        async with self._news:
            try:
                return await asyncio.wait_for(self._news.wait_for(found), max(wait, _PAUSE))
            except TimeoutError:
                return None

    async def keep_cosigning(self) -> None:
        """Go round the witnesses whenever there is something new, for as long as the server runs."""
        async with httpx.AsyncClient(timeout=_SECONDS) as http:
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                try:
                    whole = await self._round(http)
                except Exception as error:  # noqa: BLE001 - a round that ended this would be the last one
                    logs.warning("cosigning-failed", kind=type(error).__name__)
                    whole = False
                if not whole:
                    await asyncio.sleep(_PAUSE)
                    self._wanted.set()

    async def _round(self, http: httpx.AsyncClient) -> bool:
        """Ask every witness once; whether all have answered with a cosignature."""
        signed, witnesses = self._log.checkpoint, self._witnesses()
        given = await asyncio.gather(*(self._cosignatures(http, each, signed) for each in witnesses))
        async with self._news:
            self._published = signed.with_signatures([one for each in given for one in each])
            self._news.notify_all()
        return all(given)

    async def _cosignatures(
        self, http: httpx.AsyncClient, witness: Party, signed: SignedCheckpoint
    ) -> tuple[NoteSignature, ...]:
        name = witness.key.name
        try:
            for _ in range(2):
                status, media, body = await self._submit(http, witness, signed)
                if status == _OK:
                    found = tuple(each for each in parse_signatures(body) if each.name == name)
                    check_cosignature(signed.with_signatures(found), witness.key)
                    self._sizes[name] = signed.checkpoint.size
                    return found
                if status != _CONFLICT or media != _SIZE:
                    break
                self._sizes[name] = int(body)  # it knows another size than we thought
        except (httpx.HTTPError, httpx.InvalidURL, LogError, TooLarge, ValueError) as error:
            logs.warning("witness-not-reached", witness=name, kind=type(error).__name__)
            return ()
        logs.warning("witness-refused", witness=name, status=status)
        return ()

    async def _submit(
        self, http: httpx.AsyncClient, witness: Party, signed: SignedCheckpoint
    ) -> tuple[int, str, str]:
        old = min(self._sizes.get(witness.key.name, 0), signed.checkpoint.size)
        view = self._log.view_at(signed.checkpoint)
        proof = await asyncio.to_thread(view.prove_consistency, old)
        body = Submission(old, tuple(proof), signed).to_bytes()
        url = f"{(witness.url or '').rstrip('/')}/add-checkpoint"
        async with http.stream("POST", url, content=body) as response:
            answer = bytearray()
            async for chunk in response.aiter_bytes():
                answer += chunk
                if len(answer) > limits.LOG_NOTE:
                    raise TooLarge("The answer of a witness is over its byte limit.")
            media = response.headers.get("content-type", "")
            return response.status_code, media, answer.decode()

    def _witnesses(self) -> list[Party]:
        """Every witness that has an address in a policy, once."""
        found = {
            party.key.name: party
            for policy in self._policies()
            for party in policy.witnesses.values()
            if party.url is not None
        }
        return list(found.values())


def _satisfies(signed: SignedCheckpoint, policy: Policy) -> bool:
    try:
        policy.check(signed)
    except LogError:
        return False
    return True
