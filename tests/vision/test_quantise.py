from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from blindwatch.errors import InputError
from blindwatch.he.presets import preset
from blindwatch.vision.quantise import quantise, templates

DIMENSION = 128
BOUND = 200

coordinates = st.floats(-1, 1, allow_subnormal=True)
embeddings = hnp.arrays(np.float64, DIMENSION, elements=coordinates).filter(np.any)
bounds = st.integers(DIMENSION, 1000)


def rounded(embedding: NDArray[np.float64], scale: float) -> NDArray[np.int64]:
    """Round half up in magnitude, as an independent statement of what quantising means."""
    return (np.sign(embedding) * np.floor(np.abs(embedding) * scale + 0.5)).astype(np.int64)


def squared(template: NDArray[np.int64]) -> int:
    return int(template @ template)


@given(embeddings, bounds)
def test_the_squared_norm_never_passes_the_bound(embedding: NDArray[np.float64], bound: int) -> None:
    template = quantise(embedding, bound)
    assert (template.shape, template.dtype) == ((DIMENSION,), np.dtype(np.int64))
    assert 0 < squared(template) <= bound
    assert (template * np.sign(embedding) >= 0).all()


@given(hnp.arrays(np.float64, DIMENSION, elements=st.floats(-1, 1, width=16)).filter(np.any), bounds)
def test_the_scale_is_the_largest_that_keeps_the_bound(embedding: NDArray[np.float64], bound: int) -> None:
    template = quantise(embedding, bound)
    present = embedding != 0
    lengths, steps = np.abs(embedding[present]), np.abs(template[present])
    least, end = ((steps - 0.5) / lengths).max(), ((steps + 0.5) / lengths).min()
    assert least < end  # one scale explains every coordinate
    assert (rounded(embedding, (max(least, 0) + end) / 2) == template).all()
    assert squared(rounded(embedding, end * (1 + 1e-9))) > bound


@given(embeddings, st.integers(-300, 300))
def test_only_the_direction_counts(embedding: NDArray[np.float64], exponent: int) -> None:
    embedding = np.where(np.abs(embedding) < 1e-6, 0, embedding)
    if embedding.any():
        assert (quantise(embedding * 2.0**exponent, BOUND) == quantise(embedding, BOUND)).all()


def test_a_dense_embedding_uses_nearly_all_of_the_bound() -> None:
    generator = np.random.default_rng(1)
    norms = [squared(quantise(generator.normal(size=DIMENSION), BOUND)) for _ in range(200)]
    assert min(norms) >= BOUND - 8  # the step that no longer fits adds 7 at most, or is one of a tie
    assert np.mean(norms) >= BOUND - 2


def test_integer_products_follow_the_cosine() -> None:
    generator = np.random.default_rng(2)
    first = generator.normal(size=(300, DIMENSION))
    second = first * generator.uniform(0, 1, (300, 1)) + generator.normal(size=(300, DIMENSION))
    cosines = (first * second).sum(1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    products = [int(quantise(a, BOUND) @ quantise(b, BOUND)) for a, b in zip(first, second, strict=True)]
    assert np.abs(np.array(products) / BOUND - cosines).max() < 0.1


def test_templates_have_both_scales_of_the_preset() -> None:
    generator = np.random.default_rng(3)
    chosen = preset("reveal-128")
    rows = generator.normal(size=(5, DIMENSION))
    made = templates(rows, chosen)
    for own, bound in ((made.coarse, chosen.squared_norm), (made.fine, chosen.fine_squared_norm)):
        assert (own == np.stack([quantise(row, bound) for row in rows])).all()
    lengths = np.linalg.norm(rows, axis=1)
    cosines = rows @ rows.T / np.outer(lengths, lengths)
    assert np.abs(made.fine @ made.fine.T / chosen.fine_squared_norm - cosines).max() < 0.01


@pytest.mark.parametrize("smallest", [5e-324, 1e-310])
def test_an_embedding_of_the_smallest_numbers(smallest: float) -> None:
    embedding = np.zeros(DIMENSION)
    embedding[3] = -smallest
    expected = np.zeros(DIMENSION, np.int64)
    expected[3] = -14
    assert (quantise(embedding, BOUND) == expected).all()


@pytest.mark.parametrize(
    ("embedding", "bound"),
    [
        pytest.param(np.zeros(DIMENSION), BOUND, id="zero"),
        pytest.param(np.full(DIMENSION, np.nan), BOUND, id="all not a number"),
        pytest.param(np.r_[np.nan, np.ones(DIMENSION - 1)], BOUND, id="one not a number"),
        pytest.param(np.r_[np.inf, np.ones(DIMENSION - 1)], BOUND, id="infinite"),
        pytest.param(np.ones((2, DIMENSION)), BOUND, id="two at once"),
        pytest.param(np.ones(0), BOUND, id="empty"),
        pytest.param(np.ones(DIMENSION), 0, id="no room at all"),
        pytest.param(np.ones(DIMENSION), DIMENSION - 1, id="no room in this direction"),
    ],
)
def test_what_has_no_template_is_refused(embedding: NDArray[np.float64], bound: int) -> None:
    with pytest.raises(InputError):
        quantise(embedding, bound)
