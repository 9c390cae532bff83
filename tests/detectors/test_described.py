"""A model's file is described as a model's name is."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from rtdet.detectors.cards import models_folder, read_card
from rtdet.detectors.described import describe_file
from rtdet.errors import ModelError


def test_a_trained_network_says_what_it_is_without_torch(tmp_path: Path) -> None:
    told = describe_file(models_folder() / "rtdet-n.safetensors")
    assert told["kind"] == "ssd"
    assert told["network"] == "csp-n"
    assert told["input"] == "416 on the longer side, the picture's aspect"
    assert str(told["classes"]).startswith("person, bicycle, car")
    assert 0.8e6 < int(str(told["parameters"]).replace(",", "")) < 1.1e6
    assert told["size"] == "2.0 MB"


def test_the_card_that_lies_beside_it_is_told_too_unless_it_is_of_another_file(tmp_path: Path) -> None:
    model = tmp_path / "model.safetensors"
    shutil.copy(models_folder() / "rtdet-n.safetensors", model)
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    lines = 'name = "mine"\nkind = "ssd"\nclasses = "coco"\ndescription = "Mine."\nap = 3\n'
    lines += 'file = "model.safetensors"\n'
    card = tmp_path / "card.toml"
    card.write_text(f'{lines}sha256 = "{digest[::-1]}"\n')
    assert "ap" not in describe_file(model)
    read_card.cache_clear()
    card.write_text(f'{lines}sha256 = "{digest}"\n')
    assert {"description": "Mine.", "ap": 3}.items() <= describe_file(model).items()


def test_a_classifier_is_described_though_it_is_no_detector(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from rtdet.detectors.classifier.config import ClassifierConfig
    from rtdet.detectors.classifier.network import Classifier
    from rtdet.detectors.family.weights import save_weights

    path = tmp_path / "c.safetensors"
    save_weights(Classifier(ClassifierConfig(("cat", "dog"), input_size=(96, 96))), path)
    told = describe_file(path)
    assert (told["kind"], told["classes"], told["input"]) == ("classifier", "cat, dog", "96x96")


def test_a_network_of_others_is_told_by_what_is_recognised_of_it(
    tiny_yolox: ModuleType, tmp_path: Path
) -> None:
    told = describe_file(
        tiny_yolox.save_tiny_yolox(tmp_path / "tiny.onnx", rigid=True, names='["cat", "dog"]')
    )
    assert told["format"] == "ONNX"
    assert told["network"] == "yolox, by its outputs (--head)"
    assert str(told["input"]).startswith("128x128; bgr,0..255,corner")
    assert told["classes"] == "cat, dog"
    assert told["parameters"]
    wide = describe_file(tiny_yolox.save_tiny_yolox(tmp_path / "wide.onnx", size=None))
    assert "on the longer side, the picture's aspect" in str(wide["input"])


def test_a_darknet_network_is_described_by_either_file(tmp_path: Path) -> None:
    cfg = tmp_path / "small.cfg"
    cfg.write_text(
        "[net]\nwidth=64\nheight=32\nchannels=3\n[convolutional]\nfilters=18\nsize=1\nstride=1\nactivation=linear\n"
        "[yolo]\nmask=0,1,2\nanchors=1,1,2,2,3,3\nclasses=1\nnum=3\n"
    )
    told = describe_file(cfg)
    assert (told["kind"], told["input"], told["parameters"]) == ("darknet", "64x32", "72")
    cfg.with_name("small_last.weights").write_bytes(b"")
    assert describe_file(cfg.with_name("small_last.weights"))["network"] == cfg


def test_what_is_no_model_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "notes.onnx").write_text("not a network")
    for name in ("gone.onnx", "notes.onnx"):
        with pytest.raises(ModelError, match=name) as error:
            describe_file(tmp_path / name)
        assert "\n" not in str(error.value)
