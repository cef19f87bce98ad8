"""Countdowns on pages that are files: what lapses when, in words and as a time, with scripts and without."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from blindwatch.deployment.standing_page import html
from blindwatch.pages.rendering import COUNTDOWN, source
from blindwatch.pages.wording import clock, span
from blindwatch.policy.profile import profile
from blindwatch.statements.deadlines import deadlines, of_course, of_documents
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import DeploymentManifest

from ..people import Force, a_manifest, a_watchlist, documents

if TYPE_CHECKING:
    from .conftest import Browser

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
RULES = profile("uk-met")
MET = Force("uk-met")


def stamped(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture(scope="module")
def manifest() -> DeploymentManifest:
    """From two o'clock to six, with a list of ten in the morning and documents that lapse in a month."""
    category = RULES.categories[0].name
    listed = a_watchlist(MET, by_category={category: 10}, built_at=stamped(NOON - timedelta(hours=2)))
    window = {
        "not_before": stamped(NOON + timedelta(hours=2)),
        "not_after": stamped(NOON + timedelta(hours=6)),
    }
    return a_manifest(
        MET,
        listed,
        MET.watchlist(listed),
        window=window,
        documents=documents(MET, NOON + timedelta(days=30, hours=5)),
    )


@pytest.fixture(scope="module")
def envelope(manifest: DeploymentManifest) -> Envelope:
    return manifest.envelope().signed_by(MET.identities["d.silva"])


def page(envelope: Envelope, manifest: DeploymentManifest, at: datetime) -> str:
    return html(envelope, manifest, MET.register, RULES, at)


def test_everything_that_lapses_in_the_order_of_time(manifest: DeploymentManifest) -> None:
    found = deadlines(manifest, RULES)
    assert [each.at for each in found] == sorted(each.at for each in found)
    by_title = {each.title: each.at - NOON for each in found}
    assert by_title.pop("until the deployment begins") == timedelta(hours=2)
    assert by_title.pop("until the deployment ends") == timedelta(hours=6)
    assert by_title.pop("until the list is stale, and no deployment begins with it") == timedelta(hours=22)
    assert by_title.pop("until the list has to be destroyed") == timedelta(hours=30)
    assert by_title == {
        f"until the document {each} expires": timedelta(days=30, hours=5) for each in RULES.documents
    }


def test_who_begins_before_the_authority_is_asked_sees_until_when() -> None:
    rules = profile("eu-rt-rbi")
    force = Force("eu-rt-rbi", MET)
    listed = a_watchlist(force, by_category={"threat": 10})
    made = a_manifest(force, listed, force.watchlist(listed), urgent=True)
    (asked,) = (each for each in deadlines(made, rules) if each.title.startswith("to ask"))
    assert asked.title == "to ask the authority for the judicial-authorisation"
    assert asked.at == datetime.fromisoformat(made.window.not_before) + timedelta(hours=24)


def test_a_page_says_both_how_long_and_when(envelope: Envelope, manifest: DeploymentManifest) -> None:
    text = " ".join(page(envelope, manifest, NOON).split())
    for each in deadlines(manifest, RULES):
        assert each.title in text.lower()
        assert clock(each.at) in text
    for said in ("2 h 00 min", "6 h 00 min", "22 h 00 min", "30 days 5 h", "d.silva, authorising officer"):
        assert said in text
    assert 'class="over"' not in text
    assert re.findall(r"<script>(.*?)</script>", page(envelope, manifest, NOON), re.DOTALL) == [COUNTDOWN]
    assert f"script-src {source(COUNTDOWN)}" in text
    assert "Scripts are off" in text


def test_what_is_past_says_so_in_words(envelope: Envelope, manifest: DeploymentManifest) -> None:
    text = page(envelope, manifest, NOON + timedelta(days=40))
    for said in ("begun", "over", "stale", "due", "expired"):
        assert f">{said}</time>" in text
    assert text.count('class="over"') == 4
    assert text.count(">expired</time>") == len(RULES.documents)


def test_what_others_wrote_is_text(envelope: Envelope, manifest: DeploymentManifest) -> None:
    changed = manifest.model_copy(update={"purpose": "<script>alert(1)</script>"})
    text = page(changed.envelope(), changed, NOON)
    assert "&lt;script&gt;alert(1)" in text
    assert text.count("<script>") == 1
    assert "Nobody of your register." in text


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(), "0 h 00 min"),
        (timedelta(hours=3, minutes=12, seconds=59), "3 h 12 min"),
        (timedelta(hours=47, minutes=59), "47 h 59 min"),
        (timedelta(hours=48), "2 days 0 h"),
        (timedelta(days=31, hours=4, minutes=30), "31 days 4 h"),
    ],
)
def test_how_long_is_said(length: timedelta, said: str) -> None:
    assert span(length) == said


def test_the_script_counts_in_the_same_words(
    browser: Browser, envelope: Envelope, manifest: DeploymentManifest, tmp_path: Path
) -> None:
    """By a clock of the test, in the page as it is, with its own policy for scripts."""
    path = tmp_path / "standing.html"
    path.write_text(page(envelope, manifest, NOON), encoding="utf-8")
    later = NOON + timedelta(hours=3, minutes=1)
    with browser.opened.new_context() as context:
        opened = context.new_page()
        opened.clock.set_fixed_time(later)
        opened.goto(path.as_uri())
        shown = opened.locator("[data-until]").all_inner_texts()
        over = opened.locator("dl.deadlines .over").count()
    expected = [
        each.over if each.at < later else span(each.at - later)
        for each in (*of_course(manifest, RULES), *of_documents(manifest))
    ]
    assert (shown, over) == (expected, 1)
    with browser.opened.new_context(java_script_enabled=False) as context:
        opened = context.new_page()
        opened.goto(path.as_uri())
        assert "those of 2026-11-28 12:00 UTC" in opened.locator(".note").first.inner_text()
        assert opened.locator("dl.deadlines dd").first.inner_text() == "2 h 00 min"


def test_everybody_can_read_it(
    browser: Browser, envelope: Envelope, manifest: DeploymentManifest, tmp_path: Path
) -> None:
    for name, at in {"before": NOON, "after": NOON + timedelta(days=40)}.items():
        path = tmp_path / f"{name}.html"
        path.write_text(page(envelope, manifest, at), encoding="utf-8")
        browser.check(path)
    for scheme in ("light", "dark"):
        with browser.opened.new_context(color_scheme=scheme) as context:
            opened = context.new_page()
            opened.clock.set_fixed_time(NOON)
            opened.goto((tmp_path / "before.html").as_uri())
            opened.screenshot(path=tmp_path / f"{scheme}.png", full_page=True)
