"""Labels as other tools write them."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from rtdet.datasets import load_dataset
from rtdet.datasets.formats import read_labels, splits_of
from rtdet.errors import UnknownNameError, UsageError

VOC = """<annotation><folder>x</folder><filename>{}</filename><source><database>street</database></source>
<size><width>200</width><height>100</height><depth>3</depth></size>
<object><name>car</name><difficult>0</difficult>
<bndbox><xmin>1</xmin><ymin>11</ymin><xmax>20</xmax><ymax>30</ymax></bndbox></object>
<object><name>dog</name><difficult>1</difficult>
<bndbox><xmin>50.5</xmin><ymin>50</ymin><xmax>300</xmax><ymax>80</ymax></bndbox></object>
</annotation>"""


def _picture(path, size=(200, 100)):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((size[1], size[0], 3), 90, np.uint8))


def _write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _boxes(sample):
    return [[round(value, 6) for value in box] for box in sample.boxes.tolist()]


def test_voc_boxes_are_counted_from_1_clipped_and_difficult_ones_ignored(tmp_path):
    _picture(tmp_path / "JPEGImages" / "a.jpg")
    _write(tmp_path / "Annotations" / "a.xml", VOC.format("a.jpg"))
    dataset = load_dataset(tmp_path)
    (sample,) = dataset.samples
    assert dataset.class_names == ("car", "dog")
    assert _boxes(sample) == [[0, 10, 20, 30], [49.5, 49, 200, 80]]
    assert sample.ignored.tolist() == [False, True]
    assert (sample.size, sample.source) == ((200, 100), "street")
    assert sample.read().shape == (100, 200, 3)


def test_voc_files_may_lie_beside_the_pictures_and_name_no_file_that_is_there(tmp_path):
    _picture(tmp_path / "a.png")
    _write(tmp_path / "a.xml", VOC.format("IMG_0001"))
    assert load_dataset(tmp_path).samples[0].read().shape == (100, 200, 3)


def test_voc_goes_by_the_xml_files_name_where_another_picture_has_the_old_one(tmp_path):
    for name in ("a.jpg", "b.jpg", "x/c.jpg", "y/c.jpg"):
        _picture(tmp_path / "JPEGImages" / name)
        _write(tmp_path / "Annotations" / name.replace("jpg", "xml"), VOC.format("C:\\me\\a.jpg"))
    found = [str(s.path.relative_to(tmp_path / "JPEGImages")) for s in load_dataset(tmp_path).samples]
    assert found == ["a.jpg", "b.jpg", "x/c.jpg", "y/c.jpg"]


def test_voc_parts_are_those_of_image_sets(tmp_path):
    for name in "abc":
        _picture(tmp_path / "JPEGImages" / f"{name}.jpg")
        _write(tmp_path / "Annotations" / f"{name}.xml", VOC.format(f"{name}.jpg"))
    for split, names in {"train": "a", "val": "b", "trainval": "ab", "car_train": "a"}.items():
        lines = "".join(f"{name}  1\n" for name in names)
        _write(tmp_path / "ImageSets" / "Main" / f"{split}.txt", lines)
    assert splits_of(tmp_path) == ("train", "val")
    assert [s.path.stem for s in load_dataset(tmp_path, split="trainval").samples] == ["a", "b"]
    assert [s.path.stem for s in load_dataset(tmp_path / "val").samples] == ["b"]
    with pytest.raises(UsageError, match="no part called night"):
        load_dataset(tmp_path, split="night")


def test_yolo_shares_become_pixels_of_the_picture_and_a_sixth_number_is_a_score(tmp_path):
    _picture(tmp_path / "images" / "a.jpg")
    _picture(tmp_path / "images" / "nothing.jpg")
    _write(tmp_path / "labels" / "a.txt", "1 0.5 0.5 0.2 0.4\n\n0 0.1 0.1 0.1 0.1 0.75\n")
    _write(tmp_path / "classes.txt", "person\ncar\n")
    first, second = load_dataset(tmp_path).samples
    assert _boxes(first) == [[80, 30, 120, 70], [10, 5, 30, 15]]
    assert (first.labels.tolist(), first.scores.tolist()) == ([1, 0], [1, 0.75])
    assert len(second) == 0


def test_names_and_lists_from_windows_are_read(tmp_path):
    _picture(tmp_path / "images" / "x" / "A.JPG")
    _write(tmp_path / "labels" / "x" / "A.TXT", "\ufeff0 0.5 0.5 0.2 0.4\r\n")
    _write(tmp_path / "train.txt", ".\\images\\x\\A.JPG\r\n")
    _write(tmp_path / "data.yaml", "train: train.txt\nval: images\nnames: [cat]\n")
    assert len(load_dataset(tmp_path, split="train").samples[0]) == 1
    image = {"id": 1, "file_name": "x\\A.JPG", "width": 200, "height": 100}
    content = {"images": [image], "annotations": [], "categories": []}
    _write(tmp_path / "annotations.json", json.dumps(content))
    assert load_dataset(tmp_path).samples[0].read().shape == (100, 200, 3)


def test_a_polygon_of_yolo_becomes_the_box_around_it(tmp_path):
    _picture(tmp_path / "images" / "a.jpg")
    _write(tmp_path / "labels" / "a.txt", "0 0.1 0.2 0.5 0.1 0.3 0.8")
    _write(tmp_path / "obj.names", "person")
    assert _boxes(load_dataset(tmp_path).samples[0]) == [[20, 10, 100, 80]]


def test_yolo_parts_of_roboflow_share_a_yaml_whose_paths_lead_elsewhere(tmp_path):
    for split in ("train", "valid"):
        _picture(tmp_path / split / "images" / "a.jpg")
        _write(tmp_path / split / "labels" / "a.txt", "0 0.5 0.5 0.2 0.4")
    text = "train: ../train/images\nval: ../valid/images\nnc: 1\nnames: ['street light']\n"
    _write(tmp_path / "data.yaml", text)
    assert splits_of(tmp_path) == ("train", "valid")
    assert load_dataset(tmp_path, split="val").class_names == ("street light",)
    assert len(load_dataset(tmp_path / "train")) == 1


def test_yolo_parts_may_be_lists_of_pictures(tmp_path):
    for name in "ab":
        _picture(tmp_path / "images" / f"{name}.jpg")
        _write(tmp_path / "labels" / f"{name}.txt", "0 0.5 0.5 0.2 0.4")
    _write(tmp_path / "train.txt", "./images/a.jpg\n")
    _write(tmp_path / "val.txt", "images/b.jpg\n")
    _write(tmp_path / "data.yaml", "path: /mnt/disk/coco\ntrain: train.txt\nval: val.txt\nnames:\n  0: cat\n")
    assert [s.path.stem for s in load_dataset(tmp_path, split="val").samples] == ["b"]
    assert read_labels(tmp_path, "val").findings == []  # a.txt belongs to the other part


def test_open_images_has_groups_names_and_pictures_that_are_elsewhere(tmp_path):
    _picture(tmp_path / "validation" / "0001.jpg")
    _picture(tmp_path / "validation" / "0002.jpg")
    header = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf\n"
    rows = "0001,xclick,/m/1,1,0.1,0.5,0.2,0.4,0,0,0\n0001,xclick,/m/2,1,0,1,0,1,0,0,1\n"
    elsewhere = "ffff,xclick,/m/1,1,0,1,0,1,0,0,0\n"
    _write(tmp_path / "validation-annotations-bbox.csv", header + rows + elsewhere)
    _write(tmp_path / "class-descriptions-boxable.csv", "/m/2,Person\n/m/1,Car\n")
    dataset = load_dataset(tmp_path)
    assert dataset.class_names == ("Person", "Car")
    first, second = dataset.samples
    assert _boxes(first) == [[20, 20, 100, 40], [0, 0, 200, 100]]
    assert (first.labels.tolist(), first.ignored.tolist()) == ([1, 0], [False, True])
    assert first.crowd.tolist() == [False, True]
    assert len(second) == 0


def test_coco_has_its_boxes_in_the_instances_and_its_first_picture_may_be_missing(tmp_path):
    images = [{"id": i, "file_name": f"{i}.jpg", "width": 200, "height": 100} for i in (1, 2)]
    content = {"categories": [], "images": images, "annotations": []}
    _picture(tmp_path / "val2017" / "2.jpg")
    _write(tmp_path / "annotations" / "captions_val2017.json", '{"images": [], "annotations": []}')
    _write(tmp_path / "annotations" / "instances_val2017.json", json.dumps(content))
    assert [s.path.parent.name for s in load_dataset(tmp_path).samples] == ["val2017", "val2017"]


def test_coco_of_the_original_layout_and_of_roboflow_are_found(tmp_path):
    content = {
        "categories": [{"id": 90, "name": "toothbrush"}],
        "images": [{"id": 7, "file_name": "a.jpg", "width": 200, "height": 100}],
        "annotations": [{"image_id": 7, "category_id": 90, "bbox": [1, 2, 3, 4]}],
    }
    for split in ("train", "val"):
        _picture(tmp_path / "coco" / f"{split}2017" / "a.jpg")
        _write(tmp_path / "coco" / "annotations" / f"instances_{split}2017.json", json.dumps(content))
        _write(tmp_path / "coco" / "annotations" / f"captions_{split}2017.json", "{}")
    assert splits_of(tmp_path / "coco") == ("train", "val")
    assert load_dataset(tmp_path / "coco", split="val").samples[0].path.parent.name == "val2017"
    _picture(tmp_path / "robo" / "test" / "a.jpg")
    _write(tmp_path / "robo" / "test" / "_annotations.coco.json", json.dumps(content))
    assert load_dataset(tmp_path / "robo" / "test").samples[0].read().shape == (100, 200, 3)


def test_classes_that_are_asked_for_keep_their_order_and_others_are_ignored(coco_folder):
    folder = coco_folder({"a.png": [("dog", 1, 1, 9, 9), ("car", 20, 20, 9, 9)]})
    dataset = load_dataset(folder, ["person", "car"])
    (sample,) = dataset.samples
    assert dataset.class_names == ("person", "car")
    assert (sample.labels.tolist(), sample.ignored.tolist()) == ([-1, 1], [True, False])


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "tif"])
def test_an_upright_phone_picture_has_its_upright_size(tmp_path, kind):
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "images").mkdir()
    Image.new("RGB", (200, 100)).save(tmp_path / "images" / f"a.{kind}", exif=exif)
    _write(tmp_path / "labels" / "a.txt", "0 0.5 0.5 1 1")
    _write(tmp_path / "classes.txt", "person")
    (sample,) = load_dataset(tmp_path).samples
    assert sample.size == (100, 200)
    assert sample.read().shape == (200, 100, 3)


def test_incomplete_labels_are_declared_by_source_and_by_star(coco_folder):
    rows = {"a.png": [("dog", 1, 1, 9, 9), ("car", 20, 20, 9, 9)], "b.png": [("bus", 1, 1, 9, 9)]}
    folder = coco_folder(rows)
    content = json.loads((folder / "annotations.json").read_text())
    content["images"][1]["source"] = "roads"
    (folder / "annotations.json").write_text(json.dumps(content))
    (folder / "dataset.toml").write_text('[incomplete]\nroads = ["*"]\n"*" = ["dog"]\n')
    street, roads = load_dataset(folder).samples
    assert street.incomplete == {0}
    assert roads.incomplete == {0, 1}
    # Classes that this training does not want are passed over, misspelt ones are not.
    assert load_dataset(folder, ["car"]).samples[0].incomplete == frozenset()
    (folder / "dataset.toml").write_text('[incomplete]\nroads = ["cat"]\n')
    with pytest.raises(UnknownNameError, match="car"):
        load_dataset(folder)


def test_the_declaration_of_a_whole_set_holds_for_its_parts(coco_folder, tmp_path):
    folder = coco_folder({"a.png": [("dog", 1, 1, 9, 9)]}, tmp_path / "train")
    (tmp_path / "dataset.toml").write_text('[incomplete]\nstreet = ["dog"]\n')
    assert load_dataset(folder).samples[0].incomplete == {0}


def test_the_real_street_loads_with_its_sources(shared_data):
    dataset = load_dataset(shared_data / "street", split="val")
    assert len(dataset) == 841
    assert {sample.source for sample in dataset.samples} == {"highway", "people", "pedestrians"}
    assert "vehicle" in dataset.class_names
