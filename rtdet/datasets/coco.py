"""COCO JSON: `images`, `annotations` with `bbox` [left, top, width, height], `categories`.

Read beyond the standard fields: an image's `source`; an annotation's `score` (how sure a teacher was) and
`ignore` (1: neither rewarded nor punished), as `rtdet data label` writes them.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rtdet.datasets.coco_masks import box_around
from rtdet.datasets.faults import AMBIGUOUS, NAMELESS, UNREADABLE_LABELS, Faults, Finding, LabelError
from rtdet.datasets.pictures import inside
from rtdet.datasets.raw import RawLabels, RawPicture, cleaned
from rtdet.datasets.sample import Sample, places_of
from rtdet.datasets.text import printable, read_text, shown
from rtdet.errors import UsageError
from rtdet.geometry.boxes import ltwh_to_xyxy
from rtdet.types import FloatArray, IntArray

Rows = list[dict[str, Any]]
_NO_BOX: tuple[object, ...] = (None, [])
_WHOLE = re.compile(r"0|[1-9][0-9]{0,17}")
_UNLISTED = "of pictures that are not listed"


def load_coco(annotations: Path, images: Path, class_names: Sequence[str]) -> list[Sample]:
    """The pictures of a COCO JSON. Categories outside `class_names` become ignored regions: there is
    something there, but its class is not ours. Raises UsageError for files that do not fit."""
    return cleaned(read_coco(annotations, images), class_names)[0]


def read_coco(
    annotations: Path, images: Path | Sequence[Path], folder: Path | None = None, *, tolerant: bool = False
) -> RawLabels:
    """The labels of a COCO JSON as written.

    images: the folder of the pictures, or several of which the first that has any of them is taken.
    folder: the data set's (None: the pictures'). Raises UsageError, one line with the file and the row, for
    JSON that is not COCO and for pictures outside their folder; of such rows `tolerant` makes findings.
    """
    content = read_json(annotations)
    if not isinstance(content, dict):
        raise _not_coco(annotations, f"it holds a {type(content).__name__}, not an object")
    images_rows, rows, categories = (
        _rows(content, k, annotations) for k in ("images", "annotations", "categories")
    )
    for of in (images_rows, rows, categories):
        _unquote_ids(of)
    faults = Faults(tolerant=tolerant)
    names, twice = _names(categories, annotations, faults)
    rows = _with_boxes(rows)
    if tolerant:
        rows = _readable(rows, images_rows, annotations, faults)
    else:
        rows = _without_boxless(rows, annotations, faults)
    class_names = tuple(dict.fromkeys(names.values()))
    places = places_of(class_names)
    place = {key: places[name] for key, name in names.items() if key not in twice}
    columns = _Columns(rows, place, annotations)
    root = images if isinstance(images, Path) else _root(images, images_rows)
    pictures: list[RawPicture] = []
    findings = faults.findings
    seen: set[Hashable] = set()
    for i, image in enumerate(images_rows):
        with faults.noted(_name_of(image, f"{annotations.name} image {i}")):
            key = _id(image, "id", f"image {i}", annotations)
            if key in seen:
                where = f"{annotations.name} image {i}"
                text = f"a second image of id {shown(key)}"
                findings.append(Finding("duplicate id", where, text, pictures=1, why="whose id another has"))
                continue
            seen.add(key)
            pictures.append(columns.picture(image, i, key, root))
    for key, at in columns.places.items():
        if key not in seen:
            text = f"{len(at)} boxes of image id {shown(key)}, which is not listed"
            lost = Finding("missing picture", annotations.name, text, len(at), why=_UNLISTED)
            findings.append(lost)
    for key, number in Counter(row["category_id"] for row in rows).items():
        if key in twice:
            text = f"category id {shown(key)} is that of {' and '.join(twice[key])}"
            findings.append(Finding("unknown class", annotations.name, text, number, why=AMBIGUOUS))
        elif key not in place:
            text = f"category id {shown(key)} is not listed"
            findings.append(Finding("unknown class", annotations.name, text, number, why=NAMELESS))
    return RawLabels(folder or root, "coco", class_names, pictures, findings)


def _names(
    categories: Rows, file: Path, faults: Faults
) -> tuple[dict[Hashable, str], dict[Hashable, list[str]]]:
    """The class name of each id, and the names of ids that more than one class has."""
    names: dict[Hashable, str] = {}
    twice: dict[Hashable, list[str]] = {}
    for i, row in enumerate(categories):
        with faults.noted(file.name):
            key = _id(row, "id", f"category {i}", file)
            name = row.get("name")
            text = str(name) if type(name) in (int, float) else _text(row, "name", f"category {i}", file)
            if names.setdefault(key, text) != text:
                twice.setdefault(key, [names[key]]).append(text)
    return names, twice


def _unquote_ids(rows: Rows) -> None:
    """Makes whole numbers of ids that some tools write as texts, "1", and refer to as numbers, or the other way."""
    for row in rows:
        for key in ("id", "image_id", "category_id"):
            value = row.get(key)
            if isinstance(value, str) and _WHOLE.fullmatch(value):
                row[key] = int(value)


def _root(candidates: Sequence[Path], images: Rows) -> Path:
    """Where the first picture is that is anywhere; else the first folder that is there."""
    names = (image.get("file_name") for image in images)
    for name in (name for name in names if isinstance(name, str)):
        for candidate in candidates:
            if os.path.isfile(candidate / name.replace("\\", "/")):
                return candidate
    return next((candidate for candidate in candidates if candidate.is_dir()), candidates[0])


def _readable(rows: Rows, images: Rows, file: Path, faults: Faults) -> Rows:
    """The annotations that can be read; the others are noted under their picture's name."""
    names = {str(image.get("id")): _name_of(image, "") for image in images}
    readable = []
    for i, row in enumerate(rows):
        key = row.get("image_id")
        with faults.noted(names.get(str(key)) or f"image id {shown(key)}"):
            _check(row, i, file)
            readable.append(row)
    return readable


def _with_boxes(rows: Rows) -> Rows:
    """Annotations that have a polygon or a mask and no box get the one around it."""
    return [
        {**row, "bbox": box_around(row.get("segmentation"))} if row.get("bbox") in _NO_BOX else row
        for row in rows
    ]


def _without_boxless(rows: Rows, file: Path, faults: Faults) -> Rows:
    """The annotations that have a box; a finding counts the others, which are left out."""
    kept = [row for row in rows if row["bbox"] is not None]
    if len(kept) < len(rows):
        number = len(rows) - len(kept)
        text = f"{number} annotations with neither 'bbox' nor a polygon or mask"
        faults.findings.append(Finding(UNREADABLE_LABELS, file.name, text, number, why="that are not given"))
    return kept


def _name_of(image: dict[str, Any], other: str) -> str:
    name = image.get("file_name")
    return name if isinstance(name, str) and name else other


class _Columns:
    """The annotations' fields as arrays: reading 10,000 boxes row by row takes its time."""

    def __init__(self, rows: Rows, place: dict[Hashable, int], file: Path) -> None:
        self.file = file
        with np.errstate(over="ignore", invalid="ignore"):  # boxes may be anything
            self.boxes = ltwh_to_xyxy(_boxes(rows, file))
        self.labels: IntArray = np.array(
            [place.get(_id(row, "category_id", _where(row, i), file), -1) for i, row in enumerate(rows)],
            dtype=np.int64,
        )
        self.crowd = _numbers(rows, "iscrowd", 0, file) > 0
        self.ignored = self.crowd | (_numbers(rows, "ignore", 0, file) > 0)
        self.areas = _numbers(rows, "area", np.nan, file)
        self.scores = _numbers(rows, "score", np.nan, file)
        self.places: dict[Hashable, list[int]] = {}
        for i, row in enumerate(rows):
            self.places.setdefault(_id(row, "image_id", _where(row, i), file), []).append(i)

    def picture(self, image: dict[str, Any], number: int, key: Hashable, images: Path) -> RawPicture:
        at = np.array(self.places.get(key, []), dtype=np.int64)
        where = f"image {number}"
        name = _text(image, "file_name", where, self.file)
        source = image.get("source")
        return RawPicture(
            inside(images, name, self.file),
            _size(image, where, self.file),
            self.boxes[at],
            self.labels[at],
            self.ignored[at],
            self.crowd[at],
            self.areas[at],
            self.scores[at],
            printable(source) if isinstance(source, str) else "",
        )


def read_json(path: Path) -> Any:
    """The content of a JSON file; UsageError, one line, for one that cannot be read."""
    text = read_text(path)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}") from error


def _not_coco(file: Path, why: str) -> LabelError:
    return LabelError(f"{file} is not COCO JSON", why)


def _rows(content: dict[str, Any], key: str, file: Path) -> Rows:
    rows = content.get(key)
    if not isinstance(rows, list):
        raise _not_coco(file, f"{key!r} is missing" if rows is None else f"{key!r} is not a list")
    for i, row in enumerate(rows):
        if not isinstance(row, dict):
            raise _not_coco(file, f"row {i} of {key!r} is not an object")
    return rows


def _id(row: dict[str, Any], key: str, where: str, file: Path) -> Hashable:
    value = row.get(key)
    is_whole = isinstance(value, float) and value.is_integer()  # 1.0, as pandas writes it, is 1
    if not is_whole and not isinstance(value, (int, str)):
        raise _wrong(value, key, where, file, "an id")
    return value


def _text(row: dict[str, Any], key: str, where: str, file: Path) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value:
        raise _wrong(value, key, where, file, "a text")
    return value


def _size(row: dict[str, Any], where: str, file: Path) -> tuple[int, int] | None:
    """(width, height); None where a side is left out or 0, as some tools do: then the picture's file says it."""
    width, height = _side(row, "width", where, file), _side(row, "height", where, file)
    return (width, height) if width and height else None


def _side(row: dict[str, Any], key: str, where: str, file: Path) -> int:
    value = row.get(key)
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 12:
        value = int(value)
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 2**31:
        raise _wrong(value, key, where, file, "a number of pixels")
    return int(value)


def _where(row: dict[str, Any], number: int) -> str:
    """An annotation, and the picture that it is of."""
    return f"annotation {number} of image id {shown(row.get('image_id'))}"


def _check(row: dict[str, Any], number: int, file: Path) -> None:
    """Raises LabelError for an annotation that cannot be read."""
    where = _where(row, number)
    for key in ("image_id", "category_id"):
        _id(row, key, where, file)
    _check_box(row, number, file)
    for key in ("iscrowd", "ignore", "area", "score"):
        _check_number(row, key, number, file)


def _check_box(row: dict[str, Any], number: int, file: Path) -> None:
    box = row.get("bbox")
    if not isinstance(box, list) or len(box) != 4 or not all(type(v) in (int, float) for v in box):
        raise _wrong(box, "bbox", _where(row, number), file, "[left, top, width, height]")


def _check_number(row: dict[str, Any], key: str, number: int, file: Path) -> None:
    value = row.get(key)
    if value is not None and not isinstance(value, (int, float)):
        raise _wrong(value, key, _where(row, number), file, "a number")


def _boxes(rows: Rows, file: Path) -> FloatArray:
    """(N, 4) ltwh."""
    for i, row in enumerate(rows):
        _check_box(row, i, file)
    return np.array([[_finite(v) for v in row["bbox"]] for row in rows], dtype=np.float64).reshape(-1, 4)


def _numbers(rows: Rows, key: str, default: float, file: Path) -> FloatArray:
    """(N,) values of an optional field; null counts as not given."""
    for i, row in enumerate(rows):
        _check_number(row, key, i, file)
    values = [default if row.get(key) is None else row[key] for row in rows]
    return np.array([_finite(v) for v in values], dtype=np.float64)


def _finite(value: float) -> float:
    """As a float; whole numbers beyond its range, which JSON allows, are as good as infinite."""
    try:
        return float(value)
    except OverflowError:
        return float("inf")


def _wrong(value: object, key: str, where: str, file: Path, wanted: str) -> LabelError:
    said = "is missing" if value is None else f"is {shown(value)}, not {wanted}"
    return _not_coco(file, f"{where}: {key!r} {said}")
