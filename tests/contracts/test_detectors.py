"""What every detector promises; a new line in DETECTORS is tested here at once (add a maker for it)."""

from __future__ import annotations

import dataclasses
import gc
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtdet.detectors.registry import DETECTORS, load_detector, model_card, model_names, weights_of
from rtdet.errors import ModelError
from rtdet.geometry.letterbox import Letterbox
from rtdet.protocols import Detector, StreamingDetector
from rtdet.types import Detections, Thresholds

LOW = Thresholds(confidence=0.01, iou=0.5, max_detections=20)


def yolox(folder: Path) -> Path:
    path = Path(__file__).parents[1] / "detectors" / "tiny_yolox.py"
    spec = importlib.util.spec_from_file_location("tiny_yolox", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made: Path = module.save_tiny_yolox(folder / "tiny.onnx", classes=80)
    return made


def torchvision(folder: Path) -> Path:
    import torch
    import torchvision

    torch.manual_seed(0)
    name = "fasterrcnn_mobilenet_v3_large_320_fpn"
    model = torchvision.models.get_model(name, weights=None, weights_backbone=None, num_classes=4)
    torch.save(model.state_dict(), folder / "random.pth")
    (folder / "random.txt").write_text("cat\ndog\ncow\n")
    return folder / "random.pth"


def ssd(folder: Path) -> Path:
    """The embedded model; where its weights are not there yet, a fresh one of its kind."""
    try:
        return weights_of(model_card("rtdet-n"))
    except Exception:
        pytest.skip("needs the weights of rtdet-n, which are not in models/")


def family(folder: Path) -> Path:
    """CenterNet for all families: tests/detectors/family runs each of them."""
    import torch

    from rtdet.detectors.family.registry import build, new_config
    from rtdet.detectors.family.weights import save_weights

    torch.manual_seed(0)
    network = build(new_config("centernet-n", ("cat", "dog", "cow")))
    torch.nn.init.constant_(network.size[-1].bias, 8.0)  # boxes of eight cells
    torch.nn.init.normal_(network.heat[-1].weight, std=0.1)
    save_weights(network, folder / "random.safetensors")
    return folder / "random.safetensors"


def darknet(folder: Path) -> Path:
    from rtdet.detectors.darknet.network import read_network

    path = Path(__file__).parents[1] / "detectors" / "darknet" / "nets.py"
    spec = importlib.util.spec_from_file_location("darknet_nets", path)
    assert spec is not None
    assert spec.loader is not None
    nets = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(nets)
    cfg = folder / "small.cfg"
    cfg.write_text(nets.SMALL["v3-like"])
    nets.save_weights(cfg.with_suffix(".weights"), nets.weights_of(read_network(cfg).layers))
    (folder / "small.names").write_text("cat\ndog\n")
    return cfg


MAKERS: dict[str, Callable[[Path], Path]] = {
    "ssd": ssd,
    "family": family,
    "graph": yolox,
    "torchvision": torchvision,
    "darknet": darknet,
}


@pytest.fixture(scope="module", params=sorted(DETECTORS))
def weights(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return MAKERS[request.param](tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def detector(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    import torch

    threads = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RTDET_CACHE", str(tmp_path_factory.mktemp("cache")))
        torch.set_num_threads(1)
        options = {"imgsz": 96} if weights.suffix == ".pth" else {}
        detector = load_detector(weights, thresholds=LOW, device="cpu", precision="fp32", **options)
        yield detector
        detector.close()
        torch.set_num_threads(threads)


def noise(height: int, width: int) -> np.ndarray:
    """A picture of blocks in random colours: something to detect for networks that never saw the world."""
    rng = np.random.default_rng(height * 10_000 + width)
    blocks = rng.integers(0, 255, (-(-height // 16), -(-width // 16), 3), dtype=np.uint8)
    return np.ascontiguousarray(blocks.repeat(16, 0).repeat(16, 1)[:height, :width])


def gray(height: int, width: int) -> np.ndarray:
    return np.repeat(noise(height, width)[:, :, :1], 3, axis=2)


def same(one: Detections, other: Detections) -> bool:
    return len(one) == len(other) and np.allclose(one.boxes, other.boxes, atol=1e-3)


def test_every_kind_is_tested_here_and_every_card_is_of_a_kind() -> None:
    assert set(MAKERS) == set(DETECTORS) >= {model_card(name).kind for name in model_names()}


def test_it_is_a_detector_with_names(detector: Detector) -> None:
    assert isinstance(detector, Detector)
    assert detector.thresholds == LOW
    assert len(set(detector.class_names)) == len(detector.class_names) > 0


def test_a_list_gives_a_list_and_an_empty_one_an_empty_one(detector: Detector) -> None:
    assert detector.detect([]) == []
    image = noise(96, 128)
    found = detector.detect([image, image, image])
    assert len(found) == 3
    assert same(found[0], found[1])
    assert same(found[0], found[2])


def test_scores_below_the_confidence_come_after_the_same_detections(detector: Detector) -> None:
    image = noise(96, 128)
    low = dataclasses.replace(LOW, confidence=0.0, max_detections=300)
    try:
        detector.thresholds = low
        every = detector.detect([image])[0]
        scores = np.unique(every.scores)
        confidence = float(scores[len(scores) // 2 - 1 :][:2].mean())
        detector.thresholds = dataclasses.replace(low, confidence=confidence)
        above = detector.detect([image])[0]
        detector.thresholds = dataclasses.replace(low, confidence=confidence, low=0.0)
        both = detector.detect([image])[0]
    finally:
        detector.thresholds = LOW
    assert 0 < len(above) < len(both)
    assert same(both, every)
    assert same(above, both[: len(above)])
    assert both.scores[len(above)] < confidence


def test_pictures_of_several_sizes_in_one_list_are_each_in_their_own_pixels(detector: Detector) -> None:
    sizes = [(90, 160), (160, 90), (200, 200), (33, 71), (90, 160)]
    images = [noise(height, width) for height, width in sizes]
    together = detector.detect(images)
    for image, found, (height, width) in zip(images, together, sizes, strict=True):
        assert found.boxes.shape == (len(found), 4)
        assert (found.boxes >= 0).all()
        assert (found.boxes <= [width, height, width, height]).all()
        assert (found.boxes[:, 2:] > found.boxes[:, :2]).all()
        assert same(found, detector.detect([image])[0])


def test_scores_fall_and_labels_have_names(detector: Detector) -> None:
    for found in detector.detect([noise(120, 160), gray(120, 160)]):
        assert len(found) <= LOW.max_detections
        assert (np.diff(found.scores) <= 0).all()
        assert ((found.scores >= LOW.confidence) & (found.scores <= 1)).all()
        assert ((found.labels >= 0) & (found.labels < len(detector.class_names))).all()
        assert tuple(found.class_names) == tuple(detector.class_names)


def test_nothing_found_is_zero_by_four(detector: Detector) -> None:
    try:
        detector.thresholds = dataclasses.replace(LOW, confidence=1.0)
        found = detector.detect([np.zeros((80, 80, 3), dtype=np.uint8)])[0]
        assert found.boxes.shape == (0, 4)
        assert found.scores.shape == found.labels.shape == (0,)
    finally:
        detector.thresholds = LOW


def test_thresholds_select_from_the_next_call_on(detector: Detector) -> None:
    image = noise(120, 160)
    try:
        detector.thresholds = dataclasses.replace(LOW, confidence=0.0)
        everything = detector.detect([image])[0]
        assert len(everything) > 1
        wanted = everything.name_of(0)
        detector.thresholds = Thresholds(0.0, 0.5, frozenset({wanted}), 3)
        some = detector.detect([image])[0]
        assert 1 <= len(some) <= 3
        assert {some.name_of(i) for i in range(len(some))} == {wanted}
        detector.thresholds = dataclasses.replace(LOW, confidence=float(everything.scores[0]))
        assert len(detector.detect([image])[0]) <= len(everything)
    finally:
        detector.thresholds = LOW


def test_the_pictures_are_not_changed(detector: Detector) -> None:
    image = noise(120, 160)
    copy = image.copy()
    image.setflags(write=False)
    detector.detect([image])
    np.testing.assert_array_equal(image, copy)


def test_twice_gives_the_same_bytes(detector: Detector) -> None:
    images = [noise(120, 160), gray(64, 64)]
    for one, other in zip(detector.detect(images), detector.detect(images), strict=True):
        np.testing.assert_array_equal(one.boxes, other.boxes)
        np.testing.assert_array_equal(one.scores, other.scores)


def test_close_may_be_called_twice_and_ends_it(weights: Path, detector: Detector) -> None:
    backend = "torch" if weights.suffix in (".pth", ".safetensors") else "auto"
    other = load_detector(weights, device="cpu", backend=backend)
    other.close()
    other.close()
    with pytest.raises(ModelError, match="closed"):
        other.detect([noise(32, 32)])


class TestStreaming:
    """protocols.StreamingDetector, of those that are."""

    @pytest.fixture(autouse=True)
    def _streams(self, detector: Any) -> None:
        if not isinstance(detector, StreamingDetector):
            pytest.skip("it takes its pictures together")

    def test_it_gives_what_it_finds_in_a_list_of_pictures_of_several_sizes(self, detector: Any) -> None:
        pictures = [noise(*size) for size in ((72, 128), (72, 128), (128, 72), (96, 96), (72, 128))]
        found = list(detector.detect_each(iter(pictures)))
        assert all(same(one, other) for one, other in zip(found, detector.detect(pictures), strict=True))
        assert list(detector.detect_each(())) == []

    def test_it_takes_only_a_few_pictures_before_it_gives_what_it_found(self, detector: Any) -> None:
        taken = 0

        def pictures() -> Iterator[np.ndarray]:
            nonlocal taken
            for _ in range(200):
                taken += 1
                yield noise(72, 128)

        found = detector.detect_each(pictures())
        ahead = 0
        for given in range(1, 60):
            next(found)
            ahead = max(ahead, taken - given)
        kept = sum(type(one) is Letterbox for one in gc.get_objects())
        found.close()
        assert 0 < ahead <= 40
        assert kept <= 40, "of the pictures that it has given back"
        assert len(detector.detect([noise(72, 128)] * 3)) == 3, "and goes on when it is left early"

    def test_it_tells_the_times_of_each(self, detector: Any) -> None:
        for _ in detector.detect_each([noise(72, 128)] * 3):
            assert set(detector.last_ms) == {"preprocess", "infer", "suppress"}
            assert sum(detector.last_ms.values()) > 0

    def test_thresholds_hold_from_the_next_picture_on(self, detector: Any) -> None:
        before = detector.thresholds
        found = detector.detect_each([noise(72, 128)] * 200)
        next(found)
        detector.thresholds = dataclasses.replace(before, max_detections=0)
        try:
            assert all(len(one) == 0 for one in found)
        finally:
            detector.thresholds = before

    def test_it_may_be_asked_for_more_while_a_stream_is_open(self, detector: Any) -> None:
        pictures = [noise(72, 128), noise(96, 96), noise(72, 128), noise(128, 72)] * 3
        wanted = detector.detect(pictures)
        left_open = detector.detect_each(pictures)
        next(left_open)
        both = zip(detector.detect_each(pictures), detector.detect_each(pictures[::-1]), strict=True)
        for i, (one, other) in enumerate(both):
            assert same(one, wanted[i])
            assert same(other, wanted[-1 - i])
            assert all(map(same, detector.detect(pictures[:3]), wanted[:3]))
        left_open.close()

    def test_closed_in_the_middle_it_says_so(self, weights: Path) -> None:
        own = load_detector(weights, thresholds=LOW, device="cpu", precision="fp32")
        assert isinstance(own, StreamingDetector)
        found = own.detect_each([noise(72, 128)] * 200)
        next(found)
        own.close()
        with pytest.raises(ModelError, match="closed"):
            list(found)
