"""What the tests of verification share: one clean deployment, whose bundle they copy and tamper with."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from blindwatch.oversight.bundle import Bundle
from blindwatch.oversight.checks.case import Case
from blindwatch.oversight.checks.catalogue import Replay, carry_out_all
from blindwatch.oversight.checks.findings import Verdict
from blindwatch.oversight.verification import Facts, Verification
from blindwatch.tlog.checkpoints import SignedCheckpoint

from ..serving import FORCE, ServerProcess, Trial
from .deployments import BACKDATED, Clock, Deployment


@dataclass(frozen=True)
class Clean:
    """The bundle of a deployment that ran for half an hour by its clock, and an older checkpoint of the log."""

    bundle: Path
    seen: Path
    deployment: Deployment


@dataclass(frozen=True)
class Copy:
    """A bundle to tamper with."""

    bundle: Path
    seen: tuple[Path, ...] = ()

    def verify(self, replay: Replay | None = None) -> Verification:
        older = [SignedCheckpoint.parse(path.read_bytes()) for path in self.seen]
        case = Case(Bundle.open(self.bundle), FORCE.register, older)
        outcomes = tuple(carry_out_all(case, replay))
        return Verification(case.bundle, Facts.of(case), outcomes)

    def failed(self, replay: Replay | None = None) -> dict[str, tuple[str, ...]]:
        """The faults of the checks that failed, by their names."""
        found = self.verify(replay).of(Verdict.FAILED)
        return {outcome.check.name: outcome.faults for outcome in found}


@pytest.fixture(scope="session")
def sealed_trial() -> Trial:
    return Trial("reveal-128")


@pytest.fixture(scope="session")
def clean(sealed_trial: Trial, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clean]:
    folder = tmp_path_factory.mktemp("clean")
    with ExitStack() as stack:
        yield half_an_hour(folder, stack, sealed_trial)


def half_an_hour(folder: Path, stack: ExitStack, trial: Trial) -> Clean:
    """Thirty minutes of a deployment, exported before and after its end."""
    clock = Clock(folder / "clock", -BACKDATED.total_seconds())
    with clock.kept():
        server = ServerProcess(folder, stack)
    deployment, papers = Deployment(server, trial, clock, "gate-4"), folder / "papers"
    papers.mkdir()
    deployment.put()
    clock.move(2)
    deployment.pass_by(0, 1, 2, 3)
    end = deployment.challenge(papers, 0)
    clock.move(8)
    deployment.remove(3)
    deployment.pass_by(3, 4, 5)
    end = deployment.challenge(papers, end)
    seen = folder / "seen"
    seen.write_bytes(deployment.fetch("checkpoint", 65_536))
    bundle = folder / "bundle"
    assert deployment.export(bundle) == 0
    clock.move(8)
    deployment.change_threshold()
    deployment.revoke(papers)
    deployment.pass_by(6, 7, 8)
    deployment.count(4)
    deployment.challenge(papers, end)
    assert deployment.export(bundle, add=papers) == 0
    clock.move(10)
    deployment.close(papers)
    clock.move(1)
    log, scan = deployment.operator_log(folder / "operator"), folder / "scan.json"
    assert deployment.scan(server.store, scan) == 0
    assert deployment.export(bundle, add=papers, operator_log=log, scan=scan) == 0
    return Clean(bundle, seen, deployment)


@pytest.fixture
def copy(clean: Clean, tmp_path: Path) -> Copy:
    return Copy(Path(shutil.copytree(clean.bundle, tmp_path / "bundle")), (clean.seen,))
