"""Ranked search in a real browser: from the photograph to the outcome, with and without scripts, for everybody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest

from ..serving import eventually
from .ranked_stage import CRIME, OPERATOR, Gallery, Opened
from .test_access import AXE, EDGES, TARGETS, TEXTS, violations
from .test_browser import CHROMIUM, Scheme, Screen, browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
__all__ = ["browser"]

SCHEMES: tuple[Scheme, ...] = get_args(Scheme)


@pytest.fixture
def page(gallery: Gallery) -> Iterator[Opened]:
    with gallery.page() as opened:
        yield opened


def ask(screen: Screen, gallery: Gallery) -> None:
    """Fill the form in, and send it."""
    page = screen.page
    page.get_by_label("Photograph", exact=True).set_input_files(gallery.folder / "sought.jpg")
    page.get_by_label("Reference of the crime").fill(CRIME["reference"])
    page.get_by_label("Reason", exact=True).fill(CRIME["reason"])
    page.get_by_role("button", name="Write down and search").click()
    screen.has("Candidate 1", "#places")


def looked_at(screen: Screen) -> None:
    """axe, contrasts and sizes of targets, in both colour schemes."""
    for scheme in SCHEMES:
        screen.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        screen.page.evaluate(AXE)
        assert violations(screen) == []
        assert [each for each in screen.page.evaluate(TEXTS) if each[0] < 4.5] == []
        assert [each for each in screen.page.evaluate(EDGES) if each[0] < 3] == []
        assert min(screen.page.evaluate(TARGETS)) >= 24


def test_from_the_photograph_to_the_outcome(
    browser: Browser, gallery: Gallery, page: Opened, tmp_path: Path
) -> None:
    screen = Screen(browser, page, OPERATOR, viewport={"width": 1366, "height": 768})
    screen.has("Search for a person")
    looked_at(screen)
    screen.shot(tmp_path, "form")
    # The browser sends nothing without a crime.
    screen.page.get_by_role("button", name="Write down and search").click()
    assert page.room.waiting == []
    ask(screen, gallery)
    listed = screen.page.locator("#places li")
    assert [gallery.ranking[rank].reference in listed.nth(rank).inner_text() for rank in range(5)] == [
        True
    ] * 5
    assert screen.page.locator("img[src^='/candidates/']").count() == 0
    screen.has("Open a candidate to compare it")
    screen.shot(tmp_path, "ranking")
    looked_at(screen)
    screen.page.get_by_role("button", name="Open candidate 1").click()
    assert screen.widths("img[src='/candidates/1']") == [112]
    boxes = screen.boxes("#card img")
    assert len({(box["width"], box["height"]) for box in boxes}) == 1
    assert boxes[0]["y"] == boxes[1]["y"]
    assert max(box["y"] + box["height"] for box in boxes) <= 768
    looked_at(screen)
    screen.shot(tmp_path, "opened")
    screen.page.set_viewport_size({"width": 320, "height": 640})
    screen.shot(tmp_path, "narrow")
    assert screen.page.evaluate("document.documentElement.scrollWidth") <= 320
    screen.page.set_viewport_size({"width": 1366, "height": 768})
    screen.page.get_by_label("What became of it").select_option("nobody-alike")
    screen.page.get_by_role("button", name="Write down what became of").click()
    screen.has("Written down", "#messages")
    screen.has("None", "#waiting")
    assert page.room.look is None
    screen.close()


def test_the_page_lets_go_of_what_the_room_does(browser: Browser, gallery: Gallery, page: Opened) -> None:
    """Without anybody loading it again: candidates that nobody opened, and all of it with the key."""
    screen = Screen(browser, page, OPERATOR)
    ask(screen, gallery)
    screen.page.get_by_role("button", name="Open candidate 2").click()
    screen.page.locator("img[src='/candidates/2']").wait_for()
    room, now = page.room, page.room._clock
    assert room.look is not None
    until = room.look.until
    room._clock = lambda: until
    screen.has("4 candidates that nobody opened are gone", "#places")
    assert screen.page.locator("#places li").count() == 1
    room._clock = now
    room.leave()
    screen.has("The key is gone", "#card")
    assert screen.page.locator("#card img").count() == 0
    screen.close()


def test_without_scripts(browser: Browser, gallery: Gallery, page: Opened) -> None:
    screen = Screen(browser, page, OPERATOR, java_script_enabled=False)
    ask(screen, gallery)
    screen.page.get_by_role("button", name="Open candidate 3").click()
    screen.page.locator("img[src='/candidates/3']").wait_for()
    screen.page.get_by_role("button", name="Close, and say later").click()
    screen.has("Say later what became of the search")
    assert len(page.room.waiting) == 1
    screen.page.get_by_role("button", name="End searching").click()
    screen.has("The key is forgotten")
    eventually(lambda: not page.room.key.is_held)
    screen.close("ERR_CONNECTION_REFUSED")  # the page of the end outlives the program
