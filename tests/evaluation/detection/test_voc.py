"""VOC's rules on an example that was worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from rtdet.evaluation import evaluate
from rtdet.evaluation.detection.average_precision import ranked, voc_11_point_ap, voc_all_point_ap
from tests.evaluation.conftest import found_in, picture

A, B, C, D = (0, 0, 40, 40), (60, 0, 100, 40), (0, 60, 40, 100), (60, 60, 100, 100)


def test_eleven_point_and_all_point_ap_equal_an_example_by_hand(set_of):
    """Two pictures with five cats, one of them difficult: four to be found.

        score  what                                     TP  FP  recall  precision
        .95    picture 1, exactly on A                   1   0    1/4    1/1
        .90    picture 1, on A again: a duplicate        1   1    1/4    1/2
        .85    picture 1, on the difficult B: passed     1   1    1/4    1/2
        .80    picture 2, on C with IoU 20/40 = .5       2   1    2/4    2/3
        .75    picture 2, on C with more, but taken      2   2    2/4    2/4
        .70    picture 1, on nothing                     2   3    2/4    2/5
        .65    picture 2, on D                           3   3    3/4    3/6
        the object C of picture 1 is never found.

    Interpolated precision: 1 at recalls 0, .1, .2; 2/3 at .3, .4, .5; 1/2 at .6, .7; 0 at .8, .9, 1.
    11 points: AP = 1/11 (3 * 1 + 3 * 2/3 + 2 * 1/2) = 6/11.
    All points: AP = 1/4 * 1 + 1/4 * 2/3 + 1/4 * 1/2 = 13/24.
    """
    one = picture((*A, 0), (*B, 0), (*C, 0), ignored=[1])
    two = picture((*C, 0), (*D, 0))
    half_of_c = (0, 60, 20, 100)
    found = [
        found_in((*A, 0, 0.95), (*A, 0, 0.90), (*B, 0, 0.85), (150, 150, 190, 190, 0, 0.70)),
        found_in((*half_of_c, 0, 0.80), (*C, 0, 0.75), (*D, 0, 0.65)),
    ]
    cat = evaluate(set_of(one, two), found)["cat"]
    assert cat.truths == 4
    assert cat.voc_11_point == pytest.approx(6 / 11, abs=1e-12)
    assert cat.voc_all_point == pytest.approx(13 / 24, abs=1e-12)


def test_a_detection_looks_only_at_the_object_that_it_overlaps_most(set_of):
    """The second detection overlaps the taken object most. VOC counts it as wrong; COCO gives it the neighbour,
    which it overlaps by 30/50."""
    sample = picture((0, 0, 40, 40, 0), (15, 0, 55, 40, 0))
    found = [found_in((0, 0, 40, 40, 0, 0.9), (5, 0, 45, 40, 0, 0.8))]
    cat = evaluate(set_of(sample), found)["cat"]
    assert cat.voc_all_point == pytest.approx(0.5)
    assert cat.ap50 == pytest.approx(1.0)


def test_a_recall_that_is_reached_exactly_counts():
    """3 of 10 found: recall .3, which as 3 times .1 in floating point would be missed."""
    right = np.array([True] * 3)
    recall, precision = ranked(right, ~right, 10)
    assert voc_11_point_ap(recall, precision) == pytest.approx(4 / 11)
    assert voc_all_point_ap(recall, precision) == pytest.approx(0.3)


def test_without_detections_ap_is_nought_and_without_objects_it_is_undefined(set_of):
    scores = evaluate(set_of(picture((*A, 0))), [found_in()])
    assert scores["cat"].voc_11_point == scores["cat"].ap == 0
    assert np.isnan(scores["dog"].voc_11_point)
    assert np.isnan(scores["dog"].ap)
    assert scores.mean.ap == 0
