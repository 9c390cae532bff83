"""Open Images CSV: ImageID, LabelName, XMin, XMax, YMin, YMax (shares of the picture), IsGroupOf, Confidence.

A group is one box around several objects: a crowd, which is ignored. Names of the classes stand in a
class-descriptions CSV (label, name); without it the labels are the names. Often only some of the pictures of
such a file are on a machine: the others are left out.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from rtdet.csv_text import text_of_cell
from rtdet.datasets.faults import Faults, Finding, LabelError
from rtdet.datasets.pictures import by_stem, pictures_in
from rtdet.datasets.raw import RawLabels, RawPicture
from rtdet.datasets.sample import places_of
from rtdet.datasets.text import read_text, shown, starts_with
from rtdet.errors import UsageError
from rtdet.types import FloatArray

# Most who have such a file have some of its pictures: no loss, but said.
_ELSEWHERE = "boxes of pictures that are not here"
_NEEDED = ("ImageID", "LabelName", "XMin", "YMin", "XMax", "YMax")
_SPLIT = re.compile(r"(?:^|[-_])(train|validation|valid|val|test)(?:[-_.]|$)")


def open_images_files(folder: Path) -> dict[str, Path]:
    """The folder's CSV files with boxes, by their part ("" where the name says none)."""
    files: dict[str, Path] = {}
    for path in sorted([*folder.glob("*.csv"), *folder.glob("labels/*.csv")]):
        if path.is_file() and not path.name.startswith(".") and _has_boxes(path):
            match = _SPLIT.search(path.stem)
            files.setdefault(match[1] if match else "", path)
    return files


def _has_boxes(path: Path) -> bool:
    header = starts_with(path).partition(b"\n")[0].decode("utf-8-sig", "replace")
    return {"ImageID", "XMin"} <= {word.strip().strip('"') for word in header.split(",")}


def read_open_images(folder: Path, file: Path, split: str, *, tolerant: bool = False) -> RawLabels:
    """The boxes of one CSV as written, on the pictures that are here.

    Raises UsageError, one line with the file and the line, for a CSV that does not fit; of lines that cannot be read
    `tolerant` makes findings.
    """
    faults = Faults(tolerant=tolerant)
    pictures = by_stem(pictures_in(_images(folder, split), folder, faults))
    columns = _read_columns(file, faults)
    names = _descriptions(folder)
    listed = dict.fromkeys(names.values()) if names else {}
    listed.update(dict.fromkeys(names.get(label, label) for label in columns["LabelName"]))
    class_names = tuple(listed)
    places = places_of(class_names)
    labels = np.array([places[names.get(label, label)] for label in columns["LabelName"]], dtype=np.int64)
    boxes = np.stack([_numbers(columns, key, file) for key in _NEEDED[2:]], axis=1)
    groups = _numbers(columns, "IsGroupOf", file, 0.0) > 0
    scores = _numbers(columns, "Confidence", file, np.nan)
    rows: dict[str, list[int]] = {key: [] for key in pictures}
    missing: dict[str, int] = {}
    for i, key in enumerate(columns["ImageID"]):
        key = key if key in rows else os.path.splitext(key)[0]  # some tools write the file's whole name
        if key in rows:
            rows[key].append(i)
        else:
            missing[key] = missing.get(key, 0) + 1
    is_lost = len(missing) > 0 and not any(rows.values())
    findings = faults.findings + [
        Finding(
            "missing picture",
            file.name,
            f"{n} box{'es' if n > 1 else ''} of {shown(key)}",
            boxes=n if is_lost else 0,
            noted=0 if is_lost else n,
            why="of pictures that are not here" if is_lost else _ELSEWHERE,
        )
        for key, n in missing.items()
    ]
    read = []
    for key, path in pictures.items():
        at = np.array(rows[key], dtype=np.int64)
        nothing: FloatArray = np.full(len(at), np.nan)
        read.append(
            RawPicture(
                path, None, boxes[at], labels[at], groups[at], groups[at], nothing, scores[at], fractions=True
            )
        )
    return RawLabels(folder, "openimages", class_names, read, findings)


def _images(folder: Path, split: str) -> Path:
    names = [split, f"images/{split}", f"{split}/images", f"{split}/data"] if split else []
    return next((folder / name for name in [*names, "images", "data"] if (folder / name).is_dir()), folder)


def _read_columns(file: Path, faults: Faults) -> dict[str, list[str]]:
    """The columns as texts, all of one length."""
    rows = _rows(file)
    try:
        _, header = next(rows)
    except StopIteration:
        raise UsageError(f"{file} is empty") from None
    header = [name.strip() for name in header]
    lacking = [name for name in _NEEDED if name not in header]
    if lacking:
        raise UsageError(f"{file} is not an Open Images CSV: the column {lacking[0]} is missing")
    table = []
    for line, row in rows:
        with faults.noted(f"{file.name} line {line}"):
            if len(row) != len(header):
                raise LabelError(f"{file} line {line}", f"{len(row)} values, not {len(header)}")
            if faults.tolerant:
                _check_numbers(dict(zip(header, row, strict=True)), f"{file} line {line}")
            table.append(row)
    by_column: Sequence[Sequence[str]] = list(zip(*table, strict=True)) or [()] * len(header)
    return {name: list(values) for name, values in zip(header, by_column, strict=True)}


def _rows(file: Path) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(read_text(file), newline=""))
    try:
        for row in reader:
            if row:
                yield reader.line_num, [text_of_cell(cell) for cell in row]
    except csv.Error as error:
        raise UsageError(f"{file} line {reader.line_num} is not CSV: {error}") from error


def _numbers(columns: dict[str, list[str]], key: str, file: Path, default: float | None = None) -> FloatArray:
    """(N,) a column's numbers; `default` for a column that is not there and for an empty value."""
    values: Sequence[str] = columns.get(key, [""] * len(columns["ImageID"]))
    try:
        return np.array(
            [default if v == "" and default is not None else float(v) for v in values], dtype=np.float64
        )
    except ValueError:
        bad = next(i for i, value in enumerate(values) if not _is_number(value))
        raise UsageError(f"{file} row {bad + 1}: {key} is {shown(values[bad])}, not a number") from None


def _check_numbers(row: Mapping[str, str], where: str) -> None:
    """Raises LabelError, which names the picture."""
    for key, value in row.items():
        needed, optional = key in _NEEDED[2:], key in ("IsGroupOf", "Confidence")
        if (needed or (optional and value)) and not _is_number(value):
            raise LabelError(where, f"{key} of {shown(row['ImageID'])} is {shown(value)}, not a number")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _descriptions(folder: Path) -> dict[str, str]:
    """Names by label: from class-descriptions*.csv or FiftyOne's metadata/classes.csv."""
    files = sorted([*folder.glob("class-descriptions*.csv"), *folder.glob("metadata/classes.csv")])
    names = {}
    for line, row in _rows(files[0]) if files else ():
        if len(row) < 2 or not row[0].strip():
            raise UsageError(f"{files[0]} line {line} is not a label and its name")
        if row[:2] != ["LabelName", "DisplayName"]:
            names[row[0].strip()] = row[1].strip()
    return names
