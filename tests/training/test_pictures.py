from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from rtdet.datasets import Sample
from rtdet.errors import UsageError
from rtdet.training.augment import NOTHING, Augment, open_recipe
from rtdet.training.batches import MAX_IGNORED, MAX_OBJECTS, Batches, truth_of
from rtdet.training.labeled import Labeled
from rtdet.training.pictures import Budget, open_pictures


@pytest.fixture
def sample(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((100, 200, 3), np.uint8))
    boxes = np.array([[20.0, 10, 60, 90]])
    return Sample(tmp_path / "a.png", (200, 100), boxes, np.array([1]), np.array([False]), scores=[0.7])


def test_a_picture_is_shrunk_with_its_boxes_and_keeps_its_doubt(sample):
    (picture,) = open_pictures([sample], 50)
    made = picture()
    assert made.size == (100, 50)
    assert made.boxes.tolist() == [[10, 5, 30, 45]]
    assert made.scores.tolist() == [0.7]
    assert made.name == "a.png"


def test_pictures_beyond_the_budget_are_read_again_each_time(sample):
    kept, read = open_pictures([sample, sample], 100, Budget(200 * 100 * 3))
    assert kept() is kept()
    assert read() is not read()


def test_labels_of_a_picture_of_another_shape_are_refused_and_those_of_another_size_rescaled(sample):
    cv2.imwrite(str(sample.path), np.zeros((50, 100, 3), np.uint8))
    (picture,) = open_pictures([sample], 100)
    assert picture().boxes.tolist() == [[10, 5, 30, 45]]
    cv2.imwrite(str(sample.path), np.zeros((200, 100, 3), np.uint8))
    (picture,) = open_pictures([sample], 100)
    with pytest.raises(UsageError, match=r"a\.png is 100x200"):
        picture()


def test_batches_are_the_same_whatever_the_threads_and_the_step_they_begin_at(sample):
    pictures = open_pictures([sample], 100)

    def batches(**options):
        return Batches(pictures, open_recipe("full", (64, 64)), batch=2, classes=2, plain_from=3, **options)

    one, other = batches(workers=1), batches(workers=3, first_step=2)
    first, second = iter(one), iter(other)
    early = [next(first) for _ in range(5)]
    late = [next(second) for _ in range(3)]
    one.close()
    other.close()
    for a, b in zip(early[2:], late, strict=True):
        assert (a.images == b.images).all()
        for wanted, given in zip(a.truths, b.truths, strict=True):
            assert all((x == y).all() for x, y in zip(wanted, given, strict=True))


def test_more_objects_than_fit_into_memory_become_ignored_regions():
    count = 3000
    boxes = np.tile([[0.0, 0, 10, 10]], (count, 1))
    boxes[7] = [0, 0, 50, 50]
    crowd = Labeled(np.zeros((64, 64, 3), np.uint8), boxes, np.arange(count), np.zeros(count, bool))
    truth = truth_of(crowd, count)
    assert len(truth.boxes) == MAX_OBJECTS
    assert len(truth.ignored) == MAX_IGNORED
    assert truth.labels[0] == 7


def test_classes_that_may_be_missing_are_told_to_the_loss():
    nothing = np.zeros(0, bool)
    empty = Labeled(
        np.zeros((8, 8, 3), np.uint8), np.zeros((0, 4)), np.zeros(0, np.int64), nothing, None, frozenset({1})
    )
    assert truth_of(empty, 3).incomplete.tolist() == [False, True, False]


def test_pictures_are_mixed_with_those_of_their_group_only():
    def plain(value):
        image = np.full((64, 64, 3), value, np.uint8)
        box, label = np.array([[8.0, 8, 40, 40]]), np.array([value // 100])
        picture = Labeled(image, box, label, np.array([False]))
        return lambda: picture

    recipe = Augment((64, 64), replace(NOTHING, mosaic=1.0, zoom=(0.5, 1.5), mosaic_zoom=(0.5, 1.5)))
    pictures = [plain(value) for value in (0, 100, 200)]
    batches = Batches(pictures, recipe, batch=32, classes=3, groups=[7, 8, 7])
    made = batches.make(0).truths
    batches.close()
    seen = [frozenset(truth.labels.tolist()) for truth in made]
    assert frozenset({0, 2}) in seen
    assert not any(1 in labels and len(labels) > 1 for labels in seen)
