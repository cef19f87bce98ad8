"""Check that the probes which were handed over are those that cameras sent and the log has."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from blindwatch.errors import BlindwatchError, MalformedMessage, StatementMismatch, UnsignedRequest
from blindwatch.oversight.checks.case import TOLERANCE, Case
from blindwatch.oversight.checks.findings import Check, Findings, Unchecked
from blindwatch.records.server import ProbeAccepted, ProbesChallenged
from blindwatch.statements.authorising import check_authorised
from blindwatch.statements.predicates import instant
from blindwatch.wire import digests, signatures
from blindwatch.wire.messages import KeptProbe, Probe

_LINE: Final = re.compile(r'"(@?[a-z-]+)": (.*)')
_PARAMETERS: Final = re.compile(r';created=(\d{1,11});keyid="([0-9a-f]{64})";alg="ed25519";')
_LONGEST: Final = timedelta(seconds=signatures.LIFETIME) + TOLERANCE


def _authentic(case: Case, findings: Findings) -> None:
    drawn = {name for event in case.course.of(ProbesChallenged) for name in event.record.kept}
    held = set()
    for name, kept in case.bundle.kept():
        held.add(name)
        if name not in drawn:
            findings.fault(f"Probe {name} was kept, and no challenge draws it.")
        try:
            check_probe(case, name, kept)
        except BlindwatchError as error:
            findings.fault(f"Probe {name}: {error.detail}")
    for name in sorted(drawn - held):
        findings.fault(f"Probe {name} was drawn and kept, and is not in the bundle.")
    if not drawn and not held:
        raise Unchecked("No probes were kept.")
    findings.note(f"{len(held):,} probes, each signed by a camera of the manifest.")


def check_probe(case: Case, name: str, kept: KeptProbe | None) -> Probe:
    """The probe, if a camera of the deployment signed it as it is and the log has it under this name."""
    if kept is None:
        raise MalformedMessage("It cannot be read.")
    probe = Probe.from_cbor(kept.probe)
    passage = case.course.passages.get(probe.probe_id)
    if probe.probe_id != name or passage is None or not passage.accepted:
        raise StatementMismatch("The log does not have it under its name.")
    record = passage.accepted[0].record
    ciphertext = hashlib.sha256(probe.ciphertext).hexdigest()
    if not isinstance(record, ProbeAccepted) or record.ciphertext != ciphertext:
        raise StatementMismatch("Its ciphertext is not the one that the log has accepted.")
    if record.camera != probe.camera:
        raise StatementMismatch("It names another camera than the log.")
    _check_signature(case, probe, kept, record)
    _check_authorised(case, probe, record)
    return probe


def _check_authorised(case: Case, probe: Probe, record: ProbeAccepted) -> None:
    """Where the profile is for checks: an operator signed it, with the grounds that the log has."""
    if case.profile.checks is None:
        return
    if check_authorised(probe, case.bundle.deployment, case.register).grounds != record.grounds:
        raise StatementMismatch("An operator authorised it on other grounds than the log has.")


def _check_signature(case: Case, probe: Probe, kept: KeptProbe, record: ProbeAccepted) -> None:
    """The camera signed a request to take this very body, at about the time of the record."""
    lines = _lines(kept.signed)
    parameters = _PARAMETERS.search(lines.get("@signature-params", ""))
    if parameters is None:
        raise UnsignedRequest("What its camera signed is not the signature base of a request.")
    key = _key(case, probe.camera, parameters[2])
    signatures.check(key, kept.signature, kept.signed)
    if (lines.get("@method"), lines.get("@path")) != (
        "POST",
        f"/v1/deployments/{case.bundle.deployment}/probes",
    ):
        raise StatementMismatch("Its camera sent it to another deployment.")
    digests.check_content_digest(lines.get("content-digest"), kept.probe, required=True)
    created = datetime.fromtimestamp(int(parameters[1]), UTC)
    if abs(created - instant(record.at)) > _LONGEST:
        raise StatementMismatch(
            f"Its camera signed it at {created:%Y-%m-%dT%H:%M:%SZ}, and the log has it at {record.at}."
        )


def _key(case: Case, camera: str, key_id: str) -> Ed25519PublicKey:
    for version in case.versions:
        for each in version.manifest.cameras:
            if (each.name, each.key_id) == (camera, key_id):
                return Ed25519PublicKey.from_public_bytes(each.raw)
    raise StatementMismatch("No version of the manifest has its camera with this key.")


def _lines(signed: bytes) -> Mapping[str, str]:
    """The lines of a signature base by their names, none of which may come twice."""
    try:
        found = [_LINE.fullmatch(line) for line in signed.decode("ascii").split("\n")]
    except UnicodeDecodeError:
        found = [None]
    lines = {each[1]: each[2] for each in found if each is not None}
    if len(lines) != len(found):
        raise UnsignedRequest("What its camera signed is not the signature base of a request.")
    return lines


CHECK: Final = Check(
    "kept-probes",
    "The drawn probes are what cameras sent",
    "Every probe that the server handed over was signed by a camera of the manifest, for this deployment, at the "
    "time that the log says, and has the ciphertext that the log has; where the profile is for checks of one person, "
    "an operator authorised it, on the grounds that the log has closed.",
    "What face is in it: it stays encrypted.",
    _authentic,
)
