"""The size of the pictures that tracks are of, where their file does not hold it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rtdet.errors import UsageError
from rtdet.tracks.table import TrackTable
from rtdet.types import BoolArray

# Boxes drawn by hand go on beyond the border, but no middle of one is a tenth of the picture outside of it; of
# tracks in a larger picture than is said, many are.
_BEYOND, _MOST_OUTSIDE = 1.1, 0.01


def check_size(table: TrackTable, size: tuple[int, int], said_by: str) -> None:
    """Raises UsageError where boxes lie clearly beyond pictures of this width and height; `said_by` names, in the
    message, what says that they have it."""
    seen = (table.scores > 0) & table.values["seen"].astype(bool)
    middles = (table.boxes[seen, :2] + table.boxes[seen, 2:]) / 2
    outside: BoolArray = np.any(middles > np.multiply(size, _BEYOND), axis=1)
    if not outside.any() or outside.mean() < _MOST_OUTSIDE:
        return
    right, bottom = np.ceil(table.boxes[seen, 2:].max(axis=0)).astype(int).tolist()
    raise UsageError(
        f"the pictures are {size[0]}x{size[1]} by {said_by}, but the tracks reach to {right}x{bottom}: give the "
        "size of the pictures that they are of, as --size 1280x720, or take a kept run or a .json, which "
        "know it"
    )


def with_size(table: TrackTable, size: tuple[int, int] | None) -> TrackTable:
    """The table with this width and height of every picture whose size it does not know. Raises UsageError where
    boxes lie clearly beyond."""
    unknown: BoolArray = np.any(table.frame_list.sizes <= 0, axis=1)
    if size is None or not unknown.any():
        return table
    check_size(table, size, "--size")
    sizes = np.where(unknown[:, None], np.array(size), table.frame_list.sizes)
    return replace(table, frame_list=replace(table.frame_list, sizes=sizes))
