"""The report: for readers without cryptography, without sight of colours, on paper, and loading nothing."""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from blindwatch.oversight.checks.catalogue import checks
from blindwatch.oversight.checks.findings import Verdict
from blindwatch.oversight.checks.wording import hours, percent
from blindwatch.oversight.report import headline, page, summary
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Tombstone

from ..client.running import command
from ..serving import FORCE
from . import tampering

if TYPE_CHECKING:
    from .conftest import Copy

CHROMIUM = next((path for name in ("chromium", "google-chrome") if (path := shutil.which(name))), None)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

TERMS = {
    *(
        "alert",
        "bundle",
        "challenge",
        "ciphertext",
        "closing",
        "custodian",
        "digest",
        "gallery",
        "log",
        "manifest",
    ),
    *("mask", "operator", "plaintext", "probe", "profile", "public key", "receipt", "register"),
    *("removal", "revocation", "search", "secret key", "template", "threshold", "window", "witness"),
}
"""Words of the checks that somebody who knows nothing of cryptography, or of the project, would ask about."""


class Cells(HTMLParser):
    """The texts of a page's table of checks, row by row, and every address and element that it has."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.addresses: list[str] = []
        self.elements: set[str] = set()
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"href", "src"}]
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self._open = True
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self._open = False

    def handle_data(self, data: str) -> None:
        if self._open:
            self.rows[-1][-1] = " ".join((self.rows[-1][-1] + " " + data).split())


def read(text: str) -> Cells:
    cells = Cells()
    cells.feed(text)
    return cells


def test_the_table_reads_check_result_meaning_and_limit(copy: Copy) -> None:
    found = copy.verify()
    cells = read(page(found))
    head, *rows = cells.rows[: len(found.outcomes) + 1]
    assert head == ["Check", "Result", "What it means", "What it does not prove"]
    for row, outcome in zip(rows, found.outcomes, strict=True):
        expected = {Verdict.PASSED: ("✓ passed", outcome.check.proves)}.get(
            outcome.verdict, ("○ not checked", outcome.reason)
        )
        assert row == [outcome.check.title, *expected, outcome.check.leaves_open]
    assert headline(found) == "Nothing wrong was found in what could be checked"
    assert summary(found) == "28 of 29 checks passed. 1 was not carried out; the table says why."


def test_what_is_wrong_comes_first(copy: Copy) -> None:
    tampering.paper(copy.bundle, "receipt-c.ruiz").unlink()
    text = page(copy.verify())
    assert "1 check failed: this deployment does not verify" in text
    assert text.index("No custodian has signed") < text.index("What was checked")
    assert "✗ FAILED" in text


def test_the_page_loads_nothing_and_runs_nothing(copy: Copy) -> None:
    cells = read(page(copy.verify()))
    assert all(address.startswith("#") for address in cells.addresses)
    assert not cells.elements & {"script", "img", "link", "iframe", "object"}


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_finds_nothing_that_shuts_a_reader_out(copy: Copy, tmp_path: Path, scheme: str) -> None:
    """By axe, for WCAG 2.2 AA: report, record and table, with a check that failed and one not carried out."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    axe = pytest.importorskip("axe_playwright_python.base", reason="axe is not installed")
    tampering.paper(copy.bundle, "receipt-c.ruiz").unlink()
    register, out = FORCE.write_register(tmp_path / "register.toml"), tmp_path / "pages"
    assert command("oversight", "overview", str(copy.bundle), "--archives", register=register, out=out) == 1
    files = sorted(out.rglob("*.html"))
    assert [file.name for file in files] == ["record.html", "verification.html", "index.html"]
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        # The pages allow no script, not even this one.
        opened = browser.new_context(bypass_csp=True, color_scheme=scheme).new_page()
        for file in files:
            opened.goto(file.as_uri())
            opened.evaluate(Path(axe.__file__).with_name("axe.min.js").read_text(encoding="utf-8"))
            found = opened.evaluate("rules => axe.run({runOnly: {type: 'tag', values: rules}})", RULES)
            assert [(each["id"], each["help"]) for each in found["violations"]] == []
            assert len(found["passes"]) > 20
        browser.close()


def test_what_others_wrote_is_text(copy: Copy) -> None:
    path = tampering.paper(copy.bundle, "tombstone")
    said = Tombstone.read(Envelope.from_json(path.read_bytes()))
    tampering.add(copy.bundle, "x", said.model_copy(update={"reason": "<script>alert(1)</script>"}), "b.osei")
    assert "<script" not in page(copy.verify())


def test_titles_and_meanings_are_plain_sentences() -> None:
    for check in checks():
        assert check.proves.endswith(".")
        assert check.leaves_open.endswith(".")
        assert len(check.title) <= 75
    names = [check.name for check in checks()]
    assert len(set(names)) == len(names) == 29


def test_every_term_of_the_checks_is_explained_on_the_page(copy: Copy) -> None:
    said = " ".join(f"{each.title} {each.proves} {each.leaves_open}" for each in checks()).lower()
    assert [term for term in TERMS if term not in said] == []
    words = page(copy.verify()).partition('id="words"')[2].partition("</dl>")[0]
    explained = " ".join(re.findall(r"<dt>(.*?)</dt>", words)).lower()
    assert sorted(term for term in TERMS if term not in explained) == []


def test_a_probability_is_never_said_to_be_certain() -> None:
    assert percent(0.95) == "95 %"
    assert percent(0.99995) == "more than 99.9 %"
    assert percent(1) == "100 %"
    assert (hours(1), hours(24)) == ("1 hour", "24 hours")
