"""Paints how many objects there were at each time, by class, as layers over the time axis of the lanes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPen

from rtdet.types import FloatArray
from rtdet.ui import theme
from rtdet.ui.timeline.lane_painting import small_font
from rtdet.video.draw import color_of
from rtdet.viewer.timeline.state import Timeline

PixelArray = npt.NDArray[np.uint32]
CHART_PX = 58
_PAD = 6.0
_LINE_PX = 14.0


def paint_chart(painter: QPainter, timeline: Timeline, left: float, top: float, ratio: float) -> None:
    """`ratio`: pixels of the screen for a logical one."""
    axis = timeline.lanes.axis
    highest = max(timeline.counts.most, 1)  # of the whole run, so that the scale stays as one pans
    columns = max(round(axis.width * ratio), 1)
    means = timeline.counts.means(np.linspace(axis.left_s, axis.right_s, columns + 1))
    colors = [_class_color(label).rgba() for label in timeline.counts.labels]
    painter.setPen(QPen(QColor(theme.BORDER), 1))
    painter.drawLine(QPointF(0, top + CHART_PX - 0.5), QPointF(left + axis.width, top + CHART_PX - 0.5))
    if colors:
        layers = layered(np.cumsum(means, axis=0) / highest, colors, round((CHART_PX - 2 * _PAD) * ratio))
        painter.drawImage(QRectF(left, top + _PAD, axis.width, CHART_PX - 2 * _PAD), _as_image(layers))
    _paint_legend(painter, timeline, QRectF(0, top, left, CHART_PX), highest)


def layered(tops: FloatArray, colors: Sequence[int], rows: int) -> PixelArray:
    """(rows, W) colours 0xAARRGGBB of layers that lie on each other; `tops` (C, W): their upper edges, 0 to 1."""
    heights = np.arange(rows, 0, -1)[:, None] - 0.5
    pixels = np.zeros((rows, tops.shape[1]), np.uint32)
    for edge, color in zip(tops[::-1] * rows, reversed(colors), strict=True):
        pixels[heights < edge] = color
    return pixels


def _as_image(pixels: PixelArray) -> QImage:
    height, width = pixels.shape
    image: QImage = QImage(
        pixels.data,  # type: ignore[call-overload]  # any buffer will do
        width,
        height,
        pixels.strides[0],
        QImage.Format.Format_ARGB32,
    )
    copied: QImage = image.copy()  # which owns its pixels
    return copied


def _paint_legend(painter: QPainter, timeline: Timeline, box: QRectF, highest: int) -> None:
    font = small_font(painter)
    painter.setFont(font)
    metrics = QFontMetricsF(font)
    flags = Qt.AlignmentFlag.AlignVCenter
    line = QRectF(10, box.top() + 5, box.width() - 18, _LINE_PX)
    painter.setPen(QColor(theme.MUTED))
    most = f"most {highest}"
    if metrics.horizontalAdvance("Objects  ") + metrics.horizontalAdvance(most) <= line.width():
        painter.drawText(line, flags | Qt.AlignmentFlag.AlignLeft, "Objects")
    painter.drawText(line, flags | Qt.AlignmentFlag.AlignRight, most)
    x, y = 14.0, line.bottom() + 2
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for label in timeline.counts.labels:
        name = timeline.spans.name_of(label)
        width = metrics.horizontalAdvance(name) + 20
        if x + width > box.width() and x > 14:
            x, y = 14.0, y + _LINE_PX
        if y + _LINE_PX > box.bottom():
            break
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_class_color(label))
        painter.drawRoundedRect(QRectF(x - 3, y + 3, 8, 8), 2, 2)
        painter.setPen(QColor(theme.MUTED))
        painter.drawText(QRectF(x + 9, y, width, _LINE_PX), flags | Qt.AlignmentFlag.AlignLeft, name)
        x += width


def _class_color(label: int) -> QColor:
    return QColor(*color_of(-label))
