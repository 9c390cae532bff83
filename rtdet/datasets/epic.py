"""EPIC-KITCHENS object annotations: a CSV with a row for each frame of a video and each thing in it, and the frames.

    noun_class,noun,participant_id,video_id,frame,bounding_boxes
    20,bag,P01,P01_01,56581,"[(76, 1260, 462, 186)]"

A box is (top, left, height, width) in pixels of a 1920x1080 frame (Damen et al. 2018, arXiv 1804.02748, and the
README of the annotations). Frames are pictures below a folder named like the video, with the frame's number at the
end of their name: P01/P01_01/0000056581.jpg or P01_01/frame_0000056581.jpg; of another size, the boxes are scaled.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from rtdet.datasets.faults import Faults, Finding, LabelError
from rtdet.datasets.pictures import files_in, pictures_in
from rtdet.datasets.raw import RawLabels, raw_picture
from rtdet.datasets.text import read_text, shown, starts_with, whole_number
from rtdet.errors import UsageError

_NEEDED = ("noun", "video_id", "frame", "bounding_boxes")
_SIZE = (1920, 1080)
_BOX = re.compile(r"\(\s*(-?[\d.]+)\s*,\s*(-?[\d.]+)\s*,\s*(-?[\d.]+)\s*,\s*(-?[\d.]+)\s*\)")
_NOTHING = re.compile(r"[\[\](),.\s\d-]*")
_DIGITS = re.compile(r"(\d+)$")
_ELSEWHERE = "boxes of frames that are not here"
_Frame = tuple[str, int]


def epic_file(folder: Path) -> Path | None:
    """The folder's CSV of object annotations; None without one."""
    files = sorted([*folder.glob("*.csv"), *folder.glob("annotations/*.csv")])
    plain = (path for path in files if path.is_file() and not path.name.startswith("."))
    return next((path for path in plain if _has_nouns(path)), None)


def _has_nouns(path: Path) -> bool:
    header = starts_with(path).partition(b"\n")[0].decode("utf-8-sig", "replace")
    return set(_NEEDED) <= {word.strip().strip('"') for word in header.split(",")}


def read_epic(folder: Path, file: Path, *, tolerant: bool = False) -> RawLabels:
    """The boxes of one CSV as written, on the frames that are here. A frame that no row names shows what nobody
    looked for, so it is left out. Raises UsageError, one line with the file and the line; of lines that cannot be
    read `tolerant` makes findings, and so it does of frames that are not here."""
    faults = Faults(tolerant=tolerant)
    here = _frames(folder, faults)
    names: dict[str, int] = {}
    boxes: dict[_Frame, list[tuple[list[float], int]]] = {}
    for line, row in _rows(file):
        with faults.noted(f"{file.name} line {line}"):
            key, found = _read_row(row, f"{file} line {line}")
            label = names.setdefault(row["noun"].strip(), len(names))
            boxes.setdefault(key, []).extend((box, label) for box in found)
    missing = {key: len(found) for key, found in boxes.items() if key not in here}
    is_lost = len(missing) == len(boxes)
    if missing and is_lost and (videos := files_in(folder, {".mp4", ".avi", ".mov"}, folder)):
        raise UsageError(
            f"{file} labels frames, and {videos[0]} is a video: write its frames as pictures first, for example\n"
            f"    ffmpeg -i {videos[0].name} -start_number 0 {videos[0].stem}/frame_%010d.jpg"
        )
    faults.findings += [
        Finding(
            "missing picture", file.name, f"{count} boxes of {video} frame {frame}",
            boxes=count if is_lost else 0, noted=0 if is_lost else count,
            why="of frames that are not here" if is_lost else _ELSEWHERE,
        )
        for (video, frame), count in missing.items()
    ]  # fmt: skip
    read = []
    for key in sorted(boxes.keys() & here.keys()):
        rows = boxes[key]
        array = np.array([box for box, _ in rows], dtype=np.float64).reshape(-1, 4)
        labels = np.array([label for _, label in rows], dtype=np.int64)
        read.append(raw_picture(here[key], _SIZE, array, labels, source=key[0]))
    return RawLabels(folder, "epic", tuple(names), read, faults.findings)


def _frames(folder: Path, faults: Faults) -> dict[_Frame, Path]:
    """The pictures by video and number."""
    found: dict[_Frame, Path] = {}
    for path in pictures_in(folder, folder, faults):
        number = _DIGITS.search(path.stem)
        if number is None:
            continue
        around = [*path.relative_to(folder).parts[:-1], path.stem[: number.start()].rstrip("_")]
        for name in around:
            found.setdefault((name, int(number[1])), path)
    return found


def _rows(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.DictReader(io.StringIO(read_text(file), newline=""))
    try:
        for row in reader:
            yield reader.line_num, {str(key).strip(): value or "" for key, value in row.items() if key}
    except csv.Error as error:
        raise UsageError(f"{file} line {reader.line_num} is not CSV: {error}") from error


def _read_row(row: dict[str, str], where: str) -> tuple[_Frame, list[list[float]]]:
    """((video, frame), xyxy boxes)."""
    text, frame = row["bounding_boxes"], whole_number(row["frame"])
    if frame is None:
        raise LabelError(where, f"frame is {shown(row['frame'].strip())}, not the number of a frame")
    if not row["noun"].strip():
        raise LabelError(where, "there is no noun")
    found = _BOX.findall(text)
    if text.count("(") != len(found) or not _NOTHING.fullmatch(text):
        raise LabelError(where, f"bounding_boxes is {shown(text)}, not [(top, left, height, width), ...]")
    try:
        numbers = [[float(value) for value in box] for box in found]
    except ValueError:
        raise LabelError(where, f"bounding_boxes is {shown(text)}, not numbers") from None
    boxes = [[left, top, left + width, top + height] for top, left, height, width in numbers]
    return (row["video_id"].strip(), frame), boxes
