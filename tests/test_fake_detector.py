"""The scripted detector."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from rtdet.errors import ModelError
from rtdet.protocols import Detector
from rtdet.types import Detections, Thresholds
from tests.fake_detector import FakeDetector

PICTURE = np.zeros((48, 64, 3), np.uint8)


def test_it_says_its_lines_one_image_at_a_time_and_then_nothing():
    lines = [Detections([[0, 0, 9, 9]]), Detections([[1, 1, 9, 9], [2, 2, 9, 9]])]
    detector = FakeDetector(lines)
    assert isinstance(detector, Detector)
    assert [len(found) for found in detector.detect([PICTURE] * 3)] == [1, 2, 0]
    assert detector.detect([]) == []
    assert detector.images_seen == 3
    assert detector.batches == [3, 0]


def test_a_function_sees_the_image():
    detector = FakeDetector(lambda image: Detections([[0, 0, image.shape[1], image.shape[0]]]))
    assert detector.detect([PICTURE])[0].boxes.tolist() == [[0, 0, 64, 48]]


def test_thresholds_are_applied_and_the_best_come_first():
    found = Detections([[0, 0, 9, 9]] * 4, [0.3, 0.9, 0.1, 0.6], [0, 0, 0, 1])
    detector = FakeDetector(lambda _image: found, class_names=("person", "car"))
    assert detector.detect([PICTURE])[0].scores.tolist() == [0.9, 0.6, 0.3]
    detector.thresholds = Thresholds(classes=frozenset({"person"}), max_detections=1)
    answer = detector.detect([PICTURE])[0]
    assert answer.scores.tolist() == [0.9]
    assert answer.name_of(0) == "person"


def test_close_cuts_a_long_call_short_and_ends_it_for_good():
    detector = FakeDetector(latency_s=3600.0)
    threading.Timer(0.02, detector.close).start()
    began = time.monotonic()
    detector.detect([PICTURE])
    assert time.monotonic() - began < 60
    with pytest.raises(ModelError, match="closed"):
        detector.detect([PICTURE])
