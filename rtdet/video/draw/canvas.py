"""Draws marks on a picture with OpenCV: on blue, green and red, or on luma and chroma (`layers.py`)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from rtdet.types import FloatArray, Image, Tracks
from rtdet.video.draw.colors import Color, ink_on
from rtdet.video.draw.layers import BGR, BLACK, OPAQUE, Layer, Side
from rtdet.video.draw.lettering import label_size
from rtdet.video.draw.marks import Mark, marks_of
from rtdet.video.draw.placing import Rect, place_labels, touch
from rtdet.video.draw.style import DASH, GAP, LEAST_TEXT_OPACITY, RIM_OPACITY, DrawStyle, Pen
from rtdet.video.draw.trails import TrailStore, trail_parts
from rtdet.video.draw.zone_marks import ZoneMark

# What a line of one pixel covers of what one of two pixels does, as OpenCV smooths them.
_HAIR = 0.63
Canvas = Sequence[Layer]


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


def draw_marks(canvas: Image | Canvas, marks: Sequence[Mark], style: DrawStyle) -> None:
    """Draws into the canvas: an (H, W, 3) BGR image, or the layers of a picture, the first of which has all its
    pixels. Text lies over every box, so that no line crosses it, and boxes over every trail."""
    layers = [Layer(canvas, BGR)] if isinstance(canvas, np.ndarray) else canvas
    height, width = layers[0].pixels.shape[:2]
    pen, clip = Pen.of(width, height, style.scale, style.thickness), (0.0, 0.0, float(width), float(height))
    for zone in style.zones:
        _draw_zone(layers, zone, pen)
    marks = [mark for mark in marks if touch(mark.box, clip)]
    for mark in marks:
        _draw_trail(layers, mark, pen)
    for mark in marks if style.show_boxes else ():
        _draw_box(layers, mark, pen)
    for mark in marks if style.show_boxes else ():
        _draw_skeleton(layers, mark, pen)
    labeled = [mark for mark in marks if mark.label]
    sizes = [label_size(mark.label, pen.text) for mark in labeled]
    places = place_labels([mark.box for mark in labeled], sizes, clip)
    for mark, place in zip(labeled, places, strict=True):
        _draw_label(layers, mark, pen, place)
    for zone in style.zones:
        if zone.words:
            _draw_zone_label(layers, zone, pen)


def _draw_zone(canvas: Canvas, zone: ZoneMark, pen: Pen) -> None:
    """A line or the border of a zone."""
    lines = [zone.outline]
    if zone.arrow:
        middle, tip, left, right = (np.array(point) for point in zone.arrow)
        lines += [np.stack([middle, tip]), np.stack([left, tip, right])]
    for width, color, opacity in ((pen.line + 2, BLACK, RIM_OPACITY), (pen.line, zone.color, 1.0)):
        for points in lines:
            _draw_line(canvas, _sixteenths(points), color, width, opacity)


def _draw_zone_label(canvas: Canvas, zone: ZoneMark, pen: Pen) -> None:
    """Over everything, so that counts can always be read."""
    width, height = label_size(zone.words, pen.text)
    bottom, right = canvas[0].pixels.shape[:2]
    x, y = zone.label_at
    left = round(min(max(x, 0), max(0, right - width)))
    top = round(min(max(y - height - 2, 0), max(0, bottom - height)))
    _draw_words(canvas, zone.words, pen, zone.color, (left, top), 1.0)


def _draw_box(canvas: Canvas, mark: Mark, pen: Pen) -> None:
    # Far outside, a line cannot be seen, and the numbers would be too large to count in.
    height, width = canvas[0].pixels.shape[:2]
    x1, x2 = (round(min(max(x, -64.0), width + 64.0)) for x in (mark.box[0], mark.box[2]))
    y1, y2 = (round(min(max(y, -64.0), height + 64.0)) for y in (mark.box[1], mark.box[3]))
    corners = (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
    dash = (math.ceil(DASH * pen.line), math.ceil(GAP * pen.line)) if mark.is_dashed else None
    if pen.rim:  # not in chroma: in the dark one pixel of it does not show
        _shade(canvas[:1], _sides(corners, pen.rim), BLACK, RIM_OPACITY * mark.opacity, dash)
    if dash is None and mark.opacity >= OPAQUE:
        for layer in canvas:
            layer.box(corners, mark.color, pen.line)
    else:
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
    canvas: Canvas, sides: Sequence[Side], color: Color, opacity: float, dash: tuple[int, int] | None
) -> None:
    """Mixes a colour into areas, all along them or in dashes (length, gap)."""
    for layer in canvas:
        for side in sides:
            layer.shade(side, color, opacity, dash)


def _draw_trail(canvas: Canvas, mark: Mark, pen: Pen) -> None:
    if len(mark.trail) < 2:
        return
    corners = _sixteenths(mark.trail)
    for part, opacity, width in trail_parts(len(corners)):
        line = max(1, round(pen.line * width))
        _draw_line(canvas, corners[part], mark.color, line, opacity * mark.opacity)


def _draw_line(
    canvas: Canvas, corners: npt.NDArray[np.int32], color: Color, line: int, opacity: float
) -> None:
    """A line through the corners (N, 2), in 1/16 pixel, mixed into the picture."""
    if line == 2 and opacity <= _HAIR:
        # As faint to the eye, and far cheaper, as it need not be mixed in where that makes it clear.
        line, opacity = 1, min(opacity / _HAIR * 1.15, 1.0)
    for layer in canvas:
        layer.line(corners, color, line, opacity)


def _draw_skeleton(canvas: Canvas, mark: Mark, pen: Pen) -> None:
    if mark.skeleton is None:
        return
    for limb in mark.skeleton.limbs:
        _draw_line(canvas, _sixteenths(limb), mark.color, pen.line, mark.opacity)
    height, width = canvas[0].pixels.shape[:2]
    for joint in mark.skeleton.joints:
        x, y = _sixteenths(joint[None])[0].tolist()
        if 0 <= x >> 4 < width and 0 <= y >> 4 < height:
            for layer in canvas:
                layer.disc(x, y, pen.joint, ink_on(mark.color), cv2.FILLED)
                layer.disc(x, y, pen.joint, mark.color, 1)


def _sixteenths(points: FloatArray) -> npt.NDArray[np.int32]:
    """(N, 2) in 1/16 pixel, so that what is drawn does not tremble."""
    return (points * 16).clip(-(2**20), 2**20).astype(np.int32)


def _draw_label(canvas: Canvas, mark: Mark, pen: Pen, place: Rect) -> None:
    at = round(place[0]), round(place[1])
    _draw_words(canvas, mark.label, pen, mark.color, at, max(LEAST_TEXT_OPACITY, mark.opacity))


def _draw_words(
    canvas: Canvas, words: tuple[str, ...], pen: Pen, color: Color, at: tuple[int, int], opacity: float
) -> None:
    for layer in canvas:
        layer.words(words, pen.text, color, at, opacity)
