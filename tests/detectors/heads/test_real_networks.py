"""Published networks, as their authors exported them: the detector's boxes are those of a plain decode of the same
outputs (`plain`), and are where the labels of real pictures have objects, or where a face is drawn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest

from rtdet.detectors.graph_detector import GraphDetector
from rtdet.detectors.retinaface.drawing import draw_face
from rtdet.geometry.boxes import iou
from rtdet.types import Detections, Thresholds
from tests.detectors.heads import plain
from tests.detectors.heads.plain import THRESHOLD, Decode

Picture = tuple[np.ndarray, list[tuple[str, list[float]]]]


class Real(NamedTuple):
    """family: as it should be recognised. classes: how many it has. least: of what it finds lie on objects."""

    family: str
    decode: Decode
    classes: int = 80
    least: int = 3


NETWORKS = {
    "yolox_nano_coco.onnx": Real("yolox", plain.yolox),
    "yolov8n.xml": Real("yolov8", plain.yolov8),
    "yolov8n-pose.xml": Real("yolov8", plain.yolov8_pose, 1, 1),
    "yolo11n_int8.onnx": Real("yolov8", plain.yolov8),
    "yolov5n_coco_fp16.tflite": Real("yolov5", plain.yolov5),
    "yolo26n_int8.onnx": Real("end-to-end", plain.yolo26),
    "nanodet_m_416.onnx": Real("nanodet", plain.nanodet),
    "picodet_s_320_coco.onnx": Real("picodet", plain.picodet),
    "fastestdet_coco.onnx": Real("fastestdet", plain.fastestdet),
    "yolo-fastestv2_coco.onnx": Real("yolo-fastestv2", plain.yolo_fastestv2),
    "mobilenetv3_centernet_coco.xml": Real("centernet", plain.ttfnet),
    "deimv2_hgnetv2_atto_coco.onnx": Real("rtdetr", plain.deim),
    "pedestrian-detection-adas-0002.xml": Real("detection-output", plain.detection_output, 1, 1),
}
FACES = {
    "face_mask_detection.pb": Real("ssd", plain.face_mask, 2),
    "dbfaceSmallH_resize.onnx": Real("centernet", plain.dbface, 1),
    "yunet_s.onnx": Real("yunet", plain.yunet, 1),
    "yunet_n_dynamic.onnx": Real("yunet", plain.yunet, 1),
    "version-RFB-320.onnx": Real("ssd", plain.ultraface, 1),
    "face_detection_front_128x128_barracuda.onnx": Real("blazeface", plain.blazeface, 1),
}


@pytest.fixture(scope="module")
def labeled(shared_data: Path) -> list[Picture]:
    """Three pictures and one of people, with the names and boxes (xyxy) of the objects in them."""
    folder = shared_data / "coco" / "val"
    content = json.loads((folder / "val.json").read_text())
    names = {one["id"]: one["name"] for one in content["categories"]}
    found = []
    large = {
        one["image_id"]
        for one in content["annotations"]
        if names[one["category_id"]] == "person" and one["bbox"][3] > 200
    }
    people = next(picture for picture in content["images"][5:] if picture["id"] in large)
    for picture in (*content["images"][2:5], people):
        objects = []
        for one in content["annotations"]:
            if one["image_id"] == picture["id"]:
                left, top, width, height = one["bbox"]
                objects.append((names[one["category_id"]], [left, top, left + width, top + height]))
        found.append((cv2.imread(str(folder / "images" / picture["file_name"])), objects))
    return found


@pytest.fixture(scope="module")
def faces() -> list[Picture]:
    pictures = [draw_face(height, 480) for height in (90, 140, 200)]
    return [(picture, [("face", box.tolist()), ("no mask", box.tolist())]) for picture, box in pictures]


def check(found: Detections, boxes: np.ndarray, expected: plain.Rows, *, suppressed: bool) -> None:
    """Each box is one of those of the plain decode, and what is left out overlaps something better of its class."""
    for i in range(len(found)):
        same = [
            k
            for k, (_, score, label) in enumerate(expected)
            if label == found.labels[i] and abs(score - found.scores[i]) < 2e-3
        ]
        assert np.abs(boxes[same] - found.boxes[i]).max(axis=1).min() < 0.5
    if not suppressed:
        assert len(found) == len(expected)
    for box, (_, score, label) in zip(boxes, expected, strict=True):
        rivals = found.boxes[(found.labels == label) & (found.scores >= score - 2e-3)]
        assert len(rivals)
        assert iou(box[None], rivals).max() > 0.45


@pytest.mark.parametrize("name", [*NETWORKS, *FACES])
def test_its_boxes_are_those_of_a_plain_decode_and_lie_on_objects(
    shared_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setenv("RTDET_CACHE", str(tmp_path))
    real = (NETWORKS | FACES)[name]
    path = shared_data / "weights" / name
    detector = GraphDetector(path, thresholds=Thresholds(THRESHOLD, 0.5), device="cpu", precision="fp32")
    assert detector.head_name == real.family
    assert len(detector.class_names) == real.classes
    on_objects = 0
    for picture, objects in request.getfixturevalue("faces" if name in FACES else "labeled"):
        (found,) = detector.detect([picture])
        look = detector.look(picture)
        expected = real.decode(look.outputs, look.size)
        boxes = look.back.undo(np.array([box for box, _, _ in expected]).reshape(-1, 4))
        check(found, boxes, expected, suppressed=not detector.head.is_selected)
        on_objects += sum(
            any(truth == found.name_of(i) and iou(found.boxes[i : i + 1], np.array([box]))[0, 0] > 0.4
                for truth, box in objects)
            for i in range(len(found))
        )  # fmt: skip
    detector.close()
    assert on_objects >= real.least
