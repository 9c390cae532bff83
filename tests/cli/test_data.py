"""`rtdet data` from the command line: what it prints, writes and exits with."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest


def _picture(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (10, 20, 3), np.uint8)
    cv2.imwrite(str(path), cv2.resize(noise, (200, 100), interpolation=cv2.INTER_CUBIC))


@pytest.fixture
def street(tmp_path):
    """Two parts of two pictures each, COCO."""
    for number, part in enumerate(("train", "val")):
        content = {"categories": [{"id": 1, "name": "car"}], "images": [], "annotations": []}
        for i in (1, 2):
            _picture(tmp_path / "street" / part / "images" / f"{i}.png", 10 * number + i)
            content["images"].append({"id": i, "file_name": f"{i}.png", "width": 200, "height": 100})
            content["annotations"].append({"image_id": i, "category_id": 1, "bbox": [20, 20, 60, 40]})
        (tmp_path / "street" / part / f"{part}.json").write_text(json.dumps(content))
    return tmp_path / "street"


def test_a_clean_set_is_counted_and_drawn(rtdet, street, tmp_path):
    done = rtdet("data", "check", street)
    assert done.code == 0, done.err
    assert "Clean" in done.out
    assert "car" in done.out
    sheet = cv2.imread(str(tmp_path / "street-check.png"))
    assert sheet is not None
    assert "street-check.png: 4 samples" in done.out


def test_problems_are_listed_written_and_told_by_the_exit_code(rtdet, street, tmp_path):
    (street / "val" / "images" / "1.png").write_bytes((street / "train" / "images" / "2.png").read_bytes())
    (street / "val" / "images" / "2.png").write_bytes(b"no picture")
    done = rtdet("data", "check", street, "--json", "found.json", "--sheet", "seen.png", "--quiet")
    assert done.code == 1
    assert "undecodable picture: 1" in done.out
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["problem_counts"] == {"undecodable picture": 1, "picture in two parts": 1}
    assert found["parts"]["val"]["objects"] == {"car": 2}
    assert found["problems"][1]["text"] == "like images/1.png of val"
    assert (tmp_path / "seen.png").stat().st_size > 1000


def test_nothing_is_written_into_the_data_set_unless_asked(rtdet, street, monkeypatch):
    monkeypatch.chdir(street)
    before = sorted(os.listdir(street))
    done = rtdet("data", "check", ".")
    assert done.code == 0
    assert "--sheet" in done.out
    assert sorted(os.listdir(street)) == before


def test_another_set_is_compared_with(rtdet, street):
    assert rtdet("data", "check", street / "train", "--no-sheet").code == 0
    done = rtdet("data", "check", street / "train", "--against", street / "train", "--no-sheet")
    assert done.code == 1
    assert "picture in two parts: 2" in done.out


def test_a_sheet_of_a_set_without_pictures_or_under_a_name_that_is_none(rtdet, street, tmp_path):
    done = rtdet("data", "check", street, "--sheet", "sheet.docx")
    assert done.code == 5
    assert "sheet.docx" in done.errors[0]
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "annotations.json").write_text('{"images": [], "annotations": [], "categories": []}')
    done = rtdet("data", "check", "none")
    assert done.code == 0
    assert "Empty" in done.out
    assert "Clean" not in done.out


def test_letters_beyond_ascii_are_drawn_on_the_sheet():
    from rtdet.datasets.sheet import contact_sheet

    plain, umlaut, other = (contact_sheet([], "", "", [(name, (9, 9, 9))]) for name in ("u", "ü", "ö"))
    assert not np.array_equal(plain, umlaut)
    assert not np.array_equal(umlaut, other)


def test_without_a_font_for_them_letters_are_replaced_by_what_can_be_drawn(monkeypatch):
    from rtdet.datasets import sheet

    def drawn(name):
        tile = sheet.Tile(np.zeros((9, 9, 3), np.uint8), name, name)
        return sheet.contact_sheet([tile], name, name, [(name, (9, 9, 9))])

    monkeypatch.setattr(sheet, "_of_matplotlib", list)
    monkeypatch.setattr(sheet, "_SYSTEM_FONTS", ())
    np.testing.assert_array_equal(drawn("Übergröße Ж"), drawn("Ubergro?e ?"))
    np.testing.assert_array_equal(drawn("ü" * 500), drawn("u" * 500))


def test_a_sheet_is_drawn_without_matplotlib(street, tmp_path):
    program = """
import sys
sys.modules.update(dict.fromkeys(("matplotlib", "scipy", "pyarrow", "filterpy", "torch", "torchvision", "timm")))
from rtdet.cli import main
main()
"""
    command = ["data", "check", str(street), "--sheet", "seen.png"]
    done = subprocess.run(
        [sys.executable, "-c", program, *command], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert cv2.imread(str(tmp_path / "seen.png")) is not None


def test_a_set_is_converted(rtdet, street, tmp_path):
    done = rtdet("data", "convert", street, "--to", "voc", "--out", "voc", "--quiet")
    assert done.code == 0, done.err
    assert "4 pictures, 4 boxes" in done.out
    assert (tmp_path / "voc" / "ImageSets" / "Main" / "val.txt").read_text() == "val_1\nval_2\n"
    again = rtdet("data", "convert", street, "--to", "voc", "--out", "voc")
    assert again.code == 5
    assert "not empty" in again.errors[0]


@pytest.mark.parametrize(
    "command",
    [["check"], ["convert", "--to", "voc", "--out", "x"], ["label", "--model", "rtdet-n", "--out", "x"]],
)
def test_a_folder_that_is_not_there_is_one_line(rtdet, command):
    done = rtdet("data", *command, "nowhere")
    assert done.code == 2
    assert done.errors == ["rtdet: error: there is no folder nowhere"]


def test_pictures_are_labelled_by_the_embedded_model(rtdet, tmp_path):
    from rtdet.demo import DemoScene

    (tmp_path / "pictures").mkdir()
    cv2.imwrite(str(tmp_path / "pictures" / "a.png"), DemoScene(seed=0, width=640, height=360).render(40))
    done = rtdet("data", "label", "pictures", "--model", "rtdet-n", "--out", "new", "--quiet", "--imgsz", 320)
    assert done.code == 0, done.err
    rows = json.loads((tmp_path / "new" / "annotations.json").read_text())["annotations"]
    assert rows
    assert {row["teacher"] for row in rows} == {"rtdet-n"}
    label = (
        "data",
        "label",
        "pictures",
        "--model",
        "rtdet-n",
        "--classes",
        "people",
        "--quiet",
        "--imgsz",
        320,
    )
    assert rtdet(*label, "--out", "people").code == 0
    content = json.loads((tmp_path / "people" / "annotations.json").read_text())
    assert [one["name"] for one in content["categories"]] == ["person"]
    assert 0 < len(content["annotations"]) < len(rows)
    assert rtdet("data", "check", "new", "--no-sheet").code == 0


def test_classes_that_nobody_knows_and_doubt_above_certainty_are_refused(rtdet, tmp_path):
    _picture(tmp_path / "pictures" / "a.png", 1)
    label = ["data", "label", "pictures", "--model", "rtdet-n", "--out", "new"]
    done = rtdet(*label, "--classes", "persn")
    assert done.code == 2
    assert "person" in done.errors[0]
    assert rtdet(*label, "--doubt", ".9").code == 2


def _invert(street, part="train"):
    file = street / part / f"{part}.json"
    content = json.loads(file.read_text())
    content["annotations"][0]["bbox"] = [80, 20, -60, 40]
    file.write_text(json.dumps(content))


def test_every_command_that_reads_a_set_says_in_a_line_what_it_loses(rtdet, street, tmp_path):
    _invert(street)
    line = "1 of 4 boxes is dropped (with no area, inverted or not a number)"
    done = rtdet("data", "check", street, "--json", "found.json")
    assert done.code == 1
    assert f"In any use of it: {line} (more than a tenth: other commands ask for --allow-loss)" in done.out
    assert json.loads((tmp_path / "found.json").read_text())["lost"]["dropped_boxes"] == {
        "with no area, inverted or not a number": 1
    }
    label = ("data", "label", "--model", "rtdet-n", "--classes", "car", "--quiet", "--no-flip")
    for number, command in enumerate((("data", "convert", "--to", "voc"), label)):
        done = rtdet(*command, street, "--out", f"new-{number}")
        assert done.code == 2
        assert line in done.errors[0]
        done = rtdet(*command, street, "--out", f"new-{number}", "--allow-loss")
        assert done.code == 0, done.err
        assert f"rtdet: warning: {street}: {line}" in done.err


def test_a_sheet_that_nobody_asked_for_and_cannot_be_written_is_no_error(rtdet, street, tmp_path):
    (tmp_path / "street-check.png").mkdir()
    done = rtdet("data", "check", street)
    assert done.code == 0, done.err
    assert "no contact sheet was drawn" in done.out
    done = rtdet("data", "check", street, "--sheet", "street-check.png")
    assert done.code == 5


def test_a_set_is_split(rtdet, street, tmp_path):
    shares = ("--val", 0.25, "--test", 0.25)
    done = rtdet("data", "split", street, *shares, "--to", "yolo", "--out", "parts", "--quiet")
    assert done.code == 0, done.err
    assert (
        done.out
        == "wrote parts: train 2 pictures (2 objects), val 1 picture (1 object), test 1 picture (1 object)\n"
    )
    assert len(list((tmp_path / "parts" / "images" / "train").iterdir())) == 2
    assert rtdet("data", "check", "parts", "--no-sheet").code == 0
    for wrong in (("--val", 0.5, "--test", 0.5), ("--val", 0, "--test", 0), ("--val", -0.1)):
        done = rtdet("data", "split", street, "--out", "other", *wrong)
        assert done.code == 2
        assert "shares" in done.errors[0]


def test_a_check_does_not_write_its_report_over_the_labels(rtdet, squares):
    labels = squares / "squares.json"
    before = labels.read_text()
    for option in ("--json", "--sheet"):
        outcome = rtdet("data", "check", squares, option, labels)
        assert outcome.code == 2, outcome.err
        assert "would overwrite" in outcome.errors[0]
    assert labels.read_text() == before


def test_the_contact_sheet_that_nobody_asked_for_overwrites_no_picture_either(rtdet, street, tmp_path):
    picture = street / "val" / "images" / "1.png"
    os.link(picture, tmp_path / "street-check.png")
    before = picture.read_bytes()
    done = rtdet("data", "check", street)
    assert done.code == 2
    assert "would overwrite" in done.errors[0]
    assert picture.read_bytes() == before


@pytest.mark.parametrize("option", ["--json", "--sheet"])
def test_a_report_that_cannot_be_written_is_said_before_the_pictures_are_looked_at(
    rtdet, street, option, monkeypatch
):
    def too_late(*_, **__):
        raise AssertionError("looked at in vain")

    monkeypatch.setattr("rtdet.datasets.check.check_parts", too_late)
    for name in ("nowhere/found.png", *(["found.txt", "found"] if option == "--sheet" else [])):
        done = rtdet("data", "check", street, option, name)
        assert done.code == 5
        assert name.partition("/")[0] in done.errors[0]
