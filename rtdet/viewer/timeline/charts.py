"""How many objects were there at each time, by class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rtdet.types import FloatArray, IntArray
from rtdet.viewer.timeline.spans import TrackSpans


@dataclass(frozen=True, eq=False)
class _Course:
    """How many objects of one class there are: `counts[i]` from times_s[i] on; `sums[i]` is the integral up to there,
    in objects times seconds."""

    times_s: FloatArray
    counts: IntArray
    sums: FloatArray


class ObjectCounts:
    """The courses of all classes, to be drawn at any width without a look at the spans. most: objects at once."""

    def __init__(self, spans: TrackSpans) -> None:
        self.labels: list[int] = np.unique(spans.labels).tolist()
        of_spans = np.repeat(spans.labels, np.diff(spans.offsets))
        self._courses = [
            _course(spans.starts_s[of_spans == label], spans.ends_s[of_spans == label])
            for label in self.labels
        ]
        self.most = int(_course(spans.starts_s, spans.ends_s).counts.max(initial=0))

    def at(self, seconds: float) -> dict[int, int]:
        """How many of each class are there at a time, by label; only those of which there are any."""
        found = {}
        for label, course in zip(self.labels, self._courses, strict=True):
            place = int(np.searchsorted(course.times_s, seconds + 1e-9, side="right")) - 1
            if place >= 0 and course.counts[place]:
                found[label] = int(course.counts[place])
        return found

    def means(self, edges_s: FloatArray) -> FloatArray:
        """(C, N) how many of each class there are on average between each two of (N + 1,) rising times."""
        widths = np.maximum(np.diff(edges_s), 1e-12)
        rows = [np.diff(np.interp(edges_s, course.times_s, course.sums)) / widths for course in self._courses]
        return np.array(rows).reshape(len(rows), len(widths))


def _course(starts_s: FloatArray, ends_s: FloatArray) -> _Course:
    times_s = np.concatenate([starts_s, ends_s])
    steps = np.append(np.ones(len(starts_s), np.int64), -np.ones(len(ends_s), np.int64))
    unique, places = np.unique(times_s, return_inverse=True)
    changes = np.bincount(places, weights=steps, minlength=len(unique)).astype(np.int64)
    counts = np.cumsum(changes)
    sums = np.append(0.0, np.cumsum(counts[:-1] * np.diff(unique)))
    return _Course(unique, counts, sums)
