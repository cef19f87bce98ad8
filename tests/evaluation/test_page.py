"""The page of a report in a real browser: alone, in both colour schemes, on a phone, for everybody."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from blindwatch.evaluation.document import Report, Section, Table
from blindwatch.evaluation.figures import SERIES, Figure

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")

DARK_ON_DARK = """
() => {
  const light = colour => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map(Number);
    const part = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const ground = light(getComputedStyle(document.body).backgroundColor);
  const ratio = value => { const [a, b] = [value, ground].sort((x, y) => y - x); return (a + 0.05) / (b + 0.05); };
  const texts = [...document.querySelectorAll("svg text")].map(each => ratio(light(getComputedStyle(each).fill)));
  const rest = [...document.querySelectorAll("p, th, td, caption, figcaption, li")]
    .map(each => ratio(light(getComputedStyle(each).color)));
  return [...texts, ...rest];
}
"""


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def draw(axes: object) -> None:
        for at, colour in enumerate(SERIES):
            axes.plot(np.arange(5), np.arange(5) * at, color=colour, label=f"line {at}")  # type: ignore[attr-defined]
        axes.legend()  # type: ignore[attr-defined]

    table = Table(
        "A table of <rates>",
        ("what", *(f"FPIR, {10**at:,}" for at in range(7))),
        [["a", *["0.1 %"] * 7]],
        "A note.",
    )
    figures = [Figure(name, f"What {name} shows", draw) for name in ("one", "two")]
    made = Report(
        "test",
        "A <title>",
        ["A sentence."],
        [Section("A part", ["Text."], [table], figures)],
        {},
        ["Beware & care."],
    )
    return made.write(tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield opened
        opened.close()


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, browser: Browser, page_file: Path) -> Iterator[Page]:
    context = browser.new_context(color_scheme=request.param, viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    opened.on("request", lambda each: asked.append(each.url))
    opened.on("console", lambda each: said.append(each.text))
    opened.goto(page_file.as_uri())
    yield opened
    assert asked == [page_file.as_uri()]
    assert said == []
    context.close()


def test_text_and_plots_have_enough_contrast_in_both_schemes(page: Page) -> None:
    ratios = page.evaluate(DARK_ON_DARK)
    assert len(ratios) > 40
    assert min(ratios) >= 4.5


@pytest.mark.parametrize("width", [320, 768])
def test_nothing_is_wider_than_the_screen(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_plots_have_names_that_nothing_else_has(page: Page) -> None:
    identifiers = page.evaluate("[...document.querySelectorAll('[id]')].map(each => each.id)")
    assert len(identifiers) == len(set(identifiers))
    assert page.evaluate(
        "[...document.querySelectorAll('svg')].every(each => each.closest('[role=img][aria-label]'))"
    )
    assert page.evaluate("[...document.querySelectorAll('th')].every(each => each.scope)")


def test_what_is_written_is_text_and_no_markup(page: Page) -> None:
    assert page.inner_text("h1") == "A <title>"
    assert page.inner_text("caption") == "A table of <rates>"
    assert "Beware & care." in page.inner_text(".warn")
    assert page.inner_text("td") == "0.1\N{NO-BREAK SPACE}%"
