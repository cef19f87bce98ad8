"""What the page shows to one operator, put together from the duty while nobody changes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from blindwatch.console.actions import OUTCOMES, Action, actions
from blindwatch.console.alerts import Alert
from blindwatch.console.assignment import Assignment
from blindwatch.console.desk import Desk, Flag
from blindwatch.console.duty import Duty
from blindwatch.console.wording import clock, span, times
from blindwatch.operator.allowance import MEANING
from blindwatch.policy.profile import Profile


@dataclass(frozen=True)
class Line:
    """One fact of the header, in words; its level is said by a sign and by colour as well."""

    label: str
    text: str
    level: Literal["good", "plain", "bad"] = "plain"
    since: datetime | None = None
    """Since when it is so, where that is what counts."""
    so: str = ""
    """What follows from it."""


@dataclass(frozen=True)
class Row:
    """An alert in the list: no face."""

    alert: Alert
    holder: str | None
    is_takeable: bool


@dataclass(frozen=True)
class Undo:
    """A decision that the operator can take back, up to when."""

    alert: Alert
    text: str
    until: datetime


@dataclass(frozen=True)
class Board:
    """Everything on the page."""

    assignment: Assignment
    operator: str
    now: datetime
    lines: tuple[Line, ...]
    rows: tuple[Row, ...]
    card: Alert | None
    actions: tuple[Action, ...]
    undos: tuple[Undo, ...]
    flags: tuple[Flag, ...]
    outcomes: tuple[tuple[str, int], ...]
    is_trained: bool
    is_away: bool
    is_waiting: bool
    """Whether there is an alert that the operator may take."""
    is_halted: bool


def board(duty: Duty, operator: str) -> Board:
    """The page for an operator as things are now."""
    with duty.desk() as desk:
        at = duty.now()
        card = desk.held(operator)
        return Board(
            assignment=duty.assignment,
            operator=operator,
            now=at,
            lines=tuple(_lines(duty, desk, at)),
            rows=tuple(_row(desk, alert, operator, at) for alert in desk.tray.open),
            card=card,
            actions=tuple(actions(card, operator)) if card is not None else (),
            undos=tuple(_undos(desk, operator)),
            flags=tuple(desk.flags),
            outcomes=tuple((OUTCOMES[each], count) for each, count in sorted(desk.tray.outcomes.items())),
            is_trained=desk.is_trained(operator),
            is_away=desk.is_away(operator),
            is_waiting=bool(desk.waiting(operator)),
            is_halted=duty.halt is not None,
        )


def _row(desk: Desk, alert: Alert, operator: str, at: datetime) -> Row:
    holder = alert.holder(at)
    free = holder is None and desk.is_trained(operator)
    return Row(alert, holder, free and not (alert.stage == "new" and operator in alert.agreed))


def _undos(desk: Desk, operator: str) -> Iterator[Undo]:
    for alert in desk.undoable(operator):
        if alert.decision is not None:
            waits = alert.stage == "new"
            text = "You agree; a second person is needed" if waits else OUTCOMES[alert.stage]  # type: ignore[index]
            yield Undo(alert, text, alert.decision.until)


def _lines(duty: Duty, desk: Desk, at: datetime) -> Iterator[Line]:
    yield _key(duty)
    yield _server(duty, at)
    yield _witnesses(duty)
    if duty.signals.journal is not None:
        yield Line("Journal", f"{duty.signals.journal.detail} Nothing more is fetched.", "bad")
    yield from _cameras(duty, at)
    yield Line("Faces seen", f"{duty.signals.faces:,}")
    yield Line("Alerts", f"{desk.tray.raised:,}")
    for said in duty.held_back():
        yield Line("Held back", said, "bad", so=MEANING)
    yield from _problems(duty)


def _key(duty: Duty) -> Line:
    rules = duty.assignment.rules
    if not duty.key.is_held:
        return Line("Key", "gone: nothing can be opened", "bad")
    shares = f"{rules.share_threshold} of {rules.share_count} or more"
    return Line("Key", f"loaded, {shares}, until {clock(duty.key.until)}", "good")


def _server(duty: Duty, at: datetime) -> Line:
    halt, signals = duty.halt, duty.signals
    if halt is not None and halt.told.is_set():
        return Line("Server", f"stopped by {halt.operator} at {clock(halt.at)}: it takes nothing more", "bad")
    if halt is not None:
        why = "" if halt.refused is None else f" ({halt.refused.detail.rstrip('.')})"
        text = f"does not know that {halt.operator} stopped{why}"
        return Line("Server", text, "bad", halt.at, "call the custodian")
    if signals.end is not None:
        return Line("Server", f"nothing more is fetched: {signals.end.detail}", "bad")
    if signals.server_lost is not None:
        return Line("Server", "not reached", "bad", signals.server_lost, "faces are not being checked")
    if at >= duty.assignment.ends:
        return Line("Server", f"the deployment ended at {clock(duty.assignment.ends)}", "bad")
    return Line("Server", "connected", "good")


def _witnesses(duty: Duty) -> Line:
    signals = duty.signals
    if signals.withheld is not None:
        return Line("Witnesses", "have not cosigned", "bad", signals.withheld, "results are held back")
    if not duty.assignment.manifest.read_log_policy().least:
        return Line("Witnesses", "none asked for")
    if signals.proven is None:
        return Line("Witnesses", "no result yet")
    return Line("Witnesses", "have cosigned the server's log", "good")


def _cameras(duty: Duty, at: datetime) -> Iterator[Line]:
    signals, cameras = duty.signals, duty.assignment.cameras
    if signals.server_lost is not None or duty.over.is_set():
        yield Line("Cameras", "not known")
        return
    silent = duty.silences()
    for each, silence in silent.items():
        yield Line(f"Camera {each}", "offline", "bad", at - silence, "faces there are not being checked")
    on = [each for each in cameras if each not in silent and signals.heard.get(each) is not None]
    if on:
        yield Line("Cameras on", ", ".join(on), "good")
    waited = [each for each in cameras if each not in silent and each not in on]
    if waited:
        yield Line("Cameras not heard of yet", ", ".join(waited))


def _problems(duty: Duty) -> Iterator[Line]:
    signals = duty.signals
    if signals.unread:
        yield Line("Not read", f"{times(signals.unread, 'face')}: nothing is known about them", "bad")
    if signals.unproven:
        text = f"{times(signals.unproven, 'result')} not opened, the server's log lacks them: report this"
        yield Line("Not proven", text, "bad")
    if signals.violations:
        text = f"{times(signals.violations, 'removed entry', 'removed entries')} matched all the same: report this"
        yield Line("Violation", text, "bad")


def errors(assignment: Assignment) -> str:
    """How often the threshold errs, as the officers approved it, and what that rests on."""
    manifest, point = assignment.manifest, assignment.point
    similarity, alerts = manifest.thresholds.similarity, manifest.predicted.false_alerts_per_1000
    said = f"Threshold {similarity:.2f}: about {alerts:.2g} false alerts in 1,000 faces"
    if point is not None:
        return f"{said}, by operating point {point.digest[:16]}. {point.said}"
    if manifest.operating_point is not None:
        return (
            f"{said}, by operating point {manifest.operating_point[:16]}, which this console was not given."
        )
    return f"{said}, by what was measured of the model."


def retention(rules: Profile) -> str:
    """For how long what is kept, as the purging has it from the same profile."""
    hours = span(timedelta(hours=rules.clocks.alert_hours))
    return (
        f"Images and scores of an alert go when it has its outcome, after {hours} at the latest. "
        f"The outcome stays. Profile {rules.name}, version {rules.version}."
    )
