"""The report in a real browser: alone, in both colour schemes, on a phone, for everybody."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import pytest

from .conftest import Run

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")

CONTRAST = """
() => {
  const light = ([r, g, b]) => {
    const part = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const ground = element => {
    for (let at = element; at; at = at.parentElement) {
      const [r, g, b, a = 1] = numbers(getComputedStyle(at).backgroundColor);
      if (a > 0) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.textContent.trim() || element.tagName.toLowerCase() === "style") continue;
    const style = getComputedStyle(element);
    const ink = numbers(element.closest("svg") ? style.fill : style.color).slice(0, 3);
    const [a, b] = [light(ink), light(ground(element))].sort((x, y) => y - x);
    found.push([(a + 0.05) / (b + 0.05), texts.currentNode.textContent.trim().slice(0, 40)]);
  }
  return found;
}
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield opened
        opened.close()


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, browser: Browser, run: Run) -> Iterator[Page]:
    """The report at a desk's width; whatever it asks for or complains about fails the test."""
    context = browser.new_context(color_scheme=request.param, viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    opened.on("request", lambda each: asked.append(each.url))
    opened.on("console", lambda each: said.append(each.text))
    opened.on("pageerror", lambda each: said.append(str(each)))
    address = run.report.as_uri()
    opened.goto(address)
    yield opened
    assert [url for url in asked if url != address and not url.startswith("data:")] == []
    assert said == []
    context.close()


def test_it_loads_nothing_and_complains_about_nothing(page: Page) -> None:
    assert page.locator("img").count() >= 8
    assert page.evaluate("[...document.images].every(each => each.complete && each.naturalWidth > 0)")


def test_both_colour_schemes_are_really_two(browser: Browser, run: Run) -> None:
    grounds = set()
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        context = browser.new_context(color_scheme=scheme)
        opened = context.new_page()
        opened.goto(run.report.as_uri())
        grounds.add(opened.evaluate("getComputedStyle(document.body).backgroundColor"))
        context.close()
    assert len(grounds) == 2


def test_all_text_has_enough_contrast(page: Page) -> None:
    ratios = page.evaluate(CONTRAST)
    assert len(ratios) > 150
    assert [each for each in ratios if each[0] < 4.5] == []


@pytest.mark.parametrize("width", [320, 400, 768])
def test_nothing_is_wider_than_the_screen(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_images_and_plots_have_names_and_tables_have_captions(page: Page) -> None:
    assert page.evaluate("[...document.images].every(each => each.alt.length > 10)")
    assert page.evaluate(
        "[...document.querySelectorAll('svg')].every(each => each.closest('[role=img][aria-label]'))"
    )
    assert page.evaluate(
        "[...document.querySelectorAll('table')].every(each => each.caption.textContent.length > 10)"
    )
    assert page.evaluate("[...document.querySelectorAll('th')].every(each => each.scope)")
    assert page.evaluate("document.documentElement.lang") == "en"


def test_the_keyboard_reaches_the_content_and_shows_where_it_is(page: Page) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left >= 0")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    for _ in range(3):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.getAttribute('role')") == "region"


def test_pictures_keep_their_shape(page: Page) -> None:
    shapes = page.evaluate(
        "[...document.querySelectorAll('.pair img')].map(each => each.clientWidth / each.clientHeight)"
    )
    assert all(abs(shape - 1) < 0.02 for shape in shapes)
