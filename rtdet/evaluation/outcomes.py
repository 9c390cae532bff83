"""What became of each object and each detection at one confidence: the confusion matrix, and what went wrong.

Kinds of error follow TIDE (Bolya et al. 2020, arXiv 2008.08115): wrong class, wrong place, a second time,
nothing there; and for objects also: seen but below the confidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rtdet.datasets import Dataset
from rtdet.evaluation.curves import Counts
from rtdet.evaluation.matching import Table, blocks, found_table, match, overlap_with_crowds, truth_table
from rtdet.types import BoolArray, Detections, FloatArray, IntArray

_EVERY_SIZE = np.array([[0.0, np.inf]])


@dataclass(frozen=True, eq=False)
class Outcomes:
    """The G objects and the N detections of at least `confidence`, at one IoU.

    class_names:  of the data set.
    truths:       the objects; counted (G,) those that are to be found; missed (G,) those that are not.
    found:        the detections; right, wrong (N,), and neither where they took an ignored object.
    unsure:       the detections below the confidence.
    taken:        (N,) place in `truths` of the object that the detection took, -1: none.
    confused:     (N,) place in `truths` of a missed object of another class under a wrong detection, -1: none.
    """

    class_names: tuple[str, ...]
    confidence: float
    min_iou: float
    truths: Table
    counted: BoolArray
    missed: BoolArray
    found: Table
    right: BoolArray
    wrong: BoolArray
    taken: IntArray
    confused: IntArray
    unsure: Table

    def counts(self) -> list[Counts]:
        """True positives, false positives and objects not found, of each class."""
        size = len(self.class_names)
        tp, fp, fn = (
            np.bincount(labels, minlength=size)
            for labels in (
                self.found.labels[self.right],
                self.found.labels[self.wrong],
                self.truths.labels[self.missed],
            )
        )
        return [Counts(int(tp[i]), int(fp[i]), int(fn[i])) for i in range(size)]

    def confusion_matrix(self) -> IntArray:
        """(K + 1, K + 1) counts for K classes: row = what is labelled, column = what was detected.

        The last row is background: detections where nothing (or something found already) is labelled. The last
        column: objects that were not found. The diagonal is the true positives, a row's other entries are the
        objects of the class that were missed, a column's the false positives.
        """
        size = len(self.class_names)
        matrix = np.zeros((size + 1, size + 1), dtype=np.int64)
        is_confused = self.confused >= 0
        mixed = self.truths.labels[self.confused[is_confused]]
        hit = self.found.labels[self.right]
        np.add.at(matrix, (hit, hit), 1)
        np.add.at(matrix, (mixed, self.found.labels[is_confused]), 1)
        alarms = self.found.labels[self.wrong & ~is_confused]
        matrix[size, :size] = np.bincount(alarms, minlength=size)
        unseen = self.missed.copy()
        unseen[self.confused[is_confused]] = False
        matrix[:size, size] = np.bincount(self.truths.labels[unseen], minlength=size)
        return matrix


def outcomes(
    dataset: Dataset,
    found: Sequence[Detections],
    confidence: float,
    min_iou: float = 0.5,
    *,
    count_incomplete: bool = False,
) -> Outcomes:
    """What became of each object and each detection of at least `confidence`, by COCO's matching at `min_iou`
    (see rtdet/evaluation/matching.py); incomplete classes as in `evaluate`.

    A wrong detection and a missed object of another class that overlap by `min_iou` are one confusion, the pairs
    that overlap most first.
    """
    truths = truth_table(dataset, count_incomplete=count_incomplete)
    every = found_table(dataset, found, count_incomplete=count_incomplete)
    is_sure = every.scores >= confidence
    sure = every[is_sure]
    size = len(dataset.class_names)
    # The table is sorted by class, and so are the matches: they join to its rows, by falling score in a class.
    matches = list(match(truths, sure, size, np.array([min_iou]), _EVERY_SIZE))
    starts = np.searchsorted(truths.labels, np.arange(size))
    taken = [
        np.where(one.hits[0, 0] >= 0, one.hits[0, 0] + start, -1)
        for one, start in zip(matches, starts, strict=True)
    ]
    places = np.concatenate([np.zeros(0, dtype=np.int64), *taken])
    right = np.concatenate([np.zeros(0, dtype=bool), *(one.right() for one in matches)])
    wrong = np.concatenate([np.zeros(0, dtype=bool), *(one.wrong() for one in matches)])
    kept = sure[np.lexsort((-sure.scores, sure.labels))]
    missed = ~truths.ignored
    missed[places[places >= 0]] = False
    confused = _confused(kept, wrong, truths, missed, min_iou)
    return Outcomes(
        dataset.class_names, confidence, min_iou, truths, ~truths.ignored, missed, kept, right, wrong,
        places, confused, every[~is_sure],
    )  # fmt: skip


def rows_by_picture(table: Table, mask: BoolArray | None = None) -> dict[int, IntArray]:
    """The rows of each picture that has some, of those that the mask selects."""
    rows = np.arange(len(table)) if mask is None else np.flatnonzero(mask)
    rows = rows[np.argsort(table.pictures[rows], kind="stable")]
    pictures, starts = np.unique(table.pictures[rows], return_index=True)
    return dict(zip(pictures.tolist(), np.split(rows, starts[1:]), strict=False))


def overlaps_of(found: Table, rows: IntArray, truths: Table, places: IntArray) -> FloatArray:
    """(len(rows), len(places)) overlap, with crowds' own rule."""
    return overlap_with_crowds(found.boxes[rows], truths.boxes[places], truths.crowd[places])


def _confused(found: Table, wrong: BoolArray, truths: Table, missed: BoolArray, min_iou: float) -> IntArray:
    """(N,) the missed object of another class under each wrong detection, each object once; -1: none."""
    confused = np.full(len(found), -1, dtype=np.int64)
    objects = rows_by_picture(truths, missed)
    free = np.ones(len(truths), dtype=bool)
    for picture, rows in rows_by_picture(found, wrong).items():
        places = objects.get(picture)
        if places is None:
            continue
        pairs = _pairs(found, rows, truths, places, min_iou)
        for _, row, place in sorted(pairs, key=lambda pair: -pair[0]):
            if confused[row] < 0 and free[place]:
                confused[row], free[place] = place, False
    return confused


def _pairs(
    found: Table, rows: IntArray, truths: Table, places: IntArray, min_iou: float
) -> Iterator[tuple[float, int, int]]:
    """(overlap, row, place) of detections and objects of different classes that overlap enough."""
    for part in blocks(rows, len(places)):
        shared = overlaps_of(found, part, truths, places)
        shared[found.labels[part][:, None] == truths.labels[places]] = 0
        for i, j in zip(*np.nonzero(shared >= min_iou), strict=True):
            yield float(shared[i, j]), int(part[i]), int(places[j])
