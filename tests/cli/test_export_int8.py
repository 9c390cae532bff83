"""rtdet export --precision int8: measured before it is written, and refused where it is not worth it."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
import torch

from rtdet.backends.graphs import inspect_graph
from rtdet.detectors.family.registry import build, new_config
from rtdet.detectors.family.weights import save_weights
from rtdet.detectors.registry import load_detector
from rtdet.exporting import price
from rtdet.extras import is_installed
from rtdet.types import Thresholds

SIDE = 96


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RTDET_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    network = build(new_config("fcos-n", ("cat", "dog")))
    for parameter in network.parameters():
        if parameter.ndim == 4 and parameter.std() < 0.02:
            torch.nn.init.normal_(parameter, std=0.03)
    save_weights(network, tmp_path / "mine.safetensors")
    return tmp_path / "mine.safetensors"


class TestInt8:
    """With NNCF, which is an extra of its own."""

    @pytest.fixture(autouse=True)
    def _nncf(self):
        if not is_installed("nncf"):  # importing it here would import its telemetry too
            pytest.skip("NNCF is not installed")

    @pytest.fixture
    def data(self, tmp_path):
        """Labelled pictures: the labels are what the network itself finds, so that it has an AP to lose."""
        folder = tmp_path / "data"
        folder.mkdir()
        rng = np.random.default_rng(1)
        for i in range(6):
            cv2.imwrite(str(folder / f"{i}.png"), rng.integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8))
        return folder

    def label(self, weights, folder, conf=0.05):
        detector = load_detector(
            weights, thresholds=Thresholds(conf), device="cpu", precision="fp32", imgsz=SIDE
        )
        images, notes = [], []
        for i in range(6):
            images.append({"id": i, "file_name": f"{i}.png", "width": SIDE, "height": SIDE})
            (found,) = detector.detect([cv2.imread(str(folder / f"{i}.png"))])
            for box, label in zip(found.boxes[:5], found.labels[:5], strict=True):
                x, y, right, bottom = map(float, box)
                notes.append({"id": len(notes), "image_id": i, "category_id": int(label), "iscrowd": 0,
                              "bbox": [x, y, right - x, bottom - y], "area": (right - x) * (bottom - y)})  # fmt: skip
        detector.close()
        categories = [{"id": 0, "name": "cat"}, {"id": 1, "name": "dog"}]
        (folder / "labels.json").write_text(
            json.dumps({"images": images, "annotations": notes, "categories": categories})
        )

    def test_it_says_what_it_costs_and_writes_what_opens_again(self, rtdet, tmp_path, weights, data):
        self.label(weights, data)
        done = rtdet(
            "export", "--model", weights, "--format", "openvino", "--precision", "int8", "--data", data,
            "--imgsz", SIDE, "--anyway",
        )  # fmt: skip
        assert done.code == 0, done.err
        assert "AP" in done.out
        assert "int8:" in done.out
        file = tmp_path / "mine-int8.xml"
        assert inspect_graph(file).operators["FakeQuantize"] > 0
        detector = load_detector(file, device="cpu")
        assert tuple(detector.class_names) == ("cat", "dog")
        detector.close()

    def test_without_anyway_a_loss_is_refused_and_nothing_is_written(
        self, rtdet, tmp_path, weights, data, monkeypatch
    ):
        self.label(weights, data)
        monkeypatch.setattr(price, "MOST_LOST", -101.0)  # any network loses more than that
        done = rtdet(
            "export",
            "--model",
            weights,
            "--format",
            "onnx",
            "--precision",
            "int8",
            "--data",
            data,
            "--imgsz",
            SIDE,
        )
        assert done.code == 1
        assert len(done.errors) == 1
        assert "nothing was written, --anyway" in done.errors[0]
        assert not list(tmp_path.glob("*int8*"))


def made(**values):
    usual = {"ap_before": 40.0, "ap_after": 39.8, "ms_before": 9.0, "ms_after": 7.0, "before_as": "fp32"}
    return price.Price(**(usual | {"pictures": 9} | values))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, ""),
        ({"ap_after": 38.5}, "int8 loses 1.5 AP, more than 1"),
        ({"ms_after": 9.5}, "int8 is no quicker here: 9.5 ms a picture, 9.0 in fp32"),
    ],
)
def test_a_loss_and_no_gain_are_objected_to(values, said):
    assert made(**values).objection() == said
