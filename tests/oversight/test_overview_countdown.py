"""The table of deployments: one that is not over counts down to what lapses next, and no other does."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from blindwatch.oversight.bundle import Bundle
from blindwatch.oversight.checks.case import Case
from blindwatch.pages.rendering import COUNTDOWN, source
from blindwatch.pages.wording import clock, iso
from blindwatch.statements.deadlines import deadlines

from ..client.running import command
from ..server.test_ranked import SEARCHERS
from .test_report import CHROMIUM, RULES
from .test_searches import Searches, searched

__all__ = ["searched"]


@pytest.fixture
def page(searched: Searches, tmp_path: Path) -> Path:
    """The table of a deployment that goes on, by the command."""
    register, out = SEARCHERS.write_register(tmp_path / "register.toml"), tmp_path / "pages"
    assert command("oversight", "overview", str(searched.bundle), register=register, out=out) == 0
    return out / "index.html"


def test_what_lapses_next_is_there_in_words_and_as_a_time(searched: Searches, page: Path) -> None:
    case = Case(Bundle.open(searched.bundle), SEARCHERS.register)
    now = datetime.now(UTC)
    upcoming = next(each for each in deadlines(case.newest.manifest, case.profile) if each.at > now)
    text = page.read_text()
    assert upcoming.title.capitalize() in text
    assert f'data-until="{iso(upcoming.at)}"' in text
    assert clock(upcoming.at) in text
    assert re.findall(r"<script>(.*?)</script>", text, re.DOTALL) == [COUNTDOWN]
    assert f"script-src {source(COUNTDOWN)}" in text


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_the_countdown_shuts_no_reader_out(page: Path, tmp_path: Path) -> None:
    """By axe, for WCAG 2.2 AA, in both colour schemes."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    axe = pytest.importorskip("axe_playwright_python.base", reason="axe is not installed")
    script = Path(axe.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            with browser.new_context(bypass_csp=True, color_scheme=scheme) as context:
                opened = context.new_page()
                opened.goto(page.as_uri())
                opened.evaluate(script)
                found = opened.evaluate("rules => axe.run({runOnly: {type: 'tag', values: rules}})", RULES)
                assert [(each["id"], each["help"]) for each in found["violations"]] == []
                assert re.search(r"\d+ h", opened.locator("[data-until]").inner_text())
                opened.screenshot(path=tmp_path / f"overview-{scheme}.png")
        browser.close()
