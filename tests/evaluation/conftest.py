"""Small data sets and detections by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtdet.datasets import Dataset, Sample
from rtdet.geometry.boxes import ltwh_to_xyxy
from rtdet.types import Detections

NAMES = ("cat", "dog")


def picture(*objects, ignored=(), incomplete=(), crowd=(), name="p.png"):
    """A 200 x 200 picture with (x1, y1, x2, y2, label) objects; `ignored` and `crowd` list their places."""
    rows = np.array(objects, dtype=float).reshape(-1, 5)
    marks = [np.isin(np.arange(len(rows)), list(places)) for places in (ignored, crowd)]
    return Sample(
        Path(name), (200, 200), rows[:, :4], rows[:, 4], marks[0], crowd=marks[1],
        incomplete=frozenset(incomplete),
    )  # fmt: skip


def found_in(*rows, names=NAMES):
    """Detections of (x1, y1, x2, y2, label, score) rows."""
    table = np.array(rows, dtype=float).reshape(-1, 6)
    return Detections(table[:, :4], table[:, 5], table[:, 4], names)


@pytest.fixture
def set_of():
    """Makes a data set of cats (0) and dogs (1) out of pictures."""
    return lambda *samples: Dataset(Path("."), NAMES, list(samples))


def random_set(seed, pictures=12, classes=4, most_truths=14, most_found=30, whole=True, crowds=0.15):
    """Boxes that overlap a lot, on a coarse grid so that overlaps and areas lie on the limits, with few
    different scores so that many are equal; some pictures without objects, some without detections."""
    rng = np.random.default_rng(seed)

    def boxes(count):
        place, size = (
            rng.uniform(0, 220, (count, 2)),
            rng.choice([8, 16, 31, 32, 33, 64, 96, 97, 130], (count, 2)),
        )
        return ltwh_to_xyxy(np.concatenate([np.round(place, 0 if whole else 1), size.astype(float)], axis=1))

    names = tuple(f"c{i}" for i in range(classes))
    samples, found = [], []
    for i in range(pictures):
        count = 0 if i % 5 == 3 else int(rng.integers(0, most_truths))
        truths, labels = boxes(count), rng.integers(0, classes, count)
        crowd = rng.random(count) < crowds
        areas = (truths[:, 2:] - truths[:, :2]).prod(axis=1) * rng.choice([1.0, 0.6], count)
        samples.append(Sample(Path(f"{i}.png"), (400, 400), truths, labels, crowd, crowd=crowd, areas=areas))
        near = truths[rng.integers(0, count, int(rng.integers(0, most_found)))] if count else truths
        near = near + rng.choice([0, 1, 2, 4, 8], near.shape)
        near_labels = rng.integers(0, classes, len(near))
        near_labels[: len(near) // 2] = labels[0] if count else 0
        far = boxes(0 if i % 7 == 5 else int(rng.integers(0, most_found)))
        both = np.concatenate([near, far])
        sound = (both[:, 2] > both[:, 0]) & (both[:, 3] > both[:, 1])
        both_labels = np.concatenate([near_labels, rng.integers(0, classes, len(far))])[sound]
        scores = rng.integers(1, 12, sound.sum()) / 12
        found.append(Detections(both[sound], scores, both_labels, names))
    return Dataset(Path("."), names, samples), found
