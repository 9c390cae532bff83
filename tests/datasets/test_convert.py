"""Every format to every other and back, and what a format cannot hold."""

from __future__ import annotations

import csv
import itertools
import json
import os
from xml.etree import ElementTree

import numpy as np
import pytest

from rtdet.datasets import load_dataset
from rtdet.datasets.convert import WRITERS, convert
from rtdet.datasets.formats import splits_of
from rtdet.errors import OutputError, UsageError
from tests.datasets.conftest import write_picture

ROWS = {
    "a.png": [
        ("person", 10.3, 20.6, 30.7, 40.1),
        ("car", 0, 0, 200, 100),
        ("person", 99.5, 50.5, 60, 20, {"iscrowd": 1}),
        ("bus", 150.2, 10, 20, 30, {"ignore": 1}),
    ],
    "b.png": [("car", 120.25, 30.75, 33.5, 44.25)],
    "empty.png": [],
}


def _seen(folder, split=None):
    """{picture: rows of (class, ignored, box)}, in an order of their own."""
    dataset = load_dataset(folder, split=split)
    return {
        sample.path.stem: sorted(
            (dataset.class_names[label], bool(ignored), box)
            for label, ignored, box in zip(sample.labels, sample.ignored, sample.boxes.tolist(), strict=True)
        )
        for sample in dataset.samples
    }


def _same(left, right, tolerance):
    assert left.keys() == right.keys()
    for stem in left:
        assert [row[:2] for row in left[stem]] == [row[:2] for row in right[stem]]
        boxes = [np.array([row[2] for row in rows]).reshape(-1, 4) for rows in (left[stem], right[stem])]
        np.testing.assert_allclose(boxes[0], boxes[1], atol=tolerance)


@pytest.mark.parametrize(("first", "second"), list(itertools.product(WRITERS, WRITERS)))
def test_every_format_becomes_every_other(coco_folder, tmp_path, first, second):
    folder = coco_folder(ROWS)
    convert(folder, first, tmp_path / "one")
    done = convert(tmp_path / "one", second, tmp_path / "two")
    expected = _seen(folder)
    if "yolo" in (first, second):
        expected = {stem: [row for row in rows if not row[1]] for stem, rows in expected.items()}
    _same(_seen(tmp_path / "two"), expected, 0.5 if "voc" in (first, second) else 1e-5)
    assert done.pictures == 3
    assert done.boxes == sum(map(len, expected.values()))


@pytest.mark.parametrize("kind", list(WRITERS))
def test_parts_stay_apart(coco_folder, tmp_path, kind):
    coco_folder({"a.png": [("car", 10, 10, 20, 20)]}, tmp_path / "set" / "train")
    coco_folder({"b.png": [("bus", 30, 30, 20, 20)], "c.png": []}, tmp_path / "set" / "valid")
    convert(tmp_path / "set", kind, tmp_path / "new")
    assert splits_of(tmp_path / "new") == ("train", "val")
    assert _seen(tmp_path / "new", "train").keys() == {"a"}
    _same(_seen(tmp_path / "new" / "val"), {"b": [("bus", False, [30, 30, 50, 50])], "c": []}, 1e-9)
    with pytest.raises(UsageError, match="divided into train, val"):
        load_dataset(tmp_path / "new")


def test_what_a_format_cannot_hold_is_counted(coco_folder, tmp_path):
    done = convert(coco_folder(ROWS), "yolo", tmp_path / "new")
    assert (done.boxes, dict(done.lost)) == (3, {"ignored regions": 2})


def test_crowds_scores_areas_and_sources_stay_in_coco(coco_folder, tmp_path):
    folder = coco_folder({"a.png": [("car", 1, 2, 30, 40, {"iscrowd": 1, "area": 700, "score": 0.625})]})
    convert(folder, "coco", tmp_path / "new")
    (sample,) = load_dataset(tmp_path / "new").samples
    assert (sample.crowd.tolist(), sample.areas.tolist(), sample.scores.tolist()) == ([True], [700], [0.625])
    assert sample.source == "street"


def test_voc_counts_pixels_from_1_and_includes_the_last(coco_folder, tmp_path):
    convert(coco_folder({"a.png": [("car", 0, 0, 200, 100)]}), "voc", tmp_path / "new")
    root = ElementTree.parse(tmp_path / "new" / "Annotations" / "a.xml")
    corners = [root.findtext(f"object/bndbox/{tag}") for tag in ("xmin", "ymin", "xmax", "ymax")]
    assert corners == ["1", "1", "200", "100"]


def test_a_box_thinner_than_a_pixel_keeps_one_in_voc(coco_folder, tmp_path):
    convert(coco_folder({"a.png": [("car", 199.7, 50.1, 0.2, 0.2)]}), "voc", tmp_path / "new")
    assert _seen(tmp_path / "new") == {"a": [("car", False, [199, 50, 200, 51])]}


def test_open_images_has_the_columns_of_the_original(coco_folder, tmp_path):
    convert(coco_folder(ROWS), "openimages", tmp_path / "new")
    with (tmp_path / "new" / "annotations-bbox.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["ImageID"] == "a"
    assert float(rows[1]["XMax"]) == 1
    assert [row["IsGroupOf"] for row in rows] == ["0", "0", "1", "1", "0"]


@pytest.mark.parametrize("kind", list(WRITERS))
def test_a_picture_that_is_listed_twice_keeps_the_labels_of_both(coco_folder, tmp_path, kind):
    folder = coco_folder({"a.png": [("car", 10, 10, 20, 20)], "b.png": [("bus", 50, 50, 20, 20)] * 2})
    content = json.loads((folder / "annotations.json").read_text())
    content["images"][1]["file_name"] = "a.png"
    (folder / "annotations.json").write_text(json.dumps(content))
    assert convert(folder, kind, tmp_path / "new").pictures == 1
    expected = {"a": [("bus", False, [50, 50, 70, 70]), ("car", False, [10, 10, 30, 30])]}
    _same(_seen(tmp_path / "new"), expected, 1e-6)


def test_a_picture_in_two_parts_keeps_the_labels_of_both_in_voc(tmp_path):
    write_picture(tmp_path / "set" / "images" / "a.png")
    for part, name in (("train", "car"), ("val", "bus")):
        content = {
            "categories": [{"id": 1, "name": name}],
            "images": [{"id": 1, "file_name": "a.png", "width": 200, "height": 100}],
            "annotations": [{"image_id": 1, "category_id": 1, "bbox": [10, 10, 20, 20]}],
        }
        (tmp_path / "set" / f"{part}.json").write_text(json.dumps(content))
    convert(tmp_path / "set", "voc", tmp_path / "new")
    for part in ("train", "val"):
        assert [name for name, *_ in _seen(tmp_path / "new", part)["a"]] == ["bus", "car"]


def test_val_and_valid_are_two_parts_where_a_set_has_both(coco_folder, tmp_path):
    for part in ("train", "val", "valid"):
        coco_folder({f"{part}.png": []}, tmp_path / "set" / part)
    assert convert(tmp_path / "set", "yolo", tmp_path / "new").pictures == 3
    assert splits_of(tmp_path / "new") == ("train", "val", "valid")


def test_scores_that_a_format_cannot_hold_are_counted(coco_folder, tmp_path):
    folder = coco_folder({"a.png": [("car", 1, 2, 30, 40, {"score": 0.5}), ("car", 50, 2, 30, 40)]})
    lost = {kind: dict(convert(folder, kind, tmp_path / kind).lost) for kind in WRITERS}
    assert lost["voc"] == lost["yolo"] == {"scores of a teacher": 1}
    assert lost["coco"] == lost["openimages"] == {}


@pytest.mark.parametrize("kind", list(WRITERS))
def test_names_that_not_every_format_can_hold_are_made_fit(coco_folder, tmp_path, kind):
    folder = coco_folder({"a.png": [("c\ud800\na\x01r", 10, 10, 20, 20)], "b.png": []})
    content = json.loads((folder / "annotations.json").read_text())
    for image, name in zip(content["images"], ("0001", "\udcfc.png"), strict=True):
        path = folder / "images" / image["file_name"]
        image["file_name"] = name
        try:
            path.rename(path.with_name(name))
        except OSError:  # a system that knows no such names
            pytest.skip("file names are UTF-8 here")
    (folder / "annotations.json").write_text(json.dumps(content))
    convert(folder, kind, tmp_path / "new")
    expected = {"0001": [("c\ufffd\ufffda\ufffdr", False, [10, 10, 30, 30])], "_": []}
    _same(_seen(tmp_path / "new"), expected, 1e-6)


def test_pictures_of_one_name_in_two_folders_stay_two(coco_folder, tmp_path):
    folder = coco_folder({"x/a.png": [("car", 1, 1, 9, 9)], "y/a.jpg": [], "y/A.png": []})
    convert(folder, "voc", tmp_path / "new")
    assert _seen(tmp_path / "new").keys() == {"a", "y_a", "y_A_2"}


def test_links_share_the_picture(coco_folder, tmp_path):
    folder = coco_folder(ROWS)
    convert(folder, "coco", tmp_path / "new", link=True)
    assert os.path.samefile(folder / "images" / "a.png", tmp_path / "new" / "images" / "a.png")
    assert len(load_dataset(tmp_path / "new")) == 3


def test_a_folder_that_holds_something_is_not_written_into(coco_folder, tmp_path):
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "thesis.txt").write_text("all of it")
    with pytest.raises(OutputError, match="not empty"):
        convert(coco_folder(ROWS), "voc", tmp_path / "new")
    assert os.listdir(tmp_path / "new") == ["thesis.txt"]


def test_missing_pictures_are_counted_before_anything_is_written(coco_folder, tmp_path):
    folder = coco_folder(ROWS)
    (folder / "images" / "b.png").unlink()
    with pytest.raises(UsageError, match=r"left out \(that are missing\)"):
        convert(folder, "yolo", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_the_declaration_of_incomplete_labels_goes_along(coco_folder, tmp_path):
    folder = coco_folder(ROWS)
    (folder / "dataset.toml").write_text('[incomplete]\nstreet = ["bus"]\n')
    convert(folder, "voc", tmp_path / "new")
    dataset = load_dataset(tmp_path / "new")
    assert dataset.samples[0].incomplete == {dataset.class_names.index("bus")}
