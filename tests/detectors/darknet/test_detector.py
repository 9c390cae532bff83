from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from click.testing import CliRunner

from rtdet.backends.pixels import as_input
from rtdet.cli.models import command
from rtdet.detectors.cards import model_card, model_names, models_folder
from rtdet.detectors.coco import COCO_CLASSES
from rtdet.detectors.darknet.detector import DarknetDetector, fit, pixels_of
from rtdet.detectors.darknet.network import read_network
from rtdet.detectors.darknet.pairing import VOC_CLASSES
from rtdet.detectors.registry import DETECTORS, Options, files_of_model, load_detector
from rtdet.errors import ModelError, UsageError
from rtdet.types import Thresholds

LOW = Thresholds(0.0, 0.5, max_detections=50)


@pytest.fixture
def pair(save_pair: Callable[..., Path], nets: ModuleType) -> Path:
    cfg = save_pair(nets.SMALL["v3-like"])
    (cfg.parent / "small.names").write_text("cat\ndog\n")
    return cfg


def image(width: int = 90, height: int = 60) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 255, (height, width, 3), dtype=np.uint8)


def test_either_file_opens_the_pair(pair: Path) -> None:
    found = []
    for path in (pair, pair.with_suffix(".weights"), str(pair)):
        detector = load_detector(path, thresholds=LOW)
        assert detector.class_names == ("cat", "dog")
        found.append(detector.detect([image()])[0])
        detector.close()
    assert len(found[0]) > 5
    np.testing.assert_array_equal(found[0].boxes, found[1].boxes)
    assert {pair, pair.with_suffix(".weights")} <= set(files_of_model(str(pair)))


@pytest.mark.parametrize("backend", ["torch", "onnxruntime"])
def test_every_backend_finds_the_same(backend: str, pair: Path) -> None:
    expected, other = (
        load_detector(pair, thresholds=LOW, backend=name, device="cpu", precision="fp32").detect([image()])[0]
        for name in ("openvino", backend)
    )
    assert len(expected) == len(other)
    np.testing.assert_allclose(expected.boxes, other.boxes, atol=0.01)


def test_weights_of_a_card_get_the_cfg_that_comes_with_rtdet(pair: Path, tmp_path: Path) -> None:
    weights = pair.with_suffix(".weights").rename(tmp_path / "1234abcd-fetched.weights")
    card = replace(model_card("yolov4-tiny"), cfg=str(pair))
    detector = DETECTORS["darknet"](weights, Options(LOW, device="cpu"), card)
    assert len(detector.detect([image()])[0]) > 5
    detector.close()


@pytest.mark.parametrize("name", [name for name in model_names() if model_card(name).kind == "darknet"])
def test_a_cfg_that_comes_with_rtdet_fits_the_published_weights(name: str) -> None:
    card = model_card(name)
    network = read_network(models_folder() / card.cfg)
    assert 20 + 4 * network.weights == card.size
    assert f"{network.parameters / 1e6:.1f} M" == card.more["parameters"]


def test_half_of_a_pair_says_what_is_missing(pair: Path) -> None:
    weights = pair.with_suffix(".weights")
    content = weights.read_bytes()
    weights.unlink()
    with pytest.raises(ModelError, match=r"small\.cfg needs small\.weights beside it"):
        load_detector(pair)
    weights.write_bytes(content)
    pair.unlink()
    with pytest.raises(ModelError, match=r"small\.weights needs small\.cfg beside it"):
        load_detector(weights)


def test_weights_may_have_the_names_that_training_gives_them(pair: Path) -> None:
    weights = pair.with_suffix(".weights")
    for name in ("small_best.weights", "small_final.weights"):
        weights = weights.rename(weights.with_name(name))
        for path in (pair, weights):
            load_detector(path).close()
    weights = weights.rename(weights.with_name("small_4000.weights"))
    load_detector(weights).close()


def test_names_are_found_beside_the_pair_or_by_their_number(
    save_pair: Callable[..., Path], nets: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    def names(classes: int) -> tuple[str, ...]:
        text = nets.net(32) + nets.conv(4, 3, 16) + nets.out(classes + 5) + nets.yolo((0,), "9,9", classes)
        detector = DarknetDetector(save_pair(text))
        detector.close()
        return tuple(detector.class_names)

    assert names(80) == COCO_CLASSES
    assert names(20) == VOC_CLASSES
    with caplog.at_level(logging.WARNING):
        assert names(2) == ("class_0", "class_1")
    assert "put their names into small.txt" in caplog.text
    folder = save_pair(nets.SMALL["v2-like"]).parent
    (folder / "names.txt").write_text("a\nb\n")
    (folder / "obj.data").write_text("classes = 2\ntrain = data/train.txt\nnames = /home/else/names.txt\n")
    assert names(2) == ("a", "b")
    (folder / "small.names").write_text("one\ntwo\nthree\n")
    with pytest.raises(ModelError, match=r"names 3 classes, but small\.cfg has 2"):
        names(2)


def test_pictures_are_stretched_or_keep_their_aspect_as_the_cfg_says(pair: Path) -> None:
    picture = np.zeros((30, 60, 3), dtype=np.uint8)
    picture[:] = 10, 20, 250
    network = read_network(pair)
    fitted, back = fit(picture, network)
    assert fitted.shape == (32, 64, 3)
    array = as_input(fitted, pixels_of(network))
    np.testing.assert_allclose(array[0, :, 0, 0], np.array([250, 20, 10]) / 255, atol=1e-6)
    np.testing.assert_allclose(back.undo(np.array([[0, 0, 64.0, 32.0]])), [[0, 0, 60, 30]])
    pair.write_text(
        pair.read_text().replace("width=64", "letter_box=1\nwidth=64").replace("height=32", "height=64")
    )
    fitted, back = fit(picture, read_network(pair))
    assert fitted.shape == (64, 64, 3)
    assert (fitted[:16] == 127).all()
    np.testing.assert_allclose(back.undo(np.array([[0, 16.0, 64, 48]])), [[0, 0, 60, 30]])


def test_a_grey_network_gets_grey_pictures(save_pair: Callable[..., Path], nets: ModuleType) -> None:
    detector = DarknetDetector(
        save_pair(nets.SMALL["v3-like"].replace("channels=3", "channels=1")), thresholds=LOW
    )
    assert len(detector.detect([image()])[0]) > 0
    detector.close()


def test_another_input_size(pair: Path, save_pair: Callable[..., Path], nets: ModuleType) -> None:
    detector = load_detector(pair, thresholds=LOW, imgsz=128)
    found = detector.detect([image()])[0]
    assert (found.boxes <= [90, 60, 90, 60]).all()
    detector.close()
    fixed = (
        nets.net(32)
        + nets.conv(8, 3, 4)
        + nets.conv(6, 3, 4)
        + nets.section("connected", output=28, activation="linear")
    )
    fixed += nets.section("detection", classes=2, coords=4, side=2, num=1, sqrt=1)
    path = save_pair(fixed, "grid")
    detector = load_detector(path, thresholds=LOW)
    assert detector.network.precision == "fp32"
    detector.detect([image()])
    detector.close()
    with pytest.raises(UsageError, match="32x32 pixels only"):
        load_detector(path, imgsz=64)


def test_a_classifier_is_no_detector(save_pair: Callable[..., Path], nets: ModuleType) -> None:
    with pytest.raises(ModelError, match="is a classifier, which finds no boxes"):
        load_detector(save_pair(nets.SMALL["connected"]))


def test_the_network_of_a_cfg_is_shown_without_its_weights(pair: Path) -> None:
    pair.with_suffix(".weights").unlink()
    result = CliRunner().invoke(command, ["show", str(pair)], catch_exceptions=False)
    assert result.exit_code == 0
    network = read_network(pair)
    for part in ("64x32", "2 (yolo)", f"{network.parameters:,}", "BFLOPs", f"{len(network.layers)}"):
        assert part in result.output
