"""What no input, however odd, may break in any tracker; one suite over the registry. A warning is an error here."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtdet.protocols import CompensatingTracker
from rtdet.trackers.registry import TRACKERS, load_tracker
from rtdet.types import Detections

FPS = 25.0
SAME = (100.0, 100.0, 140.0, 200.0)
NAMES = ("person", "bicycle", "car")
trackers = pytest.mark.parametrize("name", sorted(TRACKERS))

# Somewhere near others, so that tracks go on, meet and cross; and what no detector should say.
place, length = st.integers(0, 12).map(lambda n: 15.0 * n), st.integers(2, 6).map(lambda n: 15.0 * n)
ordinary = st.tuples(place, place, length, length).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))
number = st.sampled_from([0.0, -1.0, 1e-9, 1e9, -1e9, 1e155, 1e300, math.inf, -math.inf, math.nan])
box = st.one_of(ordinary, ordinary, st.just(SAME), st.tuples(number, number, number, number))
score = st.one_of(st.sampled_from([0.95, 0.7, 0.3, 0.1]), st.sampled_from([0.0, 1.0, -1.0, 2.0, math.nan]))
detection = st.tuples(box, score, st.integers(0, 2))
frame = st.lists(detection, max_size=6)
# Seconds from one frame to the next, and times that no clock should give.
step = st.sampled_from([1 / FPS] * 6 + [2 / FPS, 0.5, 7.0, 0.0, -0.04, -50.0])
broken = st.sampled_from([math.nan, math.inf, -math.inf, 1e12, -1e12])
moment = st.one_of(step, step, step, broken.map(lambda t: (t,)))
run = st.lists(st.tuples(frame, moment), min_size=1, max_size=25)


def similarity(zoom, roll, shift):
    turn = zoom * np.exp(1j * roll)
    return np.array([[turn.real, -turn.imag, shift], [turn.imag, turn.real, -shift]])


camera = st.none() | st.builds(
    similarity,
    st.sampled_from([0.4, 0.95, 1.0, 1.0, 1.05, 2.5]),
    st.sampled_from([0.0, 0.0, 0.05, -1.5]),
    st.sampled_from([0.0, 7.0, -300.0]),
)


def seen(rows):
    boxes, scores, labels = zip(*rows, strict=True) if rows else ((), (), ())
    return Detections(np.array(boxes, dtype=float).reshape(-1, 4), scores, labels, NAMES)


def timed(frames):
    """(detections, t) of each frame; a step goes on from the last time, a broken time stands alone."""
    t = 0.0
    for rows, moment in frames:
        if isinstance(moment, tuple):
            yield seen(rows), moment[0]
        else:
            t += moment
            yield seen(rows), t


def check(tracks):
    """What holds for whatever a tracker gives."""
    assert np.isfinite(tracks.boxes).all()
    assert (tracks.boxes[:, 2:] >= tracks.boxes[:, :2]).all()
    assert len(set(tracks.ids.tolist())) == len(tracks)
    assert (tracks.ids >= 1).all()
    assert np.isfinite(tracks.scores).all()
    assert (tracks.since_update_s >= 0).all()
    assert np.isfinite(tracks.since_update_s).all()
    assert (tracks.uncertainty >= 0).all()
    assert np.isfinite(tracks.uncertainty).all()


def bytes_of(tracks):
    columns = (
        tracks.boxes,
        tracks.ids,
        tracks.scores,
        tracks.labels,
        tracks.since_update_s,
        tracks.uncertainty,
    )
    return b"".join(column.tobytes() for column in columns), tracks.class_names


@trackers
@settings(max_examples=25, deadline=None)
@given(frames=run, ahead=st.sampled_from([0.0, 0.02, 0.3, 5.0, 1e9, -1.0, math.nan, math.inf, -math.inf]))
def test_any_input_gives_tracks_twice_the_same_and_asking_ahead_changes_nothing(name, frames, ahead):
    tracker, asked = load_tracker(name), load_tracker(name)
    count = 0
    for detections, t in timed(frames):
        tracks = tracker.update(detections, t)
        check(tracks)
        check(asked.predict(t + ahead))
        assert bytes_of(asked.update(detections, t)) == bytes_of(tracks)
        check(asked.predict(ahead))
        # An ID is given to a detection that was there, in order from 1.
        count += len(detections)
        assert tracks.ids.max(initial=0) <= count


@trackers
@settings(max_examples=10, deadline=None)
@given(frames=run)
def test_after_a_reset_nothing_is_left_of_what_was(name, frames):
    tracker, new = load_tracker(name), load_tracker(name)
    for detections, t in timed(frames):
        tracker.update(detections, t)
    tracker.reset()
    for detections, t in timed(frames):
        assert bytes_of(tracker.update(detections, t)) == bytes_of(new.update(detections, t))


@trackers
@settings(max_examples=25, deadline=None)
@given(
    frames=run,
    steps=st.lists(camera, min_size=25, max_size=25),
    ahead=st.sampled_from([0.02, 0.3, 5.0, -1.0]),
)
def test_no_step_of_a_camera_breaks_a_track_or_where_it_will_be(name, frames, steps, ahead):
    tracker = load_tracker(name)
    if not isinstance(tracker, CompensatingTracker):
        pytest.skip("this tracker has no use for the camera's motion")
    for (detections, t), transform in zip(timed(frames), steps, strict=False):
        if transform is not None:
            tracker.move_camera(transform)
        check(tracker.update(detections, t))
        check(tracker.predict(t + ahead))


@trackers
def test_steps_of_time_that_are_no_steps_keep_a_still_object_and_its_id(name):
    tracker = load_tracker(name)
    t = 0.0
    for i in range(60):
        t += (1 / FPS, 0.0, -0.04, 1 / FPS, 3 / FPS)[i % 5]
        tracks = tracker.update(seen([(SAME, 0.9, 0)]), math.nan if i % 7 == 6 else t)
        assert tracks.ids.tolist() in ([1], [])
    assert tracks.ids.tolist() == [1]
    np.testing.assert_allclose(tracks.boxes, [SAME], atol=1)


@trackers
def test_a_thousand_boxes_in_one_place_are_survived(name):
    tracker = load_tracker(name)
    rows = [(SAME, 0.9, i % 3) for i in range(1000)]
    for i in range(3):
        tracks = tracker.update(seen(rows), i / FPS)
        check(tracks)
    assert tracks.ids.max(initial=0) <= 3000


@trackers
def test_objects_that_are_elsewhere_in_every_frame_leave_nothing_behind(name):
    rng = np.random.default_rng(0)
    tracker = load_tracker(name)
    sizes = []
    for i in range(1500):
        corners = rng.uniform(0, 1e4, (6, 2))
        rows = [((x, y, x + 40, y + 100), 0.9, 0) for x, y in corners]
        check(tracker.update(seen(rows if i % 50 else rows * 3), i / FPS))
        if i in (499, 1499):
            sizes.append(size_of(tracker))
    assert sizes[1] <= 1.5 * sizes[0] + 1000


def size_of(value, known=None):
    """Numbers and entries that hang on an object: what grows when something is never let go."""
    known = set() if known is None else known
    if id(value) in known:
        return 0
    known.add(id(value))
    if isinstance(value, np.ndarray):
        return value.size + (0 if value.base is None else size_of(value.base, known))
    if isinstance(value, dict):
        return sum(1 + size_of(k, known) + size_of(v, known) for k, v in value.items())
    if isinstance(value, (str, bytes)):
        return len(value)
    if hasattr(value, "__iter__") and hasattr(value, "__len__"):
        return sum(1 + size_of(one, known) for one in value)
    slots = [getattr(value, slot) for slot in getattr(type(value), "__slots__", ()) if hasattr(value, slot)]
    return 1 + size_of(getattr(value, "__dict__", {}), known) + size_of(slots, known)
