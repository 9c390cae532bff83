from __future__ import annotations

import json
import os
import signal

import pytest

from rtdet.training.engine import Trainer
from tests.shapes import write_shapes

SMALL = ("--task", "classify", "--backbone", "csp-n", "--size", 64, "--batch", 8, "--steps", 2)


@pytest.fixture
def shapes(tmp_path):
    write_shapes(tmp_path / "shapes" / "train", 4)
    write_shapes(tmp_path / "shapes" / "val", 2, seed=1)
    return tmp_path / "shapes"


def test_a_classifier_is_trained_measured_and_the_start_of_a_detector(rtdet, shapes, squares, tmp_path):
    done = rtdet("train", "--data", shapes, "--out", "run", *SMALL)
    assert done.code == 0
    assert "on 6 pictures of 3 classes; of 3 classes, top-5 is always 1" in done.out
    model = tmp_path / "run" / "model.safetensors"
    measured = rtdet(
        "eval", "classify", "--model", model, "--data", shapes, "--json", "scores.json", "--quiet"
    )
    assert measured.code == 0
    assert "top-1" in measured.out.splitlines()[-1]
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["pictures"] == 6
    assert list(scores["classes"]) == ["bar", "circle", "square"]
    small = ("--size", 64, "--batch", 2, "--steps", 1, "--precision", "fp32")
    start = rtdet("train", "--data", squares, "--model", "csp-n", "--backbone", model, "--out", "det", *small)
    assert start.code == 0
    assert "csp-n: the 235 tensors of its backbone, csp, are those of" in start.err
    assert "a classifier of 3 classes" in start.err
    opened = rtdet("detect", shapes / "val" / "bar", "--model", model, "--out", "d.json")
    assert opened.code == 4
    assert "rtdet eval classify" in opened.errors[0]


def test_an_interrupted_training_is_saved_and_goes_on_as_if_nothing_had_been(
    rtdet, shapes, tmp_path, monkeypatch
):
    step = Trainer._step

    def interrupted_within_the_second(trainer, batch):
        if trainer.step == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return step(trainer, batch)

    small = ("train", "--data", shapes, *SMALL[:-1], 3)
    monkeypatch.setattr(Trainer, "_step", interrupted_within_the_second)
    stopped = rtdet(*small, "--out", "run")
    assert stopped.code == 130
    assert "stopped and saved after step 2; --resume continues from there" in stopped.err
    monkeypatch.setattr(Trainer, "_step", step)
    assert rtdet("train", "--out", "run", "--resume").code == 0
    assert rtdet(*small, "--out", "whole").code == 0
    for name in ("log.csv", "model.safetensors"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--data", "nowhere"], "there is no folder nowhere"),
        (["--data", "one"], "only one class, bar"),
        (["--data", "empty"], "circle has no pictures"),
        (["--data", "bare"], "no class folders; expected are"),
        (["--data", "shapes", "--val", "others"], "of which the classifier knows nothing: Bar; "),
        (["--data", "shapes", "--model", "csp-n"], "--model is for detectors"),
        (["--data", "shapes", "--set", "droput=.1"], "did you mean dropout?"),
        (["--data", "shapes", "--backbone", "csp-m"], "did you mean"),
        (
            ["--data", "shapes", "--backbone", "nowhere.safetensors"],
            "there is no model file nowhere.safetensors",
        ),
        (["--data", "shapes", "--task", "clasify"], "did you mean classify?"),
        ([], "--data is missing"),
    ],
)
def test_what_cannot_be_trained_is_said_in_one_line(rtdet, shapes, tmp_path, arguments, word):
    write_shapes(tmp_path / "one", 1, ("bar",))
    write_shapes(tmp_path / "empty", 1, ("bar", "square"))
    (tmp_path / "empty" / "circle").mkdir()
    write_shapes(tmp_path / "others", 1, ("Bar", "circle"))
    (tmp_path / "bare").mkdir()
    done = rtdet("train", "--out", "run", *SMALL, *arguments)
    assert done.code in (2, 4)
    assert len(done.errors) == 1
    assert word in done.errors[0]


def test_a_classifier_without_a_backbone_and_a_detector_that_is_measured_as_one_are_errors(
    rtdet, shapes, tmp_path
):
    done = rtdet("train", "--data", shapes, "--out", "run", "--task", "classify")
    assert done.code == 2
    assert "name it with --backbone" in done.errors[0]
    (tmp_path / "text.safetensors").write_text("no weights")
    done = rtdet("eval", "classify", "--model", "text.safetensors", "--data", shapes)
    assert done.code == 4
    assert len(done.errors) == 1
