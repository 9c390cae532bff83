"""The report is one file that loads nothing, and no name gets into it as markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from rtdet.datasets import Dataset
from rtdet.evaluation.detection.measurement import measure
from rtdet.evaluation.report import curves_as_png, render_report
from rtdet.evaluation.report.crops import cutout
from rtdet.types import Detections
from tests.evaluation.conftest import found_in, picture, random_set

EVIL = '</style><script>alert(1)</script><img src=x onerror="alert(2)">'
BOX = (10, 10, 50, 50)


class _Elements(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.depth = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in ("meta", "rect", "path", "image", "circle", "br"):
            self.depth.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    def handle_endtag(self, tag):
        assert self.depth.pop() == tag


def report(folder, names=("cat", "dog"), **options):
    """A report with every kind of picture in it, of files that are there."""
    name = str(folder / "p<b>.png")
    cv2.imwrite(name, np.full((200, 200, 3), 128, np.uint8))
    samples = [picture((*BOX, 0), (100, 100, 140, 140, 1), name=name), picture((*BOX, 0), name="gone.png")]
    found = [
        found_in((*BOX, 1, 0.9), names=names),
        found_in((60, 0, 90, 30, 0, 0.6), names=names),
    ]
    measured = measure(Dataset(folder, names, samples), found)
    return render_report(measured, title="t", **options)


def test_a_report_loads_nothing_and_runs_nothing(tmp_path):
    elements = _Elements(report(tmp_path, notes=["a note"], settings={"imgsz": "320"}))
    assert not {"script", "link", "iframe", "object", "embed", "base", "form", "img"} & set(elements.tags)
    assert elements.depth == []
    links = [value for name, value in elements.attributes if name in ("href", "src", "srcset", "action")]
    assert links
    assert all(value.startswith("data:image/jpeg;base64,") for value in links)
    assert not [name for name, _ in elements.attributes if name.startswith("on")]
    style = Path("rtdet/evaluation/report/report.css")
    assert "url(" not in (Path(__file__).parents[2] / style).read_text()


def test_hostile_names_stay_text(tmp_path):
    text = report(tmp_path, names=(EVIL, "dog"), notes=[EVIL], settings={EVIL: EVIL})
    elements = _Elements(text)
    assert not {"script", "img"} & set(elements.tags)
    assert "<script" not in text
    assert "onerror=&#34;" in text
    assert "p&lt;b&gt;.png" in text


def test_the_report_tells_classes_mistakes_and_the_suggested_confidence(tmp_path):
    text = report(tmp_path)
    plain = " ".join(re.sub(r"<[^>]+>", " ", text).split())
    for words in (
        "taken for dog (0.90)",
        "it is labelled cat",
        "nothing is labelled there",
        "cannot be read",
    ):
        assert words in plain
    assert "No detection is right" in plain


def test_the_curves_are_a_picture_whatever_the_classes_are_called(tmp_path):
    names = ("_a", "$x^", "猫", "\ud800", "\x1b[2J", *(f"class {i}" * 9 for i in range(8)))
    dataset, found = random_set(4, classes=len(names))
    found = [Detections(one.boxes, one.scores, one.labels, names) for one in found]
    empty = Dataset(tmp_path, ("cat",), [picture()])
    for measured in (
        measure(Dataset(tmp_path, names, dataset.samples), found),
        measure(empty, [found_in()]),
        measure(Dataset(tmp_path, ("cat",), [picture((*BOX, 0))]), [found_in()]),
    ):
        content = np.frombuffer(curves_as_png(measured), np.uint8)
        assert cv2.imdecode(content, cv2.IMREAD_COLOR).shape[1] > 1000


@pytest.mark.parametrize("size", [(1, 9000), (9000, 1), (2, 3), (64, 48)])
def test_cut_outs_of_pictures_of_any_shape_are_small(tmp_path, size):
    width, height = size
    cv2.imwrite(str(tmp_path / "p.png"), np.full((height, width, 3), 128, np.uint8))
    sample = picture((0, 0, width, height, 0), name=str(tmp_path / "p.png"))
    dataset = Dataset(tmp_path, ("cat",), [sample])
    (miss,) = measure(dataset, [found_in()]).misses
    cut = cutout(miss, dataset)
    assert cut.image.startswith("data:image/jpeg;base64,")
    assert max(cut.width / 420, cut.height / 315) == pytest.approx(1)
    assert (cut.box.x, cut.box.y) == (0, 0)
    if min(size) > 1:
        assert (cut.box.width, cut.box.height) == (cut.width, cut.height)


def test_a_report_of_nothing_is_still_a_report(tmp_path):
    for dataset in (Dataset(tmp_path, (), []), Dataset(tmp_path, ("cat",), [picture()])):
        found = [found_in() for _ in dataset.samples]
        text = render_report(measure(dataset, found), title="nothing")
        assert "Nothing was missed." in text
        assert _Elements(text).depth == []


def test_many_classes_are_folded_away_and_all_there(tmp_path):
    dataset, found = random_set(3, classes=15)
    text = render_report(measure(dataset, found), title="many")
    assert _Elements(text).depth == []
    assert "3 more classes" in text
    assert "labelled objects of\n    15 classes" in text
    assert all(f"<h3>{name}</h3>" in text for name in dataset.class_names)
