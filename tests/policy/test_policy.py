"""Policy profiles: what they say, that nothing else is said of them, and that they are read strictly."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindwatch.cli.main import run
from blindwatch.errors import ConfigurationError, PolicyViolation
from blindwatch.policy.describing import page
from blindwatch.policy.profile import Profile, profile, profiles, read

NAMES = ["demo", "eu-rt-rbi", "oifr", "rfr", "uk-met", "uk-swp"]
SERIOUS = [name for name in NAMES if name != "demo"]
SOURCE = re.compile(
    r"# .*(?:\b[A-Z][0-9]+[a-z]?\b|\bM: |our choice|there is none|national law|every score is)"
)


def file(name: str, repo: Path) -> Path:
    return repo / "shared" / "blindwatch" / "policy" / "profiles" / f"{name}.toml"


def test_the_profiles_that_there_are() -> None:
    assert profiles() == NAMES
    assert [profile(name).name for name in NAMES] == NAMES
    assert len({profile(name).digest for name in NAMES}) == len(NAMES)


PUBLISHED = [
    ("uk-met", "list_age_hours", 24),
    ("uk-met", "clocks.list_after_end_hours", 24),
    ("uk-met", "clocks.alert_hours", 31 * 24),
    ("uk-met", "clocks.video_days", 31),
    ("uk-met", "share_threshold", 2),
    ("uk-met", "share_count", 3),
    ("uk-met", "verifiers", 1),
    ("uk-swp", "list_cap", 2000),
    ("uk-swp", "false_alerts_per_1000", 1),
    ("uk-swp", "clocks.alert_hours", 24),
    ("uk-swp", "clocks.list_after_end_hours", 24),
    ("uk-swp", "clocks.video_days", 31),
    ("eu-rt-rbi", "verifiers", 2),
    ("eu-rt-rbi", "list_age_hours", 24),
    ("eu-rt-rbi", "clocks.alert_hours", 183 * 24),
    ("rfr", "verifiers", 2),
    ("oifr", "clocks.alert_hours", 0),
]


@pytest.mark.parametrize(("name", "field", "value"), PUBLISHED)
def test_what_was_published(name: str, field: str, value: float) -> None:
    found: object = profile(name)
    for part in field.split("."):
        found = getattr(found, part)
    assert found == value


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_people_who_do_not_match_is_kept(name: str) -> None:
    assert profile(name).clocks.non_match_seconds == 0


@pytest.mark.parametrize("name", NAMES)
def test_nobody_is_on_a_list_for_intelligence(name: str) -> None:
    assert profile(name).category("intelligence") is None
    assert not any("intelligence" in each.title.lower() for each in profile(name).categories)


@pytest.mark.parametrize("name", SERIOUS)
def test_nobody_decides_alone(name: str) -> None:
    rules = profile(name)
    assert 2 <= rules.share_threshold <= rules.share_count
    assert rules.list_signatures >= 2
    assert rules.approvals >= 1
    assert rules.adult_age == 18
    assert {"source_system", "source_ref", "legal_basis", "image_date"} <= set(rules.entry_fields)
    assert "dpia" in rules.documents
    assert not rules.folder_import


@pytest.mark.parametrize("name", [name for name in NAMES if profile(name).use == "live"])
def test_cameras_are_announced(name: str) -> None:
    assert "signage" in profile(name).documents


def test_fewer_searches_than_give_a_gallery_away() -> None:
    assert profile("rfr").probes_per_deployment < 128


LIVE = [name for name in NAMES if profile(name).use == "live"]


@pytest.mark.parametrize("name", LIVE)
def test_fewer_alerts_about_one_entry_than_give_its_template_away(name: str) -> None:
    """Twenty are as near to an entry as another photograph of the person: see docs/evaluation.md."""
    most = profile(name).alerts_per_entry
    assert most is not None
    assert most <= 10


def test_alerts_about_one_entry_are_limited_where_a_console_shows_alerts(repo: Path) -> None:
    for name in set(NAMES) - set(LIVE):
        assert profile(name).alerts_per_entry is None
        check_refused(file(name, repo), ("\nwitnesses", "\nalerts_per_entry = 10\nwitnesses"))
    check_refused(file("uk-met", repo), ("alerts_per_entry = 10", ""))
    check_refused(file("uk-met", repo), ("alerts_per_entry = 10", "alerts_per_entry = 0"))


def test_private_places_need_a_risk_of_harm() -> None:
    checks = profile("oifr").checks
    assert checks is not None
    private = {each.name for each in checks.places if each.private}
    assert private == {"home", "school", "medical", "worship"}
    checks.allow("public", "refuses-identity", None)
    for place in private:
        checks.allow(place, "cannot-identify", "to-a-child")
        with pytest.raises(PolicyViolation, match="risk of significant harm"):
            checks.allow(place, "cannot-identify", None)
    for wrong in (
        ("street", "cannot-identify", None),
        ("public", "curiosity", None),
        ("public", "cannot-identify", "any"),
    ):
        with pytest.raises(PolicyViolation, match="no such"):
            checks.allow(*wrong)


def check_refused(path: Path, change: tuple[str, str]) -> None:
    """A profile that was changed so is none."""
    text = path.read_text()
    changed = text.replace(*change, 1)
    assert changed != text
    with pytest.raises(ConfigurationError):
        read(changed.encode())


@pytest.mark.parametrize(
    "change",
    [
        ('use = "operator-initiated"', 'use = "live"'),
        ('name = "medical"', 'name = "school"'),
        ("private = true", 'private = "yes"'),
        ("[[checks.reasons]]", "[[checks.grounds]]"),
    ],
    ids=lambda change: change[1],
)
def test_rules_for_checks_that_are_none(repo: Path, change: tuple[str, str]) -> None:
    check_refused(file("oifr", repo), change)


def test_a_search_identifies_nobody_by_faces_alone() -> None:
    rules = profile("rfr")
    for each in rules.evidence:
        rules.check_evidence(each.name)
    for wrong in ("face", "", "DNA or fingerprints"):
        with pytest.raises(PolicyViolation, match="no such kind of other evidence") as refused:
            rules.check_evidence(wrong)
        assert "dna-or-fingerprints" in refused.value.hint


@pytest.mark.parametrize(
    "change",
    [
        ('use = "retrospective"', 'use = "live"'),
        ("[[evidence]]", "[[proof]]"),
        ('name = "objects"', 'name = "records"'),
        ('name = "objects"', 'name = "any thing"'),
    ],
    ids=lambda change: change[1],
)
def test_kinds_of_other_evidence_that_are_none(repo: Path, change: tuple[str, str]) -> None:
    check_refused(file("rfr", repo), change)


@pytest.mark.parametrize("name", [name for name in NAMES if profile(name).use != "retrospective"])
def test_where_nobody_is_searched_for_there_is_no_such_evidence(name: str, repo: Path) -> None:
    assert profile(name).evidence == ()
    text = file(name, repo).read_text()
    with pytest.raises(ConfigurationError):
        read(f'{text}\n[[evidence]]\nname = "witness"\ntitle = "A witness"\n'.encode())


@pytest.mark.parametrize("name", SERIOUS)
def test_every_value_says_where_it_comes_from(name: str, repo: Path) -> None:
    rules = file(name, repo).read_text().split("# ", 1)[1]
    values = [line for line in rules.splitlines() if re.match(r"[a-z_0-9]+ = ", line)]
    of_a_name = {"name", "title", "version", "use", "sensitive", "private"}
    unsaid = [line for line in values if line.split(" = ")[0] not in of_a_name and not SOURCE.search(line)]
    assert unsaid == []


def test_the_page_is_made_of_the_profiles(repo: Path) -> None:
    assert (repo / "docs" / "policy.md").read_text(encoding="utf-8") == page()


RETENTION = {
    "Templates and crops of people who do not match": ("non_match_seconds", "seconds"),
    "Images and scores of an alert": ("alert_hours", "hours"),
    "The list, after the end of the deployment": ("list_after_end_hours", "hours"),
    "Video of the cameras": ("video_days", "days"),
    "Records for audit, nothing biometric": ("audit_days", "days"),
    "An encrypted probe, until it is drawn for replay": ("challenge_minutes", "minutes"),
    "Encrypted probes that were drawn, after the end": ("replay_hours", "hours"),
}


@pytest.mark.parametrize("title", RETENTION)
def test_the_page_states_every_clock_of_every_file(title: str, repo: Path) -> None:
    """The files are read here without the loader, and the page as its readers see it."""
    table = [line.split(" | ") for line in (repo / "docs" / "policy.md").read_text().splitlines()]
    names = next(row for row in table if len(row) > 1)[1:]
    stated = next(row for row in table if row[0] == f"| {title}")[1:]
    field, unit = RETENTION[title]
    for name, text in zip(names, stated, strict=True):
        clocks = tomllib.loads(file(name.strip(" |"), repo).read_text())["clocks"]
        assert text.strip(" |") == f"{clocks[field]:g} {unit}"
        assert len(clocks) == len(RETENTION)


@pytest.mark.parametrize(
    "change",
    [
        ("version = 2", 'version = "2"'),
        ("version = 2", "version = true"),
        ("version = 2", "versoin = 2"),
        ("version = 2", 'version = 2\ndigest = "00"'),
        ("version = 2", f"version = {'9' * 5000}"),
        ("version = 2", "version = 2026-11-25"),
        ('use = "live"', 'use = "covert"'),
        ("verifiers = 1", "verifiers = 3"),
        ("share_threshold = 2", "share_threshold = 4"),
        ("approvals = 1", "approvals = 0"),
        ("window_hours = 12", "window_hours = 0"),
        ("window_hours = 12", "window_hours = inf"),
        ("replay_rate = 0.01", "replay_rate = nan"),
        ("[clocks]", "[clock]"),
        ("audit_days", "audit_weeks"),
        ("non_match_seconds = 0", "non_match_seconds = -1"),
        ('name = "at-risk"', 'name = "wanted-by-court"'),
        ('name = "at-risk"', 'name = "At risk"'),
        ('name = "at-risk"', 'name = "at-risk"\nreason = "any"'),
        ('"signage"', '"dpia"'),
        ("# Live", "= Live"),
        ("# Live", "\x00"),
    ],
    ids=lambda change: change[1][:30],
)
def test_a_text_that_is_no_profile(repo: Path, change: tuple[str, str]) -> None:
    text = file("uk-met", repo).read_text()
    changed = text.replace(*change, 1)
    assert changed != text
    assert isinstance(read(text.encode()), Profile)
    with pytest.raises(ConfigurationError):
        read(changed.encode())


@given(st.binary(max_size=200) | st.text(alphabet="[]={}\"'#.,-\n 0aeinftrul", max_size=80).map(str.encode))
def test_no_bytes_are_a_profile_by_chance(data: bytes) -> None:
    with pytest.raises(ConfigurationError):
        read(data)


@pytest.mark.parametrize("name", ["nowhere", "../uk-met", "UK-MET", ""])
def test_an_unknown_profile(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["policy", "show", name]) == 1
    assert "uk-met" in capsys.readouterr().err


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_is_shown(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert run(["policy", "show", name]) == 0
    shown, chosen = capsys.readouterr().out, profile(name)
    for said in (chosen.title, chosen.digest, *chosen.documents, *(each.title for each in chosen.categories)):
        assert said in shown
    assert f"{chosen.clocks.alert_hours:g} hours" in shown


def test_the_profiles_are_listed_and_documented(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert run(["policy", "list"]) == 0
    listed = capsys.readouterr().out
    assert all(f" {name} " in listed for name in NAMES)
    assert run(["policy", "document"]) == 0
    assert capsys.readouterr().out == page()
