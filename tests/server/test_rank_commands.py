"""Ranked search by its commands, from the ceremony to the ranking, with a pipeline that needs no photographs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindwatch.cli.main import run
from blindwatch.custodian.ceremony import ranked_key
from blindwatch.operator.searching import Candidate, best
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.quantise import quantise

from ..serving import TOKENS

if TYPE_CHECKING:
    from tests.serving import ServerProcess


@dataclass(frozen=True)
class Drawn:
    embedding: np.ndarray


class DrawnPipeline:
    """Makes of a file a direction that follows from what is in it."""

    dimension = 128
    model_digest = "ab" * 32

    def faces(self, source: Path) -> list[Drawn]:
        person, look = json.loads(source.read_text())
        base = np.random.default_rng(person).normal(size=self.dimension)
        return [Drawn(base + 0.3 * np.random.default_rng([person, look]).normal(size=self.dimension))]


def photograph(path: Path, person: int, look: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([person, look]))
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(FacePipeline, "named", lambda *_, **__: DrawnPipeline())
    for person in range(12):
        photograph(tmp_path / "list" / f"person-{person:02}" / "1.jpg", person, 1)
    (tmp_path / "passphrase").write_text("a passphrase")
    for role, token in TOKENS.items():
        (tmp_path / f"{role}.token").write_text(token)
    return tmp_path


def command(folder: Path, *words: str, **options: Path | str | int) -> int:
    given_options = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    return run([*words, *given_options])


def ceremony(folder: Path, preset: str = "rank-128") -> int:
    return command(
        folder,
        *("custodian", "ceremony"),
        out=folder / "keys",
        preset=preset,
        passphrase_file=folder / "passphrase",
    )


def enrol(folder: Path, **options: int) -> int:
    return command(
        folder,
        *("custodian", "enrol"),
        keys=folder / "keys",
        faces=folder / "list",
        watchlist=folder / "gallery",
        **options,
    )


def upload(folder: Path, address: str) -> int:
    return command(
        folder,
        *("custodian", "upload"),
        keys=folder / "keys",
        watchlist=folder / "gallery",
        server=address,
        deployment="cold-case",
        token_file=folder / "custodian.token",
    )


def rank(folder: Path, address: str, person: int, **options: Path | int) -> int:
    return command(
        folder,
        *("operator", "rank"),
        keys=folder / "keys",
        entries=folder / "gallery" / "entries.json",
        photograph=photograph(folder / "sought.jpg", person, 2),
        server=address,
        deployment="cold-case",
        token_file=folder / "operator.token",
        passphrase_file=folder / "passphrase",
        **options,
    )


def test_from_ceremony_to_ranking(
    folder: Path, start: Callable[..., ServerProcess], capsys: pytest.CaptureFixture[str]
) -> None:
    server = start(allow_ranked=True)
    assert ceremony(folder) == 0
    assert {path.name for path in (folder / "keys").iterdir()} == {
        "encryption.key",
        "secret.key",
        "keys.json",
    }
    assert enrol(folder) == 0
    assert upload(folder, server.address) == 0
    assert rank(folder, server.address, 7, top=3, out=folder / "ranking.json") == 0
    shown = capsys.readouterr().out
    ranking = json.loads((folder / "ranking.json").read_text())
    preset = ranked_key(folder / "keys").preset
    gallery, sought = (
        [
            quantise(DrawnPipeline().faces(path)[0].embedding, preset.squared_norm)
            for path in sorted(folder.glob(pattern))
        ]
        for pattern in ("list/*/1.jpg", "sought.jpg")
    )
    scores = np.stack(gallery) @ sought[0]
    expected = [
        {"entry": each.entry, "name": f"person-{each.entry:02}", "score": each.score}
        for each in best(scores, 3)
    ]
    assert ranking == expected
    assert ranking[0]["name"] == "person-07"
    assert "person-07" in shown
    assert sum(f"person-{person:02}" in shown for person in range(12)) == 3
    # Searched, acknowledged and gone.
    assert server.client("operator").health().queued == 0
    assert "person" not in server.log


def test_what_the_commands_refuse(
    folder: Path, server: ServerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ceremony(folder) == 0
    assert ceremony(folder) == 1
    assert enrol(folder, threshold=130) == 1
    assert "no threshold" in capsys.readouterr().err
    assert enrol(folder) == 0
    assert upload(folder, server.address) == 1
    assert "does not allow ranked search" in capsys.readouterr().err
    assert rank(folder, server.address, 7) == 1
    other = folder / "other"
    assert (
        command(
            folder,
            "custodian",
            "ceremony",
            out=other,
            preset="rank-256",
            passphrase_file=folder / "passphrase",
        )
        == 0
    )
    (folder / "keys").rename(folder / "first")
    other.rename(folder / "keys")
    assert enrol(folder) == 1
    assert rank(folder, server.address, 7) == 1
    assert "another key" in capsys.readouterr().err


@given(st.lists(st.integers(-4095, 4095), min_size=1, max_size=60), st.integers(1, 70))
def test_the_best_are_those_of_a_whole_sort(scores: list[int], count: int) -> None:
    order = sorted(range(len(scores)), key=lambda entry: (-scores[entry], entry))[:count]
    assert best(np.array(scores), count) == [Candidate(entry, scores[entry]) for entry in order]
