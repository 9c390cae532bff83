"""torchvision's detectors on random weights: the published ones need a network."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import pickle
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision

from rtdet.detectors.cards import model_card
from rtdet.detectors.coco import COCO_CLASSES
from rtdet.detectors.registry import load_detector
from rtdet.detectors.torchvision_weights import ARCHITECTURES, load_model, read_state_dict
from rtdet.errors import ModelError, UsageError
from rtdet.types import Thresholds

LOW = Thresholds(confidence=0.05)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def build(architecture: str, classes: int = 91) -> Any:
    torch.manual_seed(0)
    return torchvision.models.get_model(
        architecture, weights=None, weights_backbone=None, num_classes=classes
    ).eval()


def save(model: Any, path: Path) -> Path:
    torch.save(model.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def ssdlite(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    model = build("ssdlite320_mobilenet_v3_large")
    _make_it_say_something(model)
    return model, save(model, tmp_path_factory.mktemp("ssdlite") / "ssdlite.pth")


def _make_it_say_something(model: Any) -> None:
    """Fresh weights let every signal die out and every class have the same score."""
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    for level in model.head.classification_head.module_list:
        torch.nn.init.normal_(level[1].weight, std=0.1)
    with torch.no_grad():
        model.head(list(model.train().backbone(torch.rand(2, 3, 320, 320)).values()))
    model.eval()


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 255, (height, width, 3), dtype=np.uint8)


def what_torchvision_says(model: Any, image: np.ndarray, thresholds: Thresholds) -> dict[str, np.ndarray]:
    model.score_thresh, model.nms_thresh = thresholds.confidence, thresholds.iou
    rgb = torch.from_numpy(image[:, :, ::-1].transpose(2, 0, 1).copy()).float() / 255
    with torch.inference_mode():
        return {key: value.numpy() for key, value in model([rgb])[0].items()}


@pytest.mark.parametrize("backend", ["torch", "openvino"])
def test_boxes_are_those_of_torchvision(ssdlite: tuple[Any, Path], backend: str) -> None:
    """Within 0.1 px and 0.001 of score, in fp32."""
    model, path = ssdlite
    image = noise(120, 200)
    top = dataclasses.replace(LOW, max_detections=20)
    detector = load_detector(path, thresholds=top, backend=backend, device="cpu", precision="fp32")
    found = detector.detect([image])[0]
    expected = what_torchvision_says(model, image, LOW)
    names = torchvision.models.get_model_weights("ssdlite320_mobilenet_v3_large").DEFAULT.meta["categories"]
    is_class = [names[label] in COCO_CLASSES for label in expected["labels"]]
    np.testing.assert_allclose(found.scores, expected["scores"][is_class][:20], atol=1e-3)
    overlap_free = np.abs(found.boxes[:, None] - expected["boxes"][None]).max(axis=2).min(axis=1)
    assert (overlap_free < 0.1).all()
    expected_names = {names[label] for label in expected["labels"]}
    assert {found.name_of(i) for i in range(len(found))} <= expected_names


@pytest.mark.parametrize(
    "architecture",
    ["fasterrcnn_mobilenet_v3_large_320_fpn", "fcos_resnet50_fpn", "retinanet_resnet50_fpn_v2"],
)
def test_an_architecture_is_told_by_its_keys_and_runs(architecture: str, tmp_path: Path) -> None:
    path = save(build(architecture, classes=3), tmp_path / "mine.pth")
    (tmp_path / "mine.txt").write_text("cat\ndog\n")
    detector = load_detector(path, thresholds=Thresholds(confidence=0.001), device="cpu", imgsz=64)
    assert list(detector.class_names) == ["cat", "dog"]
    small, tall = detector.detect([noise(40, 60), noise(90, 30)])
    for found, (width, height) in ((small, (60, 40)), (tall, (30, 90))):
        assert set(found.labels.tolist()) <= {0, 1}
        assert (found.boxes >= 0).all()
        assert (found.boxes <= [width, height, width, height]).all()
    with pytest.raises(UsageError, match="torch backend only"):
        load_detector(path, backend="onnxruntime")


def test_ssd300_is_told_by_its_keys(tmp_path: Path) -> None:
    with torch.device("meta"):
        shapes = build("ssd300_vgg16", classes=2).state_dict()
    path = tmp_path / "ssd.pth"
    torch.save({key: torch.zeros(value.shape) for key, value in shapes.items()}, path)
    (tmp_path / "ssd.txt").write_text("thing\n")
    loaded = load_model(path)
    assert (loaded.architecture, loaded.names) == ("ssd300_vgg16", ("thing",))
    assert loaded.architecture in ARCHITECTURES


def test_the_input_of_an_ssd_cannot_be_changed(ssdlite: tuple[Any, Path]) -> None:
    with pytest.raises(UsageError, match="320 pixels only"):
        load_detector(ssdlite[1], imgsz=512)


def test_thresholds_hold_from_the_next_call_on(ssdlite: tuple[Any, Path]) -> None:
    detector = load_detector(ssdlite[1], thresholds=LOW, backend="torch", device="cpu")
    image = noise(100, 100)
    everything = detector.detect([image])[0]
    assert len(everything) > 5
    wanted = everything.name_of(0)
    detector.thresholds = dataclasses.replace(LOW, classes=frozenset({wanted}), max_detections=2)
    some = detector.detect([image])[0]
    assert 0 < len(some) <= 2
    assert {some.name_of(i) for i in range(len(some))} == {wanted}


def test_a_published_model_comes_by_name_through_the_cache(
    ssdlite: tuple[Any, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole way of `--model ssdlite320_mobilenet_v3_large`, the server being on loopback."""
    path = ssdlite[1]
    card = model_card("ssdlite320_mobilenet_v3_large")
    handler = partial(QuietHandler, directory=str(path.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        here = dataclasses.replace(
            card,
            url=f"http://127.0.0.1:{server.server_port}/{path.name}",
            sha256=hashlib.sha256(path.read_bytes()).hexdigest()[:8],
        )
        monkeypatch.setattr("rtdet.detectors.registry.model_card", lambda name: here)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        detector = load_detector(card.name, thresholds=LOW, backend="torch", device="cpu")
        server.shutdown()
        thread.join()
    assert tuple(detector.class_names) == card.classes
    assert len(detector.detect([noise(50, 50)])[0])
    load_detector(card.name, backend="torch", device="cpu", offline=True)


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


class Evil:
    def __init__(self, marker: str) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.marker,)


class TestBadFiles:
    def test_a_pickle_that_would_run_code_runs_none(self, tmp_path: Path) -> None:
        marker = tmp_path / "it-ran"
        plain, archive = tmp_path / "plain.pth", tmp_path / "archive.pth"
        plain.write_bytes(pickle.dumps(Evil(str(marker))))
        torch.save({"a": Evil(str(marker))}, archive)
        for path in (plain, archive):
            with pytest.raises(ModelError, match=path.name) as error:
                load_detector(path)
            assert "\n" not in str(error.value)
        assert "could run code" in str(error.value)
        assert not marker.exists()

    def test_a_truncated_an_empty_and_a_renamed_file_are_refused(
        self, ssdlite: tuple[Any, Path], tmp_path: Path
    ) -> None:
        whole = ssdlite[1].read_bytes()
        damaged = "is not a file of PyTorch weights, or it is damaged"
        for name, content, why in (
            ("half", whole[: len(whole) // 2], damaged),
            ("empty", b"", r"is empty \(0 bytes\)"),
            ("text", b"hello\n" * 50, damaged),
        ):
            path = tmp_path / f"{name}.pth"
            path.write_bytes(content)
            with pytest.raises(ModelError, match=rf"{name}\.pth {why}"):
                load_detector(path)

    def test_the_weights_of_another_model_are_refused(
        self, ssdlite: tuple[Any, Path], tmp_path: Path
    ) -> None:
        other = tmp_path / "other.pth"
        torch.save(torch.nn.Conv2d(1, 1, 1).state_dict(), other)
        with pytest.raises(
            ModelError, match="holds the weights of another model, expected one of ssd300_vgg16"
        ):
            load_detector(other)
        torch.save([1, 2], other)
        with pytest.raises(ModelError, match="holds no state dict"):
            load_detector(other)
        with pytest.raises(ModelError, match="expected ssd300_vgg16"):
            load_model(ssdlite[1], "ssd300_vgg16")
        weights = read_state_dict(ssdlite[1])
        weights.pop(next(iter(weights)))
        torch.save(weights, other)
        with pytest.raises(ModelError, match="does not fit its architecture"):
            load_detector(other)

    def test_another_number_of_classes_than_named_is_refused(self, tmp_path: Path) -> None:
        path = save(build("ssdlite320_mobilenet_v3_large", classes=4), tmp_path / "mine.pth")
        (tmp_path / "mine.txt").write_text("a\nb\n")
        with pytest.raises(ModelError, match=r"mine\.txt names 2 classes, but mine\.pth has 3"):
            load_detector(path)
