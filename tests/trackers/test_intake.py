from __future__ import annotations

import numpy as np
import pytest

from rtdet.trackers.intake import accepted, score_lift
from rtdet.types import Detections

GOOD = [10.0, 20.0, 30.0, 60.0]


def test_corners_are_columns_in_the_order_of_the_detections():
    corners, scores, labels = accepted(Detections([GOOD, [0, 0, 1, 1]], [0.9, 0.8], [3, 1]), 0.0)
    assert corners.T.tolist() == [GOOD, [0, 0, 1, 1]]
    assert (scores.tolist(), labels.tolist()) == ([0.9, 0.8], [3.0, 1.0])


def test_only_scores_above_the_least_are_taken_and_zero_takes_every_one():
    detections = Detections([GOOD] * 3, [0.0, 0.5, 0.6])
    assert accepted(detections, 0.5)[1].tolist() == [0.6]
    assert accepted(detections, 0.0)[1].tolist() == [0.0, 0.5, 0.6]


@pytest.mark.parametrize(
    "box",
    [
        [np.nan, 0, 1, 1],
        [0, 0, np.inf, 1],
        [5, 5, 5, 9],
        [9, 0, 5, 5],
        [0, 0, 1e-7, 5],
        [0, 0, 2e9, 5],
    ],
)
def test_what_is_no_box_is_left_out_and_its_neighbour_stays(box):
    corners, scores, _ = accepted(Detections([box, GOOD], [0.9, 0.7]), 0.1)
    assert corners.T.tolist() == [GOOD]
    assert scores.tolist() == [0.7]


def test_a_score_that_is_not_a_number_is_left_out():
    assert accepted(Detections([GOOD, GOOD], [np.nan, 0.4]), 0.0)[1].tolist() == [0.4]


def test_no_detections_give_empty_columns():
    corners, scores, labels = accepted(Detections(), 0.5)
    assert (corners.shape, scores.shape, labels.shape) == ((4, 0), (0,), (0,))


def test_a_lifted_score_is_the_published_one_at_the_confidence_and_one_at_one():
    for confidence in (0.0, 0.25, 0.6, 0.9):
        lift = score_lift(confidence)
        assert confidence + lift * (1 - confidence) == pytest.approx(0.6)
    assert score_lift(0.6) == pytest.approx(0.0)
    assert np.isfinite(score_lift(1.0))
