"""Makes objects of some classes unrecognisable: by a blur or by a mosaic, wherever their tracks are or may be.

How strong: of a box, with a margin around it, CELLS averages along its longer side are all that is kept; the rest is
gone from the file, and no sharpening brings it back. People cease to recognise faces, even of those whom they know,
below about 16 squares from ear to ear (Harmon and Julesz 1973; Bachmann 1991). Of a box that is a face six are left;
of a person's box, whose head is a seventh of it or, of somebody who sits near by, a half, one to four.

Where: in all frames of a track any row of which is of the class, whether the object was seen there or not; in the
gaps of the track; and a while before and after it, because a tracker notices late that something has come, and gives
up what is still there. Where the box is a guess the margin is larger.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from rtdet.class_groups import with_groups
from rtdet.errors import UsageError
from rtdet.tracks.table import TrackTable
from rtdet.types import BoolArray, FloatArray, Image, IntArray

CELLS = 8
# Shares of the box's sides, on each side of it: where it was seen, and where it is a guess.
_SEEN_MARGIN, _GUESSED_MARGIN = 0.15, 0.35
# How long a gap is bridged, and how long before and after a track its object may still be there.
LONGEST_GAP_S, BEYOND_S = 2.0, 0.5
# Times that are closer are those of a broken clock.
_HIGHEST_RATE = 500.0
# So many rows say how an object moves at an end of its track.
_FOR_SPEED = 6


@dataclass(frozen=True)
class _Areas:
    """Rectangles by frame: frames (M,) rising, boxes (M, 4) xyxy, margins included, are_mosaics (M,)."""

    frames: IntArray
    boxes: FloatArray
    are_mosaics: BoolArray


class HiddenClasses:
    """The areas to be hidden in each frame. `ways` is, for each class name as a person gives it or group of
    classes, whether it is hidden by a mosaic (True) or a blur; where both name a class, the last one counts. `fps` of
    the film, unless the times of the table have a higher rate; `path` is the track file's. Raises UsageError, with
    the names there are, for a class that no track has.
    """

    def __init__(self, table: TrackTable, ways: Mapping[str, bool], fps: float, path: str | Path) -> None:
        names = _names(table)
        # A network knows more classes than there are tracks of.
        there = [names[label] for label in np.unique(table.labels).tolist()]
        mosaics: dict[int, bool] = {}
        for wanted, is_mosaic in ways.items():
            meant = [name for name in with_groups([wanted], there) if name in there]
            if not meant:
                known = ", ".join(there) or "none: the file has no tracks"
                raise UsageError(
                    f"no track of {path} is of the class {wanted!r}, so nothing of it could be hidden; "
                    f"its classes: {known}"
                )
            mosaics.update({names.index(name): is_mosaic for name in meant})
        self._usual = any(mosaics.values())
        self._areas = _areas(table, mosaics, max(fps, _highest_rate(table)))

    def apply(self, image: Image, number: int) -> Image:
        """The (H, W, 3) BGR picture of the frame `number`, from 1, with the areas hidden; the same one where there is
        nothing to hide."""
        areas = self._areas
        start, end = np.searchsorted(areas.frames, (number, number + 1))
        if start == end:
            return image
        hidden = image.copy()
        for box, is_mosaic in zip(areas.boxes[start:end], areas.are_mosaics[start:end].tolist(), strict=True):
            hide(hidden, box, is_mosaic=is_mosaic)
        return hidden

    def hide_all(self, image: Image) -> Image:
        """The picture of a frame of which nobody knows what is in it, hidden as a whole."""
        hidden = image.copy()
        hide(hidden, (0, 0, image.shape[1], image.shape[0]), is_mosaic=self._usual)
        return hidden


def hide(image: Image, box: FloatArray | Sequence[float], *, is_mosaic: bool) -> None:
    """Replaces what is in the box (xyxy) of the picture, in place, by at most CELLS averages along the box's longer
    side: as squares, or as a smooth blur."""
    height, width = image.shape[:2]
    x1, y1, x2, y2 = (float(side) for side in box)
    left, right = max(0, int(np.floor(x1))), min(width, int(np.ceil(x2)))
    top, bottom = max(0, int(np.floor(y1))), min(height, int(np.ceil(y2)))
    if right <= left or bottom <= top:
        return
    # By what of it is in the picture: of somebody close to the camera that may be little more than the face.
    cell = max(right - left, bottom - top) / CELLS
    area = image[top:bottom, left:right]
    grid = (max(1, int((right - left) / cell)), max(1, int((bottom - top) / cell)))
    averages = cv2.resize(area, grid, interpolation=cv2.INTER_AREA)
    method = cv2.INTER_NEAREST if is_mosaic else cv2.INTER_LINEAR
    area[:] = cv2.resize(averages, (right - left, bottom - top), interpolation=method)
    if not is_mosaic:
        area[:] = cv2.GaussianBlur(area, (0, 0), max(cell / 2, 1.0), borderType=cv2.BORDER_REPLICATE)


def _names(table: TrackTable) -> tuple[str, ...]:
    """The table's class names; of a file that has only numbers, those."""
    if table.class_names:
        return table.class_names
    return tuple(str(label) for label in range(int(table.labels.max(initial=-1)) + 1))


def _highest_rate(table: TrackTable) -> float:
    """Frames per second where the times of the frames are closest. Of films with an uneven rate nobody knows the rate
    beforehand, and with one that is too low less would be hidden before, after and between what was seen."""
    listed = table.frame_list
    steps = np.diff(listed.times_s) / np.maximum(np.diff(listed.numbers), 1)
    steps = steps[np.isfinite(steps) & (steps > 1 / _HIGHEST_RATE)]
    return 1 / float(np.quantile(steps, 0.05)) if len(steps) else 0.0


def _areas(table: TrackTable, mosaics: Mapping[int, bool], fps: float) -> _Areas:
    frames, boxes, are_mosaics = [], [], []
    for rows in table.tracks():
        hidden = [mosaics[label] for label in table.labels[rows].tolist() if label in mosaics]
        if not hidden:
            continue
        seen = table.values["seen"][rows].astype(bool) & (table.scores[rows] > 0)
        of_track, there = _path(table.frames[rows], table.boxes[rows], seen, fps)
        frames.append(of_track)
        boxes.append(there)
        # A mosaic hides what a blur does, too: a track that wavers between two classes has one of both.
        are_mosaics.append(np.full(len(of_track), any(hidden)))
    if not frames:
        return _Areas(np.zeros(0, np.int64), np.zeros((0, 4)), np.zeros(0, bool))
    joined = np.concatenate(frames)
    order = np.argsort(joined, kind="stable")
    return _Areas(joined[order], np.concatenate(boxes)[order], np.concatenate(are_mosaics)[order])


def _path(frames: IntArray, boxes: FloatArray, seen: BoolArray, fps: float) -> tuple[IntArray, FloatArray]:
    """Where one object is or may be: frames (M,) and boxes (M, 4) with their margins."""
    beyond, longest = max(1, round(BEYOND_S * fps)), max(1, round(LONGEST_GAP_S * fps))
    numbers: list[IntArray] = []
    places: list[FloatArray] = []
    margins: list[FloatArray] = []
    breaks = np.flatnonzero(np.diff(frames) - 1 > longest) + 1
    for part in np.split(np.arange(len(frames)), breaks):
        known = frames[part]
        every = np.arange(known[0] - beyond, known[-1] + beyond + 1)
        sides = np.column_stack([np.interp(every, known, boxes[part][:, side]) for side in range(4)])
        # Nobody knows whether it goes on or stays: both are hidden, and what is between.
        moved = _moved_on(known, boxes[part], every)
        sides[:, :2] += np.minimum(moved, 0)
        sides[:, 2:] += np.maximum(moved, 0)
        is_seen = np.isin(every, known[seen[part]])
        numbers.append(every)
        places.append(sides)
        margins.append(np.where(is_seen, _SEEN_MARGIN, _GUESSED_MARGIN))
    return np.concatenate(numbers), _with_margins(np.concatenate(places), np.concatenate(margins))


def _moved_on(known: IntArray, boxes: FloatArray, every: IntArray) -> FloatArray:
    """(M, 2): how far the object has moved from an end of its track, before and after it, if it goes on as there."""
    moved = np.zeros((len(every), 2))
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    last = min(_FOR_SPEED, len(known)) - 1
    if last < 1:
        return moved
    for end, other, is_beyond in (
        (0, last, every < known[0]),
        (-1, -1 - last, every > known[-1]),
    ):
        speed = (middles[end] - middles[other]) / (known[end] - known[other])
        moved[is_beyond] = (every[is_beyond, None] - known[end]) * speed
    return moved


def _with_margins(boxes: FloatArray, shares: FloatArray) -> FloatArray:
    room = np.maximum(boxes[:, 2:] - boxes[:, :2], 0) * shares[:, None]
    return np.hstack([boxes[:, :2] - room, boxes[:, 2:] + room])


def ways_of(blurred: Iterable[str], mosaics: Iterable[str]) -> dict[str, bool]:
    """What `HiddenClasses` takes, from the names of --blur and of --pixelate."""
    return {**dict.fromkeys(blurred, False), **dict.fromkeys(mosaics, True)}
