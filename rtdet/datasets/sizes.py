"""Pictures that are of another shape than their labels say, most often turned upright by their EXIF orientation.

Tools that label photographs of phones write the width and height of the stored picture, which lies on its side, and
boxes of the upright one. Whether boxes are upright is for the set to show: where fewer of them stick out of the
pictures as they are than out of the sizes as written. Where that is not so, or nothing shows it, the pictures are
left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rtdet.datasets.faults import Finding
from rtdet.datasets.losses import OTHER_SHAPE, TURNED
from rtdet.datasets.pictures import may_be_turned, picture_size
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


def with_true_sizes(raw: RawLabels, *, every: bool = False) -> RawLabels:
    """The labels with pictures upright: of those whose sides the labels swap the picture's own size is taken, or
    they are left out, as are those of another shape; findings say so. Looked at are files whose first bytes say that
    they may be turned; with `every` all, which takes a millisecond each. Missing pictures and such as cannot be read
    stay as they are."""
    others = [other for i, picture in enumerate(raw.pictures) if (other := _other(i, picture, every))]
    if not others:
        return raw
    swapped = [other for other in others if other.is_swapped]
    is_upright = _beyond([o.picture for o in swapped], [o.size for o in swapped]) < _beyond(
        [o.picture for o in swapped], [o.size[::-1] for o in swapped]
    )
    pictures: dict[int, RawPicture] = dict(enumerate(raw.pictures))
    findings = list(raw.findings)
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


def _other(place: int, picture: RawPicture, every: bool) -> _Other | None:
    if picture.size is None or not (every or may_be_turned(picture.path)):
        return None
    try:
        width, height = size = picture_size(picture.path)
    except UsageError:
        return None
    ratio = width * picture.size[1] / (height * picture.size[0])
    return _Other(place, picture, size) if abs(ratio - 1) > _RATIO else None


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
    found = [
        Finding("missing picture", picture.path.name, "", len(picture.boxes), 1, why=MISSING)
        for picture in missing
    ]
    kept = [picture for picture in raw.pictures if id(picture) not in gone]
    return replace(raw, pictures=kept, findings=[*raw.findings, *found])
