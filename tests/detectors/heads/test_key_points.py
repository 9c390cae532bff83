"""Key points of networks that give them beside the boxes: in the pixels of the picture, where they belong."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtdet.detectors.graph_detector import GraphDetector
from rtdet.types import Thresholds
from tests.detectors.heads.makers import MAKERS, Made

SIDE = 320


def opened(made: Made, folder: Path) -> GraphDetector:
    return GraphDetector(made.save(folder / "made.onnx"), thresholds=Thresholds(0.3, 0.9), device="cpu")


def test_those_of_finished_rows_are_where_the_network_says(tmp_path: Path) -> None:
    made = next(one for one in MAKERS["end-to-end"]() if one.name == "with key points")
    rows = made.outputs["output0"].copy()
    points = np.array([[10 * k, 20 * k % SIDE, 0.5] for k in range(17)], np.float32)
    rows[0, 0, 6:] = points.ravel()
    detector = opened(replace(made, outputs={"output0": rows}), tmp_path)
    picture = np.ascontiguousarray(made.picture().repeat(2, axis=0).repeat(2, axis=1))
    (found,) = detector.detect([picture])
    detector.close()
    assert found.points is not None
    assert found.points.shape == (3, 17, 3)
    np.testing.assert_allclose(found.points[0], points * (2, 2, 1), atol=1e-4)


def test_nothing_of_a_network_of_seventeen_points_is_called_unused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = next(one for one in MAKERS["yolov8"]() if one.name == "pose")
    with caplog.at_level(logging.INFO, "rtdet.detectors"):
        detector = opened(made, tmp_path)
    (found,) = detector.detect([made.picture()])
    detector.close()
    assert found.points is not None
    assert found.points.shape == (1, 17, 3)
    np.testing.assert_allclose(found.points[0], [[20, 30, 0.5]] * 17, atol=1e-4)
    assert "does not use" not in caplog.text


def test_what_is_not_used_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = next(one for one in MAKERS["end-to-end"]() if one.name == "with masks")
    with caplog.at_level(logging.INFO, "rtdet.detectors"):
        detector = opened(made, tmp_path)
    (found,) = detector.detect([made.picture()])
    detector.close()
    assert found.points is None
    assert caplog.text.count("also gives masks, which rtdet does not use") == 1
