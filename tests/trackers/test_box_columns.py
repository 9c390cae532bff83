from __future__ import annotations

import numpy as np

from rtdet.trackers import kalman
from rtdet.trackers.box_columns import between, direction, moved

BEFORE = np.array([[10.0, 20.0, 30.0, 60.0]]).T
AFTER = np.array([[50.0, 0.0, 110.0, 80.0]]).T


def test_a_direction_has_length_one_and_standing_still_has_none():
    way = direction(np.array([[3.0, 0.0], [-4.0, 0.0]]))
    np.testing.assert_allclose(way, [[0.6, 0.0], [-0.8, 0.0]], atol=1e-6)


def test_the_way_between_two_boxes_ends_at_both_and_grows_evenly():
    way = between(BEFORE, AFTER, np.array([[0.0], [0.5], [1.0]]))
    np.testing.assert_allclose(way[:, 0], kalman.to_measurement(BEFORE))
    np.testing.assert_allclose(way[:, 1, 0], [50, 40, 40 * 60, 40 / 60])
    np.testing.assert_allclose(way[:, 2], kalman.to_measurement(AFTER))


def test_a_camera_that_zooms_and_shifts_moves_centres_and_sizes():
    step = np.array([[2.0, 0.0, 5.0], [0.0, 2.0, -5.0]])
    np.testing.assert_allclose(moved(BEFORE, step)[:, 0], [25, 35, 65, 115])


def test_a_camera_that_rolls_turns_centres_and_leaves_sizes():
    step = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]])
    np.testing.assert_allclose(moved(BEFORE, step)[:, 0], [-50, 0, -30, 40])
