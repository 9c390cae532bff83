from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from rtdet.datasets import complete_labels, load_coco, load_teacher
from rtdet.errors import UsageError

CLASSES = ("person", "car", "bus")


@pytest.fixture
def folder(tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    cv2.imwrite(str(images / "a.png"), np.zeros((100, 200, 3), np.uint8))
    content = {
        "categories": [{"id": 1, "name": "person"}, {"id": 7, "name": "vehicle"}],
        "images": [{"id": 5, "file_name": "a.png", "width": 200, "height": 100, "source": "street"}],
        "annotations": [
            {"image_id": 5, "category_id": 1, "bbox": [10, 10, 20, 40]},
            {"image_id": 5, "category_id": 7, "bbox": [100, 50, 150, 30]},
            {"image_id": 5, "category_id": 1, "bbox": [50, 50, 0, 10]},
        ],
    }
    (tmp_path / "labels.json").write_text(json.dumps(content))
    return tmp_path


def test_boxes_are_clipped_empty_ones_dropped_and_foreign_classes_ignored(folder):
    (sample,) = load_coco(folder / "labels.json", folder / "images", CLASSES)
    assert sample.boxes.tolist() == [[10, 10, 30, 50], [100, 50, 200, 80]]
    assert sample.ignored.tolist() == [False, True]
    assert sample.read().shape == (100, 200, 3)


def test_a_teacher_fills_in_what_the_labels_lack(folder):
    samples = load_coco(folder / "labels.json", folder / "images", CLASSES)
    rows = [
        {"file_name": "a.png", "category": "person", "bbox": [11, 10, 20, 40], "score": 0.9},  # known already
        {
            "file_name": "a.png",
            "category": "bus",
            "bbox": [100, 50, 98, 30],
            "score": 0.8,
        },  # names the vehicle
        {"file_name": "a.png", "category": "car", "bbox": [60, 60, 20, 20], "score": 0.5},  # new, sure enough
        {
            "file_name": "a.png",
            "category": "person",
            "bbox": [60, 5, 10, 30],
            "score": 0.5,
        },  # labelled class: unsure
        {"file_name": "a.png", "category": "dog", "bbox": [0, 0, 9, 9], "score": 0.9},  # not ours
        {"file_name": "a.png", "category": "car", "bbox": [0, 80, 9, 9], "score": 0.05},  # too weak
    ]
    (folder / "teacher.json").write_text(json.dumps(rows))
    (sample,) = complete_labels(samples, load_teacher(folder / "teacher.json"), CLASSES)
    assert sample.labels.tolist() == [0, 2, 1, 0]
    assert sample.ignored.tolist() == [False, False, False, True]
    assert sample.scores.tolist() == [1, 0.8, 0.5, 0.5]


def test_a_picture_outside_the_folder_is_refused(folder):
    content = json.loads((folder / "labels.json").read_text())
    content["images"][0]["file_name"] = "../../secret.png"
    (folder / "labels.json").write_text(json.dumps(content))
    with pytest.raises(UsageError, match="outside"):
        load_coco(folder / "labels.json", folder / "images", CLASSES)


@pytest.mark.parametrize("text", ["", "[]", '{"images": []}', "\x00"])
def test_a_file_that_is_not_coco_json_is_named(tmp_path, text):
    (tmp_path / "labels.json").write_text(text)
    with pytest.raises(UsageError, match=r"labels\.json"):
        load_coco(tmp_path / "labels.json", tmp_path, CLASSES)


def test_a_picture_that_cannot_be_decoded_is_named(folder):
    (folder / "images" / "a.png").write_bytes(b"not a picture")
    (sample,) = load_coco(folder / "labels.json", folder / "images", CLASSES)
    with pytest.raises(UsageError, match=r"a\.png"):
        sample.read()
