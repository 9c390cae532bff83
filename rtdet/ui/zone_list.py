"""The list of lines and zones, each with its colour, its name and what it has counted."""

from __future__ import annotations

from collections.abc import Mapping

from PyQt6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    pyqtSignal,
)
from PyQt6.QtGui import QColor, QFont, QFontMetrics, QHelpEvent, QKeyEvent, QPainter, QPen
from PyQt6.QtWidgets import (
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolTip,
    QWidget,
)

from rtdet.counting import Line, Zone, Zones
from rtdet.ui import theme
from rtdet.ui.inputs import ARROWS, KeyKeeper
from rtdet.viewer.tallies import Tallies
from rtdet.viewer.tally_lines import Texts, lines_of, spoken, tip_of
from rtdet.viewer.zone_editor import ZoneEditor
from rtdet.viewer.zone_marks import colors_of

_LINES, _COLOR = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1
_LEFT, _PAD, _SWATCH = 30, 6, 12
Index = QModelIndex | QPersistentModelIndex


class ZoneList(QListWidget):
    """What is selected here is selected in the picture. delete_wanted: the key was pressed. A double click or F2
    names a line or zone."""

    delete_wanted = pyqtSignal()

    def __init__(self, editor: ZoneEditor) -> None:
        super().__init__()
        self._editor = editor
        self._filling = False
        self._tallies: Tallies = {}
        self.setAccessibleName("Lines and zones")
        self.setToolTip("Double-click or press F2 to give another name")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setItemDelegate(_Delegate(self))
        self.setUniformItemSizes(False)
        self.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QListWidget.EditTrigger.DoubleClicked | QListWidget.EditTrigger.EditKeyPressed)
        KeyKeeper(self, (*ARROWS, Qt.Key.Key_Delete, Qt.Key.Key_F2, Qt.Key.Key_Space))
        self.currentRowChanged.connect(self._row_chosen)
        self.itemChanged.connect(self._named)
        editor.watch("selected", self._select)

    def show_zones(self, zones: Zones, tallies: Tallies, inside: Mapping[str, int]) -> None:
        """Writes the lines; those whose text is the same are left alone, so that nothing flickers."""
        self._filling = True
        self._tallies = tallies
        shapes, colors = list(zones), colors_of(zones)
        while self.count() > len(shapes):
            self.takeItem(self.count() - 1)
        for row, shape in enumerate(shapes):
            item = self.item(row) or self._new_item()
            lines = lines_of(shape, tallies.get(shape.name), inside.get(shape.name, 0))
            self._write(item, shape, lines, QColor(*colors[shape.name]))
        self._filling = False
        self._select(self._editor.selected)

    def _new_item(self) -> QListWidgetItem:
        item = QListWidgetItem(self)
        flags = Qt.ItemFlag
        item.setFlags(flags.ItemIsEnabled | flags.ItemIsSelectable | flags.ItemIsEditable)
        return item

    def _write(self, item: QListWidgetItem, shape: Line | Zone, lines: list[Texts], color: QColor) -> None:
        values = {
            Qt.ItemDataRole.DisplayRole: shape.name,
            _LINES: lines,
            _COLOR: color.name(),
            Qt.ItemDataRole.AccessibleTextRole: spoken(shape, lines),
        }
        had = item.data(_LINES)
        for role, value in values.items():
            if item.data(role) != value:
                item.setData(role, value)
        if had is None or len(had) != len(lines):
            item.setSizeHint(QSize(0, _height(self, len(lines))))

    def viewportEvent(self, event: QEvent | None) -> bool:
        """The tip of a line is made when it is asked for: how sure the counts are takes a while."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            item = self.itemAt(event.pos())
            shape = None if item is None else self._editor.zones.named(item.text())
            if item is not None and shape is not None:
                tip = tip_of(shape, item.data(_LINES), self._tallies.get(shape.name))
                QToolTip.showText(event.globalPos(), tip, self.viewport())
                return True
        return super().viewportEvent(event)

    def rename(self) -> None:
        """Asks for the name of what is selected, in its place in the list."""
        item = self.currentItem()
        if item is not None:
            self.setFocus()
            self.scrollToItem(item)
            self.editItem(item)

    def _row_chosen(self, row: int) -> None:
        item = self.item(row) if row >= 0 else None
        if not self._filling:
            self._editor.selected = None if item is None else item.text()

    def _select(self, name: str | None) -> None:
        was, self._filling = self._filling, True
        names = [shape.name for shape in self._editor.zones]
        row = names.index(name) if name in names else -1
        if row != self.currentRow() and row < self.count():
            self.setCurrentRow(row)
            if row < 0:
                self.clearSelection()
        self._filling = was

    def _named(self, item: QListWidgetItem) -> None:
        if self._filling:
            return
        names = [shape.name for shape in self._editor.zones]
        row = self.row(item)
        if (
            row < len(names)
            and item.text() != names[row]
            and not self._editor.rename(names[row], item.text())
        ):
            self._filling = True
            item.setText(names[row])
            self._filling = False

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is not None and event.key() == Qt.Key.Key_Delete:
            self.delete_wanted.emit()
        elif event is not None and event.key() == Qt.Key.Key_Escape:
            event.ignore()  # the window ends what is under way
        else:
            super().keyPressEvent(event)


def _height(owner: QWidget, lines: int) -> int:
    metrics = QFontMetrics(owner.font())
    return 2 * _PAD + metrics.height() + lines * (metrics.height() + 1)


class _Delegate(QStyledItemDelegate):
    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        if painter is None:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect, state = option.rect, option.state
        is_selected = bool(state & QStyle.StateFlag.State_Selected)
        is_hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        if is_selected or is_hovered:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.HOVER if is_selected else theme.RAISED))
            painter.drawRoundedRect(QRectF(rect).adjusted(0, 1, 0, -1), 4, 4)
        color = QColor(index.data(_COLOR))
        if is_selected:
            painter.setBrush(color)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawRoundedRect(QRectF(rect.left(), rect.top() + 4, 3, rect.height() - 8), 1.5, 1.5)
        self._paint_texts(painter, rect, index, color)
        painter.restore()

    def _paint_texts(self, painter: QPainter, rect: QRect, index: QModelIndex, color: QColor) -> None:
        font = QFont(painter.font())
        font.setPixelSize(13)
        metrics = QFontMetrics(font)
        step = metrics.height() + 1
        painter.setPen(QPen(QColor(0, 0, 0, 120), 1))
        painter.setBrush(color)
        top = rect.top() + _PAD
        painter.drawRoundedRect(
            QRectF(rect.left() + 11, top + (metrics.height() - _SWATCH) / 2, _SWATCH, _SWATCH), 3, 3
        )
        width = rect.width() - _LEFT - 8
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(QColor(theme.TEXT))
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        name = QFontMetrics(font).elidedText(index.data(), Qt.TextElideMode.ElideRight, width)
        painter.drawText(QRect(rect.left() + _LEFT, top, width, metrics.height()), flags, name)
        font.setWeight(QFont.Weight.Normal)
        for number, (what, amount, classes) in enumerate(index.data(_LINES), 1):
            line = QRect(rect.left() + _LEFT, top + number * step, width, metrics.height())
            self._paint_line(painter, font, line, (what, amount, classes))

    def _paint_line(self, painter: QPainter, font: QFont, line: QRect, texts: tuple[str, str, str]) -> None:
        """in  12   car 8, person 4"""
        what, amount, classes = texts
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.setFont(font)
        painter.setPen(QColor(theme.MUTED))
        metrics = QFontMetrics(font)
        first = min(max(metrics.horizontalAdvance(what) + 8, 60), line.width() // 2)
        text = metrics.elidedText(what, Qt.TextElideMode.ElideRight, first - 6)
        painter.drawText(line.adjusted(0, 0, first - line.width(), 0), flags, text)
        bold = QFont(font)
        bold.setWeight(QFont.Weight.DemiBold)
        painter.setFont(bold)
        painter.setPen(QColor(theme.TEXT))
        painter.drawText(line.adjusted(first, 0, 0, 0), flags, amount)
        second = first + max(QFontMetrics(bold).horizontalAdvance(amount) + 8, 30)
        small = QFont(font)
        small.setPixelSize(12)
        painter.setFont(small)
        painter.setPen(QColor(theme.MUTED))
        rest = QFontMetrics(small).elidedText(classes, Qt.TextElideMode.ElideRight, line.width() - second)
        painter.drawText(line.adjusted(second, 0, 0, 0), flags, rest)

    def createEditor(
        self, parent: QWidget | None, _option: QStyleOptionViewItem, _index: QModelIndex
    ) -> QWidget | None:
        field = QLineEdit(parent)
        field.setMaxLength(80)
        field.setAccessibleName("Name")
        field.setStyleSheet("padding: 1px 4px;")
        return field

    def updateEditorGeometry(
        self, editor: QWidget | None, option: QStyleOptionViewItem, _index: QModelIndex
    ) -> None:
        if editor is not None:
            rect = option.rect
            editor.setGeometry(
                rect.left() + _LEFT - 6, rect.top() + 2, rect.width() - _LEFT, editor.sizeHint().height()
            )

    def setModelData(
        self, editor: QWidget | None, model: QAbstractItemModel | None, index: QModelIndex
    ) -> None:
        if isinstance(editor, QLineEdit) and model is not None and editor.text().strip():
            model.setData(index, " ".join(editor.text().split()), Qt.ItemDataRole.EditRole)
