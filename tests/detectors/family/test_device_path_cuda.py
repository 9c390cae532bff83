"""Detectors on a CUDA device: the whole way there, as one graph. `pytest -m cuda`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from rtdet.backends.torch_static import Recorded
from rtdet.demo import DemoScene
from rtdet.detectors.family.detector import FamilyDetector, NetworkDetector
from rtdet.detectors.family.device_path import agree
from rtdet.detectors.family.registry import build, new_config
from rtdet.detectors.registry import load_detector
from rtdet.detectors.ssd.detector import SSDDetector
from rtdet.types import Thresholds

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device, and there is none here"),
]

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def frames() -> list[np.ndarray]:
    scene = DemoScene(duration_s=8.0)
    return [scene.render(index) for index in range(0, 150, 3)]


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_the_embedded_model_finds_what_it_finds_on_the_cpu(precision: str, frames: list[np.ndarray]) -> None:
    on_cpu = load_detector("rtdet-n", device="cpu", backend="torch", precision="fp32")
    detector = load_detector("rtdet-n", device="cuda", precision=precision)
    assert isinstance(detector, NetworkDetector)
    wanted = on_cpu.detect(frames)
    for _ in range(2):
        for one, other in zip(detector.detect(frames), wanted, strict=True):
            assert agree(one, other, 0.25)
    (path,) = detector._paths.values()
    assert path is not None
    (network,) = path._networks.values()
    assert isinstance(network._step, Recorded)
    assert None not in network._step._recordings.values()
    detector.close()
    on_cpu.close()


def test_it_finds_the_same_by_the_host_and_for_pictures_of_other_sizes(frames: list[np.ndarray]) -> None:
    detector = load_detector("rtdet-n", device="cuda", precision="fp32", thresholds=Thresholds(0.3, low=0.1))
    assert isinstance(detector, NetworkDetector)
    sizes = [(1280, 720), (640, 360), (1920, 1080), (960, 540), (320, 180), (800, 450)] * 3
    images = [np.asarray(cv2.resize(frames[i], size)) for i, size in enumerate(sizes)]
    found = detector.detect(images)
    (size,) = detector._paths
    for one, other in zip(found, detector._detect_by_host(images, size), strict=True):
        assert len(one) == len(other)
        assert agree(one, other, 0.1)
    detector.close()


@pytest.mark.parametrize(
    "name", ["ssd300", "yolox-n", "yolov4-n", "centernet-n", "fasterrcnn-n", "slidingwindow-n"]
)
def test_every_kind_of_network_runs(name: str, frames: list[np.ndarray]) -> None:
    torch.manual_seed(0)
    network = build(new_config(name, ("cat", "dog", "cow"))).eval()
    kind = SSDDetector if name == "ssd300" else FamilyDetector
    detector = kind(network, device="cuda", thresholds=Thresholds(0.001))
    for _ in range(2):
        assert len(detector.detect(frames[:20])) == 20
    detector.close()


def test_the_benchmark_runs() -> None:
    run = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks/gpu.py"), "--frames", "400"],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert "in batches" in run.stdout
    assert "12 objects" in run.stdout
