"""What a file says of each object in one frame, in the numbers that every format writes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np

from rtdet import track_columns
from rtdet.geometry.boxes import xyxy_to_ltwh
from rtdet.track_columns import BOX, SCORE, TIME
from rtdet.types import Detections, Tracks

# The value of each of the columns by its name: `frame` and `class_id` count from 1, boxes are in pixels.
Row = dict[str, Any]

_HALVES = re.compile("[\ud800-\udfff]")
_BOX_DIGITS = BOX[0].digits or 0


@dataclass(frozen=True)
class FrameRecord:
    """One frame as a file is told of it: its number from 1, its time (NaN: it has none), and what is in it.

    name: the picture's file name where the frame is a file of its own. size: its width and height in pixels, (0, 0)
    where nobody saw the picture.
    """

    number: int
    time_s: float
    objects: Tracks | Detections
    name: str = ""
    size: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", well_formed(self.name))

    @property
    def written_time(self) -> float | None:
        """The time as files have it, None where there is none."""
        return None if math.isnan(self.time_s) else float(TIME.written(self.time_s))


def well_formed(text: str) -> str:
    """The text as UTF-8 can hold it: bytes of a file's name that are no UTF-8, which Python reads as halves of pairs,
    become U+FFFD."""
    return text if text.isascii() else _HALVES.sub("\ufffd", text)


def known_values(objects: Tracks | Detections) -> Collection[str]:
    """The names of the further values that these tracks come with."""
    return objects.values if isinstance(objects, Tracks) else ()


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
        for name in map(well_formed, names):
            self._ids.setdefault(name, len(self._ids) + 1)

    def id_of(self, name: str, label: int) -> int:
        """The number of a name; a label without a name counts as itself."""
        return self._ids.get(name, label + 1)

    def items(self) -> list[tuple[str, int]]:
        return list(self._ids.items())


def rows_of(record: FrameRecord, class_ids: ClassIds) -> list[Row]:
    """The frame's rows: tracks in order of ID, detections (`id` -1) in the detector's order, which is by falling
    score. Boxes that are not finite have no row."""
    objects = record.objects
    class_ids.update(objects.class_names)
    # + 0.0 turns -0.0 into 0.0, which would be written as "-0.00".
    boxes = np.round(xyxy_to_ltwh(objects.boxes), _BOX_DIGITS) + 0.0
    keep = np.flatnonzero(np.isfinite(boxes).all(axis=1) & np.isfinite(objects.scores))
    ids = objects.ids.tolist() if isinstance(objects, Tracks) else [-1] * len(objects)
    labels, scores = objects.labels.tolist(), objects.scores.tolist()
    further = _further(objects) if isinstance(objects, Tracks) else {}
    time_s, ltwh = record.written_time, boxes.tolist()
    rows = []
    for i in sorted(keep.tolist(), key=lambda row: ids[row]):
        name = well_formed(objects.name_of(i))
        left, top, width, height = ltwh[i]
        row: Row = {
            "frame": record.number,
            "time_s": time_s,
            "id": ids[i],
            "class_id": class_ids.id_of(name, labels[i]),
            "class": name,
            "score": SCORE.written(scores[i]),
            "left": left,
            "top": top,
            "width": width,
            "height": height,
            "file_name": record.name,
        }
        for value, values in further.items():
            row[value] = values[i]
        rows.append(row)
    return rows


def _further(tracks: Tracks) -> dict[str, list[Any]]:
    """The further values of the tracks as files have them, by column."""
    return {
        column.name: [column.written(value) for value in column.values(tracks).tolist()]
        for column in track_columns.kept(tracks.values)
    }


ltwh_of: Callable[[Row], tuple[float, float, float, float]] = itemgetter("left", "top", "width", "height")


def further_names(suffix: str, known: Collection[str]) -> tuple[str, ...]:
    """Which of a row's values beyond the basic ones files of this suffix have; of the optional ones those `known`."""
    return tuple(column.name for column in track_columns.further_of(suffix, known))
