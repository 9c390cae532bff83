"""The tracks of a finished table in a picture that the detector did not look at: between two that it did."""

from __future__ import annotations

import numpy as np

from rtdet.tracks.table import TrackTable
from rtdet.types import Frame, Tracks

# Farther apart than this two frames say nothing of those between them.
MOST_GAP_S = 1.0


def tracks_at(table: TrackTable, frame: Frame) -> Tracks | None:
    """What is shown over a picture: the rows of its number; else of each object that is in the frames before and
    after it the box between, by true time, and of one that comes or goes between them the nearer. None where the
    table does not reach.
    """
    listed = table.frame_list
    place = int(np.searchsorted(listed.numbers, frame.index + 1))
    if place == len(listed):
        return None
    if listed.numbers[place] == frame.index + 1:
        return table.at(frame.index + 1)
    if place == 0:
        return None
    before_s, after_s = float(listed.times_s[place - 1]), float(listed.times_s[place])
    if not 0 < after_s - before_s <= MOST_GAP_S:
        return None
    share = min(max((frame.t - before_s) / (after_s - before_s), 0.0), 1.0)
    before, after = (table.at(int(listed.numbers[place - 1 + i])) for i in (0, 1))
    return _between(before, after, share)


def _between(before: Tracks, after: Tracks, share: float) -> Tracks:
    _, of_before, of_after = np.intersect1d(before.ids, after.ids, assume_unique=True, return_indices=True)
    near, its_both = (before, of_before) if share < 0.5 else (after, of_after)
    boxes = near.boxes.copy()
    boxes[its_both] = (1 - share) * before.boxes[of_before] + share * after.boxes[of_after]
    return Tracks(
        boxes,
        near.ids,
        near.scores,
        near.labels,
        near.since_update_s,
        near.class_names,
        near.uncertainty,
        near.values,
    )
