"""Key points of tracks: trackers know boxes only, so the points of the detection go with the box."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rtdet.pipeline.found import covering
from rtdet.types import Detections, FloatArray, Tracks


class CarriedPoints:
    """Of each track, by its ID, the key points of the detection by which it was last seen, and that detection's box.

    Where the track is at another time, the points are as its box: moved, and scaled in width and height.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[FloatArray, FloatArray]] = {}

    def learn(self, detections: Detections, tracks: Tracks) -> None:
        """Takes in what was detected in the frame of which the tracks are; forgets tracks that are no more."""
        if self._known:
            alive = set(tracks.ids.tolist())
            self._known = {number: known for number, known in self._known.items() if number in alive}
        if detections.points is None or len(detections) == 0:
            return
        seen = tracks[tracks.since_update_s == 0]
        if len(seen):
            for row, column in covering(detections, seen):
                self._known[int(seen.ids[column])] = (detections.boxes[row], detections.points[row])

    def on(self, tracks: Tracks) -> Tracks:
        """The tracks with their points; those of a track that has none have the confidence 0."""
        rows = [row for row, number in enumerate(tracks.ids.tolist()) if number in self._known]
        if not rows:
            return tracks
        known = [self._known[int(tracks.ids[row])] for row in rows]
        of_rows = np.stack([points for _, points in known])
        before, now = np.stack([box for box, _ in known]), tracks.boxes[rows]
        scale = (now[:, 2:] - now[:, :2]) / np.maximum(before[:, 2:] - before[:, :2], 1e-6)
        of_rows[..., :2] = (of_rows[..., :2] - before[:, None, :2]) * scale[:, None] + now[:, None, :2]
        points = np.zeros((len(tracks), *of_rows.shape[1:]))
        points[rows] = of_rows
        return replace(tracks, points=points)
