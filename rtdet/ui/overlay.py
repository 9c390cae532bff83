"""Boxes, names and trails over the picture, as vectors in the window's own pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF

from rtdet.types import Tracks
from rtdet.video.draw import TrailStore, color_of
from rtdet.video.fading import missed, opacities

FADE_S = 1.5


@dataclass(frozen=True)
class OverlayStyle:
    boxes: bool = True
    labels: bool = True
    trails: bool = True
    has_ids: bool = True


def label_of(tracks: Tracks, row: int, has_ids: bool) -> str:
    name = tracks.name_of(row)
    track_id = int(tracks.ids[row])
    who = f"{name} #{track_id}" if has_ids and track_id > 0 else name
    return f"{who}  {float(tracks.scores[row]):.2f}"


def paint_tracks(
    painter: QPainter,
    tracks: Tracks,
    trails: TrailStore,
    place: Callable[[float, float], QPointF],
    style: OverlayStyle,
    clip: QRectF,
) -> None:
    """`place` maps source pixels to the painter's; `clip` is the visible part, which labels stay inside."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    font = QFont(painter.font())
    font.setPixelSize(12)
    font.setWeight(QFont.Weight.DemiBold)
    painter.setFont(font)
    metrics = QFontMetricsF(font)
    marks = [mark for mark in _marks(tracks, place, style) if mark.rect.intersects(clip)]
    # Text lies over every box, boxes over every trail.
    for mark in marks if style.trails else ():
        if mark.has_id:
            painter.setOpacity(mark.opacity)
            _paint_trail(painter, trails.points(mark.track_id).tolist(), place, mark.color)
    for mark in marks if style.boxes else ():
        painter.setOpacity(mark.opacity)
        _paint_box(painter, mark)
    for mark, chip in zip(marks, _places(marks, metrics, clip), strict=True) if style.labels else ():
        painter.setOpacity(max(mark.opacity, 0.6))
        _paint_label(painter, mark, chip)
    painter.setOpacity(1.0)


@dataclass(frozen=True)
class _Mark:
    """One track as it is painted."""

    rect: QRectF
    color: QColor
    opacity: float
    dashed: bool
    has_id: bool
    track_id: int
    label: str


def _marks(tracks: Tracks, place: Callable[[float, float], QPointF], style: OverlayStyle) -> list[_Mark]:
    """Faint ones first, so that what was just seen lies on top."""
    marks = []
    faint, dashed = opacities(tracks, FADE_S), missed(tracks)
    for row in np.argsort(faint, kind="stable").tolist():
        x1, y1, x2, y2 = tracks.boxes[row].tolist()
        if not np.isfinite(x1 + y1 + x2 + y2):
            continue
        track_id = int(tracks.ids[row])
        has_id = style.has_ids and track_id > 0
        marks.append(
            _Mark(
                QRectF(place(x1, y1), place(x2, y2)),
                QColor(*color_of(track_id if has_id else -int(tracks.labels[row]))),
                float(faint[row]),
                bool(dashed[row]),
                has_id,
                track_id,
                label_of(tracks, row, style.has_ids),
            )
        )
    return marks


def _paint_box(painter: QPainter, mark: _Mark) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(0, 0, 0, 110), 4))
    painter.drawRoundedRect(mark.rect, 2, 2)
    painter.setPen(QPen(mark.color, 2, Qt.PenStyle.DashLine if mark.dashed else Qt.PenStyle.SolidLine))
    painter.drawRoundedRect(mark.rect, 2, 2)


def _paint_trail(
    painter: QPainter,
    points: list[list[float]],
    place: Callable[[float, float], QPointF],
    color: QColor,
) -> None:
    if len(points) < 2:
        return
    third = max(len(points) // 3, 1)
    placed = [place(x, y) for x, y in points]
    for start, alpha, width in ((0, 70, 1.5), (third, 130, 2.0), (2 * third, 220, 2.5)):
        part = placed[start : start + third + 1] if start < 2 * third else placed[start:]
        if len(part) < 2:
            continue
        shade = QColor(color)
        shade.setAlpha(alpha)
        pen = QPen(shade, width)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawPolyline(QPolygonF(part))


def _places(marks: list[_Mark], metrics: QFontMetricsF, clip: QRectF) -> list[QRectF]:
    """Where each label goes: over its box, else inside it at the top, else under it; the first that is free
    of other labels, those that are painted last choosing first. Where none is free labels overlap."""
    height = metrics.height() + 4
    taken: list[QRectF] = []
    for mark in reversed(marks):
        rect, width = mark.rect, metrics.horizontalAdvance(mark.label) + 10
        left = min(max(rect.left() - 1, clip.left()), max(clip.right() - width, clip.left()))
        tops = [rect.top() - height - 1, max(rect.top() + 1, clip.top()), rect.bottom() + 1]
        chips = [QRectF(left, top, width, height) for top in tops]
        chips = [chip for chip in chips if chip.top() >= clip.top() and chip.bottom() <= clip.bottom()]
        chips = chips or [QRectF(left, tops[1], width, height)]
        free = (chip for chip in chips if not any(chip.intersects(other) for other in taken))
        taken.append(next(free, chips[0]))
    return taken[::-1]


def _paint_label(painter: QPainter, mark: _Mark, chip: QRectF) -> None:
    color = mark.color
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawRoundedRect(chip, 3, 3)
    bright = 0.299 * color.red() + 0.587 * color.green() + 0.114 * color.blue() > 105
    painter.setPen(QColor("#0b0d10") if bright else QColor("#ffffff"))
    painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, mark.label)
    painter.setBrush(Qt.BrushStyle.NoBrush)
