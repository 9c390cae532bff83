"""Published networks, as their authors exported them: the detector's boxes are those of a decode written out here in
plain loops, from the same outputs, and are where the labels of real pictures have objects."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from rtdet.backends.openvino import load_openvino
from rtdet.detectors.graph_detector import GraphDetector
from rtdet.geometry.boxes import iou
from rtdet.types import Thresholds

Rows = list[tuple[list[float], float, int]]
THRESHOLD = 0.3


def yolov8(outputs: list[np.ndarray], side: int) -> Rows:
    return [
        ([x - w / 2, y - h / 2, x + w / 2, y + h / 2], max(classes), int(np.argmax(classes)))
        for x, y, w, h, *classes in outputs[0][0].T.tolist()
        if max(classes) >= THRESHOLD
    ]


def yolov5(outputs: list[np.ndarray], side: int) -> Rows:
    found = []
    for x, y, w, h, objectness, *classes in outputs[0][0].tolist():
        score = objectness * max(classes)
        if score >= THRESHOLD:
            box = [(x - w / 2) * side, (y - h / 2) * side, (x + w / 2) * side, (y + h / 2) * side]
            found.append((box, score, int(np.argmax(classes))))
    return found


def yolo26(outputs: list[np.ndarray], side: int) -> Rows:
    return [(row[:4], row[4], round(row[5])) for row in outputs[0][0].tolist() if row[4] >= THRESHOLD]


def by_level(outputs: list[np.ndarray], side: int, strides: tuple[int, ...]) -> Rows:
    found = []
    for level, stride in enumerate(strides):
        scores, distances = outputs[level][0], outputs[level + len(strides)][0]
        for i in range(len(scores)):
            if scores[i].max() < THRESHOLD:
                continue
            x, y = (i % (side // stride) + 0.5) * stride, (i // (side // stride) + 0.5) * stride
            reach = []
            for k in range(4):
                weights = np.exp(distances[i, 8 * k : 8 * k + 8].astype(float))
                reach.append(float((weights / weights.sum() * np.arange(8)).sum()) * stride)
            box = [x - reach[0], y - reach[1], x + reach[2], y + reach[3]]
            found.append((box, float(scores[i].max()), int(scores[i].argmax())))
    return found


def nanodet(outputs: list[np.ndarray], side: int) -> Rows:
    return by_level(outputs, side, (8, 16, 32))


def picodet(outputs: list[np.ndarray], side: int) -> Rows:
    return by_level(outputs, side, (8, 16, 32, 64))


def fastestdet(outputs: list[np.ndarray], side: int) -> Rows:
    found = []
    for y in range(22):
        for x in range(22):
            objectness, dx, dy, w, h, *classes = outputs[0][0, :, y, x].astype(float).tolist()
            score = objectness**0.6 * max(classes) ** 0.4
            if score >= THRESHOLD:
                cx, cy = (np.tanh(dx) + x) * 16, (np.tanh(dy) + y) * 16
                w, h = side / (1 + np.exp(-w)), side / (1 + np.exp(-h))
                box = [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]
                found.append((box, score, int(np.argmax(classes))))
    return found


NETWORKS: dict[str, tuple[str, Callable[[list[np.ndarray], int], Rows]]] = {
    "yolov8n.xml": ("yolov8", yolov8),
    "yolo11n_int8.onnx": ("yolov8", yolov8),
    "yolov5n_coco_fp16.tflite": ("yolov5", yolov5),
    "yolo26n_int8.onnx": ("end-to-end", yolo26),
    "nanodet_m_416.onnx": ("nanodet", nanodet),
    "picodet_s_320_coco.onnx": ("picodet", picodet),
    "fastestdet_coco.onnx": ("fastestdet", fastestdet),
}


@pytest.fixture(scope="module")
def labeled(shared_data: Path) -> list[tuple[np.ndarray, list[tuple[str, list[float]]]]]:
    """Three pictures, with the names and boxes (xyxy) of the objects in them."""
    folder = shared_data / "coco" / "val"
    content = json.loads((folder / "val.json").read_text())
    names = {one["id"]: one["name"] for one in content["categories"]}
    found = []
    for picture in content["images"][2:5]:
        objects = []
        for one in content["annotations"]:
            if one["image_id"] == picture["id"]:
                left, top, width, height = one["bbox"]
                objects.append((names[one["category_id"]], [left, top, left + width, top + height]))
        found.append((cv2.imread(str(folder / "images" / picture["file_name"])), objects))
    return found


@pytest.mark.parametrize("name", NETWORKS)
def test_its_boxes_are_those_of_a_plain_decode_and_lie_on_objects(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, labeled: list, name: str
) -> None:
    monkeypatch.setenv("RTDET_CACHE", str(tmp_path))
    family, plain = NETWORKS[name]
    path = shared_data / "weights" / name
    detector = GraphDetector(path, thresholds=Thresholds(THRESHOLD, 0.5), device="cpu", precision="fp32")
    assert detector.head_name == family
    assert len(detector.class_names) == 80
    compiled = load_openvino().Core().compile_model(str(path), "CPU")
    on_objects = 0
    for picture, objects in labeled:
        (found,) = detector.detect([picture])
        size = detector._fixed
        assert size is not None
        arrays, back = detector._inputs(picture, size, detector._head)
        outputs = [np.array(value) for value in compiled(arrays).values()]
        expected = plain(outputs, size[0])
        boxes = back.undo(np.array([box for box, _, _ in expected]).reshape(-1, 4))
        for i in range(len(found)):
            same = [
                k
                for k, (_, score, label) in enumerate(expected)
                if label == found.labels[i] and abs(score - found.scores[i]) < 2e-3
            ]
            assert np.abs(boxes[same] - found.boxes[i]).max(axis=1).min() < 0.5
            on_objects += any(
                truth == found.name_of(i) and iou(found.boxes[i : i + 1], np.array([box]))[0, 0] > 0.5
                for truth, box in objects
            )
        # What is left out overlaps something better of its class.
        for box, (_, score, label) in zip(boxes, expected, strict=True):
            rivals = found.boxes[(found.labels == label) & (found.scores >= score - 2e-3)]
            assert len(rivals)
            assert iou(box[None], rivals).max() > 0.45
    detector.close()
    assert on_objects >= 3
