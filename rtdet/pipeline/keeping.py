"""Keeps every candidate of a run, beside what the run makes of them: for other sliders, afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np

from rtdet.class_groups import with_groups
from rtdet.geometry.boxes import diou, iou
from rtdet.geometry.nms import Overlap, batched_nms
from rtdet.pipeline.buffers import Buffer
from rtdet.pipeline.flow import Flow
from rtdet.pipeline.kept_frame import KeptFrame
from rtdet.pipeline.supervisor import Supervisor, Worker
from rtdet.types import Detections, Thresholds

# Of each frame, the best so many candidates that reach LEAST_SCORE and overlap a better one of their class by no more
# than MOST_OVERLAP; besides, all that the run itself uses.
LEAST_SCORE = 0.05
MOST_OVERLAP = 0.7
MOST_A_FRAME = 100


class Keeper(Protocol):
    """Where the frames of a run are kept. All are called from one thread; `write` in the order of the
    tracker, where a dropped frame may come late, and a frame that is processed again takes the place of what it was.
    After `flush` whoever reads what is kept finds all that was written."""

    def write(self, frame: KeptFrame) -> None: ...

    def flush(self) -> None: ...

    def close(self) -> None: ...


class KeepWorker(Worker):
    """Writes what is to be kept, in a thread of its own: a slow disk does not hold up the tracker."""

    part: Keeper

    def __init__(self, keeper: Keeper, buffer: Buffer[KeptFrame], flow: Flow, supervisor: Supervisor) -> None:
        super().__init__("keep", keeper, flow, supervisor)
        self._buffer = buffer

    def work(self) -> None:
        while (frames := self._buffer.take(64)) is not None:
            for frame in frames:
                self.part.write(frame)
            if not frames:  # somebody asked for it
                self.part.flush()

    def wake_neighbors(self) -> None:
        self._buffer.abort(self.end_reason)

    def close(self) -> None:
        self.part.close()

    def left_behind(self, error: BaseException) -> None:
        self.failed(error)


def widened(thresholds: Thresholds, suppression: str, expected: frozenset[str] = frozenset()) -> Thresholds:
    """What a detector is asked for whose candidates are kept. suppression: the detector's. expected: the classes that
    the source is known to show; others are not kept unless they were asked for."""
    return replace(
        thresholds,
        confidence=min(LEAST_SCORE, thresholds.least_score),
        iou=thresholds.iou if overlap_of(suppression) is None else max(MOST_OVERLAP, thresholds.iou),
        classes=expected if thresholds.classes <= expected else frozenset(),
        max_detections=max(MOST_A_FRAME, thresholds.max_detections),
        low=None,
    )


def kept_of(candidates: Detections, used: Detections) -> Detections:
    """The best MOST_A_FRAME of the candidates, and however many more the run `used`."""
    return candidates[: max(MOST_A_FRAME, len(used))] if len(candidates) > MOST_A_FRAME else candidates


def overlap_of(suppression: str) -> Overlap | None:
    """How a detector's NMS compares boxes; None where it has none, or none that can be repeated."""
    return {"nms": iou, "diou": diou}.get(suppression)


def chosen(candidates: Detections, thresholds: Thresholds, suppression: str) -> Detections:
    """What a detector with these thresholds would have given, of candidates that it gave with wider ones, by falling
    score: of a chain of boxes that suppress one another it may differ where the wider ones let go of a link.
    """
    keep = candidates.scores >= thresholds.least_score
    if thresholds.classes:
        names = frozenset(with_groups(thresholds.classes, candidates.class_names))
        wanted = np.array([name in names for name in candidates.class_names], dtype=bool)
        keep &= wanted[candidates.labels]
    rows = keep.nonzero()[0]
    overlap = overlap_of(suppression)
    if overlap is not None and len(rows) > 1:
        boxes, scores, labels = candidates.boxes[rows], candidates.scores[rows], candidates.labels[rows]
        rows = rows[batched_nms(boxes, scores, labels, thresholds.iou, overlap)]
    return candidates[rows[: thresholds.max_detections]]
