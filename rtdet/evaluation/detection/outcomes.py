"""The outcome of each object and each detection at one confidence: confusion matrix, and what went wrong.

Kinds of error follow TIDE (Bolya et al. 2020, arXiv 2008.08115): wrong class, wrong place, a second time,
nothing there; and for objects also: seen but below the confidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rtdet.evaluation.detection.curves import Counts
from rtdet.evaluation.detection.matching import Matches, Table, blocks, overlap_with_crowds
from rtdet.types import BoolArray, FloatArray, IntArray


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
    class_names: tuple[str, ...],
    truths: Table,
    detections: Table,
    matches: Sequence[Matches],
    confidence: float,
    min_iou: float,
) -> Outcomes:
    """What became of each object and each detection of at least `confidence`.

    matches: of each class's objects and detections, first at `min_iou` and for every size. They hold for any
    confidence: detections are taken by falling score, so those below it change nothing for the others.

    A wrong detection and a missed object of another class that overlap by `min_iou` are one confusion: wrong
    detections too are taken by falling score, and each has the free object that it overlaps most.
    """
    starts = np.searchsorted(truths.labels, np.arange(len(matches)))
    # As the matches are, by falling score in each class.
    every = detections[np.lexsort((-detections.scores, detections.labels))]
    is_sure = every.scores >= confidence
    nothing, none = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)
    hits = [one.hits[0, 0] for one in matches]
    places = [np.where(hit >= 0, hit + start, -1) for hit, start in zip(hits, starts, strict=True)]
    taken = np.concatenate([nothing, *places])[is_sure]
    right = np.concatenate([none, *(one.right() for one in matches)])[is_sure]
    wrong = np.concatenate([none, *(one.wrong() for one in matches)])[is_sure]
    found = every[is_sure]
    counted = ~truths.ignored
    missed = counted.copy()
    missed[taken[taken >= 0]] = False
    confused = _confused(found, wrong, truths, missed, min_iou)
    return Outcomes(
        class_names, confidence, min_iou, truths, counted, missed, found, right, wrong, taken, confused,
        every[~is_sure],
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
    for picture, rows in rows_by_picture(found, wrong).items():
        places = objects.get(picture)
        if places is None:
            continue
        is_free = np.ones(len(places), dtype=bool)
        for part in blocks(rows[np.argsort(-found.scores[rows], kind="stable")], len(places)):
            shared = overlaps_of(found, part, truths, places)
            shared[found.labels[part][:, None] == truths.labels[places]] = 0
            for i in np.flatnonzero(shared.max(axis=1) >= min_iou):
                best = int((shared[i] * is_free).argmax())
                if is_free[best] and shared[i, best] >= min_iou:
                    confused[part[i]], is_free[best] = places[best], False
    return confused
