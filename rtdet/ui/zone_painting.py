"""Paints what a hand needs to work on lines and zones: which is selected, its handles, what is being drawn."""

from __future__ import annotations

from PyQt6.QtCore import QLineF, QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPen, QPolygonF

from rtdet.counting import Zone
from rtdet.ui import theme
from rtdet.viewer.zone_editor import COLORS, GROUND, GROUND_CORNERS, LINE, ZONE, ZoneEditor
from rtdet.viewer.zone_marks import colors_of
from rtdet.viewer.zone_shapes import REACH_PX, Look, edges, in_order, middle

_HANDLE = 4.5
_RIM = QColor(0, 0, 0, 150)


def color_of_shape(editor: ZoneEditor, name: str) -> QColor:
    """That in which the line or zone is drawn."""
    return QColor(*colors_of(editor.shown).get(name, (255, 255, 255)))


def paint_fill(painter: QPainter, editor: ZoneEditor, look: Look) -> None:
    """The areas of the zones, and a glow around what is selected: under the outlines that every painter paints."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    colors = colors_of(editor.shown)
    for shape in in_order(editor.shown):
        color, is_selected = QColor(*colors[shape.name]), shape.name == editor.selected
        polygon = QPolygonF([QPointF(*look.place(point)) for point in shape.points])
        if isinstance(shape, Zone):
            fill = QColor(color)
            fill.setAlpha(80 if is_selected else 40)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(fill)
            painter.drawPolygon(polygon)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if is_selected:
            painter.setPen(_pen(QColor(255, 255, 255, 190), 7))
            if isinstance(shape, Zone):
                painter.drawPolygon(polygon)
            else:
                painter.drawPolyline(polygon)


def _pen(color: QColor, width: float) -> QPen:
    pen = QPen(color, width)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    return pen


def paint_handles(painter: QPainter, editor: ZoneEditor, look: Look) -> None:
    """The corners of what is selected, to be taken hold of, and smaller ones between them that make new corners."""
    shape = editor.chosen
    if shape is None or editor.tool:
        return
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    color = color_of_shape(editor, shape.name)
    painter.setPen(QPen(QColor(theme.TEXT), 1.2))
    painter.setBrush(QColor(0, 0, 0, 110))
    for a, b in edges(shape):
        if look.distance(a, b) > 4 * REACH_PX:
            painter.drawEllipse(QPointF(*look.place(middle(a, b))), _HANDLE - 1.5, _HANDLE - 1.5)
    painter.setPen(QPen(QColor(0, 0, 0, 190), 1.4))
    painter.setBrush(QColor("white"))
    for point in shape.points:
        x, y = look.place(point)
        painter.drawRoundedRect(QRectF(x - _HANDLE, y - _HANDLE, 2 * _HANDLE, 2 * _HANDLE), 2, 2)
    painter.setBrush(color)
    painter.drawEllipse(QPointF(*look.place(shape.points[0])), 1.8, 1.8)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def paint_draft(painter: QPainter, editor: ZoneEditor, look: Look) -> None:
    """What is being drawn, with the part that the pointer would add."""
    if not editor.tool:
        return
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    color = QColor(theme.TEXT if editor.tool == GROUND else COLORS[len(editor.zones) % len(COLORS)])
    corners = [QPointF(*look.place(point)) for point in editor.draft]
    pointer = None if editor.pointer is None else QPointF(*look.place(editor.pointer))
    ends = [*corners, pointer] if pointer is not None and corners else corners
    if editor.tool in (ZONE, GROUND) and len(ends) > 2:
        fill = QColor(color)
        fill.setAlpha(40)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawPolygon(QPolygonF(ends))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in (_pen(_RIM, 4), _pen(color, 2)):
        painter.setPen(pen)
        painter.drawPolyline(QPolygonF(corners))
        if pointer is not None and corners:
            pen.setDashPattern([3, 3])
            painter.setPen(pen)
            painter.drawLine(QLineF(corners[-1], pointer))
            if editor.tool != LINE and len(corners) > 1:
                painter.drawLine(QLineF(pointer, corners[0]))
    _paint_corners(painter, editor, corners, pointer, color)


def _paint_corners(
    painter: QPainter, editor: ZoneEditor, corners: list[QPointF], pointer: QPointF | None, color: QColor
) -> None:
    painter.setPen(QPen(QColor(0, 0, 0, 190), 1.4))
    painter.setBrush(QColor("white"))
    for place in corners:
        painter.drawEllipse(place, _HANDLE, _HANDLE)
    if pointer is not None:
        painter.setBrush(color)
        painter.drawEllipse(pointer, _HANDLE, _HANDLE)
    if editor.tool == GROUND:
        painter.setPen(QColor(theme.TEXT))
        for number, place in enumerate(corners, 1):
            painter.drawText(place + QPointF(8, -6), str(number))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def hint_of(editor: ZoneEditor) -> str:
    """What the mouse does now, a line for the user."""
    if editor.tool == LINE:
        return (
            "Drag from one end to the other, or click each corner and end with a double click. "
            "Who goes to the side of the arrow counts as in."
        )
    if editor.tool == ZONE:
        return "Click each corner and end on the first one or with a double click, or drag a rectangle."
    if editor.tool == GROUND:
        number = min(len(editor.draft) + 1, GROUND_CORNERS)
        return f"Click four points on the ground whose distances you know: {number} of {GROUND_CORNERS}."
    return ""
