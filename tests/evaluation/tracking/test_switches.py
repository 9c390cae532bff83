"""ID switches with their places."""

from __future__ import annotations

import numpy as np
import pytest

from rtdet.evaluation.tracking import TrackRows, TruthRows
from rtdet.evaluation.tracking.switches import Switch, find_switches


def rows(places, kind=TrackRows, **more):
    """Rows of (frame, ID, left), all of one size."""
    frames, ids, left = np.array(places, dtype=float).reshape(-1, 3).T
    boxes = np.stack([left, left * 0, left + 10, left * 0 + 20], axis=1)
    return kind(frames, ids, boxes, **more)


TRUTH = [(frame, 1, 0) for frame in range(1, 11)] + [(frame, 2, 100) for frame in range(1, 11)]


def test_a_switch_has_its_object_both_ids_and_the_frames_around_it():
    tracks = [(f, 5 if f < 4 else 6, 1) for f in range(1, 11) if f not in (4, 5)]
    tracks += [(f, 7, 101) for f in range(1, 11)]
    assert find_switches(rows(TRUTH), rows(tracks)) == [Switch(1, 5, 6, 3, 6)]


def test_two_that_are_exchanged_are_two_switches():
    tracks = [(f, 5 if f < 6 else 8, 0) for f in range(1, 11)] + [
        (f, 8 if f < 6 else 5, 100) for f in range(1, 11)
    ]
    assert find_switches(rows(TRUTH), rows(tracks)) == [Switch(1, 5, 8, 5, 6), Switch(2, 8, 5, 5, 6)]


@pytest.mark.parametrize("least", [0.5, 0.8])
def test_boxes_that_overlap_too_little_are_of_no_object(least):
    tracks = [(f, 5 if f < 6 else 8, 0 if f < 6 else 2) for f in range(1, 11)]
    assert len(find_switches(rows(TRUTH), rows(tracks), least)) == (least == 0.5)


def test_objects_that_are_not_scored_have_none_and_nor_have_empty_files():
    tracks = rows([(f, 5 if f < 6 else 8, 0) for f in range(1, 11)])
    truth = rows(TRUTH, TruthRows, is_scored=np.array([place[1] == 2 for place in TRUTH]))
    assert find_switches(truth, tracks) == []
    assert find_switches(rows(TRUTH), rows([])) == []
    assert find_switches(rows([]), rows([])) == []
