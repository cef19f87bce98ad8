"""Ranked searches: the server's log and the operator's are compared, and what one of them leaves out is found."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from blindwatch.oversight.bundle import Bundle
from blindwatch.oversight.checks.case import Case
from blindwatch.oversight.checks.catalogue import carry_out_all
from blindwatch.oversight.checks.findings import Verdict
from blindwatch.oversight.report import page
from blindwatch.oversight.verification import Facts, Verification
from blindwatch.records.operator import SearchConcluded, Searched, SearchFailed
from blindwatch.records.record import Record, minute
from blindwatch.statements.predicates import instant
from blindwatch.tlog.log import Log

from ..client.running import command
from ..server.test_ranked import SEARCHERS, RankTrial
from ..serving import TOKENS, ServerProcess
from . import tampering
from .deployments import OPERATOR_LOG
from .test_report import CHROMIUM, RULES

Change = Callable[[list[Record]], None]
OF_SEARCH = (Searched, SearchFailed, SearchConcluded)
GONE = "99" * 16
"""A search that the server never heard of."""


@dataclass(frozen=True)
class Searches:
    """The bundle of a gallery that was searched three times, and what the operator's journal has of that."""

    bundle: Path
    name: str
    records: tuple[Record, ...]

    def verify(self, folder: Path, change: Change = lambda _: None) -> Verification:
        """Verify a copy to which the operator hands over a journal that was changed."""
        bundle = folder / "bundle"
        if not bundle.exists():
            shutil.copytree(self.bundle, bundle)
        self.hand_over(bundle, change)
        return verified(bundle)

    def hand_over(self, bundle: Path, change: Change = lambda _: None) -> None:
        records = list(self.records)
        change(records)
        site, head = bundle / "operator-log", bundle.with_name("operators-head")
        shutil.rmtree(site, ignore_errors=True)
        Log.create(site, head, OPERATOR_LOG)
        with Log(site, head, OPERATOR_LOG) as log:
            log.append([record.to_cbor() for record in records])
        (site / "vkey").write_text(f"{OPERATOR_LOG.verifier}\n")

    @property
    def made(self) -> list[str]:
        return [each.search for each in self.records if isinstance(each, Searched)]


def verified(bundle: Path) -> Verification:
    case = Case(Bundle.open(bundle), SEARCHERS.register)
    outcomes = tuple(carry_out_all(case))
    return Verification(case.bundle, Facts.of(case), outcomes)


def failed(found: Verification) -> dict[str, tuple[str, ...]]:
    return {each.check.name: each.faults for each in found.of(Verdict.FAILED)}


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searches]:
    folder = tmp_path_factory.mktemp("searched")
    with ExitStack() as stack:
        server = ServerProcess(folder, stack, allow_ranked=True)
        trial = RankTrial()
        name, operator = trial.open(server), server.client("operator")
        records: list[Record] = []
        for number in range(3):
            search = trial.search()
            made: dict[str, Any] = {
                "at": minute(),
                "deployment": name,
                "search": search.search_id,
                "operator": "e.novak",
            }
            records.append(
                Searched(
                    **made,
                    reference=f"CR/{number}/26",
                    reason="unknown-suspect",
                    photograph="ab" * 32,
                    profile="rfr",
                )
            )
            operator.post_search(name, search)
            assert operator.fetch_search(name, search.search_id, wait=20) is not None
            operator.acknowledge_search(name, search.search_id)
            if number:
                records.append(SearchConcluded(**made, outcome="eliminated"))
        token = folder / "oversight.token"
        token.write_text(TOKENS["oversight"])
        bundle = folder / "bundle"
        done = command(
            *("oversight", "export", str(bundle)), deployment=name, server=server.address, token_file=token
        )
        assert done == 0
        yield Searches(bundle, name, tuple(records))


def _without(name: str) -> Change:
    def change(held: list[Record]) -> None:
        held[:] = [each for each in held if isinstance(each, OF_SEARCH) and each.search != name]

    return change


def test_two_logs_that_agree(searched: Searches, tmp_path: Path) -> None:
    found = searched.verify(tmp_path)
    passed = {each.check.name for each in found.of(Verdict.PASSED)}
    assert {"searches-known", "searches-sent", "searches-concluded"} <= passed
    assert failed(found) == {}


def test_every_search_is_listed_for_review(searched: Searches, tmp_path: Path) -> None:
    unknown = searched.made[1]
    found = searched.verify(tmp_path, _without(unknown))
    rows = {each.search: each for each in found.facts.searches}
    assert set(rows) == set(searched.made)
    first, last = (rows[name] for name in (searched.made[0], searched.made[2]))
    assert (first.operator, first.reference, first.reason) == ("e.novak", "CR/0/26", "unknown-suspect")
    assert (first.outcome, last.outcome.split(",")[0]) == ("none", "eliminated")
    assert (rows[unknown].operator, rows[unknown].reference) == ("not known", "not known")
    assert all(each.server.startswith("answered, record ") for each in rows.values())
    text = page(found)
    for name in searched.made:
        assert name[:8] in text
    assert [each["search"] for each in json.loads(found.to_json())["searches"]] == [
        each.search for each in found.facts.searches
    ]


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_the_table_of_searches_shuts_no_reader_out(searched: Searches, tmp_path: Path) -> None:
    """By axe, for WCAG 2.2 AA, in both colour schemes."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    axe = pytest.importorskip("axe_playwright_python.base", reason="axe is not installed")
    file = tmp_path / "report.html"
    file.write_text(page(searched.verify(tmp_path)), encoding="utf-8")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            # The page allows no script, not even this one.
            opened = browser.new_context(bypass_csp=True, color_scheme=scheme).new_page()
            opened.goto(file.as_uri())
            assert opened.locator("table.searches tbody tr").count() == 3
            opened.evaluate(Path(axe.__file__).with_name("axe.min.js").read_text(encoding="utf-8"))
            found = opened.evaluate("rules => axe.run({runOnly: {type: 'tag', values: rules}})", RULES)
            assert [(each["id"], each["help"]) for each in found["violations"]] == []
            opened.locator("#searches").scroll_into_view_if_needed()
            opened.screenshot(path=tmp_path / f"searches-{scheme}.png")
        browser.close()


# What an operator may do


def test_a_search_that_the_journal_does_not_know(searched: Searches, tmp_path: Path) -> None:
    left_out = searched.made[1]
    found = searched.verify(tmp_path, _without(left_out))
    ((name, (fault,)),) = failed(found).items()
    assert name == "searches-known"
    assert fault.startswith(f"Search {left_out} of ")
    assert fault.endswith(", and not in the operator's.")


def test_a_search_that_was_written_down_afterwards(searched: Searches, tmp_path: Path) -> None:
    name = searched.made[0]

    def change(held: list[Record]) -> None:
        made = held.pop(0)
        held.append(made.model_copy(update={"at": minute(instant(made.at) + timedelta(hours=1))}))

    ((check, (fault,)),) = failed(searched.verify(tmp_path, change)).items()
    assert check == "searches-known"
    assert fault.startswith(f"Search {name} was sent at ")
    assert fault.endswith(", afterwards.")


def _elsewhere(held: list[Record]) -> Searched:
    """A search that was never sent, in the journal."""
    first = held[0]
    assert isinstance(first, Searched)
    return first.model_copy(update={"search": GONE, "at": held[-1].at})


def _failing(made: Searched) -> SearchFailed:
    """What the journal says of a search that came to nothing."""
    return SearchFailed(
        at=made.at,
        deployment=made.deployment,
        search=made.search,
        operator=made.operator,
        problem="urn:blindwatch:problem:server-unavailable",
    )


def test_a_search_that_the_server_has_no_record_of(searched: Searches, tmp_path: Path) -> None:
    found = searched.verify(tmp_path, lambda held: held.append(_elsewhere(held)))
    ((name, (fault,)),) = failed(found).items()
    assert name == "searches-sent"
    assert fault.startswith(f"Search {GONE} of ")
    assert fault.endswith("is in the operator's log, and not in the server's.")
    (row,) = [each for each in found.facts.searches if each.search == GONE]
    assert (row.server, row.outcome) == ("not in the log", "none")


def _later(held: list[Record]) -> None:
    """The last outcome came 31 days after the first search."""
    at = minute(instant(held[0].at) + timedelta(days=31))
    held[-1] = held[-1].model_copy(update={"at": at})


def test_a_search_that_failed_is_no_violation_and_needs_no_outcome(
    searched: Searches, tmp_path: Path
) -> None:
    def change(held: list[Record]) -> None:
        made = _elsewhere(held)
        _later(held)
        held[1:1] = [made, _failing(made)]

    found = searched.verify(tmp_path, change)
    (fault,) = failed(found).pop("searches-concluded")
    assert fault.startswith(f"Search {searched.made[0]} by e.novak")
    (row,) = [each for each in found.facts.searches if each.search == GONE]
    assert (row.outcome, row.server) == ("failed, as the operator's log has it", "not in the log")


def test_a_search_that_is_said_to_have_failed_and_was_answered_needs_an_outcome(
    searched: Searches, tmp_path: Path
) -> None:
    def change(held: list[Record]) -> None:
        made = held[0]
        assert isinstance(made, Searched)
        _later(held)
        held.insert(1, _failing(made))

    assert failed(searched.verify(tmp_path, change)).keys() == {"searches-concluded"}


def test_a_search_without_an_outcome_for_thirty_days(searched: Searches, tmp_path: Path) -> None:
    found = searched.verify(tmp_path, _later)
    assert failed(found) == {
        "searches-concluded": (
            f"Search {searched.made[0]} by e.novak for CR/0/26 has no outcome after 31 days.",
        )
    }


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"outcome": "nobody-alike"}, "has 2 outcomes."),
        ({"search": GONE}, "and was never made."),
    ],
    ids=["twice", "of nothing"],
)
def test_outcomes_that_do_not_add_up(
    searched: Searches, tmp_path: Path, more: dict[str, str], said: str
) -> None:
    found = searched.verify(tmp_path, lambda held: held.append(held[-1].model_copy(update=more)))
    ((name, (fault,)),) = failed(found).items()
    assert (name, fault.endswith(said)) == ("searches-concluded", True)


def test_the_same_search_twice(searched: Searches, tmp_path: Path) -> None:
    found = searched.verify(
        tmp_path, lambda held: held.append(held[0].model_copy(update={"at": held[-1].at}))
    )
    assert failed(found) == {
        "searches-sent": (f"Search {searched.made[0]} is in the operator's log 2 times.",)
    }


# What a server may do


def test_a_server_that_leaves_a_search_out_of_its_log(searched: Searches, tmp_path: Path) -> None:
    """With the key of its log and a witness that signs everything: the operator's journal still has the search."""
    left_out = searched.made[2]
    bundle = tmp_path / "bundle"
    shutil.copytree(searched.bundle, bundle)

    def is_of_it(entry: bytes) -> bool:
        return left_out.encode() in entry

    tampering.relog(bundle, [each for each in tampering.entries(bundle) if not is_of_it(each)])
    found = searched.verify(tmp_path)
    ((name, (fault,)),) = failed(found).items()
    assert name == "searches-sent"
    assert fault.startswith(f"Search {left_out} of ")


# What is not there


def test_without_the_operators_log_nothing_is_said_to_be_checked(searched: Searches, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(searched.bundle, bundle)
    found = verified(bundle)
    left = {each.check.name: each.reason for each in found.of(Verdict.NOT_CHECKED)}
    for name in ("searches-known", "searches-sent", "searches-concluded"):
        assert left[name] == "The bundle has no log of the operator's side."
    # A reviewer still learns that there were searches.
    assert {each.search for each in found.facts.searches} == set(searched.made)
    assert {each.operator for each in found.facts.searches} == {"not known"}


def test_an_operators_log_that_was_changed_is_not_relied_on(searched: Searches, tmp_path: Path) -> None:
    searched.verify(tmp_path)
    folder = tmp_path / "bundle" / "operator-log" / "tile" / "entries"
    (entries,) = (path for path in folder.rglob("*") if path.is_file())
    entries.write_bytes(entries.read_bytes().replace(b"CR/0/26", b"CR/8/26"))
    found = verified(tmp_path / "bundle")
    assert set(failed(found)) == {"operator-log"}
    left = {each.check.name for each in found.of(Verdict.NOT_CHECKED)}
    assert {"searches-known", "searches-sent", "searches-concluded"} <= left
