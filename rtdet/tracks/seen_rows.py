"""Detections out of any file that rtdet writes: those of a detector, or what was seen of the tracks of a run."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from rtdet.geometry.boxes import ltwh_to_xyxy
from rtdet.tracks.detected_film import DetectedFilm, read_detected_film
from rtdet.tracks.formats.format import Entry
from rtdet.tracks.motchallenge import DetectionRows, read_detections
from rtdet.tracks.read_write import read_entries
from rtdet.types import Detections

TRACK_TABLES = (".csv", ".jsonl", ".parquet")


def read_seen(path: str | Path) -> tuple[DetectionRows, float | None]:
    """The detections in a .txt (MOTChallenge), in a .json of `rtdet detect`, or, of what the detector saw, in a track
    file of any format; and the frame rate that the file's times have, None where it has none.

    Raises SourceError, one line with the file and what is wrong in it.
    """
    path = Path(path)
    if path.suffix.lower() in TRACK_TABLES or _is_coco(path):
        return _of_tracks(read_entries(path))
    if path.suffix.lower() == ".json":
        return _of_film(read_detected_film(path))
    return read_detections(path), None


def _is_coco(path: Path) -> bool:
    if path.suffix.lower() != ".json":
        return False
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return False  # who reads it says so
    return isinstance(content, dict) and "annotations" in content


def _of_tracks(entries: list[Entry]) -> tuple[DetectionRows, float | None]:
    rows = [
        entry for entry in entries
        if entry.track_id is not None and entry.score > 0 and entry.further.get("seen", True)
    ]  # fmt: skip
    rows.sort(key=lambda entry: entry.frame)  # those of a frame keep their order
    names = tuple(dict.fromkeys(entry.class_name for entry in rows if entry.class_name is not None))
    labels = [entry.label if entry.class_name is None else names.index(entry.class_name) for entry in rows]
    boxes = ltwh_to_xyxy(np.array([entry.ltwh for entry in rows], dtype=np.float64).reshape(-1, 4))
    found = Detections(boxes, np.array([entry.score for entry in rows]), np.array(labels), names)
    times = {entry.frame: entry.time_s for entry in entries}
    return DetectionRows(np.array([entry.frame for entry in rows], dtype=np.int64), found), _rate(
        times.items()
    )


def _of_film(film: DetectedFilm) -> tuple[DetectionRows, float | None]:
    frames = [frame for frame in film.frames if len(frame.detections)]
    numbers = [frame.number for frame in frames for _ in range(len(frame.detections))]
    found = Detections(class_names=film.class_names)
    if frames:
        found = Detections(
            np.concatenate([frame.detections.boxes for frame in frames]),
            np.concatenate([frame.detections.scores for frame in frames]),
            np.concatenate([frame.detections.labels for frame in frames]),
            film.class_names,
        )
    rate = film.about.fps or _rate((frame.number, frame.time_s) for frame in film.frames)
    return DetectionRows(np.array(numbers, dtype=np.int64), found), rate


def _rate(times: Iterable[tuple[int, float | None]]) -> float | None:
    """Frames a second by the (number, time) of frames: the median between two."""
    known = sorted((number, time_s) for number, time_s in times if time_s is not None)
    if len(known) < 2:
        return None
    numbers, seconds = (np.array(column) for column in zip(*known, strict=True))
    step = float(np.median(np.diff(seconds) / np.diff(numbers)))
    return round(1 / step, 3) if step > 0 else None
