"""Samples written as labels of each format; the pictures are not touched here.

What a format cannot hold is counted and said, not lost in silence: see `Lost`.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import yaml  # type: ignore[import-untyped,unused-ignore]

from rtdet.csv_text import text_cell
from rtdet.datasets.sample import Sample
from rtdet.geometry.boxes import xyxy_to_cxcywh, xyxy_to_ltwh
from rtdet.output_file import write_whole
from rtdet.types import BoolArray, FloatArray, IntArray

# A picture's file name in the new data set, and the picture.
Named = Sequence[tuple[str, Sample]]
# How many rows a format had no place for, by what they were.
Lost = Counter[str]
UNNAMED, IGNORED, SCORES = "boxes of no known class", "ignored regions", "scores of a teacher"


def write_coco(
    file: Path,
    named: Named,
    class_names: Sequence[str],
    teacher: str = "",
    by_teacher: Sequence[BoolArray] = (),
) -> Lost:
    """One COCO JSON. `ignore`: 1 marks ignored rows that are no crowd, `score` those that are not sure.

    by_teacher: for each picture a (G,) mask of the rows that get `teacher` as their field of that name.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    lost = Lost()
    for number, (name, sample) in enumerate(named, 1):
        width, height = sample.size
        image = {"id": number, "file_name": name, "width": width, "height": height}
        images.append({**image, "source": sample.source} if sample.source else image)
        taught = by_teacher[number - 1] if by_teacher else np.zeros(len(sample), dtype=bool)
        for i, box in enumerate(xyxy_to_ltwh(sample.boxes).round(6).tolist()):
            if sample.labels[i] < 0:
                lost[UNNAMED] += 1
                continue
            row = _coco_row(sample, i, box)
            mark = {"score": round(float(sample.scores[i]), 4), "teacher": teacher} if taught[i] else {}
            annotations.append({"id": len(annotations) + 1, "image_id": number, **row, **mark})
    categories = [{"id": i + 1, "name": name} for i, name in enumerate(class_names)]
    content = {
        "info": {"description": "written by rtdet"},
        "images": images,
        "annotations": annotations,
        "categories": categories,
    }
    write_whole(file, as_json(content, separators=(",", ":")))
    return lost


def as_json(content: Any, **layout: Any) -> bytes:
    """JSON in UTF-8; names of files that are not UTF-8 are escaped, as JSON allows."""
    return (json.dumps(content, ensure_ascii=False, **layout) + "\n").encode("utf-8", "backslashreplace")


def _coco_row(sample: Sample, i: int, ltwh: list[float]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "category_id": int(sample.labels[i]) + 1,
        "bbox": ltwh,
        "area": round(float(sample.areas[i]), 6),
        "iscrowd": int(sample.crowd[i]),
    }
    if sample.ignored[i] and not sample.crowd[i]:
        row["ignore"] = 1
    if sample.scores[i] < 1:
        row["score"] = round(float(sample.scores[i]), 6)
    return row


def voc_corners(boxes: FloatArray, size: tuple[int, int]) -> IntArray:
    """(G, 4) VOC's whole pixels, counted from 1 and inclusive, nearest to the boxes: within half a pixel of
    them, but where a box is so thin that this would leave it no pixel."""
    limits = np.array(size)
    first = np.minimum(np.floor(boxes[:, :2] + 0.5), limits - 1)
    last = np.maximum(np.floor(boxes[:, 2:] + 0.5), first + 1)
    corners: IntArray = np.concatenate([first + 1, last], axis=1).astype(np.int64)
    return corners


def write_voc(file: Path, name: str, sample: Sample, class_names: Sequence[str]) -> Lost:
    """One picture's XML. Ignored rows are `difficult`, crowds too."""
    lost = Lost({SCORES: int(((sample.scores < 1) & (sample.labels >= 0)).sum())})
    root = ElementTree.Element("annotation")
    _add(root, "folder", "JPEGImages")
    _add(root, "filename", name)
    _add(_add(root, "source"), "database", sample.source)
    size = _add(root, "size")
    for tag, value in zip(("width", "height", "depth"), (*sample.size, 3), strict=True):
        _add(size, tag, value)
    _add(root, "segmented", 0)
    for i, corners in enumerate(voc_corners(sample.boxes, sample.size).tolist()):
        if sample.labels[i] < 0:
            lost[UNNAMED] += 1
            continue
        entry = _add(root, "object")
        _add(entry, "name", class_names[sample.labels[i]])
        _add(entry, "pose", "Unspecified")
        _add(entry, "truncated", 0)
        _add(entry, "difficult", int(sample.ignored[i]))
        place = _add(entry, "bndbox")
        for tag, value in zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True):
            _add(place, tag, value)
    ElementTree.indent(root, "\t")
    ElementTree.ElementTree(root).write(file, encoding="utf-8")
    return lost


def _add(parent: ElementTree.Element, tag: str, text: object = "") -> ElementTree.Element:
    child = ElementTree.SubElement(parent, tag)
    child.text = str(text) or None
    return child


def write_yolo(file: Path, sample: Sample) -> Lost:
    """One picture's text file. YOLO knows no ignored regions: they are left out."""
    kept = ~sample.ignored
    lost = Lost(
        {
            UNNAMED: int((sample.labels < 0).sum()),
            IGNORED: int((~kept & (sample.labels >= 0)).sum()),
            SCORES: int((sample.scores[kept] < 1).sum()),
        }
    )
    shares = xyxy_to_cxcywh(sample.boxes[kept] / np.tile(sample.size, 2))
    lines = [
        f"{label} " + " ".join(f"{value:.10f}".rstrip("0").rstrip(".") for value in row)
        for label, row in zip(sample.labels[kept].tolist(), shares.tolist(), strict=True)
    ]
    file.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return lost


def write_yolo_yaml(file: Path, folders: dict[str, str], class_names: Sequence[str]) -> None:
    """The data.yaml beside images/ and labels/."""
    content = {"path": ".", **folders, "names": dict(enumerate(class_names))}
    file.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")


_FLAGS = ("IsOccluded", "IsTruncated", "IsGroupOf", "IsDepiction", "IsInside")


def write_open_images(file: Path, named: Named, class_names: Sequence[str]) -> Lost:
    """One CSV. Every ignored row is a group (IsGroupOf), the only kind that is not scored; flags that nobody
    judged are -1, as Open Images has it."""
    lost = Lost()
    with file.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(
            ["ImageID", "Source", "LabelName", "Confidence", "XMin", "XMax", "YMin", "YMax", *_FLAGS]
        )
        for name, sample in named:
            shares = (sample.boxes / np.tile(sample.size, 2)).round(10).tolist()
            for i, (left, top, right, bottom) in enumerate(shares):
                if sample.labels[i] < 0:
                    lost[UNNAMED] += 1
                    continue
                entry = [
                    text_cell(Path(name).stem),
                    "rtdet",
                    text_cell(class_names[sample.labels[i]]),
                    f"{sample.scores[i]:.6g}",
                ]
                flags = [-1, -1, int(sample.ignored[i]), -1, -1]
                table.writerow([*entry, left, right, top, bottom, *flags])
    return lost


def write_descriptions(file: Path, class_names: Iterable[str]) -> None:
    """Open Images' names of its labels; ours are their own labels."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([text_cell(name)] * 2 for name in class_names)
