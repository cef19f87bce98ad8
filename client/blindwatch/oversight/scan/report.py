"""The report of a scan: one HTML page that loads nothing, and begins with what a scan cannot show."""

from __future__ import annotations

from blindwatch.oversight.report import environment
from blindwatch.oversight.scan.result import ScanResult


def page(result: ScanResult) -> str:
    """The report as HTML."""
    return environment().get_template("scan/report.html.j2").render(result=result)
