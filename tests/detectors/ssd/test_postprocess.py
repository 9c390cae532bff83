from __future__ import annotations

import numpy as np
import pytest

from rtdet.detectors.ssd.postprocess import postprocess
from rtdet.geometry.letterbox import Letterbox
from rtdet.types import Thresholds

PRIORS = np.array([[20.0, 20, 20, 20], [22, 20, 20, 20], [70, 70, 20, 20]])
BACK = Letterbox((1, 1), (0, 0), (100, 100))
NAMES = ("cat", "", "dog")


def _found(logits, thresholds=None):
    logits = np.array(logits, dtype=np.float32)
    thresholds = thresholds or Thresholds(0.3)
    return postprocess(np.zeros((3, 4)), logits, PRIORS, BACK, thresholds, NAMES, background=True)


def test_scores_are_a_softmax_over_background_and_all_outputs():
    found = _found([[0.0, 2, 0, 0], [9, 0, 0, 0], [9, 0, 0, 0]])
    np.testing.assert_allclose(found.scores, [np.exp(2) / (np.exp(2) + 3)])
    np.testing.assert_allclose(found.boxes, [[10, 10, 30, 30]])
    assert found.name_of(0) == "cat"


def test_a_prior_speaks_for_every_class_that_reaches_the_threshold():
    found = _found([[0.0, 5, 0, 5], [9, 0, 0, 0], [9, 0, 0, 0]])
    assert sorted(found.name_of(i) for i in range(len(found))) == ["cat", "dog"]
    assert found.boxes[0].tolist() == found.boxes[1].tolist()


def test_boxes_are_suppressed_by_better_ones_of_their_own_class_only():
    one_class = _found([[0.0, 6, 0, 0], [0, 5, 0, 0], [9, 0, 0, 0]])
    assert len(one_class) == 1
    two_classes = _found([[0.0, 6, 0, 0], [0, 0, 0, 5], [9, 0, 0, 0]])
    assert [two_classes.name_of(i) for i in range(2)] == ["cat", "dog"]


def test_an_output_that_stands_for_no_class_takes_its_share_and_is_never_reported():
    found = _found([[0.0, 5, 5, 0], [0, 0, 9, 0], [9, 0, 0, 0]])
    assert found.class_names == ("cat", "dog")
    assert [found.name_of(i) for i in range(len(found))] == ["cat"]
    assert found.scores[0] < 0.5


def test_wanted_classes_keep_the_scores_that_they_have_among_all():
    logits = [[0.0, 5, 0, 5], [9, 0, 0, 0], [9, 0, 0, 0]]
    dogs = _found(logits, Thresholds(0.3, classes=frozenset({"dog"})))
    assert [dogs.name_of(i) for i in range(len(dogs))] == ["dog"]
    np.testing.assert_allclose(dogs.scores, _found(logits).scores[:1])


@pytest.mark.parametrize("background", [True, False])
def test_a_wanted_class_that_there_is_not_gives_nothing(background):
    logits = np.ones((3, len(NAMES) + background), dtype=np.float32)
    wanted = Thresholds(0.0, classes=frozenset({"cow"}))
    found = postprocess(np.zeros((3, 4)), logits, PRIORS, BACK, wanted, NAMES, background=background)
    assert found.boxes.shape == (0, 4)


def test_nothing_and_everything_are_no_special_cases():
    assert _found([[9.0, 0, 0, 0]] * 3).boxes.shape == (0, 4)
    assert len(_found([[9.0, 0, 0, 0]] * 3, Thresholds(0.0))) == 4  # one of each class and place
