"""Drawing tracks on a picture: boxes, label chips, trails, in colours that stay with the ID."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from rtdet.types import FloatArray, Image, Tracks
from rtdet.video.fading import missed, opacities

Colour = tuple[int, int, int]
Corners = tuple[int, int, int, int]

# From here on a box is painted as if it were there for certain: nobody sees the difference.
_OPAQUE = 0.98


@dataclass(frozen=True)
class DrawStyle:
    """What is drawn. `scale` multiplies line widths and text; `trail_s` is how many seconds a trail
    lasts (0: none); a track fades over `fade_s` seconds without a detection, or as its place gets uncertain."""

    show_labels: bool = True
    show_ids: bool = True
    show_scores: bool = True
    scale: float = 1.0
    trail_s: float = 1.5
    fade_s: float = 1.0


@lru_cache(maxsize=4096)
def color_of(track_id: int) -> Colour:
    """(r, g, b) of an ID, always the same. Neighbouring IDs are far apart in hue (golden ratio) and also
    differ in lightness, so that they can be told apart without seeing hue. IDs below 1 (no tracker) are
    coloured too: pass minus the label.

    Colours are chosen in OKLCH (Ottosson 2020), where equal lightness looks equally light.
    """
    hue = 2 * math.pi * ((track_id * 0.6180339887498949 + 0.08) % 1.0)
    lightness = (0.70, 0.82, 0.60)[track_id % 3]
    chroma = 0.18
    while True:
        linear = _oklch_to_linear_rgb(lightness, chroma, hue)
        if chroma < 0.02 or all(-1e-3 <= c <= 1.001 for c in linear):
            break
        chroma -= 0.005
    red, green, blue = (round(255 * _gamma(min(1.0, max(0.0, c)))) for c in linear)
    return red, green, blue


def _oklch_to_linear_rgb(lightness: float, chroma: float, hue: float) -> tuple[float, float, float]:
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _gamma(linear: float) -> float:
    return 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055


class TrailStore:
    """The foot points (bottom centre of the box) of each ID over the last `seconds`, bounded in number."""

    def __init__(self, seconds: float = 1.5, max_points: int = 256) -> None:
        self.seconds, self._max_points = seconds, max_points
        self._points: dict[int, deque[tuple[float, float, float]]] = {}
        self._newest = -math.inf

    def update(self, tracks: Tracks, t: float) -> None:
        """Add the tracks of the moment `t`. Time that runs backwards (a seek) forgets everything."""
        if t < self._newest:
            self.clear()
        self._newest = t
        feet = np.column_stack([(tracks.boxes[:, 0] + tracks.boxes[:, 2]) / 2, tracks.boxes[:, 3]])
        for track_id, (x, y) in zip(tracks.ids.tolist(), feet.tolist(), strict=True):
            if track_id > 0 and math.isfinite(x) and math.isfinite(y):
                self._points.setdefault(track_id, deque(maxlen=self._max_points)).append((t, x, y))
        self._forget(t - self.seconds)

    def points(self, track_id: int) -> FloatArray:
        """(N, 2) foot points of an ID, oldest first; (0, 2) for one that is not known."""
        return np.array([(x, y) for _, x, y in self._points.get(track_id, ())]).reshape(-1, 2)

    def clear(self) -> None:
        self._points.clear()
        self._newest = -math.inf

    def __len__(self) -> int:
        return len(self._points)

    def _forget(self, before: float) -> None:
        for track_id in list(self._points):
            points = self._points[track_id]
            while points and points[0][0] < before:
                points.popleft()
            if not points:
                del self._points[track_id]


def draw_tracks(
    image: Image, tracks: Tracks, style: DrawStyle | None = None, trails: TrailStore | None = None
) -> Image:
    """A copy of the (H, W, 3) BGR image with the tracks on it.

    A track fades as its place gets uncertain (`opacities`); the box of one that is missed is dashed. Boxes that
    are not finite are left out. Text lies over every box, so that no line crosses it.
    """
    style = style or DrawStyle()
    canvas: Image = image.copy()
    pen = _Pen.of(canvas, style)
    corners = _corners(tracks.boxes, canvas)
    rows = np.flatnonzero(np.isfinite(tracks.boxes).all(axis=1)).tolist()
    for row in rows if trails is not None and style.trail_s > 0 else ():
        assert trails is not None
        _draw_trail(canvas, trails.points(int(tracks.ids[row])), _colour(tracks, row), pen)
    faint, dashed = opacities(tracks, style.fade_s).tolist(), missed(tracks).tolist()
    for row in rows:
        _draw_box(canvas, corners[row], _colour(tracks, row), pen, faint[row], dashed=dashed[row])
    for row in rows if style.show_labels or style.show_ids or style.show_scores else ():
        _draw_chip(canvas, tracks, row, corners[row], style, pen, faint[row])
    return canvas


@dataclass(frozen=True)
class _Pen:
    line: int
    text: int  # height of a capital letter, in pixels

    @staticmethod
    def of(canvas: Image, style: DrawStyle) -> _Pen:
        side = min(canvas.shape[:2]) * style.scale
        return _Pen(max(1, round(side / 360)), max(7, round(side / 64)))


def _colour(tracks: Tracks, row: int) -> Colour:
    """BGR, as OpenCV draws it."""
    track_id = int(tracks.ids[row])
    red, green, blue = color_of(track_id if track_id > 0 else -int(tracks.labels[row]))
    return blue, green, red


def _corners(boxes: FloatArray, canvas: Image) -> list[Corners]:
    # Far outside, a line cannot be seen, and OpenCV's coordinates would overflow.
    height, width = canvas.shape[:2]
    limits = np.array([width + 16, height + 16] * 2)
    whole = np.nan_to_num(boxes).round().clip(-16, limits).astype(int)
    return [(left, top, right, bottom) for left, top, right, bottom in whole.tolist()]


def _draw_box(
    canvas: Image, corners: Corners, colour: Colour, pen: _Pen, opacity: float, *, dashed: bool
) -> None:
    left, top, right, bottom = corners
    if opacity >= _OPAQUE and not dashed:
        if pen.line > 1:  # a dark rim keeps a box visible on a ground of its own colour
            cv2.rectangle(canvas, (left, top), (right, bottom), (24, 24, 24), pen.line + 2)
        cv2.rectangle(canvas, (left, top), (right, bottom), colour, pen.line)
        return
    for start, end in (
        ((left, top), (right, top)),
        ((left, bottom), (right, bottom)),
        ((left, top), (left, bottom)),
        ((right, top), (right, bottom)),
    ):
        _draw_side(canvas, start, end, colour, pen, opacity, dashed=dashed)


def _draw_side(
    canvas: Image,
    start: tuple[int, int],
    end: tuple[int, int],
    colour: Colour,
    pen: _Pen,
    opacity: float,
    *,
    dashed: bool,
) -> None:
    """A horizontal or vertical line, mixed into the picture by `opacity`."""
    half = pen.line // 2 + 1
    height, width = canvas.shape[:2]
    x0, x1 = max(0, start[0] - half), min(width, end[0] + half + 1)
    y0, y1 = max(0, start[1] - half), min(height, end[1] + half + 1)
    if x0 >= x1 or y0 >= y1:
        return
    strip = canvas[y0:y1, x0:x1]
    drawn = strip.copy()
    length = max(end[0] - start[0], end[1] - start[1])
    dash = 5 * pen.line + 2 if dashed else length + 1
    along = (1, 0) if end[0] - start[0] >= end[1] - start[1] else (0, 1)
    for at in range(0, length + 1, 2 * dash):
        to = min(at + dash, length)
        first = (start[0] + along[0] * at - x0, start[1] + along[1] * at - y0)
        last = (start[0] + along[0] * to - x0, start[1] + along[1] * to - y0)
        cv2.line(drawn, first, last, colour, pen.line)
    strip[:] = cv2.addWeighted(drawn, opacity, strip, 1 - opacity, 0)


def _draw_trail(canvas: Image, points: FloatArray, colour: Colour, pen: _Pen) -> None:
    """A line that grows thicker towards now; coordinates in 1/16 pixel, so that it does not tremble."""
    if len(points) < 2:
        return
    # A dozen corners look the same as hundreds and are drawn several times faster.
    step = -(-len(points) // 12)
    points = points[(len(points) - 1) % step :: step]
    fixed = (points * 16).clip(-(2**20), 2**20).astype(np.int32)
    middle = len(points) // 2
    for width, piece in ((pen.line - 1, fixed[: middle + 1]), (pen.line, fixed[middle:])):
        cv2.polylines(canvas, [piece], False, colour, max(1, width), cv2.LINE_AA, shift=4)


def _draw_chip(
    canvas: Image, tracks: Tracks, row: int, corners: Corners, style: DrawStyle, pen: _Pen, opacity: float
) -> None:
    parts = _label(tracks, row, style)
    if not parts:
        return
    colour = _colour(tracks, row)
    mask = _label_mask(parts, pen.text)
    x, y = _chip_place(canvas, mask.shape, corners, pen)
    # A chip wider or higher than the picture is cut, not squeezed.
    mask = mask[: canvas.shape[0] - y, : canvas.shape[1] - x]
    ground = canvas[y : y + mask.shape[0], x : x + mask.shape[1]]
    opacity = max(0.7, opacity)  # below this, text cannot be read on any ground
    chip = _palette(colour).take(mask, axis=0)
    ground[:] = chip if opacity >= _OPAQUE else cv2.addWeighted(chip, opacity, ground, 1 - opacity, 0)


def _label(tracks: Tracks, row: int, style: DrawStyle) -> tuple[str, ...]:
    track_id = int(tracks.ids[row])
    parts = [tracks.name_of(row)] if style.show_labels else []
    if style.show_ids and track_id > 0:
        parts.append(f"#{track_id}")
    if style.show_scores:
        parts.append(f"{float(tracks.scores[row]):.2f}".removeprefix("0"))
    return tuple(parts)


def _chip_place(canvas: Image, shape: tuple[int, ...], corners: Corners, pen: _Pen) -> tuple[int, int]:
    """Above the box; inside it where the picture ends; always within the picture."""
    height, width = canvas.shape[:2]
    left, top, _, bottom = corners
    x, y = left - (pen.line + 1) // 2, top - shape[0] - pen.line // 2
    if y < 0:
        y = min(max(top, 0) + (pen.line + 1) // 2, max(bottom, 0))
    return max(0, min(x, width - shape[1])), max(0, min(y, height - shape[0]))


def _luminance(bgr: Colour) -> float:
    """Relative luminance as WCAG 2 defines it, 0 to 1."""
    blue, green, red = ((c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4) for c in bgr)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@lru_cache(maxsize=512)
def _palette(ground: Colour) -> Image:
    """(256, 3): the colour for each coverage of a text mask, from the ground to black or white ink."""
    # The ink that stands out more by WCAG's contrast, which is then at least 4.5.
    ink = 0 if _luminance(ground) > 0.179 else 255
    cover = np.arange(256)[:, None] / 255
    palette: Image = np.round(np.array(ground) * (1 - cover) + ink * cover).astype(np.uint8)
    return palette


@lru_cache(maxsize=1024)
def _label_mask(parts: tuple[str, ...], height: int) -> Image:
    """The masks of the parts side by side, with room around them."""
    gap = np.zeros((_text_mask(parts[0], height).shape[0], max(2, height // 2)), np.uint8)
    pieces = [gap]
    for part in parts:
        pieces += [_text_mask(part, height), gap]
    return np.hstack(pieces)


@lru_cache(maxsize=2048)
def _text_mask(text: str, height: int) -> Image:
    """(h, w) coverage of the text, with a capital letter `height` pixels high.

    Drawn four times as large and shrunk: OpenCV's stroke fonts are ragged at small sizes.
    """
    font, factor = cv2.FONT_HERSHEY_DUPLEX, 4
    (_, cap), _ = cv2.getTextSize("H", font, 1.0, 1)
    scale = height * factor / cap
    thickness = max(1, round(height * factor / 10))
    (width, _), _ = cv2.getTextSize(text, font, scale, thickness)
    above, below = (height * 5) // 10, (height * 6) // 10
    large = np.zeros(((height + above + below) * factor, -(-width // factor) * factor), np.uint8)
    origin = (0, (height + above) * factor)
    cv2.putText(large, text, origin, font, scale, 255, thickness, cv2.LINE_AA)
    size = (max(1, large.shape[1] // factor), large.shape[0] // factor)
    small: Image = cv2.resize(large, size, interpolation=cv2.INTER_AREA)
    small.flags.writeable = False
    return small
