"""YOLO txt: a text file for each picture, a line for each object: class cx cy w h, as shares of the picture.

labels/ mirrors images/; names stand in data.yaml, Darknet's obj.data, classes.txt or obj.names. A sixth number is a
score (as `save_conf` of common tools writes); six or more numbers after the class are a polygon, of which the box is
taken, or, where data.yaml has `kpt_shape`, a box and key points, which are passed over.
A picture without a text file shows nothing, which YOLO allows.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from rtdet.datasets.faults import NAMELESS, Faults, Finding, LabelError
from rtdet.datasets.pictures import check_inside, files_in, is_absolute, pictures_in, rebased
from rtdet.datasets.raw import RawLabels, RawPicture, raw_picture
from rtdet.datasets.text import read_text, shown
from rtdet.datasets.yolo_strays import paired, stray_labels, without_pictures
from rtdet.datasets.yolo_yaml import YoloYaml, data_file, read_yolo_yaml, yaml_file
from rtdet.errors import UsageError
from rtdet.geometry.boxes import cxcywh_to_xyxy

# Why a picture is lost that only a list knows.
_LISTED = "that are listed but not here"
NAME_FILES = ("classes.txt", "obj.names", "labels/classes.txt")


def is_yolo(folder: Path) -> bool:
    """Does it look like YOLO's labels?"""
    is_described = yaml_file(folder) is not None or data_file(folder) is not None
    if is_described or any((folder / name).is_file() for name in NAME_FILES):
        return True
    return (folder / "labels").is_dir() and bool(files_in(folder / "labels", {".txt"}, folder))


def yolo_splits(folder: Path) -> tuple[str, ...]:
    """The parts that data.yaml names, else those that images/ is divided into."""
    described = read_yolo_yaml(folder)
    if described is not None and described.splits:
        places = {name: _folders(folder, described, name) for name in described.splits}
        # A yaml whose train and val are one folder does not divide it.
        return tuple(places) if len({tuple(place) for place in places.values()}) > 1 else ()
    return tuple(name for name in ("train", "val", "valid", "test") if (folder / "images" / name).is_dir())


def read_yolo(folder: Path, split: str | None = None, *, tolerant: bool = False) -> RawLabels:
    """The labels of a YOLO folder as written. Raises UsageError, one line with the file and the line; `tolerant`
    makes findings of lines that cannot be read and of paths that leave the folder."""
    faults = Faults(tolerant=tolerant)
    names = _names(folder)
    has_keypoints = _has_keypoints(folder)
    places = _places(folder, split)
    labels = {path: _label_file(path, folder) for path in _pictures(folder, places, faults)}
    orphans = _orphans(folder, places, labels)
    unlabeled = [picture for picture, file in labels.items() if not os.path.exists(file)]
    if unlabeled or not labels:  # there may be labels where none were looked for
        strays = stray_labels(folder, split, set(labels.values()))
        pairs = paired(unlabeled, strays)
        labels.update(pairs)
        orphans = [path for path in dict.fromkeys([*orphans, *strays]) if path not in set(pairs.values())]
    faults.findings += without_pictures(orphans, folder)
    reader = _Reader(folder, len(names), has_keypoints, faults)
    read = [reader.read(path, file) for path, file in labels.items()]
    return RawLabels(folder, "yolo", names, read, faults.findings)


def _names(folder: Path) -> tuple[str, ...]:
    for base in (folder, folder.parent):  # Roboflow's parts share the data.yaml of the folder around them
        described = read_yolo_yaml(base)
        if described is not None and described.names is not None:
            return described.names
        for name in NAME_FILES:
            if (base / name).is_file():
                lines = read_text(base / name).rstrip().splitlines()
                return tuple(line.strip() or f"class {i}" for i, line in enumerate(lines))
    described = read_yolo_yaml(folder)
    if described is not None:
        raise UsageError(f"{yaml_file(folder) or data_file(folder)} has no `names` of the classes")
    raise UsageError(
        f"{folder} has YOLO labels but no names of their classes; add a classes.txt with one name per line"
    )


def _has_keypoints(folder: Path) -> bool:
    """By the data.yaml that `_names` goes by."""
    described = (read_yolo_yaml(base) for base in (folder, folder.parent))
    return next((one.has_keypoints for one in described if one is not None and one.names is not None), False)


def _places(folder: Path, split: str | None) -> list[Path]:
    """The folders and the lists of the pictures."""
    described = read_yolo_yaml(folder)
    if split is not None and described is not None and split in described.splits:
        return _folders(folder, described, split)
    if split is not None:
        return [folder / "images" / split]
    if described is not None and described.splits:
        return list(dict.fromkeys(p for name in described.splits for p in _folders(folder, described, name)))
    return [folder / "images" if (folder / "images").is_dir() else folder]


def _pictures(folder: Path, places: Sequence[Path], faults: Faults) -> list[Path]:
    found: dict[Path, None] = {}
    for place in places:
        if place.is_file():
            found.update(dict.fromkeys(_listed(place, folder, faults)))
        elif place.is_dir():
            found.update(dict.fromkeys(pictures_in(check_inside(folder, place), folder, faults)))
        else:
            raise UsageError(f"the pictures of {folder} are missing: there is no {place}")
    return list(found)


def _folders(folder: Path, described: YoloYaml, split: str) -> list[Path]:
    return [_place(folder, described, entry) for entry in described.splits[split]]


def _place(folder: Path, described: YoloYaml, entry: str) -> Path:
    """Where an entry of data.yaml leads. Such files are copied between machines with the old `path:` or absolute
    paths, and Roboflow's say ../train/images for train/images: all are looked for here first."""
    trimmed = entry.replace("\\", "/")
    while trimmed.startswith(("../", "./")):
        trimmed = trimmed.partition("/")[2]
    for name in (trimmed, f"{described.root}/{trimmed}", entry):
        candidate = folder / name
        if os.path.exists(candidate):
            return _below(folder, candidate)
    ended = rebased(folder, trimmed)
    return _below(folder, ended) if ended is not None else folder / trimmed


def _below(folder: Path, path: Path) -> Path:
    """The path spelt as one below `folder`, absolute or not. Raises UsageError for one that leaves it."""
    return folder / check_inside(folder, path).resolve().relative_to(folder.resolve())


def _listed(file: Path, folder: Path, faults: Faults) -> list[Path]:
    """The pictures that a list names, a path a line: below the set's folder, or as much of the end of a path from
    another machine as is here; findings name those that are not."""
    listed = []
    for number, line in enumerate(read_text(file).splitlines(), 1):
        name = line.strip().replace("\\", "/").removeprefix("./")
        where = f"{file.relative_to(folder)} line {number}"
        with faults.noted(where):
            picture = _listed_picture(folder, name) if name else None
            if picture is not None:
                listed.append(picture)
            elif name:
                text = f"the list names {shown(name)}, which is not here"
                faults.findings.append(Finding("missing picture", where, text, pictures=1, why=_LISTED))
    return listed


def _listed_picture(folder: Path, name: str) -> Path | None:
    """Where it is; None where it is not. Raises UsageError for one outside the folder."""
    path = folder / name
    if not os.path.isfile(path):
        path = rebased(folder, name) or path
    if os.path.isfile(path):
        return _below(folder, path)
    if not is_absolute(name):
        _below(folder, path)
    return None


def _label_file(picture: Path, folder: Path) -> Path:
    """labels/x.txt for images/x.jpg: the last folder called images is the one; else, or where that is not there but
    one beside the picture is, beside the picture."""
    parts = list(picture.relative_to(folder).parts)
    for i in range(len(parts) - 2, -1, -1):
        if parts[i] == "images":
            parts[i] = "labels"
            break
    usual = folder.joinpath(*parts).with_suffix(".txt")
    shouted = usual.with_suffix(".TXT")
    beside = picture.with_suffix(".txt")
    return next((path for path in (usual, shouted, beside) if os.path.isfile(path)), usual)


def _orphans(folder: Path, places: Sequence[Path], labels: Mapping[Path, Path]) -> list[Path]:
    """Text files without a picture. The set's own folder is not searched: other texts may lie there. Nor are those
    of a part that is a list: the other parts' may lie there."""
    if not all(place.is_dir() for place in places):
        return []
    known = set(labels.values())
    around = {path.parent for path in known} | {_label_file(place / "x", folder).parent for place in places}
    searched = sorted(place for place in around - {folder} if place.is_dir())
    files = dict.fromkeys(file for place in searched for file in files_in(place, {".txt"}, folder))
    names = {Path(name).name for name in NAME_FILES}
    return [path for path in files if path not in known and path.name not in names]


class _Reader:
    """Reads the labels of picture by picture."""

    def __init__(self, folder: Path, classes: int, has_keypoints: bool, faults: Faults) -> None:
        self._folder, self._classes, self._faults = folder, classes, faults
        self._has_keypoints = has_keypoints

    def read(self, picture: Path, file: Path) -> RawPicture:
        rows: list[list[float]] = []
        where = str(file.relative_to(self._folder))
        lines: list[str] = []
        with self._faults.noted(where):
            if os.path.exists(file):
                lines = read_text(check_inside(self._folder, file)).splitlines()
        for number, line in enumerate(lines, 1):
            with self._faults.noted(f"{where} line {number}"):
                if line.strip():
                    rows.append(_row(line, f"{file} line {number}", self._has_keypoints))
        table = np.array(rows, dtype=np.float64).reshape(-1, 6)
        labels = np.clip(table[:, 0], -1, self._classes).astype(np.int64)
        unknown = labels >= self._classes
        for number, count in zip(*np.unique(table[unknown, 0], return_counts=True), strict=True):
            text = f"class {number:.0f}, but only {self._classes} have names"
            self._faults.findings.append(Finding("unknown class", where, text, int(count), why=NAMELESS))
        labels[unknown] = -1
        return raw_picture(picture, None, table[:, 1:5], labels, scores=table[:, 5], fractions=True)


def _row(line: str, where: str, has_keypoints: bool) -> list[float]:
    """class, xyxy as shares, score (NaN: not given)."""
    words = line.split()
    try:
        label, *numbers = (float(word) for word in words)
    except ValueError:
        raise LabelError(where, f"{shown(line)} is not YOLO's class cx cy w h, in numbers") from None
    is_polygon = len(numbers) > 5 and not has_keypoints
    if not 0 <= label < 1e9 or label % 1 or len(numbers) < 4 or (is_polygon and len(numbers) % 2):
        advice = " (where key points follow, data.yaml says so by `kpt_shape`)" if is_polygon else ""
        raise LabelError(where, f"{shown(line)} is not YOLO's class cx cy w h{advice}")
    if is_polygon:
        x, y = numbers[::2], numbers[1::2]
        return [label, min(x), min(y), max(x), max(y), np.nan]
    with np.errstate(over="ignore", invalid="ignore"):
        box = cxcywh_to_xyxy(np.array(numbers[:4])).tolist()
    return [label, *box, numbers[4] if len(numbers) == 5 else np.nan]
