"""Dishonest servers, as real processes that do one thing otherwise: each is caught for what it does."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from blindwatch.he.templates import Templates
from blindwatch.oversight.replay import Replay

from ..serving import ServerProcess, Trial
from .conftest import Copy
from .deployments import BACKDATED, Clock, Deployment

Run = Callable[[Deployment, Path], None]
NAME = "gate-4"


@pytest.fixture(scope="session")
def clear_trial() -> Trial:
    return Trial("insecure-noop-128")


def ran(folder: Path, trial: Trial, deed: str, run: Run) -> Copy:
    """The bundle of a deployment on a server that does a deed."""
    clock = Clock(folder / "clock", -BACKDATED.total_seconds())
    (folder / "deed.py").write_text(deed)
    (folder / "papers").mkdir()
    with ExitStack() as stack:
        with clock.kept(folder / "deed.py"):
            server = ServerProcess(folder, stack)
        run(Deployment(server, trial, clock, NAME), folder / "papers")
    return Copy(folder / "bundle")


def export(deployment: Deployment, papers: Path) -> None:
    assert deployment.export(papers.with_name("bundle"), add=papers) == 0


def drawn(deployment: Deployment, papers: Path) -> None:
    """Three people pass, one result at least is drawn, and the deployment ends."""
    deployment.put()
    deployment.pass_by(0, 1, 2)
    deployment.challenge(papers, 0)
    export(deployment, papers)
    ended(deployment, papers)


def ended(deployment: Deployment, papers: Path) -> None:
    deployment.clock.move(3)
    deployment.close(papers)
    export(deployment, papers)


def test_one_that_is_honest_passes(tmp_path: Path, clear_trial: Trial) -> None:
    """So that what the others are caught for is their deed."""
    assert ran(tmp_path, clear_trial, "", drawn).failed(Replay()) == {}


# What only computing again shows

THRESHOLD = """
from blindwatch.he.matching import Matcher
real = Matcher.__init__
def lower(self, bundle, threshold, *rest, **named):
    real(self, bundle, threshold - 8, *rest, **named)
Matcher.__init__ = lower
"""

NO_MASKS = """
import numpy as np
from blindwatch.he import masks
masks.nonzero = lambda seed, count: np.ones(count, dtype=np.int64)
masks.uniform = lambda seed, count: np.zeros(count, dtype=np.int64)
"""

OTHER_FACE = """
from blindwatch.wire import crops
real = crops.wrap
crops.wrap = lambda sealed, key, bound: real(b"x" * len(sealed), key, bound)
"""

OTHER_KEY = """
from blindwatch.he.matching import Matcher
real = Matcher.key
Matcher.key = lambda self, probe_id: real(self, "the same for everybody")
"""

OTHER_QUERY = """
from blindwatch.he.matching import Matcher
real, held = Matcher.match, []
def other(self, probe, *rest, **named):
    held.append(probe)
    return real(self, held[-2] if len(held) > 2 else probe, *rest, **named)
Matcher.match = other
"""

OTHER_LIST = """
from pathlib import Path
from blindwatch.he.matching import Matcher
real = Matcher.load_block
def other(self, parts, count):
    files = sorted(Path({folder!r}).iterdir())
    return real(self, (file.read_bytes() for file in files), count)
Matcher.load_block = other
"""


@pytest.mark.parametrize("deed", [THRESHOLD, NO_MASKS], ids=["another threshold", "no masks"])
def test_one_that_computes_otherwise(tmp_path: Path, sealed_trial: Trial, deed: str) -> None:
    failed = ran(tmp_path, sealed_trial, deed, drawn).failed(Replay())
    assert set(failed) == {"replay"}
    assert all("is not what comes out" in fault for fault in failed["replay"])


@pytest.mark.parametrize("deed", [OTHER_FACE, OTHER_KEY], ids=["another face", "another key"])
def test_one_that_wraps_otherwise(tmp_path: Path, clear_trial: Trial, deed: str) -> None:
    """It gives the operator another face than the camera sealed, or a key that opens those of others too."""
    failed = ran(tmp_path, clear_trial, deed, drawn).failed(Replay())
    assert set(failed) == {"replay"}
    assert all("is not what comes out" in fault for fault in failed["replay"])


def test_one_that_uses_another_list(tmp_path: Path, sealed_trial: Trial) -> None:
    blobs = tmp_path / "another"
    blobs.mkdir()
    others = Templates(-sealed_trial.templates.coarse, -sealed_trial.templates.fine)
    for number, part in enumerate(next(iter(sealed_trial.encryptor.watchlist(others)))):
        (blobs / f"{number:03}").write_bytes(part)
    failed = ran(tmp_path, sealed_trial, OTHER_LIST.format(folder=str(blobs)), drawn).failed(Replay())
    assert set(failed) == {"replay"}


def test_one_that_compares_another_face(tmp_path: Path, clear_trial: Trial) -> None:
    def run(deployment: Deployment, papers: Path) -> None:
        deployment.put()
        deployment.pass_by(0)
        end = deployment.leaves()[-1][0] + 1
        deployment.pass_by(1, 2)
        deployment.challenge(papers, end)
        export(deployment, papers)
        ended(deployment, papers)

    failed = ran(tmp_path, clear_trial, OTHER_QUERY, run).failed(Replay())
    assert set(failed) == {"replay"}


REMOVAL_IGNORED = """
from blindwatch.he.matching import Matcher
real = Matcher.match
def whole(self, probe, blocks, probe_id, removed=frozenset()):
    return real(self, probe, blocks, probe_id, frozenset())
Matcher.match = whole
"""


def test_one_that_ignores_a_removal(tmp_path: Path, clear_trial: Trial) -> None:
    def run(deployment: Deployment, papers: Path) -> None:
        deployment.put()
        deployment.remove(1)
        drawn_from = deployment.pass_by(1, 2)
        assert drawn_from
        deployment.challenge(papers, 0)
        export(deployment, papers)
        ended(deployment, papers)

    assert set(ran(tmp_path, clear_trial, REMOVAL_IGNORED, run).failed(Replay())) == {"replay"}


# What the log shows


def test_one_whose_clock_is_put_back(tmp_path: Path, clear_trial: Trial) -> None:
    def run(deployment: Deployment, papers: Path) -> None:
        deployment.put()
        deployment.clock.move(10)
        deployment.pass_by(0)
        deployment.clock.move(-8)
        deployment.pass_by(1)
        export(deployment, papers)

    failed = ran(tmp_path, clear_trial, "", run).failed()
    assert set(failed) == {"times"}
    assert "and one before it of" in failed["times"][0]


LATE = """
from blindwatch.statements import trust
trust.check_open = lambda manifest, at: None
"""


def test_one_that_goes_on_after_the_window(tmp_path: Path, clear_trial: Trial) -> None:
    def run(deployment: Deployment, papers: Path) -> None:
        deployment.minutes = 5
        deployment.put()
        deployment.pass_by(0)
        deployment.clock.move(10)
        deployment.pass_by(1)
        export(deployment, papers)

    failed = ran(tmp_path, clear_trial, LATE, run).failed()
    assert set(failed) == {"window"}
    assert "was taken after the window" in failed["window"][0]


NOT_STOPPED = """
from blindwatch.matching.roster import Roster
Roster.taking = Roster.ready
"""


def test_one_that_goes_on_after_a_stop(tmp_path: Path, clear_trial: Trial) -> None:
    def run(deployment: Deployment, papers: Path) -> None:
        deployment.put()
        deployment.stop(papers)
        deployment.clock.move(3)
        deployment.pass_by(1)
        export(deployment, papers)

    failed = ran(tmp_path, clear_trial, NOT_STOPPED, run).failed()
    assert set(failed) == {"window"}
    assert failed["window"][0].endswith("was taken although the deployment had been stopped.")


KEPT = """
from blindwatch.matching.pending import Pending
Pending.drop_late = lambda self, at: None
"""


def test_one_that_keeps_probes_beyond_their_time(tmp_path: Path, clear_trial: Trial) -> None:
    def run(deployment: Deployment, papers: Path) -> None:
        deployment.put()
        deployment.pass_by(0, 1, 2)
        deployment.clock.move(10)
        deployment.challenge(papers, 0)
        export(deployment, papers)
        ended(deployment, papers)

    failed = ran(tmp_path, clear_trial, KEPT, run).failed(Replay())
    assert set(failed) == {"clocks"}
    assert all(
        fault.endswith("was still there after more than 2 minutes, undrawn.") for fault in failed["clocks"]
    )


WITHHELD = """
from blindwatch.matching.pending import Pending
Pending.take = lambda self, deployment, probe_ids: {}
"""


def test_one_that_does_not_keep_what_is_drawn(tmp_path: Path, clear_trial: Trial) -> None:
    failed = ran(tmp_path, clear_trial, WITHHELD, drawn).failed(Replay())
    assert set(failed) == {"challenges"}
    assert all(fault.endswith("which the server did not keep.") for fault in failed["challenges"])


NEVER_CLOSED = """
from blindwatch.matching.closing import ClosingDesk
async def never(self, at):
    pass
ClosingDesk.close_due = never
"""


def test_one_that_skips_the_end(tmp_path: Path, clear_trial: Trial) -> None:
    def run(deployment: Deployment, papers: Path) -> None:
        deployment.put()
        deployment.pass_by(0)
        deployment.clock.move(100)
        export(deployment, papers)

    failed = ran(tmp_path, clear_trial, NEVER_CLOSED, run).failed()
    assert set(failed) == {"teardown"}
    assert "should have been closed by" in failed["teardown"][0]


LAX = """
from blindwatch.statements import trust
trust.check_policy = lambda manifest, profile: None
"""


def test_one_that_takes_a_child_without_a_reason(tmp_path: Path, clear_trial: Trial) -> None:
    def run(deployment: Deployment, papers: Path) -> None:
        listed = deployment.listed.model_copy(update={"under_age": 1})
        deployment.put(listed=listed)
        deployment.pass_by(0)
        export(deployment, papers)

    failed = ran(tmp_path, clear_trial, LAX, run).failed()
    assert failed == {
        "second-approvals": (
            "Version 1: The list has 1 entries at least that need a second approval, with a reason, and 0 that "
            "have one.",
        )
    }
