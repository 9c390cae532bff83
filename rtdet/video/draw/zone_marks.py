"""Lines and zones as they are drawn: under every box, with their counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rtdet.types import FloatArray
from rtdet.video.draw.colors import Color, color_of

# Colours of their own for those that have none: IDs of tracks begin at 1, these far from there.
_FIRST_COLOR = 100_003
# The arrow that shows which way is in, in parts of the line's middle segment, and the longest in pixels.
_ARROW, _LONGEST_ARROW = 0.12, 28.0


@dataclass(frozen=True)
class ZoneMark:
    """points: in pixels of the source; of a zone (`is_closed`) its corners. words: of its label. arrow: from the
    middle of a line to where in is, then the two ends of its head; none for a zone."""

    points: tuple[tuple[float, float], ...]
    color: Color
    is_closed: bool
    words: tuple[str, ...] = ()
    arrow: tuple[tuple[float, float], ...] = ()

    @property
    def outline(self) -> FloatArray:
        """(N, 2) the points of the line to be drawn, of a zone all around."""
        points = np.array(self.points, dtype=np.float64)
        return np.concatenate([points, points[:1]]) if self.is_closed else points

    @property
    def label_at(self) -> tuple[float, float]:
        """The left and upper corner of the label's place: the highest point of a zone, the first of a line."""
        return min(self.points, key=lambda point: point[1]) if self.is_closed else self.points[0]


def zone_mark(
    points: tuple[tuple[float, float], ...],
    number: int,
    *,
    color: str,
    is_closed: bool,
    words: tuple[str, ...],
) -> ZoneMark:
    """The mark of a line or zone. number: from 0, by which it has a colour where `color` ("#rrggbb") is ""."""
    if color:
        red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
        paint = red, green, blue
    else:
        paint = color_of(_FIRST_COLOR + 5 * number)
    return ZoneMark(points, paint, is_closed, words, () if is_closed else _arrow(points))


def _arrow(points: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    """From the middle of the line's longest segment to its right hand, with a head."""
    corners = np.array(points, dtype=np.float64)
    along = np.diff(corners, axis=0)
    lengths = np.hypot(along[:, 0], along[:, 1])
    longest = int(lengths.argmax())
    if lengths[longest] == 0:
        return ()
    middle, ahead = corners[longest] + along[longest] / 2, along[longest] / lengths[longest]
    right = np.array([-ahead[1], ahead[0]])
    long = min(_LONGEST_ARROW, _ARROW * float(lengths.sum()) + 8.0)
    tip = middle + long * right
    ends = [tip - 0.35 * long * right + side * 0.25 * long * ahead for side in (-1, 1)]
    return tuple((float(x), float(y)) for x, y in (middle, tip, ends[0], ends[1]))
