"""Draws marks on a picture with OpenCV."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from rtdet.types import Image, Tracks
from rtdet.video.draw.colors import Color, ink_on
from rtdet.video.draw.lettering import label_mask
from rtdet.video.draw.marks import Mark, marks_of
from rtdet.video.draw.placing import Rect, place_labels, touch
from rtdet.video.draw.style import DASH, GAP, LEAST_TEXT_OPACITY, RIM_OPACITY, DrawStyle, Pen
from rtdet.video.draw.trails import TrailStore, trail_parts

# From here on a mark is painted as if it were there for certain: nobody sees the difference.
_OPAQUE = 0.98
_BLACK: Color = (0, 0, 0)


def draw_tracks(
    image: Image, tracks: Tracks, style: DrawStyle | None = None, trails: TrailStore | None = None
) -> Image:
    """A copy of the (H, W, 3) BGR image with the tracks on it.

    A track fades as its place gets uncertain; the box of one that is missed is dashed. Boxes that are not finite
    are left out.
    """
    style = style or DrawStyle()
    canvas: Image = image.copy()
    draw_marks(canvas, marks_of(tracks, style, trails), style)
    return canvas


def draw_marks(canvas: Image, marks: Sequence[Mark], style: DrawStyle) -> None:
    """Draws into the (H, W, 3) BGR canvas. Text lies over every box, so that no line crosses it, and boxes over
    every trail."""
    height, width = canvas.shape[:2]
    pen, clip = Pen.of(width, height, style.scale), (0.0, 0.0, float(width), float(height))
    marks = [mark for mark in marks if touch(mark.box, clip)]
    for mark in marks:
        _draw_trail(canvas, mark, pen)
    for mark in marks if style.show_boxes else ():
        _draw_box(canvas, mark, pen)
    labeled = [mark for mark in marks if mark.label]
    masks = [label_mask(mark.label, pen.text) for mark in labeled]
    places = place_labels([mark.box for mark in labeled], [mask.shape[::-1] for mask in masks], clip)
    for mark, mask, place in zip(labeled, masks, places, strict=True):
        _draw_label(canvas, mark, mask, place)


def _draw_box(canvas: Image, mark: Mark, pen: Pen) -> None:
    # Far outside, a line cannot be seen, and the numbers would be too large to count in.
    height, width = canvas.shape[:2]
    x1, x2 = (round(min(max(x, -64.0), width + 64.0)) for x in (mark.box[0], mark.box[2]))
    y1, y2 = (round(min(max(y, -64.0), height + 64.0)) for y in (mark.box[1], mark.box[3]))
    corners = (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
    dash = (math.ceil(DASH * pen.line), math.ceil(GAP * pen.line)) if mark.is_dashed else None
    if pen.rim:
        for side in _sides(corners, pen.rim):
            _shade(canvas, side, _BLACK, RIM_OPACITY * mark.opacity, dash)
    for side in _sides(corners, pen.line):
        _shade(canvas, side, mark.color, mark.opacity, dash)


def _sides(corners: tuple[int, int, int, int], line: int) -> Iterator[tuple[int, int, int, int]]:
    """The four sides of a box as areas that do not overlap."""
    left, top, right, bottom = (corner - line // 2 for corner in corners)
    yield left, top, right + line, top + line
    if bottom > top:
        yield left, bottom, right + line, bottom + line
    if bottom > top + line:
        yield left, top + line, left + line, bottom
        if right > left:
            yield right, top + line, right + line, bottom


def _shade(
    canvas: Image,
    side: tuple[int, int, int, int],
    color: Color,
    opacity: float,
    dash: tuple[int, int] | None,
) -> None:
    """Mixes a colour into an area, all along it or in dashes (length, gap)."""
    left, top, right, bottom = side
    if dash is None and opacity >= _OPAQUE:
        cv2.rectangle(canvas, (left, top), (right - 1, bottom - 1), color[::-1], cv2.FILLED)
        return
    x, y = max(left, 0), max(top, 0)
    area = canvas[y : max(bottom, 0), x : max(right, 0)]
    if not area.size:
        return
    if dash is not None:
        is_wide = right - left >= bottom - top
        begin, length = (x - left, area.shape[1]) if is_wide else (y - top, area.shape[0])
        on = (np.arange(begin, begin + length) % sum(dash)) < dash[0]
        index = (slice(None), on) if is_wide else (on, slice(None))
        area[index] = _mixed(area[index], color, opacity)
    elif color == _BLACK:
        cv2.convertScaleAbs(area, dst=area, alpha=1 - opacity)
    else:
        area[:] = _mixed(area, color, opacity)


def _mixed(area: Image, color: Color, opacity: float) -> Image:
    paint = np.array(color[::-1], np.float32) * opacity + 0.5
    return (area * np.float32(1 - opacity) + paint).astype(np.uint8)


def _draw_trail(canvas: Image, mark: Mark, pen: Pen) -> None:
    if len(mark.trail) < 2:
        return
    # A dozen corners look the same as hundreds and are drawn several times faster.
    step = -(-len(mark.trail) // 12)
    points = mark.trail[(len(mark.trail) - 1) % step :: step]
    # In 1/16 pixel, so that it does not tremble.
    fixed = (points * 16).clip(-(2**20), 2**20).astype(np.int32)
    for part, opacity, width in trail_parts(len(points)):
        line = max(1, round(pen.line * width))
        _draw_line(canvas, fixed[part], mark.color, line, opacity * mark.opacity)


def _draw_line(canvas: Image, fixed: npt.NDArray[np.int32], color: Color, line: int, opacity: float) -> None:
    """A line through the points (N, 2), in 1/16 pixel, mixed into the picture."""
    if opacity >= _OPAQUE:
        cv2.polylines(canvas, [fixed], False, color[::-1], line, cv2.LINE_AA, shift=4)
        return
    height, width = canvas.shape[:2]
    xs, ys = fixed.T.tolist()
    left, right = max((min(xs) >> 4) - line - 1, 0), min((max(xs) >> 4) + line + 3, width)
    top, bottom = max((min(ys) >> 4) - line - 1, 0), min((max(ys) >> 4) + line + 3, height)
    if left >= right or top >= bottom:
        return
    area = canvas[top:bottom, left:right]
    drawn = area.copy()
    inside = fixed - np.array((left << 4, top << 4), np.int32)
    cv2.polylines(drawn, [inside], False, color[::-1], line, cv2.LINE_AA, shift=4)
    cv2.addWeighted(drawn, opacity, area, 1 - opacity, 0, dst=area)


def _draw_label(canvas: Image, mark: Mark, mask: Image, place: Rect) -> None:
    x, y = round(place[0]), round(place[1])
    # A label wider or higher than the picture is cut, not squeezed.
    mask = mask[: canvas.shape[0] - y, : canvas.shape[1] - x]
    ground = canvas[y : y + mask.shape[0], x : x + mask.shape[1]]
    opacity = max(LEAST_TEXT_OPACITY, mark.opacity)
    label = _palette(mark.color).take(mask, axis=0)
    ground[:] = label if opacity >= _OPAQUE else cv2.addWeighted(label, opacity, ground, 1 - opacity, 0)


@lru_cache(maxsize=512)
def _palette(ground: Color) -> Image:
    """(256, 3) BGR: the colour for each coverage of a text mask, from the ground to its ink."""
    cover = np.arange(256)[:, None] / 255
    mix = np.array(ground[::-1]) * (1 - cover) + np.array(ink_on(ground)[::-1]) * cover
    palette: Image = np.round(mix).astype(np.uint8)
    return palette
