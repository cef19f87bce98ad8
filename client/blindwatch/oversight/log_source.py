"""The files of a log from wherever they are served, and what two checkpoints of it say about each other."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final, Self

import httpx

from blindwatch.cli import files
from blindwatch.errors import (
    ConfigurationError,
    LogCorrupt,
    LogForked,
    LogMissing,
    LogRolledBack,
    MalformedLog,
    ServerUnavailable,
)
from blindwatch.tlog.checkpoints import SignedCheckpoint
from blindwatch.tlog.evidence import Case, Evidence
from blindwatch.tlog.fetching import Fetch
from blindwatch.tlog.keys import VerifierKey
from blindwatch.tlog.policy import Policy
from blindwatch.tlog.reading import LogView, read_checkpoint

_SECONDS: Final = 30.0
_NOT_FOUND: Final = 404


class LogSource:
    """Fetches over HTTP, below one address."""

    def __init__(self, url: str, tls: ssl.SSLContext | None = None) -> None:
        if tls is not None and not url.startswith("https://"):
            raise ConfigurationError(
                "Certificates are of no use with this address.", "An address with TLS begins with https://."
            )
        self._url = url.rstrip("/")
        self._http = httpx.Client(timeout=_SECONDS, verify=tls or True)

    def __call__(self, path: str, limit: int) -> bytes:
        """A file of the log; raises LogMissing, MalformedLog or ServerUnavailable."""
        try:
            with self._http.stream("GET", f"{self._url}/{path}") as response:
                if response.status_code == _NOT_FOUND:
                    raise LogMissing(f"The log has no file {path}.")
                if not response.is_success:
                    raise ServerUnavailable(f"The log is not served (status {response.status_code}).")
                body = bytearray()
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > limit:
                        raise MalformedLog(f"The file {path} of the log is over its byte limit.")
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise ServerUnavailable(
                f"The log cannot be reached ({type(error).__name__}).", "Check its address."
            ) from None
        return bytes(body)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()


def the_log(policy: Policy) -> VerifierKey:
    """The one log of a policy; raises ConfigurationError."""
    if len(policy.logs) != 1:
        raise ConfigurationError(
            "The policy of witnesses does not name one log.", "Follow each by a policy of its own."
        )
    (party,) = policy.logs.values()
    return party.key


def newest(fetch: Fetch, log: VerifierKey, kept: SignedCheckpoint | None, folder: Path) -> SignedCheckpoint:
    """The checkpoint that is served, if the log goes on from the one that was kept; that, if an older one is served.

    Evidence is left in the folder. Raises LogForked, LogRolledBack, LogCorrupt, UntrustedCheckpoint or MalformedLog.
    """
    signed = read_checkpoint(fetch, log)
    if kept is None:
        return signed
    if _is_older(fetch, kept, signed):
        return kept
    found = compare(fetch, log, kept, signed)
    if found is None:
        return signed
    path = folder / f"{found.case}-{found.offered.checkpoint.root.hex()[:16]}.json"
    if not path.exists():
        files.replace_private(path, found.to_json(), "evidence")
    kind = LogRolledBack if found.case is Case.BEHIND else LogForked
    raise kind("", f"The evidence is in {path}: give it to whoever relies on the log.")


def compare(fetch: Fetch, log: VerifierKey, old: SignedCheckpoint, new: SignedCheckpoint) -> Evidence | None:
    """What two checkpoints of a log show against it, if anything; raises LogCorrupt if its tiles are not theirs."""
    before, after = old.verify(log), new.verify(log)
    if after.size <= before.size:
        same = (after.size, after.root) == (before.size, before.root)
        return None if same else Evidence(log, old, new, ())
    view = LogView(fetch, after)
    beginning = view.root_at(before.size)
    if beginning == before.root:
        return None
    return Evidence(log, old, new, tuple(view.prove_consistency(before.size)), beginning)


def _is_older(fetch: Fetch, kept: SignedCheckpoint, signed: SignedCheckpoint) -> bool:
    """Whether a smaller tree is one that the kept one begins with: late to be shown, and nothing worse."""
    smaller = signed.checkpoint
    if smaller.size >= kept.checkpoint.size:
        return False
    view = LogView(fetch, kept.checkpoint)
    try:
        # That the larger tree is still there has to be seen too: every tree begins with the empty one.
        view.root_at(kept.checkpoint.size)
        return view.root_at(smaller.size) == smaller.root
    except (LogMissing, LogCorrupt):
        return False
