from __future__ import annotations

import numpy as np

from rtdet.datasets.teacher import fuse, opinion
from rtdet.types import Detections

NAMES = ("person", "car")


class Looker:
    """A detector that finds the brightest rectangle of a picture."""

    class_names = ("car", "person")

    def __init__(self, score, label=0):
        self.score, self.label = score, label

    def detect(self, images):
        found = []
        for image in images:
            y, x = np.nonzero(image[..., 0] > 128)
            box = [[x.min(), y.min(), x.max() + 1, y.max() + 1]]
            found.append(Detections(box, [self.score], [self.label], self.class_names))
        return found

    def close(self):
        pass


def _looks(*rows):
    return [Detections([box], [score], [label], NAMES) for box, score, label in rows]


def test_boxes_of_one_object_become_one_weighted_by_their_scores():
    looks = _looks(([0, 0, 10, 10], 0.6, 0), ([0, 0, 10, 13], 0.3, 0))
    fused = fuse(looks, NAMES)
    assert len(fused) == 1
    np.testing.assert_allclose(fused.boxes, [[0, 0, 10, 11]])
    np.testing.assert_allclose(fused.scores, [0.45])


def test_what_only_one_of_three_looks_sees_counts_a_third():
    looks = [*_looks(([0, 0, 10, 10], 0.9, 0)), Detections(), Detections()]
    np.testing.assert_allclose(fuse(looks, NAMES).scores, [0.3])


def test_two_boxes_of_one_look_on_one_object_count_once():
    look = Detections([[0, 0, 10, 10], [0, 0, 10, 11]], [0.8, 0.5], [0, 0], NAMES)
    np.testing.assert_allclose(fuse([look], NAMES).scores, [0.8])


def test_classes_and_distant_boxes_stay_apart():
    looks = _looks(([0, 0, 10, 10], 0.9, 0), ([0, 0, 10, 10], 0.8, 1), ([50, 0, 60, 10], 0.7, 0))
    assert len(fuse(looks, NAMES)) == 3


def test_no_looks_at_anything_give_nothing():
    assert len(fuse([Detections(), Detections()], NAMES)) == 0


def test_a_mirrored_look_is_turned_back_and_names_are_translated():
    image = np.zeros((40, 100, 3), np.uint8)
    image[5:25, 10:30] = 255
    found = opinion(image, [Looker(0.8), Looker(0.4)], NAMES)
    assert found.boxes.tolist() == [[10, 5, 30, 25]]
    assert [found.name_of(i) for i in range(len(found))] == ["car"]
    np.testing.assert_allclose(found.scores, [0.6])


def test_classes_that_are_not_asked_for_are_left_out():
    image = np.full((40, 100, 3), 255, np.uint8)
    assert len(opinion(image, [Looker(0.8)], ("dog",))) == 0
    assert len(opinion(image, [Looker(0.8)], NAMES)) == 1
