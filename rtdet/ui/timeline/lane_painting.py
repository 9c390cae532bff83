"""Paints lanes, the ruler above them and the playhead."""

from __future__ import annotations

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from rtdet.ui import theme
from rtdet.video.draw import color_of
from rtdet.viewer.rates import clock
from rtdet.viewer.timeline.axis import TimeAxis
from rtdet.viewer.timeline.lanes import LANE_PX, Lanes
from rtdet.viewer.timeline.state import Timeline

RULER_PX = 24
_SEEN_PX, _UNSEEN_PX = 10.0, 4.0
_DARKER = 150  # percent
_SMALL_PX = 11
# A gutter that is narrower has no room for times.
_ROOM_FOR_TIMES = 170


def paint_ruler(painter: QPainter, axis: TimeAxis, left: float) -> None:
    """Round times along the upper edge, and a fine line down from each."""
    font = small_font(painter)
    painter.setFont(font)
    metrics = QFontMetricsF(font)
    painter.save()
    painter.setClipRect(QRectF(left, 0, axis.width, 1e5))
    for x, text in axis.ticks():
        at = round(left + x) + 0.5
        painter.setPen(QPen(QColor(theme.RAISED), 1))
        painter.drawLine(QPointF(at, RULER_PX), QPointF(at, 1e5))
        painter.setPen(QPen(QColor(theme.DISABLED), 1))
        painter.drawLine(QPointF(at, RULER_PX - 5), QPointF(at, RULER_PX))
        painter.setPen(QColor(theme.MUTED))
        width = metrics.horizontalAdvance(text)
        place = min(max(at - width / 2, left + 2), left + axis.width - width - 2)
        painter.drawText(QPointF(place, RULER_PX - 9), text)
    painter.restore()


def paint_lanes(painter: QPainter, timeline: Timeline, left: float, top: float) -> None:
    """Those lanes that can be seen; `left` is where the axis begins, `top` the first lane."""
    lanes = timeline.lanes
    painter.save()
    painter.setClipRect(QRectF(0, top, left + lanes.axis.width, lanes.height))
    for row in lanes.visible():
        y = top + lanes.y_of(row)
        track_id = int(lanes.spans.ids[lanes.shown[row]])
        if track_id in timeline.selected:
            is_chosen = track_id == timeline.chosen
            ground = QRectF(0, y, left + lanes.axis.width, LANE_PX)
            painter.fillRect(ground, QColor(theme.HOVER if is_chosen else theme.RAISED))
            painter.fillRect(QRectF(0, y, 3, LANE_PX), QColor(theme.ACCENT))
        _paint_name(painter, lanes, row, QRectF(0, y, left, LANE_PX), track_id == timeline.following)
        _paint_strips(painter, lanes, row, left, y + LANE_PX / 2)
    painter.restore()


def _paint_name(painter: QPainter, lanes: Lanes, row: int, box: QRectF, is_followed: bool) -> None:
    spans, place = lanes.spans, int(lanes.shown[row])
    track_id = int(spans.ids[place])
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(*color_of(track_id)))
    painter.drawEllipse(QPointF(14, box.center().y()), 4, 4)
    if is_followed:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(theme.TEXT), 1.4))
        painter.drawEllipse(QPointF(14, box.center().y()), 6.5, 6.5)
    font = small_font(painter)
    painter.setFont(font)
    metrics = QFontMetricsF(font)
    words = box.adjusted(26, 0, -8, 0)
    if box.width() >= _ROOM_FOR_TIMES:
        times = f"{clock(float(spans.first_s[place]))} \N{EN DASH} {clock(float(spans.last_s[place]))}"
        painter.setPen(QColor(theme.MUTED))
        painter.drawText(words, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, times)
        words.setRight(words.right() - metrics.horizontalAdvance(times) - 8)
    number = f"#{track_id}"
    room = words.width() - metrics.horizontalAdvance(number) - 6
    name = metrics.elidedText(spans.class_of(place), Qt.TextElideMode.ElideRight, max(room, 0.0))
    painter.setPen(QColor(theme.TEXT))
    painter.drawText(words, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, number)
    words.setLeft(words.left() + metrics.horizontalAdvance(number) + 6)
    painter.setPen(QColor(theme.MUTED))
    painter.drawText(words, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, name)


def _paint_strips(painter: QPainter, lanes: Lanes, row: int, left: float, middle: float) -> None:
    """Seen stretches as bars, those only filled in or predicted as thin ones; a gap is a fine line."""
    place, edge = int(lanes.shown[row]), lanes.axis.width
    color = QColor(*color_of(int(lanes.spans.ids[place])))
    faint = QColor(color)
    faint.setAlpha(90)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    begin = max(lanes.axis.x_of(float(lanes.spans.first_s[place])), 0.0)
    end = min(lanes.axis.x_of(float(lanes.spans.last_s[place])), edge)
    if end > begin:
        painter.fillRect(QRectF(left + begin, middle - 0.5, end - begin, 1), faint)
    for strip in lanes.strips(row):
        x1, x2 = max(strip.left, 0.0), min(strip.right, edge)
        height = _SEEN_PX if strip.is_seen else _UNSEEN_PX
        ink = color if strip.is_seen else color.darker(_DARKER)
        painter.fillRect(QRectF(left + x1, middle - height / 2, max(x2 - x1, 1.5), height), ink)


def paint_playhead(painter: QPainter, x: float, bottom: float) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(theme.TEXT), 1.4))
    painter.drawLine(QPointF(x, RULER_PX - 8), QPointF(x, bottom))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.TEXT))
    painter.drawPolygon(
        QPointF(x - 5, RULER_PX - 12), QPointF(x + 5, RULER_PX - 12), QPointF(x, RULER_PX - 4)
    )


def small_font(painter: QPainter) -> QFont:
    font = QFont(painter.font())
    font.setPixelSize(_SMALL_PX)
    font.setWeight(QFont.Weight.Normal)
    return font
