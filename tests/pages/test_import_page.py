"""The page of an import: faults with faces, who looks alike, what to expect, until when; and where it may lie."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from blindwatch.custodian.page import Import, Row, check_place, html, write
from blindwatch.custodian.viewing import Viewing
from blindwatch.deployment.prediction import Basis, Predicted
from blindwatch.errors import BlindwatchError, ConfigurationError, Fault
from blindwatch.oversight.collecting import Collector
from blindwatch.pages.rendering import COUNTDOWN, source
from blindwatch.statements.predicates import Watchlist
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.registry import Registry

from ..client.lists import entries, row, rules, write_list
from ..client.photographs import bad, small
from ..client.photographs import write as put
from ..people import a_watchlist, stamp
from ..serving import FORCE

if TYPE_CHECKING:
    from .conftest import Browser

ALLOWED = {"quality_override": "There is no better one"}
AT = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Viewing:
    """Six rows: two of one man under two names, a child, somebody with markup for a name, a wall, the portrait."""
    folder = tmp_path_factory.mktemp("list")
    for name, number in (("1.png", 0), ("2.png", 36), ("3.png", 5), ("4.png", 6)):
        put(folder / name, small(number))
    put(folder / "5.png", bad("wall"))
    agreed = {"second_approver": "b.osei", "second_reason": "Missing since Monday"}
    listed = write_list(
        folder,
        row(6, date_of_birth="1970-02-03", image_date="2026-11-01"),
        row(1, **ALLOWED),
        row(2, **ALLOWED),
        row(3, **ALLOWED, **agreed, date_of_birth="2010-01-02", category="at-risk", image_date="2015-01-02"),
        row(4, **ALLOWED, name="<script>alert(1)</script>"),
        row(5),
    )
    viewing = Viewing(FacePipeline.named(Registry.load(Path("a directory that does not exist"))))
    for entry in entries(listed):
        viewing.look(entry)
    for _ in viewing.compare():
        pass
    return viewing


@pytest.fixture
def refused(seen: Viewing) -> Import:
    further = (Fault("3", "legal_basis", "It is <empty>.", "Fill it in."),)
    return Import("gate-4", rules(), seen, AT, faults=(*seen.faults, *further))


def listed(seen: Viewing, built_at: datetime = AT) -> Import:
    made: Watchlist = a_watchlist(FORCE, built_at=stamp(built_at))
    predicted = Predicted(0.0008, 0.0004, 0.0012, len(seen.views), Basis.MEASURED)
    return Import("gate-4", rules(), seen, AT, listed=made, predicted=predicted)


def counts(rows: list[Row]) -> dict[str, int]:
    return {each.name: each.count for each in rows}


def test_every_fault_has_its_row_and_its_face(refused: Import) -> None:
    assert refused.headline == "Nothing was enrolled: 2 faults in 2 rows"
    text = html(refused)
    table = text.partition('id="faults"')[2].partition("</table>")[0]
    assert table.count("<tr>") == 3
    with_face, without = (each for each in table.split("<tr>") if "<td>" in each)
    if "No face was found" in with_face:
        with_face, without = without, with_face
    assert "data:image/jpeg" in with_face
    assert "It is &lt;empty&gt;." in with_face
    assert "data:image" not in without
    assert "No face was found" in without
    assert "stale" not in text.partition("<main")[0].partition("<header")[2]


def test_faults_of_a_list_that_was_not_looked_at() -> None:
    viewing = Viewing(FacePipeline.named(Registry.load(Path("a directory that does not exist"))))
    fault = Fault("2", "category", "The profile has no such category.", "Choose one of: at-risk.")
    text = html(Import("gate-4", rules(), viewing, AT, faults=(fault,)))
    assert "one fault" not in text
    assert "1 fault in 1 row" in text
    assert "data:image" not in text


def test_who_is_on_it_by_category_and_age(seen: Viewing) -> None:
    made = listed(seen)
    assert made.headline == "5 entries enrolled"
    assert made.people == 5
    assert {each.count for each in made.by_category} == {1, 4}
    assert counts(made.by_age) == {
        "under 18": 1,
        "18 to 24": 0,
        "25 to 39": 0,
        "40 to 59": 1,
        "60 and older": 0,
        "not known": 3,
    }
    assert counts(made.by_image_age) == {"under a year": 1, "1 to 4 years": 3, "5 years and more": 1}
    assert sum(each.percent for each in made.by_age) == pytest.approx(100)


def test_people_who_look_alike_are_side_by_side(seen: Viewing) -> None:
    made = listed(seen)
    rows = {tuple(view.entry.row for view in pair.views) for pair in made.pairs}
    assert ("3", "4") in rows
    assert (
        html(made).partition('id="alike"')[2].partition("</section>")[0].count("<img") == 2 * made.pair_count
    )


def test_errors_to_expect_are_said_against_the_cap(seen: Viewing) -> None:
    text = " ".join(html(listed(seen)).split())
    assert "<strong>3.99</strong> would be stopped wrongly" in text
    assert "an FPIR of 0.40 %, 95 % interval 0.20 % to 0.60 %" in text
    assert "more than the 1 of the profile" in text
    few = replace(listed(seen), predicted=Predicted(1e-5, 0, 1e-4, 5, Basis.NONE_SEEN))
    assert "within the 1 that the profile allows" in html(few)
    none = replace(listed(seen), predicted=None, no_prediction="Nothing was measured of the list's model.")
    assert "Nothing was measured" in html(none)


def test_what_is_written_is_text_and_only_the_countdown_runs(seen: Viewing) -> None:
    text = html(listed(seen))
    assert re.findall(r"<script>(.*?)</script>", text, re.DOTALL) == [COUNTDOWN]
    assert "&lt;script&gt;alert(1)" in text
    assert f'script-src {source(COUNTDOWN)}; img-src data:"' in text
    assert set(re.findall(r"""(?:src|href)=["']([a-z]+):""", text)) == {"data"}
    assert "holds photographs and names" in text


def test_the_page_is_for_its_owner_and_lies_with_the_photographs(seen: Viewing, tmp_path: Path) -> None:
    place = tmp_path / "list" / "import.html"
    with pytest.raises(ConfigurationError, match="no folder"):
        check_place(place, tmp_path / "watchlist")
    place.parent.mkdir()
    check_place(place, tmp_path / "watchlist")
    write(place, listed(seen))
    assert place.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConfigurationError, match="already"):
        check_place(place, tmp_path / "watchlist")
    (tmp_path / "watchlist").mkdir()
    with pytest.raises(ConfigurationError, match="handed on"):
        check_place(tmp_path / "watchlist" / "import.html", tmp_path / "watchlist")


def test_no_bundle_takes_it(seen: Viewing, tmp_path: Path) -> None:
    write(tmp_path / "import.html", listed(seen))
    collector = Collector(tmp_path / "bundle", "gate-4", lambda _: None)
    with pytest.raises(BlindwatchError):
        collector.add_files([tmp_path / "import.html"])
    collector.add_files([tmp_path])
    assert not (tmp_path / "bundle").exists()


def test_everybody_can_read_it(browser: Browser, seen: Viewing, refused: Import, tmp_path: Path) -> None:
    for name, made in {"listed": listed(seen), "refused": refused}.items():
        write(tmp_path / f"{name}.html", made)
        browser.check(tmp_path / f"{name}.html")


@pytest.mark.parametrize(("hours", "said"), [(3.5, "20 h 30 min"), (23.9, "0 h 06 min"), (24.1, "stale")])
def test_the_clock_counts_down_until_the_list_is_stale(
    browser: Browser, seen: Viewing, tmp_path: Path, hours: float, said: str
) -> None:
    write(tmp_path / "page.html", listed(seen))
    with browser.opened.new_context() as context:
        page = context.new_page()
        page.clock.set_fixed_time(AT + timedelta(hours=hours))
        page.goto((tmp_path / "page.html").as_uri())
        assert page.inner_text("[data-until]") == said
        assert page.locator(".over [data-until]").count() == (said == "stale")


def test_without_scripts_there_is_the_time_itself(browser: Browser, seen: Viewing, tmp_path: Path) -> None:
    write(tmp_path / "page.html", listed(seen))
    with browser.opened.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto((tmp_path / "page.html").as_uri())
        assert "until the list is stale: 2026-11-26 09:30 UTC" in page.inner_text("header")
        assert "24 h after it was built" in page.inner_text("header")
