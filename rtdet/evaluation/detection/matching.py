"""Matches detections with objects by COCO's rules, for several overlaps and several sizes at once.

Rules (Lin et al. 2014; https://cocodataset.org/#detection-eval), for one class in one picture: detections are
taken by falling score; each takes the object that it overlaps most, at least by the threshold and not taken
yet. An ignored object is taken only where no other will do; the detection then counts neither as right nor as
wrong. A crowd may be taken by many, and the overlap with it is the share of the detection that lies inside.
Because detections are taken by falling score, what the best n of them hit does not depend on the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rtdet.datasets import Dataset
from rtdet.types import BoolArray, Detections, FloatArray, IntArray

_BLOCK = 1_000_000


@dataclass(frozen=True, eq=False)
class Table:
    """Boxes of all pictures in one table: the objects, or the detections.

    boxes (N, 4) xyxy pixels; labels (N,) into the class names; pictures (N,) place of the picture in the data
    set; rows (N,) place in that picture; areas (N,) square pixels; scores (N,), 1 for objects; ignored and crowd
    (N,), False for detections. Sorted by class, then picture; then as labelled, or by falling score.
    """

    boxes: FloatArray
    labels: IntArray
    pictures: IntArray
    rows: IntArray
    areas: FloatArray
    scores: FloatArray
    ignored: BoolArray
    crowd: BoolArray

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, keep: IntArray | BoolArray) -> Table:
        return Table(**{name: column[keep] for name, column in vars(self).items()})


@dataclass(frozen=True, eq=False)
class Matches:
    """What the N detections of one class hit, by T overlaps and A ranges of size.

    found:       the N detections, by falling score; of equal scores those of earlier pictures first.
    ranks:       (N,) place among the detections of its picture, from 0.
    truths:      the G objects of the class.
    hits:        (A, T, N) place in `truths` of the object taken, -1: none.
    left_out:    (A, T, N) neither right nor wrong: took an ignored object, or none and is itself of another size.
    counted:     (A, G) the objects that are to be found.
    """

    found: Table
    ranks: IntArray
    truths: Table
    hits: IntArray
    left_out: BoolArray
    counted: BoolArray

    def right(self, area: int = 0, overlap: int = 0) -> BoolArray:
        """(N,) mask of the true positives for one range of sizes and one overlap, by their places."""
        return np.asarray((self.hits[area, overlap] >= 0) & ~self.left_out[area, overlap])

    def wrong(self, area: int = 0, overlap: int = 0) -> BoolArray:
        """(N,) mask of the false positives."""
        return np.asarray((self.hits[area, overlap] < 0) & ~self.left_out[area, overlap])


def truth_table(dataset: Dataset, *, count_incomplete: bool = False) -> Table:
    """All objects. Those without a class (label -1), and those of a class that their picture's labels are
    incomplete for (unless `count_incomplete`), are not in it: there that class is not measured."""
    samples = dataset.samples
    labels = _joined([sample.labels for sample in samples], np.int64)
    pictures = np.repeat(np.arange(len(samples)), [len(sample) for sample in samples])
    table = Table(
        _joined([sample.boxes for sample in samples], np.float64).reshape(-1, 4),
        labels,
        pictures,
        _joined([np.arange(len(sample)) for sample in samples], np.int64),
        _joined([sample.areas for sample in samples], np.float64),
        np.ones(len(labels)),
        _joined([sample.ignored for sample in samples], np.bool_),
        _joined([sample.crowd for sample in samples], np.bool_),
    )
    keep = (labels >= 0) & (count_incomplete | ~_is_incomplete(table, dataset))
    order = np.lexsort((pictures[keep], labels[keep]))
    return table[np.flatnonzero(keep)[order]]


def found_table(dataset: Dataset, found: Sequence[Detections], *, count_incomplete: bool = False) -> Table:
    """All detections of the data set's classes, which are compared by name; others are not in it, nor are those
    of a class that the picture's labels are incomplete for. Raises ValueError when `found` is not one
    Detections for each picture, or lacks class names."""
    if len(found) != len(dataset.samples):
        raise ValueError(f"{len(dataset.samples)} pictures but {len(found)} Detections")
    boxes = _joined([one.boxes for one in found], np.float64).reshape(-1, 4)
    table = Table(
        boxes,
        _joined(_labels_by_name(found, dataset.class_names), np.int64),
        np.repeat(np.arange(len(found)), [len(one) for one in found]),
        _joined([np.arange(len(one)) for one in found], np.int64),
        _areas(boxes),
        _joined([one.scores for one in found], np.float64),
        np.zeros(len(boxes), dtype=bool),
        np.zeros(len(boxes), dtype=bool),
    )
    keep = np.flatnonzero((table.labels >= 0) & (count_incomplete | ~_is_incomplete(table, dataset)))
    order = np.lexsort((-table.scores[keep], table.pictures[keep], table.labels[keep]))
    return table[keep[order]]


def match(
    truths: Table, found: Table, classes: int, overlaps: FloatArray, area_ranges: FloatArray
) -> Iterator[Matches]:
    """The matches of each of the `classes` classes in turn.

    overlaps (T,) least IoU; area_ranges (A, 2) least and greatest area in square pixels, both included.
    """
    truth_cuts = np.searchsorted(truths.labels, np.arange(classes + 1))
    found_cuts = np.searchsorted(found.labels, np.arange(classes + 1))
    for label in range(classes):
        yield _match_class(
            truths[np.arange(truth_cuts[label], truth_cuts[label + 1])],
            found[np.arange(found_cuts[label], found_cuts[label + 1])],
            overlaps,
            area_ranges,
        )


def overlap_with_crowds(found: FloatArray, truths: FloatArray, crowd: BoolArray) -> FloatArray:
    """(N, G) IoU of boxes (N, 4) with objects (G, 4); for a crowd the intersection over the area of the box."""
    left, top, right, bottom = found.T[:, :, None]
    width = np.maximum(np.minimum(right, truths[:, 2]) - np.maximum(left, truths[:, 0]), 0)
    height = np.maximum(np.minimum(bottom, truths[:, 3]) - np.maximum(top, truths[:, 1]), 0)
    intersection = width * height
    own = _areas(found)[:, None]
    whole = np.where(crowd, own, own + _areas(truths) - intersection)
    return np.asarray(np.where(intersection > 0, intersection / np.where(whole > 0, whole, 1), 0.0))


def _match_class(truths: Table, found: Table, overlaps: FloatArray, area_ranges: FloatArray) -> Matches:
    outside = _outside(truths.areas, area_ranges) | truths.ignored
    hits = np.full((len(area_ranges), len(overlaps), len(found)), -1, dtype=np.int64)
    pictures, starts = np.unique(found.pictures, return_index=True)
    ends = np.append(starts[1:], len(found))
    ranks = np.arange(len(found)) - np.repeat(starts, ends - starts)
    first = np.searchsorted(truths.pictures, pictures, side="left")
    last = np.searchsorted(truths.pictures, pictures, side="right")
    for i in np.flatnonzero(last > first):
        mine, theirs = np.arange(starts[i], ends[i]), slice(first[i], last[i])
        picture = _Picture(outside[:, theirs], truths.crowd[theirs], overlaps)
        for rows in blocks(mine, last[i] - first[i]):
            shared = overlap_with_crowds(found.boxes[rows], truths.boxes[theirs], truths.crowd[theirs])
            places = picture.take(shared)
            hits[:, :, rows] = np.where(places >= 0, places + first[i], -1)
    taken_is_ignored = np.zeros(hits.shape, dtype=bool)
    for area in range(len(area_ranges)):
        is_hit = hits[area] >= 0
        taken_is_ignored[area][is_hit] = outside[area][hits[area][is_hit]]
    left_out = np.where(hits >= 0, taken_is_ignored, _outside(found.areas, area_ranges)[:, None, :])
    order = np.argsort(-found.scores, kind="stable")
    return Matches(found[order], ranks[order], truths, hits[:, :, order], left_out[:, :, order], ~outside)


class _Picture:
    """The objects of one class in one picture, and which of them are taken already.

    ignored (A, G); crowd (G,); overlaps (T,) least IoU.
    """

    def __init__(self, ignored: BoolArray, crowd: BoolArray, overlaps: FloatArray) -> None:
        self._least = np.minimum(overlaps, 1 - 1e-10)
        self._regular = ~ignored[:, None, :]
        self._crowd = crowd
        self._free = np.ones((len(ignored), len(overlaps), len(crowd)), dtype=bool)

    def take(self, shared: FloatArray) -> IntArray:
        """(A, T, N) the object that each further detection takes, -1: none. shared (N, G): their overlaps,
        detections by falling score."""
        places = np.full((*self._free.shape[:2], len(shared)), -1, dtype=np.int64)
        lowest = self._least.min()
        for i in np.flatnonzero(shared.max(axis=1) >= lowest):
            near = np.flatnonzero(shared[i] >= lowest)
            possible = self._free[:, :, near] & (shared[i, near] >= self._least[:, None])
            preferred = possible & self._regular[:, :, near]
            possible = np.where(preferred.any(axis=2, keepdims=True), preferred, possible)
            # Of equal overlaps COCO takes the last.
            best = len(near) - 1 - np.where(possible, shared[i, near], -1.0)[:, :, ::-1].argmax(axis=2)
            area, overlap = np.nonzero(possible.any(axis=2))
            taken = near[best[area, overlap]]
            places[area, overlap, i] = taken
            self._free[area, overlap, taken] = self._crowd[taken]
        return places


def blocks(rows: IntArray, width: int) -> Iterator[IntArray]:
    """The rows in parts whose overlaps with `width` boxes fit into the cache: a picture may have 10,000 boxes."""
    step = max(1, _BLOCK // max(1, width))
    for start in range(0, len(rows), step):
        yield rows[start : start + step]


def _areas(boxes: FloatArray) -> FloatArray:
    """(N,) areas. A width that was written as 32 is 32 again, not 31.999999999999996 from two corners: sizes
    and overlaps that lie right on a limit are common."""
    size = np.round(boxes[:, 2:] - boxes[:, :2], 9)
    return np.asarray(size[:, 0] * size[:, 1])


def _outside(areas: FloatArray, area_ranges: FloatArray) -> BoolArray:
    return np.asarray((areas < area_ranges[:, :1]) | (areas > area_ranges[:, 1:]))


def _is_incomplete(table: Table, dataset: Dataset) -> BoolArray:
    """(N,) mask of the rows whose class is not all labelled in their picture."""
    declared = np.zeros((len(dataset.samples), len(dataset.class_names) + 1), dtype=bool)
    for i, sample in enumerate(dataset.samples):
        declared[i, list(sample.incomplete)] = True
    # The last column is for label -1.
    declared[:, -1] = False
    return np.asarray(declared[table.pictures, table.labels])


def _labels_by_name(found: Sequence[Detections], class_names: Sequence[str]) -> list[IntArray]:
    """Each picture's labels, turned into places in `class_names`; -1 for a name that is not there."""
    place = {name: i for i, name in enumerate(class_names)}
    tables: dict[Sequence[str], IntArray] = {}
    labels = []
    for one in found:
        if len(one) and not one.class_names:
            raise ValueError("detections need class names: classes are compared by name")
        if one.class_names not in tables:
            # The last entry is for labels that have no name.
            tables[one.class_names] = np.array([*(place.get(n, -1) for n in one.class_names), -1])
        named = (one.labels >= 0) & (one.labels < len(one.class_names))
        labels.append(tables[one.class_names][np.where(named, one.labels, -1)])
    return labels


def _joined(columns: Sequence[Any], dtype: type) -> Any:
    """The columns one after the other; empty, and one-dimensional, when there are none."""
    return np.concatenate(columns).astype(dtype) if columns else np.zeros(0, dtype)
