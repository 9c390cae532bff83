"""Checks a data set for faults: in its files, boxes and classes, and for pictures that are in two parts of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from rtdet.datasets.faults import PATH_OUTSIDE, UNREADABLE_LABELS, Finding
from rtdet.datasets.faults import UNREADABLE as CANNOT_BE_READ
from rtdet.datasets.incomplete import FILE_NAME, declarable, read_declaration
from rtdet.datasets.losses import Losses
from rtdet.datasets.near_duplicates import Fingerprint, fingerprint, near_duplicates
from rtdet.datasets.raw import TOLERANCE, RawLabels, RawPicture, cleaned
from rtdet.datasets.sample import read_picture
from rtdet.datasets.sizes import MISSING, with_true_sizes
from rtdet.errors import UsageError
from rtdet.geometry.boxes import is_valid
from rtdet.types import BoolArray, FloatArray

# Every kind of problem, in the order of a report, and what to do about it.
KINDS: Mapping[str, str] = {
    UNREADABLE_LABELS: "does not follow the format: skipped here, but a training stops at it",
    PATH_OUTSIDE: "pictures outside the folder are never read: put them into it",
    "missing picture": "labels without their picture: put it back or remove the labels",
    "duplicate id": "two pictures with the same id: the second is left out, its boxes go to the first",
    "undecodable picture": "the file is truncated, empty or not a picture: replace or remove it",
    "other size": "the labels are of another size: boxes are scaled to the picture; of another shape, it is left out",
    "missing labels": "a list of a part names pictures that have no labels",
    "declaration": "dataset.toml cannot be used as it is",
    "unknown class": "the class has no name in the labels, or two: such boxes are ignored",
    "no box": "shapes that no box is around: no detector learns from them",
    "empty box": "no area, inverted or not a number: such boxes are dropped",
    "box outside": "it lies outside the picture: such boxes are dropped",
    "box beyond the border": "it sticks out by more than a pixel: it is cut off at the border",
    "duplicate box": "the same box of the same class twice",
    "duplicate picture": "the same picture twice in one part: it counts twice",
    "picture in two parts": "(nearly) the same picture in two parts: a test on it measures memory",
}
UNREADABLE = frozenset({"missing picture", "undecodable picture"})


@dataclass(frozen=True)
class Problem:
    """kind: of KINDS. part: of the data set ("" when it has none). where: the file, under the set's folder.
    twin: the other file of a picture in two parts."""

    kind: str
    part: str
    where: str
    text: str
    twin: str = ""


@dataclass(frozen=True)
class PartCounts:
    """pictures: how many; without_objects: how many show nothing. By class the number of objects, of ignored
    ones, and of pictures that show it."""

    pictures: int
    without_objects: int
    objects: dict[str, int]
    ignored: dict[str, int]
    shown_in: dict[str, int]


@dataclass(frozen=True)
class Report:
    """What a data set holds, by part, what is wrong with it, and what of it any use of it would lose."""

    folder: Path
    kind: str
    parts: dict[str, PartCounts]
    problems: list[Problem] = field(default_factory=list)
    losses: Losses = field(default_factory=Losses)

    def by_kind(self) -> dict[str, list[Problem]]:
        """The problems of each kind that has some, in the order of KINDS."""
        kinds = {kind: [p for p in self.problems if p.kind == kind] for kind in KINDS}
        return {kind: problems for kind, problems in kinds.items() if problems}


@dataclass(frozen=True, eq=False)
class _Look:
    """What decoding a picture gave: its size, its fingerprint and its file's digest; or what is wrong."""

    size: tuple[int, int] | None = None
    print: Fingerprint | None = None
    digest: bytes = b""
    wrong: str = ""


@dataclass(frozen=True, eq=False)
class _Prints:
    """A part's pictures that could be decoded, by name."""

    part: str
    folder: Path
    rows: list[tuple[str, Fingerprint]]


def check_parts(
    folder: Path,
    parts: Mapping[str, RawLabels],
    against: Mapping[str, RawLabels] | None = None,
    *,
    on_picture: Callable[[], None] = lambda: None,
) -> Report:
    """Every picture is decoded, every box looked at, every picture of a part compared with those of the others.

    against: other data sets, only compared with. `on_picture` is called after each picture decoded.
    """
    counts, problems, losses = {}, [], Losses()
    prints: list[_Prints] = []
    for number, (part, raw) in enumerate([*parts.items(), *(against or {}).items()]):
        looks = list(_decoded([picture.path for picture in raw.pictures], on_picture))
        names = [name_in(raw.folder, picture.path) for picture in raw.pictures]
        rows = [(name, look.print) for name, look in zip(names, looks, strict=True) if look.print is not None]
        prints.append(_Prints(part, raw.folder, rows))
        if number >= len(parts):
            continue
        counts[part] = _counts(raw)
        losses += _losses(raw, looks)
        problems += [Problem(f.kind, part, f.where, f.text) for f in raw.findings]
        problems += [Problem("declaration", part, FILE_NAME, text) for text in _declaration_problems(raw)]
        for picture, name, look in zip(raw.pictures, names, looks, strict=True):
            problems += [Problem(kind, part, name, text) for kind, text in _picture_problems(picture, look)]
        problems += [
            Problem("duplicate picture", part, n, f"the same as {o}") for n, o in _same(names, looks)
        ]
    problems += _in_two_parts(prints, len(parts))
    kinds = list(KINDS)
    problems.sort(key=lambda problem: kinds.index(problem.kind))
    kind = next(iter(parts.values())).kind
    return Report(folder, kind, counts, problems, losses)


def _losses(raw: RawLabels, looks: Sequence[_Look]) -> Losses:
    """What a training would lose."""
    readable, findings = [], list(raw.findings)
    for picture, look in zip(raw.pictures, looks, strict=True):
        if look.wrong:
            why = MISSING if look.wrong == "missing picture" else CANNOT_BE_READ
            findings.append(Finding(look.wrong, picture.path.name, "", len(picture.boxes), 1, why=why))
        else:
            readable.append(picture)
    whole = replace(raw, pictures=readable, findings=findings)
    return cleaned(with_true_sizes(whole), raw.class_names)[1]


def name_in(folder: Path, path: Path) -> str:
    """A picture's name below its data set's folder, as reports give it."""
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def _declaration_problems(raw: RawLabels) -> Iterator[str]:
    try:
        read_declaration(raw.folder, declarable(raw))
    except UsageError as error:
        yield str(error)


def _decoded(paths: Sequence[Path], on_picture: Callable[[], None]) -> Iterator[_Look]:
    # OpenCV lets go of the interpreter's lock, so threads decode side by side.
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        for look in pool.map(_look, paths):
            on_picture()
            yield look


def _look(path: Path) -> _Look:
    if not os.path.isfile(path):
        return _Look(wrong="missing picture")
    try:
        image = read_picture(path)
        digest = hashlib.blake2b(path.read_bytes(), digest_size=16).digest()
    except (UsageError, OSError):
        return _Look(wrong="undecodable picture")
    return _Look((image.shape[1], image.shape[0]), fingerprint(image), digest)


def _counts(raw: RawLabels) -> PartCounts:
    tables = {name: dict.fromkeys(raw.class_names, 0) for name in ("objects", "ignored", "shown_in")}
    empty = 0
    for picture in raw.pictures:
        named = picture.labels >= 0
        empty += not named.any()
        for label in np.unique(picture.labels[named]):
            name, rows = raw.class_names[label], picture.labels == label
            tables["objects"][name] += int((rows & ~picture.ignored).sum())
            tables["ignored"][name] += int((rows & picture.ignored).sum())
            tables["shown_in"][name] += 1
    return PartCounts(len(raw.pictures), empty, **tables)


def _picture_problems(picture: RawPicture, look: _Look) -> Iterator[tuple[str, str]]:
    if look.wrong:
        yield look.wrong, "there is no such file" if look.wrong == "missing picture" else "cannot be decoded"
    if look.size is not None and picture.size is not None and look.size != picture.size:
        sizes = [f"{width}x{height}" for width, height in (picture.size, look.size)]
        yield "other size", f"the labels say {sizes[0]}, the picture is {sizes[1]}"
    size = picture.size or look.size
    if size is not None:
        yield from _box_problems(picture, size)


def _box_problems(picture: RawPicture, size: tuple[int, int]) -> Iterator[tuple[str, str]]:
    boxes = picture.in_pixels(size)
    has_area, within = is_valid(boxes), is_valid(boxes, *size)
    limits = np.tile(size, 2)
    sticks_out = ((boxes < -TOLERANCE) | (boxes > limits + TOLERANCE)).any(axis=1)
    yield from _each("empty box", boxes, ~has_area)
    yield from _each("box outside", boxes, has_area & ~within)
    yield from _each("box beyond the border", boxes, within & sticks_out)
    rows = np.column_stack([picture.labels, boxes])
    _, first = np.unique(rows, axis=0, return_index=True)
    repeated = np.ones(len(rows), dtype=bool)
    repeated[first] = False
    yield from _each("duplicate box", boxes, repeated)


def _each(kind: str, boxes: FloatArray, wrong: BoolArray) -> Iterator[tuple[str, str]]:
    for number in np.flatnonzero(wrong):
        edges = ", ".join(f"{value:.6g}" for value in boxes[number])
        yield kind, f"box {number + 1}: ({edges})"


def _same(names: Sequence[str], looks: Sequence[_Look]) -> Iterator[tuple[str, str]]:
    """Pictures that are there again, and what they are the same as: another file, or an entry of the labels."""
    first: dict[bytes, str] = {}
    for name, look in zip(names, looks, strict=True):
        if look.digest in first:
            twin = first[look.digest]
            yield name, twin if twin != name else "an entry before it"
        elif look.digest:
            first[look.digest] = name


def _in_two_parts(prints: Sequence[_Prints], checked: int) -> Iterator[Problem]:
    """Of the first `checked` parts the pictures that a later one has, too."""
    for i, one in enumerate(prints[:checked]):
        for other in prints[i + 1 :]:
            pairs = near_duplicates([p for _, p in one.rows], [p for _, p in other.rows])
            for a, b in pairs.tolist():
                (name, _), (twin, _) = one.rows[a], other.rows[b]
                text = f"like {twin} of {other.part or 'the other set'}"
                yield Problem("picture in two parts", one.part, name, text, str(other.folder / twin))
