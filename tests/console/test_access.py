"""The console for everybody (WCAG 2.2, level AA): axe, contrast, targets, keys alone, focus, in every state."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..serving import eventually
from .cases import BEN
from .stage import Page, Stage
from .test_browser import CHROMIUM, Scheme, Screen, browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser

axe = pytest.importorskip("axe_playwright_python.base", reason="axe is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
__all__ = ["browser"]

AXE = Path(axe.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LIGHTNESS = """
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
const ratio = (one, other) => {
  const [a, b] = [light(one), light(other)].sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
};
"""
TEXTS = f"""() => {{ {LIGHTNESS}
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  while (texts.nextNode()) {{
    const element = texts.currentNode.parentElement, text = texts.currentNode.textContent.trim();
    if (!text || element.tagName === "OPTION" || !element.getClientRects().length) continue;
    found.push([ratio(numbers(getComputedStyle(element).color).slice(0, 3), ground(element)), text.slice(0, 40)]);
  }}
  return found;
}}"""
EDGES = f"""() => {{ {LIGHTNESS}
  return [...document.querySelectorAll("button:not(:disabled), select")].map(each => [
    Math.max(ratio(numbers(getComputedStyle(each).borderTopColor).slice(0, 3), ground(each.parentElement)),
             ratio(ground(each), ground(each.parentElement))),
    each.textContent.trim().slice(0, 30)]);
}}"""
TARGETS = """() => [...document.querySelectorAll("button, select, a")]
  .map(each => each.getBoundingClientRect())
  .filter(box => box.width && box.left >= 0)
  .map(box => Math.min(box.width, box.height))"""


CONTROLS = """[...document.querySelectorAll("a, button:not(:disabled), select")]
  .filter(each => each.getClientRects().length)"""


def relative(stage: Stage, console: Page, screen: Screen) -> None:
    stage.walk(console, 2)
    screen.card("green")


def busy(stage: Stage, console: Page, screen: Screen) -> None:
    """Three alerts, one of them sent, one that can be undone, and something that did not work."""
    for number in (0, 1, 3):
        stage.walk(console, number)
    screen.card("red")
    screen.press("2")
    screen.has("Sent to engagement", "#messages")
    with console.post.duty.desk() as desk:
        desk.claim(next(each.id for each in desk.tray.open if each.priority.value == "amber"), BEN)
    screen.has("with g.okoro", "#queue")


def engaged(stage: Stage, console: Page, screen: Screen) -> None:
    stage.walk(console, 0)
    screen.card("red")
    for key, button in (("2", "Open"), ("5", "Open")):
        screen.press(key)
        screen.page.locator("#queue").get_by_role("button", name=button).click()
        screen.card("red")


def halted(stage: Stage, console: Page, screen: Screen) -> None:
    stage.walk(console, 0)
    screen.card("red")
    screen.page.locator("#stop").click()
    screen.has("it takes nothing more", "#status")


def away(stage: Stage, console: Page, screen: Screen) -> None:
    with console.post.duty.desk() as desk:
        desk._away.add(console.post.duty.assignment.operators[0])
        console.post.duty.version += 1
    screen.has("Are you there?", "#card")


def nothing(stage: Stage, console: Page, screen: Screen) -> None:
    screen.has("No alert", "#card")


def outside(stage: Stage, console: Page, screen: Screen) -> None:
    screen.page.goto(console.link(BEN))
    screen.page.get_by_role("button", name="Log in").wait_for()


def lost(stage: Stage, console: Page, screen: Screen) -> None:
    screen.page.goto(f"{console.address}/nowhere")


STATES = (nothing, relative, busy, engaged, halted, away, outside, lost)


@pytest.fixture(scope="module", params=STATES, ids=lambda each: each.__name__)
def state(request: pytest.FixtureRequest, browser: Browser, prepared: Stage) -> Iterator[Screen]:
    prepared.open()
    with prepared.console(BEN) as console:
        screen = Screen(browser, console)
        request.param(prepared, console, screen)
        yield screen
        screen.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(state: Screen, scheme: Scheme) -> None:
    state.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    state.page.evaluate(AXE)
    assert violations(state) == []


def violations(screen: Screen) -> list[tuple[str, list[str]]]:
    answer = screen.page.evaluate(
        "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", RULES
    )
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in answer["violations"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_and_controls_stand_out_from_their_ground(state: Screen, scheme: Scheme) -> None:
    state.page.emulate_media(color_scheme=scheme)
    time.sleep(0.1)
    texts, edges = state.page.evaluate(TEXTS), state.page.evaluate(EDGES)
    assert texts
    assert [each for each in texts if each[0] < 4.5] == []
    assert [each for each in edges if each[0] < 3] == []


def test_every_control_is_large_enough_to_hit(state: Screen) -> None:
    for width in (1280, 390):
        state.page.set_viewport_size({"width": width, "height": 844})
        assert [size for size in state.page.evaluate(TARGETS) if size < 24] == []


def test_every_control_is_reached_by_key_and_shows_its_focus(state: Screen) -> None:
    count = state.page.evaluate(f"{CONTROLS}.length")
    state.page.evaluate("document.activeElement.blur()")
    reached = set()
    for _ in range(count + 2):
        state.page.keyboard.press("Tab")
        found = state.page.evaluate(
            f"""() => {{
              const at = document.activeElement, box = at.getBoundingClientRect(), style = getComputedStyle(at);
              const over = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
              return [{CONTROLS}.indexOf(at), at.textContent.trim(), style.outlineStyle,
                      parseFloat(style.outlineWidth), at.contains(over) || over === null];
            }}"""
        )
        if found[0] < 0:
            continue
        assert found[2:4] == ["solid", 3]
        assert found[4], f"{found[1]} has the focus and cannot be seen"
        reached.add(found[0])
    assert reached == set(range(count))


def test_the_language_is_said_and_every_part_has_a_name(state: Screen) -> None:
    assert state.page.evaluate("document.documentElement.lang") == "en"
    assert state.page.title().endswith("Blindwatch console")
    assert state.page.evaluate("[...document.images].every(each => each.alt.length > 10)")


def test_these_checks_do_find_what_is_wrong(browser: Browser, stage: Stage) -> None:
    with stage.console() as console:
        screen = Screen(browser, console)
        stage.walk(console, 0)
        screen.card("red")
        screen.page.evaluate(AXE)
        screen.page.evaluate(
            """() => {
              document.querySelector("#card img").removeAttribute("alt");
              document.querySelector("#card .instruction").style.color = "#999";
              document.querySelector("#card .rejected button").style.border = "1px solid #eee";
              document.querySelector("#keys").style.cssText = "min-height: 0; height: 18px; padding: 0";
              document.documentElement.lang = "";
            }"""
        )
        assert {each[0] for each in violations(screen)} >= {"image-alt", "html-has-lang", "color-contrast"}
        assert len([each for each in screen.page.evaluate(TEXTS) if each[0] < 4.5]) == 1
        assert [each for each in screen.page.evaluate(EDGES) if each[0] < 3]
        assert [size for size in screen.page.evaluate(TARGETS) if size < 24]
        screen.context.close()


# Keys alone


def test_a_whole_duty_by_keys_alone(browser: Browser, stage: Stage) -> None:
    with stage.console(BEN) as console:
        screen = Screen(browser, console)
        stage.walk(console, 2)
        screen.card("green")
        screen.press("r")
        screen.page.wait_for_selector("#card .sent button:not(:disabled)")
        screen.press("2")
        screen.has("Sent to engagement", "#messages")
        reach(screen, "Open")
        screen.press("Enter")
        screen.card("green")
        screen.press("5")
        screen.has("No alert", "#card")
        reach(screen, "Open")
        screen.press("Enter")
        screen.card("green")
        screen.press("r")
        screen.page.wait_for_selector("#card .confirmed-true button:not(:disabled)")
        screen.press("3")  # puts the focus where the result is chosen
        screen.page.wait_for_selector("#card select:focus")
        screen.page.keyboard.type("no further")
        screen.press("3")
        screen.has("Confirmed true alert", "#messages")
        screen.has("Confirmed true alert: 1", "#queue")
        reach(screen, "End duty")
        screen.press("Enter")
        screen.page.get_by_text("Every alert has an outcome").wait_for(timeout=8000)
        eventually(console.service.is_closing)
        assert [each[0] for each in stage.recorded(console)] == ["sent", "engaged", "confirmed-true"]
        screen.context.close()


def test_single_keys_can_be_turned_off(browser: Browser, stage: Stage) -> None:
    with stage.console() as console:
        screen = Screen(browser, console)
        screen.page.locator("#keys").click()
        stage.walk(console, 0)
        screen.card("red")
        screen.press("1")
        time.sleep(0.5)
        assert screen.page.query_selector("#card.red")
        screen.close()


def test_who_wants_less_motion_gets_none(browser: Browser, stage: Stage) -> None:
    with stage.console() as console:
        for motion, moves in (("reduce", "none"), ("no-preference", "fresh")):
            screen = Screen(browser, console, reduced_motion=motion)
            if moves == "none":
                stage.walk(console, 0)
            screen.page.wait_for_selector("#card.red .actions")
            card = screen.page.locator("#card")
            # In one go, since the page may put a new card into the place of the old one at any time.
            shown = "each => { each.classList.add('fresh'); return getComputedStyle(each).animationName; }"
            assert card.evaluate(shown) == moves
            screen.close()


def test_a_new_alert_is_announced(browser: Browser, stage: Stage) -> None:
    with stage.console() as console:
        screen = Screen(browser, console)
        stage.walk(console, 0)
        screen.has("New alert", "#announce")
        assert screen.page.title().startswith("(1)")
        screen.close()


def reach(screen: Screen, name: str) -> None:
    """Go on with Tab until a control of this name has the focus."""
    for _ in range(40):
        screen.press("Tab")
        if screen.page.evaluate("document.activeElement.textContent").startswith(name):
            return
    pytest.fail(f"{name} is not reached by key")
