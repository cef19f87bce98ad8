"""What an operator cannot change in a running deployment, with an own token or one stolen from a custodian."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from blindwatch.errors import BlindwatchError, Forbidden, NotAuthorised
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Closing, DeploymentManifest, Revocation
from blindwatch.statements.register import Person, PersonRole, entry
from blindwatch.statements.signing import Identity
from blindwatch.wire import digests, problems
from blindwatch.wire.client import CBOR, ENVELOPE
from blindwatch.wire.messages import now

from ..serving import FORCE
from .acts import matches, tombstone

if TYPE_CHECKING:
    from tests.serving import ServerProcess, Trial

    Start = Callable[..., ServerProcess]

OPERATOR, OFFICER = "e.novak", "d.silva"
SIGNERS: dict[str, tuple[str, ...]] = {
    "nobody": (),
    "the operator": (OPERATOR,),
    "the operator and the server": (OPERATOR, "server-1"),
}


@dataclass(frozen=True)
class Act:
    """Something that changes a deployment, with the signatures of those who may, and without any."""

    method: str
    path: str
    signed: bytes
    resigned: Callable[..., bytes] | None
    media: str = ENVELOPE


def acts(server: ServerProcess, trial: Trial, name: str) -> dict[str, Act]:
    manifest = DeploymentManifest.read(Envelope.from_json(server.client("operator").get_manifest(name)))
    digest = server.client("operator").get_deployment(name).manifest_digest
    camera = manifest.cameras[0].key_id
    higher = manifest.thresholds.model_copy(update={"gate": trial.gate + 9})
    offer = trial.offer(name, version=2, change_reason="Fewer alerts", thresholds=higher)
    revoking = Revocation(deployment=name, camera_key=camera, reason="Stolen", issued_at=now())
    ending = Closing(deployment=name, manifest_digest=digest, reason="It is over", issued_at=now())
    revocation, closing = (each.envelope() for each in (revoking, ending))
    removal = tombstone(server, name, 3)

    def only(envelope: Envelope) -> Callable[..., bytes]:
        return lambda *signers: FORCE.sign(Envelope(envelope.payload), *signers).to_json()

    def offered(*signers: str) -> bytes:
        changed = only(Envelope.from_json(offer.manifest))(*signers)
        return offer.model_copy(update={"manifest": changed}).to_cbor()

    blob = trial.blocks[0][0]
    return {
        "another threshold": Act("PUT", "", offer.to_cbor(), offered, CBOR),
        "a removal": Act("PUT", "/tombstones/1", removal.to_json(), only(removal)),
        "a revocation": Act("PUT", f"/revocations/{camera}", only(revocation)(OFFICER), only(revocation)),
        "the end": Act("POST", "/closing", only(closing)("c.ruiz"), only(closing)),
        "an activation": Act("POST", "/activation", b"", None),
        "a ciphertext": Act("PUT", f"/blobs/{trial.rows[0][0]}", blob, None, "application/octet-stream"),
    }


def refusal(server: ServerProcess, role: str, name: str, act: Act, body: bytes) -> BlindwatchError:
    response = server.http(role).request(
        act.method,
        f"/v1/deployments/{name}{act.path}",
        content=body,
        headers={"Content-Type": act.media, digests.FIELD: digests.content_digest(body)},
    )
    assert not response.is_success
    return problems.from_json(response.content)


def test_an_operator_changes_nothing_whatever_it_is_and_whoever_signed_it(
    server: ServerProcess, trial: Trial
) -> None:
    name = trial.open(server)
    before = server.client("operator").get_deployment(name)
    for what, act in acts(server, trial, name).items():
        for role in ("operator", "oversight"):
            assert isinstance(refusal(server, role, name, act, act.signed), Forbidden), what
    assert server.client("operator").get_deployment(name) == before
    assert matches(server, trial, name, 3) == (0, [3])


def test_there_is_no_way_to_patch_a_threshold(server: ServerProcess, trial: Trial) -> None:
    name = trial.open(server)
    for role in ("operator", "custodian", "oversight"):
        for path in (name, f"{name}/manifest", f"{name}/threshold"):
            response = server.http(role).patch(f"/v1/deployments/{path}", json={"threshold": 0.4})
            assert response.status_code in {403, 404, 405}
    assert server.client("operator").get_deployment(name).threshold == trial.gate


@pytest.mark.parametrize("who", SIGNERS)
def test_a_stolen_token_of_a_custodian_is_of_no_use_without_signatures(
    server: ServerProcess, trial: Trial, who: str
) -> None:
    name = trial.open(server)
    before = server.client("operator").get_deployment(name)
    for what, act in acts(server, trial, name).items():
        if act.resigned is not None:
            refused = refusal(server, "custodian", name, act, act.resigned(*SIGNERS[who]))
            assert isinstance(refused, NotAuthorised), what
    # What it can do is put into force what was approved, which is in force already.
    server.client("custodian").activate(name)
    assert server.client("operator").get_deployment(name) == before
    assert matches(server, trial, name, 3) == (0, [3])


def test_what_is_refused_here_is_taken_from_those_who_may(server: ServerProcess, trial: Trial) -> None:
    """So that all the refusals above are for the sender or the signatures, and for nothing else."""
    for what in (
        "another threshold",
        "a removal",
        "a revocation",
        "the end",
        "an activation",
        "a ciphertext",
    ):
        name = trial.open(server)
        act = acts(server, trial, name)[what]
        response = server.http("custodian").request(
            act.method,
            f"/v1/deployments/{name}{act.path}",
            content=act.signed,
            headers={"Content-Type": act.media, digests.FIELD: digests.content_digest(act.signed)},
        )
        assert response.is_success, what


@pytest.mark.parametrize("role", [PersonRole.CUSTODIAN, PersonRole.AUTHORISING_OFFICER])
def test_a_server_does_not_start_with_a_register_in_which_an_operator_has_another_role(
    start: Start, role: PersonRole
) -> None:
    server = start()
    server.stop()
    register = server.folder / "register.toml"
    clean = register.read_text()
    same_name = Person(OPERATOR, role, Identity.generate().public)
    same_keys = Person("other-name", role, FORCE.identities[OPERATOR].public)
    for second in (same_name, same_keys):
        register.write_text(f"{clean}\n{entry(second)}")
        with pytest.raises(AssertionError, match="in the register twice"):
            server.start()
    register.write_text(clean)
    server.start()
