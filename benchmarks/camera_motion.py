"""What --camera-motion brings: identity switches and HOTA on the demo with a camera that moves, off and on.

Two cameras look at the demo: one that turns slowly from side to side (the demo's own), and one held in a hand, a part
of the still picture that swings and rolls a little. Each picture is rendered, detected and followed once, as the app
does it (rtdet-n, conf .25), and every tracker gets the same, with and without the camera's step. What is scored are
objects of which a quarter can be seen. The time is that of following and fitting, beside the detector's.

    python benchmarks/camera_motion.py [--seeds 4] [--seconds 20] [--trackers sort,ocsort,...]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from functools import reduce
from operator import add
from typing import TypeVar

import cv2
import numpy as np

from rtdet.demo import DemoScene
from rtdet.detectors.registry import load_detector
from rtdet.evaluation.tracking import TrackingScores, TrackRows, score_tracks
from rtdet.geometry.boxes import clip
from rtdet.pipeline.found import split
from rtdet.pipeline.shared_tracker import SharedTracker
from rtdet.protocols import CompensatingTracker, Detector
from rtdet.trackers.optical_flow import OpticalFlow
from rtdet.trackers.registry import load_tracker_for
from rtdet.types import FloatArray, Image, SourceInfo, Thresholds, Tracks

FPS, WIDTH, HEIGHT = 25.0, 960, 540
LEAST_VISIBLE, LEAST_SIDE = 0.25, 10
Shot = tuple[Image, Tracks]
Outcome = TypeVar("Outcome")


def turning(seed: int, seconds: float) -> Iterator[Shot]:
    """The demo's own moving camera."""
    scene = DemoScene(seed, WIDTH, HEIGHT, FPS, seconds, moving_camera=True)
    for i in range(scene.frame_count):
        yield scene.render(i), _visible(scene, i)


def hand_held(seed: int, seconds: float) -> Iterator[Shot]:
    """The still demo through a hand's swings of some 20 pixels and a third of a degree, of .7 to 3.4 Hz."""
    scene = DemoScene(seed, WIDTH * 4 // 3, HEIGHT * 4 // 3, FPS, seconds)
    rng = np.random.default_rng(seed)
    hertz = np.array([0.7, 1.3, 2.1, 3.4])
    swing, phase = rng.normal(0, 1, (3, 4)) / 2, rng.uniform(0, 2 * np.pi, (3, 4))
    for i in range(scene.frame_count):
        x, y, roll = (swing * np.sin(2 * np.pi * hertz * i / FPS + phase)).sum(axis=1)
        center = scene.width / 2, scene.height / 2
        transform = cv2.getRotationMatrix2D(center, 0.33 * roll, 1.0)
        transform[:, 2] += 20 * x - (scene.width - WIDTH) / 2, 20 * y - (scene.height - HEIGHT) / 2
        image = np.asarray(cv2.warpAffine(scene.render(i), transform, (WIDTH, HEIGHT)))
        yield image, _moved(_visible(scene, i), transform)


def _visible(scene: DemoScene, i: int) -> Tracks:
    return scene.truth(i)[scene.visibility(i) >= LEAST_VISIBLE]


def _moved(truth: Tracks, transform: FloatArray) -> Tracks:
    corners = truth.boxes.reshape(-1, 2, 2) @ transform[:, :2].T + transform[:, 2]
    return Tracks(clip(corners.reshape(-1, 4), WIDTH, HEIGHT), truth.ids)


class Contender:
    """A tracker as the app runs it, with or without the camera's step, and what it said."""

    def __init__(self, name: str, *, compensated: bool) -> None:
        tracker = load_tracker_for(name, SourceInfo("demo", WIDTH, HEIGHT, FPS))
        self.takes_part = isinstance(tracker, CompensatingTracker) or not compensated
        self.compensated = compensated
        self.tracking = SharedTracker(tracker)
        self.said: list[Tracks] = []


def scores_of(
    shots: Iterator[Shot], detector: Detector, contenders: list[Contender], times: dict[str, list[float]]
) -> list[TrackingScores]:
    camera, truth = OpticalFlow(), []
    for i, (image, visible) in enumerate(shots):
        found = _timed(times["detect"], lambda image=image: detector.detect([image])[0])
        points = _timed(times["follow"], lambda image=image: camera.read(image))
        step = None
        if points is not None:
            step = _timed(times["fit"], lambda points=points, found=found: points.transform(found.boxes))
        truth.append(visible)
        for one in contenders:
            taken = step if one.compensated else None
            tracks = one.tracking.update(
                split(found, detector.thresholds), i / FPS, epoch=0, camera_step=taken, pin=False
            )
            one.said.append(tracks)
    rows = _rows(truth)
    return [score_tracks(rows, _rows(one.said), len(truth)) for one in contenders]


def _timed(times: list[float], act: Callable[[], Outcome]) -> Outcome:
    began = time.perf_counter()
    result = act()
    times.append((time.perf_counter() - began) * 1e3)
    return result


def _rows(frames: list[Tracks]) -> TrackRows:
    large = [
        tracks[(tracks.boxes[:, 2:] - tracks.boxes[:, :2]).min(axis=1) >= LEAST_SIDE] for tracks in frames
    ]
    numbers = np.repeat(np.arange(1, len(large) + 1), [len(tracks) for tracks in large])
    ids, boxes = (np.concatenate([getattr(tracks, name) for tracks in large]) for name in ("ids", "boxes"))
    return TrackRows(numbers, ids, boxes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--trackers", default="sort,bytetrack,ocsort,rtdet")
    options = parser.parse_args()
    names = options.trackers.split(",")
    detector = load_detector("rtdet-n", thresholds=Thresholds(low=0.1))
    times: dict[str, list[float]] = {"detect": [], "follow": [], "fit": []}
    print(
        f"{'camera':10s} {'tracker':10s} {'step':5s} {'HOTA':>6s} {'MOTA':>6s} {'IDF1':>6s} {'switches':>9s}"
    )
    for camera in (turning, hand_held):
        sums: dict[tuple[str, bool], list[TrackingScores]] = {}
        for seed in range(options.seeds):
            contenders = {
                (name, on): one
                for name in names
                for on in (False, True)
                if (one := Contender(name, compensated=on)).takes_part
            }
            scores = scores_of(camera(seed, options.seconds), detector, list(contenders.values()), times)
            for key, score in zip(contenders, scores, strict=True):
                sums.setdefault(key, []).append(score)
        for (name, on), parts in sums.items():
            total = reduce(add, parts)
            figures = (
                f"{100 * total.hota:6.2f} {100 * total.mota:6.2f} {100 * total.idf1:6.2f} {total.idsw:9d}"
            )
            print(f"{camera.__name__:10s} {name:10s} {'on' if on else 'off':5s} {figures}", flush=True)
    detector.close()
    detect, follow, fit = (statistics.median(times[stage]) for stage in ("detect", "follow", "fit"))
    print(
        f"a frame of {WIDTH}x{HEIGHT}: detector {detect:.1f} ms; beside it, following {follow:.1f} ms "
        f"({follow / detect:.2f} of the detector's); after it, fitting {fit:.2f} ms"
    )


if __name__ == "__main__":
    main()
