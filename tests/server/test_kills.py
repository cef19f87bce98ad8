"""kill -9 while a deployment is opened, filled, put into force, cut or closed: before or after, never between."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack
from contextlib import closing as closed
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from blindwatch.errors import UnknownDeployment
from blindwatch.store.database import DATABASE

from ..serving import eventually
from .acts import CUSTODIAN, check_gone, closing, matches, tombstone

if TYPE_CHECKING:
    from tests.serving import ServerProcess, Trial

    Start = Callable[..., ServerProcess]

DELAYS = [0.0, 0.02, 0.05, 0.1]
"""Seconds from when requests are sent to the kill; everything that they ask for takes about as long."""


def receipts(store: Path) -> dict[str, bool]:
    """The deployments of a store that are over, and whether there is a receipt, as seen from outside."""
    with closed(sqlite3.connect(f"file:{store / DATABASE}?mode=ro", uri=True)) as database:
        return dict(database.execute("SELECT id, receipt IS NOT NULL FROM closures").fetchall())


def test_an_end_that_is_cut_short_comes_to_its_end(start: Start, trial: Trial) -> None:
    server = start()
    for delay in DELAYS:
        statements = {name: closing(server, name) for name in (trial.open(server) for _ in range(3))}
        with ExitStack() as stack:
            for name, statement in statements.items():
                stack.enter_context(server.cut_off(f"/v1/deployments/{name}/closing", statement, CUSTODIAN))
            time.sleep(delay)
            server.kill()
        begun = receipts(server.store)
        server.start()
        for name, statement in statements.items():
            # Either it had not begun, and everything is as it was, or it is finished by now.
            if name in begun:
                assert receipts(server.store)[name]
            else:
                assert matches(server, trial, name, 3) == (0, [3])
            receipt = server.client("custodian").close_deployment(name, statement)
            check_gone(server, trial, name, receipt)


def test_an_end_that_waits_for_a_worker(start: Start, trial: Trial) -> None:
    """Noted as over, and nothing deleted yet: nobody is served any more, and the next start destroys it."""
    server = start()
    name = trial.open(server)
    statement = closing(server, name)
    server.pause()
    with server.cut_off(f"/v1/deployments/{name}/closing", statement, CUSTODIAN):
        eventually(lambda: name in receipts(server.store))
        assert not receipts(server.store)[name]
        assert len(list((server.store / "blobs" / name).iterdir())) == len(trial.rows[0]) + 1
        server.kill()
    server.start()
    assert receipts(server.store) == {name: True}
    check_gone(server, trial, name, server.client("operator").get_receipt(name))


def test_what_was_under_way_is_done_or_not_begun(start: Start, trial: Trial) -> None:
    server = start()
    for delay in DELAYS:
        filled, activated, cut = (trial.open(server, enrolled=at == 2) for at in range(3))
        offered = f"kill-{secrets.token_hex(4)}"
        for blob in trial.blocks[0]:
            server.client("custodian").put_blob(activated, blob)
        blob, row = trial.blocks[0][0], trial.rows[0][0]
        requests = [
            ("PUT", f"{filled}/blobs/{row}", blob),
            ("PUT", f"{cut}/tombstones/1", tombstone(server, cut, 3).to_json()),
            ("POST", f"{activated}/activation", b""),
            ("PUT", offered, trial.offer(offered).to_cbor()),
        ]
        with ExitStack() as stack:
            for method, path, body in requests:
                stack.enter_context(server.cut_off(f"/v1/deployments/{path}", body, CUSTODIAN, method))
            time.sleep(delay)
            server.kill()
        server.start()
        check_blobs(server, filled)
        check_cut(server, trial, cut)
        check_opened(server, trial, offered)
        for name in (filled, activated, offered):
            trial.enrol(server.client("custodian"), name)
            assert matches(server, trial, name, 3) == (0, [3])


def check_blobs(server: ServerProcess, name: str) -> None:
    """Every file is whole, by its name."""
    files = list((server.store / "blobs" / name).iterdir())
    assert files
    for path in files:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name


def check_cut(server: ServerProcess, trial: Trial, name: str) -> None:
    """The entry is removed, or it is not; what the server says of it and what it does are the same."""
    sequence = server.client("custodian").get_deployment(name).tombstone
    assert matches(server, trial, name, 3) == (sequence, [] if sequence else [3])
    assert (server.client("operator").get_tombstone(name) is not None) == bool(sequence)


def check_opened(server: ServerProcess, trial: Trial, name: str) -> None:
    """The deployment is there, or nothing of it is, and it can be offered."""
    custodian = server.client("custodian")
    if not (server.store / "blobs" / name).exists():
        with pytest.raises(UnknownDeployment):
            custodian.get_deployment(name)
        custodian.put_deployment(name, trial.offer(name))
    assert not custodian.get_deployment(name).ready
