"""Checks of one person by real commands over a real server: the answer, the grounds, and what is refused."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from blindwatch.camera.sources import Clip
from blindwatch.demo.photographs import alter
from blindwatch.errors import ConfigurationError, NoFace
from blindwatch.operator.taking import take, watched
from blindwatch.records.operator import Alerted, CheckAnswered, Checked
from blindwatch.statements.package import OperatorPackage
from blindwatch.statements.predicates import Revocation
from blindwatch.vision.pipeline import FacePipeline

from ..people import CAMERA, stamp
from ..proof.tap import Traffic, tap
from ..serving import FORCE
from .clips import Walk, in_memory, write_clip
from .photographs import encoded, group, small, wall, write
from .running import SIMILARITY, command, only_error
from .stations import OPERATOR, Station, stationed

if TYPE_CHECKING:
    from tests.serving import ServerProcess

    Printed = pytest.CaptureFixture[str]

LISTED = (0, 18, 31, 77)
STRANGER = 50


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, server: ServerProcess) -> Station:
    photographs = [encoded(small(number)) for number in LISTED]
    return stationed(tmp_path_factory.mktemp("stations"), server, photographs, threshold=SIMILARITY)


@pytest.fixture
def station(first: Station) -> Station:
    return first.opened()


def kinds(station: Station) -> list[str]:
    return [each.kind for each in station.records()]


def reference(station: Station, number: int) -> str:
    """What stands for somebody on the list."""
    names = json.loads((station.watchlist / "names.json").read_text())
    package = OperatorPackage.load(station.watchlist / "operator.json")
    wanted = f"CI-2026-{number}"
    return next(e.reference for e in package.entries if names[e.reference]["sourceRef"] == wanted)


def test_somebody_of_the_list_is_found_and_the_grounds_are_in_the_journal(
    station: Station, capsys: Printed
) -> None:
    assert station.check(encoded(alter(small(LISTED[1])), ".jpg")) == 0
    shown = capsys.readouterr().out
    assert "Match." in shown
    assert reference(station, 1) in shown
    assert not (station.folder / "photograph.jpg").exists()
    received, checked, alerted, answered, forgotten = station.records()
    assert isinstance(checked, Checked)
    assert (checked.operator, checked.camera) == (OPERATOR, CAMERA)
    assert (checked.place, checked.reason, checked.harm) == ("public", "cannot-identify", None)
    assert isinstance(alerted, Alerted)
    assert alerted.alert == checked.check
    assert isinstance(answered, CheckAnswered)
    assert (answered.check, answered.answer) == (checked.check, "match")
    assert (received.kind, forgotten.kind) == ("key-received", "key-forgotten")
    # Who it was about is a salted commitment, and nothing of the result is left on the server.
    written = b"".join(path.read_bytes() for path in (station.journal / "site").rglob("*") if path.is_file())
    assert reference(station, 1).encode() not in written
    assert station.server.client("operator").fetch_results(station.deployment).results == ()


def test_of_somebody_who_is_not_listed_there_is_an_answer_and_nothing_else(
    station: Station, capsys: Printed
) -> None:
    assert station.check(encoded(small(STRANGER))) == 0
    shown = capsys.readouterr().out
    assert "No match." in shown
    assert "adjudicate" not in shown
    assert kinds(station) == ["key-received", "checked", "check-answered", "key-forgotten"]
    answered = station.records()[2]
    assert isinstance(answered, CheckAnswered)
    assert answered.answer == "no-match"
    assert list((station.journal / "salts").iterdir()) == []


def test_what_became_of_a_match_is_decided_as_of_an_alert(station: Station, capsys: Printed) -> None:
    assert station.check(encoded(small(LISTED[0]))) == 0
    checked = next(each for each in station.records() if isinstance(each, Checked))
    decided = command(
        *("operator", "adjudicate"),
        journal=station.journal,
        alert=checked.check[:8],
        outcome="rejected",
        reason="relative-or-lookalike",
        identity=station.folder / f"{OPERATOR}.pem",
        register=station.folder / "register.toml",
    )
    assert decided == 0
    capsys.readouterr()
    assert command("operator", "journal", "show", journal=station.journal) == 0
    shown = capsys.readouterr().out
    assert "1 alerts, 0 without a final outcome" in shown
    assert "1 checks of one person" in shown
    assert "cannot-identify" in shown


def test_a_private_place_needs_a_risk_of_significant_harm(station: Station, capsys: Printed) -> None:
    photograph = encoded(small(STRANGER))
    for wrong, said in (
        ({"place": "home"}, "has to be stated"),
        ({"place": "street"}, "no such kind of place"),
        ({"reason": "curiosity"}, "no such reason"),
        ({"place": "school", "harm": "none"}, "no such risk"),
    ):
        assert station.check(photograph, **wrong) == 1
        assert said in only_error(capsys.readouterr().err.split("\n", 0)[0])
    # Refused before the key was asked for and the photograph was touched.
    assert kinds(station) == []
    assert (station.folder / "photograph.jpg").exists()
    assert station.check(photograph, place="home", harm="to-others") == 0
    checked = station.records()[1]
    assert isinstance(checked, Checked)
    assert (checked.place, checked.harm) == ("home", "to-others")


def test_a_deployment_under_other_rules_is_not_for_checks(first: Station, capsys: Printed) -> None:
    live = first.opened(FORCE)
    assert live.check(encoded(small(STRANGER))) == 1
    assert "not for checks of one person" in only_error(capsys.readouterr().err)
    assert kinds(live) == []


@pytest.mark.parametrize(
    ("photograph", "said"),
    [
        pytest.param(encoded(wall()), "No face was found", id="nobody"),
        pytest.param(encoded(group(0, 50)), "shows several faces", id="several people"),
        pytest.param(b"this is not an image", "not an image", id="no image"),
    ],
)
def test_a_photograph_that_is_of_no_use_is_not_sent(
    station: Station, capsys: Printed, photograph: bytes, said: str
) -> None:
    assert station.check(photograph) == 1
    assert said in only_error(capsys.readouterr().err.split("blindwatch policy show oifr\n")[1])
    assert kinds(station) == ["key-received", "key-forgotten"]
    assert not (station.folder / "photograph.jpg").exists()


def test_a_file_is_not_taken_unless_it_may_be_removed(station: Station, capsys: Printed) -> None:
    path = write(station.folder / "kept.png", small(STRANGER))
    assert command("operator", "check", **station.named(photograph=path)) == 1
    assert "would stay where it is" in capsys.readouterr().err
    assert path.exists()
    assert kinds(station) == []


def test_where_no_photograph_can_come_from(pipeline: FacePipeline) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read and removed"):
        take("nowhere.jpg", pipeline)
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        take("99", pipeline)


def test_a_camera_that_is_not_listed_or_is_revoked_is_refused(station: Station, capsys: Printed) -> None:
    assert command("camera", "identity", name="other", out=station.folder / "other.pem") == 0
    assert station.check(encoded(small(LISTED[0])), camera=station.folder / "other.pem") == 1
    assert "does not list this camera's key" in only_error(capsys.readouterr().err)
    assert kinds(station) == []
    key = station.manifest.cameras[0].key_id
    statement = Revocation(
        deployment=station.deployment, camera_key=key, reason="Lost", issued_at=stamp(datetime.now(UTC))
    )
    signed = FORCE.sign(statement.envelope(), "b.osei").to_json()
    station.server.client("custodian").put_revocation(station.deployment, key, signed)
    assert station.check(encoded(small(LISTED[0]))) == 1
    assert "is revoked" in capsys.readouterr().err
    assert "checked" not in kinds(station)


def test_a_check_without_an_answer_is_in_the_journal_and_disturbs_no_other(
    station: Station, capsys: Printed
) -> None:
    station.server.pause()
    try:
        assert station.check(encoded(small(LISTED[0])), wait=1) == 1
        assert "no result in time" in capsys.readouterr().err
    finally:
        station.server.resume()
    station.server.results(station.deployment, 1)
    assert station.check(encoded(small(STRANGER))) == 0
    assert "No match." in capsys.readouterr().out
    answers = [each.answer for each in station.records() if isinstance(each, CheckAnswered)]
    assert answers == ["unanswered", "no-match"]
    # What nobody waits for any more is left to expire.
    left = station.server.client("operator").fetch_results(station.deployment).results
    checked = [each.check for each in station.records() if isinstance(each, Checked)]
    assert [each.probe_id for each in left] == checked[:1]


def asked(traffic: Traffic) -> list[bytes]:
    """What a program asked a server for, without the names in it."""
    lines = re.findall(rb"(?m)^(?:GET|PUT|POST|DELETE) [^?\s]*", b"\n".join(map(bytes, traffic.sent)))
    return [re.sub(rb"[0-9a-f]{32}", b"*", each) for each in lines]


def test_the_server_is_asked_the_same_whatever_the_answer_is(station: Station) -> None:
    seen: list[list[bytes]] = []
    for number in (LISTED[0], STRANGER):
        with tap(station.server.address) as between:
            assert station.check(encoded(small(number)), server=between.address) == 0
        seen.append(asked(between.traffic))
    assert seen[0] == seen[1]
    assert any(each.startswith(b"DELETE") for each in seen[0])
    answers = [each.answer for each in station.records() if isinstance(each, CheckAnswered)]
    assert answers == ["match", "no-match"]


def test_a_camera_is_looked_at_until_it_shows_one_face_well(pipeline: FacePipeline) -> None:
    walk = Walk(18, 0.5, 3, x=100, y=40, speed=0)
    with in_memory() as folder:
        taken = watched(Clip(write_clip(folder / "clip.avi", [walk], 2)), pipeline)
        assert taken.shortcomings == ()
        # Whoever sees the answer has the person before them, so the sealed face is nobody's.
        assert not taken.view.portrait.any()
        assert taken.view.crop.any()
        with pytest.raises(NoFace, match="not seen one face well"):
            watched(Clip(write_clip(folder / "nobody.avi", [], 1)), pipeline)


def test_on_photographs_of_people(
    faces_dir: Path, server: ServerProcess, tmp_path: Path, capsys: Printed
) -> None:
    """One photograph enrolled, another one checked, as a process that is given it on its standard input."""
    lfw = faces_dir / "lfw"
    people = ("George_W_Bush", "Colin_Powell", "Tony_Blair", "Serena_Williams")
    listed = [(lfw / who / f"{who}_0001.jpg").read_bytes() for who in people]
    station = stationed(tmp_path, server, listed).opened()
    photograph = (lfw / "Tony_Blair" / "Tony_Blair_0003.jpg").read_bytes()
    done = subprocess.run(station.words(), input=photograph, capture_output=True, timeout=120, check=True)
    assert b"Match." in done.stdout
    assert reference(station, 2).encode() in done.stdout
    capsys.readouterr()
    assert station.check((lfw / "Roger_Federer" / "Roger_Federer_0002.jpg").read_bytes()) == 0
    assert "No match." in capsys.readouterr().out
