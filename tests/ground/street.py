"""A camera over a street, whose ground is known exactly, and objects that walk on it."""

from __future__ import annotations

import numpy as np

from rtdet.ground import Scale, scale_of
from rtdet.tracks.table import FrameList, TrackTable

SIZE = (1280, 720)
FOCAL, HORIZON, EYE = 900.0, 200.0, 5.5
CORNERS = np.array([[-5.0, 12.0], [5.0, 12.0], [-8.0, 30.0], [8.0, 30.0]])


def pixels(metres):
    """(N, 2) where places (x to the right, depth) are in the picture: a pinhole camera that looks level."""
    x, depth = np.asarray(metres, dtype=float).T
    return np.column_stack([SIZE[0] / 2 + FOCAL * x / depth, HORIZON + FOCAL * EYE / depth])


def description(corners=CORNERS):
    return {"points": pixels(corners).tolist(), "metres": np.asarray(corners).tolist()}


def the_scale() -> Scale:
    return scale_of(description(), SIZE)


def boxes_at(metres, rng=None, noise_px=0.0):
    """(N, 4) boxes of people of 1.7 m who stand there, each side off by noise."""
    feet, height = pixels(metres), FOCAL * 1.7 / np.asarray(metres)[:, 1]
    width = 0.4 * height
    sides = [feet[:, 0] - width / 2, feet[:, 1] - height, feet[:, 0] + width / 2, feet[:, 1]]
    boxes = np.column_stack(sides)
    return boxes if rng is None else boxes + rng.normal(0, noise_px, boxes.shape)


def table_of(walks, seconds, *, sizes=True):
    """The table of walks, by ID: boxes (F, 4) at the times (F,) of all frames."""
    count = len(seconds)
    ids = np.tile(sorted(walks), count)
    boxes = np.stack([walks[one] for one in sorted(walks)], axis=1).reshape(-1, 4)
    frames = np.repeat(np.arange(1, count + 1), len(walks))
    listed = FrameList(np.arange(1, count + 1), seconds, sizes=np.tile(SIZE if sizes else (0, 0), (count, 1)))
    return TrackTable(frames, ids, boxes, np.full(len(ids), 0.9), np.zeros(len(ids)), listed, ("person",))


def straight_walks(rng, count, seconds, noise_px, fastest=4.0):
    """Boxes by ID of people who go straight on with a speed of their own, and their speeds by ID."""
    walks, speeds = {}, {}
    middle = seconds - seconds.mean()
    for one in range(1, count + 1):
        speed, angle = rng.uniform(0.5, fastest), rng.uniform(0, 2 * np.pi)
        way = speed * np.array([np.cos(angle), 0.5 * np.sin(angle)])
        start = np.array([rng.uniform(-2, 2), rng.uniform(16, 22)])
        walks[one] = boxes_at(start + middle[:, None] * way, rng, noise_px)
        speeds[one] = float(np.hypot(*way))
    return walks, speeds
