"""Deployments drawn up, approved, shown and changed by their commands, and what these refuse."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from blindwatch.deployment.prediction import curves, predict
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Prediction, Thresholds, Window
from blindwatch.statements.register import PersonRole, Register
from blindwatch.statements.signing import Identity

from ..people import Force, documents, stamp
from .papers import MEASURED, REGISTERED, Papers, model
from .running import command, only_error

FORCE = Force("uk-met")
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def expected(entries: int) -> str:
    """Of 1,000 people who are not listed, how many the registered threshold stops, as it is printed."""
    return f"{predict(curves(REGISTERED, model()), MEASURED, entries).expected:.3g}"


@pytest.fixture
def papers(tmp_path: Path) -> Papers:
    return Papers(tmp_path, FORCE).write()


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Any:
    """What was printed since the last time, its spaces and the lines of tables made even."""

    def said() -> str:
        printed = capsys.readouterr()
        return " ".join((printed.out + printed.err).replace("│", " ").split())

    return said


def test_a_deployment_is_drawn_up_approved_shown_and_verified(papers: Papers, said: Any) -> None:
    assert papers.draft() == 0
    shown = said()
    for part in (
        "Predicted errors",
        f"about {expected(1)} would be stopped wrongly",
        "within the 1",
        "[somebody]",
    ):
        assert part in shown
    assert papers.ask("verify") == 1
    assert "0 authorising officers of the 1" in said()
    assert papers.approve() == 0
    assert "Approved." in said()
    assert papers.ask("verify") == 0
    assert papers.envelope.digest in said()
    page = papers.manifest.with_name("standing.html")
    assert papers.ask("show", page=page) == 0
    assert "until the deployment ends" in page.read_text()
    assert page.stat().st_mode & 0o777 == 0o600
    shown = said()
    for part in (
        "a.khan custodian holds",
        "d.silva authorising-officer holds",
        "It begins in 0 h 59 min.",
        "north",
    ):
        assert part in shown
    assert "no:" not in shown
    assert papers.content.version == 1
    assert [each.name for each in papers.content.cameras] == ["north"]
    assert papers.manifest.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in papers.folder.glob(".*")] == []


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("a.khan", "You drew this manifest up"),
        ("b.osei", "not the keys of an authorising officer"),
        ("e.novak", "not the keys of an authorising officer"),
    ],
)
def test_who_may_not_approve(papers: Papers, capsys: pytest.CaptureFixture[str], name: str, why: str) -> None:
    papers.draft()
    before = papers.manifest.read_bytes()
    capsys.readouterr()
    assert papers.approve(name) == 1
    assert why in only_error(capsys.readouterr().err)
    assert papers.manifest.read_bytes() == before


@pytest.mark.parametrize("name", ["d.silva", "e.novak"])
def test_only_custodians_draw_up(papers: Papers, said: Any, name: str) -> None:
    assert papers.draft(name) == 1
    assert "not the keys of a custodian" in said()
    assert not papers.manifest.exists()


def test_a_change_after_approval_voids_it(papers: Papers, said: Any) -> None:
    papers.draft()
    papers.approve()
    approved, content = papers.envelope, papers.content
    larger = content.watchlist.model_copy(update={"entries": 2, "by_category": {FORCE.category: 2}})
    changed = content.model_copy(update={"watchlist": larger}).envelope()
    papers.manifest.write_bytes(replace(changed, signatures=approved.signatures).to_json())
    said()
    assert papers.ask("verify") == 1
    assert "has not signed it as it is now" in said()
    assert papers.ask("show") == 0
    shown = said()
    for name in ("a.khan custodian", "d.silva authorising-officer"):
        assert f"{name} void: the manifest was changed since" in shown
    assert "Not approved" in shown
    assert papers.approve("f.lund") == 1
    assert "has not signed it as it is now" in said()


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        (f"log {FORCE.log.verifier}\nquorum none\n", "cosigned by 0 witnesses, and the profile asks for 1"),
        (f"log {FORCE.log.verifier}\n", "has no quorum"),
        (f"log {FORCE.witness.verifier}\nquorum none\n", "not the public key of a log"),
    ],
    ids=["no witness", "no quorum", "no log"],  # the keys are other ones in every process
)
def test_the_log_has_the_witnesses_of_the_profile(papers: Papers, said: Any, policy: str, why: str) -> None:
    (papers.folder / "log.policy").write_text(policy)
    assert papers.draft() == 1
    assert why in said()
    assert not papers.manifest.exists()


def test_who_has_to_have_seen_the_log_is_shown_before_anybody_signs(papers: Papers, said: Any) -> None:
    papers.draft()
    assert "server-1.test/log; cosigned by 1 at least of witness-1" in said()


@pytest.mark.parametrize(("minutes", "code"), [(-1, 0), (0, 0), (1, 1)])
def test_a_list_is_a_day_old_at_most(tmp_path: Path, said: Any, minutes: int, code: int) -> None:
    built = datetime.now(UTC).replace(microsecond=0)
    papers = Papers(tmp_path, FORCE, built_at=built, start=built + 24 * HOUR + minutes * MINUTE).write()
    assert papers.draft() == code
    assert ("more than 24 hours old" in said()) == (code == 1)
    window = Window(not_before=stamp(papers.start), not_after=stamp(papers.start + HOUR))
    papers.put(
        window=window,
        documents=documents(FORCE, papers.start + HOUR),
        predicted=Prediction(false_match_rate=8e-4, false_alerts_per_1000=0.8),
    )
    assert papers.approve() == code
    assert ("no: The list is more than 24 hours old" in said()) == (code == 1)


class TestFalseAlerts:
    """A list of 16,231 at a threshold that does for a few."""

    @pytest.fixture
    def papers(self, tmp_path: Path) -> Papers:
        return Papers(tmp_path, FORCE, entries=16_231).write()

    def test_it_needs_a_reason_and_the_officer_s_acknowledgement(self, papers: Papers, said: Any) -> None:
        assert papers.draft() == 1
        shown = said()
        assert f"not on this list of 16,231, about {expected(16_231)} would be stopped wrongly" in shown
        assert "That is MORE THAN the 1 of the profile." in shown
        assert "nobody has acknowledged it" in shown
        assert not papers.manifest.exists()
        assert papers.draft(acknowledge="Two officers look at [every] alert") == 0
        said()
        before = papers.manifest.read_bytes()
        assert papers.approve() == 1
        shown = said()
        assert "Too many, because Two officers look at [every] alert" in shown
        assert "approve it with --acknowledge" in shown
        assert papers.manifest.read_bytes() == before
        assert papers.approve("d.silva", "--acknowledge") == 0
        assert papers.ask("verify") == 0

    def test_fewer_than_are_expected_cannot_be_promised(self, papers: Papers, said: Any) -> None:
        papers.put(
            predicted=Prediction(false_match_rate=1e-8, false_alerts_per_1000=0.2),
            documents=documents(FORCE, papers.start + HOUR),
        )
        assert papers.approve() == 1
        assert f"promises 0.2 false alerts in 1,000 faces, and {expected(16_231)} are expected" in said()


@pytest.mark.parametrize("kind", FORCE.profile.documents)
def test_nothing_starts_without_its_documents(papers: Papers, said: Any, kind: str) -> None:
    papers.write_draft(without=kind)
    assert papers.draft() == 1
    assert f"documents that are missing: {kind}." in said()
    papers.put(documents=tuple(each for each in documents(FORCE, papers.start) if each.kind != kind))
    assert papers.approve() == 1
    assert f"no: The profile requires documents that are missing: {kind}." in said()


def test_a_document_holds_to_the_end(papers: Papers, said: Any) -> None:
    papers.write_draft(expires=2 * HOUR - timedelta(seconds=1))
    assert papers.draft() == 1
    assert f"lapse before the deployment ends: {', '.join(FORCE.profile.documents)}." in said()
    papers.write_draft(expires=2 * HOUR)
    assert papers.draft() == 0


class TestThreshold:
    """It changes by a new version that another officer's signature approves, for a reason, within the profile."""

    @pytest.fixture
    def papers(self, papers: Papers) -> Papers:
        assert papers.draft() == 0
        assert papers.approve() == 0
        papers.similarity = 0.6
        papers.write_list(papers.content.key_id)
        return papers

    def again(self, papers: Papers, **changes: object) -> int:
        options: dict[str, Any] = {
            "out": papers.folder / "second.dsse.json",
            "replaces": papers.manifest,
            "reason": "Fewer mistakes",
            "acknowledge": "It is still better",
            **changes,
        }
        return papers.draft(**options)

    def test_a_new_version_is_approved_anew(self, papers: Papers, said: Any) -> None:
        said()
        assert self.again(papers) == 0
        shown = said()
        assert "What is different" in shown
        assert f"similarity: {MEASURED}" in shown
        assert "similarity: 0.6" in shown
        assert f"false alerts per 1000: {expected(1)}" in shown
        assert "lies above all that was measured" in shown
        second = {"manifest": papers.folder / "second.dsse.json"}
        assert papers.approve("d.silva", "--acknowledge", **second) == 1
        assert "Name it with --replaces." in said()
        assert papers.approve("d.silva", "--acknowledge", replaces=papers.manifest, **second) == 0
        assert "Changed because Fewer mistakes" in said()
        made = Envelope.from_json(second["manifest"].read_bytes())
        assert FORCE.register.signers(made).of_role(PersonRole.AUTHORISING_OFFICER) == {"d.silva"}

    @pytest.mark.parametrize("missing", ["replaces", "reason"])
    def test_it_names_what_it_replaces_and_why(self, papers: Papers, said: Any, missing: str) -> None:
        assert self.again(papers, **{missing: None}) == 1
        assert "Give both --replaces and --reason." in said()

    def test_it_stays_within_the_profile(self, papers: Papers, said: Any) -> None:
        papers.similarity = 0.4
        papers.write_list(papers.content.key_id)
        assert self.again(papers) == 1
        assert "below the lowest that the profile allows" in said()

    def test_an_operator_cannot(self, papers: Papers, said: Any) -> None:
        assert self.again(papers) == 0
        second = {"manifest": papers.folder / "second.dsse.json", "replaces": papers.manifest}
        assert papers.approve("e.novak", "--acknowledge", **second) == 1
        assert "not the keys of an authorising officer" in said()
        assert papers.draft("e.novak", out=papers.folder / "third.dsse.json") == 1

    def test_integers_stand_for_the_similarity_that_is_shown(self, papers: Papers, said: Any) -> None:
        papers.put(
            thresholds=Thresholds(similarity=0.6, gate=81, fine=1),
            predicted=Prediction(false_match_rate=0.1, false_alerts_per_1000=99.0, acknowledged="Why not"),
            documents=documents(FORCE, papers.start + HOUR),
        )
        assert papers.approve("d.silva", "--acknowledge") == 1
        assert "other integers than its similarity" in said()


def test_nobody_signs_for_the_past(tmp_path: Path, said: Any) -> None:
    papers = Papers(tmp_path, FORCE, start=datetime.now(UTC) - 3 * HOUR).write()
    papers.write_draft(expires=5 * HOUR)
    assert papers.draft() == 1
    assert "The window of the manifest is over" in said()


def test_a_manifest_that_is_there_is_not_written_over(papers: Papers, said: Any) -> None:
    papers.manifest.write_bytes(b"mine")
    assert papers.draft() == 1
    assert "Name a new file." in said()
    assert papers.manifest.read_bytes() == b"mine"


@pytest.mark.parametrize("what", ["draft", "approve"])
def test_whoever_says_no_signs_nothing(papers: Papers, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    options: dict[str, object] = {"register": papers.folder / "register.toml"}
    if what == "approve":
        papers.draft()
        options |= {"manifest": papers.manifest, "identity": papers.folder / "d.silva.pem"}
    else:
        options |= {"keys": papers.folder / "keys", "watchlist": papers.folder / "watchlist"}
        options |= {"draft": papers.folder / "draft.toml", "out": papers.manifest}
        options |= {"identity": papers.folder / "a.khan.pem"}
    before = papers.manifest.read_bytes() if papers.manifest.exists() else None
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert command("deployment", what, **options) == 1
    assert (papers.manifest.read_bytes() if papers.manifest.exists() else None) == before


def test_a_package_or_keys_of_another_list(papers: Papers, said: Any) -> None:
    package = papers.folder / "watchlist" / "operator.json"
    kept = package.read_bytes()
    package.write_bytes(kept.replace(b"green", b"red"))
    assert papers.draft() == 1
    assert "was changed after the list was built" in said()
    package.write_bytes(kept)
    papers.write_list("cd" * 32)
    assert papers.draft() == 1
    assert "encrypted with other keys" in said()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"purpose": "7"}, "'purpose'"),
        ({"porpoise": '"Sea"'}, "'porpoise'"),
        ({"place": '"Two\\nlines"'}, "'place'"),
        ({"not_before": '"soon"'}, "'not_before'"),
        ({"not_before": "2026-11-25T12:00:00"}, "no time zone"),
        ({"not_after": "2020-01-01T00:00:00Z"}, "cannot become a manifest"),
        ({"profile": '"nowhere"'}, "no policy profile of this name"),
        ({"cameras": '["north.json", "north.json"]'}, "cannot become a manifest"),
        ({"cameras": '["draft.toml"]'}, "does not have its name and key"),
        ({"cameras": '["absent.json"]'}, "cannot be read"),
        ({"purpose": "= ="}, "not a TOML file"),
        ({"purpose": "9" * 5000}, "not a TOML file"),
        ({"purpose": f'"{"long " * 70_000}"'}, "byte limit"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_draft_that_is_none(
    papers: Papers, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], why: str
) -> None:
    papers.write_draft(**changes)
    assert papers.draft() == 1
    assert why in only_error(capsys.readouterr().err)
    assert not papers.manifest.exists()


class TestIdentity:
    def make(self, folder: Path, name: str = "g.abel", role: str = "operator") -> int:
        return command("deployment", "identity", name=name, role=role, out=folder / "g.abel.pem")

    def test_keys_go_into_a_private_file_and_a_line_to_the_register(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert self.make(tmp_path) == 0
        (person,) = Register.read(capsys.readouterr().out.encode()).people
        file = tmp_path / "g.abel.pem"
        assert (person.name, person.role) == ("g.abel", PersonRole.OPERATOR)
        assert person.keys == Identity.from_pem(file.read_bytes()).public
        assert file.stat().st_mode & 0o777 == 0o600
        kept = file.read_bytes()
        assert self.make(tmp_path) == 1
        assert file.read_bytes() == kept

    @pytest.mark.parametrize(
        ("name", "role"), [("G. Abel", "operator"), ("", "operator"), ("g.abel", "king"), ('a"b', "operator")]
    )
    def test_a_name_or_role_that_no_register_takes(self, tmp_path: Path, name: str, role: str) -> None:
        assert self.make(tmp_path, name, role) in (1, 2)
        assert list(tmp_path.iterdir()) == []

    def test_a_register_is_shown(self, tmp_path: Path, said: Any) -> None:
        FORCE.write_register(tmp_path / "register.toml")
        assert command("deployment", "register", register=tmp_path / "register.toml") == 0
        shown = said()
        assert all(f"{each.name} {each.role}" in shown for each in FORCE.register.people)

    @pytest.mark.parametrize("new", ['name = "b.osei"', 'name = "z.new"'])
    def test_nobody_has_two_roles(self, tmp_path: Path, said: Any, new: str) -> None:
        """Under the same name, or with the same keys under another."""
        text = FORCE.write_register(tmp_path / "register.toml").read_text()
        first = text.split("\n\n")[0].replace('name = "a.khan"', new).replace('"custodian"', '"operator"')
        (tmp_path / "register.toml").write_text(f"{text}\n{first}")
        assert command("deployment", "register", register=tmp_path / "register.toml") == 1
        assert "is in the register twice" in said()
