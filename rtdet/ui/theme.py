"""The dark look: one place for every colour and distance."""

from __future__ import annotations

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPalette, QPen, QPolygonF
from PyQt6.QtWidgets import QApplication, QProxyStyle, QStyle, QStyleHintReturn, QStyleOption, QWidget

BACKGROUND = "#101318"
SURFACE = "#181c23"
RAISED = "#222832"
HOVER = "#2c3440"
BORDER = "#2e3642"
TEXT = "#e8ebf0"
MUTED = "#97a3b4"
ACCENT = "#4c9dff"
ON_ACCENT = "#06121f"  # white on the accent would have a contrast of 2.8 to 1
DANGER = "#ff5d62"
WARNING = "#f4b740"
GOOD = "#3fcf8e"
DISABLED = "#566070"

SPACE = 8

_STYLE = f"""
* {{ font-size: 13px; }}
QMainWindow, QDialog {{ background: {SURFACE}; }}
QToolTip {{ background: {RAISED}; color: {TEXT}; border: 1px solid {BORDER}; padding: 4px 6px; }}
QMenuBar {{ background: {SURFACE}; border-bottom: 1px solid {BORDER}; padding: 2px 4px; }}
QMenuBar::item {{ background: transparent; padding: 5px 10px; border-radius: 4px; }}
QMenuBar::item:selected {{ background: {HOVER}; }}
QMenu {{ background: {RAISED}; border: 1px solid {BORDER}; padding: 5px; }}
QMenu::item {{ padding: 6px 28px 6px 12px; border-radius: 4px; }}
QMenu::item:selected {{ background: {ACCENT}; color: {ON_ACCENT}; }}
QMenu::item:disabled {{ color: {DISABLED}; background: transparent; }}
QMenu::separator {{ height: 1px; background: {BORDER}; margin: 5px 8px; }}
QMenu::icon {{ padding-left: 8px; }}
#panel, #transport, #status {{ background: {SURFACE}; }}
#strip {{ background: {SURFACE}; border-bottom: 1px solid {BORDER}; }}
#stripInside {{ background: {SURFACE}; }}
#tileBar {{ background: {SURFACE}; }}
#tileName {{ font-weight: 600; background: transparent; }}
#tileNumbers {{ color: {MUTED}; font-size: 12px; }}
#tileBar QLabel {{ background: transparent; }}
QToolButton#tileButton {{ padding: 2px; border-radius: 4px; }}
#tileNotice {{ background: rgba(16, 19, 24, 210); border: 1px solid {BORDER}; border-radius: 8px; }}
#tileNotice QLabel {{ background: transparent; }}
#timeline, #filterBar {{ background: {SURFACE}; }}
#timeline {{ border-top: 1px solid {BORDER}; }}
#filterBar {{ border-bottom: 1px solid {BORDER}; }}
#filterBar QLineEdit, #filterBar QComboBox, QToolButton#choice {{ padding: 3px 8px; }}
QToolButton#choice {{ background: {RAISED}; border: 1px solid {BORDER}; color: {TEXT}; }}
QToolButton#choice:hover {{ background: {HOVER}; }}
QToolButton#choice:focus {{ border-color: {ACCENT}; }}
QSplitter::handle:vertical {{ background: {BORDER}; height: 3px; }}
QSplitter::handle:vertical:hover {{ background: {ACCENT}; }}
#worklist {{ background: {SURFACE}; border-left: 1px solid {BORDER}; }}
#worklist QListView {{ background: {BACKGROUND}; border: 1px solid {BORDER}; border-radius: 6px; padding: 4px;
    outline: none; }}
#worklist QListView:focus {{ border-color: {ACCENT}; }}
#worklist QListView::item {{ padding: 3px 4px; border-radius: 4px; color: {TEXT}; }}
#worklist QListView::item:hover {{ background: {RAISED}; }}
#worklist QListView::item:selected {{ background: {HOVER}; color: {TEXT}; }}
#panel {{ border-left: 1px solid {BORDER}; }}
#panelBody, #keys {{ background: {SURFACE}; }}
#transport {{ border-top: 1px solid {BORDER}; }}
#status {{ border-top: 1px solid {BORDER}; }}
#status QLabel {{ color: {MUTED}; font-size: 12px; }}
#heading {{ color: {MUTED}; font-size: 11px; font-weight: 600; letter-spacing: 1px; }}
#hint {{ color: {MUTED}; font-size: 12px; }}
#value {{ color: {TEXT}; font-weight: 600; }}
#time {{ color: {MUTED}; }}
#emptyTitle {{ font-size: 20px; font-weight: 600; color: {TEXT}; }}
#empty, #emptyTitle, #empty QLabel {{ background: transparent; }}
QPushButton {{ background: {RAISED}; border: 1px solid {BORDER}; border-radius: 6px; padding: 6px 12px; }}
QPushButton:hover {{ background: {HOVER}; }}
QPushButton:pressed {{ background: {BORDER}; }}
QPushButton:focus {{ border-color: {ACCENT}; }}
QPushButton:disabled {{ color: {DISABLED}; }}
QPushButton#primary {{ background: {ACCENT}; border-color: {ACCENT}; color: {ON_ACCENT}; font-weight: 600; }}
QPushButton#primary:hover {{ background: #6bb0ff; }}
QPushButton#primary:disabled {{ background: {RAISED}; border-color: {BORDER}; color: {DISABLED}; }}
QPushButton#flat {{ background: transparent; border: none; color: {ACCENT}; padding: 2px 6px; }}
QPushButton#flat:hover, QPushButton#flat:focus {{ color: #8fc3ff; }}
QToolButton {{ background: transparent; border: 1px solid transparent; border-radius: 6px; padding: 6px; }}
QToolButton:hover {{ background: {HOVER}; }}
QToolButton:pressed, QToolButton:checked {{ background: {RAISED}; }}
QToolButton#speed {{ min-width: 34px; color: {MUTED}; }}
QToolButton#speed:disabled {{ color: {DISABLED}; }}
QToolButton::menu-indicator {{ image: none; }}
QToolButton:focus {{ border-color: {ACCENT}; }}
QComboBox {{ background: {RAISED}; border: 1px solid {BORDER}; border-radius: 6px; padding: 5px 8px; }}
QComboBox::drop-down {{ border: none; width: 26px; }}
QComboBox::down-arrow {{ image: none; }}
QComboBox:hover {{ background: {HOVER}; }}
QComboBox:focus {{ border-color: {ACCENT}; }}
QComboBox:disabled {{ color: {DISABLED}; }}
QComboBox QAbstractItemView {{ background: {RAISED}; border: 1px solid {BORDER}; padding: 4px; outline: none;
    selection-background-color: {ACCENT}; selection-color: {ON_ACCENT}; }}
QComboBox QAbstractItemView::item {{ color: {TEXT}; min-height: 26px; padding: 0 6px; }}
QComboBox QAbstractItemView::item:selected {{ background: {ACCENT}; color: {ON_ACCENT}; }}
QLineEdit, QPlainTextEdit {{ background: {BACKGROUND}; border: 1px solid {BORDER}; border-radius: 6px;
    padding: 7px 8px; }}
QLineEdit:focus, QPlainTextEdit:focus {{ border-color: {ACCENT}; }}
QListWidget {{ background: {BACKGROUND}; border: 1px solid {BORDER}; border-radius: 6px; padding: 4px;
    outline: none; }}
QListWidget:focus {{ border-color: {ACCENT}; }}
QListWidget::item {{ padding: 3px 4px; border-radius: 4px; color: {TEXT}; }}
QListWidget::item:hover {{ background: {RAISED}; }}
QListWidget::item:selected {{ background: {RAISED}; color: {TEXT}; }}
QScrollArea {{ border: none; background: {SURFACE}; }}
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
QScrollBar::handle:vertical {{ background: {BORDER}; border-radius: 4px; min-height: 24px; margin: 1px; }}
QScrollBar::handle:vertical:hover {{ background: {DISABLED}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ height: 0; width: 0; }}
QSlider {{ min-height: 22px; }}
QSlider::groove:horizontal {{ height: 4px; background: {BORDER}; border-radius: 2px; }}
QSlider::sub-page:horizontal {{ background: {ACCENT}; border-radius: 2px; }}
QSlider::sub-page:horizontal:disabled {{ background: {BORDER}; }}
QSlider::handle:horizontal {{ background: {TEXT}; width: 14px; height: 14px; margin: -5px 0;
    border-radius: 7px; }}
QSlider::handle:horizontal:hover {{ background: white; }}
QSlider::handle:horizontal:focus {{ background: {ACCENT}; border: 2px solid {TEXT}; width: 10px;
    height: 10px; }}
QSlider::handle:horizontal:disabled {{ background: {DISABLED}; }}
#banner {{ border-radius: 0; }}
#banner[severity="error"] {{ background: #4a1e24; border-bottom: 1px solid {DANGER}; }}
#banner[severity="warning"] {{ background: #41351a; border-bottom: 1px solid {WARNING}; }}
#banner[severity="info"] {{ background: #1c3147; border-bottom: 1px solid {ACCENT}; }}
#banner QLabel {{ background: transparent; }}
"""


def apply_theme(app: QApplication) -> None:
    app.setStyle(DarkStyle("Fusion"))
    app.setPalette(dark_palette())
    app.setStyleSheet(_STYLE)


class DarkStyle(QProxyStyle):
    """Fusion, with ticks that can be seen on dark ground."""

    def drawPrimitive(
        self,
        element: QStyle.PrimitiveElement,
        option: QStyleOption | None,
        painter: QPainter | None,
        widget: QWidget | None = None,
    ) -> None:
        kind = QStyle.PrimitiveElement
        if option is None or painter is None:
            return
        if element in (kind.PE_IndicatorCheckBox, kind.PE_IndicatorItemViewItemCheck):
            _draw_tick(option, painter)
        else:
            super().drawPrimitive(element, option, painter, widget)

    def styleHint(
        self,
        hint: QStyle.StyleHint,
        option: QStyleOption | None = None,
        widget: QWidget | None = None,
        returnData: QStyleHintReturn | None = None,
    ) -> int:
        if hint == QStyle.StyleHint.SH_DialogButtonBox_ButtonsHaveIcons:
            return 0
        return super().styleHint(hint, option, widget, returnData)


def _draw_tick(option: QStyleOption, painter: QPainter) -> None:
    state, flag = option.state, QStyle.StateFlag
    size = min(option.rect.width(), option.rect.height(), 16) - 1.0
    box = QRectF(0, 0, size, size)
    box.moveCenter(QRectF(option.rect).center())
    partly, enabled = bool(state & flag.State_NoChange), bool(state & flag.State_Enabled)
    on = partly or bool(state & flag.State_On)
    color = QColor(ACCENT if enabled else DISABLED)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    focused = bool(state & flag.State_HasFocus)
    painter.setPen(QPen(QColor(TEXT) if focused else color if on else QColor(DISABLED), 1.2))
    painter.setBrush(color if on else QColor(BACKGROUND))
    painter.drawRoundedRect(box, 3.5, 3.5)
    if on:
        pen = QPen(QColor(ON_ACCENT), size / 7)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        corners = _DASH if partly else _TICK
        points = [QPointF(box.x() + size * x, box.y() + size * y) for x, y in corners]
        painter.drawPolyline(QPolygonF(points))
    painter.restore()


_TICK = ((0.24, 0.52), (0.43, 0.71), (0.77, 0.31))
_DASH = ((0.27, 0.5), (0.73, 0.5))


def draw_chevron(painter: QPainter, x: float, y: float, enabled: bool) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    pen = QPen(QColor(MUTED if enabled else DISABLED), 1.8)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setPen(pen)
    painter.drawPolyline(QPolygonF([QPointF(x + dx, y + dy) for dx, dy in ((-4, -2), (0, 2), (4, -2))]))


def dark_palette() -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for name, color in (
        (role.Window, SURFACE), (role.WindowText, TEXT), (role.Base, BACKGROUND),
        (role.AlternateBase, RAISED),
        (role.Text, TEXT), (role.Button, RAISED), (role.ButtonText, TEXT), (role.BrightText, "#ffffff"),
        (role.Highlight, ACCENT), (role.HighlightedText, ON_ACCENT), (role.ToolTipBase, RAISED),
        (role.ToolTipText, TEXT), (role.PlaceholderText, MUTED), (role.Link, ACCENT), (role.Mid, BORDER),
        (role.Dark, BACKGROUND), (role.Light, HOVER), (role.Midlight, HOVER), (role.Shadow, "#000000"),
    ):  # fmt: skip
        palette.setColor(name, QColor(color))
    for name in (role.Text, role.WindowText, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, name, QColor(DISABLED))
    return palette
