"""rtdet export: the file gives what the network gives, and opens without torch."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from rtdet.detectors.cards import model_card, models_folder
from rtdet.detectors.family.registry import build, new_config
from rtdet.detectors.family.weights import save_weights
from rtdet.detectors.heads.head import street_picture
from rtdet.detectors.registry import load_detector
from rtdet.types import Thresholds

LOW = Thresholds(0.0, iou=1.0, max_detections=1000)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RTDET_CACHE", str(tmp_path / "cache"))


def saved(folder, name, **settings):
    torch.manual_seed(0)
    network = build(new_config(name, ("cat", "dog"), **settings))
    for parameter in network.parameters():
        if parameter.ndim == 4 and parameter.std() < 0.02:
            torch.nn.init.normal_(parameter, std=0.03)
    save_weights(network, folder / "mine.safetensors")
    return folder / "mine.safetensors"


@pytest.mark.parametrize(("name", "settings"), [("fcos-n", {}), ("ssd-n", {})])
@pytest.mark.parametrize("out", ["out.onnx", "out.xml"])
def test_the_file_finds_what_the_network_finds(rtdet, tmp_path, name, settings, out):
    weights = saved(tmp_path, name, **settings)
    size = [] if settings else ["--imgsz", 96]
    done = rtdet("export", "--model", weights, "--out", out, *size)
    assert done.code == 0, done.err
    assert "wrote" in done.out
    assert "mine.safetensors for inputs of 96x96" in done.out
    picture = np.random.default_rng(0).integers(0, 255, (96, 96, 3), dtype=np.uint8)
    found = []
    for model in (weights, tmp_path / out):
        options = {} if settings or model.suffix == ".xml" else {"imgsz": 96}
        detector = load_detector(model, thresholds=LOW, device="cpu", precision="fp32", **options)
        assert tuple(detector.class_names) == ("cat", "dog")
        found.append(detector.detect([picture])[0])
        detector.close()
    np.testing.assert_allclose(found[1].scores[:50], found[0].scores[:50], atol=2e-3)


def test_it_opens_without_torch(rtdet, tmp_path):
    assert rtdet("export", "--model", saved(tmp_path, "fcos-n"), "--out", "out.onnx", "--imgsz", 96).code == 0
    code = (
        "import sys, numpy as np; from rtdet.detectors.registry import load_detector;"
        f"d = load_detector({str(tmp_path / 'out.onnx')!r}, device='cpu', imgsz=96);"
        "d.detect([np.zeros((96, 96, 3), np.uint8)]); d.close(); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--out", "m.tflite"], ".onnx or .xml"),
        (["--out", "m.onnx", "--format", "openvino"], ".xml"),
        (["--out", "m.onnx", "--model", "gone.safetensors"], "gone.safetensors"),
        (["--out", "m.onnx", "--model", "yolo"], "yolo"),
        (["--out", "m.onnx", "--model", "rtdet-n", "--imgsz", "8"], "--imgsz 8"),
    ],
)
def test_what_cannot_be_exported_is_one_line(rtdet, arguments, word):
    done = rtdet("export", *arguments)
    assert done.code in (2, 4)
    assert len(done.errors) == 1
    assert word in done.errors[0]


def test_a_sliding_window_thins_out_its_boxes_in_a_file_too(rtdet, tmp_path):
    weights = saved(tmp_path, "slidingwindow-n", changes={"sizes": (24.0, 48.0)})
    done = rtdet("export", "--model", weights, "--out", "out.onnx", "--imgsz", 96)
    assert done.code == 0, done.err
    picture = np.random.default_rng(0).integers(0, 255, (96, 96, 3), dtype=np.uint8)
    found = []
    for model in (weights, tmp_path / "out.onnx"):
        detector = load_detector(model, thresholds=LOW, device="cpu", precision="fp32", imgsz=96)
        found.append(detector.detect([picture])[0])
        detector.close()
    assert 0 < len(found[0]) == len(found[1])
    np.testing.assert_allclose(found[1].scores, found[0].scores, atol=2e-3)


def test_a_network_that_a_search_tells_where_to_look_is_not_exported(rtdet, tmp_path):
    done = rtdet("export", "--model", saved(tmp_path, "rcnn-n"), "--out", "out.onnx")
    assert done.code == 2
    assert len(done.errors) == 1
    assert "search outside of the network" in done.errors[0]


def test_the_graph_beside_an_ssds_weights_opens_as_what_it_is():
    weights = models_folder() / "rtdet-n.safetensors"
    street = street_picture()
    for picture in (street, np.ascontiguousarray(street[:, :480])):
        found = []
        for model in (weights, weights.with_suffix(".onnx")):
            detector = load_detector(
                model, thresholds=Thresholds(0.1), device="cpu", precision="fp32", imgsz=320
            )
            found.append(detector.detect([picture])[0])
            assert tuple(detector.class_names) == model_card("rtdet-n").classes
            detector.close()
        assert len(found[0]) > 3
        np.testing.assert_allclose(found[1].boxes, found[0].boxes, atol=1e-3)
        np.testing.assert_allclose(found[1].scores, found[0].scores, atol=1e-5)
