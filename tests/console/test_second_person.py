"""Two people before a search has identified somebody, in the page: forms, roles, and a real browser for each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from blindwatch.console.ranked.commands import signatories
from blindwatch.errors import Forbidden, NotTrained, SamePerson
from blindwatch.operator.searches import Purpose
from blindwatch.records.operator import IdentificationProposed, SearchConcluded

from ..gallery import SEARCHERS
from .ranked_stage import CRIME, OPERATOR, SECOND, Gallery, Opened, browsing, post, search
from .test_browser import CHROMIUM, Screen, browser
from .test_ranked_browser import ask, looked_at

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["browser"]
KIND = "dna-or-fingerprints"


@pytest.fixture
def page(gallery: Gallery) -> Iterator[Opened]:
    with gallery.page() as opened:
        yield opened


@pytest.fixture
def people(page: Opened) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """The operator with the key, and another one, each logged in."""
    with ExitStack() as stack:
        first, second = (stack.enter_context(browsing(page.link(name))) for name in (OPERATOR, SECOND))
        yield first, second


def test_an_outcome_takes_two_people_and_both_look(
    gallery: Gallery, page: Opened, people: tuple[httpx.Client, httpx.Client]
) -> None:
    first, second = people
    assert search(first, gallery.photograph, **CRIME).status_code == 303
    (made,) = (each.searched for each in page.room.waiting)
    entry, other = (gallery.ranking[rank].reference for rank in (0, 1))
    about = {"search": made.search, "entry": entry}
    # One person's word is not taken as an outcome, nor a face alone.
    assert post(first, "/conclusions", search=made.search, outcome="identified").status_code == 422
    assert post(first, "/identifications", **about).status_code == 422
    assert post(first, "/identifications", **about, evidence="face").status_code == 422
    assert post(first, "/agreements", **about).status_code == 409
    unknown = {"search": made.search, "entry": "AAAAAAAA", "evidence": KIND}
    assert post(first, "/identifications", **unknown).status_code == 404
    assert post(first, "/identifications", **about, evidence=KIND).status_code == 303
    text = first.get("/").text
    assert "Identified by one person" in text
    assert "Searches without an outcome: 1" in text
    # What is looked at stays for the second person, who is not told the entry and opens faces too.
    waiting = second.get("/").text.split('id="waiting"')[1].split("</section>")[0]
    assert entry not in waiting
    assert "DNA or fingerprints" in waiting
    assert second.get("/face").status_code == 200
    assert post(second, "/candidates/1/open").status_code == 303
    assert second.get("/candidates/1").content == gallery.portraits[gallery.number(gallery.ranking[0])]
    # Neither the same person nor another entry will do, and there is no other outcome beside it.
    assert post(first, "/agreements", **about).status_code == 403
    assert post(first, "/disagreements", search=made.search).status_code == 403
    assert post(first, "/conclusions", search=made.search, outcome="eliminated").status_code == 409
    assert post(second, "/agreements", search=made.search, entry=other).status_code == 409
    assert page.room.look is not None
    assert post(second, "/agreements", **about).status_code == 303
    assert page.room.look is None
    assert page.room.waiting == []
    proposed, concluded = list(page.journal.records())[-2:]
    assert isinstance(proposed, IdentificationProposed)
    assert isinstance(concluded, SearchConcluded)
    assert (concluded.outcome, concluded.operator, concluded.second) == ("identified", OPERATOR, SECOND)


def test_a_disagreement_is_the_outcome_too(
    gallery: Gallery, page: Opened, people: tuple[httpx.Client, httpx.Client]
) -> None:
    first, second = people
    search(first, gallery.photograph, **CRIME)
    (made,) = (each.searched for each in page.room.waiting)
    about = {"search": made.search, "entry": gallery.ranking[0].reference}
    assert post(first, "/close").status_code == 303
    assert post(first, "/identifications", **about, evidence=KIND).status_code == 303
    assert post(second, "/disagreements", search=made.search).status_code == 303
    last = list(page.journal.records())[-1]
    assert isinstance(last, SearchConcluded)
    assert (last.outcome, last.operator, last.second) == ("inconclusive", OPERATOR, SECOND)


def test_the_second_person_looks_and_does_not_search(
    gallery: Gallery, page: Opened, people: tuple[httpx.Client, httpx.Client]
) -> None:
    _, second = people
    assert 'action="/searches"' not in second.get("/").text
    assert search(second, gallery.photograph, **CRIME).status_code == 403
    with pytest.raises(Forbidden):
        page.room.search(gallery.photograph, Purpose(**CRIME), SECOND)
    assert page.room.waiting == []


def test_who_is_not_trained_neither_looks_nor_identifies(gallery: Gallery) -> None:
    with gallery.page(day=date(2020, 1, 2)) as page, browsing(page.link(SECOND)) as second:
        entry = gallery.ranking[0].reference
        with pytest.raises(NotTrained):
            page.room.propose("0" * 32, entry, KIND, SECOND)
        with pytest.raises(NotTrained):
            page.room.agree("0" * 32, entry, SECOND)
        with pytest.raises(NotTrained):
            page.room.disagree("0" * 32, SECOND)
        assert second.get("/face").status_code == 403
        assert "you do not search or look" in second.get("/").text


def test_the_second_person_has_keys_of_their_own(gallery: Gallery) -> None:
    own, other = (gallery.folder / f"{name}.pem" for name in (OPERATOR, SECOND))
    assert [each.name for each in signatories(SEARCHERS.register, own, other)] == [OPERATOR, SECOND]
    assert [each.name for each in signatories(SEARCHERS.register, own, None)] == [OPERATOR]
    with pytest.raises(SamePerson):
        signatories(SEARCHERS.register, own, own)


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_two_people_in_two_browsers(browser: Browser, gallery: Gallery, page: Opened, tmp_path: Path) -> None:
    first = Screen(browser, page, OPERATOR, viewport={"width": 1366, "height": 768})
    second = Screen(browser, page, SECOND, viewport={"width": 1366, "height": 768})
    second.has(f"{OPERATOR}, to whom the key was released, makes the searches", "#card")
    ask(first, gallery)
    first.page.get_by_role("button", name="Open candidate 1").click()
    first.page.locator("img[src='/candidates/1']").wait_for()
    first.page.get_by_text("Somebody was identified").click()
    looked_at(first)
    first.shot(tmp_path, "first")
    # The entry is the one beside the face, and nothing is sent without other evidence.
    assert first.page.get_by_label("Entry that is the person").input_value() == gallery.ranking[0].reference
    first.page.get_by_role("button", name="Write down my finding").click()
    assert page.room.waiting[0].proposed is None
    first.page.get_by_label("Other evidence").select_option(KIND)
    first.page.get_by_role("button", name="Write down my finding").click()
    first.has("Identified by one person", "#waiting")
    looked_at(first)
    first.shot(tmp_path, "proposed")
    # The second one sees that by itself, looks at the same faces, and names the entry.
    second.has("Identified by one person", "#waiting")
    second.page.locator("img[src='/candidates/1']").wait_for()
    looked_at(second)
    second.shot(tmp_path, "second")
    second.page.set_viewport_size({"width": 320, "height": 640})
    assert second.page.evaluate("document.documentElement.scrollWidth") <= 320
    second.page.set_viewport_size({"width": 1366, "height": 768})
    second.page.get_by_label("Entry that is the person").fill(gallery.ranking[0].reference)
    second.page.get_by_role("button", name="Agree: this entry is the person").click()
    second.has("identified by two people", "#messages")
    second.has("None", "#waiting")
    first.has("None", "#waiting")
    assert page.room.look is None
    for each in (first, second):
        each.close()
