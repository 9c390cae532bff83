"""Completes labels with a teacher and writes them as COCO JSON, which marks the teacher's rows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from rtdet.datasets.completion import Completion, complete
from rtdet.datasets.convert import (
    check_empty,
    class_names_of,
    place_picture,
    read_parts,
    say_losses_of,
    unique_names,
)
from rtdet.datasets.faults import UNREADABLE, Finding
from rtdet.datasets.formats import dataset_of, find_labels, splits_of
from rtdet.datasets.incomplete import labeled_by_source, write_declaration
from rtdet.datasets.pictures import pictures_in
from rtdet.datasets.raw import RawLabels, raw_picture
from rtdet.datasets.sample import Dataset, Sample
from rtdet.datasets.sizes import without_missing
from rtdet.datasets.teacher import opinion
from rtdet.datasets.writers import UNNAMED, Lost, write_coco
from rtdet.errors import OutputError, UsageError
from rtdet.protocols import Detector
from rtdet.types import BoolArray

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Taught:
    """A picture with its completed labels, and a (G,) mask of the rows that are the teacher's."""

    sample: Sample
    by_teacher: BoolArray


@dataclass(frozen=True)
class Labeling:
    """How many pictures were labelled; rows kept, added (or named) by the teacher, and added as doubtful; and rows
    of people that COCO has no place for, by what they were."""

    pictures: int
    kept: int
    added: int
    doubted: int
    lost: Lost = field(default_factory=Lost)


def parts_or_pictures(folder: Path) -> dict[str, RawLabels]:
    """As read_parts; a folder without labels gives its pictures. Raises UsageError when it holds neither."""
    if not folder.is_dir() or splits_of(folder):
        return read_parts(folder)
    raw = find_labels(folder)
    if raw is not None:
        return {"": raw}
    pictures = pictures_in(folder)
    if not pictures:
        raise UsageError(f"{folder} holds neither labels nor pictures")
    rows = [raw_picture(path, None, np.zeros((0, 4)), np.zeros(0, dtype=np.int64)) for path in pictures]
    return {"": RawLabels(folder, "pictures", (), rows)}


def _with_sizes(raw: RawLabels) -> RawLabels:
    """The pictures whose size is known or can be read; the others are left out, with a warning."""
    found, findings = [], list(raw.findings)
    for picture in raw.pictures:
        try:
            found.append(replace(picture, size=picture.known_size()))
        except UsageError as error:  # one broken file should not cost hours of work
            logger.warning("left out: %s", error)
            if raw.kind != "pictures":  # which nobody has labelled
                name, boxes = picture.path.name, len(picture.boxes)
                findings.append(Finding("undecodable picture", name, str(error), boxes, 1, why=UNREADABLE))
    return replace(raw, pictures=found, findings=findings)


def label_parts(
    parts: Mapping[str, RawLabels],
    out: Path,
    detectors: Sequence[Detector],
    wanted: Sequence[str],
    rule: Completion,
    *,
    teacher: str,
    flip: bool = True,
    link: bool = False,
    allow_loss: bool = False,
    on_picture: Callable[[], None] = lambda: None,
) -> Labeling:
    """Completes every part and writes it: OUT.json alone, or a folder [PART/]images and its JSON.

    What of the labels is lost in reading is said. Raises UsageError where that is more than a tenth, unless
    `allow_loss`; OutputError for what cannot be written and for an OUT that is there already.
    """
    is_json = out.suffix.lower() == ".json"
    if is_json and len(parts) > 1:
        raise UsageError(
            f"one JSON cannot hold the parts {', '.join(parts)}; give a folder as --out, or one part"
        )
    if is_json and out.exists():
        raise OutputError(f"{out} exists already; labels are not overwritten, choose another --out")
    if is_json and not out.parent.is_dir():  # said before hours of work, not after them
        raise OutputError(f"cannot write {out}: there is no folder {out.parent}")
    if not is_json:
        check_empty(out)
    names = class_order(parts, wanted)
    read = {part: dataset_of(_with_sizes(without_missing(raw)), names) for part, raw in parts.items()}
    say_losses_of(read, allow=allow_loss)
    for _ in range(sum(len(raw.pictures) - len(read[part]) for part, raw in parts.items())):
        on_picture()
    taught: list[Taught] = []
    lost = Lost()
    for part, raw in parts.items():
        done = list(teach(read[part], detectors, wanted, rule, flip=flip, on_picture=on_picture))
        try:
            if is_json:
                lost += _write_json(out, raw, done, names, teacher)
            else:
                lost += _write_folder(out / part, part, done, names, teacher, link)
        except OSError as error:
            raise OutputError(f"cannot write {error.filename or out}: {error.strerror}") from error
        taught += done
    sure = [row.by_teacher & ~row.sample.ignored for row in taught]
    return Labeling(
        len(taught),
        sum(int((~row.by_teacher).sum()) for row in taught) - lost[UNNAMED],
        sum(int(mask.sum()) for mask in sure),
        sum(int((row.by_teacher & row.sample.ignored).sum()) for row in taught),
        lost,
    )


def class_order(parts: Mapping[str, RawLabels], wanted: Sequence[str]) -> tuple[str, ...]:
    """The classes of a completed set: those that were looked for, then what else the labels have."""
    return tuple(dict.fromkeys([*wanted, *class_names_of(parts)]))


def teach(
    dataset: Dataset,
    detectors: Sequence[Detector],
    wanted: Sequence[str],
    rule: Completion,
    *,
    flip: bool = True,
    on_picture: Callable[[], None] = lambda: None,
) -> Iterator[Taught]:
    """Completes the `wanted` classes, the first of the data set's, of every picture.

    Labels of other classes ("vehicle") take the teacher's class where it is sure enough; elsewhere they stay what
    they were, and are ignored. Pictures that cannot be decoded are left out, with a warning.
    """
    labeled = labeled_by_source(dataset.samples)
    known = {name for detector in detectors for name in detector.class_names}
    asked = frozenset(i for i, name in enumerate(wanted) if name in known)
    for sample in dataset.samples:
        on_picture()
        try:
            image = sample.read()
        except UsageError as error:
            logger.warning("left out: %s", error)
            continue
        found = opinion(image, detectors, wanted, flip=flip)
        rows = [(found.name_of(i), float(found.scores[i]), found.boxes[i]) for i in range(len(found))]
        # What is not looked for must not hide behind a class of its own: see complete.
        foreign = replace(sample, labels=np.where(sample.labels < len(wanted), sample.labels, -1))
        in_full = labeled[sample.source] - sample.incomplete
        yield _named(sample, complete(foreign, rows, wanted, in_full, rule), asked)


def _named(before: Sample, after: Sample, asked: frozenset[int]) -> Taught:
    """Rows that the teacher gave no class get their own back."""
    labels, count = after.labels.copy(), len(before)
    own = np.flatnonzero(labels[:count] < 0)
    labels[own] = before.labels[own]
    by_teacher = np.ones(len(labels), dtype=bool)
    by_teacher[:count] = labels[:count] != before.labels
    # Classes that nobody could look for stay as incomplete as they were.
    return Taught(replace(after, labels=labels, incomplete=before.incomplete - asked), by_teacher)


def _write_json(
    out: Path, raw: RawLabels, taught: Sequence[Taught], names: Sequence[str], teacher: str
) -> Lost:
    root = raw.folder / "images"
    if not all(row.sample.path.is_relative_to(root) for row in taught):
        root = raw.folder
    named = [(row.sample.path.relative_to(root).as_posix(), row.sample) for row in taught]
    return write_coco(out, named, names, teacher, [row.by_teacher for row in taught])


def _write_folder(
    folder: Path, part: str, taught: Sequence[Taught], names: Sequence[str], teacher: str, link: bool
) -> Lost:
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    given = unique_names([row.sample.path for row in taught])
    named = [(given[row.sample.path], row.sample) for row in taught]
    for name, sample in named:
        place_picture(sample.path, images / name, link=link)
    file = folder / (f"{part}.json" if part else "annotations.json")
    write_declaration(folder, [row.sample for row in taught], names)
    return write_coco(file, named, names, teacher, [row.by_teacher for row in taught])
