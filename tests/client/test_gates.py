"""What the operator's program opens: only what the server has put into its log, before the witnesses of the manifest.

The servers here answer over real sockets, and lie in one point each; some put their lie into a log as well.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from blindwatch.errors import CosignatureMissing, LogError, Problem, RecordMismatch
from blindwatch.operator import showing
from blindwatch.operator.fetching import Reading, check_deployment, readings
from blindwatch.operator.reading import Match, Reader
from blindwatch.operator.removals import Removals
from blindwatch.records import replaying
from blindwatch.records.reading import server_record
from blindwatch.records.record import minute
from blindwatch.records.server import ResultReleased, Started
from blindwatch.statements.package import OperatorPackage
from blindwatch.tlog.keys import Signer, Use
from blindwatch.wire.client import ServerClient
from blindwatch.wire.messages import FailedResult, Logged, ReleasedBlock, Result, ResultBatch

from ..proving import altered, proven
from ..serving import FORCE, TOKENS
from .posts import KNOWN, NAMES, STRANGER, THRESHOLD, Post, released

if TYPE_CHECKING:
    Pair = tuple[Result | FailedResult, Logged]


class Lying(ServerClient):
    """Answers as a server would that does not follow the protocol."""

    change: Callable[[Result | FailedResult, Logged], Pair]
    acknowledged: list[str]

    def fetch_results(self, deployment: str, wait: float = 0.0) -> ResultBatch:
        batch = super().fetch_results(deployment, wait)
        changed = [self.change(*pair) for pair in zip(batch.results, batch.logged, strict=True)]
        return ResultBatch(
            results=tuple(result for result, _ in changed), logged=tuple(logged for _, logged in changed)
        )

    def acknowledge(self, deployment: str, probe_id: str) -> None:
        self.acknowledged.append(probe_id)
        super().acknowledge(deployment, probe_id)


class Watched(Reader):
    """Notes what is opened."""

    opened: int

    def matches(self, releases: Sequence[ReleasedBlock]) -> list[Match]:
        self.opened += 1
        return super().matches(releases)


def read(post: Post, change: Callable[[Result | FailedResult, Logged], Pair]) -> tuple[list[Reading], int]:
    """Two results as they are read from a server that changes them, and how many are opened."""
    reader = Watched(post.keys.secret, THRESHOLD, len(NAMES))
    reader.opened = 0
    sent = post.see(KNOWN, STRANGER)
    with Lying(post.server.address, TOKENS["operator"], timeout=20) as client:
        client.change, client.acknowledged = change, []
        approved = check_deployment(
            client, post.deployment, OperatorPackage.load(post.entries), FORCE.register
        )
        removals = Removals(client, approved.manifest, FORCE.register, None)
        done = list(readings(client, post.deployment, reader, removals, approved.gate, 0.2))
        # They are acknowledged alike, whatever is made of them.
        assert client.acknowledged == sent
    assert post.left() == 0
    return done, reader.opened


def test_what_the_log_proves_is_opened(post: Post) -> None:
    done, opened = read(post, lambda result, logged: (result, logged))
    assert [each.problem for each in done] == [None, None]
    assert [len(each.matches) for each in done] == [2, 0]
    assert opened == 2


MATCH = released({1: 0}, {1: THRESHOLD + 5})
OTHER_LOG = Signer.generate(FORCE.log.verifier.name, Use.LOG)


def with_result(**changes: object) -> Callable[[Result | FailedResult, Logged], Pair]:
    """Another result than the log has."""
    return lambda result, logged: (result.model_copy(update=changes), logged)


def with_record(**changes: object) -> Callable[[Result | FailedResult, Logged], Pair]:
    """Another record than the result's, in a log."""
    return lambda result, logged: (result, altered(logged, FORCE.log, **changes))


def with_both(**changes: object) -> Callable[[Result | FailedResult, Logged], Pair]:
    """Another result, of which the log has the digest, but not what else the record says of it."""

    def change(result: Result | FailedResult, logged: Logged) -> Pair:
        changed = result.model_copy(update=changes)
        return changed, altered(logged, FORCE.log, result=replaying.digest(changed))

    return change


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param(with_result(releases=(MATCH,)), Problem.RECORD_MISMATCH, id="other ciphertexts"),
        pytest.param(with_result(releases=()), Problem.RECORD_MISMATCH, id="no ciphertexts"),
        pytest.param(with_result(camera="gate-2"), Problem.RECORD_MISMATCH, id="other camera"),
        pytest.param(with_record(mask_commitment="00" * 32), Problem.RECORD_MISMATCH, id="other masks"),
        pytest.param(with_record(deployment="gate-5"), Problem.RECORD_MISMATCH, id="other deployment"),
        pytest.param(with_record(preset="reveal-128"), Problem.RECORD_MISMATCH, id="other preset"),
        pytest.param(with_record(probe_id="00" * 16), Problem.RECORD_MISMATCH, id="other probe"),
        pytest.param(with_record(problem=Problem.BUSY.urn), Problem.RECORD_MISMATCH, id="a problem"),
        pytest.param(with_both(watchlist="11" * 32), Problem.RECORD_MISMATCH, id="other list"),
        pytest.param(with_both(tombstone=3), Problem.RECORD_MISMATCH, id="other removal"),
        pytest.param(
            lambda result, _: (result, proven(Started(at=minute(), software="x"), FORCE.log)),
            Problem.RECORD_MISMATCH,
            id="other kind",
        ),
        pytest.param(
            lambda result, logged: (result, proven(logged.record, OTHER_LOG)),
            Problem.UNTRUSTED_CHECKPOINT,
            id="other log",
        ),
        pytest.param(
            lambda result, _: (result, proven(b"\x00", FORCE.log)), Problem.MALFORMED_LOG, id="no record"
        ),
        pytest.param(
            lambda result, logged: (result, logged.model_copy(update={"proof": b"c2sp.org"})),
            Problem.MALFORMED_LOG,
            id="no proof",
        ),
        pytest.param(
            lambda result, logged: (
                result,
                logged.model_copy(update={"record": proven(b"x", FORCE.log).record}),
            ),
            Problem.INVALID_PROOF,
            id="proof of another",
        ),
    ],
)
def test_what_the_log_does_not_prove_is_not_opened(
    post: Post, change: Callable[[Result | FailedResult, Logged], Pair], problem: Problem
) -> None:
    done, opened = read(post, change)
    assert [each.problem for each in done] == [problem, problem]
    assert [each.matches for each in done] == [(), ()]
    assert opened == 0


def test_a_failure_has_to_be_in_the_log_as_well(post: Post) -> None:
    """A server that would rather not answer has to say so there."""

    def fail(result: Result | FailedResult, logged: Logged) -> Pair:
        failed = FailedResult(
            probe_id=result.probe_id,
            camera=result.camera,
            captured_at=result.captured_at,
            problem=Problem.BUSY.urn,
        )
        return failed, logged

    done, _ = read(post, fail)
    assert {each.problem for each in done} == {Problem.RECORD_MISMATCH}

    def honestly(result: Result | FailedResult, logged: Logged) -> Pair:
        failed, _ = fail(result, logged)
        record = server_record(logged.record)
        assert isinstance(record, ResultReleased)
        said = {"result": replaying.digest(failed), "watchlist": None, "problem": Problem.BUSY.urn}
        return failed, altered(logged, FORCE.log, **said)

    done, _ = read(post, honestly)
    assert {each.problem for each in done} == {Problem.BUSY}


def test_the_operator_is_told_to_report_it(post: Post) -> None:
    done, _ = read(post, with_record(mask_commitment="00" * 32))
    console = Console(file=io.StringIO(), width=250)
    console.print(showing.matches(done, OperatorPackage.load(post.entries).entries))
    assert isinstance(console.file, io.StringIO)
    printed = console.file.getvalue()
    assert printed.count("not opened: The log has recorded something else") == 2
    assert "0 results read, 0 with a match; 2 not opened" in printed
    assert "report this" in printed


# The deployment itself


class Unaccepted(ServerClient):
    """Says that the log has something else of the deployment."""

    change: Callable[[Logged], Logged]

    def get_accepted(self, deployment: str) -> Logged:
        return self.change(super().get_accepted(deployment))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda logged: altered(logged, FORCE.log, manifest="00" * 32), RecordMismatch),
        (lambda logged: altered(logged, FORCE.log, watchlist="00" * 32), RecordMismatch),
        (lambda logged: altered(logged, FORCE.log, bundle="00" * 32), RecordMismatch),
        (lambda logged: altered(logged, FORCE.log, version=2), RecordMismatch),
        (lambda logged: altered(logged, OTHER_LOG), LogError),
    ],
)
def test_nothing_is_fetched_of_a_deployment_that_the_log_does_not_have(
    post: Post, change: Callable[[Logged], Logged], error: type[LogError]
) -> None:
    with Unaccepted(post.server.address, TOKENS["operator"]) as client:
        client.change = change
        with pytest.raises(error):
            check_deployment(client, post.deployment, OperatorPackage.load(post.entries), FORCE.register)


class Unwitnessed(ServerClient):
    """A server whose witnesses cannot be reached, for its first few answers."""

    left: int

    def fetch_results(self, deployment: str, wait: float = 0.0) -> ResultBatch:
        self.left -= 1
        if self.left >= 0:
            raise CosignatureMissing
        return super().fetch_results(deployment, wait)


@pytest.mark.parametrize(("left", "wait"), [(1, 5.0), (100, 0.5)])
def test_witnesses_are_waited_for_as_long_as_results_are(post: Post, left: int, wait: float) -> None:
    post.see(KNOWN)
    with Unwitnessed(post.server.address, TOKENS["operator"], timeout=20) as client:
        client.left = left
        approved = check_deployment(
            client, post.deployment, OperatorPackage.load(post.entries), FORCE.register
        )
        removals = Removals(client, approved.manifest, FORCE.register, None)
        reading = readings(client, post.deployment, post.reader, removals, approved.gate, wait, 1)
        if left == 1:
            assert [len(each.matches) for each in reading] == [2]
        else:
            with pytest.raises(CosignatureMissing):
                next(reading)
            assert post.left() == 1
