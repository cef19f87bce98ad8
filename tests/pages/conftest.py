"""A real browser that opens pages as files, in both colour schemes, and says what shuts a reader out."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@dataclass(frozen=True)
class Browser:
    """Opens pages."""

    opened: Any
    axe: str

    def check(self, path: Path) -> None:
        """Nobody is shut out, nothing is asked for or complained about, nothing is wider than a small screen."""
        for scheme in ("light", "dark"):
            with self.opened.new_context(bypass_csp=True, color_scheme=scheme) as context:
                page = context.new_page()
                page.goto(path.as_uri())
                page.evaluate(self.axe)  # which the page itself would not allow
                found = page.evaluate("rules => axe.run({runOnly: {type: 'tag', values: rules}})", RULES)
            assert [
                (each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]
            ] == []
            assert len(found["passes"]) > 20
        with self.opened.new_context(viewport={"width": 320, "height": 700}) as context:
            page, asked, said = context.new_page(), [], []
            page.on("request", lambda each: asked.append(each.url))
            page.on("console", lambda each: said.append(each.text))
            page.goto(path.as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= 320
            assert [url for url in asked if not url.startswith("data:image/jpeg;")] == [path.as_uri()]
            assert said == []


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For one module: while it is there, no other can be started in this process."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    axe = pytest.importorskip("axe_playwright_python.base", reason="axe is not installed")
    chromium = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("no chromium on this machine")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-background-networking"]
        )
        script = Path(axe.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
        yield Browser(opened, script)
        opened.close()
