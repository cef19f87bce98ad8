from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from blindwatch.console.training import Training
from blindwatch.errors import ConfigurationError

from .cases import ANNA, BEN

TEXT = '[trained]\n"e.novak" = 2026-03-01\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "training.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("operator", "day", "trained"),
    [
        (ANNA, date(2026, 2, 28), False),
        (ANNA, date(2026, 3, 1), True),
        (ANNA, date(2027, 2, 28), True),
        (ANNA, date(2027, 3, 1), False),
        (BEN, date(2026, 3, 1), False),
    ],
)
def test_a_training_counts_from_its_day_for_as_long_as_the_profile_says(
    tmp_path: Path, operator: str, day: date, trained: bool
) -> None:
    training = Training.load(written(tmp_path, TEXT), 365)
    assert training.is_trained(operator, day) is trained
    assert training.until(ANNA) == date(2027, 3, 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "trained = 3",
        "[trained]\nx = 3",
        '[trained]\n"E Novak" = 2026-03-01',
        '[trained]\n"e.novak" = 2026-03-01T10:00:00Z',
        TEXT + "[more]\n",
        "[trained",
    ],
)
def test_a_file_that_is_something_else_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError):
        Training.load(written(tmp_path, text), 365)
