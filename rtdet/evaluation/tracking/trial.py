"""The heaviest one-to-one matching of few pairs by trying all, which tells whether another is as heavy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

# The sum of a choice of pairs, and their places.
_Choice = tuple[float, tuple[int, ...]]
# Another matching that comes nearer than this may be as heavy, but for rounding.
_LEAST_LEAD = 1e-9
# With more than this to remember from one row to the next, augmenting paths are faster.
_MOST_STATES = 64


def only_heaviest(
    rows: Sequence[int], columns: Sequence[int], weight: Sequence[float]
) -> tuple[int, ...] | None:
    """As `heaviest_by_trial`; None also where another matching is as heavy."""
    found = heaviest_by_trial(rows, columns, weight)
    return None if found is None or found[1] < _LEAST_LEAD else found[0]


def heaviest_by_trial(
    rows: Sequence[int], columns: Sequence[int], weight: Sequence[float]
) -> tuple[tuple[int, ...], float] | None:
    """Places of the pairs of a heaviest matching, and by how much every other is lighter; None where there are too
    many to try. rows (K,): those of one row follow each other; columns (K,); weight (K,) above 0.

    Row by row: of all choices so far that leave later rows the same columns, the two heaviest go on.
    """
    groups = _rivals_together(
        [list(group) for _, group in groupby(range(len(rows)), rows.__getitem__)], columns
    )
    last_turn = {columns[k]: turn for turn, group in enumerate(groups) for k in group}
    # By the columns that are taken and that later rows would like too.
    states: dict[frozenset[int], list[_Choice]] = {frozenset(): [(0.0, ())]}
    for turn, group in enumerate(groups):
        following: dict[frozenset[int], list[_Choice]] = {}
        for full, choices in states.items():
            still_full = frozenset(column for column in full if last_turn[column] > turn)
            following.setdefault(still_full, []).extend(choices)
            for k in group:
                if columns[k] in full:
                    continue
                now_full = still_full | {columns[k]} if last_turn[columns[k]] > turn else still_full
                more = [(total + weight[k], (*places, k)) for total, places in choices]
                following.setdefault(now_full, []).extend(more)
        states = {full: sorted(choices)[-2:] for full, choices in following.items()}
        if len(states) > _MOST_STATES:
            return None
    (second, _), (heaviest, places) = ((-math.inf, ()), *states[frozenset()])[-2:]
    return places, heaviest - second


def _rivals_together(groups: list[list[int]], columns: Sequence[int]) -> list[list[int]]:
    """The groups in an order in which few columns are of interest at a time: next is always one with the fewest
    columns that none before it had."""
    ordered: list[list[int]] = []
    seen: set[int] = set()
    left = {turn: {columns[k] for k in group} for turn, group in enumerate(groups)}
    while left:
        turn = min(left, key=lambda turn: len(left[turn] - seen))
        ordered.append(groups[turn])
        seen |= left.pop(turn)
    return ordered
