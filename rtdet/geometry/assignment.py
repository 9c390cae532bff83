"""The heaviest assignment of the rows of a matrix to its columns, by shortest augmenting paths.

Crouse 2016, On implementing 2D rectangular assignment algorithms, after Jonker and Volgenant 1987, A shortest
augmenting path algorithm for dense and sparse linear assignment problems.
"""

from __future__ import annotations

import math

import numpy as np

from rtdet.types import FloatArray, IntArray


def assign(weight: FloatArray) -> tuple[IntArray, IntArray]:
    """Rows, rising, and columns of an assignment with the largest sum of `weight` (M, N); as many as the shorter side
    has.

    Weights are finite; those that are not positive are assigned too. Where several assignments are equally heavy, it
    is the one that Crouse's rules find and, with them, SciPy's `linear_sum_assignment`.
    """
    if weight.shape[1] < weight.shape[0]:
        columns, rows = assign(weight.T)
        order = rows.argsort()
        return rows[order], columns[order]
    column_of = _Augmenting(-np.ascontiguousarray(weight, dtype=np.float64)).solve()
    return np.arange(len(column_of)), np.array(column_of, dtype=np.int64)


class _Augmenting:
    """The least costly assignment of all rows of `cost` (M, N), M <= N, row by row.

    Each new row is the start of a search like Dijkstra's for the nearest free column; the rows on the way there move
    over. Lengths are reduced costs: what a cell costs beyond the prices of its row and its column, which is 0 where
    it is assigned and never less.
    """

    def __init__(self, cost: FloatArray) -> None:
        self._cost = cost
        self._row_price = [0.0] * cost.shape[0]
        self._column_price = np.zeros(cost.shape[1])
        self._column_of = [-1] * cost.shape[0]
        self._row_of = [-1] * cost.shape[1]

    def solve(self) -> list[int]:
        """Each row's column."""
        for row in range(len(self._column_of)):
            distance = self._cost[row] - self._column_price
            nearest = distance.min()
            column = self._nearest_column(distance, nearest, None)
            self._row_price[row] = float(nearest)
            if self._row_of[column] < 0:
                self._row_of[column], self._column_of[row] = row, column
            else:
                self._search(row, column, distance)
        return self._column_of

    def _search(self, start: int, column: int, distance: FloatArray) -> None:
        """From the row `start`, whose nearest `column`, of `distance` (N,) to all, is another row's."""
        count = len(distance)
        came_from = np.full(count, start)
        scan_order = list(range(count - 1, -1, -1))
        place = scan_order.copy()
        open_price = self._column_price.copy()
        reached: list[tuple[int, float]] = []
        while True:
            nearest = float(distance[column])
            reached.append((column, nearest))
            row = self._row_of[column]
            if row < 0:
                break
            # A closed column comes no nearer.
            open_price[column], distance[column] = -math.inf, math.inf
            last = scan_order.pop()
            if last != column:
                scan_order[place[column]], place[last] = last, place[column]
            through = nearest + self._cost[row] - self._row_price[row] - open_price
            is_nearer = through < distance
            came_from[is_nearer] = row
            np.minimum(distance, through, out=distance)
            column = self._nearest_column(distance, distance.min(), scan_order)
        self._raise_prices(start, reached)
        self._move_over(start, column, came_from)

    def _nearest_column(self, distance: FloatArray, nearest: float, scan_order: list[int] | None) -> int:
        """Of columns that are equally near, the last free one in the order of the scan, else the first of all. That
        order is from the last column to the first; the last one in it takes the place of one that is closed."""
        equal = (distance == nearest).nonzero()[0]
        if len(equal) == 1:
            return int(equal[0])
        columns: list[int] = equal.tolist()
        if scan_order is None:
            columns.reverse()
        else:
            at = {column: place for place, column in enumerate(scan_order)}
            columns.sort(key=at.__getitem__)
        return next((column for column in reversed(columns) if self._row_of[column] < 0), columns[0])

    def _raise_prices(self, start: int, reached: list[tuple[int, float]]) -> None:
        end = reached[-1][1]
        for column, distance in reached[:-1]:
            self._row_price[self._row_of[column]] += end - distance
            self._column_price[column] -= end - distance
        self._row_price[start] = end

    def _move_over(self, start: int, column: int, came_from: IntArray) -> None:
        """Along the way back from a free column, each row takes the column that it was left for."""
        while True:
            row = int(came_from[column])
            self._row_of[column] = row
            column, self._column_of[row] = self._column_of[row], column
            if row == start:
                return
