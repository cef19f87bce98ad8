from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindwatch.errors import BlindwatchError, InternalError, Problem, WrongKey, error_for
from blindwatch.wire import limits, problems


@pytest.mark.parametrize("problem", Problem)
def test_an_error_comes_back_as_itself(problem: Problem) -> None:
    error = error_for(problem)("What is wrong.", hint="What to do.")
    back = problems.from_json(problems.to_json(error))
    assert back.problem.urn == error.problem.urn
    assert (back.detail, back.hint) == (error.detail, error.hint)


def test_members_of_a_problem() -> None:
    assert problems.to_problem(WrongKey("Another key.", hint="Use the key of the deployment.")) == {
        "type": "urn:blindwatch:problem:wrong-key",
        "title": "The ciphertext belongs to another key",
        "status": 409,
        "detail": "Another key.",
        "hint": "Use the key of the deployment.",
    }


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b'{"type": 7}',
        b"[" * 10_000,
        json.dumps({"type": Problem.BUSY.urn, "detail": "x" * limits.JSON}).encode(),
    ],
)
def test_a_body_that_is_no_problem(body: bytes) -> None:
    assert isinstance(problems.from_json(body), InternalError)


@given(st.binary())
def test_arbitrary_bytes_are_an_error_too(body: bytes) -> None:
    assert isinstance(problems.from_json(body), BlindwatchError)
