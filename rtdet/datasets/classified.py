"""Pictures of which each shows one thing, in a folder for each class: ImageNet's layout.

FOLDER/train/CLASS/*.jpg and FOLDER/val/CLASS/*.jpg, or FOLDER/CLASS/*.jpg alone.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rtdet.datasets.pictures import SUFFIXES, pictures_in
from rtdet.errors import UnknownNameError, UsageError
from rtdet.types import class_called

_log = logging.getLogger("rtdet.datasets")

TRAIN = "train"
# What the part to measure on is called, in this order.
MEASURED = ("val", "valid", "validation")
_PARTS = {TRAIN, "test", *MEASURED}
LAYOUT = "FOLDER/train/CLASS/*.jpg and FOLDER/val/CLASS/*.jpg, or FOLDER/CLASS/*.jpg"
# Below this, holding pictures out costs more than their figure is worth.
_FEWEST_TO_HOLD_OUT = 50
_HELD_OUT = 0.1


@dataclass(frozen=True)
class Classified:
    """paths[i] shows a thing of class_names[labels[i]], and nothing else that matters."""

    folder: Path
    class_names: tuple[str, ...]
    paths: tuple[Path, ...] = ()
    labels: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.paths)

    def take(self, rows: Sequence[int]) -> Classified:
        """The same with the pictures of these places."""
        return replace(
            self, paths=tuple(self.paths[i] for i in rows), labels=tuple(self.labels[i] for i in rows)
        )


def load_classified(folder: Path, classes: Sequence[str] | None = None) -> Classified:
    """The pictures in a folder's class folders, to train on; a class folder's own folders belong to it.

    classes: those to take, None for all. Raises UsageError for a folder without two classes, and for a class without
    pictures; UnknownNameError for a class that there is not.
    """
    folders = _class_folders(folder)
    if classes is not None:
        folders = _wanted(folders, classes)
    if len(folders) == 1:
        raise UsageError(
            f"{folder} has only one class, {folders[0].name}: a classifier tells two or more apart"
        )
    names = tuple(one.name for one in folders)
    data = _read(folder, folders, names)
    for label, one in enumerate(folders):
        if label not in data.labels:
            raise UsageError(f"the class folder {one} has no pictures: put some into it, or remove it")
    return data


def load_measured(folder: Path, class_names: Sequence[str], *, chosen: bool = False) -> Classified:
    """The pictures of a folder whose class folders are among `class_names`, to measure on; a class without pictures
    is warned of. chosen: other class folders were left out on purpose. Raises UsageError for class folders of other
    names, and where there are no pictures."""
    folders = _class_folders(folder)
    places = {name: label for label, name in enumerate(class_names)}
    others = [one.name for one in folders if one.name not in places]
    if others and not chosen:
        near = [f"{name} ({known})" for name in others if (known := class_called(name, class_names))]
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        raise UsageError(
            f"{folder} has class folders of which the classifier knows nothing: {_some(others)}; its classes are "
            f"{_some(class_names)}{hint}"
        )
    data = _read(folder, [one for one in folders if one.name in places], class_names)
    if not data:
        raise UsageError(f"{folder} has no pictures of {_some(class_names)}: nothing can be measured")
    absent = [name for label, name in enumerate(class_names) if label not in data.labels]
    if absent:
        _log.warning("%s has no pictures of %s: not measured", folder, _some(absent))
    return data


def part(folder: Path, names: Sequence[str]) -> Path | None:
    """The first of these parts that a divided folder has; None where there is none."""
    return next((folder / name for name in names if _is_part(folder / name)), None)


def hold_out(data: Classified, seed: int) -> tuple[Classified, Classified, str]:
    """(to train on, to measure on, what was done): of each class a tenth is held out at random, at least one picture
    of five; of few pictures, all are in both."""
    count = len(data)
    if count < _FEWEST_TO_HOLD_OUT:
        said = f"no val folder and only {count} pictures: top-1 is measured on the training pictures"
        return data, data, said
    rng = np.random.default_rng((seed, 0xA1D))
    labels = np.array(data.labels)
    held: set[int] = set()
    for label in range(len(data.class_names)):
        rows = np.flatnonzero(labels == label)
        most = max(round(_HELD_OUT * len(rows)), int(len(rows) >= 5))
        held |= set(rng.permutation(rows)[:most].tolist())
    kept = [i for i in range(count) if i not in held]
    said = f"no val folder: {len(held)} of the {count} pictures are held out, to measure top-1 on"
    return data.take(kept), data.take(sorted(held)), said


def _class_folders(folder: Path) -> list[Path]:
    """By name. Raises UsageError where there are none."""
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}")
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise UsageError(f"cannot read the folder {folder}: {error.strerror}") from error
    found = [entry for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    if not found:
        raise UsageError(f"{folder} has no class folders; expected are {LAYOUT}")
    if loose := sum(entry.suffix.lower() in SUFFIXES for entry in entries if entry.is_file()):
        _log.warning("%s: %d pictures outside of the class folders are left out", folder, loose)
    return found


def _is_part(folder: Path) -> bool:
    """Is it a part of a divided folder, whose folders are classes, and not a class of that name (a train)?"""
    if not folder.is_dir():
        return False
    entries = list(folder.iterdir())
    loose = any(entry.suffix.lower() in SUFFIXES for entry in entries)
    beside = {entry.name for entry in folder.parent.iterdir() if entry.is_dir()}
    return any(entry.is_dir() for entry in entries) and (not loose or beside <= _PARTS)


def _wanted(folders: Sequence[Path], classes: Sequence[str]) -> list[Path]:
    known = {one.name: one for one in folders}
    called = {name: class_called(name, list(known)) for name in classes}
    if unknown := [name for name, found in called.items() if found is None]:
        raise UnknownNameError("class of the data in --classes", ", ".join(unknown), list(known))
    return [known[name] for name in dict.fromkeys(called.values()) if name is not None]


def _read(folder: Path, folders: Sequence[Path], class_names: Sequence[str]) -> Classified:
    places = {name: label for label, name in enumerate(class_names)}
    found = [(path, places[one.name]) for one in folders for path in pictures_in(one, folder)]
    return Classified(
        folder, tuple(class_names), tuple(path for path, _ in found), tuple(label for _, label in found)
    )


def _some(names: Sequence[str], most: int = 8) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
