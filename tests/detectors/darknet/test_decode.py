from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from rtdet.detectors.darknet.decode import decode
from rtdet.detectors.darknet.layers import Detection, Region, Yolo
from rtdet.detectors.darknet.network import read_network
from rtdet.geometry.boxes import diou, iou
from rtdet.geometry.nms import nms


def head(text: str, tmp_path: Path) -> Yolo | Region | Detection:
    path = tmp_path / "head.cfg"
    path.write_text(text)
    return read_network(path).heads[0]


def test_yolo_puts_a_box_on_its_cell_with_the_size_of_its_anchor(nets: ModuleType, tmp_path: Path) -> None:
    one = head(
        nets.net(64) + nets.conv(4, 3, 16) + nets.out(16) + nets.yolo((0, 1), "10,20, 30,8", 3), tmp_path
    )
    output = np.full((16, 4, 4), -20, dtype=np.float32)
    output[8:12, 2, 1] = 0, 0, np.log(2), 0
    output[12, 2, 1] = 20
    output[13:, 2, 1] = -20, 20, -20
    found = decode(one, output, (64, 64), 0.25)
    np.testing.assert_allclose(found.boxes * 64, [[24 - 30, 40 - 4, 24 + 30, 40 + 4]], atol=1e-4)
    assert found.labels.tolist() == [1]
    assert found.scores == pytest.approx(1, abs=1e-6)


def test_yolov1_squares_the_sizes_where_they_are_roots(nets: ModuleType, tmp_path: Path) -> None:
    for square in (0, 1):
        text = nets.net(32) + nets.section("connected", output=28, activation="linear")
        text += nets.section("detection", classes=2, coords=4, side=2, num=1, sqrt=square, softmax=0)
        one = head(text, tmp_path)
        output = np.zeros(28, dtype=np.float32)
        output[2 * 1 : 2 * 1 + 2] = 0.2, 0.9  # class scores of the cell at the top right
        output[8 + 1] = 0.5
        output[12 + 4 : 12 + 8] = 0.5, 0.25, 0.5, 0.7
        found = decode(one, output.reshape(28, 1, 1), (32, 32), 0.25)
        w, h = (0.25, 0.49) if square else (0.5, 0.7)
        np.testing.assert_allclose(
            found.boxes, [[0.75 - w / 2, 0.125 - h / 2, 0.75 + w / 2, 0.125 + h / 2]], atol=1e-6
        )
        np.testing.assert_allclose(found.scores, [0.45], atol=1e-6)
        assert found.labels.tolist() == [1]


def test_a_tree_of_classes_is_followed_as_far_as_it_is_sure(nets: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "animals.tree").write_text("thing -1\nanimal -1\ncat 1\ndog 1\nterrier 3\nspaniel 3\n")
    text = (
        nets.net(8)
        + nets.out(11)
        + nets.section("region", classes=6, num=1, coords=4, anchors="1,1", tree="x/animals.tree")
    )
    one = head(text, tmp_path)
    assert isinstance(one, Region)
    assert one.tree is not None
    assert one.tree.groups == ((0, 2), (2, 4), (4, 6))

    def label(*values: float) -> int:
        output = np.full((11, 8, 8), -20, dtype=np.float32)
        output[4, 0, 0] = 3
        output[5:, 0, 0] = values
        found = decode(one, output, (8, 8), 0.3)
        np.testing.assert_allclose(found.scores, [1 / (1 + np.exp(-3))], atol=1e-6)
        return int(found.labels[0])

    assert label(9, 0, 0, 0, 0, 0) == 0  # a thing, which has no kinds
    assert label(0, 9, 0, 0, 0, 0) == 1  # an animal of which the kind is open
    assert label(0, 9, 0, 9, 0, 0) == 3
    assert label(0, 9, 0, 9, 0, 9) == 5
    assert label(0, 0.1, 9, 0, 0, 0) == 1  # unsure at the top: the better of the two


def test_a_region_without_softmax_has_a_score_for_each_class_of_its_own(
    nets: ModuleType, tmp_path: Path
) -> None:
    text = (
        nets.net(8)
        + nets.out(7)
        + nets.section("region", classes=2, num=1, coords=4, anchors="2,1", softmax=0, classfix=-1)
    )
    one = head(text, tmp_path)
    output = np.zeros((7, 8, 8), dtype=np.float32)
    output[4] = -0.1  # just below a half: none, as classfix=-1 says
    output[4, 3, 2] = 0.1
    output[5:, 3, 2] = 1, 2
    found = decode(one, output, (8, 8), 0.01)
    np.testing.assert_allclose(found.boxes * 8, [[1.5, 3, 3.5, 4]], atol=1e-6)
    np.testing.assert_allclose(found.scores, [1 / (1 + np.exp(-0.1)) / (1 + np.exp(-2))], atol=1e-6)


def test_wild_outputs_give_numbers(nets: ModuleType, tmp_path: Path) -> None:
    one = head(
        nets.net(64) + nets.conv(4, 3, 16) + nets.out(16) + nets.yolo((0, 1), "10,20, 30,8", 3), tmp_path
    )
    output = np.full((16, 4, 4), 3e38, dtype=np.float32)
    found = decode(one, output, (64, 64), 0.25)
    assert np.isfinite(found.boxes).all()
    assert np.isfinite(found.scores).all()


def test_distance_iou_keeps_neighbours_that_iou_would_drop() -> None:
    boxes = np.array([[0, 0, 10, 10], [3, 0, 13, 10], [0, 0, 10, 10.5]], dtype=float)
    scores = np.array([0.9, 0.8, 0.7])
    np.testing.assert_allclose(diou(boxes[:1], boxes[1:2]), iou(boxes[:1], boxes[1:2]) - 9 / 269)
    assert nms(boxes, scores, 0.5).tolist() == [0]
    assert nms(boxes, scores, 0.5, lambda a, b: diou(a, b, 0.6)).tolist() == [0, 1]
    empty = np.zeros((1, 4))
    assert diou(empty, empty)[0, 0] == 0


def test_the_nms_kind_of_the_cfg_is_used(save_pair: Callable[..., Path], nets: ModuleType) -> None:
    from rtdet.detectors.darknet.detector import DarknetDetector
    from rtdet.types import Thresholds

    counts = []
    for kind in ("greedynms", "diounms"):
        text = nets.SMALL["v4-like"].replace("[yolo]", f"[yolo]\nnms_kind={kind}\nbeta_nms=0.6")
        detector = DarknetDetector(
            save_pair(text, kind), thresholds=Thresholds(0.0, iou=0.3, max_detections=1000)
        )
        counts.append(len(detector.detect([np.zeros((64, 64, 3), np.uint8)])[0]))
        detector.close()
    assert counts[0] < counts[1]
