"""Lines and zones with their counts, for films that are rendered again."""

from __future__ import annotations

import numpy as np

from rtdet.counting import Zones
from rtdet.counting.marks import marks_of_counter
from rtdet.counting.whole import WholeTracks
from rtdet.protocols import Sink
from rtdet.rendering.matching import TracksOfFilm
from rtdet.types import FrameResult
from rtdet.video.draw.zone_marks import ZoneMark


class CountedZones(Sink):
    """Counts along with a film, as `rtdet count` does; `marks` are the lines and zones with the counts up to the last
    frame written.

    What the tracks hold of frames before it, left out because they are not rendered or were dropped in the run, is
    counted first: a film that starts later, and a clip, show the counts since the beginning. size: (width, height) of
    the pictures. A sink that is to draw the marks comes after this one; closing does nothing, as clips go on.
    """

    def __init__(self, zones: Zones, tracks: TracksOfFilm, size: tuple[int, int], fps: float) -> None:
        self._whole, self._listed, self._fps = (
            WholeTracks(tracks.table, zones, size),
            tracks.table.frame_list,
            fps,
        )
        self._done = 0
        self.marks: tuple[ZoneMark, ...] = marks_of_counter(self._whole.counter)

    def write(self, result: FrameResult) -> None:
        number, listed = result.frame.index + 1, self._listed
        first, end = np.searchsorted(listed.numbers, (self._done + 1, number))
        for place in range(int(first), int(end)):
            before, t = int(listed.numbers[place]), float(listed.times_s[place])
            t = (before - 1) / self._fps if np.isnan(t) else t
            if t < result.frame.t:
                self._whole.count(before, t)
        if number > self._done:
            self._whole.count(number, result.frame.t)
            self._done = number
        self.marks = marks_of_counter(self._whole.counter)

    def close(self) -> None:
        """There is nothing to complete."""
