"""Draws marks on a picture with OpenCV."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from rtdet.types import FloatArray, Image, Tracks
from rtdet.video.draw.colors import Color, ink_on
from rtdet.video.draw.lettering import label_mask
from rtdet.video.draw.marks import Mark, marks_of
from rtdet.video.draw.placing import Rect, place_labels, touch
from rtdet.video.draw.style import DASH, GAP, LEAST_TEXT_OPACITY, RIM_OPACITY, DrawStyle, Pen
from rtdet.video.draw.trails import TrailStore, trail_parts
from rtdet.video.draw.zone_marks import ZoneMark

# From here on a mark is painted as if it were there for certain: nobody sees the difference.
_OPAQUE = 0.98
# What a line of one pixel covers of what one of two pixels does, as OpenCV smooths them.
_HAIR = 0.63
_BLACK: Color = (0, 0, 0)
# left, top, right, bottom, of which the last two are beyond.
Side = tuple[int, int, int, int]


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
    pen, clip = Pen.of(width, height, style.scale, style.thickness), (0.0, 0.0, float(width), float(height))
    for zone in style.zones:
        _draw_zone(canvas, zone, pen)
    marks = [mark for mark in marks if touch(mark.box, clip)]
    for mark in marks:
        _draw_trail(canvas, mark, pen)
    for mark in marks if style.show_boxes else ():
        _draw_box(canvas, mark, pen)
    for mark in marks if style.show_boxes else ():
        _draw_skeleton(canvas, mark, pen)
    labeled = [mark for mark in marks if mark.label]
    labels = [_label(mark.label, pen.text, mark.color) for mark in labeled]
    sizes = [(float(label.shape[1]), float(label.shape[0])) for label in labels]
    places = place_labels([mark.box for mark in labeled], sizes, clip)
    for mark, label, place in zip(labeled, labels, places, strict=True):
        _draw_label(canvas, mark, label, place)
    for zone in style.zones:
        if zone.words:
            _draw_zone_label(canvas, zone, pen)


def _draw_zone(canvas: Image, zone: ZoneMark, pen: Pen) -> None:
    """A line or the border of a zone."""
    lines = [zone.outline]
    if zone.arrow:
        middle, tip, left, right = (np.array(point) for point in zone.arrow)
        lines += [np.stack([middle, tip]), np.stack([left, tip, right])]
    for width, color, opacity in ((pen.line + 2, _BLACK, RIM_OPACITY), (pen.line, zone.color, 1.0)):
        for points in lines:
            _draw_line(canvas, _sixteenths(points), color, width, opacity)


def _draw_zone_label(canvas: Image, zone: ZoneMark, pen: Pen) -> None:
    """Over everything, so that counts can always be read."""
    label = _label(zone.words, pen.text, zone.color)
    height, width = label.shape[:2]
    x, y = zone.label_at
    left = round(min(max(x, 0), max(0, canvas.shape[1] - width)))
    top = round(min(max(y - height - 2, 0), max(0, canvas.shape[0] - height)))
    label = label[: canvas.shape[0] - top, : canvas.shape[1] - left]
    canvas[top : top + label.shape[0], left : left + label.shape[1]] = label


def _draw_box(canvas: Image, mark: Mark, pen: Pen) -> None:
    # Far outside, a line cannot be seen, and the numbers would be too large to count in.
    height, width = canvas.shape[:2]
    x1, x2 = (round(min(max(x, -64.0), width + 64.0)) for x in (mark.box[0], mark.box[2]))
    y1, y2 = (round(min(max(y, -64.0), height + 64.0)) for y in (mark.box[1], mark.box[3]))
    corners = (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
    dash = (math.ceil(DASH * pen.line), math.ceil(GAP * pen.line)) if mark.is_dashed else None
    if pen.rim:
        _shade(canvas, _sides(corners, pen.rim), _BLACK, RIM_OPACITY * mark.opacity, dash)
    _shade(canvas, _sides(corners, pen.line), mark.color, mark.opacity, dash)


def _sides(corners: Side, line: int) -> list[Side]:
    """The four sides of a box as areas that do not overlap."""
    half = line // 2
    left, top, right, bottom = corners[0] - half, corners[1] - half, corners[2] - half, corners[3] - half
    sides = [(left, top, right + line, top + line)]
    if bottom > top:
        sides.append((left, bottom, right + line, bottom + line))
    if bottom > top + line:
        sides.append((left, top + line, left + line, bottom))
        if right > left:
            sides.append((right, top + line, right + line, bottom))
    return sides


def _shade(
    canvas: Image, sides: Sequence[Side], color: Color, opacity: float, dash: tuple[int, int] | None
) -> None:
    """Mixes a colour into areas, all along them or in dashes (length, gap)."""
    if dash is None and opacity >= _OPAQUE:
        for left, top, right, bottom in sides:
            cv2.rectangle(canvas, (left, top), (right - 1, bottom - 1), color[::-1], cv2.FILLED)
        return
    mix = _mixing(color, round(opacity * 128))
    for left, top, right, bottom in sides:
        x, y = left if left > 0 else 0, top if top > 0 else 0
        if right <= x or bottom <= y:
            continue
        area = canvas[y:bottom, x:right]
        if not area.size:
            continue
        if dash is None and color == _BLACK:
            cv2.convertScaleAbs(area, dst=area, alpha=1 - opacity)
        elif dash is None:
            cv2.transform(area, mix, dst=area)
        else:
            is_wide = right - left >= bottom - top
            on = _dashes(dash, max(canvas.shape) + 256)
            rows, columns = area.shape[:2]
            begin = x - left if is_wide else y - top
            on = on[:rows, begin : begin + columns] if is_wide else on.T[begin : begin + rows, :columns]
            cv2.copyTo(cv2.transform(area, mix), np.ascontiguousarray(on), area)


@lru_cache(maxsize=16)
def _dashes(dash: tuple[int, int], length: int) -> Image:
    """(64, length) mask of dashes (length, gap), thick enough for every line."""
    on = (np.arange(length) % sum(dash)) < dash[0]
    mask: Image = np.tile(on.astype(np.uint8) * 255, (64, 1))
    return mask


@lru_cache(maxsize=1024)
def _mixing(color: Color, parts: int) -> npt.NDArray[np.float32]:
    """(3, 4): the map of BGR, for `cv2.transform`, that mixes in `parts` of 128 of the colour. A call in place costs
    a fifth of the same in NumPy."""
    opacity = parts / 128
    mix = np.zeros((3, 4), np.float32)
    np.fill_diagonal(mix, 1 - opacity)
    mix[:, 3] = np.array(color[::-1]) * opacity
    return mix


def _draw_trail(canvas: Image, mark: Mark, pen: Pen) -> None:
    if len(mark.trail) < 2:
        return
    corners = _sixteenths(mark.trail)
    for part, opacity, width in trail_parts(len(corners)):
        line = max(1, round(pen.line * width))
        _draw_line(canvas, corners[part], mark.color, line, opacity * mark.opacity)


def _draw_line(
    canvas: Image, corners: npt.NDArray[np.int32], color: Color, line: int, opacity: float
) -> None:
    """A line through the corners (N, 2), in 1/16 pixel, mixed into the picture."""
    if line == 2 and opacity <= _HAIR:
        # As faint to the eye, and far cheaper, as it need not be mixed in where that makes it clear.
        line, opacity = 1, min(opacity / _HAIR * 1.15, 1.0)
    is_mixed = opacity < _OPAQUE
    if is_mixed:
        x, y, width, height = cv2.boundingRect(corners)
        left, top = max((x >> 4) - line - 1, 0), max((y >> 4) - line - 1, 0)
        right, bottom = ((x + width) >> 4) + line + 3, ((y + height) >> 4) + line + 3
        if right <= left or bottom <= top:
            return
        area = canvas[top:bottom, left:right]
        before = area.copy()
    cv2.polylines(canvas, [corners], False, color[::-1], line, cv2.LINE_AA, shift=4)
    if is_mixed and area.size:
        cv2.addWeighted(area, opacity, before, 1 - opacity, 0, dst=area)


def _draw_skeleton(canvas: Image, mark: Mark, pen: Pen) -> None:
    if mark.skeleton is None:
        return
    for limb in mark.skeleton.limbs:
        _draw_line(canvas, _sixteenths(limb), mark.color, pen.line, mark.opacity)
    for joint in mark.skeleton.joints:
        x, y = _sixteenths(joint[None])[0].tolist()
        if 0 <= x >> 4 < canvas.shape[1] and 0 <= y >> 4 < canvas.shape[0]:
            cv2.circle(
                canvas, (x, y), pen.joint * 16, ink_on(mark.color)[::-1], cv2.FILLED, cv2.LINE_AA, shift=4
            )
            cv2.circle(canvas, (x, y), pen.joint * 16, mark.color[::-1], 1, cv2.LINE_AA, shift=4)


def _sixteenths(points: FloatArray) -> npt.NDArray[np.int32]:
    """(N, 2) in 1/16 pixel, so that what is drawn does not tremble."""
    return (points * 16).clip(-(2**20), 2**20).astype(np.int32)


def _draw_label(canvas: Image, mark: Mark, label: Image, place: Rect) -> None:
    x, y = round(place[0]), round(place[1])
    # A label wider or higher than the picture is cut, not squeezed.
    label = label[: canvas.shape[0] - y, : canvas.shape[1] - x]
    ground = canvas[y : y + label.shape[0], x : x + label.shape[1]]
    opacity = max(LEAST_TEXT_OPACITY, mark.opacity)
    if opacity >= _OPAQUE:
        ground[:] = label
    else:
        cv2.addWeighted(label, opacity, ground, 1 - opacity, 0, dst=ground)


@lru_cache(maxsize=128)
def _label(words: tuple[str, ...], height: int, color: Color) -> Image:
    """(h, w, 3) BGR picture of a label. Not to be written to."""
    label: Image = _palette(color).take(label_mask(words, height), axis=0)
    label.flags.writeable = False
    return label


@lru_cache(maxsize=512)
def _palette(ground: Color) -> Image:
    """(256, 3) BGR: the colour for each coverage of a text mask, from the ground to its ink."""
    cover = np.arange(256)[:, None] / 255
    mix = np.array(ground[::-1]) * (1 - cover) + np.array(ink_on(ground)[::-1]) * cover
    palette: Image = np.round(mix).astype(np.uint8)
    return palette
