"""The one reader of MOTChallenge's rows: `frame,id,left,top,width,height[,score[,class[,visibility]]]`.

Detections, tracks, ground truth and results are all files of such rows. What is a row is the same for all of them:
six to ten numbers with commas or spaces between them, in any order of frames; blank lines, a comma at the end of a
line and a byte order mark are passed over. Rows of ten are the benchmark's of 2015, whose last three are a place in
the world; rows of eight and nine have a class.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rtdet.errors import SourceError
from rtdet.track_columns import further_of
from rtdet.tracks.table import FARTHEST, LAST_FRAME, LAST_ID
from rtdet.types import BoolArray, FloatArray, IntArray

ROW = "frame,id,left,top,width,height[,score[,class[,visibility]]]"
SUFFIX = ".txt"
_SCORE, _CLASS, _VISIBILITY = 6, 7, 8
_FEWEST, _OF_THE_WORLD = 6, 10
_SEPARATOR = re.compile(r"\s*,\s*|\s+")
# Characters from which on loading arro3, which takes a hundredth of a second, is made up for by its speed.
_LONG = 100_000


@dataclass(frozen=True, eq=False)
class MotRows:
    """The rows of a file, in its order, not yet interpreted.

    numbers (N, C) float64: the columns as they are, NaN beyond the end of a row that is shorter than others.
    widths (N,) int64: how many columns each row has. The methods that give a column raise SourceError, one line with
    the file, the line and what is wrong, for the first row in which it is not sound.
    """

    path: Path
    text: str
    numbers: FloatArray
    widths: IntArray

    def __len__(self) -> int:
        return len(self.numbers)

    def frames(self) -> IntArray:
        """(N,) frame numbers from 1."""
        frames = self.numbers[:, 0]
        is_frame = (frames >= 1) & (frames <= LAST_FRAME) & (frames == np.trunc(frames))
        from_0 = "; frames are numbered from 1: add 1 to each" if (frames == 0).any() else ""
        self.refuse(~is_frame, "frames are 1, 2, 3, ...", from_0)
        return frames.astype(np.int64)

    def ids(self) -> IntArray:
        """(N,) IDs, which may be below 0."""
        ids = self.numbers[:, 1]
        self.refuse(~((np.abs(ids) <= LAST_ID) & (ids == np.trunc(ids))), "an ID must be a whole number")
        return ids.astype(np.int64)

    def ltwh(self) -> FloatArray:
        """(N, 4) left, top, width and height in pixels."""
        ltwh = self.numbers[:, 2:6]
        is_box = np.all(np.abs(ltwh) <= FARTHEST, axis=1)  # NaN is not
        self.refuse(~is_box, f"a box must be within {FARTHEST:g} pixels")
        return ltwh

    def scores(self) -> FloatArray:
        """(N,) scores; 1 in rows without one."""
        return np.where(self.widths > _SCORE, self.column(_SCORE), 1.0)

    def has_class(self) -> BoolArray:
        """(N,) whether the eighth column is a class."""
        return np.asarray((self.widths > _CLASS) & (self.widths != _OF_THE_WORLD))

    def classes(self) -> FloatArray:
        """(N,) the eighth column, truncated; 0 in rows without a class."""
        return np.where(self.has_class(), np.trunc(self.column(_CLASS)), 0.0)

    def labels(self) -> IntArray:
        """(N,) classes counted from 0; 0 too where there is no class or it is below 1."""
        classes = self.classes()
        self.refuse(~(np.abs(classes) <= LAST_FRAME), "a class must be a whole number from 1")
        return np.maximum(classes - 1, 0).astype(np.int64)

    def further(self) -> dict[str, FloatArray]:
        """(N,) of each further value that a .txt has, by name: the first, the visibility, is the ninth column; others
        come after the tenth, so that their rows are not taken for the benchmark's of 2015."""
        values = {}
        for i, column in enumerate(further_of(SUFFIX)):
            at = _VISIBILITY if i == 0 else _OF_THE_WORLD - 1 + i
            is_there = (self.widths > at) & (self.widths != _OF_THE_WORLD)
            values[column.name] = np.where(is_there, self.column(at), column.default)
        return values

    def column(self, i: int) -> FloatArray:
        """(N,) the column `i` from 0, NaN where rows end before it."""
        return self.numbers[:, i] if i < self.numbers.shape[1] else np.full(len(self), np.nan)

    def refuse(self, is_wrong: BoolArray, why: str, advice: str = "") -> None:
        """Raises SourceError for the first row that is wrong."""
        if is_wrong.any():
            number, line = list(lines_of(self.text))[int(is_wrong.argmax())]
            raise SourceError(f"{self.path}, line {number}: {why}: {shown(line)}{advice}")


def read_rows(path: str | Path, row: str = ROW, fewest: int = _FEWEST) -> MotRows:
    """All rows of a file. `row` says in messages what one is, `fewest` how many numbers it has at least.

    Raises SourceError, one line with the file, the line and what is wrong.
    """
    path = Path(path)
    text = read_text(path, f"MOTChallenge rows are {row}")
    most = _OF_THE_WORLD + max(0, len(further_of(SUFFIX)) - 1)
    numbers = _parsed_at_once(text) if len(text) >= _LONG else None
    if numbers is not None and fewest <= numbers.shape[1] <= most:
        return MotRows(path, text, numbers, np.full(len(numbers), numbers.shape[1]))
    parsed = []
    for number, line in lines_of(text):
        fields = numbers_in(line)
        if fields is None or not fewest <= len(fields) <= most:
            raise SourceError(f"{path}, line {number}: a row is {row}, not {shown(line)}")
        parsed.append(fields)
    widths = np.array([len(fields) for fields in parsed], dtype=np.int64)
    numbers = np.full((len(parsed), int(widths.max(initial=fewest))), np.nan)
    for width in np.unique(widths).tolist():
        numbers[widths == width, :width] = [fields for fields in parsed if len(fields) == width]
    return MotRows(path, text, numbers, widths)


def read_text(path: str | Path, what: str) -> str:
    """The file's text. Raises SourceError; `what` it should hold is said where it is not text."""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SourceError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{path} is not a text file; {what}") from error


def numbers_in(line: str) -> list[float] | None:
    """The numbers of a line, with commas or spaces between them; None where one of them is none."""
    line = line.strip().rstrip(" ,\t")
    try:
        return list(map(float, line.split(",")))
    except ValueError:
        pass
    try:
        return list(map(float, _SEPARATOR.split(line)))
    except ValueError:
        return None


def lines_of(text: str) -> Iterator[tuple[int, str]]:
    """Number and text of each line that is not blank."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip(" ,\t"):
            yield number, line


def _parsed_at_once(text: str) -> FloatArray | None:
    """(N, C) as arro3 reads CSV, ten times as fast as line by line; None for what is not plainly that."""
    if '"' in text:  # it would take quoted numbers for numbers
        return None
    from arro3.core import DataType, Field, Schema
    from arro3.io import read_csv

    width = text.partition("\n")[0].count(",") + 1
    schema = Schema([Field(str(i), DataType.float64(), nullable=False) for i in range(width)])
    try:
        table = read_csv(io.BytesIO(text.encode()), schema, has_header=False).read_all()
        return np.stack([table.column(i).to_numpy() for i in range(width)], axis=1)
    except Exception:  # arro3 raises nothing more special
        return None


def shown(line: str) -> str:
    """The line as a message shows it, shortened if it is long."""
    line = line.strip()
    return repr(line if len(line) <= 60 else line[:57] + "...")
