"""A server cannot tell by requests, sizes or times whether a result held a match; a planted leak is found."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Thread

import numpy as np
import pytest

from blindwatch.console.duty import utc
from blindwatch.operator.fetching import Reading, check_deployment, readings
from blindwatch.operator.reading import Reader
from blindwatch.operator.removals import Removals
from blindwatch.secret.shares import recover
from blindwatch.secret.wrapping import FILE, unwrap
from blindwatch.statements.package import OperatorPackage
from blindwatch.statements.predicates import Window
from blindwatch.wire.client import ServerClient
from blindwatch.wire.messages import stamp

from ..client.photographs import small
from ..client.running import enough
from ..serving import FORCE, TOKENS, eventually
from .observing import Seen, Watcher, differences, watching
from .past import MOST, had
from .stage import Page, Stage, seen_again

EACH = 24
"""Results of either kind."""
STRANGERS = range(74, 90)
"""Faces like nobody's of the list; the one before them is the first of it."""


def followed(
    stage: Stage, watcher: Watcher, after: Callable[[], None] = lambda: None
) -> tuple[list[list[Seen]], ...]:
    """What followed each of the matches, and of the others, which came in an order that is drawn."""
    order = np.random.default_rng(20261128).permutation([True, False] * EACH).tolist()
    found: dict[bool, list[list[Seen]]] = {True: [], False: []}
    for number, matches in enumerate(order):
        before = len(requests(watcher))
        stage.see(seen_again(number % 4) if matches else small(STRANGERS[number % len(STRANGERS)]))
        eventually(lambda: is_whole(requests(watcher)[before:]))  # noqa: B023
        row = requests(watcher)[before:]
        while row and is_asking(row[0]):  # nothing had come for so long that it asked again
            row.pop(0)
        found[matches].append(row)
        after()
    return found[True], found[False]


def requests(watcher: Watcher) -> list[Seen]:
    """What is asked because of results, and not by the clock alone."""
    return [each for each in watcher.seen if not each.line.endswith("/cameras")]


def is_asking(request: Seen) -> bool:
    return request.line.startswith("GET") and "/results?" in request.line


def is_whole(row: list[Seen]) -> bool:
    """Whether a result was acknowledged and the next one asked for."""
    gone = [number for number, each in enumerate(row) if each.line.startswith("DELETE")]
    return bool(gone) and any(map(is_asking, row[gone[0] :]))


def hurry(page: Page) -> Callable[[], None]:
    """Let half a minute pass for alerts after each result, so that every match is an alert of its own."""
    duty = page.post.duty

    def pass_() -> None:
        ahead = duty.now() + timedelta(seconds=31)
        duty._clock = duty._desk._clock = duty._desk.tray._clock = lambda: ahead

    return pass_


def test_a_console_shows_the_server_nothing_of_what_it_finds(stage: Stage) -> None:
    compare(stage)


@pytest.mark.slow
def test_a_console_shows_nothing_either_where_opening_is_work(encrypted: Stage) -> None:
    encrypted.open()
    compare(encrypted)


def compare(stage: Stage) -> None:
    """Whether what a console asks for looks the same after matches and after others."""
    with watching(stage.server.address) as watcher, stage.console(server=watcher.address, hours=24) as page:
        matches, others = followed(stage, watcher, hurry(page))
        tray = page.post.duty._desk.tray
        eventually(lambda: tray.raised == EACH)
    assert [each.line.split()[0] for each in matches[0]] == ["GET", "DELETE", "GET"]
    assert differences(matches, others) == set()


def test_a_server_cannot_tell_what_is_held_back(stage: Stage) -> None:
    had(stage, MOST, 0, 1, 2, 3)
    with watching(stage.server.address) as watcher, stage.console(server=watcher.address, hours=24) as page:
        matches, others = followed(stage, watcher)
        eventually(lambda: page.post.duty.signals.faces == 2 * EACH)
        assert page.post.duty._desk.tray.raised == 0
    assert [each.line.split()[0] for each in matches[0]] == ["GET", "DELETE", "GET"]
    assert differences(matches, others) == set()


Consumer = Callable[[Iterator[Reading], ServerClient], None]


@contextmanager
def running(stage: Stage, address: str, consumer: Consumer) -> Iterator[None]:
    """What `blindwatch operator run` does with every result, and a consumer that takes what was read."""
    package = OperatorPackage.load(stage.folder / "watchlist" / "operator.json")
    window = Window(not_before=stamp(utc()), not_after=stamp(utc() + timedelta(hours=1)))
    wrapped = (stage.folder / "keys" / FILE).read_bytes()
    shares = [path.read_text().strip() for path in enough(stage.folder / "shares")]
    secret = recover(shares, lambda master: unwrap(wrapped, master, window))
    reader = Reader(secret, package.fine_threshold, len(package.entries))
    with ServerClient(address, TOKENS["operator"], 20) as client:
        approved = check_deployment(client, stage.deployment, package, FORCE.register)
        removals = Removals(client, approved.manifest, FORCE.register, None)
        gate, count = approved.gate, 2 * EACH + 1
        found = readings(client, stage.deployment, reader, removals, gate, 30.0, count)
        thread = Thread(target=consumer, args=(found, client))
        thread.start()
        try:
            yield
        finally:
            thread.join()


def keeping(found: Iterator[Reading], _client: ServerClient) -> None:
    """Keep everything until the end, as the command does."""
    assert sum(bool(each.matches) for each in list(found)) == EACH


def hesitating(found: Iterator[Reading], _client: ServerClient) -> None:
    """A leak: a match is dealt with before it is acknowledged."""
    for reading in found:
        if reading.matches:
            time.sleep(0.2)


def asking(found: Iterator[Reading], client: ServerClient) -> None:
    """A leak: something is looked up because of a match."""
    for reading in found:
        if reading.matches:
            client.health()


@pytest.mark.parametrize(
    ("consumer", "leaks"),
    [(keeping, set()), (hesitating, {"time before DELETE"}), (asking, {"requests"})],
    ids=["as the command", "that hesitates", "that asks"],
)
def test_an_operator_that_fetches_and_keeps_shows_nothing_and_planted_leaks_are_found(
    stage: Stage, consumer: Consumer, leaks: set[str]
) -> None:
    with watching(stage.server.address) as watcher, running(stage, watcher.address, consumer):
        matches, others = followed(stage, watcher)
        stage.see(small(70))  # the last, after which nothing more is asked for
    assert differences(matches, others) == leaks
