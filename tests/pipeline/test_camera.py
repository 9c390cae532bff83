"""The camera's motion, read beside the detector: in order, once a picture, and only for who has a use for it."""

from __future__ import annotations

import numpy as np
import pytest

from rtdet.pipeline import Pipeline, Policy


class NotedMotion:
    """Its step to a picture is a shift by that picture's grey value."""

    def __init__(self):
        self.followed, self.boxes, self.fails = [], [], False

    def read(self, image):
        if self.fails:
            raise ZeroDivisionError("no scene")
        number = int(image[0, 0, 0])
        self.followed.append(number)
        return Points(self, number) if len(self.followed) > 1 and self.followed[-2] != "reset" else None

    def reset(self):
        self.followed.append("reset")


class Points:
    def __init__(self, motion, number):
        self.motion, self.number = motion, number

    def transform(self, boxes):
        self.motion.boxes.append(boxes.tolist())
        return np.array([[1.0, 0, self.number], [0, 1, 0]])


@pytest.fixture
def follower(parts):
    class Follower(parts.Tracker):
        def __init__(self):
            super().__init__()
            self.steps = []

        def move_camera(self, transform):
            self.steps.append((len(self.updates), transform[0, 2]))

    return Follower()


def pipeline_of(parts, tracker, motion, count=8, **settings):
    settings = {"policy": Policy.WAIT, "batch_size": 3, **settings}
    return Pipeline(parts.Source(count), parts.Detector(), tracker, camera_motion=motion, **settings)


def test_the_tracker_gets_each_step_right_before_the_update_that_it_leads_to(parts, follower):
    motion = NotedMotion()
    pipeline = pipeline_of(parts, follower, motion)
    pipeline.compensate_camera(True)
    pipeline.start()
    assert pipeline.join()
    assert motion.followed == ["reset", *range(8)]
    assert follower.steps == [(number, number) for number in range(1, 8)]
    assert motion.boxes == [[[8.0, 8, 24, 40]]] * 7


def test_it_is_off_unless_asked_for(parts, follower):
    motion = NotedMotion()
    pipeline = pipeline_of(parts, follower, motion)
    pipeline.start()
    assert pipeline.join()
    assert motion.followed == follower.steps == []


def test_a_seek_begins_anew_and_a_picture_looked_at_again_is_not_followed_again(parts, follower):
    motion = NotedMotion()
    pipeline = pipeline_of(parts, follower, motion, 100, policy=Policy.LATEST, paced=True, batch_size=1)
    pipeline.compensate_camera(True)
    pipeline.pause()
    pipeline.start()
    for number, act in enumerate((pipeline.step, pipeline.step, lambda: pipeline.seek(2.0)), start=1):
        act()
        parts.until(lambda number=number: pipeline.stats().processed == number)
    pipeline.set_thresholds(pipeline._detect.part.thresholds)
    parts.until(lambda: pipeline._detect.part.calls == 4)
    pipeline.stop()
    assert motion.followed == ["reset", 0, 1, "reset", 50]
    assert follower.steps == [(1, 1)]


@pytest.mark.parametrize("name", ["Tracker", None])
def test_a_tracker_without_a_use_for_it_is_named_once_and_no_picture_is_followed(parts, caplog, name):
    motion = NotedMotion()
    tracker = parts.Tracker() if name else None
    pipeline = pipeline_of(parts, tracker, motion)
    pipeline.compensate_camera(True)
    pipeline.start()
    assert pipeline.join()
    assert motion.followed == []
    assert len(caplog.records) == 1
    assert ("FakeTracker" if name else "none") in caplog.text


def test_a_motion_that_fails_ends_the_run_with_its_error(parts, follower):
    motion = NotedMotion()
    motion.fails = True
    pipeline = pipeline_of(parts, follower, motion)
    pipeline.compensate_camera(True)
    pipeline.start()
    with pytest.raises(ZeroDivisionError, match="no scene"):
        pipeline.join()


def test_a_detector_that_never_returns_leaves_no_thread_of_the_camera_behind(parts, follower):
    trouble = parts.Trouble("deaf", 3)
    pipeline = Pipeline(
        parts.Source(100), parts.Detector(trouble), follower, policy=Policy.WAIT, camera_motion=NotedMotion()
    )
    pipeline.compensate_camera(True)
    pipeline.start()
    assert trouble.struck.wait(30)
    assert not pipeline.stop()
    assert pipeline.stuck == ("TroubledDetector",)
    parts.until(lambda: not any("camera" in name for name in parts.threads()))
