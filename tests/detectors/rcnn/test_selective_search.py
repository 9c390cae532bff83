"""Segmentation and selective search, on pictures whose parts are known."""

from __future__ import annotations

import numpy as np

from rtdet.detectors.rcnn.segmentation import segment
from rtdet.detectors.rcnn.selective_search import group, selective_search
from rtdet.geometry.boxes import iou


def two_boxes():
    """A red and a blue box on grey; the red one has a dark stripe."""
    picture = np.full((60, 80, 3), 120, np.uint8)
    picture[10:40, 10:30] = (20, 20, 220)
    picture[20:25, 10:30] = (20, 20, 90)
    picture[20:55, 50:75] = (220, 40, 20)
    return picture


def test_plain_parts_are_segments():
    segments = segment(two_boxes(), 100, smoothing=0)
    assert segments.shape == (60, 80)
    assert sorted(np.bincount(segments.ravel())) == [100, 200, 300, 875, 3325]
    assert segments.max() == 4


def test_what_is_smaller_than_asked_for_is_joined_to_a_neighbour():
    picture = np.full((20, 20, 3), 100, np.uint8)
    picture[5:7, 5:7] = 255
    assert segment(picture, 1, smoothing=0, least_pixels=2).max() == 1
    assert segment(picture, 1, smoothing=0, least_pixels=5).max() == 0


def test_a_larger_scale_makes_fewer_segments():
    noise = np.random.default_rng(0).integers(80, 120, (40, 40, 3)).astype(np.uint8)
    counts = [segment(noise, scale, least_pixels=1).max() + 1 for scale in (10, 100, 1000)]
    assert counts[0] > counts[1] > counts[2]


def test_every_region_on_the_way_to_the_whole_is_a_box():
    picture = two_boxes()
    boxes = group(picture, segment(picture, 100, smoothing=0))
    assert len(boxes) == 2 * 5 - 1
    assert boxes[-1].tolist() == [0, 0, 80, 60]
    assert [10, 10, 30, 40] in boxes.tolist()  # the red box with its stripe, of three segments


def test_one_segment_is_one_box():
    picture = np.full((10, 12, 3), 7, np.uint8)
    assert group(picture, segment(picture, 100)).tolist() == [[0, 0, 12, 10]]


def test_objects_are_among_the_boxes_also_in_pixels_of_a_picture_that_was_shrunk():
    picture = np.kron(two_boxes(), np.ones((4, 4, 1), np.uint8))
    boxes = selective_search(picture, side=80)
    objects = np.array([[40.0, 40, 120, 160], [200, 80, 300, 220]])
    assert (iou(objects, boxes).max(1) > 0.8).all()
    assert len(np.unique(boxes, axis=0)) == len(boxes)


def test_it_finds_the_same_each_time_and_no_more_and_no_smaller_than_asked_for():
    picture = np.random.default_rng(0).integers(0, 255, (50, 60, 3)).astype(np.uint8)
    boxes = selective_search(picture, most=20, least_side=10)
    assert np.array_equal(boxes, selective_search(picture, most=20, least_side=10))
    assert len(boxes) == 20
    assert (boxes[:, 2:] - boxes[:, :2]).min() >= 10
