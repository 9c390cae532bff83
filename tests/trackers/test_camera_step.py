"""The camera's step from boxes: exact where all agree, deaf to those that move on their own."""

from __future__ import annotations

import doctest
import sys

import numpy as np

from rtdet.trackers.camera_step import camera_step


def crowd(count=30, seed=0):
    rng = np.random.default_rng(seed)
    size = rng.uniform(30, 80, count)
    return np.stack([rng.uniform(0, 1920, count), rng.uniform(0, 1080, count), size, 2.5 * size])


def moved(boxes, shift=0j, turn=0j, center=960 + 540j):
    place = boxes[0] + 1j * boxes[1]
    place = place + shift + turn * (place - center)
    return np.stack([place.real, place.imag, *(boxes[2:] * (1 + turn.real))])


def step_of(predicted, detected, reach=480.0):
    return camera_step(predicted, detected, np.full(predicted.shape[1], 0.02), reach)


def after(step, boxes):
    return moved(boxes, step.shift, step.turn, step.center)


def test_the_worked_example_gives_what_it_says():
    done = doctest.testmod(sys.modules[camera_step.__module__])
    assert done.attempted
    assert not done.failed


def test_a_pan_is_found():
    boxes = crowd()
    step = step_of(boxes, moved(boxes, shift=25 - 7j))
    np.testing.assert_allclose(after(step, boxes), moved(boxes, shift=25 - 7j), atol=1.5)


def test_a_zoom_and_a_roll_are_found_but_for_the_doubt_about_them():
    boxes = crowd(200)
    truth = moved(boxes, shift=4j, turn=0.05 + 0.02j)
    step = step_of(boxes, truth)
    np.testing.assert_allclose(after(step, boxes)[:2], truth[:2], atol=1.5)
    np.testing.assert_allclose(after(step, boxes)[2:], truth[2:], rtol=0.01)


def test_some_who_walk_on_their_own_do_not_turn_the_picture():
    boxes = crowd()
    truth = moved(boxes, shift=12 + 3j)
    truth[0, :9] += np.linspace(30, 90, 9)
    step = step_of(boxes, truth)
    np.testing.assert_allclose(after(step, boxes)[:, 9:], moved(boxes, shift=12 + 3j)[:, 9:], atol=2)


def test_noise_alone_gives_next_to_no_step():
    boxes = crowd(60)
    noisy = boxes.copy()
    noisy[:2] += np.random.default_rng(1).normal(0, 2, (2, 60))
    step = step_of(boxes, noisy)
    assert np.abs(after(step, boxes)[:2] - boxes[:2]).max() < 2.5


def test_four_boxes_are_no_evidence():
    boxes = crowd(4)
    assert step_of(boxes, moved(boxes, shift=20)) is None


def test_boxes_that_all_stand_still_give_no_step():
    boxes = crowd(10)
    np.testing.assert_array_equal(after(step_of(boxes, boxes), boxes), boxes)


def test_boxes_in_one_place_do_not_break_it():
    boxes = np.tile([[100.0], [100.0], [40.0], [90.0]], 8)
    step = step_of(boxes, moved(boxes, shift=3), reach=10.0)
    assert np.isfinite(after(step, boxes)).all()


def test_tracks_that_know_their_way_tell_more_than_new_ones():
    boxes = crowd()
    truth = boxes.copy()
    truth[0, 10:] += 40
    doubt = np.where(np.arange(30) < 10, 0.01, 10.0)
    step = camera_step(boxes, truth, doubt, 480.0)
    np.testing.assert_allclose(after(step, boxes)[:2], boxes[:2], atol=2)


def test_a_crowd_in_which_large_products_are_divided_has_the_step_of_a_small_one(monkeypatch):
    boxes = crowd(1000)
    detected = moved(boxes, shift=7 - 3j, turn=0.01 + 0.004j)
    divided = step_of(boxes, detected)
    monkeypatch.setattr(sys.modules[camera_step.__module__], "MOST_UNSHARED", 1000)
    np.testing.assert_allclose(divided, step_of(boxes, detected), rtol=1e-9, atol=1e-9)
