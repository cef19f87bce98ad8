"""Ranked search by its commands, from the ceremony to the ranking."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindwatch.custodian.ceremony import ranked_key
from blindwatch.operator.journal import Journal
from blindwatch.operator.searches import Inquiry, inquiries
from blindwatch.operator.searching import Candidate, best
from blindwatch.secret import candidates
from blindwatch.statements.package import OperatorPackage
from blindwatch.vision.image import Image
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.quantise import quantise
from blindwatch.vision.registry import Registry
from blindwatch.wire import limits

from ..client.photographs import small
from ..client.running import command
from ..gallery import NUMBERS, SOUGHT, ceremony, enrol, papers, prepare, sign, upload

if TYPE_CHECKING:
    from tests.serving import ServerProcess


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    prepare(tmp_path)
    return tmp_path


def rank(folder: Path, address: str, **more: Path | int | str) -> int:
    given_options = {
        **papers(folder, address),
        "photograph": folder / "sought.jpg",
        "crime_reference": "CR/0042/26",
        "reason": "unknown-suspect",
        **more,
    }
    return command("operator", "rank", **given_options)


def conclude(folder: Path, search: str, outcome: str) -> int:
    return command(
        *("operator", "conclude"),
        journal=folder / "journal",
        search=search,
        outcome=outcome,
        identity=folder / "e.novak.pem",
        register=folder / "register.toml",
    )


def in_journal(folder: Path) -> dict[str, Inquiry]:
    with Journal(folder / "journal") as journal:
        return inquiries(journal)


def test_from_ceremony_to_ranking(
    folder: Path, start: Callable[..., ServerProcess], capsys: pytest.CaptureFixture[str]
) -> None:
    server = start(allow_ranked=True)
    assert ceremony(folder) == 0
    assert {path.name for path in (folder / "keys").iterdir()} == {
        "encryption.key",
        "secret.key.age",
        "keys.json",
    }
    assert enrol(folder) == 0
    assert sign(folder) == 0
    assert upload(folder, server.address) == 0
    capsys.readouterr()
    assert rank(folder, server.address, top=3, out=folder / "ranking.json") == 0
    shown = capsys.readouterr().out
    ranking = json.loads((folder / "ranking.json").read_text())
    preset = ranked_key(folder / "keys").preset
    names = json.loads((folder / "gallery" / "names.json").read_text())
    entries = json.loads((folder / "gallery" / "operator.json").read_text())["entries"]
    pipeline = FacePipeline.named(Registry.load())
    enrolled = [
        small(int(names[entry["reference"]]["sourceRef"].removeprefix("CI-2026-"))) for entry in entries
    ]
    photographs: list[Image | Path] = [*enrolled, folder / "sought.jpg"]
    templates = [quantise(pipeline.faces(image)[0].embedding, preset.squared_norm) for image in photographs]
    scores = np.stack(templates[:-1]) @ templates[-1]
    expected = [{"entry": each.entry, **entries[each.entry], "score": each.score} for each in best(scores, 3)]
    assert ranking == expected
    assert names[ranking[0]["reference"]]["sourceRef"] == f"CI-2026-{SOUGHT}"
    assert sum(entry["reference"] in shown for entry in entries) == 3
    assert "Quillon" not in shown
    # Searched, acknowledged and gone.
    assert server.client("operator").health().queued == 0
    assert "Quillon" not in server.log
    # The journal has who searched, for which crime and why; the server's log has the search by the same name.
    ((search, inquiry),) = in_journal(folder).items()
    made = inquiry.searched
    assert (made.operator, made.reference, made.reason) == ("e.novak", "CR/0042/26", "unknown-suspect")
    assert made.photograph == hashlib.sha256((folder / "sought.jpg").read_bytes()).hexdigest()
    assert search[:8] in shown
    with Journal(folder / "journal") as journal:
        kinds = [each.kind for each in journal.records()]
    assert kinds == ["key-received", "searched", "key-forgotten"]
    # What became of it is said once.
    assert inquiry.concluded is None
    assert conclude(folder, search[:8], "eliminated") == 0
    assert conclude(folder, search[:8], "inconclusive") == 1
    assert "has its outcome already: eliminated" in capsys.readouterr().err
    concluded = in_journal(folder)[search].concluded
    assert concluded is not None
    assert (concluded.outcome, concluded.operator) == ("eliminated", "e.novak")
    assert command("operator", "journal", "show", journal=folder / "journal") == 0
    assert "1 searches, 0 without an outcome" in capsys.readouterr().out
    # No search without a crime.
    for wrong in ({"crime_reference": ""}, {"crime_reference": "Mr Smith"}, {"reason": "I want to"}):
        assert rank(folder, server.address, **wrong) == 1
        assert "not in its form" in capsys.readouterr().err
    assert rank(folder, server.address, identity=folder / "a.khan.pem") == 1
    assert "not the keys of an operator" in capsys.readouterr().err
    for wrong_name, outcome in ((search[:7], "inconclusive"), ("0" * 8, "inconclusive"), (search, "guilty")):
        assert conclude(folder, wrong_name, outcome) == 1
        capsys.readouterr()
    assert len(in_journal(folder)) == 1
    # Shares of another ceremony.
    (folder / "shares").rename(folder / "first")
    (folder / "keys").rename(folder / "first-keys")
    assert ceremony(folder) == 0
    shutil.rmtree(folder / "keys")
    (folder / "first-keys").rename(folder / "keys")
    assert rank(folder, server.address) == 1
    assert "shares do not open" in capsys.readouterr().err


def test_a_gallery_with_too_many_faces_has_no_file_of_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ceremony(folder) == 0
    monkeypatch.setattr(limits, "FACES", len(NUMBERS) - 1)
    assert enrol(folder) == 0
    assert not (folder / "gallery" / candidates.FILE).exists()
    assert OperatorPackage.load(folder / "gallery" / "operator.json").candidates is None


def test_what_the_commands_refuse(
    folder: Path, server: ServerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ceremony(folder) == 0
    assert ceremony(folder) == 1
    assert enrol(folder, threshold=130) == 1
    assert "no threshold" in capsys.readouterr().err
    assert enrol(folder) == 0
    assert upload(folder, server.address) == 1
    assert "signed by 1 custodians of the 2" in capsys.readouterr().err
    assert sign(folder) == 0
    assert upload(folder, server.address) == 1
    assert "does not allow ranked search" in capsys.readouterr().err
    assert rank(folder, server.address) == 1
    other = folder / "other"
    assert (
        command(
            "custodian",
            "ceremony",
            out=other,
            profile="rfr",
            preset="rank-256",
            share_files=folder / "other-shares",
        )
        == 0
    )
    (folder / "keys").rename(folder / "first")
    other.rename(folder / "keys")
    assert enrol(folder) == 1
    assert "dimension" in capsys.readouterr().err
    assert rank(folder, server.address) == 1
    assert "no such deployment" in capsys.readouterr().err


@given(st.lists(st.integers(-4095, 4095), min_size=1, max_size=60), st.integers(1, 70))
def test_the_best_are_those_of_a_whole_sort(scores: list[int], count: int) -> None:
    order = sorted(range(len(scores)), key=lambda entry: (-scores[entry], entry))[:count]
    assert best(np.array(scores), count) == [Candidate(entry, scores[entry]) for entry in order]
