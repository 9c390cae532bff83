"""The size of the pictures that tracks are of, where their file does not hold it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rtdet.errors import UsageError
from rtdet.tracks.picture_size import check_size, with_size
from rtdet.tracks.table import FrameList, TrackTable


def table(lefts: list[float]) -> TrackTable:
    """A box 40 wide in each frame."""
    numbers = np.arange(1, len(lefts) + 1)
    boxes = np.array([(left, 100, left + 40, 200) for left in lefts])
    ones = np.ones(len(lefts))
    return TrackTable(numbers, ones, boxes, ones, 0 * ones, FrameList(numbers, numbers / 25), ("person",))


def test_tracks_of_a_larger_picture_do_not_fit_a_smaller_one():
    walk = table([12.5 * i for i in range(100)])
    check_size(walk, (1280, 720), "the zones")
    with pytest.raises(
        UsageError, match=r"640x360 by the zones, but the tracks reach to 1278x200: .* --size 1280x"
    ):
        check_size(walk, (640, 360), "the zones")


def test_boxes_that_go_on_behind_the_border_fit():
    check_size(table([620.0] * 20), (640, 360), "the zones")
    check_size(table([300.0] * 200 + [2000.0]), (640, 360), "the zones")
    check_size(table([]), (640, 360), "the zones")


def test_what_was_not_seen_does_not_count():
    gone = table([2000.0] * 20)
    check_size(replace(gone, scores=np.zeros(20)), (640, 360), "the zones")


def test_pictures_whose_size_is_not_known_get_it():
    walk = table([10.0] * 3)
    assert with_size(walk, None) is walk
    assert with_size(walk, (640, 360)).frame_list.sizes.tolist() == [[640, 360]] * 3
    known = with_size(walk, (640, 360))
    assert with_size(known, (1280, 720)).frame_list.sizes.tolist() == [[640, 360]] * 3
