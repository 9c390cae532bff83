"""Labels that cannot be used are counted in one place and said by all that read a data set; and nothing harmless
makes a set unreadable."""

from __future__ import annotations

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from rtdet.datasets import load_dataset
from rtdet.datasets.check import check_parts
from rtdet.datasets.convert import convert, read_parts
from rtdet.datasets.losses import Losses, say_losses
from rtdet.datasets.sample import read_picture
from rtdet.errors import UsageError
from tests.datasets.conftest import write_picture

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"


def _change(folder, change):
    file = folder / "annotations.json"
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))
    return folder


def _yolo(folder, texts, names="car\nbus\n"):
    for number, (name, text) in enumerate(texts.items()):
        write_picture(folder / "images" / f"{name}.png", seed=number)
        (folder / "labels").mkdir(parents=True, exist_ok=True)
        (folder / "labels" / f"{name}.txt").write_text(text)
    (folder / "classes.txt").write_text(names)
    return folder


def _lost(folder):
    losses = load_dataset(folder).losses
    return losses.boxes, losses.pictures, dict(+losses.dropped), dict(+losses.left_out), dict(+losses.noted)


def test_a_sound_set_loses_nothing(coco_folder):
    assert _lost(coco_folder({"a.png": [("car", 1, 1, 9, 9)]})) == (1, 1, {}, {}, {})
    assert Losses().sentence() == ""


def test_boxes_that_cannot_be_used_are_counted_by_why(coco_folder):
    rows = [("car", 10, 10, -5, 5), ("car", 10, 10, 0, 5), ("car", 500, 1, 5, 5), ("car", 190, 1, 20, 5)]
    folder = coco_folder({"a.png": [*rows, ("car", 1, 1, 9, 9)]})
    dropped = {"with no area, inverted or not a number": 2, "outside their pictures": 1}
    assert _lost(folder) == (5, 1, dropped, {}, {"boxes cut off at the border of their pictures": 1})
    assert load_dataset(folder).losses.sentence() == (
        "3 of 5 boxes are dropped (2 with no area, inverted or not a number, 1 outside their pictures); "
        "1 box cut off at the border of their pictures"
    )


def test_pixels_in_place_of_shares_are_asked_about(tmp_path):
    folder = _yolo(tmp_path, {"a": "0 50 50 20 20\n0 150 50 20 20\n"})
    with pytest.raises(UsageError, match=r"2 of 2 boxes are dropped .*are they in pixels, not fractions\?"):
        convert(folder, "coco", tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert convert(folder, "coco", tmp_path / "new", allow_loss=True).boxes == 0


def test_fractions_in_place_of_pixels_are_asked_about(coco_folder):
    folder = coco_folder({"a.png": [("car", 0.1, 0.1, 0.5, 0.5), ("car", 0.2, 0.1, 0.5, 0.5)]})
    assert load_dataset(folder).losses.sentence() == (
        "2 boxes within the first pixel of their pictures: are they fractions, not pixels?"
    )


def test_an_absolute_path_that_is_nowhere_is_a_missing_picture_and_voc_goes_by_the_xml(coco_folder, tmp_path):
    folder = coco_folder({"a.png": [("car", 1, 1, 9, 9)]})
    convert(folder, "voc", tmp_path / "voc")
    xml = tmp_path / "voc" / "Annotations" / "a.xml"
    xml.write_text(xml.read_text().replace("<filename>a.png", "<filename>/nowhere/x/other.png"))
    assert load_dataset(tmp_path / "voc").samples[0].path.name == "a.png"
    _change(folder, lambda content: content["images"][0].update(file_name="/nowhere/x/other.png"))
    with pytest.raises(UsageError, match=r"other\.png is missing"):
        load_dataset(folder).samples[0].read()


def test_ids_twice_or_unknown_are_losses(coco_folder):
    rows = {f"{name}.png": [("car", 1, 1, 9, 9)] for name in "abcd"}
    folder = coco_folder(rows)

    def change(content):
        content["images"][1]["id"] = 1
        content["annotations"][2]["image_id"] = "three"
        content["annotations"][3]["category_id"] = "01"

    boxes, pictures, dropped, left_out, _ = _lost(_change(folder, change))
    assert (boxes, pictures) == (4, 4)
    assert dropped == {"of pictures that are not listed": 2, "of a class that has no name": 1}
    assert left_out == {"whose id another has": 1}


def test_ids_that_are_texts_here_and_numbers_there_are_one(coco_folder):
    rows = {f"{name}.png": [("car", 1, 1, 9, 9)] for name in "abcd"}
    folder = coco_folder(rows)

    def change(content):
        content["images"][0]["id"] = str(content["images"][0]["id"])
        content["annotations"][2]["image_id"] = str(content["annotations"][2]["image_id"])
        content["categories"][0]["id"] = str(content["categories"][0]["id"])

    assert _lost(_change(folder, change)) == (4, 4, {}, {}, {})


def test_an_annotation_with_a_mask_and_no_box_gets_the_box_around_it(coco_folder):
    rows = {name: [("car", 1, 1, 9, 9)] for name in ("a.png", "b.png")}
    folder = coco_folder(rows)

    def change(content):
        # Columns of 10 pixels: rows 3 and 4 of column 2, row 5 of column 3; and all of columns 1 and 2.
        for note, counts in zip(content["annotations"], ([23, 2, 10, 1, 64], "::`2"), strict=True):
            del note["bbox"]
            note["segmentation"] = {"size": [10, 10], "counts": counts}

    _change(folder, change)
    samples = load_dataset(folder).samples
    assert [sample.boxes.tolist() for sample in samples] == [[[2, 3, 4, 6]], [[1, 0, 2, 10]]]


def test_a_kind_of_picture_that_nothing_reads_is_told_of(coco_folder, caplog):
    from rtdet.datasets.pictures import pictures_in

    folder = coco_folder({"a.png": [("car", 1, 1, 9, 9)]})
    (folder / "IMG_1.HEIC").write_bytes(b"x")
    assert [path.name for path in pictures_in(folder)] == ["a.png"]
    assert "1 pictures of a kind that cannot be read (HEIC" in caplog.text


def test_a_class_number_without_a_name_is_a_loss(tmp_path):
    folder = _yolo(tmp_path, {"a": "0 .5 .5 .1 .1\n7 .5 .5 .1 .1\n"})
    assert _lost(folder)[:3] == (2, 1, {"of a class that has no name": 1})


def test_a_tenth_may_be_lost_and_more_is_an_error_unless_allowed(caplog):
    few, many = Losses(boxes=20, pictures=3), Losses(boxes=20, pictures=3)
    few.dropped["outside"], many.dropped["outside"] = 2, 3
    say_losses(few, "set")
    assert caplog.messages == ["set: 2 of 20 boxes are dropped (outside)"]
    with pytest.raises(UsageError, match="--allow-loss"):
        say_losses(many, "set")
    say_losses(many, "set", allow=True)
    assert "3 of 20" in caplog.messages[-1]


@pytest.mark.parametrize("suffix", ["avif", "jfif", "mpo", "gif", "tga"])
def test_pictures_of_every_kind_that_can_be_decoded_belong_to_a_set(tmp_path, suffix):
    folder = _yolo(tmp_path, {"a": "0 .5 .5 .1 .1\n"})
    picture = folder / "images" / f"b.{suffix}"
    Image.fromarray(np.full((100, 200, 3), (250, 20, 20), np.uint8)).save(
        picture, {"jfif": "jpeg"}.get(suffix, suffix)
    )
    (folder / "labels" / "b.txt").write_text("1 .5 .5 .5 .5\n")
    dataset = load_dataset(folder)
    assert [(s.path.name, len(s), s.size) for s in dataset.samples][1] == (picture.name, 1, (200, 100))
    assert dataset.losses.sentence() == ""
    blue, _, red = dataset.samples[1].read()[50, 100]
    assert red > 200 > 60 > blue
    assert convert(folder, "voc", tmp_path / "voc").pictures == 2
    assert len(load_dataset(tmp_path / "voc")) == 2


def _phone_picture(path):
    """Stored 200x100, upright 100x200."""
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = np.random.default_rng(1).integers(0, 255, (100, 200, 3), np.uint8)
    Image.fromarray(pixels).save(path, exif=exif)


def test_sides_that_are_swapped_by_exif_are_those_of_the_picture_where_boxes_show_it(coco_folder, tmp_path):
    folder = coco_folder({"a.jpg": [("car", 10, 150, 20, 30)], "b.png": [("car", 1, 1, 9, 9)]})
    _phone_picture(folder / "images" / "a.jpg")
    first, _ = load_dataset(folder).samples
    assert first.size == (100, 200)
    assert first.boxes.tolist() == [[10, 150, 30, 180]]
    done = convert(folder, "yolo", tmp_path / "yolo")
    assert (done.pictures, done.boxes) == (2, 2)
    numbers = (tmp_path / "yolo" / "labels" / "a.txt").read_text().split()
    assert [float(number) for number in numbers] == pytest.approx([0, 0.2, 0.825, 0.2, 0.15])


def test_a_picture_whose_boxes_lie_on_their_side_is_left_out(coco_folder):
    folder = coco_folder({"a.jpg": [("car", 150, 10, 30, 20)], "b.png": [("car", 1, 1, 9, 9)]})
    _phone_picture(folder / "images" / "a.jpg")
    dataset = load_dataset(folder)
    assert [sample.path.name for sample in dataset.samples] == ["b.png"]
    assert "1 of 2 pictures is left out" in dataset.losses.sentence()


def test_boxes_of_a_picture_that_was_scaled_after_labelling_are_scaled(coco_folder, tmp_path):
    def change(content):
        content["images"][0].update(width=400, height=200)
        content["annotations"][0].update(bbox=[100, 40, 60, 20], area=900)

    folder = _change(coco_folder({"a.png": [("car", 1, 1, 9, 9)], "b.png": [("car", 1, 1, 9, 9)]}), change)
    dataset = load_dataset(folder)
    assert dataset.samples[0].size == (200, 100)
    assert dataset.samples[0].boxes.tolist() == [[50, 20, 80, 30]]
    assert dataset.samples[0].areas.tolist() == [225]
    said = "1 picture of another size than their labels say (the boxes are scaled)"
    assert dataset.losses.sentence() == said
    assert convert(folder, "coco", tmp_path / "new").losses.sentence() == said
    assert load_dataset(tmp_path / "new").samples[0].boxes.tolist() == [[50, 20, 80, 30]]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".bmp"])
def test_a_picture_of_another_shape_is_left_out_by_every_use_of_the_set(coco_folder, tmp_path, suffix):
    rows = {f"{i}{suffix}": [("car", 1, 1, 9, 9)] for i in range(10)}
    folder = _change(coco_folder(rows), lambda content: content["images"][0].update(width=90, height=200))
    said = (
        "1 of 10 boxes is dropped (of pictures that are left out); 1 of 10 pictures is left out (of another shape "
        "than their labels say)"
    )
    assert load_dataset(folder).losses.sentence() == said
    assert convert(folder, "yolo", tmp_path / "new").losses.sentence() == said
    assert check_parts(folder, read_parts(folder, tolerant=True)).losses.sentence() == said


@pytest.mark.parametrize("kind", ["coco", "yolo"])
def test_a_picture_that_is_none_or_that_is_missing_is_left_out_of_a_conversion(coco_folder, tmp_path, kind):
    rows = {f"{i:02}.png": [("car", 1, 1, 9, 9)] for i in range(20)}
    folder = coco_folder(rows)
    if kind == "yolo":
        convert(folder, "yolo", tmp_path / "yolo")
        folder = tmp_path / "yolo"
    (folder / "images" / "03.png").write_bytes(b"\x89PNG\r\n\x1a\n no more of it")
    (folder / "images" / "04.png").unlink()
    done = convert(folder, "coco", tmp_path / "new")
    assert (done.pictures, done.boxes) == (18, 18)
    assert (sum(done.losses.dropped.values()), sum(done.losses.left_out.values())) == (2, 2)
    assert sorted(os.listdir(tmp_path / "new" / "images")) == sorted({*rows} - {"03.png", "04.png"})
    assert check_parts(folder, read_parts(folder, tolerant=True)).losses.left_out.total() == 2


@pytest.mark.parametrize("points", ["0.1 0.1 0.9 0.9", "0.1 0.1 2 0.9 0.9 2", ".5 .5 2 " * 17])
def test_key_points_behind_a_box_are_no_polygon_where_the_yaml_says_so(tmp_path, points):
    folder = _yolo(tmp_path, {"a": f"0 .5 .5 .2 .4 {points}\n"})
    shape = "[17, 3]" if len(points) > 40 else "[2, 2]"
    (folder / "data.yaml").write_text(f"train: images\nval: images\nkpt_shape: {shape}\nnames: [car]\n")
    assert load_dataset(folder).samples[0].boxes.tolist() == [pytest.approx([80, 30, 120, 70])]
    (folder / "data.yaml").write_text("train: images\nval: images\nnames: [car]\n")
    if len(points) > 40:
        with pytest.raises(UsageError, match="kpt_shape"):
            load_dataset(folder)


def test_a_class_id_that_two_classes_have_is_no_class(coco_folder, tmp_path):
    def change(content):
        content["categories"] = [{"id": 1, "name": "car"}, {"id": 1, "name": "bus"}]

    folder = _change(coco_folder({"a.png": [("car", 1, 1, 9, 9)]}), change)
    with pytest.raises(UsageError, match=r"1 of 1 box is dropped \(of a class id that two classes have\)"):
        convert(folder, "yolo", tmp_path / "new")
    (problem,) = check_parts(folder, read_parts(folder, tolerant=True)).problems
    assert problem.text == "category id 1 is that of car and bus"
    assert load_dataset(folder).samples[0].ignored.tolist() == [True]


def test_labels_are_found_by_the_pictures_name_or_counted(tmp_path):
    folder = _yolo(tmp_path / "set", {"a": "0 .5 .5 .1 .1\n", "b": "1 .5 .5 .1 .1\n0 .2 .2 .1 .1\n"})
    (folder / "labels").rename(folder / "obj_train_data")
    assert sorted(len(sample) for sample in load_dataset(folder).samples) == [1, 2]
    for name in ("a", "b"):
        (folder / "images" / f"{name}.png").rename(folder / "images" / f"other-{name}.png")
    losses = load_dataset(folder).losses
    assert (losses.boxes, losses.too_many) == (3, True)
    report = check_parts(folder, read_parts(folder, tolerant=True))
    assert [problem.where for problem in report.by_kind()["missing picture"]] == [
        "obj_train_data/a.txt",
        "obj_train_data/b.txt",
    ]
    assert report.losses.too_many


def test_labels_beside_the_pictures_are_found_in_a_folder_called_images(tmp_path):
    folder = _yolo(tmp_path, {"a": "0 .5 .5 .1 .1\n"})
    (folder / "labels" / "a.txt").rename(folder / "images" / "a.txt")
    (folder / "labels").rmdir()
    assert [len(sample) for sample in load_dataset(folder).samples] == [1]


def test_labels_of_another_part_are_not_taken_for_those_of_this_one(tmp_path):
    for part in ("train", "val"):
        write_picture(tmp_path / "images" / part / "1.png", seed=len(part))
    (tmp_path / "labels" / "val").mkdir(parents=True)
    (tmp_path / "labels" / "val" / "1.txt").write_text("0 .5 .5 .1 .1\n")
    (tmp_path / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [car]\n")
    assert [len(load_dataset(tmp_path, split=part).samples[0]) for part in ("train", "val")] == [0, 1]


def test_xml_of_cvat_is_read_alone_and_no_hindrance_beside_other_labels(coco_folder, tmp_path):
    write_picture(tmp_path / "cvat" / "images" / "a.png")
    text = '<?xml version="1.0"?>\n<!-- made --><annotations><image name="a.png"/></annotations>'
    (tmp_path / "cvat" / "annotations.xml").write_text(text)
    assert len(load_dataset(tmp_path / "cvat").samples) == 1
    folder = _yolo(tmp_path / "yolo", {"a": "0 .5 .5 .1 .1\n"})
    (folder / "annotations.xml").write_text(text)
    assert len(load_dataset(folder).samples[0]) == 1


def test_notes_of_label_studio_and_files_of_macos_are_passed_over(tmp_path):
    folder = _yolo(tmp_path / "yolo", {"a": "0 .5 .5 .1 .1\n"})
    (folder / "notes.json").write_text('{"categories": [{"id": 0, "name": "car"}], "info": {}}')
    (folder / "labels" / "._a.txt").write_bytes(b"\0\5\x16\7")
    (folder / "._data.yaml").write_bytes(b"\0\5\x16\7")
    assert len(load_dataset(folder).samples[0]) == 1
    convert(folder, "voc", tmp_path / "voc")
    for file in [*(tmp_path / "voc" / "Annotations").iterdir(), *(tmp_path / "voc" / "JPEGImages").iterdir()]:
        file.rename(tmp_path / "voc" / file.name)
    (tmp_path / "voc" / "Annotations").rmdir()
    (tmp_path / "voc" / "JPEGImages").rmdir()
    (tmp_path / "voc" / "._a.xml").write_bytes(b"\0\5\x16\7")
    assert len(load_dataset(tmp_path / "voc").samples[0]) == 1


def test_a_second_json_is_no_hindrance_and_two_of_a_kind_are_named(coco_folder):
    folder = coco_folder({"a.png": [("car", 1, 1, 9, 9)]})
    (folder / "annotations.json").rename(folder / "mine.json")
    (folder / "meta.json").write_text('{"categories": ["car"]}')
    assert len(load_dataset(folder).samples[0]) == 1
    (folder / "yours.json").write_text((folder / "mine.json").read_text())
    with pytest.raises(UsageError, match=r"mine\.json, yours\.json"):
        load_dataset(folder)


@pytest.mark.parametrize("size", [None, 0, "200"])
def test_coco_without_sizes_or_with_texts_is_read(coco_folder, size):
    def change(content):
        for image in content["images"]:
            image.update(width=size, height=size and "100")

    (sample,) = load_dataset(_change(coco_folder({"a.png": [("car", 1, 1, 9, 9)]}), change)).samples
    assert sample.size == (200, 100)


def test_ids_that_are_whole_numbers_with_a_fraction_are_those_numbers(coco_folder):
    def change(content):
        content["images"][0]["id"] = 1.0
        content["annotations"][0]["category_id"] = 1.0

    assert _lost(_change(coco_folder({"a.png": [("car", 1, 1, 9, 9)]}), change))[2] == {}


@pytest.mark.parametrize("missing", [None, []])
def test_a_polygon_without_a_box_gives_one_and_an_annotation_without_both_is_counted(coco_folder, missing):
    def change(content):
        content["annotations"][0].update(
            bbox=missing, segmentation=[[10, 20, 50, 20, 50, 60], [5, 30, 6, 30]]
        )
        content["annotations"][1].update(bbox=missing)

    folder = _change(coco_folder({"a.png": [("car", 1, 1, 9, 9)] * 3}), change)
    dataset = load_dataset(folder)
    assert dataset.samples[0].boxes.tolist() == [[5, 20, 50, 60], [1, 1, 10, 10]]
    assert dataset.losses.sentence() == "1 of 3 boxes is dropped (that are not given)"


@pytest.mark.parametrize("name", ["/home/u/set/images/a.png", "C:\\sets\\mine\\a.png"])
def test_absolute_paths_of_another_machine_are_found_here(coco_folder, tmp_path, name):
    folder = coco_folder({"a.png": [("car", 1, 1, 9, 9)]})
    convert(folder, "voc", tmp_path / "voc")
    _change(folder, lambda content: content["images"][0].update(file_name=name))
    assert load_dataset(folder).samples[0].path == folder / "images" / "a.png"
    xml = tmp_path / "voc" / "Annotations" / "a.xml"
    xml.write_text(xml.read_text().replace("<filename>a.png", f"<filename>{name}"))
    assert load_dataset(tmp_path / "voc").samples[0].path.name == "a.png"


@pytest.mark.parametrize(
    "place",
    ["/home/u/mine/images/train", "D:\\mine\\images\\train", "../mine/images/train", "mine/images/train"],
)
def test_a_yaml_of_another_machine_is_read(tmp_path, place):
    write_picture(tmp_path / "images" / "train" / "a.png")
    (tmp_path / "labels" / "train").mkdir(parents=True)
    (tmp_path / "labels" / "train" / "a.txt").write_text("1 .5 .5 .1 .1\n")
    (tmp_path / "data.yaml").write_text(
        f"path: /home/u/mine\ntrain: {place}\nnames: {{'0': bus, '1': car}}\n"
    )
    dataset = load_dataset(tmp_path)
    assert dataset.class_names == ("bus", "car")
    assert len(dataset.samples[0]) == 1


@pytest.mark.parametrize(
    "names", ["{'0': bus, '1': car}", "{bus: 0, car: 1}", "{0: bus, 1: car}", "[bus, car]"]
)
def test_names_are_a_list_or_keyed_either_way(tmp_path, names):
    folder = _yolo(tmp_path, {"a": "1 .5 .5 .1 .1\n"})
    (folder / "custom.yaml").write_text(f"train: images\nval: images\nnames: {names}\n")
    assert load_dataset(folder).class_names == ("bus", "car")


@pytest.mark.parametrize("prefix", ["/content/data/images/", "data/images/", "./images/", "images/"])
def test_lists_of_another_machine_and_of_cvat_are_read_and_what_is_missing_counted(tmp_path, prefix):
    folder = _yolo(tmp_path, dict.fromkeys("ab", "0 .5 .5 .1 .1\n"))
    (folder / "train.txt").write_text("".join(f"{prefix}{name}.png\n" for name in "abc"))
    (folder / "data.yaml").write_text("train: train.txt\nnames: [car, bus]\n")
    dataset = load_dataset(folder)
    assert [sample.path.stem for sample in dataset.samples] == ["a", "b"]
    assert dataset.losses.sentence() == "1 of 3 pictures is left out (that are listed but not here)"


def test_open_images_without_any_of_its_pictures_is_a_loss(tmp_path):
    write_picture(tmp_path / "images" / "a.png")
    header = "ImageID,LabelName,XMin,XMax,YMin,YMax\n"
    (tmp_path / "annotations-bbox.csv").write_text(header + "a.png,car,0,1,0,1\n")
    assert len(load_dataset(tmp_path).samples[0]) == 1
    (tmp_path / "annotations-bbox.csv").write_text(header + "b,car,0,1,0,1\n")
    assert load_dataset(tmp_path).losses.too_many


def test_a_picture_of_a_billion_pixels_is_refused_by_its_first_bytes(tmp_path, monkeypatch):
    import struct
    import zlib

    def chunk(kind, content):
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    path = tmp_path / "huge.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000)))
    )
    with pytest.raises(UsageError, match=r"30000x30000, more than 120 million pixels"):
        read_picture(path)
    small = tmp_path / "small.webp"
    cv2.imwrite(str(small), np.zeros((100, 200, 3), np.uint8))
    monkeypatch.setenv("OPENCV_IO_MAX_IMAGE_PIXELS", "19999")
    with pytest.raises(UsageError, match="200x100"):
        read_picture(small)
    monkeypatch.setenv("OPENCV_IO_MAX_IMAGE_PIXELS", "20000")
    assert read_picture(small).shape == (100, 200, 3)


@pytest.mark.parametrize(
    ("case", "pictures", "boxes", "too_many"),
    [
        ("labels-coco-image-id-twice", 2, 14, True),
        ("labels-coco-negative-size", 3, 18, False),
        ("labels-exif-size-swapped", 3, 19, False),
        ("labels-pictures-avif-jfif-left-out", 3, 19, False),
        ("labels-voc-inverted", 3, 0, True),
        ("labels-yolo-pixels", 3, 0, True),
        ("set-coco-no-size", 3, 19, False),
        ("set-coco-polygon-only", 3, 19, False),
        ("set-hidden-voc", 3, 19, False),
        ("set-label-studio-yolo", 3, 19, False),
        ("set-two-json", 3, 19, False),
        ("set-yolo-absolute-yaml", 3, 19, False),
        ("set-yolo-list-of-other-machine", 3, 19, False),
    ],
)
def test_sets_that_people_reported(case, pictures, boxes, too_many):
    if not CASES.is_dir():
        pytest.skip("needs the cases in ../shared/cases, which are not here")
    dataset = load_dataset(CASES / case / "data")
    assert (len(dataset), sum(len(sample) for sample in dataset.samples)) == (pictures, boxes)
    assert dataset.losses.too_many is too_many
    is_as_written = case.startswith("set-") or "avif" in case
    assert bool(dataset.losses.sentence()) is not is_as_written
