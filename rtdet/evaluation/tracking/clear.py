"""CLEAR MOT: Bernardin and Stiefelhagen, "Evaluating Multiple Object Tracking Performance", 2008."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import groupby
from typing import Any

import numpy as np

from rtdet.evaluation.tracking.matching import match_frame
from rtdet.evaluation.tracking.overlaps import Overlaps
from rtdet.evaluation.tracking.trial import only_heaviest
from rtdet.types import BoolArray, IntArray

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

    A pair that shares neither its row nor its column with another matches in any case.
    """
    pairs = np.flatnonzero(overlaps.iou >= LEAST_IOU - np.finfo(np.float64).eps)
    rows, columns = overlaps.rows[pairs], overlaps.columns[pairs]
    is_alone = (np.bincount(rows)[rows] == 1) & (np.bincount(columns)[columns] == 1)
    contested = _contested_matches(overlaps, pairs, is_alone, before.tolist())
    return np.sort(np.concatenate((pairs[is_alone], pairs[contested])))


def _contested_matches(
    overlaps: Overlaps, pairs: IntArray, is_alone: BoolArray, before: list[int]
) -> list[int]:
    """Places in `pairs` of the matches of those that are not alone.

    What they do depends on the frame before. There are few in a frame, for which lists are faster than arrays.
    """
    rows, columns = overlaps.rows[pairs].tolist(), overlaps.columns[pairs].tolist()
    ids, frames = overlaps.track_ids[overlaps.columns[pairs]].tolist(), overlaps.frames[pairs].tolist()
    iou = overlaps.iou[pairs].tolist()
    partner = {rows[k]: ids[k] for k in np.flatnonzero(is_alone).tolist()}  # the ID that each row matches
    taken: list[int] = []
    for frame, group in groupby(np.flatnonzero(~is_alone).tolist(), frames.__getitem__):
        contested = list(group)
        chosen = [k for k in contested if partner.get(before[rows[k]]) == ids[k]]
        full = {rows[k] for k in chosen}, {columns[k] for k in chosen}
        rest = [k for k in contested if rows[k] not in full[0] and columns[k] not in full[1]]
        best = only_heaviest([rows[k] for k in rest], [columns[k] for k in rest], [iou[k] for k in rest])
        if best is not None:
            chosen += [rest[place] for place in best]
        else:
            whole = range(bisect_left(frames, frame), bisect_right(frames, frame))
            goes_on = [partner.get(before[rows[k]]) == ids[k] for k in whole]
            weight = _GOES_ON * np.array(goes_on) + overlaps.iou[pairs[whole]]
            matched = np.searchsorted(pairs, match_frame(overlaps, pairs[whole], weight))
            chosen = matched[~is_alone[matched]].tolist()
        partner.update((rows[k], ids[k]) for k in chosen)
        taken += chosen
    return taken
