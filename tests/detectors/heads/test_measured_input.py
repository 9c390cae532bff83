"""The range of values that a network takes, found by running it on a rendered street."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtdet.detectors.graph_detector import GraphDetector
from rtdet.detectors.heads.head import street_picture
from rtdet.detectors.heads.input_spec import InputSpec, fit_picture
from rtdet.types import Thresholds
from tests.detectors.heads.makers import MAKERS, Made


class SeesTheStreet(Made):
    """Answers to the street, letterboxed, as a made network else does to its one colour."""

    scale: float = 1.0

    def _wanted(self) -> np.ndarray:
        fitted, _ = fit_picture(street_picture(), self.size, InputSpec())
        return np.asarray(fitted[..., ::-1].mean(axis=(0, 1)) / self.scale, dtype=np.float32)

    def _tolerance(self) -> float:
        return 1.0 / self.scale


class InFractions(SeesTheStreet):
    scale = 255.0


@pytest.fixture
def made() -> Made:
    return next(one for one in MAKERS["yolov8"]() if one.name == "pixels")


def opened(kind: type[Made], made: Made, folder: Path, **options: str) -> GraphDetector:
    network = kind(**vars(replace(made)))
    return GraphDetector(
        network.save(folder / "made.onnx"), thresholds=Thresholds(0.3, 0.9), device="cpu", **options
    )


def test_a_network_that_sees_only_pixels_to_255_gets_them_and_it_is_said_once(
    made: Made, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "rtdet.detectors"):
        detector = opened(SeesTheStreet, made, tmp_path)
    assert str(detector.input) == "rgb,0..255,letterbox"
    assert len(detector.detect([street_picture()])[0]) == len(made.objects)
    detector.close()
    assert caplog.text.count("--input rgb,0..255,letterbox") == 1


def test_the_usual_range_stays_where_it_works_and_where_nothing_does(made: Made, tmp_path: Path) -> None:
    for kind in (InFractions, Made):
        detector = opened(kind, made, tmp_path)
        assert str(detector.input) == "rgb,0..1,letterbox"
        detector.close()


def test_what_the_user_says_is_not_measured(made: Made, tmp_path: Path) -> None:
    detector = opened(SeesTheStreet, made, tmp_path, input="0..1")
    assert str(detector.input) == "rgb,0..1,letterbox"
    detector.close()
