"""The heaviest matching of few pairs, found by trying all."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from rtdet.evaluation.tracking.trial import heaviest_by_trial, only_heaviest
from tests.evaluation.tracking.conftest import write_sequence

cells = st.dictionaries(st.tuples(st.integers(0, 6), st.integers(0, 6)), st.integers(1, 30), max_size=20)


@given(cells)
def test_no_matching_is_heavier_and_no_other_is_nearer_than_said(weights):
    pairs = sorted(weights)
    rows, columns = [row for row, _ in pairs], [column for _, column in pairs]
    places, lead = heaviest_by_trial(rows, columns, [weights[pair] for pair in pairs])
    taken = [pairs[k] for k in places]
    assert len({row for row, _ in taken}) == len({column for _, column in taken}) == len(taken)

    def heaviest_without(pair):
        matrix = np.zeros((7, 7))
        for other, weight in weights.items():
            matrix[other] = 0 if other == pair else weight
        return matrix[linear_sum_assignment(matrix, maximize=True)].sum()

    best = sum(weights[pair] for pair in taken)
    assert best == heaviest_without(None)
    # Any other matching lacks one of these pairs: pairs weigh more than nothing.
    assert lead == best - max(map(heaviest_without, taken), default=-np.inf)


def test_of_matchings_that_are_equally_heavy_none_is_the_heaviest():
    assert only_heaviest([0, 0, 1, 1], [0, 1, 0, 1], [3.0, 2.0, 2.0, 1.5]) == (0, 3)
    assert only_heaviest([0, 0, 1, 1], [0, 1, 0, 1], [3.0, 2.0, 2.0, 1.0]) is None
    assert only_heaviest([0, 0, 1, 1], [0, 1, 0, 1], [0.3, 0.2, 0.1, 0.1 + 0.2 - 0.3]) is None
    assert only_heaviest([], [], []) == ()


def test_what_would_take_too_long_to_try_is_left_to_others():
    rows, columns = np.divmod(np.arange(400), 20)
    assert heaviest_by_trial(rows.tolist(), columns.tolist(), [1.0] * 400) is None


def test_many_pairs_are_tried_where_few_are_rivals():
    rows, columns = np.arange(400) // 2, (np.arange(400) + 1) // 2  # a chain: 0-0, 0-1, 1-1, 1-2, ...
    weight = np.random.default_rng(0).random(400)
    places, _ = heaviest_by_trial(rows.tolist(), columns.tolist(), weight.tolist())
    matrix = np.zeros((200, 201))
    matrix[rows, columns] = weight
    assert weight[list(places)].sum() == pytest.approx(
        matrix[linear_sum_assignment(matrix, maximize=True)].sum()
    )


def test_sequences_are_scored_without_scipy(tmp_path):
    rng, rows = np.random.default_rng(0), [(f, i, 8 * i + f, 10 * i) for f in range(1, 31) for i in range(6)]
    truth = [f"{f},{i},{left},{top},40,60,1,1,1" for f, i, left, top in rows]
    off = rng.normal(0, 5, (len(rows), 2))
    tracks = [
        f"{f},{i},{left + x},{top + y},40,60" for (f, i, left, top), (x, y) in zip(rows, off, strict=True)
    ]
    write_sequence(tmp_path / "truth", tmp_path / "tracks", "A", truth, tracks, 30)
    program = """
import sys
from rtdet.evaluation.tracking.sequences import score_sequences
score_sequences(*sys.argv[1:])
sys.exit("scipy" in sys.modules)
"""
    folders = (tmp_path / "truth", tmp_path / "tracks")
    assert subprocess.run([sys.executable, "-c", program, *folders]).returncode == 0
