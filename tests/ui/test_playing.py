from __future__ import annotations

import numpy as np
import pytest
from PyQt6.QtCore import Qt

from rtdet.viewer.player import Phase, Severity


def until(qtbot, condition, timeout: int = 5000) -> None:
    qtbot.waitUntil(condition, timeout=timeout)


def press(qtbot, window, key, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    qtbot.keyClick(window.stage.view, key, modifier)


def test_a_source_opens_at_once_and_plays_with_boxes_that_have_ids(qtbot, open_window) -> None:
    window = open_window()
    view = window.stage.view
    until(qtbot, lambda: len(view.tracks) > 0 and (view.tracks.ids > 0).all())
    assert window.player.phase is Phase.PLAYING
    assert window.windowTitle() == "demo - rtdet"
    assert "320" in window.status.source.text()
    assert not window.stage.empty.isVisible()


def test_the_window_answers_while_a_source_is_being_opened(qtbot, open_window, stage) -> None:
    import threading

    stage.hold = threading.Event()
    window = open_window(wait=False)
    until(qtbot, lambda: window.stage.pill.isVisible())
    assert window.stage.pill.text == "Opening demo…"
    assert window.player.phase is Phase.LOADING
    assert window.status.source.text() == "Opening demo…"
    window.actions_["snapshot"].trigger()
    assert window.player.message.text == "Opening demo… There is no picture to save yet."
    window.panel.confidence.slider.setValue(60)
    assert window.player.confidence == 0.6
    stage.hold.set()
    until(qtbot, lambda: window.player.phase is Phase.PLAYING)
    assert not window.stage.pill.isVisible()
    assert window.player.message is None
    assert window.session.pipeline.thresholds.confidence == 0.6


def test_space_pauses_and_goes_on_and_step_shows_one_frame(qtbot, open_window) -> None:
    window = open_window()
    view = window.stage.view
    press(qtbot, window, Qt.Key.Key_Space)
    assert window.player.phase is Phase.PAUSED
    qtbot.wait(150)
    index = view.frame.index
    qtbot.wait(150)
    assert view.frame.index == index
    press(qtbot, window, Qt.Key.Key_Period)
    until(qtbot, lambda: view.frame.index == index + 1)
    press(qtbot, window, Qt.Key.Key_Right)
    until(qtbot, lambda: view.frame.index == index + 2)
    press(qtbot, window, Qt.Key.Key_Space)
    until(qtbot, lambda: view.frame.index > index + 4)


def test_previous_frame_goes_one_back(qtbot, open_window) -> None:
    window = open_window()
    view = window.stage.view
    window.session.toggle_play()
    window.session.seek(1.0)
    until(qtbot, lambda: view.frame.t == pytest.approx(1.0))
    press(qtbot, window, Qt.Key.Key_Left)
    until(qtbot, lambda: view.frame.t == pytest.approx(0.96))


def test_the_time_slider_seeks_where_it_is_clicked(qtbot, open_window) -> None:
    window = open_window()
    slider, view = window.transport.slider, window.stage.view
    window.session.toggle_play()
    place = slider.rect().center()
    qtbot.mouseClick(slider, Qt.MouseButton.LeftButton, pos=place)
    until(qtbot, lambda: abs(view.frame.t - 2.0) < 0.1)
    until(qtbot, lambda: abs(slider.value() - 2000) < 100)
    assert window.transport.duration.text() == "0:04"


def test_dragging_the_slider_ends_where_it_is_left(qtbot, open_window) -> None:
    window = open_window()
    for ms in range(200, 3001, 100):
        window.session.seek(ms / 1000)
    window.session.toggle_play()
    until(qtbot, lambda: abs(window.stage.view.frame.t - 3.0) < 0.3)


def test_the_number_of_the_frame_on_screen_is_shown_as_track_files_count_it(qtbot, open_window) -> None:
    window = open_window()
    window.session.toggle_play()
    window.session.seek(1.0)
    until(qtbot, lambda: window.transport.frame.text() == "frame 26")
    assert window.stage.view.frame.index == 25
    press(qtbot, window, Qt.Key.Key_Period)
    until(qtbot, lambda: window.transport.frame.text() == "frame 27")


def test_ctrl_g_asks_for_a_place_and_goes_there(qtbot, open_window) -> None:
    from rtdet.ui.go_to import GoToDialog

    window = open_window()
    press(qtbot, window, Qt.Key.Key_G, Qt.KeyboardModifier.ControlModifier)
    dialog = window.findChild(GoToDialog)
    assert "#1 to #100" in dialog.hint.text()
    assert not dialog.button.isEnabled()
    qtbot.keyClicks(dialog.field, "1:xx")
    assert "Type a time" in dialog.hint.text()
    qtbot.keyClick(dialog.field, Qt.Key.Key_Return)
    assert dialog.isVisible(), "it waits for something that it can understand"
    dialog.field.setText("#60")
    qtbot.keyClick(dialog.field, Qt.Key.Key_Return)
    until(qtbot, lambda: window.transport.frame.text() == "frame 60")
    assert window.player.phase is Phase.PAUSED
    window.actions_["go_to"].trigger()
    dialog = next(one for one in window.findChildren(GoToDialog) if one.isVisible())
    dialog.field.setText("1:05.2")
    dialog.accept()
    until(qtbot, lambda: window.transport.frame.text() == "frame 100")
    assert "last one" in window.stage.banner.text.text()


def test_speed_is_changed_by_key_and_menu_and_a_live_source_has_none(qtbot, open_window) -> None:
    window = open_window()
    button = window.transport.speed
    assert (button.text(), button.isEnabled()) == ("1\N{MULTIPLICATION SIGN}", True)
    press(qtbot, window, Qt.Key.Key_BracketRight)
    press(qtbot, window, Qt.Key.Key_BracketRight)
    assert button.text() == "2\N{MULTIPLICATION SIGN}"
    press(qtbot, window, Qt.Key.Key_BracketLeft)
    assert button.choices[1.5].isChecked()
    button.choices[4.0].trigger()
    assert window.player.speed == 4.0
    press(qtbot, window, Qt.Key.Key_Backspace)
    assert window.player.speed == 1.0
    button.choices[0.25].trigger()
    window.session.play("live")
    until(qtbot, lambda: window.player.source == "live")
    assert (window.player.speed, button.isEnabled()) == (1.0, False)
    assert "live" in button.toolTip()


def test_a_live_source_cannot_be_searched(qtbot, open_window) -> None:
    window = open_window("live")
    assert not window.transport.slider.isEnabled()
    assert window.transport.duration.text() == "LIVE"
    t = window.stage.view.frame.t
    window.session.seek(0.0)
    until(qtbot, lambda: window.stage.view.frame.t > t)


def test_at_the_end_the_last_frame_stays_and_can_be_played_again(qtbot, open_window, stage) -> None:
    stage.duration_s = 0.4
    window = open_window()
    until(qtbot, lambda: window.player.phase is Phase.ENDED)
    assert window.stage.replay_button.isVisible()
    assert window.stage.view.frame.index == 9
    qtbot.mouseClick(window.stage.replay_button, Qt.MouseButton.LeftButton)
    until(qtbot, lambda: window.player.phase is Phase.PLAYING)
    until(qtbot, lambda: window.player.phase is Phase.ENDED)
    assert len(stage.pipelines) == 2
    assert len(stage.detectors) == 1, "the model is not loaded again"
    assert not stage.detectors[0].is_closed
    window.close()
    assert stage.detectors[0].is_closed


def test_after_the_end_the_slider_still_seeks(qtbot, open_window, stage) -> None:
    stage.duration_s = 0.6
    window = open_window()
    until(qtbot, lambda: window.player.phase is Phase.ENDED)
    window.session.seek(0.2)
    until(qtbot, lambda: window.player.phase is Phase.PLAYING)
    until(qtbot, lambda: window.stage.view.frame.t >= 0.2)


def test_loop_begins_again_by_itself(qtbot, open_window, stage) -> None:
    stage.duration_s = 0.3
    window = open_window()
    window.actions_["loop"].trigger()
    assert window.player.loop
    until(qtbot, lambda: len(stage.pipelines) >= 3)


def test_with_a_detector_of_half_a_second_the_picture_keeps_the_sources_rate(
    qtbot, open_window, stage
) -> None:
    stage.latency_s, stage.duration_s = 0.5, 8.0
    window = open_window()
    view, pipeline = window.stage.view, window.session.pipeline
    until(qtbot, lambda: len(view.tracks) > 0, timeout=8000)
    shown, processed = pipeline.stats().shown, pipeline.stats().processed
    first = view.frame.index
    until(qtbot, lambda: view.frame.index >= first + 25)
    stats = pipeline.stats()
    # On an idle machine every one of those 25 frames was painted; the detector saw two or three of them.
    assert stats.shown - shown >= 3 * (stats.processed - processed)
    assert stats.processed - processed <= 6
    assert view.tracks.since_update_s.max() > 0.04


def test_boxes_are_predicted_to_the_frame_on_screen(qtbot, open_window, stage) -> None:
    stage.latency_s, stage.duration_s = 0.2, 8.0
    window = open_window()
    view, pipeline = window.stage.view, window.session.pipeline
    until(qtbot, lambda: pipeline.stats().processed >= 4, timeout=8000)  # velocities are known by then
    until(qtbot, lambda: len(view.tracks) > 0 and view.tracks.since_update_s.max() > 0.1, timeout=8000)
    window.session.toggle_play()
    frame, tracks = view.frame, view.tracks
    moved = {int(i): box for i, box in zip(tracks.ids, tracks.boxes, strict=True)}
    later = pipeline.tracks_at(frame.t + 0.2)
    same = [row for row in range(len(later)) if int(later.ids[row]) in moved]
    assert same, "tracks go on being predicted"
    shifts = [np.abs(later.boxes[row] - moved[int(later.ids[row])]).max() for row in same]
    assert max(shifts) > 0.5, "and they move"


def test_a_file_that_does_not_exist_is_a_line_in_the_window_and_what_plays_goes_on(
    qtbot, open_window
) -> None:
    window = open_window()
    window.session.open("/nowhere/street.mp4")
    until(qtbot, lambda: window.player.message is not None)
    assert window.player.message.severity is Severity.ERROR
    assert "street.mp4" in window.stage.banner.text.text()
    assert window.stage.banner.isVisible()
    assert window.player.phase is Phase.PLAYING
    index = window.stage.view.frame.index
    until(qtbot, lambda: window.stage.view.frame.index > index)
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert not window.stage.banner.isVisible()


def test_a_policy_that_does_not_exist_is_a_line_in_the_window(qtbot, open_window) -> None:
    window = open_window(policy="evry", wait=False)
    until(qtbot, lambda: window.player.message is not None)
    assert window.player.message.text == "unknown policy 'evry': did you mean every?"


def test_a_bad_file_at_the_start_leaves_the_hint_and_a_way_to_try_again(qtbot, open_window, tmp_path) -> None:
    bad = tmp_path / "text.mp4"
    bad.write_text("this is no video")
    window = open_window(str(bad), wait=False)
    until(qtbot, lambda: window.player.message is not None)
    assert window.player.phase is Phase.EMPTY
    assert window.stage.empty.isVisible()
    assert window.stage.banner.retry_button.isVisible()
    window.session.open("demo")
    until(qtbot, lambda: window.player.phase is Phase.PLAYING)
    assert not window.stage.banner.isVisible()


def test_a_stream_that_is_lost_keeps_its_last_picture_and_says_so(qtbot, open_window) -> None:
    window = open_window("dying")
    until(qtbot, lambda: window.player.phase is Phase.ENDED)
    assert "lost" in window.stage.banner.text.text()
    assert window.stage.view.frame is not None
    qtbot.mouseClick(window.stage.banner.retry_button, Qt.MouseButton.LeftButton)
    until(qtbot, lambda: window.player.phase is Phase.PLAYING)


def test_a_reconnecting_stream_is_visible(qtbot, open_window) -> None:
    from rtdet.protocols import SourceState

    window = open_window("live")
    window.session.pipeline.source.state = SourceState.RECONNECTING
    until(qtbot, lambda: window.stage.pill.text == "Reconnecting…")
    assert window.status.source.text().startswith("RECONNECTING")
    assert window.transport.duration.text() == "LOST"
    window.session.pipeline.source.state = SourceState.OPEN
    until(qtbot, lambda: not window.stage.pill.isVisible())
    assert window.transport.duration.text() == "LIVE"


def test_a_warning_of_any_room_is_shown(qtbot, open_window) -> None:
    import logging

    window = open_window()
    logging.getLogger("rtdet.video").warning("clip.mp4 breaks off after 3.2 s")
    until(qtbot, lambda: window.player.message is not None)
    assert window.stage.banner.text.text() == "clip.mp4 breaks off after 3.2 s"
    assert window.player.message.severity is Severity.WARNING


def test_opening_something_else_wins_over_what_is_still_being_opened(qtbot, open_window, stage) -> None:
    import threading

    stage.hold = threading.Event()
    window = open_window("demo", wait=False)
    window.session.open("live")
    stage.hold.set()
    until(qtbot, lambda: window.stage.view.frame is not None)
    assert window.player.source == "live"
    until(qtbot, lambda: not window.session.jobs.is_busy)
    running = [pipeline for pipeline in stage.pipelines if not pipeline.is_finished]
    assert running == [window.session.pipeline]


def test_closing_the_window_ends_every_thread(qtbot, open_window, stage) -> None:
    stage.latency_s = 0.5
    window = open_window()
    window.close()
    assert all(pipeline.is_finished for pipeline in stage.pipelines)
    assert not window.session.jobs.is_busy
    assert all(detector.is_closed for detector in stage.detectors)


def test_an_exception_in_a_slot_is_shown_and_the_window_lives_on(qtbot, open_window, monkeypatch) -> None:
    from rtdet.ui.app import Guards

    window = open_window()
    with Guards(window, lambda *_: None):
        import sys

        try:
            raise ZeroDivisionError("a slot divided by zero")
        except ZeroDivisionError as error:
            sys.excepthook(type(error), error, error.__traceback__)
    assert "ZeroDivisionError" in window.stage.banner.text.text()
    index = window.stage.view.frame.index
    until(qtbot, lambda: window.stage.view.frame.index > index)
