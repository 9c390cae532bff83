"""Icons as vectors on a 24 x 24 grid, drawn sharp at every size. No files."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPen, QPixmap, QPolygonF

from rtdet.ui import theme

SIZES = (16, 20, 24, 32, 48, 64)


@cache
def icon(name: str, color: str = theme.TEXT) -> QIcon:
    """The icon `name`, greyed out where disabled. Raises KeyError for a name that is not in ICONS."""
    made = QIcon()
    for mode, tint in ((QIcon.Mode.Normal, color), (QIcon.Mode.Disabled, theme.DISABLED)):
        for size in SIZES:
            made.addPixmap(pixmap(name, size, tint), mode)
    return made


def pixmap(name: str, size: int, color: str = theme.TEXT, ratio: float = 1.0) -> QPixmap:
    picture = QPixmap(QSize(round(size * ratio), round(size * ratio)))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(size / 24, size / 24)
    painter.setPen(_pen(color))
    ICONS[name](painter, QColor(color))
    painter.end()
    return picture


def window_icon() -> QIcon:
    """The icon of the window: assets/icon.png where there is one, else three nested boxes in the viewer's colours."""
    for folder in (Path(__file__).parents[2] / "assets", Path(__file__).parents[1] / "assets"):
        if (folder / "icon.png").is_file():
            return QIcon(str(folder / "icon.png"))
    return icon("app", theme.ACCENT)


def _pen(color: str) -> QPen:
    pen = QPen(QColor(color), 1.8)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    return pen


def _lines(painter: QPainter, *points: tuple[float, float]) -> None:
    painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in points]))


def _fill(painter: QPainter, color: QColor, *points: tuple[float, float]) -> None:
    painter.setBrush(color)
    painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in points]))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _play(p: QPainter, c: QColor) -> None:
    _fill(p, c, (8, 5.5), (18.5, 12), (8, 18.5))


def _grid(p: QPainter, c: QColor) -> None:
    for x, y in ((4.5, 6), (13, 6), (4.5, 13), (13, 13)):
        p.drawRoundedRect(QRectF(x, y, 6.5, 5), 1, 1)


def _pause(p: QPainter, c: QColor) -> None:
    p.setBrush(c)
    p.drawRoundedRect(QRectF(7, 6, 2.6, 12), 1, 1)
    p.drawRoundedRect(QRectF(14.4, 6, 2.6, 12), 1, 1)


def _step(p: QPainter, c: QColor) -> None:
    _fill(p, c, (6.5, 6), (14.5, 12), (6.5, 18))
    _lines(p, (18, 6), (18, 18))


def _circular(p: QPainter, c: QColor) -> None:
    p.drawArc(QRectF(5, 5, 14, 14), 60 * 16, 300 * 16)
    _fill(p, c, (14.2, 2.6), (19.2, 5.6), (14.6, 9.2))


def _loop(p: QPainter, _c: QColor) -> None:
    _lines(p, (4.5, 12), (4.5, 10.5), (6.5, 8), (19, 8))
    _lines(p, (16, 5), (19.2, 8), (16, 11))
    _lines(p, (19.5, 12), (19.5, 13.5), (17.5, 16), (5, 16))
    _lines(p, (8, 13), (4.8, 16), (8, 19))


def _record(p: QPainter, c: QColor) -> None:
    p.drawEllipse(QRectF(4, 4, 16, 16))
    p.setBrush(c)
    p.drawEllipse(QRectF(8.3, 8.3, 7.4, 7.4))


def _stop(p: QPainter, c: QColor) -> None:
    p.drawEllipse(QRectF(4, 4, 16, 16))
    p.setBrush(c)
    p.drawRoundedRect(QRectF(9, 9, 6, 6), 1, 1)


def _snapshot(p: QPainter, _c: QColor) -> None:
    path = QPainterPath()
    path.addRoundedRect(QRectF(3.5, 7.5, 17, 11.5), 2.5, 2.5)
    p.drawPath(path)
    _lines(p, (8.5, 7.2), (10, 5), (14, 5), (15.5, 7.2))
    p.drawEllipse(QRectF(8.7, 9.9, 6.6, 6.6))


def _panel(p: QPainter, _c: QColor) -> None:
    p.drawRoundedRect(QRectF(3.5, 5, 17, 14), 2.5, 2.5)
    _lines(p, (14.5, 5), (14.5, 19))


def _fullscreen(p: QPainter, _c: QColor) -> None:
    for x, y, dx, dy in ((5, 5, 1, 1), (19, 5, -1, 1), (5, 19, 1, -1), (19, 19, -1, -1)):
        _lines(p, (x + 4.5 * dx, y), (x, y), (x, y + 4.5 * dy))


def _folder(p: QPainter, _c: QColor) -> None:
    _lines(p, (3.5, 18), (3.5, 6), (9, 6), (11, 8.5), (20.5, 8.5), (20.5, 18), (3.5, 18))


def _camera(p: QPainter, _c: QColor) -> None:
    p.drawRoundedRect(QRectF(3, 7, 12.5, 10), 2.5, 2.5)
    _lines(p, (15.5, 11), (20.5, 8), (20.5, 16), (15.5, 13))


def _link(p: QPainter, _c: QColor) -> None:
    p.drawEllipse(QRectF(4, 4, 16, 16))
    p.drawEllipse(QRectF(8.5, 4, 7, 16))
    _lines(p, (4, 12), (20, 12))


def _close(p: QPainter, _c: QColor) -> None:
    _lines(p, (7, 7), (17, 17))
    _lines(p, (17, 7), (7, 17))


def _info(p: QPainter, c: QColor) -> None:
    p.drawEllipse(QRectF(4, 4, 16, 16))
    _lines(p, (12, 11.5), (12, 16))
    p.setBrush(c)
    p.drawEllipse(QRectF(11.5, 7.6, 1, 1))


def _alert(p: QPainter, c: QColor) -> None:
    _lines(p, (12, 4), (21, 19.5), (3, 19.5), (12, 4))
    _lines(p, (12, 10), (12, 14))
    p.setBrush(c)
    p.drawEllipse(QRectF(11.5, 16.2, 1, 1))


def _app(p: QPainter, _c: QColor) -> None:
    p.drawRoundedRect(QRectF(3, 3, 18, 18), 4, 4)
    p.setPen(_pen(theme.GOOD))
    p.drawRoundedRect(QRectF(7, 8, 5, 9), 1, 1)
    p.setPen(_pen(theme.WARNING))
    p.drawRoundedRect(QRectF(14, 10.5, 4, 6.5), 1, 1)


def _lanes(p: QPainter, _c: QColor) -> None:
    for left, right, y in ((4, 14, 7), (8, 20, 12), (5, 11, 17), (15, 19, 17)):
        _lines(p, (left, y), (right, y))


def _chart(p: QPainter, _c: QColor) -> None:
    _lines(p, (4, 19), (20, 19))
    _lines(p, (4, 15), (8, 15), (8, 8), (13, 8), (13, 12), (17, 12), (17, 5), (20, 5))


def _filter(p: QPainter, _c: QColor) -> None:
    _lines(p, (4.5, 6), (19.5, 6), (14, 12.5), (14, 18.5), (10, 16.5), (10, 12.5), (4.5, 6))


def _fit(p: QPainter, _c: QColor) -> None:
    _lines(p, (4, 6), (4, 18))
    _lines(p, (20, 6), (20, 18))
    _lines(p, (7.5, 12), (16.5, 12))
    _lines(p, (9.8, 9.5), (7.2, 12), (9.8, 14.5))
    _lines(p, (14.2, 9.5), (16.8, 12), (14.2, 14.5))


def _zones(p: QPainter, c: QColor) -> None:
    _lines(p, (4.5, 8), (12, 4.5), (19.5, 9), (16.5, 18.5), (7, 18), (4.5, 8))
    p.setBrush(c)
    for x, y in ((4.5, 8), (12, 4.5), (19.5, 9), (16.5, 18.5), (7, 18)):
        p.drawEllipse(QPointF(x, y), 1.2, 1.2)


def _line(p: QPainter, c: QColor) -> None:
    _lines(p, (5, 17), (19, 7))
    p.setBrush(c)
    for x, y in ((5, 17), (19, 7)):
        p.drawEllipse(QPointF(x, y), 1.8, 1.8)


def _zone(p: QPainter, _c: QColor) -> None:
    _lines(p, (5, 8), (16, 5), (19.5, 16), (8, 19), (5, 8))


def _turn(p: QPainter, _c: QColor) -> None:
    _lines(p, (5, 9), (18.5, 9))
    _lines(p, (15, 5.5), (18.5, 9), (15, 12.5))
    _lines(p, (19, 16), (5.5, 16))
    _lines(p, (9, 12.5), (5.5, 16), (9, 19.5))


def _delete(p: QPainter, _c: QColor) -> None:
    _lines(p, (4.5, 7), (19.5, 7))
    _lines(p, (9, 7), (9, 4.5), (15, 4.5), (15, 7))
    _lines(p, (6.5, 7), (7.5, 19.5), (16.5, 19.5), (17.5, 7))


ICONS: dict[str, Callable[[QPainter, QColor], None]] = {
    "play": _play, "pause": _pause, "step": _step, "replay": _circular, "loop": _loop, "record": _record,
    "stop": _stop, "snapshot": _snapshot, "panel": _panel, "fullscreen": _fullscreen, "folder": _folder,
    "camera": _camera, "link": _link, "close": _close, "info": _info, "alert": _alert, "app": _app,
    "zones": _zones, "grid": _grid, "line": _line, "zone": _zone, "turn": _turn, "delete": _delete,
    "lanes": _lanes, "chart": _chart, "filter": _filter, "fit": _fit,
}  # fmt: skip
