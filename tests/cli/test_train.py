from __future__ import annotations

import hashlib
import json
import os
import signal
import time

import numpy as np
import pytest
import torch

from rtdet.detectors.cards import model_card, read_card
from rtdet.detectors.registry import load_detector, weights_of
from rtdet.detectors.ssd.architectures import build_network
from rtdet.detectors.ssd.catalogue import new_config
from rtdet.detectors.ssd.weights import load_weights, read_config, save_weights
from rtdet.types import InputSize


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
        (["--data", "squares", "--freeze", "7"], "--freeze"),
        (["--data", "squares", "--freeze", "deep"], "--freeze"),
        (["--data", "squares", "--freeze", "8"], "starts from scratch"),
        (["--data", "squares", "--ema", "1"], "--ema"),
        (["--data", "squares", "--ema", "nan"], "--ema"),
        (["--data", "squares", "--seed", "-1"], "--seed"),
        (["--data", "squares", "--epochs", "1e300"], "--epochs"),
        (["--data", "squares", "--minutes", "inf"], "--minutes"),
        (["--data", "squares", "--demo-frames", "-5"], "--demo-frames"),
        (["--data", "squares", "--balance", "nan"], "--balance"),
        (["--data", "squares", "--save-every", "nan"], "--save-every"),
        (["--data", "squares", "--augment", "yolov4"], "yolo"),
        (["--data", "squares", "--precision", "fp16", "--device", "cpu"], "fp16"),
        (["--data", "squares", "--resume"], "nothing to resume"),
        (["--data", "squares", "--val", "nowhere"], "nowhere"),
        (["--data", "squares", "--val", "blank"], "--val blank"),
        (["--data", "blank", "--demo-frames", "2", "--classes", "car"], "--val"),
        (["--data", "squares", "--model", "ssdlite", "--size", "64", "--batch", "1"], "--batch 1"),
        (["--data", "squares", "--model", "fixed.safetensors", "--size", "96"], "--size 96"),
        ([], "--data"),
        (["--data", "squares", "--teacher", "nowhere.json"], "nowhere.json"),
    ],
)
def test_what_cannot_be_trained_is_said_in_one_line(rtdet, squares, tmp_path, arguments, word):
    (tmp_path / "blank").mkdir()
    (tmp_path / "blank" / "blank.json").write_text('{"images": [], "annotations": [], "categories": []}')
    if "fixed.safetensors" in arguments:
        lite = new_config("ssdlite", ("square",), "mobilenetv3_small_050", (64, 64))
        save_weights(build_network(lite), tmp_path / "fixed.safetensors")
    done = rtdet("train", "--out", "run", *arguments)
    assert done.code == 2
    assert len(done.errors) == 1
    assert word in done.errors[0]


def test_an_unknown_model_is_one_that_cannot_be_loaded(rtdet, squares):
    done = rtdet("train", "--out", "run", "--data", squares, "--model", "ssd-x")
    assert done.code == 4
    assert "ssd-n" in done.errors[0]


def test_classes_that_no_label_names_are_an_error_before_the_first_step(rtdet, squares, tmp_path):
    done = rtdet("train", "--data", squares, "--out", "run", "--classes", "cat,dog", "--size", 96)
    assert done.code == 2
    assert "cat, dog" in done.errors[0]
    assert not (tmp_path / "run" / "log.csv").exists()


def test_a_misspelt_class_beside_a_known_one_is_an_error_before_the_first_step(rtdet, squares, tmp_path):
    done = rtdet("train", "--data", squares, "--out", "run", "--classes", "square,sqaure", "--size", 96)
    assert done.code == 2
    assert done.errors == [
        "rtdet: error: unknown class of the data in --classes 'sqaure': did you mean square?"
    ]
    assert not (tmp_path / "run" / "log.csv").exists()


def test_a_class_name_with_a_comma_is_given_in_quotes(rtdet, squares, tmp_path):
    file = squares / "squares.json"
    file.write_text(file.read_text().replace('"square"', '"square, red"'))
    train = ("train", "--data", squares, "--out", "run", "--size", 64, "--batch", 2, "--steps", 1)
    assert rtdet(*train, "--classes", "square, red").code == 2
    assert rtdet(*train, "--classes", '"square, red"').code == 0
    assert read_config(tmp_path / "run" / "model.safetensors").class_names == ("square, red",)


def test_labels_that_would_be_lost_are_said_and_more_than_a_tenth_end_it(rtdet, squares):
    content = json.loads((squares / "squares.json").read_text())
    content["annotations"][0]["bbox"][2] = -5
    (squares / "squares.json").write_text(json.dumps(content))
    train = ("train", "--data", squares, "--out", "run", "--size", 64, "--batch", 2, "--steps", 1)
    done = rtdet(*train)
    assert done.code == 2
    assert "1 of 6 boxes is dropped" in done.errors[0]
    assert "--allow-loss" in done.errors[0]
    done = rtdet(*train, "--allow-loss")
    assert done.code == 0, done.err
    assert done.err.count("1 of 6 boxes is dropped") == 1


def test_an_interrupted_training_finishes_its_step_and_goes_on_as_if_nothing_had_been(
    rtdet, squares, tmp_path, monkeypatch
):
    from rtdet.training.engine import Trainer

    step = Trainer._step

    def interrupted_within_the_second(trainer, batch):
        if trainer.step == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return step(trainer, batch)

    small = ("train", "--data", squares, "--size", 64, "--batch", 2, "--steps", 4)
    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "_step", interrupted_within_the_second)
        done = rtdet(*small, "--out", "run")
    assert done.code == 130
    assert "after step 2; --resume" in done.err
    assert rtdet("train", "--out", "run", "--resume").code == 0
    assert rtdet(*small, "--out", "whole").code == 0
    for name in ("log.csv", "model.safetensors"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


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


@pytest.fixture
def one_thread(monkeypatch):
    """For this process and for those that it starts: two threads add up in another order."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
def test_a_training_that_is_killed_and_resumed_ends_with_the_same_bytes_as_one_that_is_not(
    rtdet, start_rtdet, squares, tmp_path
):
    train = ("train", "--data", squares, "--val", squares, "--size", 64, "--batch", 2, "--save-every", 0.2)
    killed = start_rtdet(*train, "--out", "killed", "--steps", 12)
    log = tmp_path / "killed" / "log.csv"
    while killed.poll() is None and not (log.exists() and len(log.read_text().splitlines()) > 4):
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    assert rtdet("train", "--out", "killed", "--resume").code == 0
    assert rtdet(*train, "--out", "whole", "--steps", 12).code == 0
    assert len(log.read_text().splitlines()) == 1 + 12
    for name in ("log.csv", "model.safetensors", "best.safetensors"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_the_card_says_what_was_trained_and_how_well_and_its_hash_is_the_models(rtdet, squares, tmp_path):
    assert (
        rtdet("train", "--data", squares, "--out", "run", "--size", 96, "--batch", 2, "--steps", 2).code == 0
    )
    card = read_card(tmp_path / "run" / "card.toml")
    model = (tmp_path / "run" / "model.safetensors").read_bytes()
    assert card.classes == ("square",)
    assert card.size == len(model)
    assert card.sha256 == hashlib.sha256(model).hexdigest()
    assert card.more["ap50"].keys() == {"square", "mean"}
    assert "6 pictures" in card.more["data"]


def test_a_model_runs_at_the_size_it_was_trained_at_and_is_tuned_at_it(rtdet, squares, tmp_path):
    small = ("train", "--data", squares, "--batch", 2, "--steps", 1)
    done = rtdet(*small, "--out", "first", "--size", 96)
    assert "it runs at 96 pixels on the longer side, or at those of --imgsz" in done.out
    model = tmp_path / "first" / "model.safetensors"
    assert read_card(tmp_path / "first" / "card.toml").input.startswith("96 on the longer side")
    for imgsz, side in ((None, 96), (128, 128)):
        detector = load_detector(model, imgsz=imgsz)
        assert detector.look(np.zeros((90, 96, 3), np.uint8)).size == (side, side)
        assert detector.input_size == InputSize(96)
        detector.close()
    rtdet(*small, "--out", "second", "--model", model)
    assert read_card(tmp_path / "second" / "card.toml").input.startswith("96 on the longer side")
    assert "at 96x96" in read_card(tmp_path / "second" / "card.toml").more["training"]
    rtdet("export", "--model", model, "--out", "first.onnx")
    exported = load_detector(tmp_path / "first.onnx", backend="openvino")
    assert exported.input_size.usual == 96
    exported.close()


def test_a_training_that_found_nothing_says_so_and_what_to_do(rtdet, squares):
    content = json.loads((squares / "squares.json").read_text())
    for annotation in content["annotations"]:
        annotation["bbox"][2:] = [4, 4]  # too small to be hit by chance
    (squares / "squares.json").write_text(json.dumps(content))
    done = rtdet("train", "--data", squares, "--out", "run", "--size", 96, "--batch", 2, "--steps", 2)
    assert done.code == 0, done.err
    assert "AP50 0.000" in done.out
    (line,) = [line for line in done.out.splitlines() if "learnt nothing yet" in line]
    assert "--resume --steps N" in line
    assert "rtdet data check" in line
    assert "best measured" not in done.out


def test_without_val_it_is_said_what_ap_is_measured_on(rtdet, squares):
    done = rtdet("train", "--data", squares, "--out", "run", "--size", 96, "--batch", 2, "--steps", 1)
    assert "AP is measured on the training pictures" in done.err


def test_a_corrupt_picture_is_counted_and_left_out_and_all_corrupt_is_one_line(rtdet, squares):
    pictures = sorted((squares / "images").iterdir())
    pictures[2].write_bytes(b"not a picture")
    small = ("train", "--data", squares, "--size", 96, "--batch", 6)
    refused = rtdet(*small, "--out", "none", "--steps", 2)
    assert refused.code == 2
    assert "more than a tenth of the labels would be lost" in refused.errors[0]  # one of six
    done = rtdet(*small, "--out", "run", "--steps", 2, "--allow-loss")
    assert done.code == 0
    assert "1 of 6 pictures is left out (that cannot be read)" in done.err
    for picture in pictures:
        picture.write_bytes(b"not a picture")
    done = rtdet(*small, "--out", "other", "--steps", 2, "--allow-loss")
    assert done.code == 2
    assert len(done.errors) == 1
    assert "none of the 6 pictures can be read" in done.errors[0]


def test_a_trained_model_is_tuned_to_other_classes(rtdet, squares, tmp_path):
    small = ("train", "--data", squares, "--size", 96, "--batch", 2, "--steps", 1)
    labels = (squares / "squares.json").read_text()
    content = json.loads(labels)
    content["categories"].append({"id": 2, "name": "circle"})
    (squares / "squares.json").write_text(json.dumps(content))
    first = rtdet(*small, "--out", "first", "--classes", "circle,square")
    assert first.code == 0
    assert "no picture has an object of circle" in first.err
    (squares / "squares.json").write_text(labels)
    done = rtdet(*small, "--out", "second", "--model", tmp_path / "first" / "model.safetensors")
    assert done.code == 0, done.err
    assert read_config(tmp_path / "second" / "model.safetensors").class_names == ("square",)
    assert rtdet("train", "--out", "second", "--resume", "--steps", 2).code == 0
    assert json.loads((tmp_path / "second" / "settings.json").read_text())["steps"] == 2


def test_a_model_that_is_no_better_than_its_start_is_the_start_and_it_is_said(rtdet, squares, tmp_path):
    small = ("train", "--data", squares, "--val", squares, "--size", 96, "--batch", 2)
    # It finds some of such large objects by chance.
    assert rtdet(*small, "--out", "first", "--steps", 1, "--lr", 1e-9).code == 0
    start = tmp_path / "first" / "model.safetensors"
    # At such a learning rate all is forgotten.
    done = rtdet(*small, "--out", "second", "--model", start, "--steps", 2, "--lr", 0.1)
    assert done.code == 0, done.err
    assert done.out.count("no step was better than the start") == 1
    picture = torch.rand(1, 3, 96, 96) * 255
    with torch.no_grad():
        begun, chosen = (
            load_weights(path)(picture)[0] for path in (start, tmp_path / "second" / "best.safetensors")
        )
    torch.testing.assert_close(begun, chosen, atol=0.01, rtol=0.01)


def test_the_weights_can_be_read_by_those_who_may_read_the_files_beside_them(rtdet, squares, tmp_path):
    done = rtdet("train", "--data", squares, "--out", "run", "--size", 64, "--batch", 2, "--steps", 1)
    assert done.code == 0, done.err
    modes = {path.name: path.stat().st_mode for path in (tmp_path / "run").iterdir()}
    assert len(set(modes.values())) == 1, modes


@pytest.mark.parametrize("model", ["csp-n", "ssdlite"])
def test_other_networks_train_by_name(rtdet, squares, tmp_path, model):
    done = rtdet(
        "train", "--data", squares, "--out", "run", "--model", model, "--size", 64, "--batch", 2, "--steps", 1
    )
    assert done.code == 0, done.err
    model = tmp_path / "run" / "model.safetensors"
    assert rtdet("detect", squares / "images", "--model", model, "--out", "d.json", "--quiet").code == 0


def test_the_frozen_layers_and_the_average_are_kept_for_the_resumed_training_and_told_in_the_card(
    rtdet, squares, tmp_path
):
    tune = ("train", "--data", squares, "--out", "run", "--model", "rtdet-n", "--size", 64, "--batch", 2)
    assert rtdet(*tune, "--freeze", 8, "--ema", 0.9, "--steps", 1).code == 0
    before, after = (
        load_weights(path).state_dict()
        for path in (weights_of(model_card("rtdet-n")), tmp_path / "run" / "last.safetensors")
    )
    assert torch.equal(before["backbone.stem.1.running_mean"], after["backbone.stem.1.running_mean"])
    assert not torch.equal(before["backbone.stages.2.0.0.0.weight"], after["backbone.stages.2.0.0.0.weight"])
    more = rtdet("train", "--out", "run", "--resume", "--steps", 2)
    assert more.code == 0
    assert "warning" not in more.err
    said = read_card(tmp_path / "run" / "card.toml").more["training"]
    assert "frozen up to stride 8" in said
    assert "average of weights 0.9" in said
    other = rtdet("train", "--out", "run", "--resume", "--steps", 3, "--freeze", 16)
    assert other.code == 2
    assert "began with 8" in other.errors[0]


@pytest.mark.parametrize("bytes_left", [1000, 100_000])
def test_a_full_disk_ends_a_training_with_one_line(rtdet, squares, bytes_left):
    """By a limit to the size of a file: the first of them stops the sheet, the second the weights."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_left, before[1]))
    try:
        done = rtdet("train", "--data", squares, "--out", "run", "--size", 64, "--batch", 2, "--steps", 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert done.code == 5
    assert len(done.errors) == 1
    assert "cannot write run" in done.errors[0]
