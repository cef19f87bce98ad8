"""The report of a verification: one HTML file for readers who know nothing of cryptography, to print and to keep."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from jinja2 import Environment

from blindwatch.oversight.checks.findings import Verdict
from blindwatch.oversight.checks.wording import percent
from blindwatch.oversight.verification import WORDS, Verification, meaning
from blindwatch.pages import rendering

SIGNS: Final = {Verdict.PASSED: "✓", Verdict.FAILED: "✗", Verdict.NOT_CHECKED: "○"}
"""Beside the word, so that neither colour nor sign stands alone."""


def page(found: Verification) -> str:
    """The report as HTML."""
    template = environment().get_template("report.html.j2")
    return template.render(
        found=found,
        headline=headline(found),
        summary=summary(found),
        words=WORDS,
        signs=SIGNS,
        meaning=meaning,
        made_at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )


def environment() -> Environment:
    """How the pages of oversight are rendered."""
    made = rendering.environment(Path(__file__).parent)
    made.filters |= {
        "percent": percent,
        "number": lambda value: "few" if value is None else f"{value:,}",
    }
    return made


def headline(found: Verification) -> str:
    """The one line that everybody reads."""
    failed = len(found.of(Verdict.FAILED))
    if failed:
        return f"{failed} check{'s' if failed > 1 else ''} failed: this deployment does not verify"
    if found.of(Verdict.NOT_CHECKED):
        return "Nothing wrong was found in what could be checked"
    return "Every check passed"


def summary(found: Verification) -> str:
    """What that means, in one or two sentences."""
    left = len(found.of(Verdict.NOT_CHECKED))
    said = f"{len(found.of(Verdict.PASSED))} of {len(found.outcomes)} checks passed."
    if found.of(Verdict.FAILED):
        said += " What failed contradicts what was signed, or lacks what has to be there; it is listed first."
    if left:
        said += f" {left} {'was' if left == 1 else 'were'} not carried out; the table says why."
    return said
