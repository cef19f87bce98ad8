"""Check the report of a search for plaintext, if the bundle has one."""

from __future__ import annotations

from typing import Final

from pydantic import ValidationError

from blindwatch.errors import MalformedMessage
from blindwatch.oversight.checks.case import Case
from blindwatch.oversight.checks.findings import Check, Findings, Unchecked
from blindwatch.oversight.scan.result import ScanResult


def _searched(case: Case, findings: Findings) -> None:
    data = case.bundle.scan
    if data is None:
        raise Unchecked("The bundle has no report of a search for plaintext.")
    try:
        result = ScanResult.model_validate_json(data, by_alias=True, by_name=False)
    except ValidationError:
        raise MalformedMessage("The report of the search for plaintext cannot be read.") from None
    for each in result.findings:
        findings.fault(f"{each.count:,} times {each.what} ({each.kind}) in {each.place}.")
    findings.note(f"Searched from {result.started_at} to {result.ended_at}: {result.size:,} bytes.")
    for place in result.searched:
        findings.note(f"{place.place}: {place.items:,} files or processes, {place.size:,} bytes.")
    if result.needles.canaries:
        findings.note(
            f"{result.needles.count:,} traces of {result.needles.canaries} test faces were looked for."
        )
    for left in result.not_searched:
        findings.note(f"Not searched: {left.place}, because: {left.why}")
    if not result.searched:
        raise Unchecked("The search looked nowhere.")


CHECK: Final = Check(
    "scan",
    "No plaintext was found where it was searched for",
    "Whoever searched disks, memory or traffic found no face, no template and no secret key there, in the forms that "
    "the search knows.",
    "That there is none elsewhere or in another form. The report is that of whoever searched: it is not signed, and "
    "its own first page says what such a search cannot show.",
    _searched,
)
