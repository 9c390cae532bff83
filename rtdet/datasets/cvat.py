"""CVAT's own XML, as it exports it: "CVAT for images 1.1" and "CVAT for video 1.1".

The first has a list of pictures with their shapes, the second tracks: a shape for each frame, of pictures called
frame_000000 and so on. Shapes are boxes, maybe rotated, polygons, ellipses and masks, of which the box around is
taken; lines, points, cuboids and skeletons are counted, not read. Pixels are counted from 0 at the picture's edge.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rtdet.datasets.faults import Faults, Finding, LabelError
from rtdet.datasets.pictures import check_inside, inside, pictures_in
from rtdet.datasets.raw import RawLabels, RawPicture, raw_picture
from rtdet.datasets.text import shown, whole_number
from rtdet.datasets.xml import first_element, parsed
from rtdet.errors import UsageError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_SHAPES = ("box", "polygon", "ellipse", "mask")
# Shapes that no box is around in the sense of a detector.
_OTHER = ("polyline", "points", "cuboid", "skeleton")
NO_BOX = "shapes without a box around them (lines, points, skeletons), passed over"
_WHY = "that have labels but are not here"
_DIGITS = re.compile(r"(\d+)\D*$")


def cvat_file(folder: Path) -> Path | None:
    """The folder's XML in CVAT's own format, annotations.xml if there are several; None without one."""
    files = [*folder.glob("*.xml"), *folder.glob("annotations/*.xml")]
    plain = sorted(path for path in files if path.is_file() and not path.name.startswith("."))
    ours = [path for path in plain if first_element(path) == "annotations"]
    return next((path for path in ours if path.name == "annotations.xml"), ours[0] if ours else None)


def read_cvat(folder: Path, file: Path, *, tolerant: bool = False) -> RawLabels:
    """The labels of one file as written. Raises UsageError, one line with the file and the element, for XML that is
    broken or is not CVAT's; of pictures and shapes that cannot be read `tolerant` makes findings."""
    faults = Faults(tolerant=tolerant)
    root = parsed(check_inside(folder, file))
    if root.tag != "annotations":
        raise UsageError(f"{file} is not CVAT's XML: its root is <{root.tag}>, not <annotations>")
    reader = _Reader(folder, file, root, faults)
    read = [*reader.pictures(root), *reader.frames(root)]
    if reader.passed_over:
        faults.findings.append(
            Finding(
                "no box", file.name, f"{reader.passed_over} {NO_BOX}", noted=reader.passed_over, why=NO_BOX
            )
        )
    return RawLabels(folder, "cvat", tuple(reader.names), read, faults.findings)


class _Reader:
    """Reads pictures and tracks; classes are those that the file declares, then those that shapes have."""

    def __init__(self, folder: Path, file: Path, root: Element, faults: Faults) -> None:
        self._folder, self._file, self._faults = folder, file, faults
        declared = [name.text or "" for name in root.iterfind("meta//labels/label/name")]
        self.names: dict[str, int] = {name: i for i, name in enumerate(dict.fromkeys(declared))}
        self._here = pictures_in(folder, folder, faults)
        self.passed_over = 0

    def pictures(self, root: Element) -> Iterator[RawPicture]:
        """Of "CVAT for images": an <image> for each."""
        by_name: dict[str, list[Path]] = {}
        for path in self._here:
            by_name.setdefault(path.name, []).append(path)
        for one in root.iterfind("image"):
            name = one.get("name", "")
            with self._faults.noted(name or self._file.name):
                shapes = list(self._shapes(one, one.get("id", name)))
                place = self._picture(name, by_name)
                if place is None:
                    self._missing(name, len(shapes))
                    continue
                yield self._made(place, _size(one), shapes)

    def frames(self, root: Element) -> Iterator[RawPicture]:
        """Of "CVAT for video": tracks, each with a shape for every frame that it is in."""
        tracks = root.findall("track")
        if not tracks:
            return
        by_frame: dict[int, list[tuple[list[float], int]]] = {}
        for track in tracks:
            for shape in track:
                if shape.get("outside") == "1":  # where the object is not to be seen
                    continue
                with self._faults.noted(self._file.name):
                    frame = _frame(shape, self._where(track.get("id", "")))
                    by_frame.setdefault(frame, []).extend(self._shape(shape, track.get("label", "")))
        size = _size(root.find("meta//original_size"))
        here: dict[int, Path] = {}
        for picture in self._here:
            found = _DIGITS.search(picture.stem)
            if found:
                here.setdefault(int(found[1]), picture)
        for frame, path in sorted(here.items()):
            yield self._made(path, size, by_frame.pop(frame, []))
        for frame, shapes in sorted(by_frame.items()):
            self._missing(f"frame {frame}", len(shapes))

    def _picture(self, name: str, by_name: dict[str, list[Path]]) -> Path | None:
        """Where a picture is: as the file names it, in images/, or the one that is called like it."""
        if not name:
            raise LabelError(str(self._file), "an <image> has no name")
        for place in (self._folder, self._folder / "images"):
            path = inside(place, name, self._file)
            if os.path.isfile(path):
                return path
        same = by_name.get(Path(name).name, [])
        return same[0] if len(same) == 1 else None

    def _missing(self, name: str, shapes: int) -> None:
        text = f"{shapes} shapes of {shown(name)}"
        self._faults.findings.append(
            Finding("missing picture", self._file.name, text, boxes=shapes, pictures=1, why=_WHY)
        )

    def _made(
        self, path: Path, size: tuple[int, int] | None, shapes: list[tuple[list[float], int]]
    ) -> RawPicture:
        boxes = np.array([box for box, _ in shapes], dtype=np.float64).reshape(-1, 4)
        return raw_picture(path, size, boxes, np.array([label for _, label in shapes], dtype=np.int64))

    def _shapes(self, image: Element, where: str) -> Iterator[tuple[list[float], int]]:
        for shape in image:
            with self._faults.noted(where):
                yield from self._shape(shape, shape.get("label", ""))

    def _shape(self, shape: Element, label: str) -> Iterator[tuple[list[float], int]]:
        if shape.tag in _OTHER:
            self.passed_over += 1
        if shape.tag not in _SHAPES:
            return
        if not label:
            raise LabelError(str(self._file), f"a <{shape.tag}> has no label")
        box = _box_around(shape, self._where(label))
        yield box, self.names.setdefault(label, len(self.names))

    def _where(self, label: str) -> str:
        return f"{self._file}, {shown(label)}"


def _box_around(shape: Element, where: str) -> list[float]:
    """xyxy pixels."""
    if shape.tag == "polygon":
        return _around_points(shape, where)
    if shape.tag == "ellipse":
        x, y, rx, ry = (_number(shape, key, where) for key in ("cx", "cy", "rx", "ry"))
        return _turned([x - rx, y - ry, x + rx, y + ry], shape, where, is_ellipse=True)
    if shape.tag == "mask":
        left, top, width, height = (_number(shape, key, where) for key in ("left", "top", "width", "height"))
        return [left, top, left + width, top + height]
    box = [_number(shape, key, where) for key in ("xtl", "ytl", "xbr", "ybr")]
    return _turned(box, shape, where)


def _around_points(shape: Element, where: str) -> list[float]:
    text = shape.get("points", "")
    try:
        points = np.array([[float(value) for value in pair.split(",")] for pair in text.split(";") if pair])
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    except ValueError:
        raise LabelError(where, f"points are {shown(text)}, not x,y;x,y") from None
    return [float(left), float(top), float(right), float(bottom)]


def _turned(box: list[float], shape: Element, where: str, *, is_ellipse: bool = False) -> list[float]:
    """The upright box around one that is rotated about its centre."""
    angle = math.radians(_number(shape, "rotation", where)) if shape.get("rotation") else 0.0
    if not angle or not math.isfinite(angle):
        return box
    x, y, a, b = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2, (box[2] - box[0]) / 2, (box[3] - box[1]) / 2
    cos, sin = abs(math.cos(angle)), abs(math.sin(angle))
    combine = math.hypot if is_ellipse else lambda one, other: one + other
    half_width, half_height = combine(a * cos, b * sin), combine(a * sin, b * cos)
    return [x - half_width, y - half_height, x + half_width, y + half_height]


def _number(element: Element, key: str, where: str) -> float:
    text = element.get(key, "")
    try:
        return float(text)
    except ValueError:
        raise LabelError(where, f"{key} is {shown(text)}, not a number") from None


def _frame(shape: Element, where: str) -> int:
    text = shape.get("frame", "")
    number = whole_number(text)
    if number is None:
        raise LabelError(where, f"frame is {shown(text)}, not the number of a frame")
    return number


def _size(element: Element | None) -> tuple[int, int] | None:
    """(width, height) from attributes, or from elements of these names; None where they are not said."""
    if element is None:
        return None
    width, height = (
        whole_number(element.get(side) or element.findtext(side) or "") for side in ("width", "height")
    )
    return (width, height) if width and height else None
