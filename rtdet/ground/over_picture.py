"""The heat map and the trails: where everybody was, over a grey picture of the place."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from rtdet.errors import SourceError
from rtdet.ground.paper import DARK, WHITE, Paper, nice_step, number
from rtdet.tracks.offline import smooth
from rtdet.tracks.offline.times import row_seconds, steady_seconds
from rtdet.tracks.table import TrackTable
from rtdet.types import FloatArray, Image
from rtdet.video.draw.colors import color_of

# Of the picture under the drawing: how much of its light is left, and how much of its contrast.
_LIGHT, _CONTRAST = 0.72, 0.8
# How far around its feet somebody is, in sizes of the box (standard deviation; root of its area), at least in pixels.
_SPREAD, _LEAST_SPREAD = 0.12, 2.0
# Spreads within a fifth of each other are blurred together.
_SPREAD_STEP = 1.2
# A trail goes on over a gap of this long.
_LONGEST_GAP_S = 1.0
# Hotter than all but this part of the warm places is as hot as it gets.
_HOTTEST = 0.995
_ROOM = 20


def backdrop(pictures: Sequence[Image]) -> Image | None:
    """A grey, calm picture (H, W, 3) of a place, from some of it; what moved is gone. None where there are none."""
    same = [picture for picture in pictures if picture.shape == pictures[0].shape]
    if not same:
        return None
    calm = np.median(np.stack(same), axis=0).astype(np.uint8) if len(same) > 2 else same[0]
    gray = cv2.cvtColor(calm, cv2.COLOR_BGR2GRAY).astype(np.float32)
    gray = (128 + (gray - 128) * _CONTRAST) * _LIGHT
    return np.asarray(cv2.cvtColor(np.clip(gray, 0, 255).astype(np.uint8), cv2.COLOR_GRAY2BGR))


def empty_backdrop(
    table: TrackTable, size: tuple[int, int] | None = None, *, max_megapixels: float = math.inf
) -> Image:
    """A dark picture of the size that the frames have, else of this one, else large enough for all boxes. Raises
    SourceError for a size of more than `max_megapixels`, which is no picture's."""
    known = table.frame_list.sizes[(table.frame_list.sizes > 0).all(axis=1)]
    if len(known):
        width, height = known.max(axis=0).tolist()
    elif size is not None:
        width, height = size
    else:
        reach = table.boxes[:, 2:].max(axis=0, initial=64)
        width, height = (int(side) for side in np.clip(reach + _ROOM, 64, 7680))
    if width * height > max_megapixels * 1e6:
        raise SourceError(
            f"a picture of {width}x{height}, as the tracks or the zones have it, is larger than "
            f"{max_megapixels:g} megapixels; correct the size, or raise --max-megapixels"
        )
    return np.full((height, width, 3), DARK[::-1], dtype=np.uint8)


def draw_trails(table: TrackTable, ground: Image) -> Image:
    """The picture (H, W, 3) BGR with the way of each track's feet, smoothed, in the colour of its ID; a dot is where
    it began, an arrow where it ended."""
    paper = Paper(ground)
    pen = max(1.5, min(paper.width, paper.height) / 300)
    seconds, table = row_seconds(table), smooth(table)
    feet = feet_of(table.boxes)
    for rows in sorted(table.tracks(), key=lambda one: -len(one)):
        breaks = np.flatnonzero(np.diff(seconds[rows]) > _LONGEST_GAP_S) + 1
        for part in np.split(rows, breaks):
            if len(part) > 1:
                _draw_trail(paper, feet[part], int(table.ids[part[0]]), pen)
    return paper.finished()


def _draw_trail(paper: Paper, line: FloatArray, track_id: int, pen: float) -> None:
    color = color_of(track_id)
    paper.line(line, (0, 0, 0), pen * 1.9, 0.45)
    paper.line(line, color, pen, 0.95)
    paper.dot(line[0].tolist(), pen * 1.7, (0, 0, 0), 0.45)
    paper.dot(line[0].tolist(), pen * 1.3, color)
    went = np.flatnonzero(np.hypot(*(line - line[-1]).T) > 4 * pen)
    way = line[-1] - line[went[-1]] if len(went) else np.zeros(2)
    tip = line[-1] + way / max(float(np.hypot(*way)), 1e-9) * 2.5 * pen
    paper.arrow_head(tip, way, 5 * pen, color)


def feet_of(boxes: FloatArray) -> FloatArray:
    """(N, 2) the middle of the lower edge of each box."""
    return np.column_stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]])


def heat(table: TrackTable, size: tuple[int, int]) -> FloatArray:
    """(H, W) for how many seconds somebody was at each place of a picture of this size (width, height): each row of a
    track counts for the time to the next frame, all of it at its feet and less and less around them."""
    width, height = size
    steps = np.diff(steady_seconds(table.frame_list))
    usual = float(np.median(steps)) if len(steps) else 1.0
    # A frame that was dropped is a while; a pause of the source is none.
    lasts = np.append(np.minimum(steps, 5 * usual), usual)[table.frame_list.place_of(table.frames)]
    sides = np.maximum(table.boxes[:, 2:] - table.boxes[:, :2], 0)
    spread = np.maximum(_SPREAD * np.sqrt(sides.prod(axis=1)), _LEAST_SPREAD)
    spread = np.minimum(spread, max(size) / 8)
    steps_of = np.round(np.log(spread) / np.log(_SPREAD_STEP)).astype(int)
    feet = feet_of(table.boxes)
    total = np.zeros((height, width), dtype=np.float32)
    x = np.clip(feet[:, 0], -1, width).astype(int)
    y = np.clip(np.ceil(feet[:, 1]) - 1, -1, height).astype(int)
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    for step in np.unique(steps_of[inside]).tolist():
        rows = np.flatnonzero(inside & (steps_of == step))
        points = np.zeros((height, width), dtype=np.float32)
        np.add.at(points, (y[rows], x[rows]), lasts[rows])
        sigma = _SPREAD_STEP**step
        blurred = cv2.GaussianBlur(points, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
        total += blurred * np.float32(2 * np.pi * sigma**2)
    return np.asarray(total, dtype=np.float64)


def draw_heat(table: TrackTable, ground: Image) -> Image:
    """The picture (H, W, 3) BGR with the heat over it, and a bar that says how many seconds a colour means."""
    values = heat(table, (ground.shape[1], ground.shape[0]))
    warm = values[values > values.max(initial=0) / 200]
    hottest = float(np.quantile(warm, _HOTTEST)) if len(warm) else 1.0
    # The square root, so that a path is seen beside a place where somebody waits.
    share = np.sqrt(np.clip(values / max(hottest, 1e-9), 0, 1))
    paper = Paper(ground)
    paper.picture(_colors(share), np.clip(share * 3 - 0.12, 0, 1) * 0.88)
    _draw_bar(paper, hottest, is_capped=bool(values.max(initial=0) > hottest * 1.05))
    return paper.finished()


def _colors(share: FloatArray) -> Image:
    """(H, W, 3) BGR of shares 0 to 1: from violet over red to a light yellow."""
    table = np.clip(24 + share * 231, 0, 255).astype(np.uint8)
    return np.asarray(cv2.applyColorMap(table, cv2.COLORMAP_INFERNO))


def _draw_bar(paper: Paper, hottest: float, *, is_capped: bool) -> None:
    unit = max(9.0, min(paper.width, paper.height) / 70)
    width, height = min(22 * unit, paper.width * 0.6), 1.2 * unit
    left, top = 2.2 * unit, paper.height - 5.2 * unit
    paper.area(_rectangle(left - unit, top - unit, left + width + 3 * unit, top + 4.4 * unit), (0, 0, 0), 0.5)
    for i in range(128):
        x0, x1 = left + width * i / 128, left + width * (i + 1) / 128 + 0.5
        blue, green, red = _colors(np.array([[(i + 0.5) / 128]]))[0, 0].tolist()
        paper.area(_rectangle(x0, top, x1, top + height), (red, green, blue))
    step = nice_step(hottest, 4)
    ticks = [0.0, *(step * k for k in range(1, int(hottest / step * 1.0001) + 1))]
    for k, seconds in enumerate(ticks):
        x = left + width * float(np.sqrt(seconds / hottest)) if hottest > 0 else left
        paper.line(np.array([[x, top + height], [x, top + height + 0.5 * unit]]), WHITE, 1.0)
        after = ("+ s" if is_capped else " s") if k == len(ticks) - 1 else ""
        words = number(seconds) + after
        paper.text(words, (x, top + height + 1.8 * unit), unit, WHITE, align=0.5)


def _rectangle(left: float, top: float, right: float, bottom: float) -> FloatArray:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
