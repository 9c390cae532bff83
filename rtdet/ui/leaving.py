"""Asks what is to become of edits that would be lost: when the window is closed, or something else opened."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QObject, Qt
from PyQt6.QtWidgets import QMessageBox, QWidget

from rtdet.viewer.kept_review import KeptReview

_QUESTIONS = {"run": "Save the run?", "tracks": "Save the tracks?"}
_WHY = {
    "run": "The edits of its tracks are lost unless it is saved.",
    "tracks": "Their edits are lost unless they are exported; the file that was opened stays as it was.",
}


class Leaving(QObject):
    """save_run, export: ask for a file, and call what they are given once everything is in it."""

    def __init__(
        self,
        window: QWidget,
        review: KeptReview,
        save_run: Callable[[Callable[[], None]], None],
        export: Callable[[Callable[[], None]], None],
    ) -> None:
        super().__init__(window)
        self._parent, self._review = window, review
        self._save = {"run": save_run, "tracks": export}
        self._box: QMessageBox | None = None

    def ask(self, go: Callable[[], None]) -> None:
        """Calls `go` once the edits are saved, or are to be lost; never, where they are to stay."""
        if self._box is not None:  # one question at a time
            self._box.activateWindow()
            return
        what = self._review.unsaved
        kinds = QMessageBox.StandardButton
        box = self._box = QMessageBox(self._parent)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("Unsaved edits")
        box.setText(_QUESTIONS[what])
        box.setInformativeText(_WHY[what])
        box.setStandardButtons(kinds.Save | kinds.Discard | kinds.Cancel)
        box.setDefaultButton(kinds.Save)
        box.setEscapeButton(kinds.Cancel)
        save = box.button(kinds.Save)
        assert save is not None
        save.setText("&Save…")
        box.finished.connect(lambda answer: self._answered(answer, what, go))
        box.open()

    def _answered(self, answer: int, what: str, go: Callable[[], None]) -> None:
        self._box = None
        if answer == QMessageBox.StandardButton.Discard.value:
            go()
        elif answer == QMessageBox.StandardButton.Save.value:
            self._save[what](lambda: self._saved(go))

    def _saved(self, go: Callable[[], None]) -> None:
        if not self._review.unsaved:  # else something was mended while it was written
            go()
