"""Pixels that go into a network are seen as if NumPy had turned them into floats: that slow path is here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from rtdet.backends import Network
from rtdet.backends import open_network as open_for_pixels
from rtdet.backends.network import Inputs, Outputs, PixelInput, in_one_tuple
from rtdet.datasets import Dataset, load_dataset
from rtdet.detectors.registry import load_detector
from rtdet.evaluation.detection.files import detect_all
from rtdet.evaluation.detection.measurement import labeled_classes, measure, only_classes
from rtdet.protocols import Detector
from rtdet.types import Detections, Image, Thresholds

EMBEDDED = Path(__file__).resolve().parents[2] / "models" / "rtdet-n.safetensors"
SURE = Thresholds(confidence=0.3)
NETWORKS = [
    "yolox_nano_coco.onnx",  # blue first, 0 to 255
    "yolov8n.xml",  # red first, 0 to 1
    "picodet_s_320_coco.onnx",  # ImageNet's mean and deviation
    "yolov5n_coco_fp16.tflite",  # channels last
    "pedestrian-detection-adas-0002.xml",
    "yolo-fastest-1.1-xl.cfg",  # Darknet's
]


class FloatNetwork:
    """A network that is given floats, made of the picture in double precision."""

    def __init__(self, network: Network, pixels: PixelInput) -> None:
        self._network, self._pixels = network, pixels
        self.backend, self.device, self.precision = network.backend, network.device, network.precision

    def run_many(self, inputs: Iterable[Inputs]) -> Iterator[Outputs]:
        return self._network.run_many(self._in_floats(one) for one in inputs)

    def _in_floats(self, inputs: Inputs) -> Inputs:
        arrays, how = list(in_one_tuple(inputs)), self._pixels
        values = arrays[how.index].astype(np.float64)
        values = values[..., ::-1] if how.color == "rgb" else values
        values = (values - how.mean) / how.std - how.zero_point
        values = values.transpose(0, 3, 1, 2) if "chw" in how.layout else values
        arrays[how.index] = np.ascontiguousarray(values, dtype=np.float32)
        return tuple(arrays)

    def close(self) -> None:
        self._network.close()


def _open_for_floats(*args: Any, pixels: PixelInput, **settings: Any) -> FloatNetwork:
    return FloatNetwork(open_for_pixels(*args, **settings), pixels)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RTDET_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def slow_path() -> Iterator[pytest.MonkeyPatch]:
    """Detectors that are opened from here on turn pictures into floats before their networks see them."""
    monkeypatch = pytest.MonkeyPatch()
    for module in ("graph_detector", "family.detector", "darknet.detector"):
        monkeypatch.setattr(f"rtdet.detectors.{module}.open_network", _open_for_floats)
    yield monkeypatch
    monkeypatch.undo()


@pytest.fixture(scope="module")
def pictures(shared_data: Path) -> list[Image]:
    names = sorted((shared_data / "street/val/images").iterdir())[:40:20]
    names += sorted((shared_data / "coco/val/images").iterdir())[:20:10]
    return [np.asarray(cv2.imread(str(name))) for name in names]


def open_at(path: Path, **settings: Any) -> Detector:
    return load_detector(
        path, thresholds=SURE, backend="openvino", device="cpu", precision="fp32", **settings
    )


def by_one(detector: Detector, pictures: Sequence[Image]) -> list[Detections]:
    """One by one, for which a network is compiled only once."""
    return [detector.detect([picture])[0] for picture in pictures]


def assert_same(found: Sequence[Detections], slow: Sequence[Detections]) -> None:
    """Boxes within half a pixel and scores within a hundredth; what is at the threshold may be missing in one."""
    is_same = [
        _is_in(there, box, score, label)
        for pair in zip(found, slow, strict=True)
        for here, there in (pair, pair[::-1])
        for box, score, label in zip(here.boxes, here.scores, here.labels, strict=True)
        if score > SURE.confidence + 0.01
    ]
    assert is_same
    assert all(is_same)


def _is_in(found: Detections, box: np.ndarray, score: float, label: int) -> bool:
    near = np.abs(found.boxes - box).max(axis=1, initial=0) <= 0.5
    return bool((near & (np.abs(found.scores - score) <= 0.01) & (found.labels == label)).any())


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_in_a_file_finds_the_same_as_with_floats(
    name: str, shared_data: Path, pictures: list[Image], slow_path: pytest.MonkeyPatch
) -> None:
    slow = open_at(shared_data / "weights" / name)
    wanted = by_one(slow, pictures)
    slow_path.undo()
    fast = open_at(shared_data / "weights" / name)
    assert_same(by_one(fast, pictures), wanted)
    slow.close()
    fast.close()


def test_a_network_of_rtdet_finds_the_same_as_with_floats(
    pictures: list[Image], slow_path: pytest.MonkeyPatch
) -> None:
    wanted = by_one(open_at(EMBEDDED), pictures)
    slow_path.undo()
    assert_same(by_one(open_at(EMBEDDED), pictures), wanted)


def test_the_average_precision_is_that_of_floats_within_a_tenth(
    shared_data: Path, slow_path: pytest.MonkeyPatch
) -> None:
    whole = load_dataset(shared_data / "street/val")
    dataset = Dataset(whole.folder, whole.class_names, whole.samples[::35])
    wanted = _average_precision(dataset)
    slow_path.undo()
    assert _average_precision(dataset) == pytest.approx(wanted, abs=0.1)
    assert wanted > 20


def _average_precision(dataset: Dataset) -> float:
    """From 0 to 100, as COCO defines it."""
    detector = load_detector(
        EMBEDDED, thresholds=Thresholds(0.01, 0.6), backend="openvino", device="cpu", precision="fp32"
    )
    names = [name for name in labeled_classes(dataset) if name in detector.class_names]
    found = detect_all(detector, dataset)
    detector.close()
    return 100 * float(measure(only_classes(dataset, names), found).scores.mean.ap)
