"""The parts of a detector's call, measured."""

from __future__ import annotations

import numpy as np
import pytest

from rtdet.detectors.part_times import PartTimes
from rtdet.detectors.registry import load_detector


def test_the_parts_of_a_call_are_all_of_it_and_a_call_that_fails_leaves_the_last():
    times = PartTimes()
    assert times.last_ms == {}
    with times.call(pictures=4):
        for _ in range(4):
            with times.preprocess:
                np.sort(np.arange(20_000.0) % 77)
            with times.suppress:
                pass
    measured = times.last_ms
    assert measured["preprocess"] > measured["suppress"] >= 0
    assert measured["infer"] >= 0
    with pytest.raises(ValueError, match="broken"), times.call(pictures=1), times.preprocess:
        raise ValueError("broken")
    assert times.last_ms is measured
    with times.call(pictures=0):
        pass
    assert times.last_ms is measured


def test_of_a_call_that_goes_on_the_last_pictures_are_measured_without_what_is_done_with_it(monkeypatch):
    now_s = 0.0
    monkeypatch.setattr("rtdet.detectors.part_times.perf_counter", lambda: now_s)
    times = PartTimes()

    def call():
        nonlocal now_s
        for preparing_s in (1.0, 2.0, *[3.0] * 8):
            with times.preprocess:
                now_s += preparing_s
            now_s += 4.0
            yield preparing_s

    seen = []
    for _ in times.each(call()):
        now_s += 100.0
        seen.append(times.last_ms)
    assert seen[0] == {"preprocess": 1e3, "infer": 4e3, "suppress": 0.0}
    assert [one["preprocess"] for one in seen[:3]] == [1e3, 1.5e3, 2e3]
    assert seen[-1] == {"preprocess": 3e3, "infer": 4e3, "suppress": 0.0}, "what is long ago is forgotten"


def test_answers_that_were_found_at_once_share_the_time(monkeypatch):
    now_s = 0.0
    monkeypatch.setattr("rtdet.detectors.part_times.perf_counter", lambda: now_s)
    times = PartTimes()

    def call():
        nonlocal now_s
        for pictures, seconds in ((4, 12.0), (2, 18.0)):
            now_s += seconds
            times.share(pictures)
            yield from range(pictures)

    assert [times.last_ms["infer"] / 1e3 for _ in times.each(call())] == [3, 3, 3, 3, 5, 5]


def test_a_detector_tells_the_times_of_its_last_call():
    detector = load_detector("rtdet-n")
    assert detector.last_ms == {}
    detector.detect([np.zeros((120, 160, 3), np.uint8)] * 3)
    assert list(detector.last_ms) == ["preprocess", "infer", "suppress"]
    assert min(detector.last_ms.values()) > 0
    detector.close()
