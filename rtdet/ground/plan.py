"""The bird's-eye plan: where everybody went, as on a map, with a grid of metres."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rtdet.errors import SourceError
from rtdet.ground.paper import WHITE, Paper, nice_step, number
from rtdet.ground.scale import Ground, Scale
from rtdet.ground.speeds import grounds, walked
from rtdet.tracks.table import TrackTable
from rtdet.types import FloatArray, Image
from rtdet.video.draw.colors import color_of

# The plan's longest side in pixels, and the margins for the numbers.
_LONGEST = 1600
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 28, 28, 84
_CAPITAL = 11.0
_PAPER = (247, 247, 244)
_INK, _FAINT, _GRID = (40, 44, 50), (120, 124, 130), (214, 216, 214)
# A place is drawn where it is known this well, in metres, or in parts of the plan.
_MOST_ERROR_M, _MOST_ERROR_PART = 1.0, 0.02
# The plan shows all but these parts of all places at each side, and some room around them.
_STRAYS, _ROOM = 0.002, 0.06


@dataclass(frozen=True)
class Path:
    """The places (n, 2) of one object on the ground, in metres, and the standard errors (n,) of these."""

    track_id: int
    places: FloatArray
    errors: FloatArray


def paths_of(table: TrackTable, scale: Scale, on_track: Callable[[], None] = lambda: None) -> list[Path]:
    """Where each object went, smoothed. Raises SourceError as `walked` does."""
    return [
        Path(int(table.ids[rows[0]]), course.place, course.place_se)
        for rows, course in walked(table, scale, on_track)
    ]


def draw_plan(table: TrackTable, scale: Scale, on_track: Callable[[], None] = lambda: None) -> Image:
    """The plan (H, W, 3) BGR of a table's tracks, each in the colour of its ID, with a dot where it began and an
    arrow where it ended; what the picture shows of the ground is white. X points right, and Y up or down, whichever
    makes the plan what a bird sees.

    Raises SourceError where no track has a place on the ground, and as `walked` does."""
    paths = paths_of(table, scale, on_track)
    if not paths:
        raise SourceError("none of these tracks has a place on the ground that its scale describes")
    ground = max(grounds(table, scale), key=lambda one: len(one[1]))[0]
    sheet = _Sheet(paths, ground)
    sheet.draw_ground(ground)
    sheet.draw_grid()
    for path in sorted(paths, key=lambda one: -len(one.places)):
        sheet.draw_path(path)
    sheet.draw_scale_bar()
    seconds = table.frame_list.times_s
    lasts = f", {number(round(float(np.nanmax(seconds) - np.nanmin(seconds)), 1))} s" if len(seconds) else ""
    count = len({path.track_id for path in paths})
    sheet.note(f"{count} track{'' if count == 1 else 's'}{lasts}")
    return sheet.paper.finished()


class _Sheet:
    """A plan that is being drawn: the part of the ground that is on it, and the paper."""

    def __init__(self, paths: list[Path], ground: Ground) -> None:
        places = np.concatenate([path.places for path in paths])
        low, high = np.quantile(places, [_STRAYS, 1 - _STRAYS], axis=0)
        room = np.maximum(_ROOM * (high - low).max(), 0.5)
        self.low, self.high = low - room, high + room
        # A plan that is a thin strip could not be read.
        thin = np.maximum((self.high - self.low).max() / 4 - (self.high - self.low), 0) / 2
        self.low, self.high = self.low - thin, self.high + thin
        span = self.high - self.low
        across, down = _LONGEST - _LEFT - _RIGHT, (_LONGEST * 0.75) - _TOP - _BOTTOM
        self.per_metre = min(across / span[0], down / span[1])
        self.is_up = ground.is_mirrored
        self.size = span * self.per_metre
        self.paper = Paper.plain(
            math.ceil(self.size[0]) + _LEFT + _RIGHT, math.ceil(self.size[1]) + _TOP + _BOTTOM, _PAPER
        )

    def at(self, metres: FloatArray) -> FloatArray:
        """(N, 2) where places (N, 2) are on the paper."""
        x = _LEFT + (metres[:, 0] - self.low[0]) * self.per_metre
        up = (self.high[1] - metres[:, 1]) if self.is_up else (metres[:, 1] - self.low[1])
        return np.column_stack([x, _TOP + up * self.per_metre])

    def draw_ground(self, ground: Ground) -> None:
        """Brightens what the picture shows, where its size is known."""
        frame = np.array([self.low, [self.high[0], self.low[1]], self.high, [self.low[0], self.high[1]]])
        self.paper.area(self.at(frame), (236, 237, 234))
        seen = _seen_ground(ground, self.low, self.high)
        if len(seen):
            self.paper.area(self.at(seen), (255, 255, 255))

    def draw_grid(self) -> None:
        step = nice_step(float((self.high - self.low).max()), 16)
        for axis in (0, 1):
            first = math.ceil(self.low[axis] / step)
            for k in range(first, math.floor(self.high[axis] / step) + 1):
                ends = np.array([self.low, self.high])
                ends[:, axis] = k * step
                line = self.at(ends)
                self.paper.line(line, _GRID if k else _FAINT, 1.0)
                if axis == 0:
                    place = (float(line[0, 0]), self.size[1] + _TOP + 16)
                    self.paper.text(number(k * step), place, _CAPITAL, _FAINT, align=0.5)
                else:
                    self.paper.text(
                        number(k * step), (_LEFT - 10, float(line[0, 1])), _CAPITAL, _FAINT, align=1.0
                    )

    def draw_path(self, path: Path) -> None:
        sure = path.errors <= max(_MOST_ERROR_M, _MOST_ERROR_PART * float((self.high - self.low).max()))
        places = self._within(path.places[sure])
        if len(places) < 2:
            return
        line, color = self.at(places), color_of(path.track_id)
        self.paper.line(line, WHITE, 4.5, 0.7)
        self.paper.line(line, color, 2.5)
        self.paper.dot(line[0].tolist(), 4.5, WHITE)
        self.paper.dot(line[0].tolist(), 3.5, color)
        went = np.flatnonzero(np.hypot(*(line - line[-1]).T) > 10)
        way = line[-1] - line[went[-1]] if len(went) else np.zeros(2)
        self.paper.arrow_head(line[-1] + way / max(math.hypot(*way), 1e-9) * 7, way, 14.0, color)

    def _within(self, places: FloatArray) -> FloatArray:
        return np.asarray(places[((places >= self.low) & (places <= self.high)).all(axis=1)])

    def draw_scale_bar(self) -> None:
        length_m = nice_step(float(self.high[0] - self.low[0]) * 0.5, 3)
        if length_m * self.per_metre > self.size[0] * 0.6:
            length_m = nice_step(length_m / 2, 2)
        y, left = self.size[1] + _TOP + 50.0, float(_LEFT)
        right = left + length_m * self.per_metre
        for ends in (
            [[left, y], [right, y]],
            [[left, y - 5], [left, y + 5]],
            [[right, y - 5], [right, y + 5]],
        ):
            self.paper.line(np.array(ends), _INK, 2.0)
        self.paper.text(f"{number(length_m)} m", (right + 12, y), _CAPITAL + 1, _INK)

    def note(self, words: str) -> None:
        self.paper.text(
            words, (self.paper.width - _RIGHT, self.size[1] + _TOP + 50.0), _CAPITAL + 1, _INK, align=1.0
        )


def _seen_ground(ground: Ground, low: FloatArray, high: FloatArray) -> FloatArray:
    """(N, 2) corners of the part of the plan that is in the picture, as far as its size is known."""
    if ground.size is None:
        return np.zeros((0, 2))
    width, height = ground.size
    corners = np.array([low, [high[0], low[1]], high, [low[0], high[1]]])
    # What is in the picture lies on one side of each of its borders, which are straight on the ground, too.
    for a, b, c in ((1, 0, 0), (-1, 0, width), (0, 1, 0), (0, -1, height)):
        line = np.array([a, b, c]) @ np.linalg.inv(ground.matrix)
        corners = _cut(corners, line * np.sign(_depth_sign(ground)))
    return corners


def _depth_sign(ground: Ground) -> float:
    """The sign that the inverse homography gives to what is before the camera."""
    width, height = ground.size or (1, 1)
    pixel = np.array([width / 2, float(height), 1.0])
    metres = ground.matrix @ pixel
    return float((np.linalg.inv(ground.matrix) @ (metres / metres[2]))[2])


def _cut(corners: FloatArray, line: FloatArray) -> FloatArray:
    """The part of a convex polygon where line @ (x, y, 1) is not negative (Sutherland and Hodgman 1974)."""
    if not len(corners):
        return corners
    side = np.column_stack([corners, np.ones(len(corners))]) @ line
    kept = []
    for i in range(len(corners)):
        j = (i + 1) % len(corners)
        if side[i] >= 0:
            kept.append(corners[i])
        if (side[i] >= 0) != (side[j] >= 0):
            kept.append(corners[i] + (corners[j] - corners[i]) * side[i] / (side[i] - side[j]))
    return np.array(kept).reshape(-1, 2)
