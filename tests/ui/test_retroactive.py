"""Sliders act on what was watched already: in the picture, in the lanes and when playing it again."""

from __future__ import annotations

from PyQt6.QtCore import QMimeData, QPointF, Qt, QUrl
from PyQt6.QtGui import QDropEvent

from rtdet.kept import KeptRun
from rtdet.viewer.player import Phase


def until(qtbot, condition, timeout: int = 60_000) -> None:
    qtbot.waitUntil(condition, timeout=timeout)


def _watched(qtbot, open_window, seconds: float = 2.0):
    window = open_window()
    until(qtbot, lambda: window.player.position_s > seconds)
    window.session.toggle_play()
    until(qtbot, lambda: window.player.phase is Phase.PAUSED)
    return window


def test_a_slider_changes_the_past_and_what_is_on_screen(qtbot, open_window) -> None:
    window = _watched(qtbot, open_window)
    review = window.session.review
    assert review.table is None
    window.panel.confidence.slider.setValue(70)
    until(qtbot, lambda: review.table is not None)
    assert (review.table.scores[review.table.values["seen"]] >= 0.7).all()
    window.panel.confidence.slider.setValue(20)
    until(qtbot, lambda: (review.table.scores < 0.7).any())
    early = window.stage.view.frame.t - 1.0
    window.session.seek(early)
    until(qtbot, lambda: abs(window.stage.view.frame.t - early) < 0.1)
    shown = window.stage.view.tracks
    assert set(shown.ids.tolist()) <= set(review.table.ids.tolist())
    assert len(shown) > 0


def test_classes_and_the_tracker_act_on_the_past_too(qtbot, open_window) -> None:
    window = _watched(qtbot, open_window)
    review = window.session.review
    window.player.select(["person"], keep=False)
    until(qtbot, lambda: review.table is not None)
    names = {review.table.class_names[label] for label in review.table.labels.tolist()}
    assert "person" not in names
    assert "car" in names
    window.player.tracker = "sort"
    before = review.table
    until(qtbot, lambda: review.table is not before)


def test_lanes_show_what_is_watched_while_it_is_watched(qtbot, open_window) -> None:
    window = open_window()
    window.state.lanes_open = True
    until(qtbot, lambda: window.session.review.table is not None)
    count = len(window.session.review.table)
    until(qtbot, lambda: len(window.session.review.table) > count)
    assert len(window.session.timeline.spans.ids) > 0


def test_what_was_watched_can_be_saved_and_opened_again(qtbot, open_window, tmp_path) -> None:
    window = _watched(qtbot, open_window)
    path = tmp_path / "RUN.rtdet"
    window.session.files.save_run(path)
    until(qtbot, path.exists)
    until(qtbot, lambda: window.player.message is not None and "Saved the run" in window.player.message.text)
    with KeptRun(path) as run:
        assert len(run.frames.numbers) > 10
    window.session.play(str(path))
    until(qtbot, lambda: window.player.source == str(path) and window.session.review.table is not None)
    assert len(window.session.review.table) > 0


def test_playing_again_goes_on_with_what_was_kept(qtbot, open_window, tmp_path) -> None:
    window = _watched(qtbot, open_window)
    window.panel.confidence.slider.setValue(40)
    review = window.session.review
    until(qtbot, lambda: review.table is not None)
    last = review.table.frame_list.numbers[-1]
    window.session.replay()
    until(qtbot, lambda: window.player.phase is Phase.PLAYING and window.player.position_s < 1.0)
    assert review.table is not None
    assert review.table.frame_list.numbers[-1] >= last


def test_save_run_has_a_key(open_window) -> None:
    assert "Ctrl+S" in [one.toString() for one in open_window().actions_["save_run"].shortcuts()]


def test_of_a_kept_run_no_model_can_be_chosen_and_none_is_remembered(qtbot, open_window, tmp_path) -> None:
    path = tmp_path / "RUN.rtdet"
    window = _watched(qtbot, open_window)
    window.session.files.save_run(path)
    until(qtbot, lambda: window.player.message is not None and "Saved the run" in window.player.message.text)
    window.session.play(str(path))
    until(qtbot, lambda: window.player.is_kept_run)
    panel = window.panel
    for chooser in (panel.model, panel.browse, panel.input_size.box):
        assert not chooser.isEnabled()
        assert chooser.toolTip() == "A kept run has what its model found"
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(tmp_path / "mine.onnx"))])
    place, buttons = QPointF(200, 200), Qt.MouseButton.LeftButton
    window.dropEvent(
        QDropEvent(place, Qt.DropAction.CopyAction, mime, buttons, Qt.KeyboardModifier.NoModifier)
    )
    assert window.player.model == "truth"
    assert "A kept run has what its model found" in window.player.message.text
    window.session.play("demo")
    until(qtbot, lambda: not window.player.is_kept_run)
    assert panel.model.isEnabled()
    assert panel.model.toolTip() == "The network that detects objects"
    assert panel.input_size.box.isEnabled()
