"""Against what OpenCV 4.10 computes of the same files (make_reference.py), and on real pairs against the truth."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest

from rtdet.backends import open_network
from rtdet.detectors.darknet.decode import decode
from rtdet.detectors.darknet.detector import DarknetDetector
from rtdet.detectors.darknet.graph import make_graph
from rtdet.detectors.darknet.network import Network, read_network
from rtdet.detectors.darknet.weights import read_weights
from rtdet.geometry.boxes import cxcywh_to_xyxy, iou
from rtdet.types import Thresholds

REFERENCE = Path(__file__).with_name("opencv_4_10.npz")
EVERY = 29  # as in make_reference.py
SMALL = ("v3-like", "v4-like", "v2-like", "v2-like-nobn", "attention", "connected")
PUBLISHED = ("yolov3", "yolov3-tiny", "yolov4", "yolov4-tiny", "yolov2")


@pytest.fixture(scope="module")
def reference() -> dict[str, np.ndarray]:
    with np.load(REFERENCE) as arrays:
        return dict(arrays)


def run(cfg: Path, picture: Callable[..., np.ndarray]) -> tuple[Network, list[np.ndarray]]:
    network = read_network(cfg)
    graph = make_graph(network, read_weights(cfg.with_suffix(".weights"), network))
    opened = open_network(graph, (1, *network.picture), backend="openvino", precision="fp32")
    (outputs,) = opened.run_many([picture(network.picture)])
    opened.close()
    return network, list(outputs)


@pytest.mark.parametrize("name", SMALL)
def test_small_networks_give_opencvs_outputs(
    name: str, reference: dict[str, np.ndarray], nets: ModuleType, save_pair: Callable[..., Path]
) -> None:
    network, outputs = run(save_pair(nets.SMALL[name]), nets.picture)
    if not network.heads:
        np.testing.assert_allclose(outputs[0].reshape(-1), reference[f"{name}/head0"].reshape(-1), atol=1e-4)
    for i, output in enumerate(outputs[: len(network.heads)]):
        expected = reference[f"{name}/raw{i}"]
        assert expected.std() > 0.05  # neither dead nor all the same
        np.testing.assert_allclose(output, expected, atol=1e-4)


@pytest.mark.parametrize("name", SMALL[:-1])
def test_outputs_are_decoded_to_opencvs_boxes_and_scores(
    name: str, reference: dict[str, np.ndarray], nets: ModuleType, save_pair: Callable[..., Path]
) -> None:
    network = read_network(save_pair(nets.SMALL[name]))
    for i, head in enumerate(network.heads):
        # OpenCV's rows: for each cell its anchors, with centre and size, objectness, and scores of the classes.
        rows = (
            reference[f"{name}/head{i}"].reshape(-1, len(head.anchors), 5 + head.classes).transpose(1, 0, 2)
        )
        rows = rows.reshape(-1, 5 + head.classes)
        found = decode(head, reference[f"{name}/raw{i}"][0], network.size, 0.0)
        np.testing.assert_allclose(found.boxes, cxcywh_to_xyxy(rows[:, :4]), atol=1e-5)
        kept = (rows[:, 5:] > 0).all(axis=1)  # of [region], OpenCV has suppressed some already
        assert kept.mean() > 0.4
        np.testing.assert_allclose(found.scores[kept], rows[kept, 5:].max(axis=1), atol=1e-5)
        np.testing.assert_array_equal(found.labels[kept], rows[kept, 5:].argmax(axis=1))


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_structures_give_opencvs_outputs(
    name: str,
    reference: dict[str, np.ndarray],
    nets: ModuleType,
    save_pair: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RTDET_CACHE", str(REFERENCE))  # no folder: no compiled networks of 250 MB are kept
    _, outputs = run(save_pair(nets.PUBLISHED[name](64)), nets.picture)
    for i, output in enumerate(outputs):
        expected = reference[f"{name}/raw{i}"]
        scale = max(1.0, float(np.abs(expected).max()))
        np.testing.assert_allclose(output.reshape(-1)[::EVERY] / scale, expected / scale, atol=1e-3)


# Precision and recall on the validation pictures at IoU .5, at a score that makes up the balance of the two.
REAL = {
    "yolo-fastest-1.1-xl": (0.25, 0.53, 0.39),
    "yolo-fastest-voc-xl": (0.25, 0.54, 0.41),
    "MobileNetV2-YOLOv3-Nano-coco": (0.3, 0.52, 0.32),
    "yololite-v2-voc-trial3": (0.6, 0.40, 0.16),
    "yololite-v2-voc-trial3-nobn": (0.5, 0.26, 0.21),
}
COCO_NAMES = {
    "aeroplane": "airplane", "diningtable": "dining table", "motorbike": "motorcycle", "pottedplant": "potted plant",
    "sofa": "couch", "tvmonitor": "tv",
}  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_real_pairs_find_what_the_ground_truth_has(name: str, shared_data: Path) -> None:
    confidence, least_precision, least_recall = REAL[name]
    path = shared_data / "weights" / f"{name}.{'cfg' if len(name) % 2 else 'weights'}"
    detector = DarknetDetector(path, thresholds=Thresholds(confidence, iou=0.45))
    names = [COCO_NAMES.get(one, one) for one in detector.class_names]
    right, given, present = _counts(detector, names, shared_data / "coco" / "val")
    detector.close()
    # Rounded, as the figures beside the files are: a core with other instructions may lose one object of 515.
    assert round(right / given, 2) >= least_precision
    assert round(right / present, 2) >= least_recall


def _counts(detector: DarknetDetector, names: list[str], folder: Path) -> tuple[int, int, int]:
    """Right detections, all detections, and objects of the classes in `names`."""
    content = json.loads((folder / "val.json").read_text())
    categories = {category["id"]: category["name"] for category in content["categories"]}
    right = given = present = 0
    for entry in content["images"]:
        image = cv2.imread(str(folder / "images" / Path(entry["file_name"]).name))
        truth = [
            (names.index(categories[row["category_id"]]), row["bbox"])
            for row in content["annotations"]
            if row["image_id"] == entry["id"]
            and categories[row["category_id"]] in names
            and not row.get("iscrowd")
        ]
        (found,) = detector.detect([image])
        free = list(range(len(truth)))
        for box, label in zip(found.boxes, found.labels, strict=True):
            x, y, w, h = np.array([truth[i][1] for i in free], dtype=float).reshape(-1, 4).T
            overlaps = iou(box[None], np.stack([x, y, x + w, y + h], axis=1))[0]
            overlaps = overlaps * np.array([truth[i][0] == label for i in free], dtype=float)
            if len(free) and overlaps.max() >= 0.5:
                free.pop(int(overlaps.argmax()))
                right += 1
        given, present = given + len(found), present + len(truth)
    return right, given, present
