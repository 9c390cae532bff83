from __future__ import annotations

import numpy as np
import pytest

from rtdet.explain.suppression import suppress
from rtdet.geometry.boxes import diou, iou
from rtdet.geometry.nms import batched_nms


def crowd(seed: int, count: int = 120):
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 80, (count, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(10, 40, (count, 2))], axis=1)
    return boxes, rng.uniform(0, 1, count).round(2), rng.integers(0, 3, count)


@pytest.mark.parametrize("overlap", [iou, diou])
def test_what_stays_is_what_nms_keeps(overlap):
    for seed in range(5):
        boxes, scores, labels = crowd(seed)
        found = suppress(boxes, scores, labels, 0.4, overlap)
        assert found.kept.tolist() == batched_nms(boxes, scores, labels, 0.4, overlap).tolist()


def test_each_suppressed_box_is_suppressed_by_the_surest_kept_one_of_its_class_that_overlaps_it():
    boxes, scores, labels = crowd(7)
    found = suppress(boxes, scores, labels, 0.4)
    overlaps = iou(boxes, boxes)
    for row in found.suppressed:
        able = [k for k in found.kept if labels[k] == labels[row] and overlaps[k, row] > 0.4]
        assert found.by[row] == able[0]
        assert found.overlap[row] == pytest.approx(overlaps[able[0], row])


def test_a_higher_threshold_changes_nothing_among_what_scores_more():
    boxes, scores, labels = crowd(9)
    every = suppress(boxes, scores, labels, 0.4).kept
    sure = np.flatnonzero(scores >= 0.5)
    alone = sure[suppress(boxes[sure], scores[sure], labels[sure], 0.4).kept]
    assert [row for row in every if scores[row] >= 0.5] == alone.tolist()
