"""Boxes, labels and trails over the picture, as vectors in the window's own pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF

from rtdet.video.draw import DrawStyle, Mark, ink_on, label_text
from rtdet.video.draw.placing import Rect, place_labels, touch
from rtdet.video.draw.style import DASH, GAP, LEAST_TEXT_OPACITY, RIM_OPACITY, Pen
from rtdet.video.draw.trails import trail_parts
from rtdet.video.draw.zone_marks import ZoneMark

Place = Callable[[float, float], QPointF]
_PEN = Pen(line=2, text=9)
_FONT_PX = 12
_BLACK = QColor(0, 0, 0)
_widths: dict[str, float] = {}
_MOST_WIDTHS = 2000


def paint_marks(
    painter: QPainter,
    marks: Sequence[Mark],
    style: DrawStyle,
    place: Place,
    clip: QRectF,
    *,
    is_small: bool = False,
) -> None:
    """Paints the marks. `place` maps source pixels to the painter's; labels stay inside `clip`, the visible part.
    is_small: the picture is, and has simpler ones: boxes without a dark rim, trails that do not fade."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    font = QFont(painter.font())
    font.setPixelSize(_FONT_PX)
    font.setWeight(QFont.Weight.DemiBold)
    painter.setFont(font)
    inside = (clip.left(), clip.top(), clip.right(), clip.bottom())
    for zone in style.zones:
        _paint_zone(painter, zone, place)
    placed = [(mark, _placed(mark, place)) for mark in marks]
    placed = [(mark, box) for mark, box in placed if touch(box, inside)]
    # Text lies over every box, boxes over every trail.
    for mark, _ in placed:
        _paint_trail(painter, mark, place, is_small)
    for mark, box in placed if style.show_boxes else ():
        _paint_box(painter, mark, _near(box, inside), has_rim=not is_small)
    for mark, _ in placed if style.show_boxes else ():
        _paint_skeleton(painter, mark, place)
    _paint_labels(painter, [(mark, box) for mark, box in placed if mark.label], QFontMetricsF(font), inside)
    for zone in style.zones:
        if zone.words:
            _paint_zone_label(painter, zone, place, QFontMetricsF(font), inside)
    painter.setOpacity(1.0)


def _paint_zone(painter: QPainter, zone: ZoneMark, place: Place) -> None:
    lines = [[place(x, y) for x, y in zone.outline.tolist()]]
    if zone.arrow:
        middle, tip, left, right = (place(x, y) for x, y in zone.arrow)
        lines += [[middle, tip], [left, tip, right]]
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for line, color, opacity in (
        (_PEN.rim, _BLACK, RIM_OPACITY),
        (_PEN.line, QColor(*zone.color), 1.0),
    ):
        pen = QPen(color, line)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setOpacity(opacity)
        painter.setPen(pen)
        for points in lines:
            painter.drawPolyline(QPolygonF(points))


def _paint_zone_label(
    painter: QPainter, zone: ZoneMark, place: Place, metrics: QFontMetricsF, inside: Rect
) -> None:
    text = label_text(zone.words)
    at, width, height = place(*zone.label_at), metrics.horizontalAdvance(text) + 10, metrics.height() + 4
    x = min(max(at.x(), inside[0]), max(inside[0], inside[2] - width))
    y = min(max(at.y() - height - 2, inside[1]), max(inside[1], inside[3] - height))
    _paint_words(painter, text, QRectF(x, y, width, height), zone.color, 1.0)


def _placed(mark: Mark, place: Place) -> Rect:
    x1, y1, x2, y2 = mark.box
    first, second = place(x1, y1), place(x2, y2)
    return first.x(), first.y(), second.x(), second.y()


def _near(box: Rect, inside: Rect) -> QRectF:
    """The box, its sides no farther outside than where they cannot be seen: Qt would count every dash of them."""
    x1, x2 = (min(max(x, inside[0] - 64.0), inside[2] + 64.0) for x in (box[0], box[2]))
    y1, y2 = (min(max(y, inside[1] - 64.0), inside[3] + 64.0) for y in (box[1], box[3]))
    return QRectF(QPointF(x1, y1), QPointF(x2, y2))


def _paint_box(painter: QPainter, mark: Mark, rect: QRectF, *, has_rim: bool) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if has_rim and mark.is_dashed:
        _stroke_box(painter, mark, rect, _PEN.rim, _BLACK, RIM_OPACITY)
    elif has_rim:
        _fill_rim(painter, mark, rect)
    _stroke_box(painter, mark, rect, _PEN.line, QColor(*mark.color), 1.0)


def _stroke_box(
    painter: QPainter, mark: Mark, rect: QRectF, width: float, color: QColor, opacity: float
) -> None:
    pen = QPen(color, width)
    if mark.is_dashed:
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pen.setDashPattern([length * _PEN.line / width for length in (DASH, GAP)])
    painter.setOpacity(mark.opacity * opacity)
    painter.setPen(pen)
    painter.drawRoundedRect(rect, 2, 2)


def _fill_rim(painter: QPainter, mark: Mark, rect: QRectF) -> None:
    """The rim of a box as four bars on whole pixels, which leave the outer corners round: a smooth translucent line
    takes Qt several times as long as an opaque one, and only a pixel on each side of the box's own line is seen."""
    left, right = sorted((round(rect.left()), round(rect.right())))
    top, bottom = sorted((round(rect.top()), round(rect.bottom())))
    half = _PEN.rim // 2
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setOpacity(mark.opacity * RIM_OPACITY)
    for y in (top, bottom):
        painter.fillRect(left, y - half, right - left, _PEN.rim, _BLACK)
    for x in (left, right):
        painter.fillRect(x - half, top, _PEN.rim, bottom - top, _BLACK)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)


def _paint_trail(painter: QPainter, mark: Mark, place: Place, is_small: bool) -> None:
    points = [place(x, y) for x, y in mark.trail.tolist()]
    for part, opacity, width in [(slice(None), 0.6, 0.75)] if is_small else trail_parts(len(points)):
        pen = QPen(QColor(*mark.color), _PEN.line * width)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setOpacity(mark.opacity * opacity)
        painter.setPen(pen)
        painter.drawPolyline(QPolygonF(points[part]))


def _paint_skeleton(painter: QPainter, mark: Mark, place: Place) -> None:
    if mark.skeleton is None:
        return
    pen = QPen(QColor(*mark.color), _PEN.line)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setOpacity(mark.opacity)
    painter.setPen(pen)
    for start, end in mark.skeleton.limbs.tolist():
        painter.drawLine(place(*start), place(*end))
    painter.setPen(QPen(QColor(*mark.color), 1))
    painter.setBrush(QColor(*ink_on(mark.color)))
    for x, y in mark.skeleton.joints.tolist():
        painter.drawEllipse(place(x, y), _PEN.joint, _PEN.joint)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _width_of(text: str, metrics: QFontMetricsF) -> float:
    """How wide a label's text is, which is always in the same font. The same texts come again with every picture."""
    if text not in _widths:
        if len(_widths) >= _MOST_WIDTHS:
            _widths.clear()
        _widths[text] = metrics.horizontalAdvance(text)
    return _widths[text]


def _paint_labels(
    painter: QPainter, placed: Sequence[tuple[Mark, Rect]], metrics: QFontMetricsF, inside: Rect
) -> None:
    texts = [label_text(mark.label) for mark, _ in placed]
    height = metrics.height() + 4
    sizes = [(_width_of(text, metrics) + 10, height) for text in texts]
    rects = place_labels([box for _, box in placed], sizes, inside)
    for (mark, _), text, (left, top, right, bottom) in zip(placed, texts, rects, strict=True):
        label = QRectF(left, top, right - left, bottom - top)
        _paint_words(painter, text, label, mark.color, max(mark.opacity, LEAST_TEXT_OPACITY))


def _paint_words(
    painter: QPainter, text: str, label: QRectF, color: tuple[int, int, int], opacity: float
) -> None:
    painter.setOpacity(opacity)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(*color))
    painter.drawRoundedRect(label, 3, 3)
    painter.setPen(QColor(*ink_on(color)))
    painter.drawText(label, Qt.AlignmentFlag.AlignCenter, text)
    painter.setBrush(Qt.BrushStyle.NoBrush)
