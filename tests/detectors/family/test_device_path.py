"""The way of pictures on a GPU, computed by the CPU: what it finds is what the way by NumPy finds."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest
import torch

from rtdet.backends.torch import TorchNetwork
from rtdet.backends.torch_static import Recorded, obstacle
from rtdet.demo import DemoScene
from rtdet.detectors.family.detector import FamilyDetector, NetworkDetector
from rtdet.detectors.family.device_path import DevicePath, SSDCandidates, Whole
from rtdet.detectors.family.device_scaling import Fit, RowsOf, Scaling
from rtdet.detectors.family.device_selection import KEPT, Candidates, Selection, asked, best_rows
from rtdet.detectors.family.postprocess import postprocess
from rtdet.detectors.family.registry import build, new_config
from rtdet.detectors.registry import model_card, weights_of
from rtdet.detectors.selection import MAX_CANDIDATES
from rtdet.detectors.ssd.config import SSDConfig
from rtdet.detectors.ssd.detector import SSDDetector
from rtdet.detectors.ssd.postprocess import postprocess as ssd_postprocess
from rtdet.detectors.ssd.priors import make_priors
from rtdet.errors import ModelError
from rtdet.geometry.letterbox import Letterbox, letterbox, stretch_unrounded
from rtdet.types import Detections, Thresholds

NAMES = ("cat", "dog", "cow", "owl")
SIZES = [
    (1920, 1080),
    (1280, 720),
    (640, 480),
    (300, 300),
    (97, 211),
    (50, 33),
    (600, 600),
    (1, 1),
    (3840, 17),
]


def picture(width: int, height: int, seed: int = 0) -> np.ndarray:
    """Coarse noise: a shift by a part of a pixel would show."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (max(1, height // 3), max(1, width // 3), 3), dtype=np.uint8)
    return np.asarray(cv2.resize(small, (width, height)))


class TestScaling:
    @pytest.mark.parametrize("image", SIZES)
    @pytest.mark.parametrize("size", [(300, 300), (416, 256), (64, 96)])
    @pytest.mark.parametrize("is_stretched", [True, False])
    def test_it_has_the_geometry_of_cv2(
        self, image: tuple[int, int], size: tuple[int, int], is_stretched: bool
    ) -> None:
        one = picture(*image)
        fit = Fit(image, size, is_stretched)
        rows = np.empty(RowsOf(one, fit.rows).shape, np.uint8)
        RowsOf(one, fit.rows).write_to(rows)
        (found,) = Scaling(fit)(torch.from_numpy(rows)).permute(0, 2, 3, 1).numpy()
        wanted, back = stretch_unrounded(one, size) if is_stretched else letterbox(one, size)
        difference = np.abs(found - wanted.astype(np.float64))
        assert difference.max() <= 1
        assert difference.mean() < 0.05
        assert fit.back == back

    def test_of_a_large_picture_only_the_rows_that_matter_go_to_the_device(self) -> None:
        assert len(Fit((1920, 1080), (300, 300), True).rows) == 600
        assert len(Fit((1920, 1080), (640, 384), False).rows) == 720
        assert len(Fit((1920, 1080), (1920, 1088), False).rows) == 1080
        assert len(Fit((64, 48), (300, 300), True).rows) == 48

    def test_a_view_of_a_picture_is_as_good_as_the_picture(self) -> None:
        one = picture(80, 60)[::-1, 10:70]
        rows = Fit((60, 60), (30, 30), True).rows
        out = np.empty((1, len(rows), 60, 3), np.uint8)
        RowsOf(one, rows).write_to(out)
        np.testing.assert_array_equal(out[0], one[rows])


def some_boxes(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Boxes in crowds, and scores (N, C)."""
    rng = np.random.default_rng(seed)
    centers = rng.uniform(0, 300, (max(1, count // 6), 2))[rng.integers(0, max(1, count // 6), count)]
    sizes = rng.uniform(15, 60, (count, 2))
    centers = centers + rng.normal(0, 6, (count, 2))
    boxes = np.concatenate([centers - sizes / 2, centers + sizes / 2], 1).astype(np.float32)
    return boxes, (rng.random((count, len(NAMES))) ** 3).astype(np.float32)


def selected(
    boxes: np.ndarray,
    scores: np.ndarray,
    thresholds: Thresholds,
    back: Letterbox,
    suppression: str = "nms",
    count: int = MAX_CANDIDATES,
) -> tuple[np.ndarray, np.ndarray]:
    """The rows that are kept, and what is told of them."""
    wanted = np.array([not thresholds.classes or name in thresholds.classes for name in NAMES])
    wishes = torch.from_numpy(asked(thresholds, thresholds.iou, back, wanted))
    found = best_rows(
        torch.from_numpy(boxes)[None],
        torch.from_numpy(scores)[None],
        wishes[:, :1],
        wishes[:, 8:] > 0.5,
        count,
    )
    (rows,), (told,) = (part.numpy() for part in Selection(suppression)(found, wishes[:, :8]))
    return rows[rows[:, 6] == KEPT][: thresholds.max_detections], told


BACK = Letterbox((0.5, 0.5), (3.0, 7.0), (560, 540))


class TestSelection:
    @pytest.mark.parametrize("suppression", ["nms", "diou", "none"])
    @pytest.mark.parametrize("count", [0, 1, 7, 300, 1100])
    def test_it_chooses_what_numpy_chooses(self, count: int, suppression: str) -> None:
        for seed in range(2):
            boxes, scores = some_boxes(count, seed)
            for thresholds in (
                Thresholds(0.3, 0.45),
                Thresholds(0.05, 0.6, max_detections=20),
                Thresholds(0.4, 0.5, frozenset({"dog", "owl"}), low=0.1),
            ):
                wanted = postprocess(boxes, scores, BACK, thresholds, NAMES, suppression)
                rows, told = selected(boxes, scores, thresholds, BACK, suppression)
                assert told[1] == 1
                assert rows[:, 5].astype(int).tolist() == wanted.labels.tolist()
                np.testing.assert_allclose(rows[:, :4], wanted.boxes, atol=1e-3)
                np.testing.assert_allclose(rows[:, 4], wanted.scores, atol=1e-6)

    def test_boxes_that_are_none_are_left_out(self) -> None:
        boxes, scores = some_boxes(6, 0)
        boxes[0], boxes[1], boxes[2] = np.nan, (5, 5, 5, 9), (-50, -50, -10, -10)
        boxes[3] = (0, 0, np.inf, np.inf)
        scores[4] = np.nan
        thresholds = Thresholds(0.0, 0.5)
        wanted = postprocess(boxes, scores, BACK, thresholds, NAMES)
        rows, _ = selected(boxes, scores, thresholds, BACK)
        np.testing.assert_allclose(rows[:, :4], wanted.boxes, atol=1e-3)

    def test_it_tells_how_many_candidates_there_were(self) -> None:
        boxes, scores = some_boxes(400, 1)
        _, told = selected(boxes, scores, Thresholds(0.2), BACK, count=50)
        assert told[0] == np.count_nonzero(scores.max(1) >= np.float32(0.2)) > 50

    def test_equal_scores_stay_in_their_order(self) -> None:
        boxes = np.array([[i * 40, 0, i * 40 + 30, 30] for i in range(12)], np.float32)
        scores = np.full((12, len(NAMES)), 0.5, np.float32)
        rows, _ = selected(boxes, scores, Thresholds(0.2), Letterbox((1, 1), (0, 0), (600, 600)), count=5)
        assert np.argsort(rows[:, 0], kind="stable").tolist() == [0, 1, 2, 3, 4]

    def test_a_chain_that_is_too_long_is_told(self) -> None:
        # Each box overlaps its two neighbours alone: which of them stay is known from the first on, one by one.
        boxes = np.array([[i * 10, 0, i * 10 + 30, 30] for i in range(45)], np.float32)
        scores = np.linspace(0.9, 0.5, 45, dtype=np.float32)[:, None] * np.ones((1, len(NAMES)), np.float32)
        _, told = selected(boxes, scores, Thresholds(0.2, 0.4), Letterbox((1, 1), (0, 0), (900, 900)))
        assert told[1] == 0

    @pytest.mark.parametrize("name", ["ssd300", "csp-n"])
    def test_of_an_ssd_it_decodes_what_it_chooses(self, name: str) -> None:
        """With a background, where each class of a prior counts, and without."""
        rng = np.random.default_rng(2)
        config = new_config(name, NAMES)
        assert isinstance(config, SSDConfig)
        size = config.input_size or (256, 192)
        priors = make_priors(config.levels, size)
        offsets = rng.normal(0, 0.5, (len(priors), 4)).astype(np.float32)
        logits = rng.normal(-1, 2, (len(priors), len(NAMES) + config.background)).astype(np.float32)
        thresholds = Thresholds(0.85, 0.45, frozenset({"cat", "owl"}), max_detections=1000)
        back = Letterbox((size[0] / 640, size[1] / 480), (0, 0), (640, 480))
        wanted = ssd_postprocess(
            offsets, logits, priors, back, thresholds, NAMES, background=config.background
        )
        wishes = torch.from_numpy(asked(thresholds, 0.45, back, np.array([True, False, False, True])))
        given = (torch.from_numpy(part)[None] for part in (offsets, logits))
        (rows,), ((found, _),) = Selection()(SSDCandidates(config, size)(*given, wishes, 1000), wishes[:, :8])
        kept = rows[rows[:, 6] == KEPT].numpy()
        assert found < MAX_CANDIDATES
        assert len(kept) == len(wanted) > 20
        np.testing.assert_allclose(kept[:, :4], wanted.boxes, atol=1e-2)
        np.testing.assert_allclose(kept[:, 4], wanted.scores, atol=1e-5)
        assert kept[:, 5].astype(int).tolist() == wanted.labels.tolist()

    def test_nothing_of_it_needs_a_look_by_the_host(self) -> None:
        boxes, scores = some_boxes(50, 0)
        found = Candidates(
            torch.from_numpy(boxes)[None], torch.from_numpy(scores[:, 0])[None], torch.zeros(1, 50).long(),
            torch.tensor([50]),
        )  # fmt: skip
        numbers = torch.from_numpy(asked(Thresholds(), 0.5, BACK, np.ones(4, bool)))[:, :8]
        for suppression in ("nms", "diou", "none"):
            step = lambda inputs, s=suppression: list(Selection(s)(found, inputs[0]))  # noqa: E731
            assert obstacle(step, [numbers]) is None


def assert_near(found: list[Detections], wanted: list[Detections]) -> None:
    """The same objects: boxes within .5 px, scores within .01, in whatever order equal scores are."""
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert len(one) == len(other)
        assert one.class_names == other.class_names
        left = list(range(len(other)))
        for row in range(len(one)):
            near = min(
                left,
                key=lambda k: (
                    np.abs(one.boxes[row] - other.boxes[k]).max() + 1e3 * (one.labels[row] != other.labels[k])
                ),
            )
            left.remove(near)
            np.testing.assert_allclose(one.boxes[row], other.boxes[near], atol=0.5)
            assert abs(one.scores[row] - other.scores[near]) < 0.01


@pytest.fixture(scope="module")
def frames() -> list[np.ndarray]:
    scene = DemoScene(duration_s=8.0)
    return [np.asarray(cv2.resize(scene.render(index), (640, 360))) for index in (5, 115)]


@pytest.fixture(scope="module")
def embedded() -> SSDDetector:
    weights = weights_of(model_card("rtdet-n"))
    return SSDDetector(weights, backend="torch", device="cpu", precision="fp32", imgsz=320)


def path_of(detector: NetworkDetector, **settings: bool) -> DevicePath:
    network = detector.network
    assert isinstance(network, TorchNetwork)
    ((size, _precision),) = detector._networks
    return DevicePath(network, detector.config, size, **settings)  # type: ignore[arg-type]


class TestDetections:
    @pytest.mark.parametrize("scales", [True, False], ids=["device", "host"])
    def test_the_embedded_model_finds_what_it_finds_by_numpy(
        self, embedded: SSDDetector, frames: list[np.ndarray], scales: bool
    ) -> None:
        path = path_of(embedded, scales=scales)
        for thresholds in (Thresholds(), Thresholds(0.4, 0.3, frozenset({"car", "person"}), low=0.05)):
            embedded.thresholds = thresholds
            wanted = embedded.detect(frames)
            assert sum(map(len, wanted))
            assert_near(path.detect(frames, thresholds), wanted)
        path.close()

    def test_pictures_of_several_sizes_and_kinds_come_in_their_order(
        self, embedded: SSDDetector, frames: list[np.ndarray]
    ) -> None:
        class Decoded:
            """As a decoder gives pictures."""

            size = (640, 360)

            def bgr(self) -> np.ndarray:
                return frames[0]

            def scaled(self, size: tuple[int, int]) -> np.ndarray:
                return np.asarray(cv2.resize(frames[0], size))

        sizes = [(640, 360), (480, 270), (640, 360), (960, 540), (320, 180), (800, 450)]
        images = [np.asarray(cv2.resize(frames[i % 2], size)) for i, size in enumerate(sizes)]
        mixed = [*images[:2], Decoded(), *images[2:]]
        embedded.thresholds = Thresholds()
        path = path_of(embedded)
        assert_near(path.detect(mixed, embedded.thresholds), embedded.detect(mixed))  # type: ignore[arg-type]
        assert len(path._networks) == 5  # four sizes on the device, the others by the host
        path.close()

    def test_more_candidates_than_usual_are_found_all(
        self, embedded: SSDDetector, frames: list[np.ndarray]
    ) -> None:
        embedded.thresholds = Thresholds(1e-5, 0.5)
        path = path_of(embedded)
        (found,), (wanted,) = path.detect(frames[:1], embedded.thresholds), embedded.detect(frames[:1])
        assert len(found) == pytest.approx(len(wanted), abs=3)
        np.testing.assert_allclose(found.scores[:20], wanted.scores[:20], atol=0.01)
        assert path._count == MAX_CANDIDATES
        path.close()

    def test_all_of_it_is_one_recorded_step(self, embedded: SSDDetector, frames: list[np.ndarray]) -> None:
        embedded.thresholds = Thresholds()
        network = embedded.network
        assert isinstance(network, TorchNetwork)
        network.is_static = True
        try:
            path = path_of(embedded)
            assert_near(path.detect(frames, embedded.thresholds), embedded.detect(frames))
            (opened,) = path._networks.values()
            assert isinstance(opened._step, Recorded)
            assert None not in opened._step._recordings.values()
            path.close()
        finally:
            network.is_static = False


class TestDetectors:
    """A detector goes that way by itself where the device is a GPU; here the CPU is taken for one."""

    @pytest.fixture
    def detector(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[SSDDetector]:
        monkeypatch.setattr("rtdet.detectors.family.detector._WHOLE_WAY", ("cpu",))
        weights = weights_of(model_card("rtdet-n"))
        detector = SSDDetector(weights, backend="torch", device="cpu", precision="fp32", imgsz=320)
        yield detector
        detector.close()

    def test_it_finds_what_it_finds_by_the_host(
        self, detector: SSDDetector, embedded: SSDDetector, frames: list[np.ndarray]
    ) -> None:
        embedded.thresholds = detector.thresholds
        found = detector.detect(frames)
        (path,) = detector._paths.values()
        assert path is not None
        assert path._doubts == 0
        assert set(detector.last_ms) == {"preprocess", "infer", "suppress"}
        (size,) = detector._paths
        assert_near(found, list(embedded._detect_by_host(frames, size)))

    def test_where_the_device_fails_at_it_the_host_does_its_part(
        self, detector: SSDDetector, frames: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Whole, "forward", lambda *_: torch.zeros(3).view(7))
        assert sum(map(len, detector.detect(frames)))
        assert list(detector._paths.values()) == [None]
        assert sum(map(len, detector.detect(frames)))

    def test_where_the_device_calculates_wrongly_the_host_does_its_part(
        self, detector: SSDDetector, frames: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        right = Scaling.forward
        monkeypatch.setattr(Scaling, "forward", lambda self, rows: right(self, rows).flip(-1))
        found = detector.detect(frames)
        assert list(detector._paths.values()) == [None]
        (size,) = detector._paths
        assert_near(found, list(detector._detect_by_host(frames, size)))

    def test_what_fails_later_is_an_error(
        self, detector: SSDDetector, frames: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        detector.detect(frames)
        monkeypatch.setattr(Whole, "forward", lambda *_: torch.zeros(3).view(7))
        with pytest.raises(ModelError):
            detector.detect(frames)

    def test_a_family_that_decodes_itself_goes_that_way_too(
        self, monkeypatch: pytest.MonkeyPatch, frames: list[np.ndarray]
    ) -> None:
        monkeypatch.setattr("rtdet.detectors.family.detector._WHOLE_WAY", ("cpu",))
        torch.manual_seed(0)
        network = build(new_config("yolox-n", NAMES)).eval()
        detector = FamilyDetector(
            network, backend="torch", device="cpu", precision="fp32", imgsz=96, thresholds=Thresholds(1e-5)
        )
        found = detector.detect(frames)
        (path,) = detector._paths.values()
        (size,) = detector._paths
        assert path is not None
        wanted = list(detector._detect_by_host(frames, size))
        assert [len(one) for one in found] == [len(one) for one in wanted]
        for one, other in zip(found, wanted, strict=True):
            assert one.class_names == NAMES
            np.testing.assert_allclose(one.scores, other.scores, atol=1e-4)
        detector.close()

    def test_the_cpu_stays_with_numpy(self, embedded: SSDDetector, frames: list[np.ndarray]) -> None:
        embedded.detect(frames[:1])
        assert not embedded._paths
