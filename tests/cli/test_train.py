from __future__ import annotations

import json

import cv2
import numpy as np
import pytest


@pytest.fixture
def squares(tmp_path):
    """Six grey pictures with one red square each, labelled as COCO JSON."""
    folder = tmp_path / "squares"
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    images, annotations = [], []
    for i in range(6):
        picture = np.full((96, 96, 3), 90, np.uint8)
        x, y = (int(v) for v in rng.integers(0, 56, 2))
        picture[y : y + 40, x : x + 40] = (20, 20, 230)
        cv2.imwrite(str(folder / "images" / f"{i}.png"), picture)
        images.append({"id": i, "file_name": f"{i}.png", "width": 96, "height": 96})
        annotations.append({"image_id": i, "category_id": 1, "bbox": [x, y, 40, 40]})
    content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "square"}]}
    (folder / "squares.json").write_text(json.dumps(content))
    return folder


def test_training_writes_a_model_that_opens_and_can_be_resumed(rtdet, squares, tmp_path):
    small = ("--classes", "square", "--size", 96, "--batch", 2)
    assert rtdet("train", "--data", squares, "--out", "run", "--steps", 2, *small).code == 0
    more = rtdet("train", "--data", squares, "--out", "run", "--steps", 3, "--resume", *small)
    assert more.code == 0
    assert len((tmp_path / "run" / "log.csv").read_text().splitlines()) == 1 + 3
    model = tmp_path / "run" / "model.safetensors"
    assert rtdet("detect", squares / "images", "--model", model, "--out", "d.json", "--quiet").code == 0


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--data", "nowhere"], "nowhere"),
        (["--data", "squares", "--size", "100"], "--size"),
        (["--data", "squares", "--steps", "0"], "--steps"),
        (["--data", "squares", "--steps", "2", "--epochs", "2"], "--epochs"),
        (["--data", "squares", "--lr", "nan"], "--lr"),
        (["--data", "squares", "--augment", "yolov4"], "yolo"),
        (["--data", "squares", "--precision", "fp16", "--device", "cpu"], "fp16"),
        (["--data", "squares", "--resume"], "nothing to resume"),
        (["--data", "squares", "--val", "nowhere"], "nowhere"),
        ([], "--data"),
        (["--data", "squares", "--model", "ssd-x"], "ssd-n"),
        (["--data", "squares", "--teacher", "nowhere.json"], "nowhere.json"),
    ],
)
def test_what_cannot_be_trained_is_said_in_one_line(rtdet, squares, arguments, word):
    done = rtdet("train", "--out", "run", *arguments)
    assert done.code == 2
    assert len(done.errors) == 1
    assert word in done.errors[0]


def test_classes_that_no_label_names_are_an_error_before_the_first_step(rtdet, squares, tmp_path):
    done = rtdet("train", "--data", squares, "--out", "run", "--classes", "cat,dog", "--size", 96)
    assert done.code == 2
    assert "cat, dog" in done.errors[0]
    assert not (tmp_path / "run" / "log.csv").exists()


def test_an_interrupted_training_is_saved_and_says_how_to_go_on(rtdet, squares, tmp_path, monkeypatch):
    from rtdet.training.engine import Trainer

    step = Trainer._step

    def interrupted_at_the_second(trainer, batch):
        if trainer.step:
            raise KeyboardInterrupt
        return step(trainer, batch)

    monkeypatch.setattr(Trainer, "_step", interrupted_at_the_second)
    small = ("--classes", "square", "--size", 96, "--batch", 2, "--steps", 3)
    done = rtdet("train", "--data", squares, "--out", "run", *small)
    assert done.code == 130
    assert "--resume" in done.err
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert rtdet("train", "--data", squares, "--out", "run", "--resume", *small).code == 0


def test_a_training_that_is_there_already_is_not_overwritten_nor_resumed_with_other_classes(
    rtdet, squares, tmp_path
):
    small = ("train", "--data", squares, "--out", "run", "--size", 96, "--batch", 2)
    assert rtdet(*small, "--classes", "square", "--steps", 1).code == 0
    before = (tmp_path / "run" / "model.safetensors").read_bytes()
    again = rtdet(*small, "--classes", "square", "--steps", 1)
    assert again.code == 2
    assert "--resume" in again.errors[0]
    other = rtdet(*small, "--classes", "square,circle", "--steps", 2, "--resume")
    assert other.code == 2
    assert "--classes" in other.errors[0]
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == before
