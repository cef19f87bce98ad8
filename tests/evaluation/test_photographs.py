"""Real photographs: the same figures as the models' cards, and the same decisions under encryption."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from rich.progress import Progress

from blindwatch.evaluation.calibration import Calibrator
from blindwatch.evaluation.fairness import decide
from blindwatch.evaluation.measuring import Measurement, Method, Plan
from blindwatch.evaluation.reading import Choice, read_embeddings, read_names
from blindwatch.evaluation.samples import Samples
from blindwatch.evaluation.scoring import cosines
from blindwatch.evaluation.verification import Comparisons
from blindwatch.he.presets import preset
from blindwatch.vision.registry import Registry, embedded_directory

pytestmark = pytest.mark.photographs
REVEAL = preset("reveal-128")


@pytest.fixture(scope="module")
def people(faces_dir: Path) -> Samples:
    """Those that none of the project's own models has seen, by the embeddings of the reference pipeline."""
    choice = Choice(held_out=True, left_out=read_names(faces_dir / "lfw_errata_images.txt"))
    return read_embeddings(
        faces_dir / "lfw_embeddings_retail_0095.npz", "retail-0095", Registry.load(), choice
    )


def test_the_rates_are_those_of_the_card(people: Samples) -> None:
    """Of the card's photographs some differ: at most five of each person, by another draw."""
    card = tomllib.loads((embedded_directory() / "measured.toml").read_text())["retail-0095"]["yunet-dynamic"]
    floats = Comparisons.of(cosines(people.embeddings), people.subject)
    for row in card["cosine"]:
        rate = floats.fnmr(row["threshold"])
        assert rate.low <= row["fnmr"] <= rate.high
        assert floats.fmr(row["threshold"]).value == pytest.approx(row["fmr"], rel=0.15)
    (row, *_) = card["template"]
    decided = decide(people, REVEAL, REVEAL.thresholds(row["cosine"]))
    integers = Comparisons.of(decided.scores, people.subject)
    assert integers.fmr(row["fine"]).low <= row["fmr"] <= integers.fmr(row["fine"]).high
    assert integers.fnmr(row["fine"]).low <= row["fnmr"] <= integers.fnmr(row["fine"]).high


def card_rows(repo: Path, wanted: str) -> Iterator[tuple[str, str, float, list[float]]]:
    """Of each row of the performance card: why, by what method, at which threshold, and its rates without bounds."""
    page = (repo / "models" / "cards" / "performance.md").read_text(encoding="utf-8")
    section = page.partition("## retail-0095, with yunet-dynamic\n")[2].partition("\n## ")[0]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0].startswith(wanted):
            threshold = cells[2].removesuffix(", gate alone").rpartition(" ")[2].replace(",", "")
            rates = [float(cell.split(" %")[0]) / 100 for cell in cells[3:] if "[" in cell]
            yield cells[0], cells[1], float(threshold), rates


def test_the_rates_are_those_of_the_performance_card(repo: Path, people: Samples) -> None:
    """The card's embeddings were not rounded to half precision, so a photograph or two may be decided otherwise."""
    searches = Calibrator.of(people, REVEAL).searches
    decided = decide(people, REVEAL, REVEAL.thresholds(0.4))
    by_method = {
        Method.FLOAT.value: Comparisons.of(cosines(people.embeddings), people.subject),
        Method.CLEAR.value: Comparisons.of(decided.scores, people.subject),
    }
    rows = list(card_rows(repo, "FMR"))
    assert len(rows) == 6
    for _, method, threshold, (fmr, fnmr, *_) in rows:
        found = by_method[method]
        assert found.fmr(threshold).value == pytest.approx(fmr, rel=0.1)
        assert found.fnmr(threshold).value == pytest.approx(fnmr, abs=0.002)
    clear = [row for row in card_rows(repo, "FPIR") if row[1] == Method.CLEAR.value]
    assert len(clear) == 2
    for _, _, threshold, (fnir, single, _, whole, *_) in clear:
        assert searches.fnir(threshold).value == pytest.approx(fnir, abs=0.004)
        for entries, rate in ((1, single), (searches.longest, whole)):
            rests_on_few = searches.fpir(threshold, entries).basis
            assert rests_on_few.low <= rate <= rests_on_few.high


def test_rounding_costs_little_and_encryption_nothing(people: Samples) -> None:
    few = people.select(people.subject < 60)
    plan = Plan(fmr=(1e-2,), fpir=(1e-1,), entries=(100,), draws=50, searched=12)
    with Progress(disable=True) as display:
        found = Measurement(few, REVEAL, plan, display).run()
    assert found.tally.searches >= 12
    assert found.tally.different == found.rank_tally.different == 0
    assert found.ranks[Method.CLEAR].rank.tolist() == found.ranks[Method.ENCRYPTED].rank.tolist()
    near = [found.ranks[each].identified(1).value for each in (Method.FLOAT, Method.CLEAR)]
    assert np.ptp(near) < 0.05
