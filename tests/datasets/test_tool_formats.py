"""What annotation tools write: CVAT's XML, labelme's JSON, EPIC-KITCHENS' CSV, Darknet's obj.data."""

import json
import math

import numpy as np
import pytest

from rtdet.datasets import load_dataset
from rtdet.datasets.check import check_parts
from rtdet.datasets.formats import read_labels, splits_of
from rtdet.errors import UsageError
from tests.datasets.conftest import write_picture

CVAT_IMAGES = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta><job><labels><label><name>cat</name></label><label><name>dog</name></label></labels></job></meta>
  <image id="0" name="a.png" width="200" height="100">
    <box label="dog" occluded="0" xtl="10.5" ytl="20" xbr="60" ybr="70" z_order="0"></box>
    <polygon label="cat" points="100,10;150,20;120,60"/>
    <ellipse label="cat" cx="50" cy="50" rx="20" ry="10"/>
    <mask label="dog" rle="1, 2" left="5" top="6" width="10" height="12"/>
    <polyline label="dog" points="1,1;5,5"/>
    <box label="dog" xtl="90" ytl="40" xbr="110" ybr="60" rotation="45"/>
  </image>
  <image id="1" name="b.png" width="200" height="100"/>
  {more}
</annotations>
"""


def problems_of(folder):
    return check_parts(folder, {"": read_labels(folder, tolerant=True)}).problems


@pytest.fixture
def cvat(tmp_path):
    def make(more=""):
        for i, name in enumerate("ab"):
            write_picture(tmp_path / "images" / f"{name}.png", seed=i)
        (tmp_path / "annotations.xml").write_text(CVAT_IMAGES.replace("{more}", more))
        return tmp_path

    return make


def test_shapes_of_cvat_become_the_boxes_around_them(cvat):
    dataset = load_dataset(cvat())
    assert dataset.class_names == ("cat", "dog")
    first, second = dataset.samples
    half = 10 * math.sqrt(2)
    expected = [
        [10.5, 20, 60, 70],
        [100, 10, 150, 60],
        [30, 40, 70, 60],
        [5, 6, 15, 18],
        [100 - half, 50 - half, 100 + half, 50 + half],
    ]
    assert np.allclose(first.boxes, expected)
    assert first.labels.tolist() == [1, 0, 0, 1, 1]
    assert len(second) == 0
    assert "1 shape without a box" in dataset.losses.sentence()


def test_a_picture_of_cvat_that_is_not_here_is_counted_with_its_boxes(cvat):
    more = '<image id="2" name="c.png"><box label="cat" xtl="1" ytl="1" xbr="9" ybr="9"/></image>'
    dataset = load_dataset(cvat(more))
    assert [sample.path.name for sample in dataset.samples] == ["a.png", "b.png"]
    assert "1 of 3 pictures is left out" in dataset.losses.sentence()


@pytest.mark.parametrize(
    "more",
    [
        '<image id="3" name="a.png"><box label="cat" xtl="wide" ytl="1" xbr="9" ybr="9"/></image>',
        '<image id="3" name="../../etc/x.png"><box label="cat" xtl="1" ytl="1" xbr="9" ybr="9"/></image>',
        '<image id="3" name="a.png"><polygon label="cat" points="1,2;3"/></image>',
        '<image id="3" name="a.png"><box xtl="1" ytl="1" xbr="9" ybr="9"/></image>',
        *(
            f'<track id="0" label="cat"><box frame="{frame}" xtl="1" ytl="1" xbr="9" ybr="9"/></track>'
            for frame in ("nan", "inf", "1.5", "-1", "9" * 5000)
        ),
    ],
    ids=range(9),
)
def test_what_cannot_be_read_of_cvat_is_one_line_and_a_finding_of_the_check(cvat, more):
    folder = cvat(more)
    with pytest.raises(UsageError) as error:
        load_dataset(folder)
    assert "\n" not in str(error.value)
    assert problems_of(folder)


def test_a_size_of_thousands_of_digits_is_none_and_the_picture_says_its_own(cvat, tmp_path):
    more = f'<image id="3" name="a.png" width="{"9" * 5000}" height="100"/>'
    assert load_dataset(cvat(more)).samples[-1].size == (200, 100)
    (tmp_path / "annotations.xml").unlink()
    box = shape("cat", "rectangle", (1, 1), (9, 9))
    labelme(tmp_path / "images" / "a.json", [box], imageWidth=10**400)
    assert load_dataset(tmp_path).samples[0].size == (200, 100)
    assert not problems_of(tmp_path)


def test_tracks_of_cvat_are_boxes_in_the_frames_that_they_are_seen_in(tmp_path):
    for frame in range(3):
        write_picture(tmp_path / "images" / f"frame_{frame:06d}.png", seed=frame)
    (tmp_path / "annotations.xml").write_text(
        "<annotations><meta><task><original_size><width>200</width><height>100</height></original_size></task></meta>"
        '<track id="0" label="car">'
        '<box frame="0" outside="0" keyframe="1" xtl="10" ytl="10" xbr="30" ybr="30"/>'
        '<box frame="2" outside="0" keyframe="0" xtl="20" ytl="10" xbr="40" ybr="30"/>'
        '<box frame="1" outside="1" keyframe="1" xtl="10" ytl="10" xbr="30" ybr="30"/></track></annotations>'
    )
    dataset = load_dataset(tmp_path)
    assert [len(sample) for sample in dataset.samples] == [1, 0, 1]
    assert dataset.samples[2].boxes.tolist() == [[20, 10, 40, 30]]


def labelme(path, shapes, **more):
    content = {"version": "5.4.1", "flags": {}, "shapes": shapes, "imagePath": f"{path.stem}.png", **more}
    path.write_text(json.dumps({"imageData": None, "imageWidth": 200, "imageHeight": 100, **content}))


def shape(label, kind, *points):
    return {"label": label, "points": [list(point) for point in points], "group_id": None, "shape_type": kind}


def test_shapes_of_labelme_become_the_boxes_around_them(tmp_path):
    for i, name in enumerate("abc"):
        write_picture(tmp_path / f"{name}.png", seed=i)
    labelme(
        tmp_path / "a.json",
        [
            shape("cat", "rectangle", (60, 70), (10, 20)),
            shape("dog", "polygon", (100, 10), (150, 20), (120, 60)),
            shape("cat", "circle", (50, 50), (50, 60)),
            shape("cat", "linestrip", (1, 1), (5, 5)),
        ],
    )
    labelme(tmp_path / "b.json", [])
    dataset = load_dataset(tmp_path)
    assert dataset.class_names == ("cat", "dog")
    assert [sample.path.name for sample in dataset.samples] == ["a.png", "b.png", "c.png"]
    assert dataset.samples[0].boxes.tolist() == [[10, 20, 60, 70], [100, 10, 150, 60], [40, 40, 60, 60]]
    assert dataset.samples[0].labels.tolist() == [0, 1, 0]
    assert "1 shape without a box" in dataset.losses.sentence()


def test_labels_of_labelme_without_their_picture_are_counted(tmp_path):
    write_picture(tmp_path / "a.png")
    labelme(tmp_path / "a.json", [shape("cat", "rectangle", (10, 20), (60, 70))])
    labelme(tmp_path / "gone.json", [shape("cat", "rectangle", (10, 20), (60, 70))])
    assert "1 of 2 pictures is left out" in load_dataset(tmp_path).losses.sentence()


@pytest.mark.parametrize(
    "broken",
    [
        shape("", "rectangle", (1, 1), (9, 9)),
        {"label": "cat", "points": "many", "shape_type": "rectangle"},
        {"label": "cat", "points": [[1, 2, 3]], "shape_type": "rectangle"},
        {"label": "cat", "points": [[10**400, 2], [3, 4]], "shape_type": "rectangle"},
        {"label": "cat", "points": [[1, 2], [3, 4]], "shape_type": ["rectangle"]},
        "cat",
    ],
)
def test_what_cannot_be_read_of_labelme_is_one_line_and_a_finding_of_the_check(tmp_path, broken):
    write_picture(tmp_path / "a.png")
    labelme(tmp_path / "a.json", [broken])
    with pytest.raises(UsageError) as error:
        load_dataset(tmp_path)
    assert "a.json" in str(error.value)
    assert problems_of(tmp_path)


EPIC = "noun_class,noun,participant_id,video_id,frame,bounding_boxes\n"


@pytest.fixture
def epic(tmp_path):
    def make(*rows, size=(1920, 1080)):
        write_picture(tmp_path / "P01" / "P01_01" / "0000000030.png", size)
        write_picture(tmp_path / "P01" / "P01_02" / "frame_0000000030.png", size, seed=1)
        (tmp_path / "EPIC_train_object_labels.csv").write_text(EPIC + "".join(f"{row}\n" for row in rows))
        return tmp_path

    return make


def test_rows_of_epic_kitchens_are_boxes_on_the_frames_of_their_videos(epic):
    folder = epic(
        '20,bag,P01,P01_01,30,"[(76, 1260, 462, 186), (100, 200, 30, 40)]"',
        "3,knife,P01,P01_01,30,[]",
        '3,knife,P01,P01_02,30,"[(10, 20, 30, 40)]"',
        '3,knife,P01,P01_02,60,"[(10, 20, 30, 40)]"',
    )
    dataset = load_dataset(folder)
    assert dataset.class_names == ("bag", "knife")
    assert dataset.samples[0].boxes.tolist() == [[1260, 76, 1446, 538], [200, 100, 240, 130]]
    assert dataset.samples[1].boxes.tolist() == [[20, 10, 60, 40]]
    assert "1 box of frames that are not here" in dataset.losses.sentence()


def test_boxes_of_epic_kitchens_are_scaled_to_smaller_frames(epic):
    folder = epic('20,bag,P01,P01_01,30,"[(100, 200, 300, 400)]"', size=(480, 270))
    assert load_dataset(folder).samples[0].boxes.tolist() == [[50, 25, 150, 100]]


@pytest.mark.parametrize("frame", ["", "-1", "1.5", "²", "9" * 5000], ids=range(5))
def test_a_frame_of_epic_kitchens_is_a_number(epic, frame):
    with pytest.raises(UsageError, match="line 2: frame is"):
        load_dataset(epic(f'20,bag,P01,P01_01,{frame},"[(1, 2, 3, 4)]"'))


def test_a_circle_of_labelme_without_an_end_is_dropped(tmp_path):
    write_picture(tmp_path / "a.png")
    labelme(tmp_path / "a.json", [shape("cat", "circle", (math.inf, 2), (3, -math.inf))])
    assert "1 of 1 box is dropped" in load_dataset(tmp_path).losses.sentence()


@pytest.mark.parametrize(
    "boxes", ['"[(1, 2, 3)]"', '"[(1, 2, three, 4)]"', "__import__('os')", '"[(1,2,3,4"']
)
def test_boxes_of_epic_kitchens_are_numbers_and_never_run(epic, boxes):
    with pytest.raises(UsageError, match="line 2"):
        load_dataset(epic(f"20,bag,P01,P01_01,30,{boxes}"))


def test_a_video_of_epic_kitchens_without_its_frames_is_told_how_to_write_them(tmp_path):
    (tmp_path / "P01_01.MP4").write_bytes(b"film")
    (tmp_path / "labels.csv").write_text(EPIC + '20,bag,P01,P01_01,30,"[(1, 2, 3, 4)]"\n')
    with pytest.raises(UsageError, match="ffmpeg -i P01_01"):
        load_dataset(tmp_path)


@pytest.mark.parametrize("place", [".", "data"])
def test_darknets_obj_data_names_classes_and_parts(tmp_path, place):
    for i, name in enumerate("abc"):
        write_picture(tmp_path / "obj_train_data" / f"{name}.png", seed=i)
        (tmp_path / "obj_train_data" / f"{name}.txt").write_text("1 .5 .5 .2 .2\n")
    (tmp_path / place).mkdir(exist_ok=True)
    (tmp_path / place / "obj.data").write_text(
        "classes = 2\ntrain  = data/train.txt\nvalid = data/test.txt\nnames = data/obj.names\nbackup = backup/\n"
    )
    (tmp_path / place / "obj.names").write_text("cat\ndog\n")
    (tmp_path / place / "train.txt").write_text("data/obj_train_data/a.png\ndata/obj_train_data/b.png\n")
    (tmp_path / place / "test.txt").write_text("data/obj_train_data/c.png\n")
    assert splits_of(tmp_path) == ("train", "val")
    train, val = load_dataset(tmp_path, split="train"), load_dataset(tmp_path, split="val")
    assert train.class_names == ("cat", "dog")
    assert [sample.path.stem for sample in train.samples] == ["a", "b"]
    assert [sample.path.stem for sample in val.samples] == ["c"]
    assert np.allclose(val.samples[0].boxes, [[80, 40, 120, 60]])
