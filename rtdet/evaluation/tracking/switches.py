"""Where a tracker went over from one ID to another on the same object."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from rtdet.evaluation.tracking.clear import LEAST_IOU
from rtdet.evaluation.tracking.encounters import Encounters
from rtdet.evaluation.tracking.hota import hota_matches
from rtdet.evaluation.tracking.overlaps import find_overlaps
from rtdet.evaluation.tracking.rows import TrackRows, TruthRows
from rtdet.evaluation.tracking.scoring import considered


class Switch(NamedTuple):
    """An object that had the ID `old` up to the frame `last`, and has the ID `new` from `frame` on; in between it was
    not found."""

    object_id: int
    old: int
    new: int
    last: int
    frame: int


def find_switches(truth: TrackRows, tracks: TrackRows, least_iou: float = LEAST_IOU) -> list[Switch]:
    """The ID switches by the matching of HOTA, of pairs that overlap by at least `least_iou`, in order of frame."""
    overlaps = find_overlaps(truth, tracks)
    if isinstance(truth, TruthRows):
        overlaps = considered(truth, overlaps)
    truth_ids, truth_places = np.unique(overlaps.truth_ids, return_inverse=True)
    track_ids, track_places = np.unique(overlaps.track_ids, return_inverse=True)
    overlaps = replace(overlaps, truth_ids=truth_places, track_ids=track_places)
    matched = hota_matches(overlaps, Encounters.of(overlaps))
    matched = matched[overlaps.iou[matched] >= least_iou - np.finfo(np.float64).eps]
    numbers = np.unique(np.concatenate((truth.frames, tracks.frames)))
    frames = numbers[overlaps.frames[matched]]
    objects = truth_ids[truth_places[overlaps.rows[matched]]]
    ids = track_ids[track_places[overlaps.columns[matched]]]
    order = np.lexsort((frames, objects))
    frames, objects, ids = frames[order], objects[order], ids[order]
    after = np.flatnonzero((objects[1:] == objects[:-1]) & (ids[1:] != ids[:-1])) + 1
    columns = (objects[after], ids[after - 1], ids[after], frames[after - 1], frames[after])
    switches = [Switch(*values) for values in zip(*(column.tolist() for column in columns), strict=True)]
    return sorted(switches, key=lambda switch: (switch.frame, switch.object_id))
