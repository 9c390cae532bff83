"""Objects that walk along given paths."""

from __future__ import annotations

import itertools

import numpy as np

from rtdet.counting import Counter, Event, Line, Zone, Zones
from rtdet.types import Tracks

SIZE = (1000, 600)
# A vertical line from the bottom up: its right hand is to the right of the picture.
DOOR = Line("door", ((500, 500), (500, 100)))
SQUARE = Zone("square", ((400, 200), (600, 200), (600, 400), (400, 400)))


def tracks(feet, *, ids=None, labels=None, scores=None, since=None, wide=40.0, tall=100.0) -> Tracks:
    """Boxes that stand with their feet at these points."""
    feet = np.array(feet, dtype=float).reshape(-1, 2)
    boxes = np.c_[feet[:, 0] - wide / 2, feet[:, 1] - tall, feet[:, 0] + wide / 2, feet[:, 1]]
    ids = np.arange(1, len(feet) + 1) if ids is None else ids
    return Tracks(boxes, ids, scores, labels, since, ("person", "car", "bus"))


def walk(path, *shapes, fps=25.0, times=None, counter=None, **of_tracks) -> Counter:
    """The counter after one object has walked along `path`, a point a frame; None where it is not there."""
    lines = tuple(one for one in shapes if isinstance(one, Line))
    counter = counter or Counter(
        Zones(lines, tuple(one for one in shapes if isinstance(one, Zone)), SIZE), SIZE
    )
    for i, point in enumerate(path):
        t = i / fps if times is None else times[i]
        counter.update(tracks([] if point is None else [point], **(of_tracks if point else {})), t, i + 1)
    counter.finish()
    return counter


def steps(*corners, count=20):
    """Evenly spaced points along the corners, `count` to each."""
    path = []
    for (x1, y1), (x2, y2) in itertools.pairwise(corners):
        path += [(x1 + (x2 - x1) * i / count, y1 + (y2 - y1) * i / count) for i in range(count)]
    return [*path, corners[-1]]


def kinds(events: list[Event]) -> list[str]:
    return [one.direction or one.kind for one in events]
