"""Labels completed by a teacher, as a data set of its own."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from rtdet.datasets import load_dataset
from rtdet.datasets.completion import Completion
from rtdet.datasets.label import label_parts, parts_or_pictures
from rtdet.errors import OutputError, UsageError
from rtdet.types import Detections


class Seer:
    """A detector that sees the same in every picture: {class: (box, score)}."""

    def __init__(self, **seen):
        self.seen, self.class_names, self.thresholds = seen, tuple(seen), None

    def detect(self, images):
        boxes, scores = zip(*self.seen.values(), strict=True)
        return [Detections(boxes, scores, range(len(boxes)), self.class_names) for _ in images]

    def close(self):
        pass


SEER = Seer(car=([10, 10, 50, 50], 0.9), bus=([100, 10, 180, 60], 0.5), dog=([60, 60, 90, 90], 0.2))


def _label(folder, out, *detectors, wanted=("car", "bus", "dog"), link=False, allow_loss=False):
    return label_parts(
        parts_or_pictures(folder),
        out,
        detectors or [SEER],
        wanted,
        Completion(),
        teacher="seer",
        flip=False,
        link=link,
        allow_loss=allow_loss,
    )


def test_a_folder_of_pictures_gets_labels_marked_as_the_teachers(tmp_path):
    (tmp_path / "pictures").mkdir()
    cv2.imwrite(str(tmp_path / "pictures" / "a.png"), np.zeros((100, 200, 3), np.uint8))
    done = _label(tmp_path / "pictures", tmp_path / "new")
    assert (done.pictures, done.kept, done.added, done.doubted) == (1, 0, 2, 1)
    rows = json.loads((tmp_path / "new" / "annotations.json").read_text())["annotations"]
    assert [(row["score"], row["teacher"], row.get("ignore", 0)) for row in rows] == [
        (0.9, "seer", 0),
        (0.5, "seer", 0),
        (0.2, "seer", 1),
    ]
    (sample,) = load_dataset(tmp_path / "new").samples
    assert sample.labels.tolist() == [0, 1, 2]
    assert sample.ignored.tolist() == [False, False, True]
    assert sample.scores.tolist() == [0.9, 0.5, 0.2]


def test_labels_of_people_stay_and_a_class_that_they_label_asks_for_more(coco_folder, tmp_path):
    folder = coco_folder({"a.png": [("car", 11, 10, 40, 40), ("bus", 0, 80, 20, 20)]})
    done = _label(folder, tmp_path / "new")
    assert (done.kept, done.added, done.doubted) == (2, 0, 2)
    rows = json.loads((tmp_path / "new" / "annotations.json").read_text())["annotations"]
    assert ["teacher" in row for row in rows] == [False, False, True, True]
    assert rows[0]["bbox"] == [11, 10, 40, 40]


def test_a_class_declared_incomplete_is_completed_and_no_longer_declared(coco_folder, tmp_path):
    folder = coco_folder({"a.png": [("bus", 0, 80, 20, 20), ("lamp", 0, 0, 9, 9)]})
    (folder / "dataset.toml").write_text('[incomplete]\nstreet = ["bus", "lamp"]\n')
    done = _label(folder, tmp_path / "new")
    assert (done.added, done.doubted) == (2, 1)
    dataset = load_dataset(tmp_path / "new")
    # The teacher knows no lamps.
    assert {dataset.class_names[i] for i in dataset.samples[0].incomplete} == {"lamp"}


def test_an_ambiguous_label_takes_the_teachers_class_or_is_ignored(coco_folder, tmp_path):
    folder = coco_folder({"a.png": [("vehicle", 101, 10, 80, 50), ("vehicle", 0, 80, 20, 20)]})
    _label(folder, tmp_path / "new")
    dataset = load_dataset(tmp_path / "new")
    (sample,) = dataset.samples
    assert [dataset.class_names[i] for i in sample.labels[:2]] == ["bus", "vehicle"]
    assert sample.ignored[:2].tolist() == [False, True]
    assert sample.boxes[0].tolist() == [101, 10, 181, 60]


def test_two_teachers_are_fused(coco_folder, tmp_path):
    other = Seer(car=([10, 10, 50, 50], 0.5), bus=([0, 0, 9, 9], 0.1))
    _label(coco_folder({"a.png": []}), tmp_path / "new", SEER, other)
    dataset = load_dataset(tmp_path / "new")
    scores = {
        dataset.class_names[i]: s
        for i, s in zip(dataset.samples[0].labels, dataset.samples[0].scores, strict=True)
    }
    assert scores["car"] == pytest.approx(0.7)
    assert scores["bus"] == pytest.approx(0.25)


def test_a_json_beside_the_pictures_is_enough(tmp_path):
    (tmp_path / "set" / "images").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "set" / "images" / "a.png"), np.zeros((100, 200, 3), np.uint8))
    _label(tmp_path / "set", tmp_path / "set" / "annotations.json")
    assert load_dataset(tmp_path / "set").samples[0].read().shape == (100, 200, 3)


def test_parts_are_labelled_apart(coco_folder, tmp_path):
    for part in ("train", "val"):
        coco_folder({f"{part}.png": [("car", 1, 1, 9, 9)]}, tmp_path / "set" / part)
    _label(tmp_path / "set", tmp_path / "new")
    assert load_dataset(tmp_path / "new", split="val").samples[0].path.name == "val.png"
    with pytest.raises(UsageError, match="one part"):
        _label(tmp_path / "set", tmp_path / "new.json")


def test_nothing_is_overwritten_and_nothing_is_not_labelled(coco_folder, tmp_path):
    folder = coco_folder({"a.png": []})
    with pytest.raises(OutputError, match="not empty"):
        _label(folder, folder)
    (tmp_path / "nothing").mkdir()
    with pytest.raises(UsageError, match="neither labels nor pictures"):
        _label(tmp_path / "nothing", tmp_path / "new")


def test_a_broken_picture_is_left_out_with_a_warning(coco_folder, tmp_path, caplog):
    folder = coco_folder({f"{name}.png": [] for name in "acdefghijkl"} | {"b.png": []})
    (folder / "images" / "b.png").write_bytes(b"no picture")
    assert _label(folder, tmp_path / "new").pictures == 11
    assert "1 of 12 pictures is left out (that cannot be read)" in caplog.text
    for name in "cdefghijkl":
        (folder / "images" / f"{name}.png").unlink()
    (folder / "annotations.json").unlink()
    assert _label(folder, tmp_path / "other").pictures == 1
    # Nor does it matter where the labels do not say how large it is.
    (folder / "labels").mkdir()
    (folder / "labels" / "a.txt").write_text("0 0.5 0.9 0.1 0.1\n9 0.5 0.9 0.1 0.1\n")
    (folder / "classes.txt").write_text("lamp\n")
    with pytest.raises(UsageError, match="1 of 2 pictures is left out"):
        _label(folder, tmp_path / "third")
    done = _label(folder, tmp_path / "third", allow_loss=True)
    assert (done.pictures, done.kept, dict(done.lost)) == (1, 1, {"boxes of no known class": 1})


def test_a_place_that_is_not_there_is_said_before_the_work(coco_folder, tmp_path):
    with pytest.raises(OutputError, match="no folder"):
        _label(coco_folder({"a.png": []}), tmp_path / "nowhere" / "new.json", None)


def test_labels_are_not_overwritten(coco_folder):
    folder = coco_folder({"a.png": []})
    with pytest.raises(OutputError, match="exists already"):
        _label(folder, folder / "annotations.json")
