"""The console in a real browser: the whole way of an alert, two operators, keys alone, small screens, every state."""

from __future__ import annotations

import io
import shutil
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import pytest
from PIL import Image as Pictures

from blindwatch.errors import DeploymentStopped

from ..client.photographs import small
from ..serving import eventually
from .cases import ANNA, BEN, NOTE
from .stage import SECOND_CAMERA, Page, Stage, seen_again

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FloatRect

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next((path for name in ("chromium", "google-chrome") if (path := shutil.which(name))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")

Scheme = Literal["light", "dark"]
GUARD = 0.7
"""Seconds after which a new card takes decisions."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield opened
        opened.close()


class Served(Protocol):
    """A page that an operator can be led to."""

    @property
    def address(self) -> str: ...

    def link(self, operator: str) -> str: ...


class Screen:
    """One operator's browser. It notes every request, and everything that the browser complains about."""

    def __init__(self, browser: Browser, console: Served, operator: str = ANNA, **options: Any) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        self.page = self.context.new_page()
        self.asked: list[str] = []
        self.said: list[str] = []
        self.page.on("request", lambda each: self.asked.append(each.url))
        self.page.on("console", lambda each: self.said.append(each.text))
        self.page.on("pageerror", lambda each: self.said.append(str(each)))
        self.page.goto(console.link(operator))
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_selector("#card")
        self.page.wait_for_load_state()  # with its style sheet
        self._address = console.address

    def has(self, text: str, part: str = "body") -> None:
        """Wait for a text to be shown."""
        self.page.locator(part).get_by_text(text).first.wait_for(timeout=15_000)

    def card(self, priority: str) -> None:
        """Wait for a card of this priority, and for it to take decisions."""
        self.page.wait_for_selector(f"#card.{priority} .actions", timeout=8000)
        time.sleep(GUARD)

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def boxes(self, selector: str) -> list[FloatRect]:
        """Where each of these is, all of which are shown: read at once, since the page may replace a part."""
        found: list[FloatRect] = self.page.evaluate(
            """selector => [...document.querySelectorAll(selector)].map(each => each.getBoundingClientRect())
               .map(({x, y, width, height}) => ({x, y, width, height}))""",
            selector,
        )
        assert found
        assert all(box["width"] > 0 and box["height"] > 0 for box in found)
        return found

    def widths(self, images: str) -> list[int]:
        """Pixels in a row of each of these, once they are there and the browser has decoded them."""
        self.page.wait_for_selector(images)
        found: list[int] = self.page.evaluate(
            """images => Promise.all([...document.querySelectorAll(images)]
               .map(each => each.decode().then(() => each.naturalWidth)))""",
            images,
        )
        return found

    def shot(self, folder: Path, name: str) -> bytes:
        return self.page.screenshot(path=folder / f"{name}.png")

    def close(self, *allowed: str) -> None:
        """Nothing came from elsewhere, and nothing was complained about but what is allowed."""
        assert [url for url in self.asked if not url.startswith(f"{self._address}/")] == []
        assert [text for text in self.said if not any(each in text for each in allowed)] == []
        self.context.close()


@pytest.fixture
def console(stage: Stage) -> Iterator[Page]:
    with stage.console(BEN) as console:
        yield console


# The whole way


def test_from_the_camera_to_an_outcome(browser: Browser, stage: Stage, console: Page, tmp_path: Path) -> None:
    screen = Screen(browser, console)
    screen.has("No alert")
    stage.walk(console, 0)
    stage.see(small(70))
    screen.card("red")
    page = screen.page
    assert page.evaluate("document.activeElement.textContent").endswith("Not a match")
    screen.has("Stop & speak <b>softly</b>: warrant of a court", "#card")  # text, and no markup
    assert screen.widths("#card img") == [112, 112]
    screen.shot(tmp_path, "card")
    # Rejected, and taken back.
    screen.press("1")
    screen.has("Not a match: gate-1", "#messages")
    screen.has("No alert", "#card")
    screen.press("u")
    screen.card("red")
    # Sent, engaged, confirmed.
    screen.press("2")
    screen.has("Sent to engagement", "#messages")
    page.locator("#queue").get_by_role("button", name="Open").click()
    screen.card("red")
    screen.has("sent to engagement", "#card")
    screen.press("5")
    screen.has("No alert", "#card")
    page.locator("#queue").get_by_role("button", name="Open").click()
    screen.card("red")
    screen.press("3")  # a result has to be chosen first
    time.sleep(0.4)
    screen.has("officer is with the person", "#card")
    page.select_option(".confirmed-true select", label="arrest")
    screen.press("3")
    screen.has("Confirmed true alert: gate-1", "#messages")
    screen.has("Confirmed true alert: 1", "#queue")
    screen.close()
    console.service.close()
    time.sleep(1.5)
    console.post.duty.abandon()
    assert stage.recorded(console) == [
        ("sent", ANNA, None),
        ("engaged", ANNA, None),
        ("confirmed-true", ANNA, None),
    ]


def test_under_encryption_a_match_is_seen_and_a_stranger_is_not(browser: Browser, encrypted: Stage) -> None:
    encrypted.open()
    with encrypted.console(BEN) as console:
        screen = Screen(browser, console)
        encrypted.see(small(70))
        encrypted.walk(console, 1, camera=SECOND_CAMERA)
        screen.card("amber")
        screen.has(SECOND_CAMERA, "#card")
        assert screen.widths("#card img") == [112, 112]
        eventually(lambda: console.post.duty.signals.faces == 2)
        screen.has("Open alerts: 1", "#queue")
        assert console.post.duty.signals.problems.total() == 0
        screen.close()


def test_two_operators_have_an_alert_each_and_see_who_has_which(
    browser: Browser, stage: Stage, console: Page
) -> None:
    anna, ben = Screen(browser, console), Screen(browser, console, BEN)
    stage.walk(console, 0)
    anna_or_ben = [anna, ben]
    eventually(lambda: any(each.page.query_selector("#card.red .actions") for each in anna_or_ben))
    first = next(each for each in anna_or_ben if each.page.query_selector("#card.red .actions"))
    second = next(each for each in anna_or_ben if each is not first)
    name = {id(anna): ANNA, id(ben): BEN}
    second.has(f"with {name[id(first)]}", "#queue")
    assert second.page.query_selector("#queue button") is None
    stage.walk(console, 1, camera=SECOND_CAMERA)
    second.card("amber")
    first.has(f"with {name[id(second)]}", "#queue")
    time.sleep(GUARD)
    first.press("1")
    first.has("No alert", "#card")
    first.close()
    second.close()


def test_a_known_relative_is_considered_before_anybody_is_sent(
    browser: Browser, stage: Stage, console: Page, tmp_path: Path
) -> None:
    screen = Screen(browser, console)
    stage.walk(console, 2)
    screen.card("green")
    screen.has(NOTE, "#card .relative")
    send = screen.page.locator("#card .sent button")
    assert send.is_disabled()
    screen.press("2")
    time.sleep(0.4)
    screen.has("to be compared", "#queue")
    screen.shot(tmp_path, "relative")
    screen.press("r")
    screen.page.wait_for_selector("#card .sent button:not(:disabled)")
    screen.press("2")
    screen.has("Sent to engagement", "#messages")
    screen.close()


def test_stop_is_one_press_and_no_ciphertext_is_taken_two_seconds_later(
    browser: Browser, stage: Stage, console: Page, tmp_path: Path
) -> None:
    screen = Screen(browser, console)
    stage.walk(console, 0)
    screen.card("red")
    screen.page.locator("#stop").click()
    pressed = time.monotonic()
    eventually(lambda: console.post.duty.halt is not None and console.post.duty.halt.told.is_set(), 2)
    with pytest.raises(DeploymentStopped):
        stage.see(seen_again(1))
    assert time.monotonic() - pressed < 2
    assert not console.post.duty.key.is_held
    screen.has("it takes nothing more", "#status")
    screen.has("gone: nothing can be opened", "#status")
    screen.has("The image is gone", "#card")
    assert screen.page.locator("#card .sent button").is_disabled()
    assert screen.page.locator("#stop").is_disabled()
    screen.shot(tmp_path, "stopped")
    time.sleep(GUARD)
    screen.press("5")  # what is open is still decided
    screen.has("Nothing more is fetched", "#card")
    screen.close()


def test_an_alert_comes_by_itself_and_the_keys_do_not_reach_the_next_one(
    browser: Browser, stage: Stage, console: Page
) -> None:
    screen = Screen(browser, console)
    stage.walk(console, 0)
    stage.walk(console, 1)
    screen.card("red")
    screen.press("1")
    screen.press("1")
    screen.press("Enter")
    screen.page.wait_for_selector("#card.amber .actions")
    screen.press("1")
    time.sleep(0.5)
    assert screen.page.query_selector("#card.amber .actions")
    with console.post.duty.desk() as desk:
        assert len(desk.tray.open) == 1
    screen.close()


def test_what_was_chosen_stays_while_the_page_changes_around_it(
    browser: Browser, stage: Stage, console: Page
) -> None:
    screen = Screen(browser, console)
    stage.walk(console, 0)
    screen.card("red")
    screen.page.select_option(".rejected select", label="a relative or somebody who looks alike")
    screen.page.locator(".rejected select").focus()
    stage.walk(console, 0)
    screen.has("seen again", "#card")
    chosen = screen.page.locator(".rejected select")
    assert chosen.evaluate("each => each.selectedOptions[0].textContent").startswith("a relative")
    assert chosen.evaluate("each => each === document.activeElement")
    screen.close()


def test_a_dark_face_is_said_to_be_dark(browser: Browser, stage: Stage, console: Page) -> None:
    screen = Screen(browser, console)
    stage.walk(console, 3, sealed=seen_again(3, 0.15))
    screen.has("the face is dark", "#quality")
    screen.has("The photograph is 11 years old", "#card")
    screen.close()


def test_without_an_image_that_opens_nobody_is_sent(browser: Browser, stage: Stage) -> None:
    with stage.console() as console:
        screen = Screen(browser, console)
        stage.walk(console, 0, closed=True)
        screen.card("red")
        screen.has("The image of this face does not open", "#card")
        assert screen.page.locator("#card .sent button").is_disabled()
        assert screen.page.locator("#card .rejected button").is_disabled()
        screen.press("5")
        screen.has("Lost, or not comparable", "#messages")
        screen.close()


def test_a_check_is_told_from_an_alert_by_nothing_and_failing_it_is_said(
    browser: Browser, stage: Stage
) -> None:
    with stage.console(check_minutes=0.005) as console:
        screen = Screen(browser, console)
        screen.page.wait_for_selector("#card .actions", timeout=10_000)
        # The next one would take the place of the card, or of what is said.
        console.post.duty._drills.minutes = 0
        time.sleep(GUARD)
        assert "check" not in screen.page.content().lower()
        if screen.page.query_selector(".relative button"):
            screen.press("r")
        screen.page.wait_for_selector("#card .sent button:not(:disabled)")
        screen.press("2")
        screen.has("these are two different people. Send nobody", "#messages")
        screen.has(f"{ANNA} took two different people for one", "#messages")
        screen.close()


def test_the_console_works_without_scripts(browser: Browser, stage: Stage, console: Page) -> None:
    screen = Screen(browser, console, java_script_enabled=False)
    stage.walk(console, 0)
    page = screen.page
    page.reload()
    page.get_by_role("button", name="Take the next alert").click()
    page.get_by_role("button", name="Possible match").click()
    page.locator("#queue").get_by_role("button", name="Open").click()
    page.get_by_role("button", name="Officer is with the person").click()
    page.locator("#queue").get_by_role("button", name="Open").click()
    page.get_by_role("button", name="Confirmed false").click()
    page.select_option(".confirmed-false select", label="a different person")
    page.get_by_role("button", name="Confirmed false").click()
    page.locator("#queue").get_by_text("Open alerts: 0").wait_for(timeout=8000)
    screen.close()


def test_a_page_that_has_lost_the_console_says_so(browser: Browser, stage: Stage, tmp_path: Path) -> None:
    with stage.console() as console:
        screen = Screen(browser, console)
        console.service.close()
        screen.page.wait_for_selector("#lost:not([hidden])", timeout=15_000)
        screen.shot(tmp_path, "lost")
        screen.close("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE", "ERR_EMPTY", "ERR_CONNECTION_RESET")


# For everybody, on every screen


def levels(screen: Screen, folder: Path) -> dict[str, float]:
    """The mean grey of the badge of each priority, as a screen without colours shows it."""
    found = {}
    for priority in ("red", "amber", "green"):
        badge = screen.page.locator(f"#queue .priority.{priority}").first
        data = badge.screenshot(path=folder / f"{priority}.png")
        found[priority] = float(np.asarray(Pictures.open(io.BytesIO(data)).convert("L")).mean())
    return found


def test_without_colours_the_priorities_are_still_three(
    browser: Browser, stage: Stage, console: Page, tmp_path: Path
) -> None:
    screen = Screen(browser, console)
    for number in (0, 1, 2):
        stage.walk(console, number)
    screen.card("red")
    screen.page.wait_for_selector("#queue .priority.green")
    session = screen.context.new_cdp_session(screen.page)
    session.send("Emulation.setEmulatedVisionDeficiency", {"type": "achromatopsia"})
    screen.shot(tmp_path, "greyscale")
    grey = sorted(levels(screen, tmp_path).values())
    assert min(after - before for before, after in pairwise(grey)) > 20
    words = screen.page.locator("#queue .priority").all_inner_texts()
    assert {tuple(each.split()) for each in words} == {("▲", "RED"), ("◆", "AMBER"), ("●", "GREEN")}
    screen.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1366, 768), (1280, 800), (390, 844), (320, 640)])
def test_images_are_of_one_size_and_nothing_is_wider_than_the_screen(
    browser: Browser, stage: Stage, console: Page, tmp_path: Path, width: int, height: int, scheme: Scheme
) -> None:
    screen = Screen(browser, console, color_scheme=scheme, viewport={"width": width, "height": height})
    stage.walk(console, 3)
    stage.walk(console, 0)
    screen.card("red")
    screen.shot(tmp_path, f"{width}-{scheme}")
    boxes = screen.boxes("#card img")
    assert len({(box["width"], box["height"]) for box in boxes}) == 1
    assert boxes[0]["y"] == boxes[1]["y"]
    assert boxes[0]["x"] < boxes[1]["x"]
    assert screen.page.evaluate("document.documentElement.scrollWidth") <= width
    sizes = screen.page.evaluate(
        "['#card .band', '#card .instruction', '#card h2'].map("
        "each => parseFloat(getComputedStyle(document.querySelector(each)).fontSize))"
    )
    assert sizes[0] == min(sizes)
    if width > 1000:
        # Nothing of the card is below the edge, also while something can be undone.
        screen.press("1")
        screen.has("Not a match", "#messages")
        screen.page.wait_for_selector("#card .actions")
        assert max(box["y"] + box["height"] for box in screen.boxes("#card .actions > *")) <= height
    screen.close()
