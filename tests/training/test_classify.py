from __future__ import annotations

import numpy as np
import pytest

from rtdet.detectors.cards import read_card
from rtdet.detectors.classifier.weights import load_classifier
from rtdet.detectors.registry import load_detector
from rtdet.errors import ModelError, RtdetError, UsageError
from rtdet.training import TrainingSettings, measure_classifier, settings_of, train
from rtdet.training.labeled import Labeled
from rtdet.training.log import read_log
from rtdet.training.whole_pictures import Cut, center
from tests.shapes import write_shapes

SMALL = {"task": "classify", "backbone": "narrow", "size": 64, "batch": 8, "steps": 2, "precision": "fp32"}


@pytest.fixture
def shapes(tmp_path):
    write_shapes(tmp_path / "shapes" / "train", 8)
    write_shapes(tmp_path / "shapes" / "val", 2, seed=1)
    return tmp_path / "shapes"


def test_a_few_dozen_steps_are_enough_to_learn_coloured_shapes(shapes, tmp_path):
    settings = TrainingSettings(shapes, **{**SMALL, "steps": 16, "lr": 3e-3})
    trained = train(settings, tmp_path / "run")
    assert trained.scores.top1 >= 5 / 6
    assert trained.scores.top5 == 1
    assert trained.steps == 16
    assert trained.best.top1 == pytest.approx(trained.scores.top1, abs=0.17)
    again = measure_classifier(trained.model, shapes)
    assert again.top1 == trained.scores.top1
    assert again.pictures == 6
    card = read_card(tmp_path / "run" / "card.toml")
    assert card.classes == ("bar", "circle", "square")
    assert card.more["top1"]["all"] == pytest.approx(100 * trained.scores.top1, abs=0.1)
    rows = read_log(tmp_path / "run" / "log.csv")
    assert list(rows[0])[-2:] == ["top1", "top5"]
    assert float(rows[-1]["top5"]) == 1
    for name in ("curves.png", "what-the-network-sees.png"):
        assert (tmp_path / "run" / name).stat().st_size > 1000


def test_a_training_that_was_cut_off_ends_as_one_that_was_not(shapes, tmp_path):
    def stop_after_one(trainer, parts):
        if trainer.step == 1:
            trainer.save()
            raise KeyboardInterrupt

    settings = TrainingSettings(shapes, **SMALL)
    with pytest.raises(KeyboardInterrupt):
        train(settings, tmp_path / "cut", on_step=stop_after_one)
    train(settings_of(tmp_path / "cut"), tmp_path / "cut", resume=True)
    train(settings, tmp_path / "whole")
    for name in ("log.csv", "model.safetensors"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    with pytest.raises(UsageError, match="--task detect"):
        settings_of(tmp_path / "whole", task="detect")
    (shapes / "train" / "circle").rename(shapes / "train" / "disc")
    (shapes / "val" / "circle").rename(shapes / "val" / "disc")
    with pytest.raises(UsageError, match="not those of the class folders"):
        train(settings_of(tmp_path / "whole", steps=3), tmp_path / "whole", resume=True)


def test_a_picture_that_cannot_be_read_is_named_and_left_out(shapes, tmp_path, caplog):
    (shapes / "train" / "bar" / "0.png").write_bytes(b"no picture")
    (shapes / "val" / "bar" / "1.png").write_bytes(b"no picture")
    trained = train(TrainingSettings(shapes, **{**SMALL, "batch": 24}), tmp_path / "run")
    for place in ("train/bar/0.png", "val/bar/1.png"):
        assert f"left out: cannot decode the picture {shapes / place}" in caplog.text
    assert trained.scores.pictures == 5


def test_pictures_of_which_none_can_be_read_are_an_error(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "broken" / name).mkdir(parents=True)
        (tmp_path / "broken" / name / "0.png").write_bytes(b"no picture")
    with pytest.raises(RtdetError, match="none of the 2 pictures can be decoded"):
        train(TrainingSettings(tmp_path / "broken", **SMALL), tmp_path / "run")


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"backbone": None}, "--backbone"),
        ({"backbone": "resnet81"}, "resnet18"),
        ({"model": "csp-n"}, "named by --backbone"),
        ({"demo_frames": 3}, "--demo-frames is for detectors"),
        ({"teacher": "t.json"}, "--teacher is for detectors"),
        ({"augment": "yolo"}, "full"),
        ({"freeze": 8}, "--freeze"),
        ({"network": ("smoothing=0",)}, "label_smoothing"),
        ({"network": ("dropout=yes",)}, "dropout"),
        ({"task": "segment"}, "detect"),
        ({"classes": ("bar",)}, "only one class"),
    ],
)
def test_what_cannot_be_trained_is_said_in_one_line(shapes, tmp_path, changes, word):
    with pytest.raises(RtdetError, match=word):
        train(TrainingSettings(shapes, **{**SMALL, **changes}), tmp_path / "run")
    assert not (tmp_path / "run" / "last.pt").exists()


def test_a_detector_starts_on_the_backbone_of_a_classifier(shapes, squares, tmp_path, caplog):
    caplog.set_level("INFO", "rtdet.detectors")
    classifier = train(TrainingSettings(shapes, **SMALL), tmp_path / "pretrained").model
    settings = TrainingSettings(
        squares, "fcos-n", classifier, size=64, batch=2, steps=1, freeze=16, precision="fp32"
    )
    train(settings, tmp_path / "run")
    assert "fcos-n: the 75 tensors of its backbone, narrow, are those of" in caplog.text
    detector, before = (tmp_path / "run" / "model.safetensors"), load_classifier(classifier).state_dict()
    from rtdet.detectors.family.weights import load_weights

    after = load_weights(detector).state_dict()
    stem = "backbone.stem.0.0.weight"
    assert np.array_equal(after[stem.replace("backbone", "backbone.body")], before[stem])
    with pytest.raises(UsageError, match=r"csp-n cannot have the backbone of .*, narrow: its own is csp"):
        train(TrainingSettings(squares, "csp-n", classifier), tmp_path / "other")
    (tmp_path / "pretrained" / "last.pt").unlink()
    with pytest.raises(UsageError, match="would overwrite"):
        train(TrainingSettings(squares, "fcos-n", classifier), tmp_path / "pretrained")
    with pytest.raises(ModelError, match="holds a classifier, not a detector"):
        load_detector(classifier)
    with pytest.raises(ModelError, match=r"is not a classifier.*a detector"):
        load_classifier(detector)


def test_a_cut_is_within_the_picture_and_keeps_its_class():
    rng = np.random.default_rng(0)
    image = np.full((40, 300, 3), 114, np.uint8)
    picture = Labeled(image, np.array([[0.0, 0, 300, 40]]), np.array([2]), np.zeros(1, bool))
    for plain in (False, True):
        for _ in range(20):
            made = Cut((64, 64)).make(picture, lambda: picture, rng, plain=plain)
            assert made.image.shape == (64, 64, 3)
            assert made.labels.tolist() == [2]
            assert made.boxes.tolist() == [[0, 0, 64, 64]]


def test_what_is_measured_is_the_middle_of_the_picture():
    image = np.zeros((100, 200, 3), np.uint8)
    image[:, 100:] = 255
    seen = center(image, (64, 64))
    assert seen.shape == (64, 64, 3)
    assert seen[:, :30].max() == 0
    assert seen[:, 34:].min() == 255
