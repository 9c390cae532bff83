"""labelme: a JSON file beside each picture, with shapes: rectangles, polygons, circles and masks, of which the box
around is taken; lines and points are counted, not read. A picture without a file shows nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from rtdet.datasets.coco import read_json
from rtdet.datasets.cvat import NO_BOX
from rtdet.datasets.faults import Faults, Finding, LabelError
from rtdet.datasets.pictures import files_in, inside, pictures_in
from rtdet.datasets.raw import RawLabels, RawPicture, raw_picture
from rtdet.datasets.text import shown, starts_with
from rtdet.errors import UsageError

_BOXED = frozenset({"rectangle", "polygon", "circle", "mask", "oriented_rectangle", "rotation"})
_SMALL = 1 << 16
_Row = tuple[list[float], str]


def labelme_files(folder: Path) -> list[Path]:
    """The folder's JSON files of labelme, those in sub-folders too."""
    found = [
        path for path in files_in(folder, {".json"}, folder) if _is_labelme(path, path.stat().st_mtime_ns)
    ]
    return sorted(found)


def has_labelme(folder: Path) -> bool:
    """Whether labels of the folder itself, or of its images/, are labelme's."""
    files = [
        path for place in (folder, folder / "images", folder / "annotations") for path in place.glob("*.json")
    ]
    return any(path.is_file() and _is_labelme(path, path.stat().st_mtime_ns) for path in sorted(files))


@lru_cache(maxsize=65536)  # a folder is asked more than once
def _is_labelme(path: Path, changed_ns: int) -> bool:
    """By its keys; a large file, which holds its picture, by its beginning and end."""
    if path.name.startswith("."):
        return False
    size = path.stat().st_size
    if size <= _SMALL:
        try:
            content = json.loads(path.read_bytes())
        except (ValueError, RecursionError, OSError):
            return False
        return (
            isinstance(content, dict) and isinstance(content.get("shapes"), list) and "imagePath" in content
        )
    text = starts_with(path)
    with path.open("rb") as file:
        file.seek(max(0, size - 4096))
        text += file.read()
    return b'"shapes"' in text and (b'"imagePath"' in text or b'"imageData"' in text)


def read_labelme(folder: Path, *, tolerant: bool = False) -> RawLabels:
    """The labels of all of labelme's files in a folder as written. Raises UsageError, one line with the file, for a
    file that does not fit; of such files and shapes `tolerant` makes findings."""
    faults = Faults(tolerant=tolerant)
    names: dict[str, int] = {}
    read: list[RawPicture] = []
    known: set[Path] = set()
    passed_over = 0
    pictures = pictures_in(folder, folder, faults)
    beside = {path.with_suffix(""): path for path in reversed(pictures)}
    for file in labelme_files(folder):
        where = str(file.relative_to(folder))
        with faults.noted(where):
            content = read_json(file)
            rows, lines = _rows(content, file, faults)
            passed_over += lines
            path = beside.get(file.with_suffix("")) or inside(file.parent, _picture(content, file), file)
            if path in known:
                raise LabelError(str(file), f"the picture {path.name} has labels in another file, too")
            known.add(path)
            if not path.is_file():
                faults.findings.append(
                    Finding(
                        "missing picture", where, f"{len(rows)} shapes of {shown(path.name)}",
                        boxes=len(rows), pictures=1, why="that have labels but are not here",
                    )
                )  # fmt: skip
                continue
            boxes = np.array([box for box, _ in rows], dtype=np.float64).reshape(-1, 4)
            labels = [names.setdefault(name, len(names)) for _, name in rows]
            read.append(raw_picture(path, _size(content), boxes, np.array(labels, dtype=np.int64)))
    nothing = np.empty((0, 4)), np.empty(0, dtype=np.int64)
    read += [raw_picture(path, None, *nothing) for path in pictures if path not in known]
    if passed_over:
        text = f"{passed_over} {NO_BOX}"
        faults.findings.append(Finding("no box", folder.name, text, noted=passed_over, why=NO_BOX))
    read.sort(key=lambda one: one.path)
    return RawLabels(folder, "labelme", tuple(names), read, faults.findings)


def _picture(content: Any, file: Path) -> str:
    name = content.get("imagePath") if isinstance(content, dict) else None
    if not isinstance(name, str) or not name:
        raise LabelError(str(file), f"imagePath is {shown(name)}, not the name of a picture")
    return name


def _size(content: dict[str, Any]) -> tuple[int, int] | None:
    width, height = content.get("imageWidth"), content.get("imageHeight")
    is_said = all(
        isinstance(side, int) and not isinstance(side, bool) and 0 < side < 2**31 for side in (width, height)
    )
    return (int(width or 0), int(height or 0)) if is_said else None


def _rows(content: Any, file: Path, faults: Faults) -> tuple[list[_Row], int]:
    """(boxes with their names, how many shapes have none)."""
    if not isinstance(content, dict) or not isinstance(content.get("shapes"), list):
        raise UsageError(f"{file} is not labelme's JSON: it has no list of `shapes`")
    rows: list[_Row] = []
    lines = 0
    for number, shape in enumerate(content["shapes"], 1):
        with faults.noted(f"{file.name} shape {number}"):
            found = list(_row(shape, f"{file} shape {number}"))
            rows += found
            lines += not found
    return rows, lines


def _row(shape: Any, where: str) -> Iterator[_Row]:
    if not isinstance(shape, dict):
        raise LabelError(where, f"{shown(shape)} is not a shape")
    name, kind = shape.get("label"), shape.get("shape_type") or "polygon"  # early versions had polygons only
    if not isinstance(name, (str, int)) or not str(name).strip():
        raise LabelError(where, f"label is {shown(name)}, not a name")
    if not isinstance(kind, str):
        raise LabelError(where, f"shape_type is {shown(kind)}, not a word")
    try:
        points = np.asarray(shape.get("points"), dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        points = np.empty(0)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise LabelError(where, f"points are {shown(shape.get('points'))}, not a list of x, y")
    if kind not in _BOXED:
        return
    if kind == "circle":  # its centre, and a point on it
        reach = math.dist(points[0], points[-1])
        with np.errstate(invalid="ignore"):  # of what is not finite: such a box is dropped
            points = np.array([points[0] - reach, points[0] + reach])
    yield [*points.min(axis=0).tolist(), *points.max(axis=0).tolist()], str(name).strip()
