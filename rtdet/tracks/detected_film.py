"""A film as detection files have it: what was seen in each of its frames, for a tracker."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rtdet.errors import SourceError
from rtdet.geometry.boxes import ltwh_to_xyxy
from rtdet.tracks.detection_files import About
from rtdet.tracks.formats.format import seconds, whole
from rtdet.tracks.motchallenge import read_detections
from rtdet.tracks.table import LAST_FRAME
from rtdet.types import Detections

_ROW = '{"frame" or "file_name", "category", "bbox": [left, top, width, height], "score"}'


@dataclass(frozen=True, eq=False)
class DetectedFrame:
    """Number from 1, time in seconds (None: the file does not say), the picture's name where it is a file of its own,
    its size (0, 0 where the file does not say), and what was seen."""

    number: int
    time_s: float | None
    name: str
    size: tuple[int, int]
    detections: Detections


@dataclass(frozen=True, eq=False)
class DetectedFilm:
    """The frames in order, and what the file says of all of them."""

    frames: list[DetectedFrame]
    about: About
    class_names: tuple[str, ...] = ()


def read_detected_film(path: str | Path) -> DetectedFilm:
    """A .json of `rtdet detect` (or a list of such rows from elsewhere), or else MOTChallenge's detection rows.

    A file that names all its classes has their order; else they are in that of their first rows. Frames that the file
    says nothing of have no detections. Raises SourceError, one line with the file and what is wrong in it.
    """
    path = Path(path)
    if path.suffix.lower() != ".json":
        rows = read_detections(path)
        numbers = range(1, max(rows.last_frame, 1) + 1)
        return DetectedFilm([DetectedFrame(n, None, "", (0, 0), rows.at(n)) for n in numbers], About())
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        return _film(_rows(content))
    except OSError as error:
        raise SourceError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{path} is no text") from error
    except RecursionError as error:
        raise SourceError(f"{path} is nested too deep for a list of detections") from error
    except (ValueError, OverflowError) as error:
        raise SourceError(f"{path} does not hold the detections of a film: {error}") from error


def _rows(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, dict) and "annotations" in content:
        raise ValueError("it is a COCO document, of tracks or labels")
    if not isinstance(content, list):
        raise ValueError(f"it is no list of {_ROW}")
    for i, row in enumerate(content, start=1):
        is_sound = isinstance(row, dict) and (
            "no_detections" in row or {"category", "bbox", "score"} <= row.keys()
        )
        if not is_sound:
            raise ValueError(f"row {i} is not {_ROW}")
    return content


class _Frames:
    """The frames that rows name, as they come: numbers, or the order of their file names."""

    def __init__(self) -> None:
        self.known: dict[int, dict[str, Any]] = {}
        self._by_name: dict[str, int] = {}

    def number_of(self, row: Mapping[str, Any]) -> int:
        name = str(row.get("file_name", ""))
        if "frame" in row:
            number = whole(row["frame"])
        elif name:
            number = self._by_name.setdefault(name, len(self._by_name) + 1)
        else:
            raise ValueError(f"a row is {_ROW}")
        if not 1 <= number <= LAST_FRAME:
            raise ValueError(f"frames are numbered from 1, not {number}")
        frame = self.known.setdefault(number, {"name": name, "time_s": seconds(row)})
        if "size" in row:
            width, height = row["size"]
            frame["size"] = whole(width), whole(height)
        return number


def _film(rows: list[dict[str, Any]]) -> DetectedFilm:
    source = rows[0].get("source") if rows else None
    source = source if isinstance(source, dict) else {}
    labels = {str(name): i for i, name in enumerate(source.get("classes") or ())}
    frames = _Frames()
    seen: dict[int, list[tuple[float, ...]]] = {}
    for i, row in enumerate(rows, start=1):
        try:
            for without in row.get("no_detections", ()):
                frames.number_of(without)
            if "bbox" not in row:  # nothing was found in the whole film
                continue
            label = labels.setdefault(str(row["category"]), len(labels))
            box = [float(value) for value in row["bbox"]]
            if len(box) != 4:
                raise ValueError("a bbox is [left, top, width, height]")
            seen.setdefault(frames.number_of(row), []).append((*box, float(row["score"]), label))
        except (TypeError, ValueError, AttributeError, LookupError) as error:
            raise ValueError(f"row {i}: {error}") from error
    names = tuple(labels)
    fps, least = source.get("fps"), source.get("least_score")
    about = About(
        float(fps) if isinstance(fps, int | float) and fps > 0 else None,
        float(least) if isinstance(least, int | float) else None,
        source.get("are_pictures") is True,
    )
    return DetectedFilm(list(_in_order(frames.known, seen, names)), about, names)


def _in_order(
    known: Mapping[int, Mapping[str, Any]],
    seen: Mapping[int, list[tuple[float, ...]]],
    names: tuple[str, ...],
) -> Iterable[DetectedFrame]:
    has_times = any(frame["time_s"] is not None for frame in known.values())
    # A file that lists its frames has left some out on purpose: a camera dropped them.
    numbers = sorted(known) if has_times else range(1, max(known, default=0) + 1)
    size = (0, 0)
    for number in numbers:
        frame = known.get(number, {"name": "", "time_s": None})
        size = frame.get("size", size)
        columns = np.array(seen.get(number, ()), dtype=np.float64).reshape(-1, 6)
        detections = Detections(
            ltwh_to_xyxy(columns[:, :4]), columns[:, 4], columns[:, 5].astype(np.int64), names
        )
        yield DetectedFrame(number, frame["time_s"], frame["name"], size, detections)
