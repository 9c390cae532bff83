"""What the numbers stand for that networks call classes by: sets that many share, told by how many there are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rtdet.detectors.coco import COCO_CLASSES
from rtdet.detectors.voc import VOC_CLASSES
from rtdet.types import IntArray

# COCO's own ids run from 1 to 90; these are not in use.
_GAPS = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)
COCO_IDS = tuple(i for i in range(1, 91) if i not in _GAPS)


@dataclass(frozen=True)
class LabelSet:
    """The classes behind a network's numbers.

    count: of classes. names: theirs, or () where nobody knows. index: for each number from 0 the place of its class
    among them, -1 for a number that stands for none.
    """

    count: int
    names: tuple[str, ...]
    index: tuple[int, ...]

    def places(self, numbers: npt.NDArray[np.generic]) -> IntArray:
        """(N,) places of the classes of `numbers` (N,), which may be floats; -1 for those that stand for none."""
        whole = np.round(numbers.astype(np.float64))
        known = np.isfinite(whole) & (whole >= 0) & (whole < len(self.index))
        table = np.array(self.index, dtype=np.int64)
        return np.where(known, table[np.where(known, whole, 0).astype(np.int64)], -1)


def plain_labels(count: int, first: int = 0, names: tuple[str, ...] = ()) -> LabelSet:
    """`count` classes, of which the first has the number `first`."""
    return LabelSet(count, names, (-1,) * first + tuple(range(count)))


def coco_ids(first: int = 0) -> LabelSet:
    """COCO's 80 classes by its own ids with their gaps; `first` is the id that has the number 0."""
    places = {number - first: place for place, number in enumerate(COCO_IDS)}
    return LabelSet(80, COCO_CLASSES, tuple(places.get(i, -1) for i in range(91 - first)))


def usual_labels(columns: int, named: int = 0) -> LabelSet:
    """The classes of a network with so many scores for each box, none of which is for the background.

    named: how many classes its notes name. 91 and 90 columns are COCO's ids from 0 and from 1.
    """
    if named == columns:
        return plain_labels(columns)
    if columns in (90, 91):
        return coco_ids(91 - columns)
    return plain_labels(columns, names=VOC_CLASSES if columns == len(VOC_CLASSES) else ())


def numbered_from_one(classes: int, named: int = 0) -> LabelSet:
    """Of `classes` classes numbered from 1, as where 0 is the background."""
    if classes == 90 and named != classes:
        return coco_ids()
    return plain_labels(classes, 1, VOC_CLASSES if classes == len(VOC_CLASSES) else ())


# Words of a file's name that say what its only class is.
_ONLY = {"face": "face", "person": "person", "people": "person", "pedestrian": "person", "head": "head",
         "vehicle": "vehicle", "plate": "licence plate", "hand": "hand", "palm": "hand", "text": "text"}  # fmt: skip


def only_class(title: str) -> tuple[str, ...]:
    """The name of a network's one class by the name of its file, where that tells; else ()."""
    low = title.lower()
    return next(((name,) for word, name in _ONLY.items() if word in low), ())
