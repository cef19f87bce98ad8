"""Results are drawn for replay by signatures: what is drawn, that a server has kept just that, and never twice."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from blindwatch.errors import (
    BlindwatchError,
    CosignatureMissing,
    LogForked,
    ServerUnavailable,
    UntrustedCheckpoint,
)
from blindwatch.oversight.challenge.challenging import Challenger
from blindwatch.oversight.challenge.drawing import Drawable, Rules, end_of, judged
from blindwatch.oversight.challenge.state import ChallengeFolder, Outcome
from blindwatch.oversight.log_source import LogSource
from blindwatch.records import replaying
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Challenge, Closing
from blindwatch.tlog.keys import Signer, Use
from blindwatch.tlog.log import Log
from blindwatch.tlog.policy import Policy
from blindwatch.tlog.reading import LogView, read_checkpoint
from blindwatch.wire.client import ServerClient
from blindwatch.wire.messages import now

from ..client.forwarding import forwarding
from ..client.running import command, named, only_error
from ..serving import FORCE, TOKENS, ServerProcess, Trial, eventually
from .sites import WITNESS

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
ROOT = "ab" * 32
HALF = Rules(0.5, timedelta(minutes=10))
OVERSIGHT = "o.ngo"


# The rule


def results(count: int, at: datetime = NOW) -> list[Drawable]:
    return [
        Drawable(index, f"{index:032x}", at, bytes([index % 256, index // 256]) * 16)
        for index in range(count)
    ]


def judge(found: list[Drawable], kept: list[str], at: datetime = NOW, rules: Rules = HALF) -> Outcome:
    challenge = Challenge(deployment="gate-4", origin="a", first=0, end=1000, root=ROOT)
    return judged(challenge, b"seed", found, kept, rules, at)


def drawn_of(found: list[Drawable]) -> list[str]:
    return [each.probe_id for each in found if replaying.draws(b"seed", each.leaf, 0.5)]


def test_a_server_keeps_exactly_what_was_drawn() -> None:
    found = results(400)
    drawn = drawn_of(found)
    assert 150 < len(drawn) < 250
    outcome = judge(found, drawn)
    assert outcome.holds
    assert (outcome.results, list(outcome.kept), outcome.late) == (400, drawn, ())
    without = judge(found, drawn[1:])
    assert (without.holds, without.missing, without.late) == (False, (drawn[0],), ())
    other = next(each.probe_id for each in found if each.probe_id not in drawn)
    assert judge(found, [*drawn, other]).extra == (other,)
    assert not judge(found, [*drawn, "ff" * 16]).holds


@pytest.mark.parametrize(("minutes", "late"), [(0, False), (8.9, False), (9, True), (60, True)])
def test_what_is_drawn_too_late_is_not_held_against_the_server(minutes: float, late: bool) -> None:
    """The profile has it kept for ten minutes, and a minute is for clocks that differ."""
    found = results(100)
    outcome = judge(found, [], NOW + timedelta(minutes=minutes))
    assert bool(outcome.late) == late
    assert outcome.holds == late
    assert list(outcome.late or outcome.missing) == drawn_of(found)


@pytest.mark.parametrize(
    ("count", "size", "rate", "end"),
    [(10, 20, 0.1, 20), (10, 300_000, 0.1, 100_000), (501, 600, 1.0, 500), (5001, 6000, 0.1, 5000)],
)
def test_no_challenge_draws_too_many(count: int, size: int, rate: float, end: int) -> None:
    assert end_of(results(count), 0, size, rate) == end


# With a server


@pytest.fixture(scope="module")
def trial() -> Trial:
    return Trial("insecure-noop-128")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ExitStack() as stack:
        yield ServerProcess(tmp_path_factory.mktemp("server"), stack)


@dataclass
class Body:
    """An oversight body that draws from one deployment."""

    folder: Path
    server: ServerProcess
    trial: Trial
    deployment: str
    policy: str

    @property
    def state(self) -> Path:
        return self.folder / "challenges"

    @property
    def kept(self) -> ChallengeFolder:
        return ChallengeFolder(self.state)

    def step(self, at: datetime | None = None, address: str = "", policy: str = "") -> Outcome | None:
        target = address or self.server.address
        with (
            ServerClient(target, TOKENS["oversight"], timeout=20) as client,
            LogSource(f"{target}/log") as source,
        ):
            chosen = Policy.parse((policy or self.policy).encode())
            identity = FORCE.identities[OVERSIGHT]
            challenger = Challenger(
                self.kept, self.deployment, client, source, chosen, FORCE.register, identity
            )
            return challenger.step(at or datetime.now(UTC))

    def see(self, count: int) -> list[str]:
        """Send probes, and wait until all have results."""
        camera, operator, sent = self.server.client("camera"), self.server.client("operator"), []
        for number in range(count):
            made = self.trial.probe(number % 3)
            camera.post_probe(self.deployment, made)
            sent.append(made.probe_id)
            while not operator.fetch_results(self.deployment, 20).results:
                pass
            operator.acknowledge(self.deployment, made.probe_id)
        return sent

    @property
    def options(self) -> dict[str, Any]:
        (self.folder / "token").write_text(TOKENS["oversight"])
        (self.folder / "log.policy").write_text(self.policy)
        FORCE.write_register(self.folder / "register.toml")
        return {
            "state": self.state,
            "server": self.server.address,
            "deployment": self.deployment,
            "register": self.folder / "register.toml",
            "identity": self.folder / f"{OVERSIGHT}.pem",
            "token_file": self.folder / "token",
            "log_policy": self.folder / "log.policy",
        }

    def run(self, **changes: Any) -> int:
        return command("oversight", "challenge", "run", "--once", **{**self.options, **changes})

    def files(self, pattern: str) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted(self.state.glob(pattern))}


@pytest.fixture
def body(tmp_path: Path, server: ServerProcess, trial: Trial) -> Body:
    return opened(tmp_path, server, trial)


def opened(folder: Path, server: ServerProcess, trial: Trial) -> Body:
    made = Body(folder, server, trial, trial.open(server), FORCE.log_policy)
    FORCE.write_identity(OVERSIGHT, folder / f"{OVERSIGHT}.pem")
    assert command("oversight", "challenge", "init", state=made.state, deployment=made.deployment) == 0
    return made


def test_range_after_range_is_drawn_and_kept(body: Body) -> None:
    assert body.step() is None
    sent: list[str] = []
    ends, kept = [0], list[str]()
    while len(sent) < 31 or not kept:
        count = 30 if sent else 1
        sent += body.see(count)
        outcome = body.step()
        assert outcome is not None
        assert (outcome.holds, outcome.results) == (True, count)
        assert outcome.first >= ends[-1]
        ends.append(outcome.end)
        kept += outcome.kept
        assert body.step() is None
    assert set(kept) <= set(sent)
    assert sorted(kept) == list(body.server.client("oversight").kept(body.deployment).probes)
    challenges = [Challenge.read(Envelope.from_json(data)) for data in body.files("challenge-*").values()]
    assert {each.end for each in challenges} == set(ends[1:])


def test_what_was_signed_is_sent_again_and_never_signed_anew(body: Body) -> None:
    """The connection breaks off with the challenge on its way, twice."""
    body.see(3)
    for _ in range(2):
        with forwarding(body.server.address, b"PUT /v1") as forwarder, pytest.raises(ServerUnavailable):
            body.step(address=forwarder.address)
    signed = body.files("challenge-*")
    assert len(signed) == 1
    body.see(2)
    outcome = body.step()
    assert outcome is not None
    assert (outcome.holds, outcome.results) == (True, 3)
    assert body.files("challenge-*") == signed
    # The server has it twice when the answer got lost, and draws the same.
    (body.state / f"outcome-{outcome.end}.json").unlink()
    again = body.step()
    assert again == outcome
    assert body.files("challenge-*") == signed
    later = body.step()
    assert later is not None
    assert (later.first, later.results) == (outcome.end, 2)


def challenged_already(body: Body, end: int) -> None:
    """Have the server forget what a challenge of everything has not drawn."""
    with LogSource(f"{body.server.address}/log") as source:
        view = LogView(source, read_checkpoint(source, FORCE.log.verifier).checkpoint)
        root = view.root_at(end).hex()
    made = Challenge(deployment=body.deployment, origin=FORCE.log.verifier.name, first=0, end=end, root=root)
    signed = FORCE.sign(made.envelope(), OVERSIGHT).to_json()
    body.server.client("oversight").put_challenge(body.deployment, end, signed)


def test_a_probe_that_the_server_did_not_keep_is_reported(
    body: Body, capsys: pytest.CaptureFixture[str]
) -> None:
    while True:
        sent = body.see(10)
        with LogSource(f"{body.server.address}/log") as source:
            size = read_checkpoint(source, FORCE.log.verifier).checkpoint.size
        challenged_already(body, size)
        code = body.run()
        (*_, outcome) = body.kept.outcomes()
        if code:
            break
        assert not outcome.missing
    assert set(outcome.missing) <= set(sent)
    printed = capsys.readouterr().out
    for probe in outcome.missing:
        assert probe[:8] in printed
    assert "NOT KEPT although drawn" in printed or "KEPT although not drawn" in printed
    assert "1 were not kept to" in printed
    # It stays reported.
    assert body.run() == 1


def test_what_a_server_lost_when_it_was_started_anew_is_told_apart(
    tmp_path: Path, start: Callable[..., ServerProcess], trial: Trial
) -> None:
    """What waits to be drawn is in its memory only. The log has each start, so starts are not for free."""
    body = opened(tmp_path, start(), trial)
    lost: tuple[str, ...] = ()
    while not lost:
        sent = body.see(10)
        body.server.kill()
        body.server.start()
        outcome = body.step()
        assert outcome is not None
        assert (outcome.holds, outcome.kept, outcome.results) == (True, (), 10)
        lost = outcome.lost
    assert set(lost) <= set(sent)


def test_results_that_failed_and_other_deployments_are_not_drawn_from(
    body: Body, tmp_path: Path, trial: Trial
) -> None:
    (tmp_path / "other").mkdir()
    other = opened(tmp_path / "other", body.server, trial)
    other.see(5)
    made = trial.probe()
    made = made.model_copy(update={"ciphertext": b"\xff" * len(made.ciphertext)})
    body.server.client("camera").post_probe(body.deployment, made)
    body.server.results(body.deployment, 1)
    assert body.step() is None
    assert body.files("challenge-*") == {}


def test_it_ends_when_the_deployment_does(body: Body) -> None:
    body.see(2)
    assert body.run() == 0
    words = named(**body.options)
    program = (sys.executable, "-m", "blindwatch.cli.main", "oversight", "challenge", "run", "--every=0.2")
    with subprocess.Popen([*program, *words], stdout=subprocess.PIPE, text=True) as running:
        try:
            body.see(3)
            eventually(lambda: sum(each.results for each in body.kept.outcomes()) == 5, 30)
            custodian = body.server.client("custodian")
            ending = Closing(
                deployment=body.deployment,
                manifest_digest=custodian.get_deployment(body.deployment).manifest_digest,
                reason="Over",
                issued_at=now(),
            )
            custodian.close_deployment(body.deployment, FORCE.sign(ending.envelope(), "a.khan").to_json())
            assert running.wait(30) == 0
            assert running.stdout is not None
            printed = " ".join(running.stdout.read().split())
        finally:
            running.kill()
    assert "The deployment is over." in printed
    assert "challenges in all, of 5 results" in printed


# What it refuses


def test_a_log_that_is_not_the_approved_one(body: Body) -> None:
    body.see(1)
    other = Signer.generate("elsewhere.test/log", Use.LOG).verifier
    with pytest.raises(UntrustedCheckpoint):
        body.step(policy=f"log {other}\nquorum none\n")
    with pytest.raises(CosignatureMissing):
        body.step(policy=f"log {FORCE.log.verifier}\nwitness w {WITNESS.verifier}\nquorum w\n")
    assert body.files("challenge-*") == {}


def test_a_server_that_shows_another_history(
    tmp_path: Path, start: Callable[..., ServerProcess], trial: Trial
) -> None:
    body = opened(tmp_path, start(), trial)
    body.see(1)
    outcome = body.step()
    assert outcome is not None
    body.server.stop()
    for name in ("log", "head"):
        (body.server.store / name).rename(tmp_path / f"old-{name}")
    Log.create(body.server.store / "log", body.server.store / "head", FORCE.log)
    with Log(body.server.store / "log", body.server.store / "head", FORCE.log) as log:
        log.append([secrets.token_bytes(20) for _ in range(outcome.end + 3)])
    body.server.start()
    with pytest.raises(LogForked):
        body.step()
    assert len(list((body.state / "evidence").iterdir())) == 1


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    with ExitStack() as stack:
        folder = tmp_path / "server"
        folder.mkdir()
        yield lambda *options, **settings: ServerProcess(folder, stack, *options, **settings)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"identity": "a.khan.pem"}, "Only an oversight body"),
        ({"deployment": "gate-4"}, "another deployment"),
        ({"token_file": "other.token"}, "role"),
        ({"state": "."}, "not one for challenges"),
    ],
)
def test_who_may_not_draw(
    body: Body, capsys: pytest.CaptureFixture[str], changes: dict[str, str], said: str
) -> None:
    body.see(1)
    FORCE.write_identity("a.khan", body.folder / "a.khan.pem")
    (body.folder / "other.token").write_text(TOKENS["custodian"])
    capsys.readouterr()
    given = {name: body.folder / value if name != "deployment" else value for name, value in changes.items()}
    assert body.run(**given) == 1
    assert said in only_error(capsys.readouterr().err)


def test_a_folder_is_made_once(body: Body, capsys: pytest.CaptureFixture[str]) -> None:
    for deployment, said in ((body.deployment, "not empty"), ("Two words", "not valid")):
        state = body.state if said == "not empty" else body.folder / "new"
        assert command("oversight", "challenge", "init", state=state, deployment=deployment) == 1
        assert said in only_error(capsys.readouterr().err)


def test_a_damaged_state_is_not_begun_anew(body: Body) -> None:
    file = body.state / "challenger.json"
    whole = json.loads(file.read_text())
    for damaged in ({**whole, "seen": "x"}, {**whole, "read": -1}):
        file.write_text(json.dumps(damaged))
        with pytest.raises(BlindwatchError, match="damaged"):
            body.step()
