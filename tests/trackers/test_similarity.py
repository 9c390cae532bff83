"""Similarity of detections and tracks: IoU where the track is sure, more where it is not."""

from __future__ import annotations

import numpy as np
import pytest

from rtdet.geometry.boxes import iou
from rtdet.trackers import similarity
from rtdet.trackers.box_columns import to_centered
from rtdet.trackers.similarity import MOST_GROWTH, similar_pairs


def boxes(count, seed=0):
    rng = np.random.default_rng(seed)
    place, size = rng.uniform(0, 600, (2, count)), rng.uniform(20, 120, (2, count))
    return np.concatenate((place, place + size))


def matrix(a, b, deviation):
    rows, columns, worth = similar_pairs(to_centered(a), to_centered(b), deviation, 0.0)
    full = np.zeros((a.shape[1], b.shape[1]))
    full[rows, columns] = worth
    return full


def plain(a, b):
    """One pair after another, boxes already grown."""
    full = np.zeros((a.shape[1], b.shape[1]))
    for i, p in enumerate(a.T):
        for j, q in enumerate(b.T):
            shared = min(p[3], q[3]) - max(p[1], q[1])
            if shared > 0:
                heights = shared / (max(p[3], q[3]) - min(p[1], q[1]))
                full[i, j] = iou(p[None], q[None])[0, 0] * np.sqrt(heights)
    return full


def grown(corners, growth):
    size = corners[2:] - corners[:2]
    return np.concatenate((corners[:2] - growth * size, corners[2:] + growth * size))


def test_of_sure_tracks_it_is_iou_times_the_root_of_the_iou_of_heights():
    a, b = boxes(30), boxes(25, seed=1)
    np.testing.assert_allclose(matrix(a, b, np.zeros(25)), plain(a, b), atol=1e-12)


def test_of_unsure_tracks_it_is_that_of_grown_boxes():
    a, b = boxes(30), boxes(25, seed=1)
    deviation = 0.1
    growth = similarity.GROWTH * deviation
    expected = plain(grown(a, growth), grown(b, growth))
    np.testing.assert_allclose(matrix(a, b, np.full(25, deviation)), expected, atol=1e-12)


def test_boxes_grow_no_further_than_their_limit():
    a, b = boxes(30), boxes(25, seed=1)
    expected = plain(grown(a, MOST_GROWTH), grown(b, MOST_GROWTH))
    np.testing.assert_allclose(matrix(a, b, np.full(25, 1e9)), expected, atol=1e-12)


def test_boxes_that_do_not_touch_meet_when_the_track_is_unsure():
    a, b = np.array([[0.0], [0.0], [40.0], [100.0]]), np.array([[42.0], [0.0], [82.0], [100.0]])
    assert matrix(a, b, np.zeros(1))[0, 0] == 0
    assert matrix(a, b, np.full(1, 0.25))[0, 0] > 0.05


def test_a_box_and_itself_are_wholly_alike_however_unsure():
    a = boxes(5)
    np.testing.assert_allclose(np.diag(matrix(a, a, np.linspace(0, 1, 5))), 1.0)


@pytest.mark.parametrize("least", [0.0, 0.1, 0.5])
def test_a_large_scene_gives_the_pairs_of_a_small_one_in_the_same_order(monkeypatch, least):
    a, b, deviation = boxes(40), boxes(45, seed=1), np.random.default_rng(2).uniform(0, 0.4, 45)
    a, b = to_centered(a), to_centered(b)
    meeting_in_x = similar_pairs(a, b, deviation, least)
    monkeypatch.setattr(similarity, "FEW_PAIRS", a.shape[1] * b.shape[1])
    every = similar_pairs(a, b, deviation, least)
    monkeypatch.setattr(similarity, "FEW_PAIRS", 0)
    monkeypatch.setattr(similarity, "DENSE_PAIRS", 0)
    monkeypatch.setattr("rtdet.trackers.association.DENSE_PAIRS", 0)
    by_sorting = similar_pairs(a, b, deviation, least)
    for one, other, third in zip(meeting_in_x, every, by_sorting, strict=True):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(one, third)


def test_nothing_is_like_nothing():
    nothing, some = np.zeros((4, 0)), boxes(3)
    assert all(len(part) == 0 for part in similar_pairs(nothing, some, np.zeros(3), 0.1))
    assert all(len(part) == 0 for part in similar_pairs(some, nothing, np.zeros(0), 0.1))
