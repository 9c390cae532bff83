"""Pairs of tracks that overlap: the tracker may have taken one for the other, or given one object two IDs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rtdet.geometry.boxes import paired_iou
from rtdet.tracks.doubts.finding import Signs
from rtdet.tracks.doubts.rows import CourseRows, overlapping

# Pairs meet where they overlap by this much; less often than once in MEETING_S it is a new meeting.
LEAST_IOU = 0.3
MEETING_S = 1.0
# Two that overlap by this much for so long may be one object.
DUPLICATE_IOU, DUPLICATE_S = 0.6, 1.0


def meetings(rows: CourseRows) -> Iterator[Signs]:
    """The meetings of two tracks, each at the frame of its largest overlap, and the long ones as duplicates.

    A crossing's score is the mean of three: the largest IoU; how well, at worst, each track would have gone on with
    the other's box (1: as well as with its own); and how far the lower score of the two fell below 1.
    """
    table = rows.table
    one, other, overlap = overlapping(table, LEAST_IOU)
    order = np.lexsort((table.frames[one], table.ids[other], table.ids[one]))
    one, other, overlap = one[order], other[order], overlap[order]
    is_new = (np.diff(table.ids[one], prepend=-1) != 0) | (np.diff(table.ids[other], prepend=-1) != 0)
    is_new |= np.diff(rows.seconds[one], prepend=-np.inf) > MEETING_S
    starts = np.flatnonzero(is_new)
    if len(starts) == 0:
        return
    peak = _highest(overlap, is_new)
    tie = np.maximum.reduceat(_ties(rows, one, other), starts)
    score = np.minimum.reduceat(np.minimum(table.scores[one], table.scores[other]), starts)
    doubt = (overlap[peak] + np.minimum(tie, 1) + 1 - np.clip(score, 0, 1)) / 3
    yield Signs.of("crossing", one[peak], doubt, overlap[peak], others=table.ids[other[peak]])
    counts = np.diff(np.append(starts, len(one)))
    usual = np.add.reduceat(overlap, starts) / counts
    lasted_s = rows.seconds[one[starts + counts - 1]] - rows.seconds[one[starts]]
    is_long = (usual >= DUPLICATE_IOU) & (lasted_s >= DUPLICATE_S)
    yield Signs.of(
        "duplicate", one[peak], np.where(is_long, usual, 0), usual, lasted_s, others=table.ids[other[peak]]
    )


def _highest(values: np.ndarray, is_new: np.ndarray) -> np.ndarray:
    """The place of the highest value of each group; groups follow one another and begin where `is_new`."""
    group = np.cumsum(is_new) - 1
    by_value = np.lexsort((-values, group))
    return np.asarray(by_value[np.flatnonzero(np.diff(group[by_value], prepend=-1))])


def _ties(rows: CourseRows, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(K,) of each pair of rows how well the two tracks, from where they were heading, fit to each other's boxes,
    against how well they fit to their own. 0 where one of them begins."""
    boxes, predicted = rows.table.boxes, rows.predicted
    own = paired_iou(predicted[one], boxes[one]) + paired_iou(predicted[other], boxes[other])
    swapped = paired_iou(predicted[one], boxes[other]) + paired_iou(predicted[other], boxes[one])
    begins = (rows.before[one] == one) | (rows.before[other] == other)
    return np.asarray(np.where(begins, 0, swapped / np.maximum(own, 1e-9)))
