"""SORT's assignment: exact at every size, by either way of computing it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from rtdet.geometry import pairing
from rtdet.geometry.boxes import iou
from rtdet.trackers import association
from rtdet.trackers.association import match


@pytest.fixture(params=["full matrix", "overlapping pairs"])
def either_way(request, monkeypatch):
    """Both computations, whatever the size, with comparisons before the search."""
    monkeypatch.setattr(association, "DENSE_PAIRS", 10**12 if request.param == "full matrix" else 0)
    monkeypatch.setattr(pairing, "FEW_PAIRS", 0)
    monkeypatch.setattr(pairing, "SOME_PAIRS", 0)


def corners(*boxes):
    return np.array(boxes, dtype=float).reshape(-1, 4).T.copy()


def crowd(rng, count, extent=300.0):
    left_top = rng.uniform(0, extent, (2, count))
    return np.concatenate([left_top, left_top + rng.uniform(20, 80, (2, count))])


def plain_match(detections, tracks, threshold):
    """The definition, on the full matrix."""
    overlap = iou(detections.T, tracks.T)
    over = overlap > threshold
    if over.any() and over.sum(0).max() == 1 and over.sum(1).max() == 1:
        return {(int(i), int(j)) for i, j in np.argwhere(over)}
    pairs = zip(*linear_sum_assignment(-overlap), strict=True)
    return {(int(i), int(j)) for i, j in pairs if overlap[i, j] >= threshold and overlap[i, j] > 0}


def as_set(pairs):
    return {(int(i), int(j)) for i, j in zip(*pairs, strict=True)}


@given(
    seed=st.integers(0, 10**6),
    detections=st.integers(1, 60),
    tracks=st.integers(1, 60),
    extent=st.sampled_from([60.0, 300.0, 1500.0]),
)
@settings(deadline=None, max_examples=60)
def test_the_match_is_that_of_the_hungarian_method_on_all_pairs(seed, detections, tracks, extent):
    rng = np.random.default_rng(seed)
    a, b = crowd(rng, detections, extent), crowd(rng, tracks, extent)
    expected = plain_match(a, b, 0.3)
    for dense_pairs, few_pairs in ((10**12, 64), (0, 64), (0, 0)):
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setattr(association, "DENSE_PAIRS", dense_pairs)
            monkeypatch.setattr(pairing, "FEW_PAIRS", few_pairs)
            monkeypatch.setattr(pairing, "SOME_PAIRS", few_pairs)
            assert as_set(match(a, b, 0.3)) == expected


def test_pairs_under_the_threshold_are_undone_after_the_assignment(either_way):
    # Pairs of IoU 0.43 and 0.25 together beat the one of 0.67 that a gate before the assignment would leave;
    # the weaker of the two is undone afterwards.
    tracks = corners((0, 0, 100, 10), (80, 0, 180, 10))
    detections = corners((20, 0, 120, 10), (-40, 0, 60, 10))
    assert iou(detections.T, tracks.T).round(2).tolist() == [[0.67, 0.25], [0.43, 0.0]]
    assert as_set(match(detections, tracks, 0.3)) == {(1, 0)}


def test_pairs_that_are_one_to_one_over_the_threshold_are_the_match(either_way):
    # The Hungarian method would prefer the two pairs of 0.4, and lose both to the threshold.
    tracks = corners((0, 0, 100, 10), (68, 0, 168, 10))
    detections = corners((25, 0, 125, 10), (-43, 0, 57, 10))
    assert iou(detections.T, tracks.T).round(1).tolist() == [[0.6, 0.4], [0.4, 0.0]]
    assert as_set(match(detections, tracks, 0.5)) == {(0, 0)}


def test_different_classes_do_not_match(either_way):
    boxes = corners((0, 0, 10, 10), (100, 0, 110, 10))
    labels = np.array([0.0, 1.0]), np.array([0.0, 0.0])
    assert as_set(match(boxes, boxes, 0.3)) == {(0, 0), (1, 1)}
    assert as_set(match(boxes, boxes, 0.3, labels)) == {(0, 0)}


def test_boxes_that_do_not_touch_never_match_even_at_threshold_zero(either_way):
    assert as_set(match(corners((0, 0, 1, 1)), corners((5, 5, 6, 6)), 0.0)) == set()
    assert as_set(match(corners((0, 0, 1, 1)), corners((1, 0, 2, 1)), 0.0)) == set()


def test_nothing_matches_nothing(either_way):
    none = np.zeros((4, 0))
    for pair in ((none, none), (none, corners((0, 0, 1, 1))), (corners((0, 0, 1, 1)), none)):
        assert as_set(match(*pair, 0.3)) == set()


def test_equal_boxes_are_matched_one_to_one(either_way):
    boxes = np.repeat(corners((0, 0, 10, 10)), 12, axis=1)
    rows, columns = match(boxes, boxes[:, :9], 0.3)
    assert len(rows) == len(set(rows.tolist())) == len(set(columns.tolist())) == 9


def test_a_box_over_the_whole_picture_hides_no_pair(either_way):
    rng = np.random.default_rng(0)
    boxes = np.concatenate([corners((-10, -10, 1000, 1000)), crowd(rng, 40, 900)], axis=1)
    assert as_set(match(boxes, boxes + 1, 0.3)) == {(i, i) for i in range(41)}
