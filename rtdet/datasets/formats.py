"""Which format a folder's labels have, found out from what is in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rtdet.datasets.coco import read_coco
from rtdet.datasets.incomplete import declared_incomplete
from rtdet.datasets.raw import RawLabels, cleaned
from rtdet.datasets.sample import Dataset
from rtdet.errors import UsageError


def load_dataset(
    folder: Path, class_names: Sequence[str] | None = None, *, split: str | None = None
) -> Dataset:
    """The labelled pictures of a folder, in whatever format; labels go into `class_names` (None: the classes
    of the labels themselves). `split` picks a part ("train", "val", "test") of a set that is divided.

    Raises UsageError, one line with the file, for a folder without labels or with labels that do not fit.
    """
    folder = Path(folder)
    raw = read_labels(folder, split)
    names = tuple(raw.class_names if class_names is None else class_names)
    samples = cleaned(raw, names)
    known = tuple(dict.fromkeys([*names, *raw.class_names]))
    incomplete = declared_incomplete(folder, samples, names, known)
    if incomplete:
        samples = [replace(s, incomplete=incomplete.get(s.source, frozenset())) for s in samples]
    return Dataset(folder, names, samples)


def read_labels(folder: Path, split: str | None = None) -> RawLabels:
    """The labels of a folder as written; see load_dataset."""
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}")
    if split is not None and (folder / split).is_dir():
        return read_labels(folder / split)
    candidates = [folder / f"{split or folder.name}.json", folder / "train.json", folder / "annotations.json"]
    labels = next((path for path in candidates if path.is_file()), None)
    if labels is None:
        raise UsageError(f"no labels in {folder}: expected {' or '.join(path.name for path in candidates)}")
    return read_coco(labels, folder / "images")
