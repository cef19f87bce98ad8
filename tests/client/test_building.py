"""A list that is built: what its files hold and what they do not, whose signatures it needs, and who was on it."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from blindwatch.custodian import approvals, membership
from blindwatch.custodian.membership import Membership
from blindwatch.errors import BlindwatchError, MalformedMessage, NotAuthorised, PolicyViolation, WrongKey
from blindwatch.he.ranked.presets import rank_preset
from blindwatch.policy.profile import profile
from blindwatch.secret.keys import KeySet
from blindwatch.secret.ranked import generate_ranked
from blindwatch.statements import trust
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.package import OperatorPackage
from blindwatch.statements.predicates import Watchlist
from blindwatch.statements.register import PersonRole

from ..people import Force, a_manifest
from ..serving import eventually
from .lists import row, write_keys, write_list
from .photographs import write
from .running import command, only_error
from .terminal import terminal

ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le")
FILES = {
    *("blobs", "watchlist.dsse.json", "operator.json", "candidates.cbor"),
    *("names.json", "membership.json", "membership.key"),
}
CHILD = {
    "date_of_birth": "2012-01-01",
    "second_approver": "b.osei",
    "second_reason": "Missing since Monday",
    "category": "at-risk",
}


@dataclass(frozen=True)
class Desk:
    """A custodian's folder: keys, signing keys, register, and a list of four with a child among them."""

    folder: Path
    force: Force

    @property
    def watchlist(self) -> Path:
        return self.folder / "watchlist"

    def options(self, **changes: object) -> dict[str, object]:
        return {
            "keys": self.folder / "keys",
            "deployment": "gate-4",
            "profile": "uk-met",
            "identity": self.folder / "a.khan.pem",
            "register": self.folder / "register.toml",
            "watchlist": self.watchlist,
            "list": self.folder / "list",
            **changes,
        }

    def enrol(self, **changes: object) -> int:
        return command("custodian", "enrol", **self.options(**changes))

    def signing(self, name: str) -> dict[str, object]:
        return {
            "watchlist": self.watchlist,
            "register": self.folder / "register.toml",
            "identity": self.folder / f"{name}.pem",
        }

    def sign(self, name: str, *words: str) -> int:
        return command("custodian", "sign-watchlist", *words, **self.signing(name))

    def approve(self, name: str) -> int:
        return self.sign(name, "--approve-sensitive")

    def was_listed(self, nominal: str, key: Path | None = None) -> int:
        return command(
            *("custodian", "was-listed"),
            membership=self.watchlist / "membership.json",
            key=key or self.watchlist / "membership.key",
            nominal=nominal,
        )

    @property
    def names(self) -> dict[str, dict[str, Any]]:
        return dict(json.loads((self.watchlist / "names.json").read_text()))

    @property
    def package(self) -> OperatorPackage:
        return OperatorPackage.load(self.watchlist / "operator.json")

    @property
    def envelope(self) -> Envelope:
        return Envelope.from_json((self.watchlist / "watchlist.dsse.json").read_bytes())


@pytest.fixture(scope="session")
def force() -> Force:
    return Force("uk-met")


def set_up(folder: Path, force: Force) -> Desk:
    force.write_register(folder / "register.toml")
    for name in ("a.khan", "b.osei", "c.ruiz", "d.silva"):
        force.write_identity(name, folder / f"{name}.pem")
    write_keys(folder / "keys")
    reason = {"quality_override": "Kept to one size"}
    rows = [row(number, **reason) for number in (1, 2, 3)]
    write_list(folder / "list", *rows, row(4, known_relative="An elder brother", **CHILD, **reason))
    return Desk(folder, force)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, force: Force) -> Desk:
    """A list that tests only read."""
    desk = set_up(tmp_path_factory.mktemp("built"), force)
    assert desk.enrol() == 0
    return desk


@pytest.fixture
def desk(tmp_path: Path, force: Force) -> Desk:
    return set_up(tmp_path, force)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


# What it holds


def test_the_files_of_a_list(built: Desk) -> None:
    assert {path.name for path in built.watchlist.iterdir()} == FILES
    assert {mode(path) for path in built.watchlist.rglob("*") if path.is_file()} == {0o600}
    assert {mode(path) for path in (built.watchlist, built.watchlist / "blobs")} == {0o700}
    assert parts(built) == set()


def test_the_statement_says_what_the_files_are(built: Desk) -> None:
    watchlist, package = Watchlist.read(built.envelope), built.package
    assert watchlist.deployment == "gate-4"
    assert (watchlist.preset, watchlist.key_id) == (package.preset, package.key_id)
    assert watchlist.model_digest == package.model_digest
    assert (watchlist.entries, watchlist.under_age, watchlist.second_approvals) == (4, 1, 1)
    assert watchlist.by_category == {"wanted-by-court": 3, "at-risk": 1}
    assert watchlist.built_at.startswith(time.strftime("%Y-%m-%dT", time.gmtime()))
    blobs = {path.name: path.read_bytes() for path in (built.watchlist / "blobs").iterdir()}
    assert watchlist.blobs == set(blobs)
    assert all(hashlib.sha256(data).hexdigest() == name for name, data in blobs.items())
    for digest, name in ((watchlist.package_digest, "operator"), (watchlist.membership_digest, "membership")):
        data = (built.watchlist / f"{name}.json").read_bytes()
        assert hashlib.sha256(data).hexdigest() == digest


def test_the_package_and_the_names_go_together(built: Desk) -> None:
    assert set(built.names) == {entry.reference for entry in built.package.entries}
    by_name = {built.names[entry.reference]["name"]: entry for entry in built.package.entries}
    child, adult = by_name["Quillon Zephyrine 4"], by_name["Quillon Zephyrine 1"]
    assert (child.category, child.known_relative) == ("at-risk", "An elder brother")
    assert (adult.priority, adult.instruction) == ("red", "Stop and speak; warrant")
    assert adult.image_date == date(2024, 5, 6)
    kept = built.names[child.reference]
    assert kept["secondApprover"] == "b.osei"
    assert kept["legalBasis"] == "Warrant of a court"
    assert kept["qualityOverride"] == "Kept to one size"
    assert set(kept["quality"]) == {"eyes", "sharpness", "asymmetry", "brightness", "contrast", "rivals"}


def test_thresholds_go_to_the_package(desk: Desk) -> None:
    assert desk.enrol(threshold=0.55) == 0
    assert desk.package.thresholds.model_dump() == {"similarity": 0.55, "gate": 102, "fine": 17_600}


# Names never leave


def written_in(folder: Path, texts: Iterable[str]) -> set[str]:
    """The files in which any of the texts occurs, in any encoding and also in the payload of a statement."""
    looked_for = [text.encode(encoding) for text in texts for encoding in ENCODINGS]
    found = set()
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes() + path.name.encode()
            if path.name.endswith(".dsse.json"):
                data += Envelope.from_json(path.read_bytes()).payload
            found |= {path.name for each in looked_for if each in data}
    return found


def test_names_are_in_the_custodians_file_alone(built: Desk) -> None:
    names = [row(number)["name"] for number in (1, 2, 3, 4)]
    references = [row(number)["nominal_ref"] for number in (1, 2, 3, 4)]
    assert written_in(built.watchlist, ["Quillon", "Zephyrine", *references]) == {"names.json"}
    assert {each["name"] for each in built.names.values()} == set(names)
    assert {each["nominalRef"] for each in built.names.values()} == set(references)
    # What was said of them besides is not in any other file either.
    told = [
        "2012-01-01",
        "CI-2026-1",
        "custody images",
        "Warrant of a court",
        "Wanted since March",
        "Missing since",
    ]
    assert written_in(built.watchlist, told) == {"names.json"}
    # The same search finds what the operator is told.
    assert written_in(built.watchlist, ["Stop and speak; warrant"]) == {"operator.json"}


def test_references_and_order_are_drawn_anew(desk: Desk) -> None:
    seen: set[str] = set()
    orders = set()
    for number in range(6):
        folder = desk.folder / f"w{number}"
        assert desk.enrol(watchlist=folder) == 0
        names = json.loads((folder / "names.json").read_text())
        assert not seen & set(names)
        seen |= set(names)
        entries = OperatorPackage.load(folder / "operator.json").entries
        orders.add(tuple(names[entry.reference]["row"] for entry in entries))
    assert len(orders) > 1  # of 24; six draws give one order once in eight million


# Who may build and sign


def approved(desk: Desk, envelope: Envelope) -> Watchlist:
    listed = Watchlist.read(envelope)
    manifest = a_manifest(desk.force, listed, envelope)
    return trust.check_watchlist(envelope, desk.force.register, profile("uk-met"), manifest)


def test_a_second_custodian_makes_the_list_count(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.enrol() == 0
    first = desk.envelope
    with pytest.raises(NotAuthorised, match="1 custodians of the 2"):
        approved(desk, first)
    assert desk.approve("b.osei") == 0
    said = capsys.readouterr().out
    assert "1 at-risk, 3 wanted-by-court; 1 under age" in said
    assert "Signed by a.khan, b.osei" in said
    assert desk.envelope.payload == first.payload
    assert approved(desk, desk.envelope).entries == 4
    assert mode(desk.watchlist / "watchlist.dsse.json") == 0o600
    assert {path.name for path in desk.watchlist.iterdir()} == FILES
    # Once more changes nothing.
    assert desk.approve("b.osei") == 0
    assert len(desk.envelope.signatures) == 4


def test_only_custodians_build_and_sign(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.enrol(identity=desk.folder / "d.silva.pem") == 1
    assert "not the keys of a custodian" in only_error(capsys.readouterr().err)
    assert not desk.watchlist.exists()
    assert desk.enrol() == 0
    before = desk.envelope
    assert desk.sign("d.silva") == 1
    assert "not the keys of a custodian" in only_error(capsys.readouterr().err)
    assert desk.envelope == before


def test_whoever_builds_is_not_the_second_approver(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.enrol(identity=desk.folder / "b.osei.pem") == 1
    printed = capsys.readouterr().err
    assert "second_approver" in printed
    assert "one fault" in only_error(printed)
    assert not desk.watchlist.exists()


# K6: a second person agrees, by a signature of their own


def test_the_second_approver_sees_the_entries_and_agrees_to_them(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert desk.enrol() == 0
    assert "b.osei has to agree to entries" in capsys.readouterr().out
    listed = Watchlist.read(desk.envelope)
    assert (listed.builder, listed.approvers, listed.second_approvals) == ("a.khan", ("b.osei",), 1)
    # Not by a signature alone, and not by that of somebody else.
    assert desk.sign("b.osei") == 1
    printed = capsys.readouterr()
    assert "names you as second approver" in only_error(printed.err)
    for shown in ("Quillon Zephyrine 4", "2012-01-01", "at-risk", "Missing since Monday"):
        assert shown in printed.out
    assert "Quillon Zephyrine 1" not in printed.out
    assert desk.approve("c.ruiz") == 0
    with pytest.raises(NotAuthorised, match=r"missing, of b\.osei"):
        approved(desk, desk.envelope)
    assert desk.approve("b.osei") == 0
    assert approved(desk, desk.envelope).approvers == ("b.osei",)


def test_at_a_terminal_the_second_approver_is_asked(desk: Desk) -> None:
    assert desk.enrol() == 0
    before = desk.envelope
    words = [f"--{name}={value}" for name, value in desk.signing("b.osei").items()]
    for answer, code in (("n", 1), ("y", 0)):
        with terminal("custodian", "sign-watchlist", *words) as screen:
            screen.expect("Quillon Zephyrine 4")
            screen.expect("Do you agree to the 1 entries")
            screen.type(answer)
            assert screen.end() == code
        assert (desk.envelope == before) == (code == 1)
    assert approved(desk, desk.envelope)


def test_an_officer_may_be_the_second_approver(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    child = row(4, **CHILD | {"second_approver": "d.silva"}, quality_override="Kept to one size")
    write_list(desk.folder / "list", row(1, quality_override="Kept to one size"), child)
    assert desk.enrol() == 0
    assert desk.sign("b.osei") == 0
    with pytest.raises(NotAuthorised, match=r"missing, of d\.silva"):
        approved(desk, desk.envelope)
    assert desk.approve("d.silva") == 0
    assert approved(desk, desk.envelope).under_age == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda names, child: names[child].update(secondReason="Another reason"),
        lambda names, child: names[child].update(name="Somebody else"),
        lambda names, child: names[child].update(secondApprover="c.ruiz"),
        lambda names, child: names[child].update(secondApprover=None),
        lambda names, child: names.pop(child),
    ],
)
def test_what_is_agreed_to_is_what_the_list_was_built_with(
    desk: Desk,
    change: Callable[[dict[str, dict[str, object]], str], object],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert desk.enrol() == 0
    names = desk.names
    change(names, next(each for each, record in names.items() if record["secondApprover"]))
    (desk.watchlist / "names.json").write_text(json.dumps(names))
    assert desk.approve("b.osei") == 1
    assert "not those that the list was built with" in only_error(capsys.readouterr().err)


def test_nobody_can_be_made_to_agree(desk: Desk) -> None:
    """A custodian whose program says that there is nothing to agree to, or that the builder may agree."""
    assert desk.enrol() == 0
    listed = Watchlist.read(desk.envelope)
    for changes in (
        {"approvers": ()},
        {"approvals_digest": None},
        {"second_approvals": 0},
        {"approvers": ("a.khan",)},
        {"builder": "b.osei"},
    ):
        with pytest.raises(ValidationError):
            Watchlist.model_validate(listed.model_dump() | changes)
    none = listed.model_copy(update={"approvers": (), "approvals_digest": None, "second_approvals": 0})
    signed = desk.force.sign(none.envelope(), "a.khan", "b.osei")
    with pytest.raises(PolicyViolation, match="second approval"):
        trust.check_policy(a_manifest(desk.force, none, signed), profile("uk-met"))
    other = listed.model_copy(update={"builder": "c.ruiz"})
    with pytest.raises(NotAuthorised, match="who built the list"):
        approved(desk, desk.force.sign(other.envelope(), "a.khan", "b.osei"))


def test_without_the_key_of_the_commitments_no_guess_about_a_child_can_be_tested(built: Desk) -> None:
    special = approvals.approved(built.names)
    key = membership.load_key(built.watchlist / "membership.key")
    stated = Watchlist.read(built.envelope).approvals_digest
    assert approvals.digest(special, key) == stated
    assert approvals.digest(special, bytes(32)) != stated


@pytest.mark.parametrize("name", ["operator.json", "membership.json", "blobs"])
def test_a_list_that_was_changed_is_not_signed(
    desk: Desk, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert desk.enrol() == 0
    path = desk.watchlist / name
    path = next(path.iterdir()) if path.is_dir() else path
    path.write_bytes(path.read_bytes() + b" ")
    assert desk.approve("b.osei") == 1
    assert "changed after it was built" in only_error(capsys.readouterr().err)


# What is refused, with nothing written


def test_nothing_is_written_if_a_row_is_wrong(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    write_list(desk.folder / "list", row(1), row(2, category="intelligence"), row(3, legal_basis=""))
    assert desk.enrol() == 1
    printed = capsys.readouterr().err
    assert "2 faults, so nothing was enrolled" in only_error(printed)
    assert all(word in printed for word in ("category", "legal_basis", "What to do"))
    assert not desk.watchlist.exists()


def test_a_report_is_written_also_where_the_list_is_refused(desk: Desk) -> None:
    write(desk.folder / "list" / "2.png", b"not a photograph")
    assert desk.enrol(report=desk.folder / "report.html") == 1
    assert "not an image" in (desk.folder / "report.html").read_text()
    assert mode(desk.folder / "report.html") == 0o600
    assert not desk.watchlist.exists()


def test_a_report_has_the_faults_of_rows_that_nobody_looked_at(desk: Desk) -> None:
    write_list(desk.folder / "list", row(1), row(2, category="intelligence"))
    report = desk.folder / "list" / "import.html"
    assert desk.enrol(report=report) == 1
    assert "The profile has no such category." in report.read_text()
    assert desk.enrol(report=report) == 1
    assert desk.enrol(report=desk.watchlist / "import.html") == 1
    assert not desk.watchlist.exists()


def test_a_report_says_what_to_expect_of_the_list_and_until_when(desk: Desk) -> None:
    report = desk.folder / "list" / "import.html"
    assert desk.enrol(report=report) == 0
    text = report.read_text()
    assert "entries enrolled" in text
    assert "an FPIR of" in text
    built = datetime.fromisoformat(Watchlist.read(desk.envelope).built_at)
    assert f'data-until="{built + timedelta(hours=24):%Y-%m-%dT%H:%M:%SZ}"' in text
    assert not list(desk.watchlist.rglob("*.html"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"profile": "uk-xyz"}, "no policy profile"),
        ({"profile": "rfr"}, "another use"),
        ({"deployment": "Gate 4"}, "name of a deployment"),
        ({"threshold": 0.3}, "lowest that the profile allows"),
        ({"list": None}, "either --list or --faces"),
        ({"list": None, "faces": "list"}, "does not allow to enrol a plain folder"),
        ({"faces": "list"}, "either --list or --faces"),
        ({"register": "keys/keys.json"}, "register"),
        ({"identity": "keys/keys.json"}, "signing keys"),
        ({"watchlist": "keys"}, "not empty"),
    ],
)
def test_what_does_not_go_together(
    desk: Desk, changes: dict[str, object], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = {"faces", "register", "identity", "watchlist"}
    filled = {name: desk.folder / str(value) if name in paths else value for name, value in changes.items()}
    assert desk.enrol(**filled) == 1
    assert said in only_error(capsys.readouterr().err)
    assert not desk.watchlist.exists()


# A process that is killed


def test_killed_at_any_time_there_is_a_whole_list_or_none(desk: Desk, keys: KeySet) -> None:
    shutil.rmtree(desk.folder / "keys")
    write_keys(desk.folder / "keys", keys.encryption)  # real encryption takes a while
    options = [f"--{name}={value}" for name, value in desk.options().items()]
    words = [sys.executable, "-m", "blindwatch.cli.main", "custodian", "enrol", *options]
    outcomes = set()
    for attempt in range(25):
        before = parts(desk)
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            eventually(lambda: bool(parts(desk) - before) or desk.watchlist.exists(), 60)  # noqa: B023
            time.sleep(0.25 * attempt)
            process.send_signal(signal.SIGKILL)
        outcomes.add(desk.watchlist.exists())
        if desk.watchlist.exists():
            break
    # It was killed with the folder half made, and after it was finished, with nothing left of what was before.
    assert outcomes == {False, True}
    assert parts(desk) == set()
    assert {path.name for path in desk.watchlist.iterdir()} == FILES
    assert desk.force.register.signers(desk.envelope).of_role(PersonRole.CUSTODIAN) == {"a.khan"}
    assert desk.approve("b.osei") == 0


def parts(desk: Desk) -> set[Path]:
    """Folders that are being made, or that a process left which was killed."""
    return {path for path in desk.folder.iterdir() if path.name.startswith(".")}


# K12: was somebody on the list


@pytest.mark.parametrize("nominal", ["NR/0002/26", "nr/0002/26", " NR/0002/26 "])
def test_somebody_who_was_listed(built: Desk, nominal: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert built.was_listed(nominal) == 0
    assert capsys.readouterr().out.startswith("yes, on the list of gate-4")


@pytest.mark.parametrize("nominal", ["NR/0005/26", "", "Quillon Zephyrine 2"])
def test_somebody_who_was_not(built: Desk, nominal: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert built.was_listed(nominal) == 0
    assert capsys.readouterr().out.startswith("no, not on the list of gate-4")


def test_the_list_need_not_be_there(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.enrol() == 0
    for path in desk.watchlist.rglob("*"):
        if path.is_file() and not path.name.startswith("membership"):
            path.unlink()
    capsys.readouterr()
    assert desk.was_listed("NR/0001/26") == 0
    assert capsys.readouterr().out.startswith("yes")


def test_without_its_key_nothing_is_answered(
    built: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for key in (bytes(32), b"short", b""):
        assert built.was_listed("NR/0001/26", key=write(tmp_path / "key", key)) == 1
        assert "key" in only_error(capsys.readouterr().err)
    # Nor can a hundred references be tried without it: no commitment is a plain digest of one.
    held = set(Membership.load(built.watchlist / "membership.json").commitments)
    tried = {f"NR/{number:04}/26" for number in range(100)}
    for reference in tried:
        for text in (reference, reference.casefold(), f"gate-4{reference}", f"gate-4:{reference.casefold()}"):
            assert hashlib.sha256(text.encode()).hexdigest() not in held


KEY, OTHER = b"k" * 32, b"o" * 32


@given(
    st.sets(st.text(min_size=1, max_size=20).filter(str.strip), min_size=1, max_size=20), st.text(max_size=20)
)
def test_commitments_answer_for_every_reference(references: set[str], other: str) -> None:
    made = Membership.make("gate-4", references, KEY)
    assert all(made.includes(reference, KEY) for reference in references)
    assert list(made.commitments) == sorted(made.commitments)
    plain = {membership._commitment(KEY, "gate-4", reference) for reference in references}
    assert made.includes(other, KEY) == (membership._commitment(KEY, "gate-4", other) in plain)
    with pytest.raises(WrongKey):
        made.includes(other, OTHER)
    assert not set(made.commitments) & set(Membership.make("gate-5", references, KEY).commitments)
    assert not set(made.commitments) & set(Membership.make("gate-4", references, OTHER).commitments)


def test_names_and_references_do_not_run_together() -> None:
    assert membership._commitment(KEY, "gate-4", "1:7") != membership._commitment(KEY, "gate-41", ":7")


@given(st.binary(max_size=200))
def test_bytes_that_are_no_commitments(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = write(tmp_path_factory.mktemp("m") / "membership.json", data)
    with pytest.raises(MalformedMessage):
        Membership.load(path)
    with pytest.raises(BlindwatchError):
        membership.load_key(path / "nothing")


# Ranked galleries are built in the same way


def test_a_gallery(desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = generate_ranked(rank_preset("rank-128"))
    write_keys(tmp_path / "rank-keys", keys.encryption)
    rows = [row(number, category="custody-image", quality_override="Small") for number in (1, 2, 3)]
    write_list(desk.folder / "list", *rows)
    options = {"keys": tmp_path / "rank-keys", "profile": "rfr"}
    assert desk.enrol(**options, threshold=0.5) == 1
    assert "no threshold" in only_error(capsys.readouterr().err)
    assert desk.enrol(**options, report=tmp_path / "import.html") == 0
    assert "people judge every score" in (tmp_path / "import.html").read_text()
    listed = Watchlist.read(desk.envelope)
    assert {path.name for path in desk.watchlist.iterdir()} == FILES
    assert (listed.entries, listed.by_category) == (3, {"custody-image": 3})
    assert [len(block) for block in listed.blocks] == [1]
    assert desk.package.thresholds.model_dump() == {"similarity": 0.0, "gate": 0, "fine": 0}
    assert written_in(desk.watchlist, ["Quillon", "NR/0001/26"]) == {"names.json"}
