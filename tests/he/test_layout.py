from __future__ import annotations

import numpy as np
import pytest

from blindwatch.he.layout import Layout
from blindwatch.he.presets import PRESETS, preset

LAYOUTS = sorted(
    {layout for each in PRESETS.values() for layout in each.layouts}, key=lambda each: each.capacity
)
SMALL = (
    Layout(row=64, babies=4, giants=4, groups=1),
    Layout(row=64, babies=4, giants=1, groups=4),
    Layout(row=64, babies=2, giants=2, groups=2),
    Layout(row=64, babies=1, giants=8, groups=1),
)


def scores(layout: Layout, templates: np.ndarray, probe: np.ndarray) -> np.ndarray:
    """The encrypted computation, step by step, on plain rows."""

    def rotate(slots: np.ndarray, step: int) -> np.ndarray:
        return np.roll(slots.reshape(2, -1), -step, axis=1).ravel()

    parts = list(layout.diagonals(templates))
    total = np.zeros(2 * layout.row, dtype=np.int64)
    for giant in range(layout.giants):
        row = sum(
            parts[giant * layout.babies + baby] * rotate(layout.repeat(np.stack([probe, probe])), baby)
            for baby in range(layout.babies)
        )
        total += rotate(row, giant * layout.babies)
    for step in layout.group_steps:
        total = total + rotate(total, step)
    return total[layout.entry_slots()]


@pytest.mark.parametrize("layout", [*SMALL, *LAYOUTS], ids=repr)
@pytest.mark.parametrize("fill", [0.0, 0.3, 1.0])
def test_every_entry_gets_its_inner_product(layout: Layout, fill: float, rng: np.random.Generator) -> None:
    count = round(layout.capacity * fill)
    templates = rng.integers(-14, 15, (count, layout.dimension))
    probe = rng.integers(-14, 15, layout.dimension)
    expected = np.zeros(layout.capacity, dtype=np.int64)
    expected[:count] = templates @ probe
    assert np.array_equal(scores(layout, templates, probe), expected)


@pytest.mark.parametrize("layout", [*SMALL, *LAYOUTS], ids=repr)
def test_entries_have_slots_of_their_own(layout: Layout) -> None:
    slots = layout.entry_slots()
    assert len(set(slots.tolist())) == layout.capacity
    assert slots.max() < 2 * layout.row


@pytest.mark.parametrize("entries", [1, 500, 1008, 1009, 16384, 16385, 17_000, 40_000])
def test_a_plan_holds_all_entries_with_nothing_to_spare(entries: int) -> None:
    plan = preset("reveal-128").plan(entries)
    assert sum(each.capacity for each in plan[:-1]) < entries <= sum(each.capacity for each in plan)


def test_a_list_of_seventeen_thousand_is_one_large_and_one_small_block() -> None:
    assert [each.parts for each in preset("reveal-128").plan(17_000)] == [128, 8]
