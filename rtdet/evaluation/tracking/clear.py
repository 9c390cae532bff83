"""CLEAR MOT: Bernardin and Stiefelhagen, "Evaluating Multiple Object Tracking Performance", 2008."""

from __future__ import annotations

from typing import Any

import numpy as np

from rtdet.evaluation.tracking.matching import match_frame
from rtdet.evaluation.tracking.overlaps import Overlaps
from rtdet.types import IntArray

LEAST_IOU = 0.5
# More than any overlap: for none is a match given up that goes on from the last frame.
_GOES_ON = 1000.0
_NOBODY = -1


def clear_scores(overlaps: Overlaps) -> dict[str, Any]:
    """tp, tp_iou, idsw, frag, mt, pt and ml of TrackingScores. IDs are counted from 0."""
    before, turn = _rows_before(overlaps)
    matched = _matches(overlaps, before)
    rows, columns = overlaps.rows[matched], overlaps.columns[matched]
    by_object = np.lexsort((rows, overlaps.truth_ids[rows]))
    ids = overlaps.truth_ids[rows][by_object]
    is_same = ids[1:] == ids[:-1]
    is_switch = np.diff(overlaps.track_ids[columns][by_object]) != 0
    is_gap = np.diff(turn[rows][by_object]) > 1
    share = np.bincount(ids, minlength=overlaps.truth_count) / np.bincount(overlaps.truth_ids)
    mt, ml = int((share > 0.8).sum()), int((share < 0.2).sum())
    return {
        "tp": len(matched),
        "tp_iou": float(overlaps.iou[matched].sum()),
        "idsw": int((is_same & is_switch).sum()),
        "frag": int((is_same & is_gap).sum()),
        "mt": mt,
        "pt": overlaps.truth_count - mt - ml,
        "ml": ml,
    }


def _rows_before(overlaps: Overlaps) -> tuple[IntArray, IntArray]:
    """(G,) the same object's row in the frame before, _NOBODY where it has none; (G,) the turn of the row's frame.

    Frames without tracks or without objects take no turn: what was matched before them goes on after them.
    """
    takes_part = (np.diff(overlaps.truth_starts) > 0) & (np.diff(overlaps.track_starts) > 0)
    turn = takes_part.cumsum()[overlaps.truth_frames]
    rows = np.flatnonzero(takes_part[overlaps.truth_frames])
    rows = rows[np.argsort(overlaps.truth_ids[rows], kind="stable")]
    first, second = rows[:-1], rows[1:]
    follows = (overlaps.truth_ids[first] == overlaps.truth_ids[second]) & (turn[first] + 1 == turn[second])
    before = np.full(len(turn), _NOBODY)
    before[second[follows]] = first[follows]
    return before, turn


def _matches(overlaps: Overlaps, before: IntArray) -> IntArray:
    """The pairs that match, rising: in each frame first those that matched in the frame before, then those that
    overlap most in sum.

    A pair that shares its row and its column with no other matches in any case. Frames in which there are others
    are solved one after the other, because of what they take over.
    """
    pairs = np.flatnonzero(overlaps.iou >= LEAST_IOU - np.finfo(np.float64).eps)
    rows, columns = overlaps.rows[pairs], overlaps.columns[pairs]
    is_alone = (np.bincount(rows)[rows] == 1) & (np.bincount(columns)[columns] == 1)
    ids = overlaps.track_ids[columns]
    # The ID that each row is matched with; the last place is the row before that there is not.
    partner = np.full(len(before) + 1, _NOBODY)
    partner[rows[is_alone]] = ids[is_alone]
    frames = overlaps.frames[pairs]
    contested = np.unique(frames[~is_alone])
    firsts, ends = np.searchsorted(frames, contested), np.searchsorted(frames, contested, side="right")
    parts = [pairs[~np.isin(frames, contested)]]
    for first, end in zip(firsts, ends, strict=True):
        goes_on = partner[before[rows[first:end]]] == ids[first:end]
        mine = pairs[first:end]
        taken = match_frame(overlaps, mine, _GOES_ON * goes_on + overlaps.iou[mine])
        partner[overlaps.rows[taken]] = overlaps.track_ids[overlaps.columns[taken]]
        parts.append(taken)
    return np.sort(np.concatenate(parts))
