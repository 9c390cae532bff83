"""Lines and zones with their counts, for films that are rendered again."""

from __future__ import annotations

import numpy as np

from rtdet.counting import Counter, Zones
from rtdet.counting.marks import marks_of_counter
from rtdet.protocols import Sink
from rtdet.rendering.matching import TracksOfFilm
from rtdet.types import FrameResult
from rtdet.video.draw.zone_marks import ZoneMark


class CountedZones(Sink):
    """Counts along with a film; `marks` are the lines and zones with the counts up to the last frame written.

    What the tracks hold of frames before it, left out because they are not rendered or were dropped in the run, is
    counted first: a film that starts later, and a clip, show the counts since the beginning. size: (width, height) of
    the pictures. A sink that is to draw the marks comes after this one; closing does nothing, as clips go on.
    """

    def __init__(self, zones: Zones, tracks: TracksOfFilm, size: tuple[int, int], fps: float) -> None:
        self._counter, self._tracks, self._fps = Counter(zones, size), tracks, fps
        self._done = 0
        self.marks: tuple[ZoneMark, ...] = marks_of_counter(self._counter)

    def write(self, result: FrameResult) -> None:
        number, listed = result.frame.index + 1, self._tracks.table.frame_list
        first, end = np.searchsorted(listed.numbers, (self._done + 1, number))
        for place in range(int(first), int(end)):
            before, t = int(listed.numbers[place]), float(listed.times_s[place])
            t = (before - 1) / self._fps if np.isnan(t) else t
            if t < result.frame.t:
                self._counter.update(self._tracks.at(before), t, before)
        if number > self._done:
            self._counter.update(result.tracks, result.frame.t, number)
            self._done = number
        self.marks = marks_of_counter(self._counter)

    def close(self) -> None:
        """There is nothing to complete."""
