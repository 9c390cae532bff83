"""Writes a data set in another format, with its pictures.

coco        [PART/]images/, [PART/]PART.json or annotations.json
voc         JPEGImages/, Annotations/, ImageSets/Main/PART.txt
yolo        images/[PART/], labels/[PART/], data.yaml
openimages  PART/ or images/, [PART-]annotations-bbox.csv, class-descriptions-boxable.csv
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from rtdet.datasets import writers
from rtdet.datasets.formats import dataset_of, read_labels, splits_of
from rtdet.datasets.incomplete import write_declaration
from rtdet.datasets.losses import Losses, say_losses
from rtdet.datasets.pictures import picture_name
from rtdet.datasets.raw import RawLabels
from rtdet.datasets.sample import Dataset, Sample
from rtdet.datasets.sizes import without_missing
from rtdet.datasets.text import printable
from rtdet.datasets.writers import Lost, Named
from rtdet.errors import OutputError, UsageError

UNDECLARED = "declaration of what is incomplete by source"
# Parts are called alike whatever the old format called them.
_SPLIT_NAMES = {"valid": "val", "validation": "val"}


@dataclass(frozen=True)
class Conversion:
    """What was written, how much the new format could not hold, by what it was, and what was lost in reading."""

    pictures: int
    boxes: int
    lost: Lost = field(default_factory=Lost)
    losses: Losses = field(default_factory=Losses)


@dataclass(frozen=True)
class _Output:
    folder: Path
    class_names: tuple[str, ...]
    link: bool
    on_picture: Callable[[], None]

    def make(self, name: str) -> Path:
        path = self.folder / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def place(self, named: Named, folder: Path) -> None:
        """Puts the pictures into a folder of the new set."""
        for name, sample in named:
            place_picture(sample.path, folder / name, link=self.link)
            self.on_picture()


def read_parts(folder: Path, *, tolerant: bool = False) -> dict[str, RawLabels]:
    """The parts of a data set by name ("train", "val", ...), as written; the whole as "" where it has none. tolerant:
    see read_labels."""
    parts = splits_of(folder) if folder.is_dir() else ()
    if not parts:
        return {"": read_labels(folder, tolerant=tolerant)}
    new = {part: _SPLIT_NAMES.get(part, part) for part in parts}
    count = Counter(new.values())  # a set that has both, val and valid, keeps both names
    return {
        part if count[new[part]] > 1 else new[part]: read_labels(folder, part, tolerant=tolerant)
        for part in parts
    }


def class_names_of(parts: Mapping[str, RawLabels]) -> tuple[str, ...]:
    """The classes of all parts, in the order of the first that has each."""
    return tuple(dict.fromkeys(name for part in parts.values() for name in part.class_names))


def convert(
    folder: Path,
    kind: str,
    out: Path,
    *,
    link: bool = False,
    allow_loss: bool = False,
    on_picture: Callable[[], None] = lambda: None,
) -> Conversion:
    """Writes the data set in `folder` as `kind` (a key of WRITERS) into `out`, which must be empty or new.

    Boxes are those that training would get: cut at the borders, empty ones left out. `link` makes hard links
    instead of copies. What is lost in reading is said; more than a tenth is an error unless `allow_loss`. Raises
    UsageError for that and for labels that do not fit, OutputError for what cannot be written.
    """
    parts = read_parts(folder)
    return write_parts(parts, kind, out, link=link, allow_loss=allow_loss, on_picture=on_picture)


def write_parts(
    parts: Mapping[str, RawLabels],
    kind: str,
    out: Path,
    *,
    link: bool = False,
    allow_loss: bool = False,
    on_picture: Callable[[], None] = lambda: None,
) -> Conversion:
    """As convert, for parts that were read already."""
    names = class_names_of(parts)
    datasets = {part: dataset_of(without_missing(raw), names) for part, raw in parts.items()}
    losses = say_losses_of(datasets, allow=allow_loss)
    return replace(write_datasets(datasets, kind, out, link=link, on_picture=on_picture), losses=losses)


def write_datasets(
    datasets: Mapping[str, Dataset],
    kind: str,
    out: Path,
    *,
    link: bool = False,
    on_picture: Callable[[], None] = lambda: None,
) -> Conversion:
    """Writes data sets of the same classes as the parts of a new one."""
    names = next((dataset.class_names for dataset in datasets.values()), ())
    samples = {part: one_each(dataset.samples) for part, dataset in datasets.items()}
    if kind == "voc":  # which has one file of labels for a picture, in however many parts it is
        together = {s.path: s for s in one_each([s for rows in samples.values() for s in rows])}
        samples = {part: [together[s.path] for s in rows] for part, rows in samples.items()}
    check_empty(out)
    for sample in (sample for rows in samples.values() for sample in rows):
        check_there(sample.path)  # before anything is written
    given = unique_names([sample.path for part in samples.values() for sample in part])
    named = {part: [(given[s.path], s) for s in rows] for part, rows in samples.items()}
    lost = Lost()
    try:
        output = _Output(out, names, link, on_picture)
        out.mkdir(parents=True, exist_ok=True)
        for part, rows in named.items():
            lost += WRITERS[kind](output, part, rows)
        _finish(output, kind, tuple(named))
        has_source = kind in ("coco", "voc")
        if not write_declaration(
            out, [s for rows in samples.values() for s in rows], names, by_source=has_source
        ):
            lost[UNDECLARED] += 1
    except OSError as error:
        raise OutputError(f"cannot write {error.filename or out}: {error.strerror}") from error
    everything = [sample for rows in samples.values() for sample in rows]
    boxes = sum(len(sample) for sample in everything) - lost[writers.UNNAMED] - lost[writers.IGNORED]
    return Conversion(len(everything), boxes, +lost)


def say_losses_of(datasets: Mapping[str, Dataset], *, allow: bool) -> Losses:
    """What the parts of a data set lost together, said as `say_losses` does."""
    losses = sum((dataset.losses for dataset in datasets.values()), Losses())
    folders = [dataset.folder for dataset in datasets.values()]
    if folders:
        say_losses(losses, os.path.commonpath(folders), allow=allow)
    return losses


def one_each(samples: Sequence[Sample]) -> list[Sample]:
    """Pictures that are listed more than once become one with all of their labels, each once: files of one name
    would overwrite each other."""
    groups: dict[Path, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(sample.path, []).append(sample)
    return [group[0] if len(group) == 1 else _joined(group) for group in groups.values()]


def _joined(group: Sequence[Sample]) -> Sample:
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(sample, name) for sample in group])
        for name in ("boxes", "labels", "ignored", "crowd", "areas", "scores")
    }
    incomplete = frozenset[int]().union(*(sample.incomplete for sample in group))
    whole = replace(group[0], **columns, incomplete=incomplete)
    rows = np.column_stack([whole.labels, whole.boxes])
    return whole[np.sort(np.unique(rows, axis=0, return_index=True)[1])]


def _coco(output: _Output, part: str, named: Named) -> Lost:
    output.place(named, output.make(f"{part}/images" if part else "images"))
    file = output.folder / (f"{part}/{part}.json" if part else "annotations.json")
    return writers.write_coco(file, named, output.class_names)


def _voc(output: _Output, part: str, named: Named) -> Lost:
    output.place(named, output.make("JPEGImages"))
    folder, lost = output.make("Annotations"), Lost()
    for name, sample in named:
        lost += writers.write_voc(folder / f"{Path(name).stem}.xml", name, sample, output.class_names)
    if part:
        lines = "".join(f"{Path(name).stem}\n" for name, _ in named)
        (output.make("ImageSets/Main") / f"{part}.txt").write_text(lines, encoding="utf-8")
    return lost


def _yolo(output: _Output, part: str, named: Named) -> Lost:
    output.place(named, output.make(f"images/{part}"))
    folder, lost = output.make(f"labels/{part}"), Lost()
    for name, sample in named:
        lost += writers.write_yolo(folder / f"{Path(name).stem}.txt", sample)
    return lost


def _open_images(output: _Output, part: str, named: Named) -> Lost:
    output.place(named, output.make(part or "images"))
    file = output.folder / (f"{part}-annotations-bbox.csv" if part else "annotations-bbox.csv")
    return writers.write_open_images(file, named, output.class_names)


WRITERS: Mapping[str, Callable[[_Output, str, Named], Lost]] = {
    "coco": _coco,
    "voc": _voc,
    "yolo": _yolo,
    "openimages": _open_images,
}


def _finish(output: _Output, kind: str, parts: Sequence[str]) -> None:
    """What a format says once for all parts."""
    if kind == "yolo":
        folders = {part: f"images/{part}" for part in parts if part} or {"train": "images", "val": "images"}
        writers.write_yolo_yaml(output.folder / "data.yaml", folders, output.class_names)
    elif kind == "openimages":
        writers.write_descriptions(output.folder / "class-descriptions-boxable.csv", output.class_names)


def check_empty(out: Path) -> None:
    """Raises OutputError for a folder that holds something, and for a file."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out} exists already and is not empty; choose another --out")


def check_there(picture: Path) -> None:
    """Raises UsageError for a picture that is missing."""
    if not os.path.isfile(picture):
        raise UsageError(f"the picture {picture} is missing; `rtdet data check` lists all that are")


def place_picture(picture: Path, target: Path, *, link: bool) -> None:
    """A copy of a picture, or a hard link to it. Raises UsageError for a picture that is missing, OutputError
    for a link that this place does not allow."""
    check_there(picture)
    if target.exists():  # listed twice
        return
    if not link:
        shutil.copyfile(picture, target)
        return
    try:
        os.link(picture.resolve(), target)
    except OSError as error:
        raise OutputError(f"cannot link {target} to {picture}: {error.strerror}; omit --link") from error


def unique_names(paths: Sequence[Path]) -> dict[Path, str]:
    """A file name for each picture of which no two have one stem, as VOC and YOLO need it: its own; where
    that is taken, with that of the part or folder before it; then with a number. Letters that not every format can
    hold become "_"."""
    taken: set[str] = set()
    names: dict[Path, str] = {}
    for path in paths:
        if path in names:
            continue
        name = Path(printable(picture_name(path), "_"))
        stem, number = name.stem, 1
        if stem.casefold() in taken:
            around = [p.name for p in path.parents if p.name not in ("images", "JPEGImages", "data")]
            stem = f"{printable(around[0], '_')}_{stem}" if around else stem
        base = stem
        while stem.casefold() in taken:
            number += 1
            stem = f"{base}_{number}"
        taken.add(stem.casefold())
        names[path] = stem + name.suffix
    return names
