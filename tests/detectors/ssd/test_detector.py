from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from rtdet.demo import DemoScene
from rtdet.detectors.ssd.architectures import build_network
from rtdet.detectors.ssd.config import SSDConfig
from rtdet.detectors.ssd.detector import SSDDetector
from rtdet.detectors.ssd.network import SSD
from rtdet.detectors.ssd.weights import save_weights
from rtdet.errors import UsageError
from rtdet.geometry.boxes import iou
from rtdet.types import Thresholds

ROOT = Path(__file__).resolve().parents[3]
EMBEDDED = ROOT / "models" / "rtdet-n.safetensors"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RTDET_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def tiny(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "tiny.safetensors"
    save_weights(SSD(SSDConfig(("a", "b"), (8, 8, 8, 8, 8), (1, 1, 1), 8)), path)
    return path


@pytest.fixture(scope="module")
def street():
    scene = DemoScene(seed=0, width=640, height=360)
    return [scene.render(index) for index in (30, 120, 240)]


def _detections(images, *, weights=EMBEDDED, confidence=0.2, **options):
    detector = SSDDetector(Path(weights), thresholds=Thresholds(confidence), device="cpu", **options)
    found = detector.detect(images)
    detector.close()
    return found


def _assert_close(a, b, pixels, score):
    """The same boxes in both, but for candidates so near a threshold that rounding decides."""
    for ours, theirs in zip(a, b, strict=True):
        clear = ours[ours.scores > 0.2 + score]
        assert len(clear) > 0
        best = iou(clear.boxes, theirs.boxes).argmax(axis=1)
        np.testing.assert_allclose(theirs.boxes[best], clear.boxes, atol=pixels)
        np.testing.assert_allclose(theirs.scores[best], clear.scores, atol=score)
        assert (theirs.labels[best] == clear.labels).all()


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_every_backend_gives_the_boxes_of_torch_within_a_twentieth_of_a_pixel(street, backend):
    torch_boxes = _detections(street, backend="torch", precision="fp32")
    _assert_close(torch_boxes, _detections(street, backend=backend, precision="fp32"), 0.05, 0.001)


def test_weights_without_a_graph_are_converted_once_and_later_starts_need_no_torch(street, tiny, tmp_path):
    first = _detections(street, weights=tiny, confidence=0.0)
    assert list((tmp_path / "cache" / "graphs").glob("*.xml"))
    _start_without_torch(tiny)
    for before, after in zip(first, _detections(street, weights=tiny, confidence=0.0), strict=True):
        assert len(before) > 0
        np.testing.assert_array_equal(before.boxes, after.boxes)


def test_a_kept_graph_that_was_damaged_is_not_trusted_with_half_its_weights(street, tiny, tmp_path):
    first = _detections(street, weights=tiny, confidence=0.0)
    for file in (tmp_path / "cache" / "graphs").glob("*.bin"):
        file.unlink()
    for before, after in zip(first, _detections(street, weights=tiny, confidence=0.0), strict=True):
        assert len(before) > 0
        np.testing.assert_array_equal(before.boxes, after.boxes)


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_the_embedded_model_needs_no_torch_and_no_preparing(backend, tmp_path):
    _start_without_torch("rtdet-n", backend)
    assert not (tmp_path / "cache" / "graphs").exists()


def _start_without_torch(model, backend="auto"):
    code = (
        "import sys, rtdet; sys.modules['torch'] = None; import numpy as np; "
        f"d = rtdet.load_detector({str(model)!r}, device='cpu', backend={backend!r}); "
        "d.detect([np.zeros((90, 160, 3), np.uint8)]); d.close()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize(("architecture", "depths"), [("ssd-n", (1, 1, 1)), ("csp-n", (1, 1, 1, 1))])
def test_a_network_of_any_input_is_converted_once_and_gives_torchs_scores_at_every_size(
    architecture, depths, tmp_path, caplog
):
    torch.manual_seed(0)
    path = tmp_path / "fresh.safetensors"
    config = SSDConfig(("a", "b"), (8, 8, 8, 8, 8), depths, 8, architecture=architecture)
    network = build_network(config)
    for weights in network.parameters():
        torch.nn.init.normal_(weights, std=0.3)  # scores of all heights
    save_weights(network, path)
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 255, (*size, 3), np.uint8) for size in ((72, 128), (128, 72), (96, 96))]
    found = []
    # Nothing is suppressed: of two boxes that overlap by just the threshold rounding would decide.
    everything = Thresholds(0.0, 1.0, max_detections=1000)
    with caplog.at_level("INFO", "rtdet.detectors"):
        for backend in ("openvino", "torch"):
            detector = SSDDetector(
                path, thresholds=everything, device="cpu", backend=backend, precision="fp32", imgsz=128
            )
            found.append(detector.detect(pictures))
            detector.close()
    for ours, theirs in zip(*found, strict=True):
        assert np.ptp(theirs.scores) > 0.05
        np.testing.assert_allclose(ours.scores, theirs.scores, atol=1e-4)
    assert len(list((tmp_path / "cache" / "graphs").glob("*.xml"))) == 1
    assert [record.getMessage().split(";")[0] for record in caplog.records] == [
        "preparing fresh.safetensors for this machine"
    ]


def test_a_cache_that_cannot_be_written_is_no_error(street, tmp_path, monkeypatch):
    (tmp_path / "blocked").write_text("a file where the folder should be")
    monkeypatch.setenv("RTDET_CACHE", str(tmp_path / "blocked"))
    assert len(_detections(street[:1])[0]) > 0


def test_pictures_of_any_shape_and_their_upright_twins_work(tiny):
    detector = SSDDetector(tiny, thresholds=Thresholds(0.0), backend="torch", device="cpu", imgsz=96)
    shapes = [(90, 160), (160, 90), (100, 100), (1, 1), (7, 900)]
    found = detector.detect([np.zeros((*shape, 3), np.uint8) for shape in shapes])
    for (height, width), one in zip(shapes, found, strict=True):
        assert (one.boxes[:, 2] <= width).all()
        assert (one.boxes[:, 3] <= height).all()
        assert (np.diff(one.scores) <= 0).all()
    assert detector.detect([]) == []
    detector.close()


def test_thresholds_hold_from_the_next_picture_on(tiny):
    detector = SSDDetector(tiny, thresholds=Thresholds(0.0, max_detections=5), device="cpu", imgsz=96)
    picture = np.random.default_rng(0).integers(0, 255, (96, 96, 3), dtype=np.uint8)
    assert len(detector.detect([picture])[0]) == 5
    detector.thresholds = Thresholds(0.0, classes=frozenset({"b"}))
    (found,) = detector.detect([picture])
    assert set(found.labels.tolist()) == {1}
    detector.thresholds = Thresholds(1.0)
    assert len(detector.detect([picture])[0]) == 0
    detector.close()


def test_a_tiny_input_is_refused(tiny):
    with pytest.raises(UsageError, match="--imgsz 32"):
        SSDDetector(tiny, imgsz=32)
