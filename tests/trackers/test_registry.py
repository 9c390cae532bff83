"""Trackers and their settings by name."""

from __future__ import annotations

import numpy as np
import pytest

from rtdet.errors import UnknownNameError, UsageError
from rtdet.trackers.registry import load_tracker, parse_setting, tracker_settings


def test_an_unknown_tracker_is_answered_with_the_nearest_names():
    with pytest.raises(UnknownNameError, match="did you mean sort"):
        load_tracker("srot")


def test_settings_reach_the_tracker():
    tracker = load_tracker("sort", max_age=np.int64(7), min_score=0, fps=25)
    assert (tracker.max_age, tracker.min_score, tracker.fps) == (7, 0, 25)


def test_the_settings_of_a_tracker_can_be_listed():
    assert {"max_age", "min_hits", "iou_threshold", "min_score"} <= set(tracker_settings("sort"))


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("max_age", "7", 7),
        ("iou_threshold", ".5", 0.5),
        ("iou_threshold", "1", 1),
        ("confirm_once", "true", True),
        ("confirm_once", "0", False),
        ("fps", "none", None),
        ("fps", "29.97", 29.97),
    ],
)
def test_a_setting_is_read_from_text(key, text, value):
    parsed = parse_setting("sort", key, text)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("max_age", "1.5"),
        ("max_age", "true"),
        ("iou_threshold", "much"),
        ("confirm_once", "2"),
        ("min_score", "nan"),
    ],
)
def test_a_text_of_another_kind_is_one_line_that_names_the_setting(key, text):
    with pytest.raises(UsageError, match=key):
        parse_setting("sort", key, text)


@pytest.mark.parametrize("name", ["rtdet", "bytetrack", "ocsort", "sort"])
def test_tracks_begin_at_the_confidence_that_is_asked_for(name) -> None:
    from rtdet.types import Detections

    def tracks_of(score: float, **given: float) -> int:
        tracker = load_tracker(name, fps=25.0, **given) if name != "sort" else load_tracker(name, **given)
        for i in range(6):
            tracks = tracker.update(Detections([[10 + i, 10, 50 + i, 90]], [score]), i / 25)
        return len(tracks)

    assert tracks_of(0.5, confidence=0.3) == 1
    assert tracks_of(0.2, confidence=0.3) == 0
    assert tracks_of(0.9) == 1
    with pytest.raises(UsageError, match="between 0 and 1, not 25"):
        load_tracker(name, confidence=25)
