"""Several sources side by side, each in a tile."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PyQt6.QtWidgets import QApplication, QWidget

from rtdet.ui import theme
from rtdet.ui.source_page import SourcePage
from rtdet.ui.tile import BAR, RIM, Tile
from rtdet.viewer.arrangement import arranged, columns_for, neighbor

_GAP = 2
_SMALLEST = (320, 240)


class GridView(QWidget):
    """tiles: in the order in which they are shown. Each signal tells the page: enlarge_wanted, close_wanted, and
    chosen, which has the focus now."""

    enlarge_wanted = pyqtSignal(object)
    close_wanted = pyqtSignal(object)
    chosen = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self.tiles: list[Tile] = []
        self.setMinimumSize(*_SMALLEST)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._focus_changed)

    def show_pages(self, pages: Sequence[SourcePage]) -> None:
        """Has a tile for each of these pages, in this order. Those of other pages leave with them."""
        known = {tile.page: tile for tile in self.tiles}
        for page in known.keys() - set(pages):
            page.leave_with(known[page])
        self.tiles = [known.get(page) or self._made(page) for page in pages]
        for before, after in zip(self.tiles, self.tiles[1:], strict=False):
            QWidget.setTabOrder(before, after)
        self._arrange()

    def tile_of(self, page: SourcePage) -> Tile:
        return next(tile for tile in self.tiles if tile.page is page)

    def _made(self, page: SourcePage) -> Tile:
        tile = Tile(page, self)
        tile.enlarge_wanted.connect(lambda: self.enlarge_wanted.emit(page))
        tile.close_wanted.connect(lambda: self.close_wanted.emit(page))
        tile.stepped.connect(lambda right, down: self._step(tile, (right, down)))
        tile.show()
        return tile

    def _step(self, tile: Tile, step: tuple[int, int]) -> None:
        number = neighbor(self.tiles.index(tile), len(self.tiles), self._columns, step)
        self.tiles[number].setFocus()

    def _focus_changed(self, before: QWidget | None, now: QWidget | None) -> None:
        for tile in self.tiles:
            for widget in (before, now):
                if widget is not None and (widget is tile or tile.isAncestorOf(widget)):
                    tile.show_focus()
                    if widget is now:
                        self.chosen.emit(tile.page)
                    break

    # Where they are

    @property
    def _columns(self) -> int:
        return columns_for(len(self.tiles), self.width(), self.height(), bar=BAR + _GAP + 2 * RIM)

    def _arrange(self) -> None:
        if not self.tiles:
            return
        columns = self._columns
        places = arranged(len(self.tiles), self.width(), self.height(), gap=_GAP, columns=columns)
        for tile, place in zip(self.tiles, places, strict=True):
            tile.setGeometry(*place)

    def resizeEvent(self, _event: QResizeEvent | None) -> None:
        self._arrange()

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.BACKGROUND))
        painter.end()
