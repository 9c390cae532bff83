"""Reading MOTChallenge's ground truth and result files."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow
from pyarrow import csv

from rtdet.errors import SourceError
from rtdet.evaluation.tracking.rows import TrackRows, TruthRows
from rtdet.geometry.boxes import ltwh_to_xyxy
from rtdet.tracks.table import FARTHEST, LAST_FRAME, LAST_ID
from rtdet.types import BoolArray, FloatArray

_Rows = TypeVar("_Rows", bound=TrackRows)

_ROW = "frame,id,left,top,width,height"
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
    table = _table(path, f"{_ROW},considered")
    _refuse(path, np.isnan(table[:, 6]), "whether a row is to be considered is 0 or 1")
    considered = np.trunc(table[:, 6]) != 0
    if not (has_classes and _has_class(table)):
        return _rows(path, TruthRows, table, considered)
    of_class = np.trunc(table[:, 7])
    is_class = (of_class >= 1) & (of_class <= _LAST_CLASS)
    _refuse(path, ~is_class, f"a class is 1 to {_LAST_CLASS}")
    distractors = _DISTRACTORS_OF_MOT20 if is_mot20 else _DISTRACTORS
    is_scored = considered & (of_class == _PEDESTRIAN)
    return _rows(path, TruthRows, table, is_scored, np.isin(of_class, distractors))


def read_tracks(path: str | Path) -> TrackRows:
    """The results of a tracker: frame,id,left,top,width,height[,score[,class[,visibility]]], or ten columns, as MOT15
    has them. An empty file is a tracker that found nothing.

    Raises SourceError, one line with the file, the line or the frame, and what is wrong; also for a class above 1,
    because only pedestrians are scored.
    """
    table = _table(path, _ROW)
    if _has_class(table):
        is_other = np.trunc(table[:, 7]) > _PEDESTRIAN
        _refuse(path, is_other, "only pedestrians, class 1, can be scored; leave out others")
    return _rows(path, TrackRows, table)


def _has_class(table: FloatArray) -> bool:
    return table.shape[1] in (8, 9)


def _rows(path: str | Path, kind: type[_Rows], table: FloatArray, *marks: BoolArray) -> _Rows:
    """Rows of that kind from the first six columns. Raises SourceError for what is no frame, ID or box, and for an
    ID that is twice in a frame."""
    frames, ids, ltwh = table[:, 0], table[:, 1], table[:, 2:6]
    is_frame = (frames >= 1) & (frames <= LAST_FRAME) & (frames == np.trunc(frames))
    _refuse(path, ~is_frame, "frames are 1, 2, 3, ...")
    _refuse(path, ~((np.abs(ids) <= LAST_ID) & (ids == np.trunc(ids))), "an ID is a whole number")
    is_box = np.all(np.abs(ltwh) <= FARTHEST, axis=1)  # NaN is not
    _refuse(path, ~is_box, f"a box is within {FARTHEST:g} pixels")
    try:
        return kind(frames.astype(np.int64), ids.astype(np.int64), ltwh_to_xyxy(ltwh), *marks)
    except ValueError as error:
        raise SourceError(f"{path}, {error}") from error


def _table(path: str | Path, least: str) -> FloatArray:
    """The numbers of a file, separated by commas or spaces, in rows of one length; `least` names the columns that
    there must be. Raises SourceError."""
    text = _text(path)
    width = least.count(",") + 1
    try:
        table = _parsed(text)
        if table.shape[1] >= width:
            return table
    except ValueError:
        pass
    return _parsed_by_lines(path, text, least)


def _parsed(text: str) -> FloatArray:
    """As pyarrow reads CSV, six times as fast as NumPy does. Raises ValueError for what is not plainly that."""
    names = [str(column) for column in range(text.partition("\n")[0].count(",") + 1)]
    table = csv.read_csv(
        pyarrow.BufferReader(text.encode()),
        csv.ReadOptions(use_threads=False, column_names=names),
        csv.ParseOptions(quote_char=False),
        csv.ConvertOptions(column_types=dict.fromkeys(names, pyarrow.float64()), null_values=[]),
    )
    return np.stack([column.to_numpy() for column in table.columns], axis=1)


def _parsed_by_lines(path: str | Path, text: str, least: str) -> FloatArray:
    """Raises SourceError for the first row that is not of numbers, is short, or is not as long as the first."""
    width = least.count(",") + 1
    rows: list[list[float]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if _is_blank(line):
            continue
        row = _numbers(line)
        if len(row) < width:
            raise SourceError(f"{path}, line {number}: a row is {least},..., not {_shown(line)}")
        rows.append(row)
        if len(row) != len(rows[0]):
            raise SourceError(
                f"{path}, line {number}: {len(row)} columns, but {len(rows[0])} in the first row"
            )
    return np.array(rows, dtype=np.float64) if rows else np.empty((0, width))


def _numbers(line: str) -> list[float]:
    """Of a row; none where one of them is no number."""
    try:
        return [float(field) for field in line.rstrip(" ,\t").split("," if "," in line else None)]
    except ValueError:
        return []


def _is_blank(line: str) -> bool:
    return not line.strip(" ,\t")


def _refuse(path: str | Path, is_wrong: BoolArray, why: str) -> None:
    """Raises SourceError for the first row that is wrong, with its line."""
    if is_wrong.any():
        lines = [entry for entry in enumerate(_text(path).splitlines(), start=1) if not _is_blank(entry[1])]
        number, line = lines[int(is_wrong.argmax())]
        raise SourceError(f"{path}, line {number}: {why}: {_shown(line)}")


def _text(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SourceError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{path} is not a text file; MOTChallenge rows are {_ROW},...") from error


def _shown(line: str) -> str:
    line = line.strip()
    return repr(line if len(line) <= 60 else line[:57] + "...")
