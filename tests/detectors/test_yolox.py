from __future__ import annotations

import json
import logging
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest

from rtdet.detectors.graph_detector import GraphDetector
from rtdet.errors import ModelError, UsageError
from rtdet.geometry.boxes import iou
from rtdet.types import Detections, Thresholds

WEIGHTS = "weights/yolox_nano_coco.onnx"


def the_only(found: list[Detections]) -> Detections:
    assert len(found) == 1
    return found[0]


def test_spots_are_found_where_they_are_and_named(tiny_yolox: ModuleType, tmp_path: Path) -> None:
    path = tiny_yolox.save_tiny_yolox(tmp_path / "tiny.onnx", names="['red', 'blue']")
    image = tiny_yolox.picture(256, 256, (32, 64, 16, "red"), (160, 128, 16, "blue"))
    found = the_only(GraphDetector(path).detect([image]))
    by_name = {found.name_of(i): found.boxes[i] for i in range(len(found))}
    # The picture is halved to 128 px; a box is 16 px around the middle of its 8 px cell, and doubled again.
    np.testing.assert_allclose(by_name["red"], [24, 56, 56, 88], atol=0.5)
    np.testing.assert_allclose(by_name["blue"], [152, 120, 184, 152], atol=0.5)
    assert found.scores.min() > 0.9


@pytest.mark.parametrize(("width", "height"), [(640, 360), (360, 640), (256, 192), (128, 128), (400, 100)])
def test_pictures_of_any_aspect_give_boxes_in_their_own_pixels(
    tiny_yolox: ModuleType, tmp_path: Path, width: int, height: int
) -> None:
    detector = GraphDetector(tiny_yolox.save_tiny_yolox(tmp_path / "tiny.onnx"))
    cell = 8 * max(width, height) / 128
    left, top = round(2 * cell), round(cell)
    spot = (left, top, round(cell), "red")
    found = the_only(detector.detect([tiny_yolox.picture(width, height, spot)]))
    assert len(found) == 1
    center = (found.boxes[0, :2] + found.boxes[0, 2:]) / 2
    np.testing.assert_allclose(center, [left + cell / 2, top + cell / 2], atol=cell / 4 + 1)


def test_a_rectangular_input_gives_the_boxes_of_the_square_one(
    tiny_yolox: ModuleType, tmp_path: Path
) -> None:
    image = tiny_yolox.picture(640, 360, (80, 80, 40, "red"), (400, 200, 40, "blue"))
    wide = GraphDetector(tiny_yolox.save_tiny_yolox(tmp_path / "a.onnx"), precision="fp32")
    square = GraphDetector(tiny_yolox.save_tiny_yolox(tmp_path / "b.onnx", rigid=True), precision="fp32")
    one, other = the_only(wide.detect([image])), the_only(square.detect([image]))
    np.testing.assert_allclose(one.boxes, other.boxes, atol=1e-3)
    np.testing.assert_allclose(one.scores, other.scores, atol=1e-5)


def test_an_output_that_is_decoded_already_gives_the_same_boxes(
    tiny_yolox: ModuleType, tmp_path: Path
) -> None:
    image = tiny_yolox.picture(256, 256, (32, 64, 16, "red"), (160, 128, 16, "blue"))
    raw = GraphDetector(tiny_yolox.save_tiny_yolox(tmp_path / "raw.onnx"))
    decoded = GraphDetector(tiny_yolox.save_tiny_yolox(tmp_path / "decoded.onnx", decoded=True))
    assert decoded.network.precision == "fp32"  # pixels do not fit into bf16
    one, other = the_only(raw.detect([image])), the_only(decoded.detect([image]))
    np.testing.assert_allclose(one.boxes, other.boxes, atol=0.5)
    assert one.labels.tolist() == other.labels.tolist()


def test_a_model_with_a_fourth_level_is_read(tiny_yolox: ModuleType, tmp_path: Path) -> None:
    path = tiny_yolox.save_tiny_yolox(tmp_path / "p6.onnx", p6=True)
    image = tiny_yolox.picture(128, 128, (64, 64, 8, "blue"))
    found = the_only(GraphDetector(path).detect([image]))
    np.testing.assert_allclose(found.boxes, [[60, 60, 76, 76]], atol=0.5)


def test_a_dynamic_export_runs_at_the_size_asked_for(tiny_yolox: ModuleType, tmp_path: Path) -> None:
    path = tiny_yolox.save_tiny_yolox(tmp_path / "dynamic.onnx", size=None)
    image = tiny_yolox.picture(64, 64, (16, 32, 8, "red"))
    for imgsz in (64, 256):
        found = the_only(GraphDetector(path, imgsz=imgsz).detect([image]))
        best = found.boxes[0]
        assert iou(best[None], np.array([[16.0, 32, 24, 40]])).item() > 0.05
    assert the_only(GraphDetector(path, backend="onnxruntime").detect([image])).scores.size


def test_a_size_that_a_rigid_export_cannot_have_is_refused(tiny_yolox: ModuleType, tmp_path: Path) -> None:
    path = tiny_yolox.save_tiny_yolox(tmp_path / "rigid.onnx", rigid=True)
    with pytest.raises(UsageError, match="128x128"):
        GraphDetector(path, imgsz=256)
    GraphDetector(path, imgsz=128)
    with pytest.raises(UsageError, match="too small"):
        GraphDetector(path, imgsz=10)


def test_thresholds_hold_from_the_next_image_on(tiny_yolox: ModuleType, tmp_path: Path) -> None:
    path = tiny_yolox.save_tiny_yolox(tmp_path / "tiny.onnx", names="red, blue")
    detector = GraphDetector(path)
    image = tiny_yolox.picture(128, 128, (16, 16, 8, "red"), (64, 64, 8, "blue"), (96, 16, 8, "blue"))
    assert len(the_only(detector.detect([image]))) == 3
    detector.thresholds = Thresholds(classes=frozenset({"blue"}))
    assert the_only(detector.detect([image])).labels.tolist() == [1, 1]
    detector.thresholds = Thresholds(max_detections=1)
    assert len(the_only(detector.detect([image]))) == 1
    detector.thresholds = Thresholds(confidence=1.0)
    assert the_only(detector.detect([image])).boxes.shape == (0, 4)


def test_a_threshold_of_zero_is_bounded(tiny_yolox: ModuleType, tmp_path: Path) -> None:
    path = tiny_yolox.save_tiny_yolox(tmp_path / "tiny.onnx", size=(416, 416))
    detector = GraphDetector(path, thresholds=Thresholds(confidence=0.0, iou=1.0))
    found = the_only(detector.detect([tiny_yolox.picture(416, 416, (16, 16, 8, "red"))]))
    assert len(found) == 300
    assert (np.diff(found.scores) <= 0).all()


class TestNames:
    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("tiny.txt", "cat\ndog\n"),
            ("tiny.names", "cat\ndog"),
            ("tiny.toml", 'names = ["cat", "dog"]'),
            ("tiny.json", '["cat", "dog"]'),
            ("tiny.json", '{"classes": {"1": "dog", "0": "cat"}}'),
        ],
    )
    def test_come_from_a_file_beside_the_model(
        self, tiny_yolox: ModuleType, tmp_path: Path, name: str, text: str
    ) -> None:
        path = tiny_yolox.save_tiny_yolox(tmp_path / "tiny.onnx", names="['red', 'blue']")
        (tmp_path / name).write_text(text)
        assert list(GraphDetector(path).class_names) == ["cat", "dog"]

    @pytest.mark.parametrize("text", ["{0: 'cat', 1: 'dog'}", json.dumps(["cat", "dog"]), "cat,dog"])
    def test_come_from_what_the_exporter_left(
        self, tiny_yolox: ModuleType, tmp_path: Path, text: str
    ) -> None:
        path = tiny_yolox.save_tiny_yolox(tmp_path / "tiny.onnx", names=text)
        assert list(GraphDetector(path).class_names) == ["cat", "dog"]

    def test_are_those_of_coco_for_eighty_classes(self, tiny_yolox: ModuleType, tmp_path: Path) -> None:
        names = GraphDetector(tiny_yolox.save_tiny_yolox(tmp_path / "t.onnx", classes=80)).class_names
        assert (names[0], names[2], names[79], len(names)) == ("person", "car", "toothbrush", 80)

    def test_are_numbers_with_a_warning_otherwise(
        self, tiny_yolox: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.WARNING, "rtdet.detectors"):
            names = GraphDetector(tiny_yolox.save_tiny_yolox(tmp_path / "t.onnx", classes=3)).class_names
        assert list(names) == ["class_0", "class_1", "class_2"]
        assert "t.txt" in caplog.text

    def test_of_another_number_of_classes_are_an_error(self, tiny_yolox: ModuleType, tmp_path: Path) -> None:
        path = tiny_yolox.save_tiny_yolox(tmp_path / "tiny.onnx")
        (tmp_path / "tiny.txt").write_text("a\nb\nc\n")
        with pytest.raises(ModelError, match=r"tiny\.txt names 3 classes, but tiny\.onnx has 2"):
            GraphDetector(path)

    def test_that_cannot_be_read_are_an_error(self, tiny_yolox: ModuleType, tmp_path: Path) -> None:
        path = tiny_yolox.save_tiny_yolox(tmp_path / "tiny.onnx")
        (tmp_path / "tiny.json").write_text('{"names": ')
        with pytest.raises(ModelError, match=r"tiny\.json"):
            GraphDetector(path)


class TestBadFiles:
    def test_a_network_of_another_kind_is_refused_by_its_outputs(self, shared_data: Path) -> None:
        with pytest.raises(ModelError) as caught:
            GraphDetector(shared_data / "weights" / "osnet_x0_25_msmt17.onnx")
        message = str(caught.value)
        assert (
            "osnet_x0_25_msmt17.onnx is a classifier of 512 classes, or describes a picture by 512" in message
        )
        assert "\n" not in message

    def test_a_truncated_an_empty_and_a_renamed_file_are_refused(
        self, tiny_yolox: ModuleType, tmp_path: Path
    ) -> None:
        whole = tiny_yolox.save_tiny_yolox(tmp_path / "whole.onnx").read_bytes()
        contents = {
            "half": whole[: len(whole) // 2],
            "short": whole[:-1],
            "empty": b"",
            "text": b"hello\n" * 99,
        }
        for name, content in contents.items():
            path = tmp_path / f"{name}.onnx"
            path.write_bytes(content)
            for backend in ("openvino", "onnxruntime"):
                with pytest.raises(ModelError, match=name) as caught:
                    GraphDetector(path, backend=backend)
                assert "\n" not in str(caught.value)

    def test_an_xml_without_its_bin_or_with_half_of_it_is_refused(
        self, tiny_yolox: ModuleType, tmp_path: Path
    ) -> None:
        from rtdet.backends.openvino import load_openvino, read_graph

        graph = read_graph(tiny_yolox.save_tiny_yolox(tmp_path / "tiny.onnx", classes=80))
        path = tmp_path / "tiny.xml"
        load_openvino().save_model(graph, str(path), compress_to_fp16=False)
        assert GraphDetector(path).class_names[0] == "person"
        weights = path.with_suffix(".bin")
        weights.write_bytes(weights.read_bytes()[:100])
        with pytest.raises(ModelError, match=r"tiny\.xml"):
            GraphDetector(path)
        weights.unlink()
        with pytest.raises(ModelError, match=r"tiny\.xml"):
            GraphDetector(path)


class TestRealModel:
    """YOLOX-nano as its authors published it."""

    def test_people_are_found_where_the_ground_truth_has_them(self, shared_data: Path) -> None:
        detector = GraphDetector(shared_data / WEIGHTS)
        image = cv2.imread(str(next(shared_data.glob("mot/mot17-frames/**/*09*/**/*.jpg"))))
        found = the_only(detector.detect([image]))
        people = found[found.labels == 0]
        assert len(people) >= 3
        assert (people.boxes[:, 3] - people.boxes[:, 1] > 100).any()

    def test_every_backend_gives_the_same_boxes(self, shared_data: Path) -> None:
        """fp32: 0.1 px and 0.002 of score. bf16: each box found again with IoU > 0.7 and a score within 0.15."""
        frames = sorted(shared_data.glob("mot/mot17-frames/**/*.jpg"))[::5]
        images = [cv2.imread(str(path)) for path in frames]

        def detect(backend: str, precision: str) -> list[Detections]:
            detector = GraphDetector(shared_data / WEIGHTS, backend=backend, precision=precision)
            detector._fixed = (416, 416)  # ONNX Runtime knows only the exported shape
            return detector.detect(images)

        reference = detect("onnxruntime", "fp32")
        for one, other in zip(reference, detect("openvino", "fp32"), strict=True):
            np.testing.assert_allclose(other.boxes, one.boxes, atol=0.1)
            np.testing.assert_allclose(other.scores, one.scores, atol=0.002)
        for one, other in zip(reference, detect("openvino", "auto"), strict=True):
            sure = one[one.scores > 0.5]
            overlap = iou(sure.boxes, other.boxes) * (sure.labels[:, None] == other.labels)
            assert (overlap.max(axis=1) > 0.7).all()
            assert (np.abs(other.scores[overlap.argmax(axis=1)] - sure.scores) < 0.15).all()
