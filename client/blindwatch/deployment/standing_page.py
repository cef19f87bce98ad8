"""Where a deployment stands, as one page that counts down to everything that lapses."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

from blindwatch.errors import PolicyViolation
from blindwatch.pages.rendering import environment
from blindwatch.policy.profile import Profile
from blindwatch.statements import trust
from blindwatch.statements.deadlines import of_course, of_documents
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import DeploymentManifest, instant
from blindwatch.statements.register import Register

TEMPLATE: Final = "standing.html.j2"


def html(
    envelope: Envelope, manifest: DeploymentManifest, register: Register, rules: Profile, at: datetime
) -> str:
    """The page, as of a moment; scripts count on from there."""
    signers = register.signers(envelope)
    return (
        environment(Path(__file__).parent)
        .get_template(TEMPLATE)
        .render(
            manifest=manifest,
            rules=rules,
            at=at,
            start=instant(manifest.window.not_before),
            end=instant(manifest.window.not_after),
            deadlines=of_course(manifest, rules),
            documents=of_documents(manifest),
            signed=signers.valid,
            broken=signers.broken,
            faults=_faults(manifest, rules),
        )
    )


def _faults(manifest: DeploymentManifest, rules: Profile) -> list[str]:
    """What the manifest has against the rules of its profile."""
    found = []
    for check in trust.RULES.values():
        try:
            check(manifest, rules)
        except PolicyViolation as error:
            found.append(error.detail)
    return found
