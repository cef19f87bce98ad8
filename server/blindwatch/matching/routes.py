"""The routes of the API: what each role may call."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from importlib import metadata
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response, Security
from fastapi.responses import PlainTextResponse
from fastapi.security import APIKeyHeader

from blindwatch.matching.access import Role, only
from blindwatch.matching.auditing import AuditDesk
from blindwatch.matching.bodies import (
    CBOR,
    ENVELOPE,
    cbor_response,
    read_body,
    read_statement,
    statement_response,
)
from blindwatch.matching.cameras import CameraGate, Sender
from blindwatch.matching.closing import ClosingDesk
from blindwatch.matching.counting import CountingDesk
from blindwatch.matching.deployments import DeploymentDesk
from blindwatch.matching.ledger import Ledger
from blindwatch.matching.mailbox import Mailbox
from blindwatch.matching.probes import ProbeDesk
from blindwatch.matching.removals import RemovalDesk
from blindwatch.matching.roster import Roster
from blindwatch.matching.searches import SearchDesk
from blindwatch.matching.stopping import StoppingDesk
from blindwatch.matching.workers import WorkerPool
from blindwatch.store.deployments import Deployment
from blindwatch.store.results import Waiting
from blindwatch.wire import cbor, limits, signatures
from blindwatch.wire.messages import (
    CameraHeard,
    CameraList,
    DeploymentId,
    DeploymentInfo,
    DeploymentOffer,
    Digest,
    FacesSeen,
    Health,
    KeptList,
    KeptProbe,
    Logged,
    MaskSecret,
    Message,
    Probe,
    ProbeId,
    ProbeReceipt,
    ResultBatch,
    Search,
    SearchAnswer,
    SearchReceipt,
    SearchResult,
    Timestamp,
)


@dataclass(frozen=True)
class Desks:
    """The parts of the server that the routes call."""

    roster: Roster
    deployments: DeploymentDesk
    removals: RemovalDesk
    closing: ClosingDesk
    probes: ProbeDesk
    searches: SearchDesk
    mailbox: Mailbox
    pool: WorkerPool
    cameras: CameraGate
    ledger: Ledger
    audit: AuditDesk
    counting: CountingDesk
    stopping: StoppingDesk

    async def proven(self, deployment: Deployment, results: list[Waiting]) -> list[Logged]:
        """The records of results, proven to be in the log as the deployment's policy asks for."""
        records = [(each.index, each.record) for each in results]
        return await self.ledger.proven(records, deployment.shown.log_policy, limits.WITNESS_SECONDS)


def _desks(request: Request) -> Desks:
    desks: Desks = request.app.state.desks
    return desks


With = Annotated[Desks, Depends(_desks)]
Name = Annotated[DeploymentId, Path(description="The deployment")]
Sequence = Annotated[int, Path(ge=1, lt=2**31, description="The number of the removal")]
End = Annotated[int, Path(ge=1, lt=2**63, description="How many records the log has that is drawn from")]
Minute = Annotated[
    Timestamp,
    Path(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:00Z$", description="The minute, by its first second"),
]
Wait = Annotated[float, Query(ge=0, le=limits.WAIT_SECONDS, description="Seconds to wait for the first")]

OVERSIGHT: Final = [Depends(only(Role.OVERSIGHT))]
CUSTODIAN: Final = [Depends(only(Role.CUSTODIAN))]
OPERATOR: Final = [Depends(only(Role.OPERATOR))]
STOPPER: Final = [Depends(only(Role.OPERATOR, Role.CUSTODIAN))]
ANY_ROLE: Final = [Depends(only(*Role))]

_SIGNATURE: Final = APIKeyHeader(
    name=signatures.FIELD,
    scheme_name="Signature",
    description=f"HTTP Message Signature (RFC 9421) of a camera, with the tag {signatures.TAG}",
    auto_error=False,
)
Signed = Annotated[str | None, Security(_SIGNATURE)]


async def _camera(request: Request, name: Name, desks: With, _documented: Signed) -> Sender:
    """The camera that signed the request."""
    return desks.cameras.identify(name, request)


async def _anybody(request: Request, name: Name, desks: With, signature: Signed) -> None:
    """Let a role with its token pass, or a camera with its signature."""
    if signature is None:
        await only(*Role)(request, None)
    else:
        await desks.cameras.admit(desks.cameras.identify(name, request), probe=False)


async def _late_camera(request: Request, name: Name, desks: With, _documented: Signed) -> Sender:
    """The camera that signed the request, which may be about the last minute before the end."""
    return desks.cameras.identify(name, request, timedelta(seconds=limits.LATE_COUNTS_SECONDS))


Camera = Annotated[Sender, Depends(_camera)]
LateCamera = Annotated[Sender, Depends(_late_camera)]
ANYBODY: Final = [Depends(_anybody)]

router = APIRouter(prefix="/v1")
public = APIRouter()
"""The log, for anybody (C2SP tlog-tiles). Its tiles are files and served as such."""


def _takes(message: type[Message] | None) -> dict[str, Any]:
    """The body of a request as OpenAPI describes it: a message, or bytes as they are."""
    schema = {"type": "string", "format": "binary"} if message is None else message.model_json_schema()
    return {"requestBody": {"required": True, "content": {CBOR: {"schema": schema}}}}


def _gives(status: int, message: type[Message]) -> dict[int | str, dict[str, Any]]:
    schema = message.model_json_schema(mode="serialization")
    return {status: {"description": message.__doc__, "content": {CBOR: {"schema": schema}}}}


_STATEMENT: Final = {"schema": {"type": "string", "format": "binary"}}
_TAKES_STATEMENT: Final = {"requestBody": {"required": True, "content": {ENVELOPE: _STATEMENT}}}
_GIVES_STATEMENT: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "A signed statement", "content": {ENVELOPE: _STATEMENT}}
}


@router.put(
    "/deployments/{name}",
    status_code=201,
    dependencies=CUSTODIAN,
    openapi_extra=_takes(DeploymentOffer),
    responses=_gives(201, DeploymentInfo) | _gives(200, DeploymentInfo),
)
async def put_deployment(request: Request, name: Name, desks: With) -> Response:
    """Offer a deployment, or a newer version of one. Repeating the same offer changes nothing and answers 200."""
    body = await read_body(request, limits.OFFER, digested=True)
    offer = await asyncio.to_thread(DeploymentOffer.from_cbor, body)
    created = await desks.deployments.offer(name, offer)
    return cbor_response(desks.deployments.describe(name).to_cbor(), 201 if created else 200)


@router.get("/deployments/{name}", dependencies=ANYBODY, responses=_gives(200, DeploymentInfo))
async def get_deployment(name: Name, desks: With) -> Response:
    """Describe a deployment."""
    return cbor_response(desks.deployments.describe(name).to_cbor())


@router.put(
    "/deployments/{name}/blobs/{digest}", status_code=204, dependencies=CUSTODIAN, openapi_extra=_takes(None)
)
async def put_blob(request: Request, name: Name, digest: Digest, desks: With) -> Response:
    """Upload one ciphertext of a watchlist, or in ranked use one block; the address holds its SHA-256."""
    body = await read_body(request, desks.deployments.blob_limit(name), digested=False)
    await desks.deployments.put_blob(name, digest, body)
    return Response(status_code=204)


@router.post("/deployments/{name}/activation", status_code=204, dependencies=CUSTODIAN)
async def post_activation(name: Name, desks: With) -> Response:
    """Put the newest version into force. Answers once every worker has loaded and validated its list."""
    await desks.deployments.activate(name)
    return Response(status_code=204)


@router.get("/deployments/{name}/accepted", dependencies=ANY_ROLE, responses=_gives(200, Logged))
async def get_accepted(name: Name, desks: With) -> Response:
    """The record that this manifest was accepted, proven to be in the log."""
    return cbor_response((await desks.deployments.accepted(name)).to_cbor())


@router.get("/deployments/{name}/manifest", dependencies=ANY_ROLE, responses=_GIVES_STATEMENT)
async def get_manifest(name: Name, desks: With) -> Response:
    """The manifest in force, or before there is one the manifest that waits, as it was signed."""
    return statement_response(desks.roster.get(name).shown.manifest_statement.to_json())


@router.get("/deployments/{name}/watchlist", dependencies=ANY_ROLE, responses=_GIVES_STATEMENT)
async def get_watchlist(name: Name, desks: With) -> Response:
    """The list of this manifest, as it was signed: digests of ciphertexts, and of what goes with them."""
    return statement_response(desks.roster.get(name).shown.watchlist_statement.to_json())


@router.put(
    "/deployments/{name}/tombstones/{sequence}",
    status_code=204,
    dependencies=CUSTODIAN,
    openapi_extra=_TAKES_STATEMENT,
)
async def put_tombstone(request: Request, name: Name, sequence: Sequence, desks: With) -> Response:
    """Remove entries from the list in force, from the next probe on."""
    await desks.removals.remove(name, sequence, await read_statement(request))
    return Response(status_code=204)


@router.get("/deployments/{name}/tombstone", dependencies=ANY_ROLE, responses=_GIVES_STATEMENT)
async def get_tombstone(name: Name, desks: With) -> Response:
    """The newest removal, as it was signed; 404 while there is none."""
    return statement_response(desks.removals.newest(name).to_json())


@router.get("/deployments/{name}/tombstones/{sequence}", dependencies=ANY_ROLE, responses=_GIVES_STATEMENT)
async def get_tombstone_of(name: Name, sequence: Sequence, desks: With) -> Response:
    """The removal of this number from the list in force, as it was signed."""
    return statement_response(await asyncio.to_thread(desks.removals.numbered, name, sequence))


@router.put(
    "/deployments/{name}/revocations/{camera_key}",
    status_code=204,
    dependencies=CUSTODIAN,
    openapi_extra=_TAKES_STATEMENT,
)
async def put_revocation(request: Request, name: Name, camera_key: Digest, desks: With) -> Response:
    """Revoke a camera's key, from the next request on."""
    await desks.removals.revoke(name, camera_key, await read_statement(request))
    return Response(status_code=204)


@router.put(
    "/deployments/{name}/authorisation",
    status_code=204,
    dependencies=CUSTODIAN,
    openapi_extra=_TAKES_STATEMENT,
)
async def put_authorisation(request: Request, name: Name, desks: With) -> Response:
    """Put down what an authority outside the force was asked or has decided. A refusal ends the deployment."""
    await desks.closing.authorise(name, await read_statement(request))
    return Response(status_code=204)


@router.post(
    "/deployments/{name}/closing",
    dependencies=CUSTODIAN,
    openapi_extra=_TAKES_STATEMENT,
    responses=_GIVES_STATEMENT,
)
async def post_closing(request: Request, name: Name, desks: With) -> Response:
    """Close a deployment: everything that it held is destroyed, and the receipt says so."""
    return statement_response(await desks.closing.close(name, await read_statement(request)))


@router.post(
    "/deployments/{name}/stop", status_code=204, dependencies=STOPPER, openapi_extra=_TAKES_STATEMENT
)
async def post_stop(request: Request, name: Name, desks: With) -> Response:
    """Stop a deployment: nothing is taken under the manifest in force any more. Repeated, it changes nothing."""
    await desks.stopping.stop(name, await read_statement(request))
    return Response(status_code=204)


@router.get("/deployments/{name}/cameras", dependencies=ANY_ROLE, responses=_gives(200, CameraList))
async def get_cameras(name: Name, desks: With) -> Response:
    """The cameras of the manifest, and when this server was called by each of them last."""
    deployment = desks.roster.get(name)
    heard = tuple(
        CameraHeard(camera=camera, heard_at=desks.cameras.heard_at(name, camera))
        for camera in deployment.shown.camera_names.values()
    )
    return cbor_response(CameraList(cameras=heard).to_cbor())


@router.get("/deployments/{name}/receipt", dependencies=ANY_ROLE, responses=_GIVES_STATEMENT)
async def get_receipt(name: Name, desks: With) -> Response:
    """The receipt of a deployment that is closed."""
    return statement_response(desks.closing.receipt(name))


@router.post(
    "/deployments/{name}/probes",
    status_code=202,
    openapi_extra=_takes(Probe),
    responses=_gives(202, ProbeReceipt),
)
async def post_probe(request: Request, name: Name, desks: With, sender: Camera) -> Response:
    """Submit a probe. Answers 429 while the server has all the work it accepts, or the camera sent all it may."""
    desks.roster.taking(name, "reveal")
    with desks.probes.reserve():
        await desks.cameras.admit(sender, probe=True)
        body = await read_body(request, limits.PROBE, digested=True)
        receipt = await desks.probes.take(name, body, sender)
    return cbor_response(receipt.to_cbor(), 202)


@router.put("/deployments/{name}/counts/{minute}", status_code=204, openapi_extra=_takes(FacesSeen))
async def put_counts(
    request: Request, name: Name, minute: Minute, desks: With, sender: LateCamera
) -> Response:
    """Say how many faces a camera saw in a minute: once, for the log. Answers 409 to other counts of the same one."""
    await desks.cameras.admit(sender, probe=False)
    seen = FacesSeen.from_cbor(await read_body(request, limits.ANSWER, digested=True))
    await desks.counting.take(name, minute, seen, sender)
    return Response(status_code=204)


@router.get("/deployments/{name}/results", dependencies=OPERATOR, responses=_gives(200, ResultBatch))
async def get_results(name: Name, desks: With, wait: Wait = 0.0) -> Response:
    """The oldest results, as they stay until they are acknowledged or expire."""
    deployment = desks.roster.used(name, "reveal")
    return await _batch(desks, deployment, await desks.mailbox.fetch(name, wait))


@router.get(
    "/deployments/{name}/results/{probe_id}", dependencies=OPERATOR, responses=_gives(200, ResultBatch)
)
async def get_result(name: Name, probe_id: ProbeId, desks: With, wait: Wait = 0.0) -> Response:
    """The result of one probe, as it stays until it is acknowledged or expires; 404 while there is none."""
    deployment = desks.roster.used(name, "reveal")
    return await _batch(desks, deployment, [await desks.mailbox.find(name, probe_id, wait)])


async def _batch(desks: Desks, deployment: Deployment, results: list[Waiting]) -> Response:
    logged = await desks.proven(deployment, results)
    batch: dict[str, cbor.Value] = {
        "results": [cbor.decode(each.body, limits.RESULT) for each in results],
        "logged": [{"record": each.record, "proof": each.proof} for each in logged],
    }
    return cbor_response(cbor.encode(batch))


@router.delete("/deployments/{name}/results/{probe_id}", status_code=204, dependencies=OPERATOR)
async def delete_result(name: Name, probe_id: ProbeId, desks: With) -> Response:
    """Acknowledge a result, which deletes it."""
    desks.roster.used(name, "reveal")
    await desks.mailbox.acknowledge(name, probe_id)
    return Response(status_code=204)


@router.post(
    "/deployments/{name}/searches",
    status_code=202,
    dependencies=OPERATOR,
    openapi_extra=_takes(Search),
    responses=_gives(202, SearchReceipt),
)
async def post_search(request: Request, name: Name, desks: With) -> Response:
    """Submit a search to a deployment of ranked use. Answers 429 while the server has all it accepts."""
    desks.roster.taking(name, "ranked")
    with desks.searches.reserve():
        body = await read_body(request, limits.SEARCH, digested=True)
        receipt = await desks.searches.take(name, Search.from_cbor(body))
    return cbor_response(receipt.to_cbor(), 202)


@router.get(
    "/deployments/{name}/searches/{search_id}", dependencies=OPERATOR, responses=_gives(200, SearchAnswer)
)
async def get_search(name: Name, search_id: ProbeId, desks: With, wait: Wait = 0.0) -> Response:
    """The result of a search, as it stays until it is acknowledged or expires; 404 while there is none."""
    deployment = desks.roster.used(name, "ranked")
    found = await desks.mailbox.find(name, search_id, wait)
    [logged] = await desks.proven(deployment, [found])
    answer = SearchAnswer(result=SearchResult.from_cbor(found.body), logged=logged)
    return cbor_response(answer.to_cbor())


@router.delete("/deployments/{name}/searches/{search_id}", status_code=204, dependencies=OPERATOR)
async def delete_search(name: Name, search_id: ProbeId, desks: With) -> Response:
    """Acknowledge the result of a search, which deletes it."""
    desks.roster.used(name, "ranked")
    await desks.mailbox.acknowledge(name, search_id)
    return Response(status_code=204)


@router.put(
    "/deployments/{name}/challenges/{end}",
    dependencies=OVERSIGHT,
    openapi_extra=_TAKES_STATEMENT,
    responses=_gives(200, KeptList),
)
async def put_challenge(request: Request, name: Name, end: End, desks: With) -> Response:
    """Draw results for replay; the probes of those that are kept from now on. Those not drawn are deleted."""
    statement = await read_statement(request)
    return cbor_response((await desks.audit.challenge(name, end, statement)).to_cbor())


@router.get("/deployments/{name}/kept", dependencies=OVERSIGHT, responses=_gives(200, KeptList))
async def get_kept_list(name: Name, desks: With) -> Response:
    """The probes that were drawn and are kept."""
    return cbor_response((await desks.audit.kept(name)).to_cbor())


@router.get("/deployments/{name}/kept/{probe_id}", dependencies=OVERSIGHT, responses=_gives(200, KeptProbe))
async def get_kept(name: Name, probe_id: ProbeId, desks: With) -> Response:
    """One of them, as its camera signed and sent it. The log has the view."""
    return cbor_response(await desks.audit.probe(name, probe_id))


@router.get("/deployments/{name}/blobs/{digest}", dependencies=OVERSIGHT)
async def get_blob(name: Name, digest: Digest, desks: With) -> Response:
    """A ciphertext of the list in force, or the public keys. The log has the view."""
    return cbor_response(await desks.audit.ciphertext(name, digest))


@router.get("/deployments/{name}/masks", dependencies=OVERSIGHT, responses=_gives(200, MaskSecret))
async def get_masks(name: Name, desks: With) -> Response:
    """The secret that seeded the masks of a deployment that is over. The log has the view."""
    return cbor_response((await desks.audit.mask_secret(name)).to_cbor())


@public.get("/log/checkpoint")
async def get_checkpoint(desks: With) -> PlainTextResponse:
    """The newest checkpoint of the log, with the cosignatures of its witnesses."""
    return PlainTextResponse(desks.ledger.published.to_bytes(), headers={"Cache-Control": "no-store"})


@router.get("/health", responses=_gives(200, Health))
async def get_health(desks: With) -> Response:
    """How the server is. Needs no token."""
    alive = desks.pool.alive
    health = Health(
        status="ok" if alive else "no-workers",
        version=metadata.version("blindwatch"),
        workers=alive,
        queued=desks.probes.queued + desks.searches.queued,
        deployments=len(desks.roster),
    )
    return cbor_response(health.to_cbor())
