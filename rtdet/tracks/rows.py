"""What a track file says of one track in one frame, in the numbers that every format writes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from rtdet.geometry.boxes import xyxy_to_ltwh
from rtdet.types import Detections, FrameResult, Tracks


@dataclass(frozen=True, slots=True)
class Row:
    """`frame` counts from 1; geometry in pixels, rounded to 1/100; `class_id` from 1 (see ClassIds)."""

    frame: int
    time_s: float
    track_id: int
    class_id: int
    class_name: str
    score: float
    left: float
    top: float
    width: float
    height: float


class ClassIds:
    """Numbers from 1 for class names: label + 1 for the classes of the first model. When the model is
    changed during a run, a class that both know keeps its number and new ones follow."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self._known: tuple[str, ...] | None = None

    def update(self, class_names: Iterable[str]) -> None:
        """Take in the classes of a model."""
        names = tuple(class_names)
        if names == self._known:
            return
        self._known = names
        for name in names:
            self._ids.setdefault(name, len(self._ids) + 1)

    def id_of(self, name: str, label: int) -> int:
        """The number of a name; a label without a name counts as itself."""
        return self._ids.get(name, label + 1)

    def items(self) -> list[tuple[str, int]]:
        return list(self._ids.items())


def track_rows(result: FrameResult, class_ids: ClassIds) -> list[Row]:
    """The frame's rows in order of track ID. Boxes that are not finite have no row."""
    return _rows(result, result.tracks, result.tracks.ids.tolist(), class_ids)


def detection_rows(result: FrameResult, class_ids: ClassIds) -> list[Row]:
    """The frame's detections, `track_id` -1, in the detector's order (falling score)."""
    return _rows(result, result.detections, [-1] * len(result.detections), class_ids)


def _rows(
    result: FrameResult, objects: Tracks | Detections, ids: list[int], class_ids: ClassIds
) -> list[Row]:
    class_ids.update(objects.class_names)
    # + 0.0 turns -0.0 into 0.0, which would be written as "-0.00".
    boxes = np.round(xyxy_to_ltwh(objects.boxes), 2) + 0.0
    keep = np.isfinite(boxes).all(axis=1) & np.isfinite(objects.scores)
    frame, time_s = result.frame.index + 1, round(result.frame.t, 6) + 0.0
    rows = []
    for i in sorted(np.flatnonzero(keep).tolist(), key=lambda row: ids[row]):
        name = objects.name_of(i)
        class_id = class_ids.id_of(name, int(objects.labels[i]))
        score = round(float(objects.scores[i]), 4) + 0.0
        rows.append(Row(frame, time_s, ids[i], class_id, name, score, *boxes[i].tolist()))
    return rows
