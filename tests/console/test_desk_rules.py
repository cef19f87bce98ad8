"""Whatever operators do and however long they take: what holds of a desk at all times."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st

from blindwatch.console.alerts import Reason, Stage
from blindwatch.console.steps import STEPS
from blindwatch.errors import AlertError, NotFound
from blindwatch.records.operator import FINAL, Outcome

from .cases import ANNA, BEN, Office, alert, with_relative

NUMBERS = st.integers(1, 4)
PEOPLE = st.sampled_from((ANNA, BEN, "h.ito"))
ACTS = st.one_of(
    st.tuples(st.just("pass"), st.sampled_from((0.5, 5, 11, 61, 90_000))),
    st.tuples(st.just("take"), PEOPLE),
    st.tuples(st.sampled_from(("claim", "release", "undo", "consider")), NUMBERS, PEOPLE),
    st.tuples(
        st.just("decide"),
        NUMBERS,
        PEOPLE,
        st.sampled_from(get_args(Outcome)),
        st.sampled_from((None, *Reason)),
    ),
)


def act(office: Office, *what: Any) -> None:
    desk = office.desk
    match what:
        case ("pass", seconds):
            office.pass_(seconds=seconds)
        case ("take", operator):
            desk.take(operator)
        case ("decide", number, operator, outcome, reason):
            stage = desk.tray.get(f"{number:032x}").stage
            desk.decide(f"{number:032x}", operator, stage, outcome, reason)
        case (name, number, operator):
            getattr(desk, name)(f"{number:032x}", operator)


@given(st.lists(ACTS, max_size=40), st.sampled_from((1, 2)))
def test_every_alert_goes_one_way_to_one_outcome(acts: list[tuple[Any, ...]], verifiers: int) -> None:
    office = Office(verifiers=verifiers)
    office.raised(alert(1), alert(2), with_relative(3), alert(4, probe_image=None))
    for each in acts:
        with suppress(AlertError, NotFound):
            act(office, *each)
        holders = [one.holder(office.clock()) for one in office.tray.alerts]
        taken = [holder for holder in holders if holder]
        assert len(taken) == len(set(taken))
    office.pass_(hours=25)
    office.pass_(seconds=11)
    ways: dict[str, list[Outcome]] = defaultdict(list)
    for identifier, outcome, operators, _ in office.notes.outcomes:
        ways[identifier].append(outcome)
        assert outcome != "sent" or len(set(operators)) == verifiers
    assert office.tray.alerts == []
    assert len(ways) == office.tray.raised == len(office.tray.settled) == 4
    for way in ways.values():
        assert [outcome for outcome in way if outcome in FINAL] == way[-1:]
        steps: list[Stage] = ["new", *way]
        for before, after in zip(steps, way, strict=False):
            assert after == "expired" or after in STEPS[before]
