"""Checks of one person in a real browser: from grounds to outcome, by keys, without scripts, for everybody."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image as Pictures

from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.registry import Registry

from ..client.photographs import encoded, small, write
from ..client.running import SIMILARITY
from ..client.stations import OPERATOR, Station, stationed
from ..serving import ServerProcess, eventually
from .cases import NOTE
from .checked_stage import DETAILS, Opened, Spot
from .test_browser import CHROMIUM, GUARD, Screen, browser
from .test_checked import LISTED, STRANGER, answers, seen
from .test_ranked_browser import looked_at

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
__all__ = ["browser"]
VIEWPORT = {"width": 1366, "height": 768}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    photographs = [encoded(small(number)) for number in LISTED]
    with ExitStack() as stack:
        server = ServerProcess(tmp_path_factory.mktemp("browsed"), stack)
        folder = tmp_path_factory.mktemp("spot")
        yield stationed(folder, server, photographs, threshold=SIMILARITY, details=DETAILS)


@pytest.fixture
def spot(first: Station) -> Spot:
    return Spot(first.opened(), FacePipeline.named(Registry.load()))


@pytest.fixture
def page(spot: Spot) -> Iterator[Opened]:
    with spot.page() as opened:
        yield opened


def ask(screen: Screen, folder: Path, number: int, place: str = "Public place", harm: str = "") -> None:
    """Fill the form in, and send it."""
    page = screen.page
    page.get_by_label("Kind of place").select_option(place)
    page.locator("[name=reason]").select_option("Cannot say who they are")
    page.get_by_label("Risk of significant harm").select_option(harm)
    photograph = write(folder / f"{number}.jpg", seen(number))
    page.get_by_label("Photograph", exact=True).set_input_files(photograph)
    page.get_by_role("button", name="Write down and check").click()


def ready(screen: Screen) -> None:
    """Wait until keys decide about the answer that is shown."""
    screen.page.wait_for_selector("#title:focus")
    time.sleep(GUARD)


def fits(screen: Screen) -> bool:
    """Whether everything of the card is on the screen without scrolling, and what it is comes first."""
    screen.page.wait_for_selector("#title:focus")
    [box] = screen.boxes("#card")
    return box["y"] >= 0 and box["y"] + box["height"] <= VIEWPORT["height"]


def greys(image: bytes) -> np.ndarray:
    """A picture of the screen as a printer without colour has it."""
    return np.asarray(Pictures.open(io.BytesIO(image)).convert("L"))


def test_from_the_grounds_to_the_outcome_by_keys(
    browser: Browser, spot: Spot, page: Opened, tmp_path: Path
) -> None:
    screen = Screen(browser, page, OPERATOR, viewport=VIEWPORT)
    screen.has("Check a person")
    looked_at(screen)
    screen.shot(tmp_path, "form")
    # The browser sends nothing without grounds, nor from a private place without a risk of harm.
    screen.page.get_by_role("button", name="Write down and check").click()
    ask(screen, tmp_path, LISTED[0], "Home")
    assert page.kinds == ["key-received"]
    ask(screen, tmp_path, LISTED[0], "Home", "Significant harm to others")
    screen.page.wait_for_selector("#card.red .actions")
    assert screen.widths("#card img") == [112]
    screen.has("Stop & speak <b>softly</b>: warrant of a court", "#card")  # text, and no markup
    screen.has("▲", "#card .priority")
    screen.page.locator("[data-left]", has_text=re.compile(r"in \d+ s")).first.wait_for()
    screen.shot(tmp_path, "match")
    assert fits(screen)
    looked_at(screen)
    # A key alone decides nothing: the reason has to be chosen, where the key leads to.
    ready(screen)
    screen.press("1")
    screen.page.wait_for_selector("[name=became]:focus")
    screen.page.locator("#card .rejected select").select_option(label="a different person")
    screen.press("1")
    screen.has("Written down", "#messages")
    screen.has("Check a person", "#card")
    assert page.room.shown is None
    assert [each.final.outcome for each in page.journal.courses().values() if each.final] == ["rejected"]
    screen.close()


def test_no_match_and_the_three_priorities_without_colour(
    browser: Browser, spot: Spot, page: Opened, tmp_path: Path
) -> None:
    screen = Screen(browser, page, OPERATOR, viewport=VIEWPORT)
    ask(screen, tmp_path, STRANGER)
    screen.has("No match", "#card")
    screen.shot(tmp_path, "no-match")
    looked_at(screen)
    assert answers(page) == ["no-match"]
    marks = {}
    for number, priority in zip(LISTED, ("red", "amber", "green"), strict=True):
        ask(screen, tmp_path, number)
        screen.page.wait_for_selector(f"#card.{priority} .actions")
        screen.shot(tmp_path, priority)
        assert fits(screen)
        [box] = screen.boxes("#card .priority")
        marks[priority] = greys(screen.page.screenshot(clip=box))
        Pictures.fromarray(greys(screen.page.screenshot())).save(tmp_path / f"{priority}-grey.png")
        if priority == "green":
            break
        screen.page.get_by_role("button", name="Close, and say later").click()
        screen.has("Check a person", "#card")
    # Each has another word in it, and so another width or other pixels without any colour.
    assert len({each.shape[1] for each in marks.values()}) == 3
    looked_at(screen)
    # Who is known to look alike is considered first, by a key.
    screen.has(NOTE, "#card .relative")
    screen.has("11 years old", "#card")
    assert screen.page.locator("#card .confirmed-true button").is_disabled()
    ready(screen)
    screen.press("r")
    screen.has("Considered.", "#card")
    ready(screen)
    screen.page.locator("#card .confirmed-true select").select_option(label="no further action")
    screen.press("3")
    screen.has("Written down", "#messages")
    assert len(page.room.waiting) == 2
    screen.page.set_viewport_size({"width": 320, "height": 640})
    screen.shot(tmp_path, "narrow")
    assert screen.page.evaluate("document.documentElement.scrollWidth") <= 320
    looked_at(screen)
    screen.close()


def test_the_page_lets_go_of_what_the_room_does(browser: Browser, page: Opened, tmp_path: Path) -> None:
    """Without anybody loading it again: the face after a minute, and all of it when somebody presses Stop."""
    screen = Screen(browser, page, OPERATOR, viewport=VIEWPORT)
    ask(screen, tmp_path, LISTED[1])
    # Only what the browser has already can be taken away from it without a complaint.
    screen.page.locator("#card img").evaluate("each => each.decode()")
    room, now = page.room, page.room._clock
    assert room.shown is not None
    until = room.shown.until
    room._clock = lambda: until
    screen.has("The image is gone after a minute", "#card")
    screen.shot(tmp_path, "face-gone")
    assert screen.page.locator("#card img").count() == 0
    screen.has("Ask to come along", "#card")
    room._clock = now
    screen.page.locator("#stop").click()
    screen.has("The key is gone", "#card")
    screen.has("gone: nobody can be checked", "#status")
    screen.has("Other matches without an outcome: 1", "#waiting")
    assert screen.page.locator("#stop").is_disabled()
    assert page.kinds[-1] == "key-forgotten"
    looked_at(screen)
    screen.shot(tmp_path, "stopped")
    screen.page.get_by_label("What became of it").select_option("Not comparable: not comparable")
    screen.page.get_by_role("button", name="Write down what became of").click()
    screen.has("Written down", "#messages")
    screen.has("None.", "#waiting")
    screen.close()


def test_without_scripts(browser: Browser, page: Opened, tmp_path: Path) -> None:
    screen = Screen(browser, page, OPERATOR, java_script_enabled=False)
    ask(screen, tmp_path, LISTED[1], "School")
    screen.has("has to be stated", "#messages")
    assert page.kinds == ["key-received"]
    ask(screen, tmp_path, LISTED[1], "School", "Significant harm to a child")
    screen.page.locator("#card img").wait_for()
    screen.page.locator("#card .lost select").select_option(label="not comparable")
    screen.page.get_by_role("button", name="Not comparable").click()
    screen.has("Written down", "#messages")
    screen.page.get_by_role("button", name="End checking").click()
    screen.has("The key is forgotten")
    eventually(lambda: not page.room.key.is_held)
    screen.close("ERR_CONNECTION_REFUSED", "422")  # the page of the end outlives the program
