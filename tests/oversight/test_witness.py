"""A witness on a real socket: what it cosigns, what it answers otherwise, and what it keeps, through kill -9."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from blindwatch.tlog.checkpoints import Checkpoint, SignedCheckpoint
from blindwatch.tlog.evidence import Case
from blindwatch.tlog.keys import Signer, Use
from blindwatch.tlog.log import Log
from blindwatch.tlog.submissions import Submission
from blindwatch.wire import limits

from ..certificates import Authority
from ..client.running import command, only_error
from ..tlog.logs import ORIGIN, SIGNER, Place, naive_proof, numbered
from .witnesses import NAME, Witnessing, signed_tree

SIZE = "text/x.tlog.size"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def witness(tmp_path: Path, stack: ExitStack) -> Witnessing:
    return Witnessing(tmp_path, stack)


@pytest.fixture
def log(tmp_path: Path, stack: ExitStack) -> Log:
    return stack.enter_context(Place.made(tmp_path / "log").open())


def grown(witness: Witnessing, log: Log, count: int = 5) -> SignedCheckpoint:
    """A log with entries whose checkpoint is cosigned."""
    old = log.checkpoint.checkpoint.size
    log.append(numbered(count, old))
    witness.cosigned(witness.ask_for(log, old), log.checkpoint)
    return log.checkpoint


def shown(capsys: pytest.CaptureFixture[str], witness: Witnessing) -> str:
    capsys.readouterr()
    assert command("oversight", "witness", "show", folder=witness.place) == 0
    return " ".join(capsys.readouterr().out.replace("│", " ").split())


@pytest.fixture(autouse=True)
def _wide_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "250")


def test_a_log_that_grows_is_cosigned(
    witness: Witnessing, log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    before = int(time.time())
    # Empty, then step by step over the edges of tiles, and the same once more.
    sizes = [0, 1, 2, 255, 256, 257, 257, 600]
    for old, new in zip([0, *sizes], sizes, strict=False):
        log.append(numbered(new - old, old))
        response = witness.ask_for(log, old)
        assert before <= witness.cosigned(response, log.checkpoint) <= time.time()
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    said = shown(capsys, witness)
    assert f"600 entries, {log.checkpoint.checkpoint.root.hex()[:16]}" in said
    assert "Nothing speaks against any log." in said
    assert str(witness.key) in said


# What is refused, as the specification has it


def test_another_tree_of_the_same_size(
    witness: Witnessing, log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    cosigned, other = grown(witness, log), signed_tree(5, first=100)
    response = witness.ask(5, [], other)
    assert (response.status_code, response.headers["Content-Type"], response.text) == (409, SIZE, "5\n")
    (found,) = witness.evidence()
    found.check()
    assert (found.case, found.offered) == (Case.SPLIT_VIEW, other)
    assert found.cosigned.checkpoint == cosigned.checkpoint
    assert "Split view" in shown(capsys, witness)
    # It still cosigns the history that it has seen.
    grown(witness, log)


@pytest.mark.parametrize("old_size", [0, 3, 5])
def test_a_smaller_tree_that_was_never_seen(witness: Witnessing, log: Log, old_size: int) -> None:
    grown(witness, log)
    response = witness.ask(old_size, [], signed_tree(3, first=100))
    if old_size > 3:
        assert response.status_code == 400
    else:
        assert (response.status_code, response.headers["Content-Type"], response.text) == (409, SIZE, "5\n")
    (found,) = witness.evidence()
    found.check()
    assert found.case is Case.BEHIND


def test_one_that_it_has_cosigned_before_speaks_against_nobody(witness: Witnessing, log: Log) -> None:
    first = grown(witness, log)
    grown(witness, log)
    assert witness.ask(5, [], first).text == "10\n"
    assert witness.evidence() == []


@pytest.mark.parametrize("proof", [[], [b"\x01" * 32], naive_proof(4, numbered(9))])
def test_a_proof_that_does_not_hold(witness: Witnessing, log: Log, proof: list[bytes]) -> None:
    grown(witness, log)
    response = witness.ask(5, proof, signed_tree(9))
    assert response.status_code == 422
    (found,) = witness.evidence()
    found.check()
    assert found.case is Case.UNPROVEN
    assert witness.ask(5, naive_proof(5, numbered(9)), signed_tree(9)).status_code == 200


def test_an_old_size_that_is_not_the_witness_s(witness: Witnessing, log: Log) -> None:
    grown(witness, log)
    log.append(numbered(4, 5))
    for old in (0, 4, 6, 9):
        response = witness.ask_for(log, old)
        assert (response.status_code, response.headers["Content-Type"], response.text) == (409, SIZE, "5\n")
    assert witness.ask(10, [], log.checkpoint).status_code == 400
    assert witness.evidence() == []


def test_a_proof_from_the_empty_log_is_empty(witness: Witnessing) -> None:
    assert witness.ask(0, [b"\x01" * 32], signed_tree(2)).status_code == 422
    assert witness.ask(0, [], Checkpoint(ORIGIN, 0, b"\x01" * 32).signed_by(SIGNER)).status_code == 422


STRANGER = Signer.generate("elsewhere.example.org/log", Use.LOG)
IMPOSTOR = Signer.generate(ORIGIN, Use.LOG)
FOREIGN = Checkpoint("elsewhere.example.org/log", 1, b"\x02" * 32).signed_by(STRANGER)
WHOLE = Submission(0, (), signed_tree(2)).to_bytes()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(Submission(0, (), FOREIGN).to_bytes(), 404, id="unknown log"),
        pytest.param(Submission(0, (), signed_tree(2, signer=IMPOSTOR)).to_bytes(), 403, id="unknown key"),
        pytest.param(WHOLE.replace(b"\n2\n", b"\n3\n"), 403, id="changed"),
        pytest.param(b"", 400, id="empty"),
        pytest.param(b"old 0\n\n", 400, id="no note"),
        pytest.param(WHOLE.replace(b"old 0", b"old 00"), 400, id="two spellings"),
        pytest.param(WHOLE.replace(b"old 0\n", b"old 0\nAAAA\n"), 400, id="short hash"),
        pytest.param(b"old 0\n" + b"A" * 43 + b"=\n" * 64 + WHOLE[6:], 400, id="too many hashes"),
        pytest.param(WHOLE + b"." * limits.LOG_PROOF, 413, id="too large"),
    ],
)
def test_what_is_not_a_submission(witness: Witnessing, body: bytes, status: int) -> None:
    response = witness.post(body)
    assert response.status_code == status
    assert response.text.endswith(".\n")
    assert response.text.count("\n") == 1
    assert f"refused with {status}" in witness.said
    assert "Traceback" not in witness.said
    assert witness.ask(0, [], signed_tree(2)).status_code == 200


def test_other_paths_and_methods(witness: Witnessing) -> None:
    with httpx.Client(base_url=witness.address) as client:
        assert client.get("/add-checkpoint").status_code == 405
        assert client.post("/other", content=WHOLE).status_code == 404
        assert client.post("/add-checkpoint/", content=WHOLE, follow_redirects=False).status_code != 200


# Two at a time, and kill -9


def test_two_at_a_time_never_take_the_log_back(witness: Witnessing) -> None:
    """Both start from what the witness has, with trees of different sizes: only one of them goes on from there."""
    entries, size = numbered(60), 0
    for _ in range(15):
        answers: dict[int, httpx.Response] = {}

        def ask(new: int, old: int = size, into: dict[int, httpx.Response] = answers) -> None:
            proof = naive_proof(old, entries[:new]) if old else []
            into[new] = witness.ask(old, proof, signed_tree(new))

        threads = [threading.Thread(target=ask, args=(size + step,)) for step in (1, 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        taken = [new for new, response in answers.items() if response.status_code == 200]
        (refused,) = [response for response in answers.values() if response.status_code != 200]
        (size,) = taken
        assert (refused.status_code, refused.text) == (409, f"{size}\n")
    # The smaller one may have come too late, which is kept and proves nothing by itself.
    assert {each.case for each in witness.evidence()} <= {Case.BEHIND}


def test_what_was_cosigned_is_remembered_through_kill_9(witness: Witnessing, log: Log) -> None:
    grown(witness, log)
    for _ in range(3):
        witness.kill()
        witness.start()
        # A server that used the moment to show another past is caught all the same.
        size = log.checkpoint.checkpoint.size
        assert witness.ask(size, [], signed_tree(size, first=100)).status_code == 409
        grown(witness, log)
    assert [each.case for each in witness.evidence()] == [Case.SPLIT_VIEW] * 3


def test_killed_at_any_moment_it_has_all_that_it_answered(witness: Witnessing) -> None:
    entries, cosigned = numbered(400), 0
    for round_ in range(6):
        last, answered = [cosigned], threading.Event()

        def submit(last: list[int] = last, answered: threading.Event = answered) -> None:
            try:
                while last[0] < 390:
                    old = last[0]
                    proof = naive_proof(old, entries[: old + 1]) if old else []
                    response = witness.ask(old, proof, signed_tree(old + 1))
                    last[0] = int(response.text) if response.status_code == 409 else old + 1
                    answered.set()
            except httpx.TransportError:
                return

        thread = threading.Thread(target=submit)
        thread.start()
        assert answered.wait(20)
        time.sleep(0.05 + 0.03 * round_)
        witness.kill()
        thread.join(20)
        witness.start()
        response = witness.ask(0, [], signed_tree(395)) if last[0] else None
        if response is not None:
            assert response.status_code == 409
            assert last[0] <= int(response.text) <= last[0] + 1
            cosigned = int(response.text)
    assert cosigned > 5
    assert witness.evidence() == []


# The folder, and TLS


def test_a_folder_is_made_once_and_open_in_one_process(
    witness: Witnessing, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    for words, options, why in (
        (("init",), {"folder": witness.place, "name": NAME}, "not empty"),
        (("run",), {"folder": witness.place, "port": 0}, "Another process"),
        (("add-log",), {"folder": witness.place, "log_key": witness.folder / "log.vkey"}, "Another process"),
        (("run",), {"folder": witness.folder / "nothing", "port": 0}, "not that of a witness"),
        (("show",), {"folder": witness.folder}, "not that of a witness"),
        (("init",), {"folder": witness.folder / "new", "name": "two words"}, "name"),
    ):
        assert command("oversight", "witness", *words, **options) == 1
        assert why in only_error(capsys.readouterr().err)
    witness.kill()
    assert (
        command("oversight", "witness", "add-log", folder=witness.place, log_key=witness.folder / "log.vkey")
        == 1
    )
    assert "of this name already" in only_error(capsys.readouterr().err)


def test_a_state_that_is_damaged_is_not_the_log_s_fault(witness: Witnessing, log: Log) -> None:
    grown(witness, log)
    (record,) = (witness.place / "state" / "logs").iterdir()
    record.write_text(record.read_text()[:-20])
    log.append([b"more"])
    response = witness.ask_for(log, 5)
    assert (response.status_code, response.text) == (500, "The state of the witness is damaged.\n")


def test_over_tls(tmp_path: Path, stack: ExitStack, log: Log) -> None:
    authority = Authority.make(tmp_path, "ca")
    certificate, key = authority.issue("witness")
    options = (f"--certificate={certificate}", f"--certificate-key={key}")
    trusted = ssl.create_default_context(cafile=authority.certificate)
    witness = Witnessing(tmp_path, stack, options, trusted)
    assert witness.address.startswith("https://")
    grown(witness, log)
    with pytest.raises(httpx.ConnectError):
        httpx.post(f"{witness.address}/add-checkpoint", content=WHOLE)


# Evidence, wherever it goes


def test_evidence_is_checked_by_whoever_is_given_it(
    witness: Witnessing, log: Log, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grown(witness, log)
    witness.ask(5, [], signed_tree(5, first=100))
    (kept,) = (witness.place / "state" / "evidence").glob("*.json")
    policy, other = tmp_path / "log.policy", tmp_path / "other.policy"
    policy.write_text(f"log {SIGNER.verifier}\nquorum none\n")
    other.write_text(f"log {IMPOSTOR.verifier}\nquorum none\n")
    capsys.readouterr()
    assert command("oversight", "evidence", str(kept), log_policy=policy) == 0
    assert "Split view" in capsys.readouterr().out
    assert command("oversight", "evidence", str(kept), log_policy=other) == 1
    assert "another log" in only_error(capsys.readouterr().err)
    forged = tmp_path / "forged.json"
    forged.write_text(kept.read_text().replace("\\n5\\n", "\\n6\\n"))
    assert command("oversight", "evidence", str(forged)) == 1
    assert "not valid" in only_error(capsys.readouterr().err)
