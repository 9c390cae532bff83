from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import click
import cv2
import numpy as np
import pytest

from tests.cli.conftest import ROOT


@pytest.fixture
def labeled(tmp_path):
    """Three grey pictures with one cat each, as COCO JSON, whose categories also name a dog."""
    folder = tmp_path / "pets"
    (folder / "images").mkdir(parents=True)
    images, annotations = [], []
    for i in range(3):
        cv2.imwrite(str(folder / "images" / f"{i}.png"), np.full((64, 64, 3), 90, np.uint8))
        images.append({"id": i + 1, "file_name": f"{i}.png", "width": 64, "height": 64})
        annotations.append({"id": i + 1, "image_id": i + 1, "category_id": 1, "bbox": [10, 10, 30, 30]})
    categories = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder


@pytest.fixture
def detections(tmp_path):
    """Cats in the first two pictures, and something in the air of the third."""
    boxes = [[10, 10, 30, 30], [12, 10, 30, 30], [44, 44, 12, 12]]
    rows = [
        {"file_name": f"{i}.png", "category": "cat", "bbox": box, "score": 0.9 - i / 10}
        for i, box in enumerate(boxes)
    ]
    path = tmp_path / "d.json"
    path.write_text(json.dumps(rows))
    return path


def test_detections_of_a_file_are_measured_and_a_report_is_written(rtdet, labeled, detections, tmp_path):
    done = rtdet("eval", "detect", "--data", labeled, "--detections", detections, "--out", "report")
    assert done.code == 0, done.err
    row = next(line for line in done.out.splitlines() if line.strip().startswith("cat"))
    # 2 of 3 found and the last detection wrong: precision 1 up to recall 2/3, 67 of COCO's 101 points.
    assert row.split()[1:3] == ["3", "66.3"]
    assert row.split()[-4:] == ["2", "1", "1", "0.80"]
    metrics = json.loads((tmp_path / "report" / "metrics.json").read_text())
    assert metrics["classes"]["cat"]["ap50"] == pytest.approx(67 / 101)
    assert metrics["mean"]["precision"] == pytest.approx(2 / 3)
    assert metrics["confusion_matrix"]["counts"] == [[2, 1], [1, 0]]
    assert "d.json on pets" in (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert (tmp_path / "report" / "pr_curves.csv").read_text().count("\n") == 1 + 3
    assert (tmp_path / "report" / "pr_curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_group_of_classes_stands_for_those_that_are_labelled(rtdet, labeled, detections):
    done = rtdet("eval", "detect", "--data", labeled, "--detections", detections, "--classes", "animals")
    assert done.code == 0, done.err
    assert next(line for line in done.out.splitlines() if line.strip().startswith("cat")).split()[1] == "3"
    done = rtdet("eval", "detect", "--data", labeled, "--detections", detections, "--classes", "vehicles")
    assert "vehicles" in done.errors[0]


def test_the_folder_one_stands_in_has_its_name(rtdet, labeled, detections, tmp_path, monkeypatch):
    rtdet("eval", "detect", "--data", "pets", "--detections", detections)
    monkeypatch.chdir(labeled)
    assert rtdet("eval", "detect", "--data", ".", "--detections", detections, "--out", "../report").code == 0
    assert "<h1>d.json on pets</h1>" in (tmp_path / "report" / "report.html").read_text(encoding="utf-8")


def test_a_narrow_terminal_gets_fewer_figures_and_these_whole(rtdet, labeled, detections, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    heads = {}
    for columns in (80, 120):
        monkeypatch.setenv("COLUMNS", str(columns))
        out = click.unstyle(rtdet("eval", "detect", "--data", labeled, "--detections", detections).out)
        assert "…" not in out
        heads[columns] = next(line.split() for line in out.splitlines() if "objects" in line)
    assert heads[80] == ["class", "objects", "AP50", "AP75", "AP", "TP", "FP", "FN", "best", "at"]
    assert set(heads[80]) < set(heads[120])


def test_a_model_is_measured_on_the_classes_that_it_shares_with_the_labels(rtdet, labeled):
    content = json.loads((labeled / "annotations.json").read_text())
    content["categories"] = [{"id": 1, "name": "car"}, {"id": 2, "name": "unicorn"}]
    content["annotations"][0]["category_id"] = 2
    (labeled / "annotations.json").write_text(json.dumps(content))
    done = rtdet("eval", "detect", "--data", labeled, "--model", "rtdet-n", "--device", "cpu", "--quiet")
    assert done.code == 0, done.err
    assert "does not know the class: unicorn" in done.out
    assert "no labels of the class: person" in done.out
    assert [line.split()[:2] for line in done.out.splitlines() if line.strip().startswith("car")] == [
        ["car", "2"]
    ]


def test_classes_that_only_the_file_or_only_the_labels_have_are_said(rtdet, labeled, detections):
    detections.write_text(detections.read_text().replace('"cat"', '"cow"', 1))
    content = (labeled / "annotations.json").read_text()
    (labeled / "annotations.json").write_text(content.replace('"category_id": 1', '"category_id": 2', 1))
    done = rtdet("eval", "detect", "--data", labeled, "--detections", detections)
    assert "no labels of the class: cow" in done.out
    assert "no detections of dog" in done.out
    row = next(line for line in done.out.splitlines() if line.strip().startswith("dog"))
    assert row.split()[1:3] == ["1", "0.0"]


def test_the_confidence_is_where_right_and_wrong_are_counted(rtdet, labeled, detections):
    done = rtdet("eval", "detect", "--data", labeled, "--detections", detections, "--conf", "0.85")
    row = next(line for line in done.out.splitlines() if line.strip().startswith("cat"))
    assert row.split()[2] == "66.3"
    assert row.split()[-4:-1] == ["1", "0", "2"]


def test_a_class_of_any_name_is_printed_as_it_is_called(rtdet, labeled, detections, tmp_path):
    for path in (labeled / "annotations.json", detections):
        path.write_text(path.read_text().replace('"cat"', '"[red]\\u001b[2Jcat\\ud800"'))
    detections.write_text(detections.read_text().replace("Jcat", "Jcow", 1))
    done = rtdet("eval", "detect", "--data", labeled, "--detections", detections, "--out", "report")
    assert done.code == 0, done.err
    assert "[red]?[2Jcat?" in done.out
    assert "no labels of the class: [red]?[2Jcow?" in done.out
    assert "\x1b" not in done.out
    assert "[2Jcat?" in (tmp_path / "report" / "report.html").read_text(encoding="utf-8")


def test_a_class_that_the_terminal_has_no_letters_for_is_printed_with_others(labeled, detections, tmp_path):
    for path in (labeled / "annotations.json", detections):
        path.write_text(path.read_text().replace('"cat"', '"\\u732bx"'))
    done = subprocess.run(
        [sys.executable, "-m", "rtdet", "eval", "detect", "--data", labeled, "--detections", detections],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "cp1252"},
        cwd=tmp_path, capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert b"?x" in done.stdout


def test_what_cannot_be_measured_is_said_before_the_pictures_are_looked_at_by_a_model(
    rtdet, labeled, monkeypatch
):
    def too_late(*_):
        raise AssertionError("detected in vain")

    monkeypatch.setattr("rtdet.evaluation.detection.files.detect_all", too_late)
    arguments = ("eval", "detect", "--data", labeled, "--device", "cpu")
    assert "cow" in rtdet(*arguments, "--classes", "cow").errors[0]
    content = json.loads((labeled / "annotations.json").read_text())
    unknown = [{"id": 1, "name": "unicorn"}, {"id": 2, "name": "griffin"}]
    (labeled / "annotations.json").write_text(json.dumps({**content, "categories": unknown}))
    refused = rtdet(*arguments)
    assert refused.code == 2
    assert len(refused.errors) == 1
    assert "nothing to measure" in refused.errors[0]
    assert "none of which rtdet-n knows" in refused.errors[0]
    (labeled / "annotations.json").write_text(json.dumps({**content, "annotations": []}))
    assert "no labelled object" in rtdet(*arguments).errors[0]
    (labeled / "images" / "2.png").unlink()
    assert "2.png is missing" in rtdet(*arguments).errors[0]


def test_a_report_takes_the_place_of_nothing_that_was_read(rtdet, labeled, detections, tmp_path):
    for name in ("metrics.json", "report.html"):
        (tmp_path / "report").mkdir()
        file = detections if name == "metrics.json" else labeled / "annotations.json"
        os.link(file, tmp_path / "report" / name)
        before = file.read_bytes()
        done = rtdet("eval", "detect", "--data", labeled, "--detections", detections, "--out", "report")
        assert done.code == 2
        assert f"report/{name} would overwrite" in done.errors[0]
        assert file.read_bytes() == before
        assert os.listdir(tmp_path / "report") == [name]
        shutil.rmtree(tmp_path / "report")


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["--data", "nowhere"], 2, "nowhere"),
        (["--data", "pets", "--model", "rtdet-n", "--detections", "d.json"], 2, "not both"),
        (["--data", "pets", "--detections", "nowhere.json"], 2, "nowhere.json"),
        (["--data", "pets", "--detections", "cut.json"], 2, "cut.json"),
        (["--data", "pets", "--detections", "d.json", "--classes", "cow"], 2, "cow"),
        (["--data", "pets", "--detections", "d.json", "--conf", "2"], 2, "--conf"),
        (["--data", "pets", "--detections", "d.json", "--match-iou", "0"], 2, "--match-iou"),
        (["--data", "pets", "--detections", "d.json", "--out", "d.json"], 5, "d.json"),
        (["--data", "pets", "--detections", "d.json", "--split", "test"], 2, "test"),
        (["--data", "pets", "--model", "nowhere.onnx"], 4, "nowhere.onnx"),
    ],
)
def test_what_cannot_be_measured_is_said_in_one_line(
    rtdet, labeled, detections, tmp_path, arguments, code, word
):
    (tmp_path / "cut.json").write_text(detections.read_text()[:-9])
    done = rtdet("eval", "detect", *arguments)
    assert done.code == code
    assert len(done.errors) == 1
    assert word in done.errors[0]


def test_a_picture_that_cannot_be_decoded_is_counted_and_no_empty_report_is_left(rtdet, labeled, tmp_path):
    content = (labeled / "annotations.json").read_text().replace('"cat"', '"car"')
    (labeled / "annotations.json").write_text(content)
    (labeled / "images" / "1.png").write_bytes(b"no picture")
    done = rtdet("eval", "detect", "--data", labeled, "--device", "cpu", "--quiet", "--out", "new/report")
    assert done.code == 2
    assert "1 of 3 pictures is left out (that cannot be read)" in done.errors[0]
    assert not (tmp_path / "new").exists()
