"""What a detector found in a frame, and detections shown as tracks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from rtdet.geometry.boxes import iou
from rtdet.track_columns import FURTHER
from rtdet.types import Detections, FloatArray, Thresholds, Tracks

_SAME_OBJECT_IOU = 0.3


class Found(NamedTuple):
    """What a detector found in a frame.

    detections: what reached the user's `confidence`; this is shown and written.
    candidates: the same, and what scored lower, for a tracker that has a use for it.
    kept: what a kept run has of it, with scores that are lower still; None where nothing is kept.
    """

    detections: Detections
    candidates: Detections
    confidence: float
    kept: Detections | None = None


def split(candidates: Detections, thresholds: Thresholds) -> Found:
    """Divides a detector's output by the user's confidence. `thresholds` may be newer than those that it ran with."""
    confidence = thresholds.confidence
    reaches = candidates.scores >= confidence
    is_all = np.count_nonzero(reaches) == len(candidates)
    return Found(candidates if is_all else candidates[reaches], candidates, confidence)


def as_tracks(detections: Detections, since_update_s: float = 0.0) -> Tracks:
    """The detections as tracks without an identity: all have ID 0."""
    return Tracks(
        detections.boxes,
        scores=detections.scores,
        labels=detections.labels,
        since_update_s=np.full(len(detections), since_update_s),
        class_names=detections.class_names,
        points=detections.points,
    )


def with_ids(detections: Detections, tracks: Tracks) -> Tracks:
    """The detections as tracks, each with the ID and the further values of the track of its class that it covers best
    (greedily, an IoU of at least 0.3), or ID 0."""
    shown = as_tracks(detections)
    values = {column.name: column.values(shown) for column in FURTHER if column.name in tracks.values}
    if len(detections) == 0 or len(tracks) == 0:
        return shown
    for row, column in covering(detections, tracks):
        shown.ids[row] = tracks.ids[column]
        for name, of_shown in values.items():
            of_shown[row] = tracks.values[name][column]
    return replace(shown, values=values)


def covering(detections: Detections, tracks: Tracks) -> Iterator[tuple[int, int]]:
    """The detection and the track of each pair of one class that cover one another, the best first (greedily, an IoU
    of at least 0.3)."""
    overlap = iou(detections.boxes, tracks.boxes)
    overlap[detections.labels[:, None] != tracks.labels[None, :]] = 0
    for _ in range(min(overlap.shape)):
        row, column = (int(i) for i in np.unravel_index(int(overlap.argmax()), overlap.shape))
        if overlap[row, column] < _SAME_OBJECT_IOU:
            break
        yield row, column
        overlap[row, :] = overlap[:, column] = 0


def together(some: Tracks, others: Tracks) -> Tracks:
    """The rows of both; labels mean what they mean in `some`."""
    if len(others) == 0:
        return some
    columns = ("boxes", "ids", "scores", "labels", "since_update_s", "uncertainty")
    joined: dict[str, Any] = {
        name: np.concatenate((getattr(some, name), getattr(others, name))) for name in columns
    }
    named = some.values.keys() | others.values.keys()
    values = {
        column.name: np.concatenate((column.values(some), column.values(others)))
        for column in FURTHER
        if column.name in named
    }
    return Tracks(**joined, class_names=some.class_names, values=values, points=points_together(some, others))


def points_together(some: Tracks, others: Tracks) -> FloatArray | None:
    """The key points of the rows of both; of those that have none the confidence is 0."""
    known = next((one.points for one in (some, others) if one.points is not None), None)
    if known is None:
        return None
    parts = [
        one.points if one.points is not None else np.zeros((len(one), *known.shape[1:]))
        for one in (some, others)
    ]
    return np.concatenate(parts)
