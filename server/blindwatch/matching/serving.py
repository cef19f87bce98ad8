"""Runs the server: the socket, the workers, the signals, and an end that loses nothing it need not."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib import metadata
from pathlib import Path
from typing import Final

import uvicorn

from blindwatch.errors import ConfigurationError
from blindwatch.matching import logs
from blindwatch.matching.access import BearerTokens
from blindwatch.matching.application import application
from blindwatch.matching.auditing import AuditDesk
from blindwatch.matching.authorising import ProbeGate
from blindwatch.matching.authority import Authority
from blindwatch.matching.cameras import CameraGate
from blindwatch.matching.closing import ClosingDesk
from blindwatch.matching.cosigning import Cosigner
from blindwatch.matching.counting import CountingDesk
from blindwatch.matching.deployments import DeploymentDesk
from blindwatch.matching.ledger import Ledger
from blindwatch.matching.mailbox import Mailbox
from blindwatch.matching.pending import Pending
from blindwatch.matching.probes import ProbeDesk
from blindwatch.matching.removals import RemovalDesk
from blindwatch.matching.roster import Roster
from blindwatch.matching.routes import Desks
from blindwatch.matching.searches import SearchDesk
from blindwatch.matching.settings import ServerSettings
from blindwatch.matching.stopping import StoppingDesk
from blindwatch.matching.workers import WorkerPool
from blindwatch.records.record import minute
from blindwatch.records.server import Started
from blindwatch.statements.register import Register
from blindwatch.store.database import Store
from blindwatch.wire.serving import hush, quiet

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_HOUR: Final = 3600.0


def serve(settings: ServerSettings, ready_file: Path | None, allow_insecure: bool) -> None:
    """Run the server until a signal ends it."""
    logs.configure()
    hush()
    _warn(settings, allow_insecure)
    with Store.open(settings.data) as store, _listen(settings) as listener:
        asyncio.run(_serve(settings, store, listener, ready_file, allow_insecure))
    logs.info("stopped")


async def _serve(
    settings: ServerSettings,
    store: Store,
    listener: socket.socket,
    ready_file: Path | None,
    allow_insecure: bool,
) -> None:
    tls = settings.tls
    async with _desks(settings, store, allow_insecure) as desks:
        config = quiet(
            application(desks, BearerTokens(settings.tokens)),
            max(1, round(settings.shutdown_seconds)),
            tls,
        )
        scheme = "http" if tls is None else "https"
        server = _Server(config, lambda: _announce(scheme, listener, ready_file), desks.mailbox.close)
        await server.serve(sockets=[listener])
        logs.info("stopping", queued=desks.probes.queued + desks.searches.queued)
        await asyncio.gather(
            desks.probes.finish(settings.shutdown_seconds), desks.searches.finish(settings.shutdown_seconds)
        )


@asynccontextmanager
async def _desks(settings: ServerSettings, store: Store, allow_insecure: bool) -> AsyncIterator[Desks]:
    pool = WorkerPool(settings.workers, settings.threads, settings.job_seconds)
    authority = Authority(
        Register.load(settings.register_path),
        store.identity,
        store.log_name,
        allow_insecure=allow_insecure,
        allow_ranked=settings.allow_ranked,
    )
    roster = Roster(store)
    cosigner = Cosigner(store.log, lambda: [*roster.log_policies(), *closing.log_policies()])
    ledger = Ledger(store.log, store.log_site, store.log_name, cosigner)
    deployments = DeploymentDesk(store, pool, roster, authority, ledger)
    removals = RemovalDesk(store, roster, authority, ledger)
    mailbox = Mailbox(store.results, ledger, settings.result_hours * _HOUR)
    pending = Pending()
    closing = ClosingDesk(store, pool, roster, authority, mailbox, pending, ledger)
    authorised = ProbeGate(authority.register, store.nonces)
    probes = ProbeDesk(roster, pool, mailbox, ledger, pending, authorised, settings.queue_length)
    searches = SearchDesk(roster, pool, mailbox, ledger, store.nonces)
    audit = AuditDesk(store, roster, authority, ledger, pending)
    await ledger.record(Started(at=minute(), software=metadata.version("blindwatch")))
    await closing.resume()
    await pool.start(deployments.watchlists())
    work = (
        mailbox.keep_expiring(),
        closing.keep_closing(),
        audit.keep_forgetting(),
        cosigner.keep_cosigning(),
    )
    repeating = [asyncio.create_task(each) for each in work]
    try:
        gate = CameraGate(roster, store.nonces)
        counting = CountingDesk(store.counts, roster, ledger)
        stopping = StoppingDesk(store, roster, authority, ledger)
        yield Desks(
            *(roster, deployments, removals, closing, probes, searches, mailbox, pool, gate, ledger, audit),
            *(counting, stopping),
        )
    finally:
        for each in repeating:
            each.cancel()
        await asyncio.gather(*repeating, return_exceptions=True)
        await pool.stop()


class _Server(uvicorn.Server):
    """Uvicorn, whose signals are ours: it would end the process before the probes are answered."""

    def __init__(
        self, config: uvicorn.Config, announce: Callable[[], None], close: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._announce = announce
        self._close = close

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._stop)
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()

    def _stop(self) -> None:
        # A second signal is from somebody who does not want to wait.
        self.force_exit = self.should_exit
        self.should_exit = True
        self._close()


@contextmanager
def _listen(settings: ServerSettings) -> Iterator[socket.socket]:
    try:
        family, _, _, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[
            0
        ]
        listener = socket.create_server(address[:2], family=family, backlog=128)
    except OSError as error:
        raise ConfigurationError(
            f"The server cannot listen at this address ({error.strerror}).",
            hint="Check the host and the port, and that no other server has them.",
        ) from None
    with listener:
        yield listener


def _announce(scheme: str, listener: socket.socket, ready_file: Path | None) -> None:
    host, port = listener.getsockname()[:2]
    address = f"{scheme}://{f'[{host}]' if listener.family == socket.AF_INET6 else host}:{port}"
    logs.info("listening", address=address, pid=os.getpid())
    if ready_file is not None:
        partial = ready_file.with_name(f".{ready_file.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            partial.unlink()
        partial.write_text(json.dumps({"address": address, "pid": os.getpid()}) + "\n", encoding="utf-8")
        partial.replace(ready_file)


def _warn(settings: ServerSettings, allow_insecure: bool) -> None:
    if allow_insecure:
        logs.warning("INSECURE-PRESETS-ALLOWED", meaning="templates may arrive unencrypted; for tests only")
    if settings.allow_ranked:
        logs.warning("ranked-search-allowed", meaning="operators of ranked deployments learn every score")
    if not settings.is_loopback and settings.tls_certificate is None:
        logs.warning(
            "reachable-from-elsewhere", meaning="tokens travel in clear; set tls_certificate and tls_key"
        )
    if not any(settings.tokens.values()):
        raise ConfigurationError(
            "No role has a token, so nobody could open a deployment or read a result.",
            hint="Make one with 'blindwatch server token' and put its digest into the settings.",
        )
