"""Reading MOTChallenge's ground truth and result files."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import numpy as np

from rtdet.errors import SourceError
from rtdet.evaluation.tracking.rows import TrackRows, TruthRows
from rtdet.geometry.boxes import ltwh_to_xyxy
from rtdet.tracks.mot_rows import MotRows, read_rows
from rtdet.types import BoolArray

_Rows = TypeVar("_Rows", bound=TrackRows)

_TRUTH_ROW = "frame,id,left,top,width,height,considered[,class[,visibility]]"
_CONSIDERED = 6
_PEDESTRIAN = 1
# Person on vehicle, static person, distractor, reflection; in MOT20 non-motorised vehicles too.
_DISTRACTORS = (2, 7, 8, 12)
_DISTRACTORS_OF_MOT20 = (*_DISTRACTORS, 6)
_LAST_CLASS = 13


def read_truth(path: str | Path, *, has_classes: bool = True, is_mot20: bool = False) -> TruthRows:
    """The ground truth of a sequence: frame,id,left,top,width,height,considered[,class[,visibility]].

    Scored are pedestrians (class 1) where they are to be considered (not 0). Classes 2, 7, 8 and 12 are distractors,
    and so is 6 with `is_mot20`. Rows of ten columns have no classes: they are MOT15's, with coordinates in the world.
    Without classes all rows are scored that are to be considered. Raises SourceError, one line with the file, the
    line or the frame, and what is wrong.
    """
    rows = read_rows(path, _TRUTH_ROW, fewest=_CONSIDERED + 1)
    _demand_equal_length(rows)
    column = rows.column(_CONSIDERED)
    rows.refuse(np.isnan(column), "the column that says whether a row is considered must be 0 or 1")
    considered = np.trunc(column) != 0
    if not (has_classes and rows.has_class().any()):
        return _of_kind(TruthRows, rows, considered)
    of_class = rows.classes()
    rows.refuse(~((of_class >= 1) & (of_class <= _LAST_CLASS)), f"a class must be 1 to {_LAST_CLASS}")
    distractors = _DISTRACTORS_OF_MOT20 if is_mot20 else _DISTRACTORS
    is_scored = considered & (of_class == _PEDESTRIAN)
    return _of_kind(TruthRows, rows, is_scored, np.isin(of_class, distractors))


def read_tracks(path: str | Path) -> TrackRows:
    """The results of a tracker: frame,id,left,top,width,height[,score[,class[,visibility]]], or ten columns, as MOT15
    has them. An empty file is a tracker that found nothing.

    Raises SourceError, one line with the file, the line or the frame, and what is wrong; also for a class above 1,
    because only pedestrians are scored.
    """
    rows = read_rows(path)
    _demand_equal_length(rows)
    rows.refuse(rows.classes() > _PEDESTRIAN, "only pedestrians, class 1, can be scored; remove the others")
    return _of_kind(TrackRows, rows)


def _demand_equal_length(rows: MotRows) -> None:
    """Whether there are classes is asked of a file, not of a row."""
    other = rows.widths != rows.widths[:1]
    if other.any():
        width = rows.widths[other.argmax()]
        rows.refuse(other, f"{width} columns, but {rows.widths[0]} in the first row")


def _of_kind(kind: type[_Rows], rows: MotRows, *marks: BoolArray) -> _Rows:
    """The rows as that kind. Raises SourceError for what is no frame, ID or box, and for an ID that is twice in a
    frame."""
    frames, ids, ltwh = rows.frames(), rows.ids(), rows.ltwh()
    try:
        return kind(frames, ids, ltwh_to_xyxy(ltwh), *marks)
    except ValueError as error:
        raise SourceError(f"{rows.path}, {error}") from error
