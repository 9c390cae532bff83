"""Edits that would be lost are asked about: when the window is closed, and when something else is opened."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt6.QtWidgets import QApplication, QFileDialog, QMessageBox

from rtdet.kept import KeptRun, edits_of
from rtdet.tracks import read_table
from rtdet.tracks.offline import Edit
from rtdet.viewer.player import Phase
from tests.ui.test_mending import street

BUTTONS = QMessageBox.StandardButton


def until(qtbot, condition) -> None:
    qtbot.waitUntil(condition, timeout=60_000)


@pytest.fixture
def mended(open_window, qtbot):
    """A window with what was watched for two seconds, of which a track was deleted."""
    window = open_window()
    window.state.lanes_open = True
    until(qtbot, lambda: window.player.position_s > 2.0)
    window.session.toggle_play()
    until(qtbot, lambda: window.player.phase is Phase.PAUSED and window.session.review.table is not None)
    mend(window)
    return window


def mend(window) -> None:
    review = window.session.review
    review.apply(Edit.of("delete", track_id=int(review.table.ids[0])))


def question(qtbot) -> QMessageBox:
    until(qtbot, lambda: isinstance(QApplication.activeModalWidget(), QMessageBox))
    return QApplication.activeModalWidget()


def press(qtbot, button: QMessageBox.StandardButton) -> None:
    question(qtbot).button(button).click()


def choose(qtbot, path) -> None:
    until(qtbot, lambda: isinstance(QApplication.activeModalWidget(), QFileDialog))
    dialog = QApplication.activeModalWidget()
    dialog.setDirectory(str(path.parent))
    dialog.selectFile(path.name)
    dialog.accept()


def test_closing_asks_whether_to_save_a_run_with_edits_and_cancel_keeps_it_open(mended, qtbot) -> None:
    mended.close()
    assert mended.isVisible()
    box = question(qtbot)
    assert box.text() == "Save the run?"
    mended.close()
    assert QApplication.activeModalWidget() is box, "it is not asked twice"
    press(qtbot, BUTTONS.Cancel)
    assert mended.isVisible()
    assert mended.session.review.undo_text


def test_discard_closes_the_window(mended, qtbot) -> None:
    mended.close()
    press(qtbot, BUTTONS.Discard)
    until(qtbot, lambda: not mended.isVisible())


def test_save_writes_the_run_with_the_edits_and_closes_the_window(mended, qtbot, tmp_path) -> None:
    path = tmp_path / "SAVED.rtdet"
    mended.close()
    press(qtbot, BUTTONS.Save)
    choose(qtbot, path)
    until(qtbot, lambda: not mended.isVisible())
    with KeptRun(path) as run:
        assert [edit.verb for edit in edits_of(run).done] == ["delete"]


@pytest.mark.parametrize("way", ["save", "export", "undo"])
def test_what_was_saved_exported_or_undone_is_not_asked_about(mended, qtbot, tmp_path, way) -> None:
    if way == "save":
        mended.session.files.save_run(tmp_path / "SAVED.rtdet")
    elif way == "export":
        mended.session.files.export_tracks(tmp_path / "tracks.csv")
    else:
        mended.session.review.undo()
    until(qtbot, lambda: not mended.session.review.unsaved)
    mended.close()
    assert not mended.isVisible()


def test_edits_after_saving_are_asked_about_again(mended, qtbot, tmp_path) -> None:
    mended.session.files.save_run(tmp_path / "SAVED.rtdet")
    until(qtbot, lambda: not mended.session.review.unsaved)
    mend(mended)
    mended.close()
    press(qtbot, BUTTONS.Cancel)
    assert mended.isVisible()


def test_a_run_that_was_asked_for_keeps_its_edits_and_nothing_is_asked(open_window, qtbot, tmp_path) -> None:
    path = tmp_path / "RUN.rtdet"
    window = open_window(keep=str(path))
    window.state.lanes_open = True
    until(qtbot, lambda: window.session.review.table is not None)
    mend(window)
    window.close()
    assert not window.isVisible()
    with KeptRun(path) as run:
        assert len(edits_of(run).done) == 1


def test_mended_tracks_of_a_file_are_exported_before_the_window_closes(open_window, qtbot, tmp_path) -> None:
    path = tmp_path / "mended.csv"
    window = open_window()
    window.session.review.show(street(), "street.csv")
    mend(window)
    window.close()
    assert question(qtbot).text() == "Save the tracks?"
    press(qtbot, BUTTONS.Save)
    choose(qtbot, path)
    until(qtbot, lambda: not window.isVisible())
    assert 1 not in np.unique(read_table(path).ids)


def test_mended_tracks_of_a_file_stay_when_the_same_source_is_played_again(open_window, qtbot) -> None:
    window = open_window()
    window.session.review.show(street(), "street.csv")
    mend(window)
    pipeline = window.session.pipeline
    window.session.replay()
    until(qtbot, lambda: window.session.pipeline not in (pipeline, None))
    assert window.session.review.name == "street.csv"
    assert window.session.review.unsaved == "tracks"


def test_another_source_is_opened_only_when_the_question_is_answered(mended, qtbot) -> None:
    mended.session.play("live")
    press(qtbot, BUTTONS.Cancel)
    assert mended.player.source == "demo"
    assert mended.session.review.undo_text
    mended.session.play("live")
    press(qtbot, BUTTONS.Discard)
    until(qtbot, lambda: mended.player.source == "live")
    assert not mended.session.review.undo_text


def test_the_same_source_goes_on_with_its_edits_without_a_question(mended, qtbot) -> None:
    pipeline = mended.session.pipeline
    mended.session.replay()
    until(qtbot, lambda: mended.session.pipeline not in (pipeline, None))
    assert QApplication.activeModalWidget() is None
    assert mended.session.review.undo_text


def test_a_track_file_is_opened_only_when_the_question_is_answered(mended, qtbot, tmp_path) -> None:
    mended.session.files.open_tracks(tmp_path / "missing.csv")
    press(qtbot, BUTTONS.Cancel)
    assert mended.session.review.unsaved == "run"


def test_the_next_source_of_a_list_waits_for_edits_that_are_not_saved(mended, qtbot) -> None:
    mended.session.queue = ("live",)
    mended.session.toggle_play()
    until(qtbot, lambda: mended.player.phase is Phase.ENDED and mended.player.message is not None)
    assert "The next source waits" in mended.player.message.text
    assert mended.player.source == "demo"
    mended.session.play_next()
    press(qtbot, BUTTONS.Discard)
    until(qtbot, lambda: mended.player.source == "live")
