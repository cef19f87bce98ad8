"""Two people for an identification, by the journal and the commands: one proposes it, another agrees or disagrees."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from blindwatch.errors import ConfigurationError, PolicyViolation, SamePerson, WrongStep
from blindwatch.operator import identifying, searches
from blindwatch.operator.identifying import Signatory
from blindwatch.operator.journal import Journal, commitment
from blindwatch.operator.searches import Purpose, inquiries
from blindwatch.policy import profile as profiles
from blindwatch.records.operator import IdentificationProposed, SearchConcluded
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.identification import check_identification

from ..gallery import SEARCHERS
from ..people import a_manifest, a_watchlist
from .running import command, only_error

FIRST, SECOND = (Signatory(name, SEARCHERS.identities[name]) for name in ("e.novak", "g.okoro"))
ENTRY, ANOTHER = "7QX2MNAB", "7QX2MNAC"
KIND = "witness"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A journal with one search, and the files of two operators."""
    Journal.create(tmp_path / "journal", "e.novak.test/journal")
    listed = a_watchlist(SEARCHERS, by_category={"custody-image": 10})
    manifest = a_manifest(SEARCHERS, listed, SEARCHERS.watchlist(listed), use="ranked")
    with Journal(tmp_path / "journal") as journal:
        journal.note(Purpose("CR/1/26", "unknown-suspect").search(manifest, FIRST.name, b"a photograph"))
    SEARCHERS.write_register(tmp_path / "register.toml")
    for name in ("e.novak", "g.okoro", "a.khan"):
        SEARCHERS.write_identity(name, tmp_path / f"{name}.pem")
    train(tmp_path, FIRST.name, SECOND.name)
    return tmp_path


@pytest.fixture
def journal(folder: Path) -> Iterator[Journal]:
    with Journal(folder / "journal") as opened:
        yield opened


@pytest.fixture
def search(journal: Journal) -> str:
    (name,) = inquiries(journal)
    return name


def train(folder: Path, *people: str) -> None:
    day = (datetime.now(UTC) - timedelta(days=30)).date()
    (folder / "training.toml").write_text("[trained]\n" + "".join(f'"{each}" = {day}\n' for each in people))


def test_two_people_sign_what_they_find_and_the_journal_has_a_commitment(
    folder: Path, journal: Journal, search: str
) -> None:
    proposed = identifying.propose(journal, search, ENTRY, KIND, FIRST)
    inquiry = inquiries(journal)[search]
    assert (inquiry.proposed, inquiry.concluded) == (proposed, None)
    concluded = identifying.agree(journal, search[:8], ENTRY, SECOND)
    assert inquiries(journal)[search].concluded == concluded
    assert (concluded.outcome, concluded.operator, concluded.second) == (
        "identified",
        FIRST.name,
        SECOND.name,
    )
    for signed, name, finding in (
        (proposed.statement, FIRST.name, "proposed"),
        (concluded.statement, SECOND.name, "agreed"),
    ):
        said = check_identification(Envelope.from_json(signed or b""), SEARCHERS.register, name)
        assert (said.search, said.entry, said.evidence, said.finding) == (
            search,
            proposed.entry,
            KIND,
            finding,
        )
    # Who it was is there with the salt alone.
    salt = (folder / "journal" / "salts" / search).read_bytes()
    assert proposed.entry == commitment(salt, search, [ENTRY])
    written = b"".join(
        path.read_bytes() for path in (folder / "journal" / "site").rglob("*") if path.is_file()
    )
    assert ENTRY.encode() not in written


def test_whoever_disagrees_ends_it(journal: Journal, search: str) -> None:
    identifying.propose(journal, search, ENTRY, KIND, FIRST)
    concluded = identifying.disagree(journal, search, SECOND)
    assert (concluded.outcome, concluded.second) == ("inconclusive", SECOND.name)
    with pytest.raises(WrongStep, match="its outcome already: inconclusive"):
        identifying.propose(journal, search, ENTRY, KIND, FIRST)
    with pytest.raises(WrongStep, match="its outcome already"):
        identifying.agree(journal, search, ENTRY, SECOND)


def test_nobody_is_both_people_and_nobody_agrees_to_another_entry(journal: Journal, search: str) -> None:
    with pytest.raises(WrongStep, match="Nobody has identified"):
        identifying.agree(journal, search, ENTRY, SECOND)
    identifying.propose(journal, search, ENTRY, KIND, FIRST)
    before = list(journal.records())
    for refused, work in (
        (SamePerson, lambda: identifying.agree(journal, search, ENTRY, FIRST)),
        (SamePerson, lambda: identifying.disagree(journal, search, FIRST)),
        (WrongStep, lambda: identifying.agree(journal, search, ANOTHER, SECOND)),
        (ConfigurationError, lambda: identifying.agree(journal, search, "Mr Smith", SECOND)),
        (WrongStep, lambda: identifying.propose(journal, search, ANOTHER, KIND, SECOND)),
        (WrongStep, lambda: searches.conclude(journal, search, "eliminated", FIRST.name)),
        (WrongStep, lambda: searches.conclude(journal, search, "identified", FIRST.name)),
    ):
        with pytest.raises(refused) as raised:
            work()
        assert "Smith" not in f"{raised.value.detail} {raised.value.hint}"
    assert list(journal.records()) == before


def test_an_identification_names_an_entry_and_other_evidence_of_the_profile(
    journal: Journal, search: str
) -> None:
    before = list(journal.records())
    with pytest.raises(PolicyViolation, match="no such kind"):
        identifying.propose(journal, search, ENTRY, "face", FIRST)
    with pytest.raises(ConfigurationError, match="entry is not in its form"):
        identifying.propose(journal, search, "Mr Smith", KIND, FIRST)
    with pytest.raises(WrongStep, match="names the entry"):
        searches.conclude(journal, search, "identified", FIRST.name)
    assert list(journal.records()) == before


def test_where_a_profile_asks_for_one_person_it_is_the_outcome_at_once(
    journal: Journal, search: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No profile of the project does."""
    rules = profiles.profile("rfr").model_copy(update={"verifiers": 1})
    monkeypatch.setattr(searches, "profile", lambda _: rules)
    identifying.propose(journal, search, ENTRY, KIND, FIRST)
    concluded = inquiries(journal)[search].concluded
    assert concluded is not None
    assert (concluded.outcome, concluded.operator, concluded.second) == ("identified", FIRST.name, None)


# By the commands


def conclude(folder: Path, search: str, **options: object) -> int:
    given: dict[str, object] = {
        "journal": folder / "journal",
        "search": search,
        "outcome": "identified",
        "identity": folder / "e.novak.pem",
        "register": folder / "register.toml",
        "entry": ENTRY,
        "evidence": KIND,
        "training": folder / "training.toml",
    }
    return command("operator", "conclude", **{**given, **options})


def second(folder: Path, search: str, *words: str, **options: object) -> int:
    given: dict[str, object] = {
        "journal": folder / "journal",
        "search": search,
        "identity": folder / "g.okoro.pem",
        "register": folder / "register.toml",
        "training": folder / "training.toml",
    }
    return command("operator", "second", *words, **{**given, **options})


def only_search(folder: Path) -> str:
    with Journal(folder / "journal") as journal:
        (name,) = inquiries(journal)
    return name


def kinds(folder: Path) -> list[str]:
    with Journal(folder / "journal") as journal:
        return [each.kind for each in journal.records()]


def shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert command("operator", "journal", "show", journal=folder / "journal") == 0
    return " ".join(capsys.readouterr().out.split())


def test_two_commands_by_two_people(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "240")
    search = only_search(folder)
    assert conclude(folder, search[:8]) == 0
    assert "no outcome before another operator agrees" in capsys.readouterr().out
    said = shown(folder, capsys)
    assert "open, identified by e.novak alone (witness)" in said
    assert "1 searches, 1 without an outcome" in said
    assert second(folder, search[:8], entry=ENTRY) == 0
    assert "identified, e.novak and g.okoro" in capsys.readouterr().out
    said = shown(folder, capsys)
    assert "identified, e.novak and g.okoro" in said
    assert "1 searches, 0 without an outcome" in said
    with Journal(folder / "journal") as journal:
        last, *_ = reversed(list(journal.records()))
    assert isinstance(last, SearchConcluded)


def test_disagreeing_by_the_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    search = only_search(folder)
    assert conclude(folder, search) == 0
    assert second(folder, search, "--disagree") == 0
    assert "inconclusive, e.novak and g.okoro" in capsys.readouterr().out
    assert second(folder, search, "--disagree") == 1
    assert "its outcome already" in only_error(capsys.readouterr().err)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"entry": None}, "names the entry and the other evidence"),
        ({"evidence": None}, "names the entry and the other evidence"),
        ({"training": None}, "names the entry and the other evidence"),
        ({"evidence": "face"}, "no such kind of other evidence"),
        ({"entry": "Mr Smith"}, "The entry is not in its form"),
        ({"identity": "a.khan.pem"}, "not the keys of an operator"),
        ({"training": "nobody.toml"}, "Your training has run out"),
        ({"outcome": "guilty"}, "An outcome is one of"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_what_is_no_identification(
    folder: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, str | None], said: str
) -> None:
    (folder / "nobody.toml").write_text("[trained]\n")
    paths = {"identity", "training"}
    given = {
        name: folder / value if value is not None and name in paths else value
        for name, value in changes.items()
    }
    assert conclude(folder, only_search(folder), **given) == 1
    error = only_error(capsys.readouterr().err)
    assert said in error
    assert "Smith" not in error
    assert kinds(folder) == ["searched"]


def test_who_is_no_second_person(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    search = only_search(folder)
    assert conclude(folder, search) == 0
    capsys.readouterr()
    for options, said in (
        ({"entry": ENTRY, "identity": folder / "e.novak.pem"}, "Another operator than the one"),
        ({"entry": ENTRY, "identity": folder / "a.khan.pem"}, "not the keys of an operator"),
        ({"entry": ANOTHER}, "not the entry that the first operator has identified"),
        ({}, "Give --entry to agree, or --disagree"),
    ):
        assert second(folder, search, **options) == 1
        assert said in only_error(capsys.readouterr().err)
    train(folder, FIRST.name)
    assert second(folder, search, "--disagree") == 1
    assert "Your training has run out" in only_error(capsys.readouterr().err)
    assert kinds(folder) == ["searched", IdentificationProposed.model_fields["kind"].default]
