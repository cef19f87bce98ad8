"""The commands, on synthetic subjects: what they print, and what they leave in their folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blindwatch.cli.main import run
from blindwatch.evaluation.document import PAGE, RESULTS, SCHEMA_VERSION, TABLES

from .synthetic import faces

SUBJECTS, PHOTOGRAPHS = 60, 3


@dataclass(frozen=True)
class Done:
    """What a command left."""

    folder: Path

    @property
    def results(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / RESULTS).read_text()))

    @property
    def page(self) -> str:
        return (self.folder / PAGE).read_text()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two groups, one of them confused more often, one photograph without a face."""
    folder, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(6)
    rows = np.concatenate(
        [
            faces(rng, SUBJECTS, PHOTOGRAPHS, spread=0.8, crowding=0.75),
            faces(rng, SUBJECTS, PHOTOGRAPHS, spread=0.8, crowding=1.1),
        ]
    )
    rows[2] = np.nan
    names = [f"s{at // PHOTOGRAPHS:03}/{at}.jpg" for at in range(len(rows))]
    np.savez(folder / "embeddings.npz", names=np.array(names), embeddings=rows)
    lines = [f"s{at:03},{'red' if at < SUBJECTS else 'blue'}" for at in range(2 * SUBJECTS)]
    (folder / "groups.csv").write_text("\n".join(["subject,colour", *lines]))
    return folder


@pytest.fixture(scope="module")
def ran(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    out = tmp_path_factory.mktemp("run")
    words = ["--fmr=0.05", "--fmr=0.01", "--fpir=0.3", "--entries=500", "--encrypted=5", f"--out={out}"]
    assert run(["evaluate", "run", f"--embeddings={data / 'embeddings.npz'}", *words]) == 0
    return Done(out)


@pytest.fixture(scope="module")
def compared(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    out = tmp_path_factory.mktemp("fairness")
    words = [
        f"--groups={data / 'groups.csv'}",
        "--model=blindwatch-embedder",
        "--similarity=0.5",
        f"--out={out}",
    ]
    assert run(["evaluate", "fairness", f"--embeddings={data / 'embeddings.npz'}", *words]) == 0
    return Done(out)


def test_a_run_leaves_a_page_plots_tables_and_a_record_with_its_version(ran: Done) -> None:
    results = ran.results
    assert results["schema"] == "blindwatch-evaluation-run"
    assert results["schema_version"] == SCHEMA_VERSION == 1
    for name in ("det", "roc", "thresholds", "lists", "open-set", "ranks"):
        assert (ran.folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert "<svg" in (ran.folder / f"{name}.svg").read_text()
        assert f'id="{name}-' in ran.page
    assert "| wanted | method |" in (ran.folder / TABLES).read_text()


def test_everything_is_there_three_times_and_the_same_under_encryption(ran: Done) -> None:
    results = ran.results
    methods = [point["method"] for point in results["operating"]]
    assert [methods.count(each) for each in ("float", "clear", "encrypted")] == [3, 3, 3]
    assert set(results["ranks"]) == {"float", "clear", "encrypted"}
    assert results["ranks"]["clear"] == results["ranks"]["encrypted"]
    tallies = results["encryption"]
    assert sum(each["different"] for each in tallies.values()) == 0
    comparisons = len(range(2 * SUBJECTS * PHOTOGRAPHS)) - 1
    assert {each["comparisons"] for name, each in tallies.items() if name != "ranked"} == {5 * comparisons}


def test_no_rate_of_a_run_is_zero(ran: Done) -> None:
    def rates(value: object) -> list[dict[str, Any]]:
        if isinstance(value, dict):
            found = [value] if "effective_trials" in value else []
            return found + [each for part in value.values() for each in rates(part)]
        return [each for part in value for each in rates(part)] if isinstance(value, list) else []

    found = rates(ran.results)
    assert len(found) > 40
    assert all(each["value"] != 0 for each in found)
    assert all(each["high"] > 0 for each in found)
    tables = (ran.folder / TABLES).read_text()
    assert "< " in tables
    assert " 0.00 %" not in tables


def test_what_is_extrapolated_is_marked_with_its_assumption(ran: Done) -> None:
    results = ran.results
    for point in results["operating"]:
        assert [each["measured"] for each in point["fpir"]] == [True, True, True, False]
        assert [each["entries"] for each in point["fpir"]] == [1, 100, 119, 500]
    assert results["assumption"] in ran.page
    assert "†" in ran.page
    assert results["fta"]["events"] + results["fte"]["events"] == 1


def test_nobody_is_named_in_what_a_run_leaves(ran: Done, compared: Done) -> None:
    for done in (ran, compared):
        for file in done.folder.iterdir():
            if file.suffix != ".png":
                assert "s001" not in file.read_text()


def test_a_biased_embedder_is_flagged_on_every_medium(compared: Done) -> None:
    results = compared.results
    difference = results["columns"]["colour"]["differences"]["fmr"]
    assert difference["probability"] < 0.05
    assert (difference["highest"], difference["lowest"]) == ("blue", "red")
    assert "FMR differs by colour: that of blue is" in compared.page
    assert "nothing here infers what anybody is" in compared.page
    assert (compared.folder / "groups-colour.svg").exists()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["run"], "Give --faces or --embeddings"),
        (["run", "--embeddings={data}/groups.csv"], "embeddings cannot be read"),
        (
            ["fairness", "--groups={data}/groups.csv", "--embeddings={data}/embeddings.npz", "--worsened=3"],
            "Give --faces",
        ),
        (
            [
                "fairness",
                "--groups={data}/groups.csv",
                "--embeddings={data}/embeddings.npz",
                "--relatives=family",
            ],
            "no column of this name",
        ),
        (["attacks", "--embeddings={data}/embeddings.npz", "--similarity=2"], "between 0 and 1"),
        (["attacks", "--embeddings={data}/embeddings.npz", "--similarity=0.5"], "too few subjects"),
    ],
)
def test_what_is_missing_is_said_in_a_sentence(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], complaint: str
) -> None:
    filled = [word.format(data=data) for word in words]
    assert run(["evaluate", *filled, f"--out={tmp_path / 'out'}"]) == 1
    printed = " ".join(capsys.readouterr().err.split())
    assert complaint in printed
    assert "Traceback" not in printed
