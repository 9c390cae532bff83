from __future__ import annotations

import numpy as np
import torch
import torchvision
from hypothesis import given
from hypothesis import strategies as st

from rtdet.geometry.nms import batched_nms, nms


@given(st.integers(0, 300), st.integers(0, 10_000))
def test_nms_keeps_what_torchvision_keeps(count, seed):
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 80, (count, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(1, 40, (count, 2))], axis=1)
    scores = rng.permutation(count) / max(1, count)
    expected = torchvision.ops.nms(torch.from_numpy(boxes), torch.from_numpy(scores), 0.45)
    assert nms(boxes, scores, 0.45).tolist() == expected.tolist()


def test_a_box_is_suppressed_by_a_much_better_one_far_up_the_list():
    others = [[20.0 * i, 0, 20.0 * i + 10, 10] for i in range(1, 1000)]
    boxes = np.array([[0.0, 0, 10, 10], *others, [1.0, 0, 11, 10]])
    keep = nms(boxes, np.linspace(1, 0, len(boxes)), 0.5)
    assert keep.tolist() == list(range(1000))


def test_boxes_of_different_classes_do_not_suppress_each_other():
    boxes = np.array([[0.0, 0, 10, 10], [0, 0, 10, 10], [1, 0, 10, 10]])
    keep = batched_nms(boxes, np.array([0.9, 0.8, 0.7]), np.array([0, 1, 0]), 0.5)
    assert keep.tolist() == [0, 1]


def test_equal_scores_keep_the_first():
    boxes = np.array([[0.0, 0, 10, 10], [0, 0, 10, 10]])
    assert nms(boxes, np.array([0.5, 0.5]), 0.5).tolist() == [0]


def test_nothing_in_nothing_out():
    assert batched_nms(np.zeros((0, 4)), np.zeros(0), np.zeros(0, dtype=np.int64), 0.5).tolist() == []
