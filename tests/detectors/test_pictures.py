"""Detectors that take pictures find in them what they find in the converted arrays."""

from __future__ import annotations

import av
import numpy as np
import pytest

import rtdet
from rtdet.video.sources.decoded import DecodedPicture, picture_of
from rtdet.video.sources.picture import Converter, Orientation


def pictures(clip, size=None, count=3):
    """Some pictures of a film, made as large as `size` (width, height)."""
    with av.open(str(clip)) as container:
        frames = [frame for i, frame in enumerate(container.decode(video=0)) if i % 60 == 30][:count]
    frames = [frame if size is None else frame.reformat(*size, format="yuv420p") for frame in frames]
    return [picture_of(frame, Orientation(), Converter()) for frame in frames]


@pytest.fixture(scope="module")
def clip(shared_data):
    path = shared_data / "videos/bottle-detection.mp4"
    if not path.exists():
        pytest.skip("shared/data/videos is not here")
    return path


@pytest.fixture(scope="module")
def detector():
    detector = rtdet.load_detector("rtdet-n", thresholds=rtdet.Thresholds(0.15))
    yield detector
    detector.close()


@pytest.mark.parametrize("size", [None, (1280, 720)])
def test_what_is_found_in_a_picture_is_what_is_found_in_its_array(clip, detector, size):
    for picture in pictures(clip, size):
        assert isinstance(picture, DecodedPicture)
        found, expected = detector.detect([picture, picture.bgr()])
        assert len(found) > 0
        assert np.array_equal(found.boxes, expected.boxes)
        assert np.array_equal(found.scores, expected.scores)
        assert np.array_equal(found.labels, expected.labels)


def test_what_is_found_in_a_4k_picture_is_nearly_that_of_its_array(clip, detector):
    off, differs = [], []
    for picture in pictures(clip, (3840, 2160)):
        found = detector.detect([picture])[0]
        assert picture._bgr is None, "it was converted whole"
        for box, score, label in zip(found.boxes, found.scores, found.labels, strict=True):
            if score < 0.3:
                continue
            others = detector.detect([picture.bgr()])[0]
            distances = np.abs(others.boxes - box).max(axis=1) + 1e4 * (others.labels != label)
            off.append(distances.min() / 3840)
            differs.append(abs(others.scores[distances.argmin()] - score))
    assert len(off) >= 3
    assert np.median(off) * 416 < 0.25  # pixels of the network's input
    assert np.median(differs) < 0.02


def test_a_picture_of_another_kind_is_asked_for_its_array_only_at_its_own_size(detector):
    class Given:
        size = (640, 360)

        def bgr(self):
            raise AssertionError("converted whole")

        def scaled(self, size):
            self.asked = size
            return np.zeros((size[1], size[0], 3), np.uint8)

        shrunk = scaled

    picture = Given()
    assert len(detector.detect([picture])[0]) == 0
    assert picture.asked == (416, 234)
