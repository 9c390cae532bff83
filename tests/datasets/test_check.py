"""What `rtdet data check` finds, and what it does not take for a problem."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from rtdet.datasets.check import check_parts
from rtdet.datasets.convert import convert, read_parts
from rtdet.datasets.formats import load_dataset
from rtdet.datasets.near_duplicates import fingerprint, near_duplicates
from rtdet.errors import UsageError


def _kinds(folder, against=None):
    parts = read_parts(folder, tolerant=True)
    report = check_parts(folder, parts, {} if against is None else read_parts(against))
    return {kind: [(p.where, p.text) for p in problems] for kind, problems in report.by_kind().items()}


def _noise(seed, size=(200, 100)):
    noise = np.random.default_rng(seed).integers(0, 256, (10, 20, 3), np.uint8)
    return cv2.resize(noise, size, interpolation=cv2.INTER_CUBIC)


def test_a_sound_set_is_clean_in_every_format(coco_folder, tmp_path):
    folder = coco_folder({"a.png": [("car", 0, 0, 200, 100)], "b.png": []})
    assert _kinds(folder) == {}
    for kind in ("voc", "yolo", "openimages"):
        convert(folder, kind, tmp_path / kind)
        assert _kinds(tmp_path / kind) == {}


def test_pictures_that_are_missing_broken_or_of_another_size_are_found(coco_folder):
    folder = coco_folder(
        {f"{name}.png": [("car", 1, 1, 9, 9)] for name in ("gone", "broken", "empty", "small", "ok")}
    )
    images = folder / "images"
    (images / "gone.png").unlink()
    (images / "broken.png").write_bytes((images / "broken.png").read_bytes()[:700])
    (images / "empty.png").write_bytes(b"")
    cv2.imwrite(str(images / "small.png"), _noise(7, (100, 50)))
    found = _kinds(folder)
    assert [where for where, _ in found["missing picture"]] == ["images/gone.png"]
    assert [where for where, _ in found["undecodable picture"]] == ["images/broken.png", "images/empty.png"]
    assert found["other size"] == [("images/small.png", "the labels say 200x100, the picture is 100x50")]
    assert len(found) == 3


@pytest.mark.parametrize(
    ("box", "kind"),
    [
        ((10, 10, 0, 5), "empty box"),
        ((10, 10, 5, -5), "empty box"),
        ((float("nan"), 10, 5, 5), "empty box"),
        ((10, 10, float("inf"), 5), "empty box"),
        ((300, 10, 5, 5), "box outside"),
        ((-20, 10, 20, 5), "box outside"),
        ((190, 10, 20, 5), "box beyond the border"),
    ],
)
def test_boxes_that_cannot_be_right_are_found(coco_folder, box, kind):
    found = _kinds(coco_folder({"a.png": [("car", 1, 1, 9, 9), ("car", *box)]}))
    assert list(found) == [kind]
    assert "box 2" in found[kind][0][1]


def test_all_labels_that_cannot_be_read_are_listed_with_their_pictures_and_end_a_training(coco_folder):
    folder = coco_folder({f"{name}.png": [("car", 1, 1, 9, 9), ("car", 20, 1, 9, 9)] for name in "abc"})
    content = json.loads((folder / "annotations.json").read_text())
    content["annotations"][0]["bbox"] = "x"
    content["annotations"][3]["category_id"] = None
    content["annotations"].append({"image_id": 9, "category_id": 1})
    content["images"].append({**content["images"][0], "id": 4, "file_name": "../outside.png"})
    content["images"].append({**content["images"][0], "id": 5, "file_name": "d.png", "width": "wide"})
    (folder / "annotations.json").write_text(json.dumps(content))
    found = _kinds(folder)
    assert [where for where, _ in found["unreadable labels"]] == ["a.png", "b.png", "image id 9", "d.png"]
    assert "'bbox' is 'x'" in found["unreadable labels"][0][1]
    assert found["path outside"] == [("../outside.png", "'../outside.png'")]
    with pytest.raises(UsageError, match="'bbox' is 'x'"):
        load_dataset(folder)


def test_labels_that_cannot_be_read_are_listed_in_every_format(coco_folder, tmp_path):
    folder = coco_folder({f"{name}.png": [("car", 1, 1, 9, 9), ("car", 20, 1, 9, 9)] for name in "abc"})
    for kind in ("voc", "yolo", "openimages"):
        convert(folder, kind, tmp_path / kind)
    annotations = tmp_path / "voc" / "Annotations"
    (annotations / "a.xml").write_text((annotations / "a.xml").read_text().replace("<xmin>21<", "<xmin>x<"))
    (annotations / "b.xml").write_text("<annotation>")
    (annotations / "c.xml").write_text(
        (annotations / "c.xml").read_text().replace("c.png", "../../outside.png")
    )
    for name in "ab":
        (tmp_path / "yolo" / "labels" / f"{name}.txt").write_text("0 x .5 .1 .1\n0 .5 .5 .1 .1\n0\n")
    boxes = tmp_path / "openimages" / "annotations-bbox.csv"
    lines = boxes.read_text().splitlines()
    boxes.write_text("\n".join([*lines[:2], lines[2].replace(",0.1", ",far", 1), "a,b", *lines[3:]]))
    places = {kind: [] for kind in ("voc", "yolo", "openimages")}
    for kind, where in places.items():
        for problems in _kinds(tmp_path / kind).values():
            where += [place for place, _ in problems]
        with pytest.raises(UsageError):
            load_dataset(tmp_path / kind)
    assert places == {
        "voc": ["Annotations/a.xml", "Annotations/b.xml", "Annotations/c.xml"],
        "yolo": [f"labels/{name}.txt line {line}" for name in "ab" for line in (1, 3)],
        "openimages": ["annotations-bbox.csv line 3", "annotations-bbox.csv line 4"],
    }


def test_an_edge_that_rounding_moved_over_the_border_is_no_problem(coco_folder):
    assert _kinds(coco_folder({"a.png": [("car", -0.5, 90, 201, 10.5)]})) == {}


def test_a_box_that_is_there_twice_is_found_once(coco_folder):
    rows = [("car", 1, 1, 9, 9), ("bus", 1, 1, 9, 9), ("car", 1, 1, 9, 9)]
    assert _kinds(coco_folder({"a.png": rows}))["duplicate box"] == [
        ("images/a.png", "box 3: (1, 1, 10, 10)")
    ]


def test_ten_thousand_boxes_are_looked_at(coco_folder):
    rows = [("car", i % 190, i // 190, 5, 5) for i in range(9_999)]
    found = _kinds(coco_folder({"a.png": [*rows, ("car", 300, 0, 5, 5)]}))
    assert found == {"box outside": [("images/a.png", "box 10000: (300, 0, 305, 5)")]}


def test_classes_without_a_name_are_found(coco_folder, tmp_path):
    folder = coco_folder({"a.png": [("car", 1, 1, 9, 9), ("bus", 30, 1, 9, 9)]})
    convert(folder, "yolo", tmp_path / "yolo")
    content = json.loads((folder / "annotations.json").read_text())
    content["categories"].pop()
    (folder / "annotations.json").write_text(json.dumps(content))
    assert _kinds(folder)["unknown class"] == [("annotations.json", "category id 2 is not listed")]
    (tmp_path / "yolo" / "data.yaml").write_text("names: [car]\n")
    (where, text), *_ = _kinds(tmp_path / "yolo")["unknown class"]
    assert where == "labels/a.txt"
    assert "class 1" in text


def test_rows_of_pictures_that_are_not_listed_are_found(coco_folder, tmp_path):
    folder = coco_folder({"a.png": [("car", 1, 1, 9, 9)]})
    convert(folder, "yolo", tmp_path / "yolo")
    convert(folder, "openimages", tmp_path / "oi")
    content = json.loads((folder / "annotations.json").read_text())
    content["images"] = []
    (folder / "annotations.json").write_text(json.dumps(content))
    assert "missing picture" in _kinds(folder)
    (tmp_path / "yolo" / "images" / "a.png").rename(tmp_path / "yolo" / "images" / "b.png")
    assert _kinds(tmp_path / "yolo")["missing picture"] == [("labels/a.txt", "labels without a picture")]
    (tmp_path / "oi" / "images" / "a.png").unlink()
    assert _kinds(tmp_path / "oi")["missing picture"] == [("annotations-bbox.csv", "1 box of 'a'")]


def test_a_list_of_a_part_may_name_what_is_not_there(coco_folder, tmp_path):
    convert(coco_folder({"a.png": []}), "voc", tmp_path / "voc")
    (tmp_path / "voc" / "ImageSets" / "Main").mkdir(parents=True)
    (tmp_path / "voc" / "ImageSets" / "Main" / "train.txt").write_text("a\nb\n")
    assert _kinds(tmp_path / "voc") == {"missing labels": [("train.txt", "there is no b.xml")]}


def test_a_declaration_of_a_class_that_is_not_there_is_found(coco_folder):
    folder = coco_folder({"a.png": [("car", 1, 1, 9, 9)]})
    (folder / "dataset.toml").write_text('[incomplete]\nstreet = ["cra"]\n')
    ((where, text),) = _kinds(folder)["declaration"]
    assert where == "dataset.toml"
    assert "car" in text


def test_the_same_file_twice_is_found_within_a_part(coco_folder):
    folder = coco_folder({"a.png": [], "b.png": [], "c.png": []})
    (folder / "images" / "c.png").write_bytes((folder / "images" / "a.png").read_bytes())
    assert _kinds(folder) == {"duplicate picture": [("images/c.png", "the same as images/a.png")]}


def test_a_picture_that_is_listed_twice_and_two_of_one_id_are_found(coco_folder):
    folder = coco_folder({"a.png": [], "b.png": []})
    content = json.loads((folder / "annotations.json").read_text())
    content["images"] += [{**content["images"][0], "id": 3}, {**content["images"][1], "id": 1}]
    (folder / "annotations.json").write_text(json.dumps(content))
    assert _kinds(folder) == {
        "duplicate id": [("annotations.json image 3", "a second image of id 1")],
        "duplicate picture": [("images/a.png", "the same as an entry before it")],
    }


def test_labels_of_pictures_that_are_all_gone_are_found(coco_folder, tmp_path):
    folder = coco_folder({"a.png": [("car", 1, 1, 9, 9)], "b.png": []}, tmp_path / "set" / "train")
    coco_folder({"c.png": []}, tmp_path / "set" / "val", seed=9)
    convert(folder, "yolo", tmp_path / "yolo")
    convert(folder.parent, "yolo", tmp_path / "parts")
    for place in (tmp_path / "yolo" / "images", tmp_path / "parts" / "images" / "train"):
        for name in ("a.png", "b.png"):
            (place / name).unlink()
    assert [where for where, _ in _kinds(tmp_path / "yolo")["missing picture"]] == [
        "labels/a.txt",
        "labels/b.txt",
    ]
    assert len(_kinds(tmp_path / "parts")["missing picture"]) == 2


def test_ids_are_shown_as_they_are_written(coco_folder):
    folder = coco_folder({"a.png": [("car", 1, 1, 9, 9, {"category_id": "01"})]})
    assert _kinds(folder)["unknown class"] == [("annotations.json", "category id '01' is not listed")]


def test_a_picture_in_two_parts_is_found_though_it_be_scaled_and_recoded(coco_folder, tmp_path):
    coco_folder({f"{i}.png": [] for i in range(10)}, tmp_path / "set" / "train")
    coco_folder({f"{i}.png": [] for i in range(10)}, tmp_path / "set" / "val", seed=100)
    assert _kinds(tmp_path / "set") == {}
    first = cv2.imread(str(tmp_path / "set" / "train" / "images" / "3.png"))
    recoded = cv2.imencode(".jpg", cv2.resize(first, (160, 80)), [cv2.IMWRITE_JPEG_QUALITY, 40])[1]
    (tmp_path / "set" / "val" / "images" / "7.png").write_bytes(recoded.tobytes())
    found = _kinds(tmp_path / "set")
    assert found["picture in two parts"] == [("images/3.png", "like images/7.png of val")]
    alone = _kinds(tmp_path / "set" / "train", tmp_path / "set" / "val")
    assert alone == {"picture in two parts": [("images/3.png", "like images/7.png of the other set")]}


def test_classes_are_counted_by_object_picture_and_what_is_ignored(coco_folder):
    rows = {
        "a.png": [("car", 1, 1, 9, 9), ("car", 20, 1, 9, 9, {"iscrowd": 1})],
        "b.png": [("bus", 1, 1, 9, 9)],
    }
    folder = coco_folder({**rows, "c.png": []})
    (counts,) = check_parts(folder, read_parts(folder)).parts.values()
    assert (counts.pictures, counts.without_objects) == (3, 1)
    assert counts.objects == {"car": 1, "bus": 1}
    assert counts.ignored == {"car": 1, "bus": 0}
    assert counts.shown_in == {"car": 1, "bus": 1}


def test_different_pictures_have_different_fingerprints():
    prints = [fingerprint(_noise(seed)) for seed in range(200)]
    assert near_duplicates(prints, prints).tolist() == [[i, i] for i in range(200)]


def test_a_brighter_blurred_and_slightly_cut_copy_is_a_near_duplicate():
    original = _noise(3)
    copies = [
        np.clip(original.astype(int) + 25, 0, 255).astype(np.uint8),
        cv2.GaussianBlur(original, (0, 0), 2),
        original[2:-2, 2:-2],
    ]
    others = [fingerprint(_noise(seed)) for seed in range(10)]
    found = near_duplicates([fingerprint(copy) for copy in copies], others)
    assert found.tolist() == [[0, 3], [1, 3], [2, 3]]


def test_plain_pictures_are_alike_only_in_the_same_grey():
    plain = [fingerprint(np.full((50, 50, 3), gray, np.uint8)) for gray in (0, 100, 255)]
    assert near_duplicates(plain, plain).tolist() == [[0, 0], [1, 1], [2, 2]]
    assert len(near_duplicates(plain, [])) == 0


def test_the_real_pictures_of_the_street_are_sound(shared_data):
    assert _kinds(shared_data / "street" / "val") == {}
