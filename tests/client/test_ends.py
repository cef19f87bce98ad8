"""The end of a deployment by its commands: what is left, who may, and that no interruption prevents it."""

from __future__ import annotations

import base64
import io
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from blindwatch.custodian.uploading import Upload
from blindwatch.operator.journal import Journal
from blindwatch.records.operator import Alerted, RetentionExecuted
from blindwatch.records.record import minute
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.package import OperatorPackage

from ..integrations.receivers import Receiver, receiving
from ..people import CREATOR
from ..serving import FORCE, ServerProcess
from .approved import approve
from .conftest import Scene
from .ends import Desk, desk, kill_at_every_step
from .photographs import PEOPLE
from .running import NOOP, SIMILARITY, command, only_error

OWN, SERVERS, OPERATORS = (f"receipt-{of}.dsse.json" for of in (f"of-{CREATOR}", "server", "of-e.novak"))
KEPT = {"closing.dsse.json", "membership.json", "membership.key", OWN}


@pytest.fixture
def end(scene: Scene, server: ServerProcess, tmp_path: Path) -> Desk:
    folder = tmp_path / "desk"
    folder.mkdir()
    return desk(scene, server, folder)


def held(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def was_listed(end: Desk, nominal: str) -> int:
    files = {"membership": end.receipts / "membership.json", "key": end.receipts / "membership.key"}
    return command("custodian", "was-listed", nominal=nominal, **files)


def test_of_a_closed_deployment_receipts_and_commitments_are_left(
    end: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert end.close() == 0
    assert "membership.key" in capsys.readouterr().out
    assert end.left() == {"operator-keys", "operator.json", "matches.json"}
    assert held(end.receipts) == KEPT | {SERVERS}
    assert not (end.server.store / "blobs" / end.deployment).exists()
    page, register = end.folder / "page.html", end.folder / "register.toml"
    assert command("deployment", "receipts", str(end.receipts), register=register, page=page) == 0
    assert page.stat().st_mode & 0o777 == 0o600
    assert "No receipt here: operator." in page.read_text()
    shown = capsys.readouterr().out
    assert all(each in shown for each in (CREATOR, "server-1", "secret-key", "photographs", end.deployment))


def test_receipts_count_every_file_once(end: Desk) -> None:
    folders = {name: list((end.folder / name).rglob("*")) for name in ("keys", "watchlist", "list")}
    files = {name: [path for path in found if path.is_file()] for name, found in folders.items()}
    sizes = {name: sum(path.stat().st_size for path in found) for name, found in files.items()}
    assert end.close() == 0
    receipt, closing = end.receipt(OWN), Envelope.from_json((end.receipts / "closing.dsse.json").read_bytes())
    assert receipt.closing_digest == closing.digest == end.receipt(SERVERS).closing_digest
    counted = {each.what: (each.count, each.size) for each in receipt.destroyed}
    assert next(iter(counted)) == "secret-key"
    assert counted["secret-key"][0] == 1
    assert counted["keys"][0] + 1 == len(files["keys"])
    assert counted["keys"][1] + counted["secret-key"][1] == sizes["keys"]
    assert counted["watchlist"] == (len(files["watchlist"]), sizes["watchlist"])
    assert counted["photographs"] == (len(PEOPLE), sizes["list"])


def test_nothing_that_is_left_tells_who_was_listed(end: Desk) -> None:
    package = OperatorPackage.load(end.folder / "watchlist" / "operator.json")
    digests = [path.name for path in (end.folder / "watchlist" / "blobs").iterdir()]
    needles = [*digests, *PEOPLE, *(entry.reference for entry in package.entries), package.key_id]
    before = b"".join(path.read_bytes() for path in (end.folder / "watchlist").rglob("*.json"))
    assert all(needle.encode() in before for needle in [*PEOPLE, package.key_id])
    assert (end.close(), end.forget()) == (0, 0)
    left = b"".join(path.read_bytes() for path in end.receipts.iterdir())
    payloads = [Envelope.from_json(path.read_bytes()).payload for path in end.receipts.glob("*.dsse.json")]
    assert not [needle for needle in needles if needle.encode() in b"".join([left, *payloads])]


def test_whether_somebody_was_listed_is_told_after_the_end(
    end: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert end.close() == 0
    capsys.readouterr()
    assert was_listed(end, PEOPLE[0]) == 0
    assert "yes" in capsys.readouterr().out
    assert was_listed(end, "Somebody else") == 0
    assert "no" in capsys.readouterr().out
    (end.receipts / "membership.key").write_bytes(bytes(32))
    assert was_listed(end, PEOPLE[0]) == 1
    assert "key" in only_error(capsys.readouterr().err)


def test_photographs_stay_unless_they_are_named_and_serve_for_new_keys(end: Desk) -> None:
    assert end.close(photographs=None) == 0
    assert "list" in end.left()
    again = end.folder / "again"
    shares = end.folder / "shares"
    assert command("custodian", "ceremony", profile="demo", preset=NOOP, out=again, share_files=shares) == 0
    enrolled = command(
        *("custodian", "enrol"),
        keys=again,
        faces=end.folder / "list",
        watchlist=end.folder / "renewed",
        threshold=SIMILARITY,
        deployment="renewed",
        profile="demo",
        identity=end.folder / f"{CREATOR}.pem",
        register=end.folder / "register.toml",
    )
    assert enrolled == 0
    assert len(OperatorPackage.load(end.folder / "renewed" / "operator.json").entries) == len(PEOPLE)


def test_the_key_is_destroyed_although_the_server_is_out_of_reach(
    end: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
    assert end.close(server=nobody) == 1
    printed = capsys.readouterr()
    assert "nothing can be opened any more" in printed.out
    assert "server still has its copies" in " ".join(printed.out.split())
    only_error(printed.err)
    assert held(end.receipts) == KEPT
    assert not end.left() & {"keys", "watchlist", "list"}
    own = (end.receipts / OWN).read_bytes()
    assert (end.server.store / "blobs" / end.deployment).exists()
    assert end.close() == 0
    assert held(end.receipts) == KEPT | {SERVERS}
    assert (end.receipts / OWN).read_bytes() == own
    assert not (end.server.store / "blobs" / end.deployment).exists()


def test_a_server_that_knows_nothing_of_it_gives_no_receipt(
    end: Desk, capsys: pytest.CaptureFixture[str], start: Callable[..., ServerProcess]
) -> None:
    assert end.close(server=start().address) == 0
    assert "gives no receipt" in capsys.readouterr().out
    assert held(end.receipts) == KEPT


def test_an_operator_may_not_close(end: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    before = end.left()
    assert end.close(identity=end.folder / "e.novak.pem") == 1
    assert "custodian" in only_error(capsys.readouterr().err)
    assert end.left() == before
    assert not end.receipts.exists()


def test_closing_is_asked_for(end: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    before = end.left()
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert command("deployment", "close", **end.closing()) != 0
    assert end.left() == before


def test_what_belongs_to_another_deployment_stays(
    end: Desk, scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, other = end.left(), tmp_path / "other"
    assert (
        command("custodian", "ceremony", profile="demo", preset=NOOP, out=other, share_files=tmp_path / "s")
        == 0
    )
    capsys.readouterr()
    for changes in ({"keys": other}, {"watchlist": scene.watchlist}):
        assert end.close(**changes) == 1
        assert "manifest" in only_error(capsys.readouterr().err)
    assert end.left() == before
    assert (scene.watchlist / "operator.json").exists()
    assert (other / "secret.key.age").exists()


def test_a_version_that_is_no_longer_in_force_closes_nothing(
    end: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    before, old = end.left(), end.folder / "old.dsse.json"
    newer = end.folder / f"{end.deployment}.dsse.json"
    old.write_bytes(newer.read_bytes())
    approve(end.folder / "keys", end.folder / "watchlist", end.deployment, version=2, change_reason="Rain")
    custodian = end.server.client("custodian")
    offer = Upload(custodian, newer, end.folder / "keys", end.folder / "watchlist")
    for _ in offer.send():
        pass
    assert end.close(manifest=old) == 1
    assert "another version" in only_error(capsys.readouterr().err)
    assert end.left() == before
    assert end.close() == 0


def test_what_is_needed_afterwards_is_not_destroyed(end: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    before = end.left()
    for changes in ({"photographs": end.folder}, {"receipts": end.folder / "watchlist" / "receipts"}):
        assert end.close(**changes) == 1
        assert "needed or kept" in only_error(capsys.readouterr().err)
    assert end.close(photographs=end.folder / "nowhere") == 1
    assert end.left() == before


def test_an_end_that_was_begun_goes_on_with_the_same_things_only(
    end: Desk, scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    part = json.dumps(
        {"manifestDigest": "00" * 32, "things": [{"what": "a", "path": "/", "count": 1, "size": 1}]}
    )
    end.receipts.mkdir()
    (end.receipts / f"journal-of-{CREATOR}.json").write_text(part)
    before = end.left()
    assert end.close() == 1
    assert "other folders" in only_error(capsys.readouterr().err)
    assert end.left() == before


def test_a_receipt_that_was_changed_or_is_of_nobody_does_not_hold(
    end: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert end.close() == 0
    path, register = end.receipts / OWN, end.folder / "register.toml"
    whole = Envelope.from_json(path.read_bytes())
    for payload, signers in (
        (whole.payload.replace(b'"count":1,', b'"count":2,'), ()),
        (whole.payload, ("b.osei",)),
        (whole.payload.replace(CREATOR.encode(), b"d.silva"), ("d.silva",)),
    ):
        path.write_bytes(
            FORCE.sign(Envelope(payload, whole.signatures if not signers else ()), *signers).to_json()
        )
        capsys.readouterr()
        assert command("deployment", "receipts", str(end.receipts), register=register) == 1
        assert "not signed by whom it names" in only_error(capsys.readouterr().err)


def test_receipts_of_two_deployments_do_not_stand_together(
    end: Desk, scene: Scene, server: ServerProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "another").mkdir()
    another = desk(scene, server, tmp_path / "another")
    assert (end.close(), another.close()) == (0, 0)
    (end.receipts / SERVERS).write_bytes((another.receipts / SERVERS).read_bytes())
    capsys.readouterr()
    assert command("deployment", "receipts", str(end.receipts), register=end.folder / "register.toml") == 1
    assert "several" in only_error(capsys.readouterr().err)
    assert end.close() == 1
    assert "another deployment" in only_error(capsys.readouterr().err)


def test_an_operator_forgets_what_it_has_and_signs_that(
    end: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert end.close() == 0
    assert end.forget() == 0
    assert end.left() == set()
    assert held(end.receipts) == KEPT | {SERVERS, OPERATORS}
    assert {each.what for each in end.receipt(OPERATORS).destroyed} == {
        *("secret-key", "keys", "operator-package", "other")
    }
    assert end.forget() == 0  # once more changes nothing
    capsys.readouterr()
    assert command("deployment", "receipts", str(end.receipts), register=end.folder / "register.toml") == 0
    assert "e.novak" in capsys.readouterr().out


def test_others_are_told_once_that_an_operators_copies_are_gone(end: Desk, tmp_path: Path) -> None:
    assert end.close() == 0
    with receiving() as receiver:
        settings = integrations(tmp_path, receiver.address)
        assert end.forget(integrations=settings) == 1  # nobody knows yet where the match server is
        assert end.left()
        told = {"integrations": settings, "server": end.server.address}
        assert (end.forget(**told), end.forget(**told)) == (0, 0)
    (event,) = events(receiver)
    assert event["type"] == "deployment.purged"
    assert event["data"] == {"deployment": end.deployment, "at": "operator"}


def test_others_are_told_of_each_alert_that_they_know_of_and_were_not_told_the_end_of(
    end: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that somebody was sent for, one that others were told of by the clock, one that nobody was sent for."""
    assert end.close() == 0
    open_, told_of, rejected = ("ab" * 16, "cd" * 16, "ef" * 16)
    Journal.create(tmp_path / "journal", "e.novak.test/journal")
    with Journal(tmp_path / "journal") as journal:
        for alert in (open_, told_of, rejected):
            journal._append([alerted(end, alert, journal.commit(alert, ["K3QZ7A2M"]))])
            if alert != rejected:
                journal.adjudicate(alert, "sent", "e.novak", None)
            journal.adjudicate(alert, "rejected", "e.novak", "different-person")
        journal.note(RetentionExecuted(at=minute(), deployment=end.deployment, alert=told_of))
        reference = journal.reference(open_)
    with receiving() as receiver:
        told: dict[str, object] = {
            "integrations": integrations(tmp_path, receiver.address),
            "server": end.server.address,
            "journal": tmp_path / "journal",
            "also": [end.folder / "matches.json", tmp_path / "journal"],
        }
        assert (end.forget(**told), end.forget(**told)) == (0, 0)
    assert [each["type"] for each in events(receiver)] == ["retention.executed", "deployment.purged"]
    assert events(receiver)[0]["data"] == {
        "deployment": end.deployment,
        "alert": reference,
        "deleted": "copies",
        "clock": "end",
    }
    assert not (tmp_path / "journal").exists()


def test_a_journal_that_cannot_be_read_any_more_keeps_nothing_from_going(
    end: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert end.close() == 0
    Journal.create(tmp_path / "journal", "e.novak.test/journal")
    with Journal(tmp_path / "journal") as journal:
        journal._append([alerted(end, "ab" * 16, "ef" * 32)])  # without a salt
        journal.adjudicate("ab" * 16, "sent", "e.novak", None)
        journal.adjudicate("ab" * 16, "lost", "e.novak", "not-found")
    with receiving() as receiver:
        settings = integrations(tmp_path, receiver.address)
        told = {"integrations": settings, "server": end.server.address, "journal": tmp_path / "journal"}
        assert end.forget(**told) == 0
    assert "nobody is told of single alerts" in " ".join(capsys.readouterr().err.split())
    assert [each["type"] for each in events(receiver)] == ["deployment.purged"]
    assert end.left() == set()


def integrations(folder: Path, address: str) -> Path:
    """A file that names one receiver of webhooks."""
    (folder / "secret").write_text("whsec_" + base64.b64encode(bytes(32)).decode())
    settings = folder / "integrations.toml"
    settings.write_text(
        f'dead_letters = "{folder / "dead"}"\n[[webhook]]\nurl = "{address}"\n'
        f'secret_file = "{folder / "secret"}"\n'
    )
    return settings


def events(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(each.body) for each in receiver.posts]


def alerted(end: Desk, alert: str, entry: str) -> Alerted:
    return Alerted(
        at=minute(),
        deployment=end.deployment,
        alert=alert,
        result="cd" * 32,
        camera="gate-1",
        priority="red",
        entry=entry,
        about=("01" * 16,),
    )


def test_an_operator_does_not_leave_the_faces_of_the_list(
    end: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert end.close() == 0
    faces = end.folder / "candidates.cbor"
    faces.write_bytes(b"faces, encrypted")
    assert end.forget() == 1
    assert "faces" in only_error(capsys.readouterr().err)
    assert faces.exists()
    assert end.forget(also=[end.folder / "matches.json", faces]) == 0
    assert not faces.exists()


def test_nothing_is_forgotten_while_an_alert_has_no_outcome(
    end: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert end.close() == 0
    Journal.create(tmp_path / "journal", "e.novak.test/journal")
    with Journal(tmp_path / "journal") as journal:
        journal._append([alerted(end, "ab" * 16, "ef" * 32)])
    before = end.left()
    assert end.forget(journal=tmp_path / "journal") == 1
    assert "without an outcome" in only_error(capsys.readouterr().err)
    assert end.left() == before
    with Journal(tmp_path / "journal") as journal:
        journal.adjudicate("ab" * 16, "lost", "e.novak", "not-found")
    assert end.forget(journal=tmp_path / "journal") == 0


def test_an_operator_forgets_at_the_signed_end_of_its_own_deployment_only(
    end: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert end.close() == 0
    before = end.left()
    signed = Envelope.from_json((end.receipts / "closing.dsse.json").read_bytes())
    false = tmp_path / "closing.dsse.json"
    for names in ((), ("e.novak",)):
        false.write_bytes(FORCE.sign(Envelope(signed.payload), *names).to_json())
        capsys.readouterr()
        assert end.forget(closing=false) == 1
        assert "signature" in only_error(capsys.readouterr().err)
    assert end.forget(identity=end.folder / f"{CREATOR}.pem") == 1
    (end.folder / "operator-keys" / "keys.json").write_text('{"preset": "x", "keyId": "y"}')
    assert end.forget() == 1
    assert end.left() == before


def without_most_blobs(end: Desk) -> None:
    """Every file that is deleted is a step; a few show as much as many."""
    for path in sorted((end.folder / "watchlist" / "blobs").iterdir())[2:]:
        path.unlink()
    (end.folder / "watchlist" / ".left.part").write_bytes(b"of a build that was killed")
    beside = end.folder / ".watchlist.1234.part"
    beside.mkdir()
    (beside / "blob").write_bytes(b"of a build that was killed")


def test_killed_at_any_step_a_closing_ends_destroyed(end: Desk) -> None:
    without_most_blobs(end)
    runs = kill_at_every_step(end.folder, ("deployment", "close", "--yes"), end.closing())
    whole = set(runs[0]["killed"])
    assert len(runs) > 25
    assert [run["first"] for run in runs] == [-9] * (len(runs) - 1) + [0]
    for run in runs:
        found, left = set(run["killed"]), set(run["end"])
        begun = {"receipts/closing.dsse.json", "receipts/membership.json", "receipts/membership.key"} <= found
        assert begun or whole <= found, "something went before it was noted"
        assert "keys/secret.key.age" not in found or whole <= found, "something went before the key"
        assert run["code"] == 0
        assert {name for name in left if name.startswith("receipts/")} == {
            f"receipts/{name}" for name in KEPT | {SERVERS}
        }
        assert not [name for name in left if name.startswith(("keys/", "watchlist/", "list/", "."))]


def test_killed_at_any_step_an_operator_ends_without_copies(end: Desk) -> None:
    assert end.close() == 0
    runs = kill_at_every_step(end.folder, ("operator", "forget", "--yes"), end.forgetting())
    assert [run["first"] for run in runs] == [-9] * (len(runs) - 1) + [0]
    assert len(runs) > 10
    for run in runs:
        assert run["code"] == 0
        assert not [name for name in run["end"] if name.startswith(("operator", "matches"))]
        assert f"receipts/{OPERATORS}" in run["end"]
        assert not [name for name in run["end"] if "journal" in name]
