"""Small tables of tracks for the tests of the timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rtdet.tracks.table import FrameList, TrackTable


def table_of(
    frames_of: Mapping[int, Sequence[int]],
    *,
    frame_count: int = 20,
    fps: float = 10.0,
    labels: Mapping[int, int] | None = None,
    is_complete: bool = True,
) -> TrackTable:
    """Tracks of persons (or label 1, cars) that are in these frames, by ID; a box of ID n is at 10 n."""
    rows = sorted((frame, track_id) for track_id, frames in frames_of.items() for frame in frames)
    numbers = np.arange(1, frame_count + 1) if is_complete else np.unique([frame for frame, _ in rows])
    ids = np.array([track_id for _, track_id in rows], dtype=np.int64)
    corners = 10.0 * ids
    return TrackTable(
        np.array([frame for frame, _ in rows], dtype=np.int64),
        ids,
        np.stack([corners, corners, corners + 8, corners + 8], axis=1),
        np.full(len(rows), 0.9),
        np.array([(labels or {}).get(track_id, 0) for _, track_id in rows], dtype=np.int64),
        FrameList(numbers, (numbers - 1) / fps, is_complete=is_complete),
        ("person", "car"),
    )
