"""A camera that follows one track: a steady part of the picture with the object in its middle."""

from __future__ import annotations

import cv2
import numpy as np

from rtdet.errors import UsageError
from rtdet.tracks.table import TrackTable
from rtdet.types import FloatArray
from rtdet.video.draw import View

# The part is so many times as large as the object's box, in the direction where the box fills it most.
_ROOM = 2.2
# No closer than this share of the picture's sides: pixels would be seen.
_CLOSEST = 1 / 6
# A film smaller than this share of the picture's sides would be a stamp.
_LEAST_SHOWN = 1 / 2
# How slowly the part moves and grows: standard deviations, in seconds, of the Gaussian over the object's path.
_MOVE_S, _ZOOM_S = 0.4, 1.5


class FollowedTrack:
    """Gives for each frame the part of the picture around one track, all shown at one even size.

    The path of the box is known from beginning to end, so it is smoothed to both sides and the view is never behind
    the object; where the object gets larger or smaller, the view zooms slowly. Gaps of the track are bridged; before
    and after it the view stays where it was first or last. It never leaves the picture.

    size: (width, height) of the picture. fps: of the film. Raises UsageError where the table has no such track.
    """

    def __init__(self, table: TrackTable, track_id: int, size: tuple[int, int], fps: float) -> None:
        rows = table.rows_of(track_id)
        if not len(rows):
            raise UsageError(f"there is no track {track_id} to follow; {_known(table)}")
        frames, boxes = table.frames[rows], table.boxes[rows]
        self._first = int(frames[0])
        every = np.arange(frames[0], frames[-1] + 1)
        sides = np.column_stack([np.interp(every, frames, boxes[:, side]) for side in range(4)])
        middles = (sides[:, :2] + sides[:, 2:]) / 2
        wanted = _ROOM * ((sides[:, 2:] - sides[:, :2]) / size).max(axis=1)
        self._middles = smoothed(middles, _MOVE_S * fps)
        # In the logarithm, in which twice as large and half as large are equally far.
        shares = np.exp(smoothed(np.log(wanted.clip(1e-6))[:, None], _ZOOM_S * fps)[:, 0]).clip(_CLOSEST, 1)
        self._shares = shares
        self._picture = size
        # As large as the largest part is, so that nothing is lost of it, and large enough to be looked at.
        share = max(float(shares.max()), _LEAST_SHOWN)
        self.size = (max(2, round(size[0] * share / 2) * 2), max(2, round(size[1] * share / 2) * 2))

    def view(self, index: int) -> View:
        """The part that is shown of the frame `index`, counted from 0."""
        at = min(max(index + 1 - self._first, 0), len(self._shares) - 1)
        width, height = self._picture
        part = float(self._shares[at]) * width
        # Rounding to even numbers changes the proportions a little.
        part = min(part, width, height * self.size[0] / self.size[1])
        tall = part * self.size[1] / self.size[0]
        x, y = self._middles[at].tolist()
        left = min(max(x - part / 2, 0.0), width - part)
        top = min(max(y - tall / 2, 0.0), height - tall)
        return View(left, top, part, self.size)


def smoothed(values: FloatArray, sigma: float) -> FloatArray:
    """(N, C) values, each column smoothed along N by a Gaussian of `sigma` rows; at the ends the first and the last
    go on."""
    radius = int(np.ceil(4 * sigma))
    if radius < 1 or len(values) < 2:
        return values
    padded = np.pad(values, ((radius, radius), (0, 0)), mode="edge")
    kernel = cv2.getGaussianKernel(2 * radius + 1, sigma)
    return np.asarray(cv2.filter2D(padded, -1, kernel, borderType=cv2.BORDER_REPLICATE)[radius:-radius])


def _known(table: TrackTable) -> str:
    ids = np.unique(table.ids).tolist()
    if not ids:
        return "the file has no tracks"
    some = ", ".join(map(str, ids[:8]))
    return f"its IDs: {some}" + (f" and {len(ids) - 8} more, to {ids[-1]}" if len(ids) > 8 else "")
