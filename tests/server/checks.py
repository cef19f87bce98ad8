"""A deployment for checks of one person, and probes that an operator has authorised, or somebody else."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from blindwatch.statements.predicates import ProbeAuthorisation, Thresholds
from blindwatch.wire.messages import DeploymentOffer, Probe, now

from ..people import Force, a_manifest
from ..serving import FORCE

if TYPE_CHECKING:
    from tests.serving import ServerProcess, Trial

OFFICERS = Force("oifr", same_as=FORCE)
OPERATOR = "e.novak"
GROUNDS = "cd" * 32


def opened(server: ServerProcess, trial: Trial, **changes: object) -> str:
    """Open a deployment for checks, with its list in use."""
    name = f"checks-{secrets.token_hex(4)}"
    listed = trial.watchlist(name, by_category={OFFICERS.category: len(trial.templates)})
    statement = OFFICERS.watchlist(listed)
    manifest = a_manifest(
        OFFICERS,
        listed,
        statement,
        bundle_digest=trial.bundle_digest,
        thresholds=Thresholds(similarity=0.7, gate=trial.gate, fine=160 * trial.gate),
        **changes,
    )
    offer = DeploymentOffer(
        manifest=OFFICERS.manifest(manifest).to_json(), watchlist=statement.to_json(), bundle=trial.bundle
    )
    custodian = server.client("custodian")
    custodian.put_deployment(name, offer)
    trial.enrol(custodian, name)
    return name


def authorised(
    probe: Probe, deployment: str, signers: tuple[str, ...] = (OPERATOR,), **changes: object
) -> Probe:
    """A probe with an authorisation of it; the changes are made before people sign."""
    content: dict[str, object] = {
        "deployment": deployment,
        "probe_id": probe.probe_id,
        "ciphertext": hashlib.sha256(probe.ciphertext).hexdigest(),
        "grounds": GROUNDS,
        "operator": OPERATOR,
        "issued_at": now(),
        **changes,
    }
    given = OFFICERS.sign(ProbeAuthorisation.model_validate(content).envelope(), *signers)
    return probe.model_copy(update={"authorisation": given.to_json()})
