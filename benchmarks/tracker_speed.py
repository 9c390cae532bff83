#!/usr/bin/env python3
"""Frames per second of each tracker alone, by number of objects, beside others in the same run.

usage: python benchmarks/tracker_speed.py [--objects 10,50,200,1000] [--trackers sort,rtdet] [--seconds 2]
                                          [--json OUT.json]

The scene: people of 20 to 40 by 50 to 100 pixels walk through 1920x1080 and turn back at its borders; their
boxes jitter by a pixel, 5% are missed in each frame, 2% of what is seen is not there, and the order is
shuffled. At 1000 objects the boxes cover the picture once. Each frame's time is all of update(), boxes in,
boxes out. `sort` has the published settings, every other tracker its defaults.

The baseline is SORT as most write it down from the paper: one filterpy KalmanFilter for each track, IoU of
all pairs, SciPy's assignment. If the packages `trackers` or `norfair` are installed, theirs are timed too. Below the
frames per second are ratios: each of rtdet's trackers to `sort`, and to those of the others that do the same.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from filterpy.kalman import KalmanFilter
from scipy.optimize import linear_sum_assignment

from rtdet.geometry.boxes import cxcywh_to_xyxy, iou
from rtdet.trackers.registry import TRACKERS, load_tracker
from rtdet.types import Detections, FloatArray

WIDTH, HEIGHT = 1920, 1080
SETTINGS = {"max_age": 1, "min_hits": 3, "iou_threshold": 0.3}
WARM_UP = 5
Step = Callable[[FloatArray], object]


def scene(count: int, frames: int, seed: int = 0) -> list[FloatArray]:
    """Detected boxes (M, 4) xyxy of each frame."""
    rng = np.random.default_rng(seed)
    size = np.stack([rng.uniform(20, 40, count), rng.uniform(50, 100, count)], axis=1)
    start, velocity = rng.uniform(0, 1, (count, 2)) * (WIDTH, HEIGHT), rng.normal(0, 2, (count, 2))
    result = []
    for frame in range(frames):
        way = (start + frame * velocity) / (WIDTH, HEIGHT) % 2
        center = np.minimum(way, 2 - way) * (WIDTH, HEIGHT)
        boxes = cxcywh_to_xyxy(np.concatenate([center, size], axis=1)) + rng.normal(0, 1, (count, 4))
        ghosts = rng.choice(boxes, round(0.02 * count)) + rng.uniform(-200, 200, (round(0.02 * count), 1))
        seen = np.concatenate([boxes[rng.random(count) > 0.05], ghosts])
        result.append(seen[rng.permutation(len(seen))])
    return result


class PlainTrack:
    """One object: filterpy's filter with the matrices of the paper."""

    def __init__(self, box: FloatArray, track_id: int) -> None:
        self.filter = KalmanFilter(dim_x=7, dim_z=4)
        self.filter.F = np.eye(7) + np.eye(7, k=4)
        self.filter.H = np.eye(4, 7)
        self.filter.P = np.diag([10.0, 10, 10, 10, 1e4, 1e4, 1e4])
        self.filter.Q = np.diag([1, 1, 1, 1, 0.01, 0.01, 0.0001])
        self.filter.R = np.diag([1.0, 1, 10, 10])
        self.filter.x[:4] = _measurement(box)
        self.id, self.streak, self.missed = track_id, 0, 0

    def predict(self) -> FloatArray:
        x = self.filter.x
        if x[2] + x[6] <= 0:
            x[6] = 0
        self.filter.predict()
        if self.missed:
            self.streak = 0
        self.missed += 1
        return self.box()

    def update(self, box: FloatArray) -> None:
        self.filter.update(_measurement(box))
        self.streak, self.missed = self.streak + 1, 0

    def box(self) -> FloatArray:
        cx, cy, s, r = self.filter.x[:4, 0]
        w = np.sqrt(s * r)
        return np.array([cx - w / 2, cy - s / w / 2, cx + w / 2, cy + s / w / 2])


def _measurement(box: FloatArray) -> FloatArray:
    w, h = box[2:] - box[:2]
    return np.array([[box[0] + w / 2], [box[1] + h / 2], [w * h], [w / h]])


class PlainSort:
    """SORT, a loop over tracks at every step."""

    def __init__(self) -> None:
        self.tracks: list[PlainTrack] = []
        self.frames, self.next_id = 0, 1

    def update(self, boxes: FloatArray) -> FloatArray:
        self.frames += 1
        predicted = np.array([track.predict() for track in self.tracks]).reshape(-1, 4)
        used = set()
        for row, column in self._match(boxes, predicted):
            self.tracks[column].update(boxes[row])
            used.add(row)
        for row in range(len(boxes)):
            if row not in used:
                self.tracks.append(PlainTrack(boxes[row], self.next_id))
                self.next_id += 1
        early = self.frames <= SETTINGS["min_hits"]
        shown = [t for t in self.tracks if t.missed == 0 and (early or t.streak >= SETTINGS["min_hits"])]
        self.tracks = [t for t in self.tracks if t.missed <= SETTINGS["max_age"]]
        return np.array([[*t.box(), t.id] for t in shown]).reshape(-1, 5)

    @staticmethod
    def _match(boxes: FloatArray, predicted: FloatArray) -> Iterator[tuple[int, int]]:
        if len(boxes) == 0 or len(predicted) == 0:
            return
        overlap = iou(boxes, predicted)
        over = overlap > SETTINGS["iou_threshold"]
        if over.sum(axis=0).max() == 1 and over.sum(axis=1).max() == 1:
            pairs = np.argwhere(over)
        else:
            pairs = np.stack(linear_sum_assignment(-overlap), axis=1)
        for row, column in pairs:
            if overlap[row, column] >= SETTINGS["iou_threshold"]:
                yield int(row), int(column)


def _ours(name: str) -> Step:
    settings = {"min_score": 0.0, **SETTINGS} if name == "sort" else {}
    tracker = load_tracker(name, **settings)
    clock = iter(range(10**9))
    return lambda boxes: tracker.update(Detections(boxes), next(clock) / 30)


def _plain() -> Step:
    return PlainSort().update


def _roboflow(class_name: str) -> Step:
    import supervision
    import trackers

    tracker = getattr(trackers, class_name)()
    return lambda boxes: tracker.update(
        supervision.Detections(
            xyxy=boxes, confidence=np.ones(len(boxes)), class_id=np.zeros(len(boxes), dtype=int)
        )
    )


def _norfair() -> Step:
    from norfair import Detection, Tracker

    tracker = Tracker(distance_function="iou", distance_threshold=0.7)
    return lambda boxes: tracker.update([Detection(box.reshape(2, 2)) for box in boxes])


PLAIN = "plain SORT"
# Name to the package it needs and its maker.
OTHERS: dict[str, tuple[str, Callable[[], Step]]] = {
    PLAIN: ("filterpy", _plain),
    "trackers SORT": ("trackers", partial(_roboflow, "SORTTracker")),
    "trackers ByteTrack": ("trackers", partial(_roboflow, "ByteTrackTracker")),
    "trackers OC-SORT": ("trackers", partial(_roboflow, "OCSORTTracker")),
    "norfair": ("norfair", _norfair),
}
# What each is set against beside `sort`; a tracker that is not listed is set against the baseline.
COUNTERPARTS = {
    "sort": (PLAIN, "trackers SORT"),
    "bytetrack": ("trackers ByteTrack",),
    "ocsort": ("trackers OC-SORT",),
}
# One frame takes it seconds.
MOST_OBJECTS = {"norfair": 200}


def contenders(ours: list[str], count: int) -> dict[str, Callable[[], Step]]:
    """Name to maker."""
    found: dict[str, Callable[[], Step]] = {name: partial(_ours, name) for name in ours}
    for name, (package, maker) in OTHERS.items():
        if find_spec(package) is not None and count <= MOST_OBJECTS.get(name, count):
            found[name] = maker
    return found


def seconds_per_frame(make: Callable[[], Step], frames: list[FloatArray]) -> float:
    step = make()
    for boxes in frames[:WARM_UP]:
        step(boxes)
    begin = time.perf_counter()
    for boxes in frames[WARM_UP:]:
        step(boxes)
    return (time.perf_counter() - begin) / (len(frames) - WARM_UP)


def measure(ours: list[str], count: int, seconds: float) -> dict[str, float]:
    """Frames per second by name: the best of several passes of each, in turn, so that what else the machine does
    falls on all alike."""
    frames = scene(count, WARM_UP + max(20, min(100, 5000 // count)))
    makers = contenders(ours, count)
    best = dict.fromkeys(makers, float("inf"))
    deadline = time.perf_counter() + seconds * len(makers)
    while float("inf") in best.values() or time.perf_counter() < deadline:
        for name, make in makers.items():
            best[name] = min(best[name], seconds_per_frame(make, frames))
    return {name: 1 / value for name, value in best.items()}


def ratios(rates: dict[str, float], ours: list[str]) -> dict[str, float]:
    """ "a / b" to the ratio of their rates."""
    found = {}
    for name in ours:
        against = ("sort", *COUNTERPARTS.get(name, (PLAIN,)))
        found |= {f"{name} / {b}": rates[name] / rates[b] for b in against if b in rates and b != name}
    return found


def table(columns: list[dict[str, float]], form: str) -> str:
    """One line a name, one column a number of objects."""
    names = dict.fromkeys(name for column in columns for name in column)
    return "\n".join(
        f"{name:<32}"
        + "".join(f"{column[name]:{form}}" if name in column else f"{'-':>10}" for column in columns)
        for name in names
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--objects", default="10,50,200,1000")
    parser.add_argument("--trackers", default=",".join(TRACKERS))
    parser.add_argument(
        "--seconds", type=float, default=2.0, help="for each tracker and each number of objects"
    )
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    counts, ours = [int(n) for n in arguments.objects.split(",")], arguments.trackers.split(",")
    rates = [measure(ours, count, arguments.seconds) for count in counts]
    shares = [ratios(rate, ours) for rate in rates]
    print(f"{'objects':<32}" + "".join(f"{count:10,}" for count in counts))
    print(table(rates, "10,.0f"), table(shares, "10.2f"), sep="\n\n")
    if arguments.json:
        rows = [
            {"objects": count, "frames_per_second": rate, "ratios": share}
            for count, rate, share in zip(counts, rates, shares, strict=True)
        ]
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
