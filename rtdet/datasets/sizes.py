"""Pictures that are of another size than their labels say.

Of pictures that were scaled after they were labelled, the boxes are scaled too. Others are of another shape, most
often because their EXIF orientation turns them upright: tools that label photographs of phones write the width and
height of the stored picture, which lies on its side, and boxes of the upright one. Whether boxes are upright is for
the set to show: where fewer of them stick out of the pictures as they are than out of the sizes as written. Where
that is not so, or nothing shows it, the pictures are left out.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rtdet.datasets.faults import UNREADABLE, Finding
from rtdet.datasets.losses import OTHER_SHAPE, SCALED, TURNED
from rtdet.datasets.pictures import picture_size
from rtdet.datasets.raw import TOLERANCE, RawLabels, RawPicture
from rtdet.errors import UsageError

# Rounding changes a small picture's ratio of sides by this much.
_RATIO = 0.02
MISSING = "that are missing"


@dataclass(frozen=True, eq=False)
class _Other:
    """A picture of another shape than the labels say; place: among the labels' pictures."""

    place: int
    picture: RawPicture
    size: tuple[int, int]

    @property
    def is_swapped(self) -> bool:
        return self.picture.size == self.size[::-1]


def with_true_sizes(raw: RawLabels) -> RawLabels:
    """The labels with pictures upright and of their own sizes: boxes are scaled where only the size differs; where
    the labels swap the sides, the picture's own are taken, or it is left out, as are those of another shape and those
    whose size cannot be read; findings say so. Missing pictures stay as they are, if the labels say their size."""
    pictures: dict[int, RawPicture] = {}
    findings = list(raw.findings)
    others: list[_Other] = []
    for place, picture in enumerate(raw.pictures):
        size, lost = _size_of(picture)
        if lost is not None:
            findings.append(lost)
            continue
        pictures[place] = picture
        if size is None or size == picture.size:
            continue
        if picture.size is None:
            pictures[place] = replace(picture, size=size)
        elif abs(size[0] * picture.size[1] / (size[1] * picture.size[0]) - 1) > _RATIO:
            others.append(_Other(place, picture, size))
        else:
            pictures[place] = _scaled(picture, size)
            findings.append(Finding("other size", picture.path.name, "it was scaled", noted=1, why=SCALED))
    swapped = [other for other in others if other.is_swapped]
    is_upright = _beyond([o.picture for o in swapped], [o.size for o in swapped]) < _beyond(
        [o.picture for o in swapped], [o.size[::-1] for o in swapped]
    )
    for other in others:
        name = other.picture.path.name
        if other.is_swapped and is_upright:
            pictures[other.place] = replace(other.picture, size=other.size)
            findings.append(Finding("other size", name, "its sides are swapped", noted=1, why=TURNED))
        else:
            del pictures[other.place]
            boxes = len(other.picture.boxes)
            findings.append(Finding("other size", name, "left out", boxes, 1, why=OTHER_SHAPE))
    return replace(raw, pictures=list(pictures.values()), findings=findings)


def _size_of(picture: RawPicture) -> tuple[tuple[int, int] | None, Finding | None]:
    """The picture's own size, None where it is missing; and the finding where the picture is lost."""
    if not os.path.isfile(picture.path):  # a pipe would be waited for
        return None, None if picture.size is not None else _lost(picture, "missing picture", MISSING)
    try:
        return picture_size(picture.path), None
    except UsageError:
        return None, _lost(picture, "undecodable picture", UNREADABLE)


def _lost(picture: RawPicture, kind: str, why: str) -> Finding:
    return Finding(kind, picture.path.name, "", len(picture.boxes), 1, why=why)


def _scaled(picture: RawPicture, size: tuple[int, int]) -> RawPicture:
    """Labels that were made on the same picture of another size."""
    if picture.size is None or picture.fractions:
        return replace(picture, size=size)
    across, down = size[0] / picture.size[0], size[1] / picture.size[1]
    with np.errstate(over="ignore", invalid="ignore"):  # boxes may be anything
        boxes = picture.boxes * ([across, down] * 2)
        return replace(picture, size=size, boxes=boxes, areas=picture.areas * (across * down))


def _beyond(pictures: Sequence[RawPicture], sizes: Sequence[tuple[int, int]]) -> int:
    """How many boxes stick out of pictures of these sizes."""
    return sum(
        int((picture.in_pixels(size) > np.tile(size, 2) + TOLERANCE).any(axis=1).sum())
        for picture, size in zip(pictures, sizes, strict=True)
    )


def without_missing(raw: RawLabels) -> RawLabels:
    """The labels of the pictures that are there; findings say which are not."""
    missing = [picture for picture in raw.pictures if not picture.path.is_file()]
    if not missing:
        return raw
    gone = {id(picture) for picture in missing}
    found = [_lost(picture, "missing picture", MISSING) for picture in missing]
    kept = [picture for picture in raw.pictures if id(picture) not in gone]
    return replace(raw, pictures=kept, findings=[*raw.findings, *found])
