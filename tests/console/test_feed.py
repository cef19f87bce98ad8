"""What a server sees of a console: the same, in the same order and without delay, whatever is opened and decided."""

from __future__ import annotations

import re
import threading

from blindwatch.vision.image import Image

from ..client.forwarding import forwarding
from ..client.photographs import small
from ..serving import eventually
from .stage import Stage, seen_again

PROBE_ID = re.compile(r"[0-9a-f]{32}")
POLLING = re.compile(r"GET /v1/deployments/[^/]+/(cameras|results)")
"""What is asked again and again, by the clock."""


def heard(stage: Stage, *pictures: Image) -> list[str]:
    """What a console sends while these walk past and every alert is decided, without what any two runs differ in."""
    stage.open()
    with forwarding(stage.server.address) as forwarder, stage.console(server=forwarder.address) as page:
        for number, picture in enumerate(pictures, 1):
            stage.see(picture)
            eventually(lambda: page.post.duty.signals.faces >= number)  # noqa: B023
            with page.post.duty.desk() as desk:
                for alert in (each for each in desk.tray.open if each.stage == "new"):
                    desk.decide(alert.id, "e.novak", "new", "sent", None)
        requests = [each for each in forwarder.requests if not POLLING.match(each)]
    return [PROBE_ID.sub("PROBE", each.replace(stage.deployment, "DEPLOYMENT")) for each in requests]


def test_a_server_cannot_tell_what_was_found_or_decided(prepared: Stage) -> None:
    stranger, known = small(70), seen_again(0)
    runs = [
        heard(prepared, *pictures)
        for pictures in (
            (stranger, stranger, stranger),
            (known, seen_again(1), known),
            (stranger, known, small(71)),
        )
    ]
    assert (
        runs[0][-6:]
        == [
            "GET /v1/deployments/DEPLOYMENT/tombstone",
            "DELETE /v1/deployments/DEPLOYMENT/results/PROBE",
        ]
        * 3
    )
    assert runs[1:] == runs[:1] * 2


def test_results_are_acknowledged_however_long_it_takes_to_open_one(stage: Stage) -> None:
    opened, goes_on = threading.Event(), threading.Event()

    def opening() -> None:
        opened.set()
        goes_on.wait(20)

    operator = stage.server.client("operator")
    with stage.console(opening=opening) as page:
        stage.see(seen_again(0))
        assert opened.wait(10)
        for number in (70, 71):
            stage.see(small(number))
        # They are gone from the server while the first one is still being opened.
        eventually(lambda: operator.fetch_results(stage.deployment).results == ())
        goes_on.set()
        eventually(lambda: page.post.duty.signals.faces == 3)
