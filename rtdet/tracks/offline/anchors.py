"""Places of the tracks that an edit names, and how the tracks are found again by them in another tracking."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rtdet.errors import UsageError
from rtdet.geometry.boxes import paired_iou
from rtdet.tracks.offline.edit import VERBS, Anchor, Edit
from rtdet.tracks.offline.verbs import ONE_OBJECT_IOU, next_id, rows_of
from rtdet.tracks.table import TrackTable
from rtdet.types import IntArray


def anchored(table: TrackTable, edit: Edit) -> Edit:
    """The edit with the places where its tracks are in this table, as it is before the edit.

    One place is enough for most: where the track is nearest to the frame that the edit names, or its middle. Where
    tracks are cut in a frame there are two, before and after it: an edit that mends what the tracker no longer does
    wrong is not to be done again.
    """
    anchors = []
    for name in VERBS[edit.verb].tracks:
        rows = table.rows_of(edit.arguments[name])
        if len(rows):
            anchors += [_anchor(table, row) for row in _places(table, rows, edit)]
    return replace(edit, anchors=tuple(anchors))


def _places(table: TrackTable, rows: IntArray, edit: Edit) -> list[int]:
    frames, frame = table.frames[rows], edit.arguments.get("frame")
    if frame is not None and VERBS[edit.verb].cuts:
        after = int((frames < frame).sum())
        return [int(rows[i]) for i in (after - 1, after) if 0 <= i < len(rows)]
    if edit.verb == "delete":
        start, end = (edit.arguments.get(side) for side in ("start", "end"))
        rows = rows[(frames >= (start or 0)) & (frames <= (end or np.inf))]
    if frame is not None:
        return [int(rows[np.abs(frames - frame).argmin()])]
    return [int(rows[len(rows) // 2])] if len(rows) else []


def _anchor(table: TrackTable, row: int) -> Anchor:
    return Anchor(int(table.ids[row]), int(table.frames[row]), tuple(table.boxes[row].tolist()))


def fitted(table: TrackTable, edit: Edit) -> Edit:
    """The edit with the IDs that its tracks have in this table, found by their places.

    In a table of the same tracking that is the edit itself. IDs that it would give anew are others where they are
    taken. Raises UsageError where a track is not there any more, or has gone over into others.
    """
    found: dict[int, int] = {}
    for anchor in edit.anchors:
        now = _found(table, anchor)
        if found.setdefault(anchor.track_id, now) != now:
            raise UsageError(f"ID {anchor.track_id} is no longer one track around frame {anchor.frame}")
    arguments = dict(edit.arguments)
    for name in VERBS[edit.verb].tracks:
        arguments[name] = found.get(arguments[name], arguments[name])
    if edit.verb == "draw" and not edit.anchors and len(table.rows_of(edit.arguments["track_id"])):
        arguments["track_id"] = next_id(table)
    if edit.verb == "split" and len(table.rows_of(edit.arguments.get("new", -1))):
        arguments["new"] = next_id(table)
    return edit.with_arguments(**arguments)


def _found(table: TrackTable, anchor: Anchor) -> int:
    """The ID of the track at that place: the same one where its box still overlaps enough, else the one whose does
    most."""
    start, end = np.searchsorted(table.frames, (anchor.frame, anchor.frame + 1))
    boxes, ids = table.boxes[start:end], table.ids[start:end]
    place = np.broadcast_to(np.array(anchor.box), boxes.shape)
    overlap = np.where((boxes == place).all(axis=1), 1.0, paired_iou(boxes, place))
    is_it = (ids == anchor.track_id) & (overlap >= ONE_OBJECT_IOU)
    if is_it.any():
        return anchor.track_id
    if len(overlap) == 0 or overlap.max() < ONE_OBJECT_IOU:
        raise UsageError(f"no track is where ID {anchor.track_id} was in frame {anchor.frame}")
    return int(ids[overlap.argmax()])


def correction_between(table: TrackTable, edit: Edit, earlier: tuple[Edit, ...]) -> Edit:
    """A correction that names the key frames next to its own: those in which `earlier` edits set a box of the same
    track that is still there. One that names a side keeps it."""
    track_id, frame = edit.arguments["track_id"], edit.arguments["frame"]
    rows = rows_of(table, track_id)
    keys = set()
    for other in earlier:
        if other.verb in ("correct", "draw"):
            key = other.arguments["frame"]
            at = int(np.searchsorted(table.frames[rows], key))
            is_there = at < len(rows) and table.frames[rows[at]] == key
            if is_there and tuple(table.boxes[rows[at]].tolist()) == other.arguments["box"]:
                keys.add(key)
    before = max((key for key in keys if key < frame), default=None)
    after = min((key for key in keys if key > frame), default=None)
    sides = {name: key for name, key in (("start", before), ("end", after)) if key is not None}
    return edit.with_arguments(**{**sides, **edit.arguments})
