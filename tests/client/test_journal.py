"""The operator's own log, by real commands over real results: keys, alerts, outcomes, and what survives kill -9."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyrage
import pytest

from blindwatch.errors import ConfigurationError, LogInUse, LogMissing, PolicyViolation
from blindwatch.operator.fetching import Reading
from blindwatch.operator.journal import Journal, commitment
from blindwatch.operator.reading import Match
from blindwatch.policy.profile import profile
from blindwatch.records.operator import (
    Adjudicated,
    Alerted,
    AlertsHeldBack,
    KeyForgotten,
    KeyReceived,
    OperatorRecord,
)
from blindwatch.records.reading import operator_record
from blindwatch.statements import trust
from blindwatch.statements.package import OperatorPackage
from blindwatch.tlog.following import verify_whole
from blindwatch.tlog.keys import Use, VerifierKey
from blindwatch.wire.client import ServerClient
from blindwatch.wire.messages import now

from ..people import Force, a_manifest, a_watchlist
from ..serving import FORCE, eventually
from .posts import KNOWN, STRANGER, Post
from .running import command, enough, only_error

if TYPE_CHECKING:
    Printed = pytest.CaptureFixture[str]

OPERATOR = "e.novak"
NAME = "e.novak.force.example/journal"


@pytest.fixture
def journal(post: Post, tmp_path: Path) -> Path:
    if not (post.folder / f"{OPERATOR}.pem").exists():
        FORCE.write_identity(OPERATOR, post.folder / f"{OPERATOR}.pem")
    folder = tmp_path / "journal"
    assert command("operator", "journal", "init", journal=folder, name=NAME) == 0
    return folder


def handed_over(journal: Path) -> list[OperatorRecord]:
    """The records as an oversight body reads them: of a whole log, by its files alone."""
    site, entries = journal / "site", list[bytes]()
    key = VerifierKey.parse((site / "vkey").read_text().strip(), Use.LOG)
    verify_whole(site, key, lambda _, found: entries.extend(found))
    return [operator_record(entry) for entry in entries]


def run(post: Post, journal: Path, **changes: object) -> int:
    return post.run(journal=journal, identity=post.folder / f"{OPERATOR}.pem", **changes)


def adjudicate(post: Post, journal: Path, alert: str, outcome: str, **changes: object) -> int:
    options = {
        "journal": journal,
        "alert": alert,
        "outcome": outcome,
        "identity": post.folder / f"{OPERATOR}.pem",
        "register": post.folder / "register.toml",
        **changes,
    }
    return command("operator", "adjudicate", **options)


def kinds(journal: Path) -> list[str]:
    return [each.kind for each in handed_over(journal)]


def test_keys_and_alerts_are_written_down_and_nothing_of_anybody_else(
    post: Post, journal: Path, capsys: Printed
) -> None:
    stranger, known = post.see(STRANGER, KNOWN)
    capsys.readouterr()
    assert run(post, journal, count=2) == 0
    assert post.references[0] in capsys.readouterr().out
    received, alerted, forgotten = handed_over(journal)
    assert isinstance(received, KeyReceived)
    assert (received.operator, received.deployment) == (OPERATOR, post.deployment)
    assert received.until > received.at
    assert isinstance(alerted, Alerted)
    assert (alerted.alert, alerted.priority, alerted.test_subject) == (known, "red", True)
    assert isinstance(forgotten, KeyForgotten)
    # The log has nobody's reference, and nothing of who did not match.
    written = b"".join(path.read_bytes() for path in (journal / "site").rglob("*") if path.is_file())
    for absent in (stranger, *post.references):
        assert absent.encode() not in written


def test_the_salt_says_who_it_was_and_nothing_without_it(post: Post, journal: Path) -> None:
    (known,) = post.see(KNOWN)
    assert run(post, journal, count=1) == 0
    with Journal(journal) as opened:
        about = post.references[:2]
        assert opened.is_about(known, about)
        assert opened.is_about(known, reversed(about))
        assert not opened.is_about(known, about[:1])
        assert not opened.is_about(known, post.references)
    salt = (journal / "salts" / known).read_bytes()
    alerted = handed_over(journal)[1]
    assert isinstance(alerted, Alerted)
    assert commitment(salt, known, about) == alerted.entry
    assert commitment(bytes(32), known, about) != alerted.entry
    assert {path.stat().st_mode & 0o777 for path in (journal / "salts").iterdir()} == {0o600}


def test_what_was_not_acknowledged_is_one_alert_all_the_same(
    post: Post, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server loses the connection after the first result was read, so it comes again."""
    post.see(KNOWN, KNOWN)

    def break_off(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(ServerClient, "acknowledge", break_off)
        assert run(post, journal, count=2) == 130
    assert kinds(journal) == ["key-received", "alerted", "key-forgotten"]
    assert run(post, journal, count=2) == 0
    assert kinds(journal)[3:] == ["key-received", "alerted", "key-forgotten"]


# What became of alerts


@pytest.fixture
def alert(post: Post, journal: Path, capsys: Printed) -> str:
    (known,) = post.see(KNOWN)
    assert run(post, journal, count=1) == 0
    capsys.readouterr()
    return known


def test_an_alert_goes_on_to_one_final_outcome(
    post: Post, journal: Path, alert: str, capsys: Printed
) -> None:
    for outcome in ("sent", "engaged"):
        assert adjudicate(post, journal, alert[:8], outcome) == 0
        assert "needs a final outcome" in capsys.readouterr().out
    assert adjudicate(post, journal, alert, "confirmed-false", reason="relative-or-lookalike") == 0
    assert "final outcome" not in capsys.readouterr().out
    for outcome in ("confirmed-true", "sent", "confirmed-false"):
        assert adjudicate(post, journal, alert, outcome) == 1
        assert "its outcome already: confirmed-false" in only_error(capsys.readouterr().err)
    decided = [each for each in handed_over(journal) if isinstance(each, Adjudicated)]
    assert [(each.outcome, each.operator) for each in decided] == [
        ("sent", OPERATOR),
        ("engaged", OPERATOR),
        ("confirmed-false", OPERATOR),
    ]
    assert decided[-1].reason == "relative-or-lookalike"
    assert command("operator", "journal", "show", journal=journal) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "1 alerts, 0 without a final outcome" in printed
    assert "confirmed-false by e.novak" in printed


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"alert": "ff" * 16}, "does not have one alert"),
        ({"alert": ""}, "does not have one alert"),
        ({"outcome": "arrested"}, "An outcome is one of"),
        ({"reason": "It was John Smith"}, "not a word"),
        ({"identity": "a.khan.pem"}, "not the keys of an operator"),
        ({"journal": "nothing"}, "no journal"),
    ],
)
def test_decisions_that_are_refused(
    post: Post, journal: Path, alert: str, capsys: Printed, tmp_path: Path, changes: dict[str, str], said: str
) -> None:
    FORCE.write_identity("a.khan", tmp_path / "a.khan.pem")
    paths = {"identity", "journal"}
    given = {name: tmp_path / value if name in paths else value for name, value in changes.items()}
    before = kinds(journal)
    wanted: dict[str, Any] = {"journal": journal, "alert": alert, "outcome": "sent", **given}
    assert adjudicate(post, **wanted) == 1
    assert said in only_error(capsys.readouterr().err)
    assert kinds(journal) == before


# The folder


def test_a_journal_is_made_once_and_open_in_one_process(post: Post, journal: Path, capsys: Printed) -> None:
    capsys.readouterr()
    assert command("operator", "journal", "init", journal=journal, name=NAME) == 1
    assert "not empty" in only_error(capsys.readouterr().err)
    with Journal(journal), pytest.raises(LogInUse):
        Journal(journal)
    with pytest.raises(LogMissing):
        Journal(journal / "site")
    post.see(KNOWN)
    assert post.run(journal=journal, count=1) == 1
    assert "Give your signing keys" in only_error(capsys.readouterr().err)
    # Nothing was read without it.
    assert post.left() == 1


def test_no_key_stays_received_when_the_program_was_killed(post: Post, journal: Path) -> None:
    shares = [f"--share-file={path}" for path in enough(post.folder / "shares")]
    options = {
        "keys": post.folder / "keys",
        "entries": post.entries,
        "register": post.folder / "register.toml",
        "server": post.server.address,
        "deployment": post.deployment,
        "token-file": post.folder / "operator.token",
        "identity": post.folder / f"{OPERATOR}.pem",
        "journal": journal,
        "wait": 60,
    }
    words = [f"--{name}={value}" for name, value in options.items()]
    program = (sys.executable, "-m", "blindwatch.cli.main", "operator", "run")
    with subprocess.Popen([*program, *words, *shares], stderr=subprocess.DEVNULL) as process:
        eventually(lambda: kinds(journal) == ["key-received"], 30)
        process.kill()
    post.see(KNOWN)
    assert run(post, journal, count=1) == 0
    assert kinds(journal) == ["key-received", "key-forgotten", "key-received", "alerted", "key-forgotten"]


def test_the_oversight_body_verifies_what_is_handed_over(post: Post, journal: Path, alert: str) -> None:
    assert adjudicate(post, journal, alert, "rejected") == 0
    assert len(handed_over(journal)) == 4
    damaged = journal / "site" / "tile" / "entries" / "000.p" / "4"
    damaged.write_bytes(damaged.read_bytes().replace(b"rejected", b"rejecteD"))
    with pytest.raises(Exception, match="Entry 3"):
        handed_over(journal)


# How many alerts there are about one entry


def seen(number: int, *entries: int) -> Reading:
    """A result that matches these entries of the list."""
    matches = tuple(Match(each, 29_000 - each) for each in entries)
    return Reading(f"{number:032x}", "ab" * 32, "gate-1", now(), matches, None, 1, 1.0, 1)


def matched(readings: list[Reading]) -> list[tuple[int, ...]]:
    return [tuple(match.entry for match in each.matches) for each in readings]


def test_an_entry_has_so_many_alerts_and_then_none_in_this_deployment(post: Post, journal: Path) -> None:
    entries = OperatorPackage.load(post.entries).entries
    with Journal(journal) as opened:
        allowance = opened.allowance("gate-4", entries, 3)
        shown = opened.alert(
            "gate-4", [seen(1, 0), seen(2, 0, 1), seen(3), seen(4, 0), seen(5, 0)], entries, None, allowance
        )
        assert matched(shown) == [(0,), (0, 1), (), (0,), ()]
        assert allowance.used_up == [0]
    with Journal(journal) as opened:
        again = opened.allowance("gate-4", entries, 3)
        assert again.used_up == [0]
        # What is left of a result with two is an alert about one; what was one before is that again.
        done = opened.alert("gate-4", [seen(6, 0, 1), seen(6, 0, 1), seen(2, 0, 1)], entries, None, again)
        assert matched(done) == [(1,), (1,), (0, 1)]
        assert opened.is_about(seen(6).probe_id, [entries[1].reference])
        elsewhere = opened.allowance("gate-5", entries, 3)
        assert elsewhere.used_up == []
        assert not set(elsewhere.names) & set(again.names)
    found = handed_over(journal)
    alerts = [each for each in found if isinstance(each, Alerted)]
    assert [len(each.about) for each in alerts] == [1, 2, 1, 1]
    assert [(each.entry, each.alerts) for each in found if isinstance(each, AlertsHeldBack)] == [
        (again.names[0], 3)
    ]
    assert found[3].kind == "alerts-held-back", (
        "with the last alert, and not with the first that is held back"
    )
    written = b"".join(path.read_bytes() for path in (journal / "site").rglob("*") if path.is_file())
    assert entries[0].reference.encode() not in written


def test_without_a_limit_all_are_shown_and_counted(post: Post, journal: Path) -> None:
    entries = OperatorPackage.load(post.entries).entries
    with Journal(journal) as opened:
        readings = [seen(number, 0) for number in range(40)]
        assert opened.alert("gate-4", readings, entries) == readings
        allowance = opened.allowance("gate-4", entries, None)
        assert allowance.counted[allowance.names[0]] == 40
        assert allowance.used_up == []


def test_nobody_counts_anew_by_taking_the_salt_away(post: Post, journal: Path) -> None:
    entries = OperatorPackage.load(post.entries).entries
    with Journal(journal) as opened:
        opened.alert("gate-4", [seen(1, 0)], entries)
        (journal / "salts" / "deployment-gate-4").unlink()
        with pytest.raises(ConfigurationError, match="salt of the deployment"):
            opened.allowance("gate-4", entries, 3)


def test_the_program_without_a_console_holds_back_as_well(post: Post, journal: Path, capsys: Printed) -> None:
    most = profile("demo").alerts_per_entry
    assert most is not None
    entries = OperatorPackage.load(post.entries).entries
    both = [number for number, each in enumerate(entries) if each.reference in post.references[:2]]
    with Journal(journal) as opened:
        opened.alert(post.deployment, [seen(number, *both) for number in range(most)], entries)
    (known,) = post.see(KNOWN)
    capsys.readouterr()
    assert run(post, journal, count=1) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert f"Held back: entry {post.references[0]} has had {most} alerts" in printed
    assert "tell the custodian" in printed
    assert len([each for each in handed_over(journal) if isinstance(each, Alerted)]) == most
    assert known.encode() not in b"".join(
        path.read_bytes() for path in (journal / "site").rglob("*") if path.is_file()
    )


# What led to a match, for an oversight body


def test_what_led_to_a_match_is_sealed_to_the_oversight_body_alone(post: Post, journal: Path) -> None:
    entries = OperatorPackage.load(post.entries).entries
    known, stranger = (
        Reading(probe_id * 16, "ab" * 32, "gate-1", now(), matches, None, 1, 1.0, 1)
        for probe_id, matches in (("0a", (Match(0, 29_000),)), ("0b", ()))
    )
    oversight, operator = (pyrage.x25519.Identity.generate() for _ in range(2))
    with Journal(journal) as opened:
        opened.alert(post.deployment, [known, stranger], entries, str(oversight.to_public()))
    (path,) = (journal / "site" / "evidence").iterdir()
    (alerted,) = handed_over(journal)
    assert isinstance(alerted, Alerted)
    assert path.name == f"{known.probe_id}.age"
    assert alerted.evidence == hashlib.sha256(path.read_bytes()).hexdigest()
    content = json.loads(pyrage.decrypt(path.read_bytes(), [oversight]))
    assert content["matches"] == [{"reference": entries[0].reference, "score": 29_000}]
    assert content["camera"] == "gate-1"
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(path.read_bytes(), [operator])
    assert entries[0].reference.encode() not in path.read_bytes()


def test_a_profile_that_asks_for_it_needs_somebody_to_seal_to() -> None:
    force = Force("eu-rt-rbi", same_as=FORCE)
    plain = next(each.name for each in force.profile.categories if not each.sensitive)
    listed = a_watchlist(force, by_category={plain: 10})
    manifest = a_manifest(force, listed, force.watchlist(listed))
    trust.check_policy(manifest, force.profile)
    with pytest.raises(PolicyViolation, match="sealed to an oversight body"):
        trust.check_policy(manifest.model_copy(update={"evidence_recipient": None}), force.profile)
