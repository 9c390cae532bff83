"""Reading MOTChallenge files: detection rows, and lists of frame numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rtdet.errors import SourceError
from rtdet.geometry.boxes import ltwh_to_xyxy
from rtdet.types import Detections, IntArray

# A frame number beyond this (four days at 30 fps) is a row in another format, not a video.
LAST_FRAME = 9_999_999
_ROW = "frame,id,left,top,width,height[,score[,class[,visibility]]]"


@dataclass(frozen=True, eq=False)
class DetectionRows:
    """Detections of many frames. `frames` (N,) int64 from 1, rising; rows of one frame keep the file's
    order."""

    frames: IntArray
    detections: Detections

    @property
    def last_frame(self) -> int:
        """The highest frame number; 0 when there are no rows."""
        return int(self.frames[-1]) if len(self.frames) else 0

    def at(self, frame: int) -> Detections:
        first, end = np.searchsorted(self.frames, (frame, frame + 1))
        return self.detections[first:end]


def read_detections(path: str | Path) -> DetectionRows:
    """The rows of a MOTChallenge detection file: commas or spaces, six to ten columns, in any order.

    A missing score is 1. The eighth column is a class from 1 (label + 1) in rows of eight or nine columns;
    in rows of ten it is a coordinate in the world, as the benchmark has it, and the label is 0.
    Raises SourceError that names the file and the line.
    """
    rows = []
    for number, fields in _lines(path):
        row = _floats(fields)
        if row is None or not 6 <= len(row) <= 10 or not _is_frame(row[0]):
            text = ",".join(fields)
            raise SourceError(f"{path}, line {number}: a detection is {_ROW}, not {_shortened(text)!r}")
        rows.append((*row[:6], row[6] if len(row) > 6 else 1.0, _label(row)))
    table = np.array(rows, dtype=np.float64).reshape(-1, 8)
    table = table[np.argsort(table[:, 0], kind="stable")]
    with np.errstate(invalid="ignore", over="ignore"):  # rows may hold anything; trackers drop what is no box
        boxes = ltwh_to_xyxy(table[:, 2:6])
    detections = Detections(boxes, table[:, 6], table[:, 7].astype(np.int64))
    return DetectionRows(table[:, 0].astype(np.int64), detections)


def read_frame_list(path: str | Path) -> list[int]:
    """Frame numbers from a text file, separated by spaces, commas or line ends; rising, each once.

    Raises SourceError that names the file and the line.
    """
    frames: set[int] = set()
    for number, fields in _lines(path):
        row = _floats(fields)
        if row is None or not all(map(_is_frame, row)):
            text = " ".join(fields)
            raise SourceError(
                f"{path}, line {number}: frame numbers are 1, 2, 3, ..., not {_shortened(text)!r}"
            )
        frames.update(int(value) for value in row)
    if not frames:
        raise SourceError(f"{path} lists no frame")
    return sorted(frames)


def frame_rate(detections: str | Path) -> float | None:
    """Frames a second by the seqinfo.ini of a sequence, SEQ/det/det.txt; None where it has none."""
    about = ConfigParser()
    try:
        about.read(Path(detections).absolute().parents[1] / "seqinfo.ini", encoding="utf-8-sig")
        rate = about["Sequence"].getfloat("frameRate")
    except (IndexError, KeyError, ValueError, ConfigParserError):
        return None
    return rate if rate is not None and 0 < rate < math.inf else None


def _lines(path: str | Path) -> Iterator[tuple[int, list[str]]]:
    """Number and fields of each line that is not blank."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SourceError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{path} is not a text file; give MOTChallenge rows: {_ROW}") from error
    for number, line in enumerate(text.splitlines(), start=1):
        fields = line.replace(",", " ").split()
        if fields:
            yield number, fields


def _floats(fields: list[str]) -> list[float] | None:
    try:
        return [float(field) for field in fields]
    except ValueError:
        return None


def _is_frame(value: float) -> bool:
    return 1 <= value <= LAST_FRAME and value == int(value)


def _label(row: list[float]) -> float:
    is_class = len(row) in (8, 9) and 1 <= row[7] <= LAST_FRAME
    return float(int(row[7]) - 1) if is_class else 0.0


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
