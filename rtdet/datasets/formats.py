"""Recognises the format of a folder's labels from what is in it, and the parts that it is divided into."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from rtdet.datasets.coco import read_coco
from rtdet.datasets.cvat import cvat_file, read_cvat
from rtdet.datasets.epic import epic_file, read_epic
from rtdet.datasets.incomplete import declarable, declare_incomplete, read_declaration
from rtdet.datasets.labelme import has_labelme, read_labelme
from rtdet.datasets.open_images import open_images_files, read_open_images
from rtdet.datasets.pictures import check_inside
from rtdet.datasets.raw import RawLabels, cleaned
from rtdet.datasets.sample import Dataset
from rtdet.datasets.sizes import with_true_sizes
from rtdet.datasets.text import starts_with
from rtdet.datasets.voc import read_voc, voc_files, voc_splits
from rtdet.datasets.yolo import is_yolo, read_yolo, yolo_splits
from rtdet.errors import UsageError

SPLITS = ("train", "val", "valid", "validation", "test")
# Other spellings of a part.
_ALSO = {"val": ("valid", "validation"), "valid": ("val",), "validation": ("val",)}
_COCO_NAMES = ("annotations.json", "_annotations.coco.json", "labels.json")
# JSON up to this size is read to see what it is.
_SMALL = 1 << 20
_COCO_SPLIT = re.compile(r"(?:^|[-_])(train|validation|valid|val|test)(?:\d{4})?$")
EXPECTED = (
    "COCO JSON (annotations.json), VOC (Annotations/*.xml), YOLO (labels/*.txt and data.yaml or classes.txt), "
    "Darknet (obj.data), Open Images CSV, CVAT XML, labelme JSON or EPIC-KITCHENS CSV"
)


def load_dataset(
    folder: Path,
    class_names: Sequence[str] | None = None,
    *,
    split: str | None = None,
    cut: bool = True,
) -> Dataset:
    """The labelled pictures of a folder, in whatever format: EXPECTED lists them.

    Labels go into `class_names`; None: the classes of the labels themselves. `split` picks a part ("train",
    "val", "test") of a set that is divided; a folder may be spelt DIR/train for it too, in every format.
    Boxes are cut at the picture's borders (without `cut` they stay as written); what is empty, inverted, not finite
    or outside is dropped. Nothing is said here of what that costs: `losses` of the data set counts it, and
    `say_losses` says it.
    `dataset.toml` may declare labels incomplete (see rtdet/datasets/incomplete.py).

    Raises UsageError, one line with the file, for a folder without labels, for one that is divided where no part
    is named, and for labels that do not fit.
    """
    raw = read_labels(Path(folder), split)
    return dataset_of(raw, class_names, cut=cut)


def dataset_of(raw: RawLabels, class_names: Sequence[str] | None = None, *, cut: bool = True) -> Dataset:
    """The clean form of labels as written, with what dataset.toml declares, and what was lost. cut: see
    `cleaned`."""
    names = tuple(raw.class_names if class_names is None else class_names)
    samples, losses = cleaned(with_true_sizes(raw), names, cut=cut)
    dataset = Dataset(raw.folder, names, samples, losses)
    declared = read_declaration(raw.folder, declarable(raw, names))
    return declare_incomplete(dataset, declared) if declared else dataset


def read_labels(folder: Path, split: str | None = None, *, tolerant: bool = False) -> RawLabels:
    """The labels of a folder as written; see load_dataset. Of rows that cannot be read, and of paths that leave the
    folder, `tolerant` makes findings instead of an error."""
    raw = find_labels(folder, split, tolerant=tolerant)
    if raw is None:
        raise UsageError(f"no labels in {folder}: expected {EXPECTED}")
    return raw


def find_labels(folder: Path, split: str | None = None, *, tolerant: bool = False) -> RawLabels | None:
    """As read_labels, but None for a folder that holds no labels of any format."""
    if split is None and folder.name in SPLITS and folder.parent.is_dir() and not _has_labels(folder):
        parts = splits_of(folder.parent)
        name = next((name for name in _spellings(folder.name) if name in parts), None)
        if name is not None:
            return find_labels(folder.parent, name, tolerant=tolerant)
    if folder.is_file():
        raise UsageError(f"{folder} is a file; name the folder of the data set: {folder.parent}")
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}")
    parts = splits_of(folder)
    if split is None:
        if len(parts) > 1:
            advice = " or ".join(f"{folder / name}" for name in parts)
            raise UsageError(f"{folder} is divided into {', '.join(parts)}; name one part: {advice}")
        return _read(folder, parts[0] if parts else None, tolerant)
    known = (*parts, *voc_splits(folder))
    name = next((name for name in _spellings(split) if name in known), None)
    if name is None:
        there = f"it has {', '.join(known)}" if known else "it is not divided"
        raise UsageError(f"{folder} has no part called {split}; {there}")
    return _read(folder, name, tolerant)


def _spellings(split: str) -> tuple[str, ...]:
    return (split, *_ALSO.get(split, ()))


def splits_of(folder: Path) -> tuple[str, ...]:
    """The parts that a data set is divided into, train first; empty for a set that is not divided.

    Parts are sub-folders that are data sets each, VOC's ImageSets, the entries of a data.yaml, and label files
    named by part. VOC's trainval, which overlaps with others, is not listed but can be asked for.
    """
    names = {name for name in SPLITS if _has_labels(folder / name)}
    if not names:
        names |= _coco_splits(folder).keys()
    if not names and not _coco_file(folder):
        if voc_files(folder):
            names |= voc_splits(folder).keys() & set(SPLITS)
        elif files := open_images_files(folder):
            names |= files.keys() - {""}
        elif is_yolo(folder):
            names |= set(yolo_splits(folder))
    return tuple(name for name in SPLITS if name in names)


def _has_labels(folder: Path) -> bool:
    """Whether the folder itself has labels, instead of being a part of the one around it."""
    if not folder.is_dir():
        return False
    has_others = bool(voc_files(folder)) or bool(open_images_files(folder)) or is_yolo(folder)
    has_tools = cvat_file(folder) is not None or has_labelme(folder) or epic_file(folder) is not None
    return has_others or has_tools or _coco_file(folder) is not None


def _read(folder: Path, split: str | None, tolerant: bool) -> RawLabels | None:
    if split is not None and _has_labels(folder / split):
        return _read(check_inside(folder, folder / split), None, tolerant)
    labels = _coco_splits(folder).get(split) if split is not None else None
    if labels is None and split is None:
        labels = _coco_file(folder)
    if labels is not None:
        places = _image_folders(folder, labels, split)
        return read_coco(check_inside(folder, labels), places, folder, tolerant=tolerant)
    if voc_files(folder):
        names = voc_splits(folder)[split] if split is not None else None
        return read_voc(folder, names, tolerant=tolerant)
    if files := open_images_files(folder):
        boxes = check_inside(folder, files[split or ""])
        return read_open_images(folder, boxes, split or "", tolerant=tolerant)
    if is_yolo(folder):
        return read_yolo(folder, split, tolerant=tolerant)
    if (boxes_file := epic_file(folder)) is not None:
        return read_epic(folder, boxes_file, tolerant=tolerant)
    if (xml := cvat_file(folder)) is not None:
        return read_cvat(folder, xml, tolerant=tolerant)
    if has_labelme(folder):
        return read_labelme(folder, tolerant=tolerant)
    return _last_resort(folder, tolerant)


def _last_resort(folder: Path, tolerant: bool) -> RawLabels | None:
    """Of a folder without labels of any format a file that is called as labels are, for its fault to be said. Raises
    UsageError where it cannot be chosen."""
    likely = [path for path in _json_files(folder) if is_coco(path)]
    if len(likely) > 1:
        names = ", ".join(str(path.relative_to(folder)) for path in likely)
        raise UsageError(
            f"{folder}: {len(likely)} files may be its COCO JSON: {names}; keep only one of them there"
        )
    named = [path for path in _json_files(folder) if path in _coco_names(folder)]
    if named:
        labels = check_inside(folder, named[0])
        return read_coco(labels, _image_folders(folder, labels, None), folder, tolerant=tolerant)
    return None


def _coco_splits(folder: Path) -> dict[str, Path]:
    """Label files that are named by part, like annotations/instances_val2017.json, where there are several."""
    found: dict[str, Path] = {}
    for path in _json_files(folder):
        match = _COCO_SPLIT.search(path.stem)
        if match and (match[1] not in found or "instances" in path.stem) and is_coco(path):
            found[match[1]] = path
    return found if len(found) > 1 else {}


def _coco_file(folder: Path) -> Path | None:
    """The one label file of a folder that is not divided: one that is called so, else the only one."""
    names = _coco_names(folder)
    likely = [path for path in _json_files(folder) if is_coco(path)]
    likely.sort(
        key=lambda path: names.index(path) if path in names else len(names)
    )  # stable: instances first
    usual = [path for path in likely if path in names or _COCO_SPLIT.search(path.stem)]
    if usual:
        return usual[0]
    return likely[0] if len(likely) == 1 else None


def _coco_names(folder: Path) -> list[Path]:
    return [folder / name for name in (f"{folder.name}.json", "train.json", *_COCO_NAMES)]


def _json_files(folder: Path) -> list[Path]:
    found = [*folder.glob("*.json"), *folder.glob("annotations/*.json")]
    files = [path for path in found if path.is_file() and not path.name.startswith(".")]
    # Beside captions and keypoints it is the instances that have the boxes.
    return sorted(files, key=lambda path: ("instances" not in path.stem, path))


def is_coco(path: Path) -> bool:
    """Whether the JSON has lists of images and annotations; a large or broken one is judged by its two ends."""
    status = path.stat()
    return _is_coco(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=65536)  # a folder is asked more than once
def _is_coco(path: Path, changed_ns: int, size: int) -> bool:
    if size <= _SMALL:
        try:
            content = json.loads(path.read_bytes())
        except (ValueError, RecursionError, OSError):
            pass
        else:
            return isinstance(content, dict) and all(
                isinstance(content.get(key), list) for key in ("images", "annotations")
            )
    text = starts_with(path)
    with path.open("rb") as file:
        file.seek(max(0, size - 4096))
        text += file.read()
    return any(word in text for word in (b'"images"', b'"annotations"', b'"categories"'))


def _image_folders(folder: Path, labels: Path, split: str | None) -> list[Path]:
    """Where the pictures of a COCO JSON may be, likeliest first."""
    names = ["images", "."]
    if split is not None:
        names = [f"images/{split}", split, f"{split}/images", *names]
    names += ["data", labels.stem, labels.stem.rpartition("_")[2]]
    places = [folder / name for name in dict.fromkeys(names) if (folder / name).is_dir()]
    return [check_inside(folder, place) for place in places]
