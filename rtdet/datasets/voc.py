"""PASCAL VOC: Annotations/*.xml, pictures in JPEGImages/ or images/ or beside them, ImageSets/Main/SPLIT.txt.

VOC counts pixels from 1 and its corners are pixels that belong to the object (VOC2012 development kit,
Everingham and Winn): xmin = xmax = 1 is the leftmost column of pixels. So a box's left edge is xmin - 1 and its
right edge xmax. Numbers with a fraction, which VOC2011 has too, are taken as they are.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rtdet.datasets.faults import STRICT, Faults, Finding, LabelError
from rtdet.datasets.pictures import by_stem, check_inside, files_in, inside, pictures_in
from rtdet.datasets.raw import RawLabels, RawPicture, raw_picture
from rtdet.datasets.text import read_text, shown
from rtdet.datasets.xml import first_element, parsed

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_CORNERS = ("xmin", "ymin", "xmax", "ymax")
# Why a picture is lost that only a list knows.
_LISTED = "that are listed but have no labels"
_TRUE, _FALSE = frozenset({"1", "true"}), frozenset({"0", "false", "unspecified", ""})


def voc_files(folder: Path, faults: Faults = STRICT) -> list[Path]:
    """The folder's label files: those of Annotations/, else the XML files beside the pictures."""
    annotations = folder / "Annotations"
    if annotations.is_dir():
        return files_in(annotations, {".xml"}, folder, faults)
    files = [*folder.glob("*.xml"), *folder.glob("images/*.xml")]
    beside = sorted(path for path in files if path.is_file() and not path.name.startswith("."))
    return [check_inside(folder, path) for path in beside if _may_be_voc(path)]


def _may_be_voc(path: Path) -> bool:
    """Not so, where its first element is another: other XML, as CVAT's, may lie beside the pictures."""
    first = first_element(path)
    return first in ("", "annotation")


def voc_splits(folder: Path) -> dict[str, Path]:
    """The lists of names in ImageSets/Main, without those of single classes ("car_train.txt")."""
    lists = sorted((folder / "ImageSets" / "Main").glob("*.txt"))
    return {path.stem: path for path in lists if "_" not in path.stem and not path.name.startswith(".")}


def read_voc(folder: Path, split: Path | None = None, *, tolerant: bool = False) -> RawLabels:
    """The labels of a VOC folder as written; only those that the list `split` names, where it is given.

    Raises UsageError, one line with the file and the element, for XML that is broken, that declares entities
    (a bomb, or a way to other files), or that is not VOC's; of such files and elements `tolerant` makes findings.
    """
    faults = Faults(tolerant=tolerant)
    files, findings = voc_files(folder, faults), faults.findings
    if split is not None:
        known = {path.stem: path for path in files}
        wanted = [line.split()[0] for line in read_text(split).splitlines() if line.strip()]
        files = [known[name] for name in wanted if name in known]
        findings += [
            Finding("missing labels", split.name, f"there is no {name}.xml", pictures=1, why=_LISTED)
            for name in wanted
            if name not in known
        ]
    reader = _Reader(folder, faults)
    pictures = []
    for path in files:
        with faults.noted(str(path.relative_to(folder))):
            pictures.append(reader.read(path))
    return RawLabels(folder, "voc", tuple(reader.names), pictures, findings)


class _Reader:
    """Reads file by file; classes get their labels in the order of their first object."""

    def __init__(self, folder: Path, faults: Faults) -> None:
        self._folder, self._faults = folder, faults
        roots = (folder / "JPEGImages", folder / "images", folder)
        self._root = next(root for root in roots if root.is_dir())
        pictures = pictures_in(self._root, folder, faults)
        self._by_stem = by_stem(pictures)
        self._by_place = {path.relative_to(self._root).with_suffix(""): path for path in pictures}
        self.names: dict[str, int] = {}

    def read(self, path: Path) -> RawPicture:
        root = parsed(path)
        if root.tag != "annotation":
            raise _not_voc(path, f"its root is <{root.tag}>, not <annotation>")
        picture, size = self._picture(root, path), None
        where = str(path.relative_to(self._folder))
        with self._faults.noted(where):
            size = _size(root, path)
        rows = []
        for i, one in enumerate(root.findall("object")):
            with self._faults.noted(where):
                box, name = _box(one, i, path), _text(one, "name", i, path)
                rows.append((box, name, _flag(one, "difficult", i, path)))
        return raw_picture(
            picture,
            size,
            np.array([box for box, _, _ in rows], dtype=np.float64).reshape(-1, 4),
            np.array([self.names.setdefault(name, len(self.names)) for _, name, _ in rows], dtype=np.int64),
            ignored=np.array([difficult for _, _, difficult in rows], dtype=bool),
            source=(root.findtext("source/database") or "").strip(),
        )

    def _picture(self, root: Element, path: Path) -> Path:
        """The picture that <filename> names, if it is called like the XML file; else the one that is, as VOC's own
        tools find it (tools that rename files leave an old <filename>); else what is named."""
        name = (root.findtext("filename") or "").strip()
        named = inside(self._root, name, path) if name else self._root / f"{path.stem}.jpg"
        if named.stem == path.stem and os.path.isfile(named):
            return named
        # Annotations/x/a.xml goes with JPEGImages/x/a.jpg, though there be a y/a.jpg, too.
        annotations = self._folder / "Annotations"
        below = path.relative_to(annotations if path.is_relative_to(annotations) else self._folder)
        return self._by_place.get(below.with_suffix("")) or self._by_stem.get(path.stem, named)


def _not_voc(path: Path, why: str) -> LabelError:
    return LabelError(f"{path} is not a VOC annotation", why)


def _text(element: Element, tag: str, number: int, path: Path) -> str:
    text = (element.findtext(tag) or "").strip()
    if not text:
        raise _not_voc(path, f"object {number + 1} has no <{tag}>")
    return text


def _box(element: Element, number: int, path: Path) -> list[float]:
    """Edges in pixels from 0."""
    corners = element.find("bndbox")
    if corners is None:
        raise _not_voc(path, f"object {number + 1} has no <bndbox>")
    texts = [_text(corners, tag, number, path) for tag in _CORNERS]
    try:
        left, top, right, bottom = (float(text) for text in texts)
    except ValueError:
        raise _not_voc(path, f"object {number + 1}: <bndbox> holds {shown(texts)}, not numbers") from None
    return [left - 1, top - 1, right, bottom]


def _flag(element: Element, tag: str, number: int, path: Path) -> bool:
    text = (element.findtext(tag) or "").strip().lower()
    if text not in _TRUE | _FALSE:
        raise _not_voc(path, f"object {number + 1}: <{tag}> is {shown(text)}, not 0 or 1")
    return text in _TRUE


def _size(root: Element, path: Path) -> tuple[int, int] | None:
    """(width, height); None where <size> is left out or 0, as some tools do."""
    texts = [(root.findtext(f"size/{side}") or "0").strip() for side in ("width", "height")]
    try:
        width, height = (int(float(text)) for text in texts)
    except (ValueError, OverflowError):
        raise _not_voc(path, f"<size> holds {shown(texts)}, not numbers") from None
    return (width, height) if width > 0 and height > 0 else None
