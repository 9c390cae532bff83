"""What counts, by whose name, and what is left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtdet.datasets import Dataset
from rtdet.evaluation import evaluate
from rtdet.evaluation.detection.curves import Counts
from rtdet.evaluation.detection.measurement import as_json, curves_as_csv, measure, only_classes
from rtdet.evaluation.detection.mistakes import worst
from rtdet.types import Detections
from tests.evaluation.conftest import found_in, picture, random_set

BOX = (10, 10, 50, 50)
FAR = (100, 100, 140, 140)


def test_classes_are_compared_by_name_not_by_number(set_of):
    found = [found_in((*BOX, 1, 0.9), names=("dog", "cat"))]
    assert evaluate(set_of(picture((*BOX, 0))), found)["cat"].ap50 == pytest.approx(1)


def test_detections_of_classes_that_the_data_lack_are_passed_over(set_of):
    found = [found_in((*BOX, 0, 0.9), (*FAR, 1, 0.95), names=("cat", "zebra"))]
    measured = measure(set_of(picture((*BOX, 0))), found)
    assert measured.scores.mean.ap50 == pytest.approx(1)
    assert measured.total == Counts(1, 0, 0)


def test_detections_without_names_or_for_other_pictures_are_an_error(set_of):
    dataset = set_of(picture((*BOX, 0)))
    with pytest.raises(ValueError, match="by name"):
        evaluate(dataset, [Detections(np.array([BOX]))])
    with pytest.raises(ValueError, match="1 pictures but 2"):
        evaluate(dataset, [found_in(), found_in()])


def test_a_class_whose_labels_are_incomplete_in_a_picture_is_not_measured_there(set_of):
    dataset = set_of(picture((*BOX, 0), (*FAR, 1)), picture((*BOX, 0), (*FAR, 1), incomplete=[0]))
    unlabelled_cat = (60, 60, 90, 90, 0, 0.99)
    found = [found_in((*BOX, 0, 0.9), (*FAR, 1, 0.9)), found_in(unlabelled_cat, (*FAR, 1, 0.9))]
    measured = measure(dataset, found)
    assert measured.scores["cat"].truths == 1
    assert measured.scores["cat"].ap50 == pytest.approx(1)
    assert measured.scores["cat"].voc_11_point == pytest.approx(1)
    assert measured.counts == (Counts(1, 0, 0), Counts(2, 0, 0))
    assert measured.false_alarms == measured.misses == ()
    everything = measure(dataset, found, count_incomplete=True)
    assert everything.counts[0] == Counts(1, 1, 1)
    assert everything.scores["cat"].ap50 < 0.5


def test_finding_an_ignored_object_is_neither_right_nor_wrong(set_of):
    dataset = set_of(picture((*BOX, 0), (*FAR, 0), ignored=[1]))
    measured = measure(dataset, [found_in((*FAR, 0, 0.99), (*BOX, 0, 0.5))])
    assert measured.scores["cat"].truths == 1
    assert measured.scores["cat"].ap == pytest.approx(1)
    assert measured.total == Counts(1, 0, 0)


def test_a_crowd_takes_any_number_of_detections(set_of):
    dataset = set_of(picture((0, 0, 100, 100, 0), (*FAR, 0), crowd=[0]))
    inside = [(x, 10, x + 20, 40, 0, 0.9) for x in (0, 25, 50)]
    assert measure(dataset, [found_in(*inside, (*FAR, 0, 0.8))]).total == Counts(1, 0, 0)


def test_a_data_set_without_pictures_or_without_classes_gives_no_figures():
    for dataset, found in (
        (Dataset(Path("x"), ("cat",), []), []),
        (Dataset(Path("x"), (), [picture()]), [found_in()]),
    ):
        measured = measure(dataset, found)
        assert np.isnan(measured.scores.mean.ap)
        assert measured.pooled.best_confidence() is None


def test_counts_by_confidence_take_equal_scores_together(set_of):
    dataset = set_of(picture((*BOX, 0), (*FAR, 0)))
    found = [found_in((*BOX, 0, 0.8), (60, 0, 90, 30, 0, 0.8), (*FAR, 0, 0.4), (0, 100, 30, 130, 0, 0.2))]
    (curve, _) = measure(dataset, found).curves
    assert curve.confidences.tolist() == [0.8, 0.4, 0.2]
    assert curve.precision.tolist() == [1 / 2, 2 / 3, 2 / 4]
    assert curve.recall.tolist() == [1 / 2, 1, 1]
    assert curve.best_confidence() == 0.4
    assert curve.at(0.9) == Counts(0, 0, 2)
    assert curve.at(0.4) == Counts(2, 1, 0)
    assert curve.at(0.3).f1 == pytest.approx(0.8)


def test_the_confusion_matrix_has_a_row_and_a_column_of_background(set_of):
    """Two cats, two dogs: one cat found, one taken for a dog; one dog found twice, one missed; one cat of thin
    air."""
    dataset = set_of(picture((*BOX, 0), (*FAR, 0)), picture((*BOX, 1), (*FAR, 1)))
    found = [
        found_in((*BOX, 0, 0.9), (*FAR, 1, 0.8)),
        found_in((*BOX, 1, 0.9), (*BOX, 1, 0.7), (60, 0, 90, 30, 0, 0.6), (*FAR, 1, 0.1)),
    ]
    measured = measure(dataset, found)
    assert measured.outcomes.confusion_matrix().tolist() == [[1, 1, 0], [0, 1, 1], [1, 1, 0]]
    assert measured.counts == (Counts(1, 1, 1), Counts(1, 2, 1))
    assert [(one.kind, one.class_name) for one in measured.false_alarms] == [
        ("class", "dog"), ("twice", "dog"), ("nothing", "cat"),
    ]  # fmt: skip
    assert {(one.kind, one.class_name) for one in measured.misses} == {("class", "cat"), ("unsure", "dog")}


def test_the_parts_of_the_confusion_matrix_are_the_counts_on_random_pictures():
    dataset, found = random_set(7)
    measured = measure(dataset, found, confidence=0.4)
    matrix = measured.outcomes.confusion_matrix()
    for label, counts in enumerate(measured.counts):
        assert matrix[label, label] == counts.tp
        assert matrix[label].sum() == counts.tp + counts.fn
        assert matrix[:, label].sum() == counts.tp + counts.fp
        assert measured.curves[label].at(0.4) == counts
    assert measured.pooled.at(0.4) == measured.total
    assert len(measured.misses) == measured.total.fn
    assert len(measured.false_alarms) == measured.total.fp


def test_detections_below_the_confidence_change_nothing_for_those_above():
    dataset, found = random_set(8)
    sure = [one[one.scores >= 0.5] for one in found]
    among, alone = measure(dataset, found, confidence=0.5), measure(dataset, sure, confidence=0.5)
    assert among.counts == alone.counts
    np.testing.assert_array_equal(among.outcomes.confusion_matrix(), alone.outcomes.confusion_matrix())
    assert [one.box.tolist() for one in among.false_alarms] == [
        one.box.tolist() for one in alone.false_alarms
    ]
    assert len(alone.outcomes.unsure) == 0 < len(among.outcomes.unsure)


def test_what_is_found_of_a_class_without_objects_is_wrong_in_the_pooled_curve_too(set_of):
    measured = measure(set_of(picture((*BOX, 0))), [found_in((*BOX, 0, 0.9), (*FAR, 1, 0.8))])
    assert measured.total == measured.pooled.at(0.25) == Counts(1, 1, 0)


def test_a_missed_object_is_taken_for_what_the_highest_score_says(set_of):
    dataset = set_of(picture((*BOX, 0)))
    (miss,) = measure(dataset, [found_in((*BOX, 1, 0.6), (12, 10, 52, 50, 1, 0.9))]).misses
    assert miss.reason == "taken for dog (0.90)"


def test_a_box_on_an_object_of_another_class_that_is_not_asked_for_is_not_said_to_be_found_too(set_of):
    box_on_both = [found_in((*BOX, 0, 0.9), (*BOX, 1, 0.8))]
    (alarm,) = measure(set_of(picture((*BOX, 0))), box_on_both).false_alarms
    assert alarm.reason == "it is labelled cat, and was also detected as that"
    (alarm,) = measure(set_of(picture((*BOX, 0), ignored=[0])), box_on_both).false_alarms
    assert alarm.reason == "it is labelled cat"


def test_an_overlap_just_below_the_limit_is_not_rounded_up_to_it(set_of):
    (miss,) = measure(set_of(picture((0, 0, 100, 100, 0))), [found_in((0, 0, 100, 49.9, 0, 0.9))]).misses
    assert "0.49 only" in miss.reason
    (miss,) = measure(set_of(picture((*BOX, 0))), [found_in((*BOX, 0, 0.002))]).misses
    assert "less than 0.01" in miss.reason


def test_ten_thousand_boxes_on_one_place_are_measured_without_listing_all_their_pairs(set_of):
    many = [(*BOX, 0)] * 10_000
    measured = measure(set_of(picture(*many)), [found_in(*[(*BOX, 1, 0.9)] * 300)])
    assert measured.outcomes.confusion_matrix().tolist() == [[0, 300, 9700], [0, 0, 0], [0, 0, 0]]


def test_a_badly_placed_box_explains_the_miss_and_the_false_alarm(set_of):
    measured = measure(set_of(picture((*BOX, 0))), [found_in((30, 10, 70, 50, 0, 0.9))])
    (miss,), (alarm,) = measured.misses, measured.false_alarms
    assert (miss.kind, alarm.kind) == ("place", "place")
    assert "0.33" in miss.reason
    np.testing.assert_array_equal(alarm.other, BOX)


def test_the_worst_are_of_different_pictures_and_the_largest_first(set_of):
    small, large = (0, 0, 10, 10, 0), (20, 20, 120, 120, 0)
    dataset = set_of(picture(small), picture(large, (130, 130, 190, 190, 0)))
    shown = worst(measure(dataset, [found_in(), found_in()]).misses, 5)
    assert [one.picture for one in shown] == [1, 0]
    np.testing.assert_array_equal(shown[0].box, large[:4])


def test_only_classes_keeps_the_named_ones_with_their_declarations(set_of):
    dataset = only_classes(set_of(picture((*BOX, 0), (*FAR, 1), incomplete=[1])), ["dog"])
    assert dataset.class_names == ("dog",)
    assert dataset.samples[0].boxes.tolist() == [list(map(float, FAR))]
    assert dataset.samples[0].incomplete == {0}


def test_what_is_not_defined_is_null_in_json_and_names_are_no_formulas_in_csv(set_of):
    dataset = set_of(picture((*BOX, 0)))
    content = as_json(measure(dataset, [found_in((*BOX, 0, 0.9))]), {"measured": "x"})
    assert content["classes"]["dog"]["ap"] is None
    assert content["classes"]["cat"]["ap50"] == pytest.approx(1)
    assert content["classes"]["cat"]["tp"] == 1
    evil = Dataset(dataset.folder, ("=1+1", "dog"), dataset.samples)
    found = [found_in((*BOX, 0, 0.9), names=("=1+1", "dog"))]
    assert "\n'=1+1,0.9,1,0," in curves_as_csv(measure(evil, found))
