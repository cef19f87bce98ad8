"""A monitor follows a log over a socket, reads every record once, and stops with evidence that anybody can check."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from blindwatch.errors import CosignatureMissing, LogCorrupt, LogForked, LogRolledBack
from blindwatch.oversight.log_source import LogSource
from blindwatch.oversight.monitor.following import Bounds, Monitor, Sight
from blindwatch.oversight.monitor.state import MonitorFolder
from blindwatch.tlog.checkpoints import SignedCheckpoint
from blindwatch.tlog.evidence import Case, Evidence
from blindwatch.tlog.keys import Signer, Use
from blindwatch.tlog.policy import Policy
from blindwatch.wire import cbor

from ..client.running import command, only_error
from ..serving import eventually
from ..tlog.logs import ORIGIN, SIGNER
from .sites import ALONE, WITNESSED, Kept, served, started, views

MINUTE = timedelta(minutes=1)
BOUNDS = Bounds(tolerance=2 * MINUTE, patience=15 * MINUTE)


@dataclass
class Post:
    """A log that is served, and the folder of a monitor of it."""

    folder: Path
    log: Kept
    address: str
    now: datetime

    @property
    def state(self) -> Path:
        return self.folder / "monitor"

    def look(self, policy: str = ALONE, after: timedelta = timedelta()) -> Sight:
        """Look this long after the log was begun."""
        with LogSource(self.address) as source:
            monitor = Monitor(MonitorFolder(self.state), Policy.parse(policy.encode()), source, BOUNDS)
            return monitor.look(self.now + after)

    def run(self, policy: str = ALONE, *words: str, **options: Any) -> int:
        path = self.folder / "log.policy"
        path.write_text(policy)
        given = {"state": self.state, "log_policy": path, "log": self.address, **options}
        return command("oversight", "monitor", "run", "--once", *words, **given)

    def evidence(self) -> list[Evidence]:
        kept = sorted((self.state / "evidence").iterdir())
        return [Evidence.from_json(path.read_bytes()) for path in kept]


@pytest.fixture
def post(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    monkeypatch.setenv("COLUMNS", "200")
    log = Kept.made(tmp_path / "log")
    with served(log.place.site) as address:
        made = Post(tmp_path, log, address, datetime.now(UTC).replace(microsecond=0))
        assert command("oversight", "monitor", "init", state=made.state) == 0
        yield made


def test_every_record_is_read_once_however_often_one_looks(
    post: Post, capsys: pytest.CaptureFixture[str]
) -> None:
    assert post.run() == 0
    post.log.append(started())
    assert post.run() == 0
    for count in (1, 254, 0, 300):
        post.log.append(*views(count))
        assert post.run() == 0
        assert post.run() == 0
    printed = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "started 1 viewed 555" in printed
    assert f"{ORIGIN}: 556 entries" in printed
    assert post.look().state.tally.counts == {"started": 1, "viewed": 555}


def test_what_is_no_record_is_named_by_its_index(post: Post, capsys: pytest.CaptureFixture[str]) -> None:
    future = started().model_dump(by_alias=True, exclude_none=True)
    post.log.append(started(), b"", b"\xa0", cbor.encode({**future, "name": "A. Person"}), *views(2))
    assert post.run() == 1
    assert capsys.readouterr().out.count("is not a record") == 3
    tally = post.look().state.tally
    assert [each.index for each in tally.findings] == [1, 2, 3]
    assert tally.counts == {"started": 1, "viewed": 2}
    # It is not forgotten, whatever comes after it.
    post.log.append(started())
    assert post.run() == 1


@pytest.mark.parametrize(
    ("minutes", "wrong"),
    [
        ((0, 1, 1, 3), []),
        ((0, 5, 3, 4), []),
        ((0, 5, 2), [2]),
        ((0, 5, 2, 5, 1), [2, 4]),
        # One that is dated too late makes none of those after it wrong.
        ((0, 60, 1), [1]),
    ],
)
def test_times_that_go_back_or_ahead(post: Post, minutes: tuple[int, ...], wrong: list[int]) -> None:
    start = post.now.replace(second=0) - 10 * MINUTE
    post.log.append(*(started(start + each * MINUTE) for each in minutes))
    assert [each.index for each in post.look().state.tally.findings] == wrong


def test_findings_are_counted_beyond_those_that_are_kept(post: Post) -> None:
    post.log.append(*[b"x"] * 150)
    tally = post.look().state.tally
    assert (tally.found, len(tally.findings)) == (150, 100)


# Two histories


def stopped(post: Post, error: type[Exception], case: Case) -> Evidence:
    """The monitor stops, again and again, with one piece of evidence that holds wherever it is checked."""
    before = (post.state / "monitor.json").read_bytes()
    for _ in range(2):
        with pytest.raises(error):
            post.look()
    (found,) = post.evidence()
    found.check()
    assert found.case is case
    assert (post.state / "monitor.json").read_bytes() == before
    return found


def test_another_tree_of_the_same_size(post: Post) -> None:
    copy = post.log.copy()
    post.log.append(started())
    post.look()
    post.log.put_back(copy)
    post.log.append(*views(1))
    stopped(post, LogForked, Case.SPLIT_VIEW)


@pytest.mark.parametrize("more", [2, 300])
def test_a_larger_tree_that_begins_otherwise_is_proven_to(post: Post, more: int) -> None:
    """The log went back and on again between two looks: what is kept proves it without the log's help."""
    post.log.append(started())
    copy = post.log.copy()
    post.log.append(*views(1))
    post.look()
    post.log.put_back(copy)
    post.log.append(started(), *views(more))
    found = stopped(post, LogForked, Case.REWRITTEN)
    assert Evidence.from_json(found.to_json()) == found
    for changed in (None, b"\x01" * 32, found.cosigned.checkpoint.root):
        other = Evidence(found.log, found.cosigned, found.offered, found.proof, changed)
        if changed is None:
            other.check()
            assert other.case is Case.UNPROVEN
        else:
            with pytest.raises(Exception, match="does not show"):
                other.check()


@pytest.mark.parametrize("size", [0, 1, 3])
def test_a_log_that_went_back(post: Post, size: int, capsys: pytest.CaptureFixture[str]) -> None:
    post.log.append(*views(size))
    copy = post.log.copy()
    post.log.append(started(), *views(256))
    post.look()
    post.log.put_back(copy)
    found = stopped(post, LogRolledBack, Case.BEHIND)
    assert (found.cosigned.checkpoint.size, found.offered.checkpoint.size) == (257 + size, size)
    capsys.readouterr()
    assert post.run() == 1
    printed = capsys.readouterr().err
    assert "gone back" in printed
    assert "The evidence is in" in printed


def test_an_older_checkpoint_of_the_same_history_is_passed_over(post: Post) -> None:
    """A cache may serve one for a while, and so may a server that waits for witnesses."""
    older = post.log.append(started())
    newer = post.log.append(*views(2))
    post.look()
    (post.log.place.site / "checkpoint").write_bytes(older.to_bytes())
    assert post.look().signed.checkpoint == newer.checkpoint
    assert post.evidence() == []


def test_entries_and_tiles_that_are_not_what_was_signed(post: Post) -> None:
    post.log.append(*views(3))
    bundle = post.log.place.site / "tile/entries/000.p/3"
    bundle.write_bytes(bundle.read_bytes().replace(b"gate-4", b"gate-5"))
    with pytest.raises(LogCorrupt):
        post.look()
    assert MonitorFolder(post.state).load(SIGNER.verifier).seen is None


def test_it_goes_on_looking_until_the_log_contradicts_itself(post: Post) -> None:
    post.log.append(started())
    (post.folder / "log.policy").write_text(ALONE)
    options = (
        f"--state={post.state}",
        f"--log-policy={post.folder / 'log.policy'}",
        f"--log={post.address}",
        "--every=0.1",
    )
    program = (sys.executable, "-m", "blindwatch.cli.main", "oversight", "monitor", "run", *options)
    kept = post.state / "monitor.json"
    with subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as running:
        try:
            eventually(lambda: '"started": 1' in kept.read_text(), 30)
            post.log.append(*views(2))
            eventually(lambda: '"viewed": 2' in kept.read_text(), 30)
            other = Kept.made(post.folder / "other")
            other.append(*views(3))
            site = post.log.place.site
            site.rename(post.folder / "true-site")
            other.place.site.rename(site)
            assert running.wait(30) == 1
            assert running.stderr is not None
            said = running.stderr.read()
        finally:
            running.kill()
    assert "Traceback" not in said
    # Between two names of a folder there is none, which is no contradiction but ends it as well.
    assert "two histories" in said or "no file" in said


# Witnesses


def test_a_log_without_its_witnesses_is_given_some_time(post: Post) -> None:
    post.log.append(started())
    sight = post.look(WITNESSED)
    assert (sight.missing, sight.state.uncosigned_since is not None) == (("inspectorate",), True)
    # Appending more does not start the time anew, and one cosignature ends it.
    post.log.append(started())
    assert post.look(WITNESSED, 15 * MINUTE).missing
    with pytest.raises(CosignatureMissing):
        post.look(WITNESSED, 16 * MINUTE)
    post.log.cosign()
    assert not post.look(WITNESSED, 16 * MINUTE).missing
    post.log.append(started())
    assert post.look(WITNESSED, 17 * MINUTE).missing


def test_a_cosignature_of_somebody_else_does_not_count(
    post: Post, capsys: pytest.CaptureFixture[str]
) -> None:
    post.log.append(started())
    post.log.cosign(Signer.generate("inspectorate.example.org/w1", Use.WITNESS))
    assert post.look(WITNESSED).missing == ("inspectorate",)
    post.log.append(started())
    post.log.cosign()
    assert post.run(WITNESSED) == 0
    assert "Cosigned by inspectorate at 20" in capsys.readouterr().out


# What it is given


def test_a_folder_is_made_once_and_follows_one_log(post: Post, capsys: pytest.CaptureFixture[str]) -> None:
    post.log.append(started())
    assert post.run() == 0
    other = f"log {Signer.generate(ORIGIN, Use.LOG).verifier}\nquorum none\n"
    two = other + f"log {Signer.generate('other.example.org', Use.LOG).verifier}\n"
    for policy, options, why in (
        (other, {}, "another log"),
        (two, {}, "does not name one log"),
        (ALONE, {"log": None}, "Give its address"),
        (ALONE, {"log": "http://127.0.0.1:9"}, "cannot be reached"),
        (ALONE, {"log": f"{post.address}/elsewhere"}, "no file checkpoint"),
        (ALONE, {"state": post.folder}, "not that of a monitor"),
    ):
        capsys.readouterr()
        assert post.run(policy, **options) == 1
        printed = capsys.readouterr().err
        assert why in printed
    assert command("oversight", "monitor", "init", state=post.state) == 1
    assert "not empty" in only_error(capsys.readouterr().err)


def test_a_state_that_was_cut_short_is_not_begun_anew(post: Post, capsys: pytest.CaptureFixture[str]) -> None:
    post.log.append(started())
    post.look()
    file = post.state / "monitor.json"
    whole = file.read_text()
    for damaged in (whole[:-9], json.dumps({**json.loads(whole), "seen": "x"})):
        file.write_text(damaged)
        with pytest.raises(LogCorrupt):
            post.look()
    file.write_text(whole)
    assert post.look().signed == SignedCheckpoint.parse(json.loads(whole)["seen"].encode())
