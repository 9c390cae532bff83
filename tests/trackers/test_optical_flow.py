from __future__ import annotations

import cv2
import numpy as np
import pytest

from rtdet.trackers.box_columns import moved as observed
from rtdet.trackers.camera_drift import CameraDrift
from rtdet.trackers.optical_flow import OpticalFlow
from rtdet.trackers.registry import load_tracker
from rtdet.types import Detections

NO_BOXES = np.zeros((0, 4))
CORNERS = np.array([[0.0, 960, 0, 960], [0, 0, 540, 540]])


def scene(height=540, width=960, seed=0):
    """Patches of all sizes: something to follow everywhere."""
    rng = np.random.default_rng(seed)
    layers = [rng.integers(0, 255, (height // n + 1, width // n + 1, 3)) for n in (8, 30, 90)]
    large = [cv2.resize(layer.astype(np.float32), (width, height)) for layer in layers]
    return np.clip(sum(large) / len(large), 0, 255).astype(np.uint8)


def similarity(shift=(0, 0), zoom=1.0, roll_degrees=0.0):
    transform = cv2.getRotationMatrix2D((480, 270), roll_degrees, zoom)
    transform[:, 2] += shift
    return transform


def moved(image, transform):
    return cv2.warpAffine(image, transform, image.shape[1::-1], borderMode=cv2.BORDER_REFLECT)


def step_between(first, second, boxes=NO_BOXES):
    motion = OpticalFlow()
    assert motion.read(first) is None
    return motion.read(second).transform(np.asarray(boxes, dtype=float))


@pytest.mark.parametrize(
    "true",
    [
        similarity(),
        similarity(shift=(3.5, -2)),
        similarity(shift=(-40, 12)),
        similarity(zoom=1.03),
        similarity(shift=(5, 5), zoom=0.98, roll_degrees=2),
    ],
)
def test_the_cameras_shift_zoom_and_roll_are_found_within_half_a_pixel(true):
    found = step_between(scene(), moved(scene(), true))
    error = found[:, :2] @ CORNERS + found[:, 2:] - true[:, :2] @ CORNERS - true[:, 2:]
    assert np.abs(error).max() < 0.5


def test_what_lies_in_the_boxes_of_objects_says_nothing_about_the_camera():
    first, second = scene(), scene()
    second[100:520, 80:880] = moved(scene(), similarity(shift=(12, 0)))[100:520, 80:880]
    np.testing.assert_allclose(step_between(first, second, [[80, 100, 880, 520]]), np.eye(2, 3), atol=0.1)
    assert step_between(first, second)[0, 2] == pytest.approx(12, abs=0.5)


def test_pictures_without_anything_to_follow_give_no_step():
    blank = np.full((240, 320, 3), 90, np.uint8)
    assert step_between(blank, blank) is None
    assert step_between(scene(seed=1), scene(seed=2)) is None
    assert step_between(scene(), scene(), [[0, 0, 960, 540]]) is None


def test_after_a_reset_or_another_size_there_is_nothing_to_go_on_from():
    motion = OpticalFlow()
    motion.read(scene())
    motion.reset()
    assert motion.read(scene()) is None
    assert motion.read(scene(270, 480)) is None
    assert motion.read(scene(270, 480)) is not None


@pytest.mark.parametrize("shape", [(1, 1), (1, 2000), (3, 7), (17, 16)])
def test_tiny_pictures_do_no_harm(shape):
    image = scene(*shape)
    motion = OpticalFlow()
    motion.read(image)
    motion.read(image)


def test_the_same_pictures_give_the_same_step_to_the_last_bit():
    second = moved(scene(), similarity(shift=(7, 3), zoom=1.01))
    np.testing.assert_array_equal(step_between(scene(), second), step_between(scene(), second))


def test_a_step_is_carried_on_at_its_own_speed_until_an_update_without_one():
    drift, corners = CameraDrift(), np.array([[10.0], [20], [30], [60]])
    drift.take(similarity(shift=(8, -4)))
    drift.advance(2.0)
    np.testing.assert_allclose(drift.carry(corners, 1.0).T, [[14, 18, 34, 58]])
    drift.advance(1.0)
    assert drift.carry(corners, 1.0) is corners


def test_a_zoom_and_a_roll_carried_on_are_as_good_as_so_many_steps_and_turn_no_box():
    step, corners = (
        similarity(shift=(8, -4), zoom=1.05, roll_degrees=6.0),
        np.array([[10.0], [20], [14], [60]]),
    )
    drift = CameraDrift()
    drift.take(step)
    drift.advance(1.0)
    np.testing.assert_allclose(
        drift.carry(corners, 3.0), observed(observed(observed(corners, step), step), step)
    )
    np.testing.assert_allclose(observed(drift.carry(corners, -1.0), step), corners)


@pytest.mark.parametrize("zoom", [0.4, 0.99, 1.01, 2.5])
def test_no_zoom_is_carried_on_beyond_a_factor_of_two(zoom):
    drift, corners = CameraDrift(), np.array([[10.0], [20], [30], [60]])
    drift.take(similarity(zoom=zoom))
    drift.advance(1.0)
    for frames in (1e3, -1e3):
        far = drift.carry(corners, frames)
        assert far[2, 0] - far[0, 0] == pytest.approx(20 * (2 if frames * np.log(zoom) > 0 else 0.5))


@pytest.mark.parametrize("name", ["sort", "bytetrack"])
def test_predictions_go_on_with_the_camera_and_with_the_object(name):
    tracker = load_tracker(name, fps=25.0)
    for i in range(30):  # one who walks to the right by 2 pixels a frame, before a camera that turns by 5
        if i:
            tracker.move_camera(similarity(shift=(5, 0)))
        tracker.update(Detections([[100 + 7 * i, 100, 140 + 7 * i, 200]]), i / 25)
    ahead = tracker.predict(31 / 25).boxes[0]
    np.testing.assert_allclose(ahead, [100 + 7 * 31, 100, 140 + 7 * 31, 200], atol=1)
