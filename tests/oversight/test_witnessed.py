"""A server, a witness and an operator, each a process or a program of its own: nothing opens without the witness."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from blindwatch.errors import CosignatureMissing, LogForked
from blindwatch.oversight.log_source import LogSource
from blindwatch.oversight.monitor.following import Monitor, Sight
from blindwatch.oversight.monitor.state import MonitorFolder
from blindwatch.records import gating
from blindwatch.records.record import minute
from blindwatch.records.server import Started
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import DeploymentManifest
from blindwatch.tlog.evidence import Case, Evidence
from blindwatch.tlog.log import Log
from blindwatch.tlog.policy import Policy
from blindwatch.wire.messages import Result

from ..serving import FORCE, ServerProcess, Trial, eventually
from .test_monitor import BOUNDS
from .witnesses import Witnessing


@dataclass
class Scene:
    """A deployment whose manifest asks for the witness."""

    witness: Witnessing
    server: ServerProcess
    trial: Trial
    deployment: str
    policy: str
    folder: Path

    def see(self) -> str:
        probe = self.trial.probe()
        self.server.client("camera").post_probe(self.deployment, probe)
        return probe.probe_id

    def look(self) -> Sight:
        with LogSource(f"{self.server.address}/log") as source:
            policy = Policy.parse(self.policy.encode())
            return Monitor(MonitorFolder(self.folder / "monitor"), policy, source, BOUNDS).look(
                datetime.now(UTC)
            )

    @property
    def approved(self) -> tuple[DeploymentManifest, str]:
        envelope = Envelope.from_json(self.server.client("operator").get_manifest(self.deployment))
        return DeploymentManifest.read(envelope), envelope.digest


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with ExitStack() as stack:
        for name in ("witness", "server"):
            (tmp_path / name).mkdir()
        witness = Witnessing(tmp_path / "witness", stack, log=FORCE.log.verifier)
        # It comes back where it was.
        witness.options = (f"--port={witness.address.rpartition(':')[2]}",)
        policy = f"log {FORCE.log.verifier}\nwitness w1 {witness.key} {witness.address}\nquorum w1\n"
        server, trial = ServerProcess(tmp_path / "server", stack), Trial("insecure-noop-128")
        name = trial.open(server, log_policy=policy)
        MonitorFolder.create(tmp_path / "monitor")
        yield Scene(witness, server, trial, name, policy, tmp_path)


def test_what_is_released_and_opened_has_been_seen_by_the_witness(scene: Scene) -> None:
    operator = scene.server.client("operator")
    manifest, digest = scene.approved
    gate = gating.Gate(operator.get_accepted(scene.deployment), digest, manifest)
    for _ in range(3):
        probe_id = scene.see()
        batch = scene.server.results(scene.deployment, 1)
        (result,), (logged,) = batch.results, batch.logged
        assert isinstance(result, Result)
        assert result.probe_id == probe_id
        gate.check(result, logged)
        operator.acknowledge(scene.deployment, probe_id)
    eventually(lambda: not scene.look().missing)
    assert scene.look().state.tally.counts["result-released"] == 3
    assert scene.witness.evidence() == []


def test_without_its_witness_a_server_gives_nothing_that_opens_and_with_it_all_of_it(scene: Scene) -> None:
    operator = scene.server.client("operator")
    scene.witness.kill()
    probe_id = scene.see()
    with pytest.raises(CosignatureMissing):
        operator.fetch_results(scene.deployment, 10)
    scene.witness.start()
    (result,) = scene.server.results(scene.deployment, 1).results
    assert result.probe_id == probe_id


def test_a_server_that_tells_another_history_is_stopped_by_witness_and_monitor(scene: Scene) -> None:
    """Its log is replaced by one that has as many entries, signed with the same key, and goes on from there."""
    size = scene.look().signed.checkpoint.size
    scene.server.stop()
    site, head = scene.server.store / "log", scene.server.store / "head"
    for folder in (site, head):
        folder.rename(scene.folder / f"true-{folder.name}")
    Log.create(site, head, FORCE.log)
    with Log(site, head, FORCE.log) as log:
        log.append([minute_record(number) for number in range(size)])
    scene.server.start()
    scene.see()
    with pytest.raises(CosignatureMissing):
        scene.server.client("operator").fetch_results(scene.deployment, 10)
    eventually(lambda: bool(scene.witness.evidence()))
    for found in scene.witness.evidence():
        found.check()
        assert found.case in (Case.SPLIT_VIEW, Case.UNPROVEN)
    with pytest.raises(LogForked):
        scene.look()
    (kept,) = (scene.folder / "monitor" / "evidence").iterdir()
    shown = Evidence.from_json(kept.read_bytes())
    shown.check()
    assert shown.case in (Case.SPLIT_VIEW, Case.REWRITTEN)


def minute_record(number: int) -> bytes:
    """An entry that no true history has."""
    return Started(at=minute(), software=f"another {number}").to_cbor()
