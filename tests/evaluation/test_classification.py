from __future__ import annotations

import json

import numpy as np
import pytest

from rtdet.evaluation.classification import classification_scores
from rtdet.evaluation.report.classification import print_classification, summary, worst_pairs


@pytest.fixture
def scores():
    """Seven classes; a is right twice of three, b is once taken for a and once sixth, c has nothing."""
    names = [*"abcdefg"]
    ranking = {
        0: ["abcdefg", "abcdefg", "bacdefg"],
        1: ["abcdefg", "gfedcba"],
    }
    rows, labels = [], []
    for label, orders in ranking.items():
        for order in orders:
            rows.append([7 - order.index(name) for name in names])
            labels.append(label)
    return classification_scores(np.array(rows, dtype=float), np.array(labels), names)


def test_top_1_and_top_5_are_shares_of_all_pictures_and_of_each_class(scores):
    assert scores.top1 == pytest.approx(2 / 5)
    assert scores.top5 == pytest.approx(4 / 5)
    a, b, c = scores.classes[:3]
    assert (a.pictures, a.top1, a.top5, a.precision) == pytest.approx((3, 2 / 3, 1, 2 / 3))
    assert (b.pictures, b.top1, b.top5, b.precision) == pytest.approx((2, 0, 0.5, 0))
    assert c.pictures == 0
    assert np.isnan(c.top1)


def test_confusions_are_the_pairs_of_the_matrix_the_most_frequent_first(scores):
    assert scores.matrix.sum() == 5
    assert [(one.name, one.taken_for, one.count, one.pictures) for one in scores.confusions(2)] == [
        ("a", "b", 1, 3),
        ("b", "a", 1, 2),
    ]
    assert worst_pairs(scores, 1) == ["a taken for b: 1 of 3 (33.3 %)"]


def test_what_is_not_defined_is_null_in_json(scores):
    content = json.loads(json.dumps(scores.as_json(), allow_nan=False))
    assert content["classes"]["c"] == {"pictures": 0, "top1": None, "top5": None, "precision": None}
    assert content["confusions"][0] == {"class": "a", "taken_for": "b", "count": 1, "pictures": 3}


def test_of_five_classes_or_fewer_top_5_is_1_and_that_is_said():
    few = classification_scores(np.eye(3)[[0, 1, 1]], np.array([0, 1, 2]), ["x", "y", "z"])
    assert (few.top1, few.top5) == (pytest.approx(2 / 3), 1)
    assert (
        summary(few) == "top-1 0.667, top-5 1.000 on 3 pictures of 3 classes; of 3 classes, top-5 is always 1"
    )


def test_without_pictures_there_is_nothing_to_measure():
    with pytest.raises(ValueError, match="no pictures"):
        classification_scores(np.zeros((0, 2)), np.zeros(0, dtype=int), ["x", "y"])


def test_the_table_shows_measured_classes_the_worst_first_and_names_as_they_are(capsys):
    names = ["[red]", "plain", "absent"]
    print_classification(classification_scores(np.eye(3)[[1, 1]], np.array([0, 1]), names))
    lines = capsys.readouterr().out.splitlines()
    rows = lines[: lines.index("mistaken most often:")]
    rows = [line for line in rows if line.split()[:1] in (["[red]"], ["plain"], ["absent"])]
    assert [row.split()[0] for row in rows] == ["[red]", "plain"]
    assert "  [red] taken for plain: 1 of 1 (100.0 %)" in lines
