"""The cheapest assignment of rows to columns, exactly (the Hungarian method).

For the few faces of a frame these lines take no time that counts. SciPy has the same as one of its functions, and
would be the largest package of a camera; the tests compare the two.
"""

from __future__ import annotations

from math import inf

import numpy as np
from numpy.typing import NDArray


def assign(costs: NDArray[np.float64], limit: float) -> list[tuple[int, int]]:
    """Pairs of row and column, as many as there can be under `limit`, of these the cheapest; each in one pair."""
    rows, columns = costs.shape
    side = max(rows, columns)
    # Dearer than all pairs under the limit together, so that no such pair is given up for a cheaper rest.
    padded = np.full((side, side), 2.0 * (side + 1) * limit)
    padded[:rows, :columns][costs < limit] = costs[costs < limit]
    return [
        (row, column)
        for row, column in enumerate(_solve(padded)[:rows])
        if column < columns and costs[row, column] < limit
    ]


def _solve(costs: NDArray[np.float64]) -> list[int]:
    """The column of each row of a square matrix: rows are added one by one along cheapest augmenting paths."""
    side = len(costs)
    row_price, column_price = np.zeros(side), np.zeros(side + 1)
    row_of = np.full(side + 1, -1)  # the last column stands for the row that is being added
    for row in range(side):
        row_of[side] = row
        column, least, came_from = side, np.full(side, inf), np.full(side, side)
        done = np.zeros(side + 1, bool)
        while row_of[column] >= 0:
            done[column] = True
            here = row_of[column]
            offered = costs[here] - row_price[here] - column_price[:side]
            closer = ~done[:side] & (offered < least)
            least[closer], came_from[closer] = offered[closer], column
            following = int(np.argmin(np.where(done[:side], inf, least)))
            step = least[following]
            row_price[row_of[done]] += step
            column_price[done] -= step
            least[~done[:side]] -= step
            column = following
        while column != side:
            row_of[column], column = row_of[came_from[column]], int(came_from[column])
    return [int(np.flatnonzero(row_of[:side] == row)[0]) for row in range(side)]
