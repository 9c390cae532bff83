import html.parser
import re

import numpy as np
import pytest

from rtdet.errors import UsageError
from rtdet.evaluation.comparison import Compared, Comparison, classes_of_all, compare, render_comparison
from rtdet.evaluation.comparison.chart import HEIGHT, WIDTH, chart_of
from rtdet.evaluation.detection.scores import evaluate
from tests.evaluation.conftest import NAMES, found_in, picture


class Oracle:
    """A detector that finds what it was told to, in the pictures' order."""

    class_names = NAMES

    def __init__(self, found):
        self.found = found

    def detect(self, images):
        return [self.found for _ in images]

    def close(self):
        pass


@pytest.fixture
def cats(set_of, tmp_path):
    import cv2

    cv2.imwrite(str(tmp_path / "p.png"), np.zeros((200, 200, 3), np.uint8))
    return set_of(picture((10, 10, 60, 60, 0), (100, 100, 180, 180, 1), name=tmp_path / "p.png"))


def model(name, ap, per_second, parameters=1_000_000):
    nothing = evaluate_nothing()
    from dataclasses import replace

    scores = replace(nothing, ap=ap, ap50=ap)
    return Compared(
        name, scores, per_second, (per_second, per_second), "416x416", parameters, 10**9, 2.0, "", ""
    )


def evaluate_nothing():
    from pathlib import Path

    from rtdet.datasets import Dataset

    return evaluate(Dataset(Path("."), NAMES, [picture((0, 0, 9, 9, 0))]), [found_in()]).mean


def compared(*models):
    return Comparison(tuple(sorted(models, key=lambda one: -one.scores.ap)), NAMES, 3, 9)


def test_each_model_gets_its_own_figures_and_the_best_ap_comes_first(cats):
    half = found_in((10, 10, 60, 60, 0, 0.9))
    both = found_in((10, 10, 60, 60, 0, 0.9), (100, 100, 180, 180, 1, 0.8))
    result = compare(
        [("half", Oracle(half), 1.5), ("both", Oracle(both), None)], cats, seconds=0.01, rounds=3
    )
    assert [one.name for one in result.models] == ["both", "half"]
    assert [one.scores.ap for one in result.models] == pytest.approx([1.0, 0.5])
    assert result.models[1].megabytes == 1.5
    for one in result.models:
        assert one.spread[0] <= one.per_second <= one.spread[1]
        assert one.latency_ms == pytest.approx(1000 / one.per_second)
        assert one.parameters is None  # there is no network to count
    assert (result.pictures, result.objects) == (1, 2)


def test_only_classes_that_all_models_know_are_compared(cats):
    assert classes_of_all(cats, [("a", ("dog", "cat")), ("b", ("dog", "cow"))]) == ("dog",)


def test_models_without_a_common_class_are_refused_by_name(cats):
    with pytest.raises(UsageError, match=r"nothing to compare: b knows none of .*cat"):
        classes_of_all(cats, [("a", ("cat",)), ("b", ("dog",))])


def test_the_front_holds_the_models_that_no_other_beats_in_both():
    result = compared(
        model("slow good", 0.5, 1),
        model("slow bad", 0.3, 1),
        model("quick", 0.4, 100),
        model("worse", 0.35, 50),
    )
    assert [one.name for one in result.best()] == ["quick", "slow good"]


def test_names_in_the_chart_meet_neither_each_other_nor_the_edge():
    crowded = compared(*(model(f"a model of one kind, {i}", 0.3 + i / 200, 100 + 3 * i) for i in range(4)))
    chart = chart_of(crowded)
    boxes = []
    for mark in chart.marks:
        assert 0 <= mark.x <= WIDTH
        assert 0 <= mark.y <= HEIGHT
        width = 7.2 * len(mark.model.name)
        left = mark.label_x - {"start": 0, "end": width, "middle": width / 2}[mark.anchor]
        assert left >= 0
        assert left + width <= WIDTH
        boxes.append((left, mark.label_y, left + width))
    for i, (left, y, right) in enumerate(boxes):
        for other_left, other_y, other_right in boxes[:i]:
            assert abs(y - other_y) >= 10 or right <= other_left or other_right <= left


def test_a_model_alone_and_one_without_ap_make_a_chart():
    assert len(chart_of(compared(model("one", 0.4, 10))).marks) == 1
    assert chart_of(compared(model("none", float("nan"), 10))).marks == ()


def test_the_page_loads_nothing_and_names_are_text_in_it():
    page = render_comparison(
        compared(model("<script>alert(1)</script>", 0.4, 10), model("b", 0.2, 20)),
        title="<b>",
        notes=["a & b"],
    )
    seen = set()

    class Tags(html.parser.HTMLParser):
        def handle_starttag(self, tag, attributes):
            seen.add(tag)

    Tags().feed(page)
    assert not seen & {"script", "b", "link", "img", "iframe"}
    assert not re.search(r"(?:src|href)=[\"']?http", page)
    assert "&lt;script&gt;" in page
    assert "a &amp; b" in page
