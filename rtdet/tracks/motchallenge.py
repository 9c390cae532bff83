"""Reads MOTChallenge's other files: detections, lists of frame numbers, a sequence's frame rate."""

from __future__ import annotations

import math
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rtdet.errors import SourceError
from rtdet.geometry.boxes import ltwh_to_xyxy
from rtdet.tracks.mot_rows import lines_of, numbers_in, read_rows, read_text, shown
from rtdet.tracks.table import LAST_FRAME
from rtdet.types import Detections, IntArray


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
    rows = read_rows(path)
    frames, labels, scores = rows.frames(), rows.labels(), rows.scores()
    with np.errstate(invalid="ignore", over="ignore"):  # boxes may be anything; trackers drop what is none
        boxes = ltwh_to_xyxy(rows.numbers[:, 2:6])
    order = np.argsort(frames, kind="stable")
    return DetectionRows(frames[order], Detections(boxes, scores, labels)[order])


def read_frame_list(path: str | Path) -> list[int]:
    """Frame numbers from a text file, separated by spaces, commas or line ends; rising, each once.

    Raises SourceError that names the file and the line.
    """
    rule = "frame numbers are 1, 2, 3, ..."
    frames: set[int] = set()
    for number, line in lines_of(read_text(path, rule)):
        row = numbers_in(line)
        if row is None or not all(map(_is_frame, row)):
            raise SourceError(f"{path}, line {number}: {rule}, not {shown(line)}")
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


def _is_frame(value: float) -> bool:
    return 1 <= value <= LAST_FRAME and value == int(value)
