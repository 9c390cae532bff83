#!/usr/bin/env python3
"""Who keeps whom apart among dancers: HOTA, IDF1 and ID switches of the trackers where all look and move alike.

usage: python benchmarks/tracker_dance.py [--scenes 6] [--trackers rtdet,bytetrack,ocsort,sort]

Seven to twelve dancers for 40 seconds at 20 frames/s: the formation shifts, some exchange places, all sway, crouch
and stretch their arms, more or less in time with one another. Detections are the true boxes with 4% of noise, 12% of
them missing, scores at random (first line of each tracker), or with boxes missing that others hide (second).

On six scenes (HOTA / IDF1 / switches), scores at random and some hidden: rtdet 39.3/38.2/641 and 39.8/38.3/774, never
agile 27.3/23.0/1581 and 32.4/29.7/1515; ByteTrack 24.6/28.0/1025 and 28.2/31.9/970.
"""

from __future__ import annotations

import argparse

import numpy as np

from rtdet.evaluation.tracking import TrackRows, combined, score_tracks
from rtdet.trackers.registry import load_tracker
from rtdet.types import Detections, FloatArray

FPS, SECONDS = 20.0, 40
FRAMES = int(FPS * SECONDS)
DANCERS, IN_TIME = (7, 9, 12, 8, 10, 9), (0.9, 0.6, 0.3)
NOISE, MISSING = 0.04, 0.12


def wander(rng: np.random.Generator, smooth_s: float, size: float) -> FloatArray:
    """(T,) a smooth random path of standard deviation `size`."""
    reach = int(4 * smooth_s * FPS)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (smooth_s * FPS)) ** 2)
    path = np.convolve(rng.normal(size=FRAMES + 2 * reach), kernel, "valid")
    return np.asarray(size * path / np.std(path))


def places(rng: np.random.Generator, dancers: int) -> FloatArray:
    """(T, N) whose place in the row each dancer heads for: every few seconds some exchange theirs."""
    now, next_s, heads_for = np.arange(dancers), rng.exponential(2.0), np.zeros((FRAMES, dancers), dtype=int)
    for frame in range(FRAMES):
        if frame / FPS > next_s:
            some = rng.choice(dancers, rng.integers(2, dancers + 1), replace=False)
            now[some] = now[np.roll(some, 1)]
            next_s = frame / FPS + 1.0 + rng.exponential(2.0)
        heads_for[frame] = now
    return heads_for


def followed(goal: FloatArray, eagerness: float) -> FloatArray:
    """(T,) the path of one who heads for `goal` like a damped spring, of `eagerness` radians a second."""
    place, speed, path = goal[0], 0.0, np.empty(len(goal))
    for frame, target in enumerate(goal):
        speed += (eagerness**2 * (target - place) - 1.6 * eagerness * speed) / FPS
        place += speed / FPS
        path[frame] = place
    return path


def scene(seed: int) -> FloatArray:
    """(T, N, 4) the dancers' boxes, xyxy in pixels."""
    rng = np.random.default_rng(seed)
    dancers, in_time = DANCERS[seed % len(DANCERS)], IN_TIME[seed % len(IN_TIME)]
    tall, beat_hz, times = rng.uniform(300, 450), rng.uniform(0.8, 1.6), np.arange(FRAMES) / FPS
    row_x = 960 + (np.arange(dancers) - (dancers - 1) / 2) * tall * rng.uniform(0.35, 0.5)
    row_y = 600 + rng.choice([-60, 0, 60], dancers)
    shift_x, shift_y, heads_for = (
        wander(rng, 1.0, tall / 4),
        wander(rng, 1.0, tall / 20),
        places(rng, dancers),
    )
    boxes = np.empty((FRAMES, dancers, 4))
    for dancer in range(dancers):
        eagerness, phase = rng.uniform(3, 5), rng.uniform(0, 2 * np.pi) * (1 - in_time)
        x = followed(row_x[heads_for[:, dancer]], eagerness)
        y = followed(row_y[heads_for[:, dancer]], eagerness)
        size = tall * (1 + (y - 600) / 1500) * rng.uniform(0.92, 1.08)
        turn = np.pi * beat_hz * times + phase
        x = x + shift_x + 0.15 * tall * np.sin(turn) + wander(rng, 0.5, 0.06 * tall)
        feet = y + shift_y + size / 2
        height = size * (1 - 0.12 * np.clip(np.sin(2 * turn), 0, 1) - np.clip(wander(rng, 0.3, 0.08), 0, 0.4))
        arms = [
            0.2 + wander(rng, 0.2, 0.1) * (1 - in_time) + 0.12 * in_time * np.sin(turn + side)
            for side in (1, 2)
        ]
        left, right = (size * np.clip(arm, 0.12, 0.6) for arm in arms)
        boxes[:, dancer] = np.stack([x - left, feet - height, x + right, feet], axis=1)
    return boxes


def seen_share(boxes: FloatArray) -> FloatArray:
    """(N,) the share of each box that nobody nearer, whose feet are lower, hides; too small where several do."""
    low, high = np.maximum(boxes[:, None, :2], boxes[:, :2]), np.minimum(boxes[:, None, 2:], boxes[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2) * (boxes[:, 3] > boxes[:, None, 3])
    return np.asarray(1.0 - shared.sum(1) / np.prod(boxes[:, 2:] - boxes[:, :2], axis=1))


def observed(boxes: FloatArray, rng: np.random.Generator, *, hides: bool) -> Detections:
    noisy = boxes + rng.normal(0, NOISE, boxes.shape) * np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    seen = rng.random(len(boxes)) > MISSING
    if hides:
        seen &= seen_share(boxes) > 0.25
    scores = rng.uniform(0.75 if hides else 0.3, 1.0, len(boxes))
    return Detections(noisy, scores, np.zeros(len(boxes), dtype=int))[seen]


def followed_by(tracker: str, truth: FloatArray, seed: int, *, hides: bool) -> TrackRows:
    instance, rng = load_tracker(tracker, fps=FPS), np.random.default_rng(1000 + seed)
    found = [
        instance.update(observed(boxes, rng, hides=hides), frame / FPS) for frame, boxes in enumerate(truth)
    ]
    frames = np.repeat(np.arange(1, FRAMES + 1), [len(tracks) for tracks in found])
    ids, boxes = (np.concatenate([getattr(tracks, name) for tracks in found]) for name in ("ids", "boxes"))
    return TrackRows(frames, ids, boxes)


def rows_of(truth: FloatArray) -> TrackRows:
    count = truth.shape[1]
    frames, ids = np.repeat(np.arange(1, FRAMES + 1), count), np.tile(np.arange(1, count + 1), FRAMES)
    return TrackRows(frames, ids, truth.reshape(-1, 4))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenes", type=int, default=6)
    parser.add_argument("--trackers", default="rtdet,bytetrack,ocsort,sort")
    options = parser.parse_args()
    truths = [scene(seed) for seed in range(options.scenes)]
    print(f"{'':26}   HOTA   IDF1   MOTA  switches")
    for name in options.trackers.split(","):
        for hides in (False, True):
            scores = combined(
                [
                    score_tracks(rows_of(truth), followed_by(name, truth, seed, hides=hides))
                    for seed, truth in enumerate(truths)
                ]
            )
            label = f"{name}, {'some hidden' if hides else 'scores at random'}"
            percent = " ".join(f"{100 * value:6.1f}" for value in (scores.hota, scores.idf1, scores.mota))
            print(f"{label:26} {percent} {scores.idsw:9.0f}", flush=True)


if __name__ == "__main__":
    main()
