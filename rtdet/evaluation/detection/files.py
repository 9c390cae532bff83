"""Detections for a data set: read from a file of `rtdet detect`, or made by a detector."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from rtdet.datasets import Dataset
from rtdet.datasets.coco import read_json
from rtdet.datasets.pictures import picture_size
from rtdet.datasets.text import shown
from rtdet.errors import UsageError
from rtdet.geometry.boxes import ltwh_to_xyxy
from rtdet.protocols import Detector
from rtdet.types import Detections

_log = logging.getLogger("rtdet.evaluation")
# Pictures handed to the detector at once: enough to keep its requests in flight.
_BATCH = 8


def detect_all(
    detector: Detector, dataset: Dataset, on_picture: Callable[[], None] = lambda: None
) -> list[Detections]:
    """What the detector sees in each picture of the data set, in its order. `on_picture` is called after each.

    Raises UsageError for a picture that cannot be decoded, ModelError as the detector does.
    """
    found: list[Detections] = []
    for start in range(0, len(dataset.samples), _BATCH):
        images = [sample.read() for sample in dataset.samples[start : start + _BATCH]]
        for one in detector.detect(images):
            found.append(one)
            on_picture()
    return found


def check_pictures(dataset: Dataset) -> None:
    """Raises UsageError for the first picture that is missing or is none, by the files' heads alone. Warns where
    pictures are not of the size that the labels say: boxes would be misplaced."""
    other = []
    for sample in dataset.samples:
        if not sample.path.is_file():  # nor a pipe, which would be waited for
            raise UsageError(f"the picture {sample.path} is missing")
        size = picture_size(sample.path)
        if size != sample.size:
            other.append(f"{sample.path.name} is {size[0]}x{size[1]}, not {sample.size[0]}x{sample.size[1]}")
    if other:
        _log.warning(
            "%d of %d pictures differ in size from what their labels say (%s): boxes may be misplaced",
            len(other), len(dataset), other[0],
        )  # fmt: skip


def read_detections(path: Path, dataset: Dataset) -> list[Detections]:
    """The detections of a JSON file as `rtdet detect` writes it, one Detections for each picture of the data set.

    Rows are {"file_name", "category", "bbox": [left, top, width, height], "score"}. Pictures are known by their
    file name, or by more of their path where two have the same; those without rows have no detections. Rows of
    other pictures are passed over, with a warning. Raises UsageError, one line with the file and the row, for a
    file that is not such JSON (cut off, other fields, sizes that are no numbers) and for one that names no picture
    of the data set.
    """
    rows = read_json(path)
    if not isinstance(rows, list):
        raise UsageError(
            f"{path} is not a detections file of `rtdet detect`: it holds {shown(type(rows).__name__)}, not a list"
        )
    places = _places(dataset)
    boxes: list[list[list[float]]] = [[] for _ in dataset.samples]
    scores: list[list[float]] = [[] for _ in dataset.samples]
    labels: list[list[int]] = [[] for _ in dataset.samples]
    names: dict[str, int] = {}
    foreign = 0
    for i, row in enumerate(rows):
        file_name, category, box, score = _fields(row, f"{path}: row {i}")
        place = places.get(_spelling(file_name))
        if place is None:
            foreign += 1
            continue
        if place < 0:
            raise UsageError(f"{path}: row {i}: {shown(file_name)} is the name of more than one picture")
        boxes[place].append(box)
        scores[place].append(score)
        labels[place].append(names.setdefault(category, len(names)))
    _report_foreign(path, dataset, foreign, len(rows))
    class_names = tuple(names)
    return [
        Detections(ltwh_to_xyxy(np.array(b, dtype=np.float64).reshape(-1, 4)), s, c, class_names)  # type: ignore[arg-type]
        for b, s, c in zip(boxes, scores, labels, strict=True)
    ]


def _places(dataset: Dataset) -> dict[str, int]:
    """The picture of every spelling of its path, from the file name alone to all below the data set's folder;
    -1 for a spelling that fits more than one."""
    places: dict[str, int] = {}
    for i, sample in enumerate(dataset.samples):
        for spelling in _spellings(sample.path, dataset.folder):
            places[spelling] = i if places.get(spelling, i) == i else -1
    return places


def _spellings(path: Path, folder: Path) -> Iterator[str]:
    try:
        parts = path.relative_to(folder).parts
    except ValueError:  # pictures may lie elsewhere
        parts = path.parts[1:]
    for start in range(len(parts)):
        yield "/".join(parts[start:])


def _spelling(file_name: str) -> str:
    return file_name.replace("\\", "/").removeprefix("./")


def _fields(row: Any, where: str) -> tuple[str, str, list[float], float]:
    """(file name, class, ltwh, score) of a row. Raises UsageError."""
    if not isinstance(row, dict):
        raise UsageError(f"{where} is {shown(row)}, not an object")
    for key in ("file_name", "category"):
        if not isinstance(row.get(key), str):
            frames = (
                "; a video's detections, by frame, cannot be measured on pictures" if "frame" in row else ""
            )
            raise UsageError(f"{where}: {key} should be a string, not {shown(row.get(key))}{frames}")
    box, score = row.get("bbox"), row.get("score")
    if not (isinstance(box, list) and len(box) == 4 and all(_is_number(value) for value in box)):
        raise UsageError(f"{where}: bbox should be [left, top, width, height], not {shown(box)}")
    if box[2] < 0 or box[3] < 0:
        raise UsageError(f"{where}: bbox has a width or height below 0: {shown(box)}")
    if not isinstance(score, (int, float)) or isinstance(score, bool) or not 0 <= score <= 1:
        raise UsageError(f"{where}: score should be a number from 0 to 1, not {shown(score)}")
    return row["file_name"], row["category"], box, float(score)


def _is_number(value: Any) -> bool:
    """Finite (NaN is below nothing), and small enough for its square to be finite too."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e9


def _report_foreign(path: Path, dataset: Dataset, foreign: int, rows: int) -> None:
    if foreign and foreign == rows:
        raise UsageError(
            f"{path} has no detections for the pictures in {dataset.folder}; does it belong to another data set?"
        )
    if foreign:
        _log.warning(
            "%s: %d of %d rows belong to pictures that are not in %s", path, foreign, rows, dataset.folder
        )
