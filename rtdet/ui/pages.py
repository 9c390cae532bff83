"""What is in the middle of the window: one source alone, or all of them side by side."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from rtdet.ui.banner import Banner
from rtdet.ui.grid_view import GridView
from rtdet.ui.source_page import SourcePage
from rtdet.ui.source_strip import SourceStrip
from rtdet.ui.tile import BAR, RIM
from rtdet.viewer.window import WindowState


class Pages(QWidget):
    """pages: of all sources. current: the one that commands act on, which is enlarged or, in the grid, has the focus.

    changed: another one is current, or it is shown otherwise. close_wanted: tells the page.
    """

    changed = pyqtSignal()
    close_wanted = pyqtSignal(object)

    def __init__(self, state: WindowState, pages: Sequence[SourcePage]) -> None:
        super().__init__()
        self.pages: list[SourcePage] = []
        self.current = pages[0]
        self.is_grid, self._is_full = False, False
        self.grid, self.strip, self._stack = GridView(), SourceStrip(), QStackedWidget()
        self._stack.addWidget(self.grid)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.strip)
        column.addWidget(self._stack, 1)
        # Over the pictures, which so keep their places, and under the bars of the upper tiles, with their buttons.
        self.banner = Banner(state, lambda: None, self)
        state.watch("message", lambda _message: self._place())
        self.grid.enlarge_wanted.connect(self.enlarge)
        self.grid.close_wanted.connect(self.close_wanted)
        self.grid.chosen.connect(self._chosen)
        self.strip.enlarge_wanted.connect(self.enlarge)
        self.strip.grid_wanted.connect(self.show_grid)
        for page in pages:
            self.add(page)
        if self.are_several:
            self.show_grid()
        else:
            self.enlarge(self.current)

    @property
    def seen(self) -> list[SourcePage]:
        """Those whose pictures are on screen."""
        return self.pages if self.is_grid else [self.current]

    @property
    def are_several(self) -> bool:
        return len(self.pages) > 1

    def add(self, page: SourcePage) -> None:
        """Takes in another page, after the others; shows it only where the grid is shown."""
        self.pages.append(page)
        self._pages_changed()
        if self.is_grid:
            self.grid.tile_of(page).take_stage()
            page.player.is_enlarged = False

    def remove(self, page: SourcePage) -> None:
        """Takes a page out; the last one stays."""
        place = self.pages.index(page)
        self.pages.remove(page)
        if page is self.current:
            beside = self.pages[min(place, len(self.pages) - 1)]
            if self.is_grid:
                self._chosen(beside)
            else:
                self.enlarge(beside)
        if not self.are_several:
            self.enlarge(self.pages[0])
        page.leave_with(page.stage)
        if page.single is not None:
            self._stack.removeWidget(page.single)
            page.leave_with(page.single)
        self._pages_changed()

    def enlarge(self, page: SourcePage) -> None:
        """Shows one source alone."""
        before, self.current, self.is_grid = self.current, page, False
        before.player.is_enlarged = False
        page.player.is_enlarged = True
        single = page.enlarge()
        if self._stack.indexOf(single) < 0:
            self._stack.addWidget(single)
        single.take_stage()
        single.show_full(self._is_full)
        self._stack.setCurrentWidget(single)
        self._show_strip()
        self._place()
        single.size_timeline()
        page.stage.view.setFocus()
        self.changed.emit()

    def show_grid(self) -> None:
        """Shows all sources side by side, with the focus on the one that was seen alone."""
        if self.is_grid or not self.are_several:
            return
        self.is_grid = True
        for page in self.pages:
            self.grid.tile_of(page).take_stage()
            page.player.is_enlarged = False
        self._stack.setCurrentWidget(self.grid)
        self._show_strip()
        self._place()
        self.grid.tile_of(self.current).setFocus()
        self.changed.emit()

    def show_full(self, is_full: bool) -> None:
        """In full screen there is nothing but pictures."""
        self._is_full = is_full
        if self.current.single is not None:
            self.current.single.show_full(is_full)
        self._show_strip()

    def look(self) -> None:
        """Renews what does not need every picture; called some times a second."""
        for page in self.pages:
            page.measure(is_seen=page in self.seen)
        if self.strip.isVisible():
            self.strip.look()

    def _place(self) -> None:
        top = self._stack.y() + (RIM + BAR if self.is_grid else 0)
        self.banner.setGeometry(0, top, self.width(), max(self.banner.heightForWidth(self.width()), 44))
        self.banner.raise_()

    def resizeEvent(self, _event: QResizeEvent | None) -> None:
        self._place()

    def _chosen(self, page: SourcePage) -> None:
        if self.is_grid and page is not self.current and page in self.pages:
            self.current = page
            self.changed.emit()

    def _pages_changed(self) -> None:
        if self.are_several or self.grid.tiles:
            self.grid.show_pages(self.pages)
            self.strip.show_pages(self.pages)
        self._show_strip()

    def _show_strip(self) -> None:
        self.strip.setVisible(self.are_several and not self.is_grid and not self._is_full)
        if not self.is_grid:
            self.strip.show_current(self.current)
