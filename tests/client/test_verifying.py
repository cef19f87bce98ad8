"""One person against one entry by real commands: the bit, the grounds, and who is compared with nobody."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from blindwatch.camera.camera import View
from blindwatch.demo.photographs import alter
from blindwatch.errors import WorkerLost
from blindwatch.he.verdicts import Integers, Verdicts
from blindwatch.operator.comparing import decide, listed
from blindwatch.operator.journal import Journal
from blindwatch.operator.taking import Taken
from blindwatch.opinion.environment import VARIABLE
from blindwatch.opinion.faces import Templater
from blindwatch.records.operator import Compared, ComparisonAnswered
from blindwatch.secret.candidates import Portrait
from blindwatch.statements.package import OperatorPackage
from blindwatch.statements.predicates import Stop, Tombstone
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.portrait import SIDE, portrait

from ..people import stamp
from ..proof.tap import tap
from ..serving import FORCE
from .photographs import encoded, small, wall
from .running import SIMILARITY, command, only_error
from .stations import OPERATOR, Station, stationed
from .verifying import reference, verify

if TYPE_CHECKING:
    from tests.serving import ServerProcess

    Printed = pytest.CaptureFixture[str]

LISTED = (0, 18, 31)
STRANGER = 50
BEFORE_THE_KEY: list[str] = []
WITHOUT_ANSWER = ["key-received", "compared", "comparison-answered", "key-forgotten"]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, server: ServerProcess) -> Station:
    photographs = [encoded(small(number)) for number in LISTED]
    return stationed(tmp_path_factory.mktemp("stations"), server, photographs, threshold=SIMILARITY)


@pytest.fixture
def station(first: Station) -> Station:
    return first.opened()


def kinds(station: Station) -> list[str]:
    return [each.kind for each in station.records()]


def given(station: Station) -> list[str]:
    """What each comparison of a journal has given."""
    return [each.answer for each in station.records() if isinstance(each, ComparisonAnswered)]


def test_somebody_is_the_entry_that_is_named_and_no_other_one(station: Station, capsys: Printed) -> None:
    """The same photograph against the right entry and another one, and what of it is where."""
    person = encoded(alter(small(LISTED[1])), ".jpg")
    with tap(station.server.address) as between:
        assert verify(station, person, 1, server=between.address) == 0
    shown = capsys.readouterr().out
    assert f"Match with entry {reference(station, 1)}" in shown
    assert "The arithmetic is exact" in shown
    assert not (station.folder / "photograph.jpg").exists()
    assert verify(station, person, 2, place="home", harm="to-others") == 0
    assert "No match with entry" in capsys.readouterr().out
    assert kinds(station) == WITHOUT_ANSWER * 2
    assert given(station) == ["match", "no-match"]
    right, wrong = (each for each in station.records() if isinstance(each, Compared))
    assert (right.operator, right.engine, right.place, right.reason) == (
        OPERATOR,
        "bfv",
        "public",
        "cannot-identify",
    )
    assert (wrong.place, wrong.harm) == ("home", "to-others")
    # Which entry it was, the log says to whoever has the salt.
    with Journal(station.journal) as journal:
        assert journal.opens(right.comparison, [reference(station, 1)], right.entry)
        assert not journal.opens(right.comparison, [reference(station, 2)], right.entry)
    site = b"".join(path.read_bytes() for path in (station.journal / "site").rglob("*") if path.is_file())
    assert reference(station, 1).encode() not in site
    # The server is asked what is approved and removed, and given nothing.
    asked = re.findall(rb"(?m)^([A-Z]+) /\S* HTTP", b"\n".join(map(bytes, between.traffic.sent)))
    assert set(asked) == {b"GET"}
    # What became of it is not decided as of an alert, and the journal shows it by itself.
    assert command("operator", "journal", "show", journal=station.journal) == 0
    printed = capsys.readouterr().out
    assert "0 alerts" in printed
    assert "2 comparisons of one person with one entry" in printed


def test_what_the_rules_do_not_have_is_refused_before_the_key_and_the_photograph(
    station: Station, capsys: Printed
) -> None:
    photograph = encoded(small(LISTED[0]))
    for wrong, said in (
        ({"place": "school"}, "has to be stated"),
        ({"reason": "curiosity"}, "no such reason"),
        ({"reference": "AAAAAAAA"}, "no entry of this reference"),
        ({"faces": station.folder / "nowhere"}, "faces of the list are not here"),
    ):
        assert verify(station, photograph, **wrong) == 1
        assert said in only_error(capsys.readouterr().err)
    assert kinds(station) == BEFORE_THE_KEY
    assert (station.folder / "photograph.jpg").exists()


def test_without_the_engine_nothing_is_asked_for(
    station: Station, capsys: Printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert verify(station, encoded(small(LISTED[0])), engine="tfhe", journal=tmp_path / "nowhere") == 1
    said = only_error(capsys.readouterr().err)
    assert "not installed" in said
    assert "make tfhe" in said
    assert (station.folder / "photograph.jpg").exists()
    assert not (tmp_path / "nowhere").exists()


def test_a_deployment_under_other_rules_is_not_for_it(first: Station, capsys: Printed) -> None:
    live = first.opened(FORCE)
    assert verify(live, encoded(small(LISTED[0]))) == 1
    assert "not for checks of one person" in only_error(capsys.readouterr().err)
    assert kinds(live) == BEFORE_THE_KEY


def test_nobody_is_compared_with_a_removed_entry(station: Station, capsys: Printed) -> None:
    entry = OperatorPackage.load(station.watchlist / "operator.json").entries[0]
    removal = Tombstone(
        deployment=station.deployment,
        watchlist_digest=station.manifest.watchlist.digest,
        sequence=1,
        removed=(0,),
        reason="Found at home",
        issued_at=stamp(datetime.now(UTC)),
    )
    signed = FORCE.sign(removal.envelope(), "b.osei").to_json()
    station.server.client("custodian").put_tombstone(station.deployment, 1, signed)
    assert verify(station, encoded(small(LISTED[0])), reference=entry.reference) == 1
    assert "removed from the list" in only_error(capsys.readouterr().err)
    assert kinds(station) == BEFORE_THE_KEY


def test_a_deployment_that_was_stopped_is_used_no_more(station: Station, capsys: Printed) -> None:
    operator = station.server.client("operator")
    stop = Stop(
        deployment=station.deployment,
        manifest_digest=operator.get_deployment(station.deployment).manifest_digest,
        reason="A fault",
        issued_at=stamp(datetime.now(UTC)),
    )
    operator.stop_deployment(station.deployment, FORCE.sign(stop.envelope(), OPERATOR).to_json())
    assert verify(station, encoded(small(LISTED[0]))) == 1
    assert "has stopped the deployment" in only_error(capsys.readouterr().err)
    assert kinds(station) == BEFORE_THE_KEY


def test_a_comparison_that_comes_to_nothing_is_in_the_journal(station: Station, capsys: Printed) -> None:
    assert verify(station, encoded(wall())) == 1
    assert "No face was found" in capsys.readouterr().err
    assert kinds(station) == WITHOUT_ANSWER
    assert given(station) == ["unanswered"]


class Breaking:
    """An engine that looks at what is left of a face when it is asked, and gives no verdict."""

    scheme = "none"

    def __init__(self, view: View) -> None:
        self._view = view
        self.asked: list[Integers] = []

    def verdicts(self, probe: Integers, entries: Integers, threshold: int) -> Verdicts:  # noqa: ARG002
        assert not any(plain.any() for plain in (self._view.crop, self._view.portrait, self._view.embedding))
        assert probe.any()
        self.asked = [probe, entries]
        raise WorkerLost


def test_faces_are_overwritten_before_they_are_compared_and_templates_afterwards(
    pipeline: FacePipeline,
) -> None:
    face = pipeline.faces(small(LISTED[0]))[0]
    templates = Templater(pipeline)
    entry = templates.of(face.embedding)
    view = View(face.crop, np.zeros((SIDE, SIDE, 3), np.uint8), face.embedding)
    engine = Breaking(view)
    with pytest.raises(WorkerLost):
        decide(Taken(view, stamp(datetime.now(UTC)), ()), entry, 100, templates, engine)
    assert engine.asked
    assert not any(each.any() for each in engine.asked)


def test_the_template_of_an_operators_face_is_that_of_the_photograph(pipeline: FacePipeline) -> None:
    """Cut out and scaled down as it was, the face has nearly the template that the photograph gives."""
    photograph = small(LISTED[1])
    face = pipeline.faces(photograph)[0]
    templates = Templater(pipeline)
    whole = templates.of(face.embedding)
    seen = listed(Portrait(portrait(photograph, face.landmarks)), pipeline, templates)
    cosine = float(whole @ seen / np.linalg.norm(whole) / np.linalg.norm(seen))
    assert cosine > 0.8
