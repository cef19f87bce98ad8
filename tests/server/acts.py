"""What custodians do to deployments that run, and what is seen of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from blindwatch.errors import DeploymentClosed
from blindwatch.operator.reading import Reader
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Closing, Receipt, Tombstone
from blindwatch.statements.register import PersonRole
from blindwatch.wire.messages import Result, now

from ..serving import FORCE, TOKENS

if TYPE_CHECKING:
    from tests.serving import ServerProcess, Trial

CUSTODIAN = {"Authorization": f"Bearer {TOKENS['custodian']}"}
"""The header fields with which a custodian's requests can be sent without a client."""


def tombstone(server: ServerProcess, name: str, *removed: int, sequence: int = 1) -> Envelope:
    made = Tombstone(
        deployment=name,
        watchlist_digest=server.client("custodian").get_deployment(name).watchlist_digest,
        sequence=sequence,
        removed=removed,
        reason="Found",
        issued_at=now(),
    )
    return FORCE.sign(made.envelope(), "b.osei")


def answer(server: ServerProcess, name: str) -> Result:
    """The one result that waits or comes, which is acknowledged."""
    operator = server.client("operator")
    (result,) = operator.fetch_results(name, wait=20).results
    assert isinstance(result, Result)
    operator.acknowledge(name, result.probe_id)
    return result


def opened(trial: Trial, result: Result) -> list[int]:
    """The entries that a result opens."""
    reader = Reader(trial.keys.secret, 160 * trial.gate, len(trial.templates))
    return [match.entry for match in reader.matches(result.releases)]


def matches(server: ServerProcess, trial: Trial, name: str, index: int) -> tuple[int, list[int]]:
    """Which entries a probe of one of the listed opens, and which removal the result was computed with."""
    server.client("camera").post_probe(name, trial.probe(index))
    result = answer(server, name)
    return result.tombstone, opened(trial, result)


def closing(server: ServerProcess, name: str, *signers: str) -> bytes:
    digest = server.client("custodian").get_deployment(name).manifest_digest
    made = Closing(deployment=name, manifest_digest=digest, reason="It is over", issued_at=now())
    return FORCE.sign(made.envelope(), *(signers or ("c.ruiz",))).to_json()


def check_gone(server: ServerProcess, trial: Trial, name: str, receipt: bytes) -> Receipt:
    """Nothing of the deployment is left but its receipt, which the server signed."""
    envelope = Envelope.from_json(receipt)
    assert FORCE.register.signers(envelope).of_role(PersonRole.SERVER) == {"server-1"}
    for call in (
        lambda: server.client("custodian").get_deployment(name),
        lambda: server.client("camera").post_probe(name, trial.probe()),
        lambda: server.client("operator").fetch_results(name),
        lambda: server.client("custodian").put_deployment(name, trial.offer(name)),
        lambda: server.client("custodian").activate(name),
    ):
        with pytest.raises(DeploymentClosed):
            call()
    assert server.client("operator").get_receipt(name) == receipt
    assert not (server.store / "blobs" / name).exists()
    assert not (server.store / "prepared" / name).exists()
    return Receipt.read(envelope)
