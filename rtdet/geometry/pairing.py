"""The heaviest one-to-one matching of a list of pairs, exact at every size.

Comparing each pair with its rivals settles most of them; the others are searched by shortest augmenting paths (Jonker
and Volgenant 1987, A shortest augmenting path algorithm for dense and sparse linear assignment problems).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from rtdet.geometry.assignment import assign
from rtdet.types import BoolArray, FloatArray, IntArray

# With no more pairs than this, the search is faster than a look for those without rivals, and with no more than that,
# such a look is faster than a comparison.
FEW_PAIRS, SOME_PAIRS = 24, 100
# A comparison that leaves more than this share of the pairs is not worth another one.
_FRUITLESS = 0.75
# So many pairs that fill more than this share of their matrix are searched faster as a matrix.
_MANY_PAIRS, _DENSE = 10_000, 0.1


def heaviest_matching(
    rows: IntArray, columns: IntArray, weight: FloatArray, row_count: int, column_count: int
) -> IntArray:
    """Places, in no order, of the pairs of a one-to-one matching with the largest sum of weights.

    rows, columns (K,) are below their counts, and no pair is repeated; weight (K,) is finite and above 0. Where
    several matchings are equally heavy, it is any of them.
    """
    if len(rows) <= FEW_PAIRS:
        return _searched(rows, columns, weight)
    if len(rows) > SOME_PAIRS:
        return _settled_first(rows, columns, weight, row_count, column_count)
    is_taken: BoolArray = np.bincount(rows).take(rows) * np.bincount(columns).take(columns) == 1
    rivals = (~is_taken).nonzero()[0]
    is_taken[rivals.take(_searched(rows.take(rivals), columns.take(rivals), weight.take(rivals)))] = True
    taken: IntArray = is_taken.nonzero()[0]
    return taken


def _settled_first(
    rows: IntArray, columns: IntArray, weight: FloatArray, row_count: int, column_count: int
) -> IntArray:
    """`heaviest_matching` of many pairs: comparing them again and again settles nearly all of a scene."""
    taken: list[IntArray] = []
    left = weight.argsort()
    while len(left) > FEW_PAIRS:
        count = len(left)
        sure, open_ = _compared(
            rows.take(left), columns.take(left), weight.take(left), row_count, column_count
        )
        taken.append(left.take(sure))
        left = left.take(open_)
        if len(left) > _FRUITLESS * count:
            break
    taken.append(left.take(_searched(rows.take(left), columns.take(left), weight.take(left))))
    return np.concatenate(taken)


def _compared(
    rows: IntArray, columns: IntArray, weight: FloatArray, row_count: int, column_count: int
) -> tuple[IntArray, IntArray]:
    """Places of the pairs that every heaviest matching has, and of those that it may have or not. The weights rise.

    A pair that outweighs the best rival of its row plus the best rival of its column is in every one: put it in,
    take at most those two out, and the sum grows.

    A row is sure to gain what its best pair outweighs that pair's best rival in the column by; and so is a column. A
    pair that weighs less than its row and its column gain together is in none: take it out, put the best pairs of
    both in, take at most the two rivals out, and the sum grows. That holds as well where one of these best pairs is
    the pair itself; where both are, it is of the first kind.
    """
    row_best, row_second = _best_and_second(rows, weight, row_count)
    column_best, column_second = _best_and_second(columns, weight, column_count)
    row_top, column_top = weight.take(row_best), weight.take(column_best)

    column = columns.take(row_best)
    is_mutual = column_best.take(column) == row_best
    row_gain = row_top - np.where(is_mutual, column_second.take(column), column_top.take(column))
    is_sure = is_mutual & (row_gain > row_second)
    sure = row_best[is_sure]

    row = rows.take(column_best)
    is_mutual = row_best.take(row) == column_best
    column_gain = column_top - np.where(is_mutual, row_second.take(row), row_top.take(row))

    np.maximum(row_gain, 0.0, out=row_gain)
    np.maximum(column_gain, 0.0, out=column_gain)
    row_gain[is_sure] = math.inf
    column_gain[columns.take(sure)] = math.inf
    return sure, (weight >= row_gain.take(rows) + column_gain.take(columns)).nonzero()[0]


def _best_and_second(group: IntArray, weight: FloatArray, count: int) -> tuple[IntArray, FloatArray]:
    """Of each of `count` groups, the place of its heaviest pair (-1 where it has none) and the second weight (or 0).

    `weight` rises, and where an index occurs twice in an assignment, NumPy keeps the last."""
    best = np.empty(count, dtype=np.int64)
    best.fill(-1)
    best[group] = np.arange(len(group))
    is_other = np.ones(len(group), dtype=bool)
    is_other[best] = False  # -1 too is the best of its group: the heaviest of all
    other = is_other.nonzero()[0]
    second = np.zeros(count)
    second[group.take(other)] = weight.take(other)
    return best, second


def _searched(rows: IntArray, columns: IntArray, weight: FloatArray) -> IntArray:
    if len(rows) > _MANY_PAIRS:
        row_number, column_number = (np.unique(n, return_inverse=True)[1] for n in (rows, columns))
        shape = int(row_number.max()) + 1, int(column_number.max()) + 1
        if len(rows) > _DENSE * shape[0] * shape[1]:
            return _searched_as_matrix(row_number, column_number, weight, shape)
    row_list, column_list = rows.tolist(), columns.tolist()
    if len(set(row_list)) == len(row_list) == len(set(column_list)):
        return np.arange(len(rows))
    return np.array(_Search(row_list, column_list, weight.tolist()).taken(), dtype=np.int64)


def _searched_as_matrix(
    rows: IntArray, columns: IntArray, weight: FloatArray, shape: tuple[int, int]
) -> IntArray:
    matrix, place = np.zeros(shape), np.full(shape, -1)
    matrix[rows, columns] = weight
    place[rows, columns] = np.arange(len(rows))
    picked = place[assign(matrix)]
    return np.asarray(picked[picked >= 0])


class _Search:
    """The heaviest matching of pairs in lists, row by row: most rows find their best column free.

    Each row and column has a price: 0 or above, and 0 while it is alone. The two prices of a pair are together at
    least its weight, and exactly that where it is taken; so no matching is heavier (duality). Where a new row's best
    column is taken, a chain of rows moves over. Which one, a search like Dijkstra's says, in which a pair is as long
    as its two prices exceed its weight.
    """

    def __init__(self, rows: Sequence[int], columns: Sequence[int], weight: Sequence[float]) -> None:
        self._rows, self._columns, self._weight = rows, columns, weight
        self._pairs_of: dict[int, list[int]] = {}
        for pair, row in enumerate(rows):
            self._pairs_of.setdefault(row, []).append(pair)
        self._row_price: dict[int, float] = {}
        self._column_price = dict.fromkeys(columns, 0.0)
        # The pairs that are taken, by row and by column.
        self._of_row: dict[int, int] = {}
        self._of_column: dict[int, int] = {}

    def taken(self) -> list[int]:
        """Places of the pairs that are taken."""
        columns, weight, prices = self._columns, self._weight, self._column_price
        of_row, of_column, row_prices = self._of_row, self._of_column, self._row_price
        for row, pairs in self._pairs_of.items():
            best, most = -1, 0.0
            for pair in pairs:
                gain = weight[pair] - prices[columns[pair]]
                if gain > most:
                    best, most = pair, gain
            row_prices[row] = most
            if best < 0:
                continue
            if columns[best] in of_column:
                self._make_room(row)
            else:
                of_row[row] = of_column[columns[best]] = best
        return list(of_row.values())

    def _make_room(self, start: int) -> None:
        """For a row whose best column is taken: the chain ends in a free column, or in a row that then is alone."""
        columns, weight, of_column = self._columns, self._weight, self._of_column
        row, so_far = start, 0.0
        scanned = [(start, 0.0)]
        end, nearest, is_row = start, self._row_price[start], True
        distance: dict[int, float] = {}  # of columns that are reached, but not closed
        came_by: dict[int, int] = {}
        closed: dict[int, float] = {}
        while True:
            base = so_far + self._row_price[row]
            for pair in self._pairs_of[row]:
                column = columns[pair]
                through = base + self._column_price[column] - weight[pair]
                if through >= nearest or column in closed or through >= distance.get(column, math.inf):
                    continue
                came_by[column] = pair
                if column in of_column:
                    distance[column] = through
                else:
                    end, nearest, is_row = column, through, False
            if not distance:
                break
            column = min(distance, key=distance.__getitem__)
            so_far = distance.pop(column)
            if so_far >= nearest:
                break
            closed[column] = so_far
            row = self._rows[of_column[column]]
            scanned.append((row, so_far))
            if so_far + self._row_price[row] < nearest:
                end, nearest, is_row = row, so_far + self._row_price[row], True
        for row, so_far in scanned:
            self._row_price[row] = max(0.0, self._row_price[row] - (nearest - so_far))
        for column, so_far in closed.items():
            self._column_price[column] += nearest - so_far
        self._move_over(start, end, is_row, came_by)

    def _move_over(self, start: int, end: int, is_row: bool, came_by: dict[int, int]) -> None:
        """Along the way back from its end, each row takes the pair that it was reached by, and gives up its own."""
        if is_row:
            if end == start:
                return
            end = self._columns[self._of_row.pop(end)]
        while True:
            pair = came_by[end]
            row = self._rows[pair]
            self._of_column[end] = pair
            before, self._of_row[row] = self._of_row.get(row, -1), pair
            if row == start:
                return
            end = self._columns[before]
