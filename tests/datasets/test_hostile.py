"""Data sets that are broken or meant to harm: each ends with one line that names the file."""

from __future__ import annotations

import json
import os

import cv2
import numpy as np
import pytest

from rtdet.datasets import load_dataset
from rtdet.datasets.check import check_parts
from rtdet.datasets.convert import read_parts
from rtdet.datasets.sample import read_picture
from rtdet.datasets.text import shown
from rtdet.errors import UsageError

BOX = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>20</xmax><ymax>30</ymax></bndbox>"
BOMB = (
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "]><annotation><filename>&i;</filename></annotation>"
)
THIEF = (
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    "<annotation><filename>&x;</filename></annotation>"
)


def _fails(folder, *words):
    with pytest.raises(UsageError) as error:
        load_dataset(folder)
    message = str(error.value)
    assert "\n" not in message.strip()
    assert len(message) < 400
    for word in words:
        assert word in message


def _picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.zeros((100, 200, 3), np.uint8))


def _voc(folder, text, encoding="utf-8"):
    _picture(folder / "JPEGImages" / "a.jpg")
    (folder / "Annotations").mkdir(exist_ok=True)
    (folder / "Annotations" / "a.xml").write_bytes(text.encode(encoding))
    return folder


def _yolo(folder, text, names="person\n"):
    _picture(folder / "images" / "a.jpg")
    (folder / "labels").mkdir(exist_ok=True)
    (folder / "labels" / "a.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    (folder / "classes.txt").write_text(names)
    return folder


def _csv(folder, text):
    _picture(folder / "images" / "a.jpg")
    (folder / "annotations-bbox.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


@pytest.mark.parametrize("text", [BOMB, THIEF])
def test_xml_with_entities_is_not_read(tmp_path, text):
    _fails(_voc(tmp_path, text), "a.xml", "entities")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not XML"),
        ("<annotation><object>", "not XML"),
        ("<net/>", "<net>"),
        ("<annotation><object/></annotation>", "object 1 has no"),
        (f"<annotation><object>{BOX}</object></annotation>", "object 1 has no <name>"),
        ("<annotation><object><name>car</name></object></annotation>", "<bndbox>"),
        (
            f"<annotation><object><name>car</name>{BOX.replace('20', 'x')}</object></annotation>",
            "not numbers",
        ),
        (
            f"<annotation><object><name>c</name><difficult>?</difficult>{BOX}</object></annotation>",
            "difficult",
        ),
        ("<annotation><size><width>wide</width></size></annotation>", "size"),
        ('<?xml version="1.0" encoding="klingon"?><annotation/>', "not XML"),
        ("<annotation><filename>../../secret.jpg</filename></annotation>", "outside"),
        ("<annotation><filename>/etc/passwd</filename></annotation>", "outside"),
    ],
)
def test_xml_that_is_not_voc(tmp_path, text, words):
    _fails(_voc(tmp_path, text), "a.xml", words)


def test_voc_in_another_encoding_than_it_says(tmp_path):
    text = f"<annotation><object><name>voitüre</name>{BOX}</object></annotation>"
    _fails(_voc(tmp_path, text, "latin-1"), "a.xml", "not XML")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 0.5 0.5 0.1", "line 1"),
        ("0 0.5 0.5 0.1 0.1\n0 a b c d", "line 2"),
        ("-1 0.5 0.5 0.1 0.1", "line 1"),
        ("0.5 0.5 0.5 0.1 0.1", "line 1"),
        ("nan 0.5 0.5 0.1 0.1", "line 1"),
        ("inf 0.5 0.5 0.1 0.1", "line 1"),
        (b"0 0.5 \xff\xfe", "not UTF-8"),
    ],
)
def test_text_that_is_not_yolo(tmp_path, text, words):
    _fails(_yolo(tmp_path, text), "a.txt", words)


def test_yolo_without_names(tmp_path):
    folder = _yolo(tmp_path / "set", "0 0.5 0.5 0.1 0.1")
    (folder / "classes.txt").unlink()
    _fails(folder, "classes.txt")


@pytest.mark.parametrize(
    "text",
    [
        "names: [",
        "names: !!python/object/apply:os.system [ls]",
        "- a",
        "names: 3",
        "names: [a]\ntrain: 5",
        "\x00",
    ],
)
def test_a_yaml_that_is_no_description_runs_nothing(tmp_path, text):
    folder = _yolo(tmp_path, "0 0.5 0.5 0.1 0.1")
    (folder / "data.yaml").write_text(text)
    _fails(folder, "data.yaml")


@pytest.mark.parametrize("place", ["/etc", "../../..", "images/../../.."])
def test_a_yaml_that_leads_out_of_the_folder(tmp_path, place):
    folder = _yolo(tmp_path / "set", "0 0.5 0.5 0.1 0.1")
    (folder / "data.yaml").write_text(f"train: {place}\nval: images\nnames: [a]\n")
    with pytest.raises(UsageError, match=r"outside|missing"):
        load_dataset(folder, split="train")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ImageID,LabelName,XMin,YMin,XMax\n", "YMax"),
        ("ImageID,LabelName,XMin,YMin,XMax,YMax\na,car,0,0,1\n", "line 2"),
        ("ImageID,LabelName,XMin,YMin,XMax,YMax\na,car,0,0,1,1\na,car,0,0,1,wide\n", "row 2: YMax"),
        (b"ImageID,LabelName,XMin,YMin,XMax,YMax\na,\xff,0,0,1,1\n", "not UTF-8"),
    ],
)
def test_a_csv_that_is_not_open_images(tmp_path, text, words):
    _fails(_csv(tmp_path, text), "annotations-bbox.csv", words)


@pytest.mark.parametrize(
    ("key", "field", "value", "words"),
    [
        ("images", "file_name", None, "image 0: 'file_name' is missing"),
        ("images", "file_name", 5, "image 0: 'file_name' is 5"),
        ("images", "width", "wide", "'width' is 'wide'"),
        ("images", "height", -3, "'height' is -3"),
        ("images", "id", None, "'id' is missing"),
        ("images", "id", [1], "'id' is [1]"),
        ("annotations", "bbox", 0, "annotation 0 of image id 1: 'bbox' is 0"),
        ("annotations", "bbox", [1, 2, 3], "'bbox' is [1, 2, 3]"),
        ("annotations", "bbox", ["1", 2, 3, 4], "'bbox'"),
        ("annotations", "bbox", "x" * 1000, "'bbox'"),
        ("annotations", "image_id", None, "'image_id' is missing"),
        ("annotations", "category_id", {}, "'category_id' is {}"),
        ("annotations", "area", "large", "'area'"),
        ("annotations", "score", [], "'score'"),
        ("categories", "name", None, "category 0: 'name' is missing"),
    ],
)
def test_coco_with_fields_that_are_missing_or_wrong(coco_folder, key, field, value, words):
    folder = coco_folder({"a.png": [("car", 1, 2, 3, 4)]})
    content = json.loads((folder / "annotations.json").read_text())
    content[key][0][field] = value
    (folder / "annotations.json").write_text(json.dumps(content))
    _fails(folder, "annotations.json", words)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b'{"images": [',
        b"[]",
        b"{}",
        b'{"images": 5, "annotations": [], "categories": []}',
        b'{"images": [5], "annotations": [], "categories": []}',
        b"[" * 100_000,
        b'{"\xff": 1}',
    ],
)
def test_json_that_is_not_coco(tmp_path, text):
    (tmp_path / "annotations.json").write_bytes(text)
    _fails(tmp_path, "annotations.json")


@pytest.mark.parametrize(
    "name", ["../../secret.png", "..\\..\\secret.png", "/etc/passwd", "images/../../../x.png", "a\0.png"]
)
def test_a_picture_outside_the_folder_is_refused(coco_folder, name):
    folder = coco_folder({"a.png": [("car", 1, 2, 3, 4)]})
    content = json.loads((folder / "annotations.json").read_text())
    content["images"][0]["file_name"] = name
    (folder / "annotations.json").write_text(json.dumps(content))
    _fails(folder, "annotations.json", "outside")


def test_links_out_of_the_folder_are_refused(coco_folder, tmp_path):
    _picture(tmp_path / "secret" / "x.png")
    folder = coco_folder({"a.png": [("car", 1, 2, 3, 4)]})
    (folder / "images" / "a.png").unlink()
    (folder / "images" / "a.png").symlink_to(tmp_path / "secret" / "x.png")
    _fails(folder, "a.png", "outside")
    yolo = _yolo(tmp_path / "yolo", "0 0.5 0.5 0.1 0.1")
    (yolo / "images" / "b.jpg").symlink_to(tmp_path / "secret" / "x.png")
    _fails(yolo, "b.jpg", "outside")
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "images").symlink_to(tmp_path / "secret")
    (linked / "annotations.json").write_text((folder / "annotations.json").read_text())
    _fails(linked, "images", "outside")


def test_links_of_folders_out_of_the_data_set_are_refused(coco_folder, tmp_path):
    voc = _voc(tmp_path / "voc", "<annotation/>")
    (voc / "JPEGImages").rename(tmp_path / "elsewhere")
    (voc / "JPEGImages").symlink_to(tmp_path / "elsewhere")
    _fails(voc, "JPEGImages", "outside")
    yolo = _yolo(tmp_path / "yolo", "0 0.5 0.5 0.1 0.1")
    (yolo / "labels").rename(tmp_path / "labels")
    (yolo / "labels").symlink_to(tmp_path / "labels")
    _fails(yolo, "labels", "outside")


def test_a_pipe_is_not_waited_for(coco_folder):
    folder = coco_folder({"a.png": [("car", 1, 2, 3, 4)]})
    (folder / "images" / "a.png").unlink()
    os.mkfifo(folder / "images" / "a.png")
    with pytest.raises(UsageError, match=r"a\.png is missing"):
        load_dataset(folder).samples[0].read()


def test_a_link_to_a_whole_data_set_is_followed(coco_folder, tmp_path):
    (tmp_path / "short").symlink_to(coco_folder({"a.png": [("car", 1, 2, 3, 4)]}))
    assert load_dataset(tmp_path / "short").samples[0].read().shape == (100, 200, 3)


def test_a_link_to_a_folder_within_is_not_followed_but_said(tmp_path, caplog):
    _picture(tmp_path / "elsewhere" / "b.jpg")
    folder = _yolo(tmp_path / "set", "0 0.5 0.5 0.1 0.1")
    (folder / "images" / "more").symlink_to(tmp_path / "elsewhere")
    assert len(load_dataset(folder)) == 1
    assert "more is a link" in caplog.text


def test_a_name_too_long_for_a_file_is_that_of_a_missing_picture(coco_folder):
    folder = coco_folder({"a.png": [("car", 1, 2, 3, 4)]})
    content = json.loads((folder / "annotations.json").read_text())
    content["images"][0]["file_name"] = "x" * 300 + ".png"
    (folder / "annotations.json").write_text(json.dumps(content))
    with pytest.raises(UsageError, match="is missing"):
        load_dataset(folder).samples[0].read()
    assert [p.kind for p in check_parts(folder, read_parts(folder)).problems] == ["missing picture"]


def test_a_pipe_among_the_labels_is_not_waited_for(tmp_path):
    folder = _yolo(tmp_path, "")
    (folder / "labels" / "a.txt").unlink()
    os.mkfifo(folder / "labels" / "a.txt")
    _fails(folder, "a.txt", "not a file")


def test_a_yaml_of_lists_in_lists_is_not_written_out_for_an_error():
    class Leaf:
        written = 0

        def __repr__(self):
            Leaf.written += 1
            return "leaf"

    bomb = [Leaf()] * 9  # as an alias gives it: small in memory, huge as a text
    for _ in range(4):
        bomb = [bomb] * 9
    assert shown(bomb).startswith("[[[")
    assert Leaf.written < 1000


def test_a_loop_of_links_is_refused(coco_folder):
    folder = coco_folder({"a.png": [("car", 1, 2, 3, 4)]})
    (folder / "images" / "a.png").unlink()
    (folder / "images" / "a.png").symlink_to(folder / "images" / "a.png")
    with pytest.raises(UsageError, match=r"a\.png"):
        load_dataset(folder).samples[0].read()


@pytest.mark.parametrize(
    "box",
    [
        [10, 10, 0, 5],
        [10, 10, -5, 5],
        [float("nan"), 1, 5, 5],
        [1, 1, float("inf"), 5],
        [500, 10, 20, 20],
        [10**400, 1, 5, 5],
        [1e308, 1, 1e308, 5],
        [float("inf"), 1, float("-inf"), 5],
        [-30, 0, 30, 30],
    ],
)
def test_boxes_that_are_empty_inverted_endless_or_outside_are_dropped(coco_folder, box):
    (sample,) = load_dataset(coco_folder({"a.png": [("car", *box), ("car", 1, 2, 3, 4)]})).samples
    assert sample.boxes.tolist() == [[1, 2, 4, 6]]


def test_a_picture_with_ten_thousand_boxes_loads_whole(coco_folder):
    rows = [("car", i % 190, i % 90, 5, 5) for i in range(10_000)]
    (sample,) = load_dataset(coco_folder({"a.png": rows})).samples
    assert len(sample) == 10_000


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\xff\xd8\xff\xe0\x00\x10JFIF"])
def test_a_picture_that_is_none_is_left_out_and_named_when_it_is_read(coco_folder, content):
    folder = coco_folder({"a.png": [("car", 1, 2, 3, 4)]})
    (folder / "images" / "a.png").write_bytes(content)
    with pytest.raises(UsageError, match=r"a\.png"):
        read_picture(folder / "images" / "a.png")
    assert not load_dataset(folder).samples
    assert "1 of 1 picture is left out (that cannot be read)" in load_dataset(folder).losses.sentence()


def test_a_missing_picture_is_named_when_it_is_read(coco_folder):
    folder = coco_folder({"a.png": [("car", 1, 2, 3, 4)]})
    (folder / "images" / "a.png").unlink()
    with pytest.raises(UsageError, match=r"a\.png"):
        load_dataset(folder).samples[0].read()


def test_a_file_is_no_folder(coco_folder):
    _fails(coco_folder({"a.png": []}) / "annotations.json", "is a file")


def test_folders_without_labels_say_what_was_expected(tmp_path):
    _fails(tmp_path, "COCO", "VOC", "YOLO", "Open Images")
    _fails(tmp_path / "nowhere", "no folder")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("incomplete = " + "[" * 100_000, "nested too deep"),
        ("[incomplete]\nx = " + "{a=" * 20_000 + "1" + "}" * 20_000, "nested too deep"),
        ("[" + "a." * 200_000 + "b]", "nested too deep"),
        ("x = {" + "a . " * 100_000 + "b = 1}", "nested too deep"),
        ('incomplete = ["car"]', "should be a table"),
        ('[incomplete]\nstreet = "car"', "should be a list"),
        ('[incomplete]\nstreet = [["car"]]', "should be a list"),
    ],
)
@pytest.mark.timeout(60)
def test_a_declaration_that_is_nested_or_holds_lists_where_words_belong(coco_folder, text, words):
    folder = coco_folder({"a.png": [("car", 1, 2, 3, 4)]})
    (folder / "dataset.toml").write_text(text)
    _fails(folder, "dataset.toml", words)


@pytest.mark.timeout(60)
def test_labels_that_are_nested_deep(coco_folder, tmp_path):
    folder = coco_folder({"a.png": [("car", 1, 2, 3, 4)]})
    (folder / "annotations.json").write_text('{"images": [], "annotations": ' + "[" * 100_000)
    _fails(folder, "annotations.json", "not JSON")
    yolo = _yolo(tmp_path / "yolo", "0 0.5 0.5 0.1 0.1")
    (yolo / "data.yaml").write_text("names: " + "{a: " * 3000 + "1" + "}" * 3000)
    _fails(yolo, "data.yaml", "not valid YAML")
    _fails(_voc(tmp_path / "voc", "<annotation>" + "<a>" * 100_000), "a.xml", "not XML")
