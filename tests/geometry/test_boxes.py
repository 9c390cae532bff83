from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rtdet.geometry.boxes import (
    area,
    clip,
    cxcywh_to_xyxy,
    iou,
    is_valid,
    ltwh_to_xyxy,
    xyxy_to_cxcywh,
    xyxy_to_ltwh,
)

some_boxes = arrays(np.float64, st.tuples(st.integers(0, 8), st.just(4)), elements=st.floats(-1e4, 1e4))


@given(some_boxes)
def test_every_format_converts_there_and_back(boxes):
    np.testing.assert_allclose(cxcywh_to_xyxy(xyxy_to_cxcywh(boxes)), boxes, atol=1e-8)
    np.testing.assert_allclose(ltwh_to_xyxy(xyxy_to_ltwh(boxes)), boxes, atol=1e-8)


def test_the_lectures_example_of_centre_size_format():
    fractions = xyxy_to_cxcywh(np.array([[640.0, 356, 870, 520]])) / [970, 548, 970, 548]
    np.testing.assert_allclose(fractions, [[0.78, 0.8, 0.24, 0.30]], atol=0.005)


@given(some_boxes, some_boxes)
def test_iou_lies_between_0_and_1_and_is_symmetric(a, b):
    table = iou(a, b)
    assert table.shape == (len(a), len(b))
    assert (table >= 0).all()
    assert (table <= 1 + 1e-9).all()
    np.testing.assert_allclose(table, iou(b, a).T)


def test_iou_of_boxes_half_way_over_each_other_is_a_third():
    assert iou(np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 0, 3, 2]]))[0, 0] == pytest.approx(1 / 3)


def test_an_inverted_box_has_no_area_and_overlaps_nothing():
    inverted = np.array([[5.0, 5, 1, 1]])
    assert area(inverted)[0] == 0
    assert iou(inverted, np.array([[0.0, 0, 9, 9]]))[0, 0] == 0


def test_valid_boxes_are_finite_have_area_and_touch_the_picture():
    boxes = np.array(
        [
            [1, 1, 5, 5],
            [np.nan, 1, 5, 5],
            [5, 5, 1, 1],
            [3, 3, 3, 9],
            [200, 1, 300, 5],
            [-9, -9, 2, 2],
            [0, 0, np.inf, 4],
        ]
    )
    assert is_valid(boxes, 100, 50).tolist() == [True, False, False, False, False, True, False]


def test_clipping_keeps_boxes_within_the_picture():
    assert clip(np.array([[-5.0, 2, 120, 60]]), 100, 50).tolist() == [[0, 2, 100, 50]]


def test_boxes_without_area_overlap_nothing_not_even_themselves():
    boxes = np.array([[3.0, 3, 3, 3], [0, 0, 10, 10], [5, 5, 4, 6]])
    table = iou(boxes, boxes)
    assert table[1].tolist() == [0, 1, 0]
    assert table[:, 0].tolist() == [0, 0, 0]
