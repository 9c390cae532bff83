"""Matches detections with objects by VOC's rules (VOC development kit, VOCevaldet.m).

By falling score over all pictures, each detection looks at the one object of its class that it overlaps most
(the first of equals). Overlap below the threshold: wrong. The object is difficult: neither right nor wrong.
Taken already: wrong. Unlike COCO's, it does not look for a second-best object.
"""

from __future__ import annotations

import numpy as np

from rtdet.evaluation.detection.matching import Matches, blocks
from rtdet.geometry.boxes import iou
from rtdet.types import BoolArray


def voc_marks(matches: Matches, least_iou: float = 0.5) -> tuple[BoolArray, BoolArray]:
    """(right, wrong), each (N,), of the detections of one class by falling score.

    VOC counts whole pixels, both ends included; boxes here are continuous with the same areas, so overlaps
    are the same.
    """
    found, truths = matches.found, matches.truths
    right, wrong = np.zeros(len(found), dtype=bool), np.ones(len(found), dtype=bool)
    first = np.searchsorted(truths.pictures, found.pictures, side="left")
    last = np.searchsorted(truths.pictures, found.pictures, side="right")
    best = np.full(len(found), -1, dtype=np.int64)
    in_picture = np.argsort(found.pictures, kind="stable")
    cuts = np.flatnonzero(np.diff(found.pictures[in_picture])) + 1
    for rows in np.split(in_picture, cuts):
        if len(rows) == 0 or first[rows[0]] == last[rows[0]]:
            continue
        here = slice(first[rows[0]], last[rows[0]])
        for part in blocks(rows, last[rows[0]] - first[rows[0]]):
            overlaps = iou(found.boxes[part], truths.boxes[here])
            enough = overlaps.max(axis=1) >= least_iou
            best[part[enough]] = overlaps[enough].argmax(axis=1) + first[rows[0]]
    touching = np.flatnonzero(best >= 0)
    difficult = truths.ignored[best[touching]]
    wrong[touching[difficult]] = False
    candidates = touching[~difficult]
    # `candidates` are by falling score: the first that names an object gets it.
    winners = candidates[np.unique(best[candidates], return_index=True)[1]]
    right[winners], wrong[winners] = True, False
    return right, wrong
