"""`blindwatch deployment authorisation`: what an authority says of a deployment that began urgently."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from blindwatch.cli import files
from blindwatch.cli.tls import Ca
from blindwatch.deployment import removing
from blindwatch.deployment.papers import Manifest, SigningKeys, read_manifest, write_new
from blindwatch.errors import ConfigurationError
from blindwatch.statements.predicates import Authorisation, DeploymentManifest
from blindwatch.statements.signing import Identity
from blindwatch.wire.messages import now


class Decision(StrEnum):
    """What there is to put down."""

    REQUESTED = "requested"
    GRANTED = "granted"
    REFUSED = "refused"


def authorise(
    manifest: Manifest,
    decision: Annotated[Decision, typer.Option(help="What there is to put down.")],
    authority: Annotated[str, typer.Option(help="Who was asked or has decided, such as a court.")],
    reference: Annotated[str, typer.Option(help="Reference of the request or the decision.")],
    identity: SigningKeys,
    out: Annotated[Path, typer.Option(help="New file for the signed statement.")],
    server: Annotated[str, typer.Option(help="Address of the match server.")],
    token_file: Annotated[Path, typer.Option(help="File with the custodian's token.")],
    ca: Ca = None,
) -> None:
    """Put down, as an officer, what an authority was asked or has decided. A refusal ends the deployment at once."""
    signer = Identity.from_pem(files.read(identity, "signing keys"))
    envelope = read_manifest(manifest)
    try:
        content = Authorisation(
            deployment=DeploymentManifest.read(envelope).deployment,
            manifest_digest=envelope.digest,
            decision=decision.value,
            authority=authority,
            reference=reference,
            decided_at=now(),
        )
    except ValidationError:
        raise ConfigurationError("The authority and the reference are a line of text each.") from None
    signed = content.envelope().signed_by(signer).to_json()
    write_new(out, signed, "authorisation")
    with removing.client(server, token_file, ca) as client:
        client.put_authorisation(content.deployment, signed)
    Console().print(f"[green]Put down:[/] {decision.value} by {escape(authority)}.")
