"""YOLO's label files that lie elsewhere than beside images/: found by the picture's name, or counted as lost.

Darknet has them beside the pictures or in obj_train_data/, other tools in folders of their own choice.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from rtdet.datasets.faults import Finding
from rtdet.datasets.pictures import SUFFIXES, files_in
from rtdet.datasets.text import starts_with

_PARTS = frozenset({"train", "val", "valid", "validation", "test"})
_WHY = "that have labels but are not here"


def stray_labels(folder: Path, split: str | None, known: Collection[Path]) -> list[Path]:
    """The text files in `folder` that look like labels, are not `known`, have no picture of their own, and are not in
    a folder of another part than `split`."""
    others = _PARTS - {split}
    found = []
    for path in files_in(folder, {".txt"}, folder):
        around = path.relative_to(folder).parts[:-1]
        is_others = split is not None and any(name in others for name in around)
        if path not in known and not is_others and not _has_picture(path, folder) and _is_labels(path):
            found.append(path)
    return found


def paired(unlabeled: Collection[Path], strays: Collection[Path]) -> dict[Path, Path]:
    """For the pictures without labels those among the `strays` that are called like them, if only one is: one beside
    the picture, else anywhere."""
    by_stem: dict[str, list[Path]] = {}
    for path in strays:
        by_stem.setdefault(path.stem, []).append(path)
    pictures_of: dict[str, int] = {}
    for picture in unlabeled:
        pictures_of[picture.stem] = pictures_of.get(picture.stem, 0) + 1
    pairs = {}
    for picture in unlabeled:
        texts = by_stem.get(picture.stem, [])
        beside = [text for text in texts if text.parent == picture.parent]
        if beside or (len(texts) == 1 and pictures_of[picture.stem] == 1):
            pairs[picture] = (beside or texts)[0]
    return pairs


def without_pictures(files: Collection[Path], folder: Path) -> list[Finding]:
    """A finding for each label file that belongs to no picture."""
    return [
        Finding(
            "missing picture",
            str(path.relative_to(folder)),
            "labels without a picture",
            _lines(path),
            1,
            why=_WHY,
        )
        for path in files
    ]


def _has_picture(text: Path, folder: Path) -> bool:
    """Is there a picture that these labels are of by their place: beside them, or in images/ for labels/?"""
    parts = list(text.relative_to(folder).parts)
    places = [text]
    for i in range(len(parts) - 2, -1, -1):
        if parts[i] == "labels":
            places.append(folder.joinpath(*parts[:i], "images", *parts[i + 1 :]))
            break
    return any(os.path.isfile(place.with_suffix(suffix)) for place in places for suffix in _spellings())


def _spellings() -> list[str]:
    return [spelling for suffix in sorted(SUFFIXES) for spelling in (suffix, suffix.upper())]


def _is_labels(path: Path) -> bool:
    """Is its first line a class number and at least four more numbers?"""
    words = starts_with(path, 512).decode("utf-8-sig", "replace").lstrip().partition("\n")[0].split()
    try:
        label, *rest = (float(word) for word in words)
    except ValueError:
        return False
    return label >= 0 and label % 1 == 0 and len(rest) >= 4


def _lines(path: Path) -> int:
    try:
        return sum(1 for line in path.read_bytes().splitlines() if line.strip()) if path.is_file() else 0
    except OSError:
        return 0
