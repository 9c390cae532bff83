"""What the cache keeps and something has damaged is made anew; it is no error for ever, and no empty answer."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from rtdet.cache import is_whole, seal
from rtdet.detectors.registry import load_detector
from rtdet.types import Thresholds
from tests.detectors.tiny_yolox import save_tiny_yolox


@pytest.fixture
def own_cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("RTDET_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def boxes_of(model: Path) -> np.ndarray:
    picture = np.zeros((128, 128, 3), np.uint8)
    picture[40:48, 40:48] = (0, 0, 255)
    detector = load_detector(model, thresholds=Thresholds(confidence=0.3), backend="openvino")
    try:
        (found,) = detector.detect([picture])
        return found.boxes
    finally:
        detector.close()


def rot(path: Path, seed: int) -> None:
    """Other bytes at the same length and of the same time, as after a power cut."""
    rng, before = np.random.default_rng(seed), path.stat()
    content = bytearray(path.read_bytes())
    start = len(content) // 3
    content[start:] = rng.bytes(len(content) - start)
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    "damage", [rot, lambda path, _seed: os.truncate(path, 1000), lambda path, _seed: os.truncate(path, 0)]
)
def test_a_damaged_compiled_network_is_compiled_anew(own_cache, tmp_path, damage):
    model = save_tiny_yolox(tmp_path / "m.onnx")
    whole = boxes_of(model)
    assert len(whole)
    blobs = list((own_cache / "openvino").glob("*.blob"))
    assert blobs
    for seed, blob in enumerate(blobs):
        assert is_whole(blob)
        damage(blob, seed)
    np.testing.assert_array_equal(boxes_of(model), whole)
    assert all(is_whole(blob) for blob in (own_cache / "openvino").glob("*.blob"))


def test_a_compiled_network_that_is_whole_is_kept(own_cache, tmp_path):
    model = save_tiny_yolox(tmp_path / "m.onnx")
    boxes_of(model)
    before = {blob: blob.stat().st_mtime_ns for blob in (own_cache / "openvino").glob("*.blob")}
    boxes_of(model)
    assert {blob: blob.stat().st_mtime_ns for blob in (own_cache / "openvino").glob("*.blob")} == before


@pytest.mark.parametrize("suffix", [".xml", ".bin"])
def test_a_damaged_graph_is_made_anew(own_cache, tmp_path, suffix):
    torch = pytest.importorskip("torch")
    from rtdet.detectors.ssd.architectures import build_network
    from rtdet.detectors.ssd.config import SSDConfig
    from rtdet.detectors.ssd.weights import save_weights

    torch.manual_seed(0)
    save_weights(build_network(SSDConfig(class_names=("a", "b"))).eval(), tmp_path / "w.safetensors")

    def open_once() -> None:
        load_detector(tmp_path / "w.safetensors", backend="openvino").close()

    open_once()
    (kept,) = (own_cache / "graphs").glob(f"*{suffix}")
    whole = kept.read_bytes()
    os.truncate(kept, min(1000, len(whole) - 1))
    open_once()
    (kept,) = (own_cache / "graphs").glob(f"*{suffix}")
    assert len(kept.read_bytes()) == len(whole)
    for one in (own_cache / "graphs").glob("*[ln]"):
        assert is_whole(one)


def test_a_seal_tells_what_changed(tmp_path):
    kept = tmp_path / "kept"
    kept.write_bytes(b"content")
    assert is_whole(kept) is None
    seal(kept)
    assert is_whole(kept)
    kept.write_bytes(b"contenT")
    assert not is_whole(kept)
