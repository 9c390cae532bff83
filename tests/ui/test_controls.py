from __future__ import annotations

from PyQt6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PyQt6.QtGui import QDropEvent
from PyQt6.QtWidgets import QAbstractButton, QComboBox, QListWidget, QPushButton, QSlider, QToolButton

from rtdet.types import SourceInfo
from rtdet.ui.transport import describe_source
from rtdet.viewer.player import Phase


def until(qtbot, condition, timeout: int = 5000) -> None:
    qtbot.waitUntil(condition, timeout=timeout)


def test_the_confidence_slider_acts_at_once_also_while_paused(qtbot, open_window) -> None:
    window = open_window()
    view = window.stage.view
    until(qtbot, lambda: len(view.tracks) > 3)
    window.session.toggle_play()
    qtbot.wait(100)
    before = len(view.visible_tracks)
    window.panel.confidence.slider.setValue(80)
    until(qtbot, lambda: len(view.visible_tracks) < before)
    assert (view.visible_tracks.scores >= 0.8).all()
    assert window.panel.confidence.number.text() == "0.80"
    window.panel.confidence.slider.setValue(10)
    until(qtbot, lambda: len(view.visible_tracks) >= before)


def test_the_class_list_is_the_models_and_unticking_hides_a_class_at_once(qtbot, open_window, stage) -> None:
    window = open_window()
    view, classes = window.stage.view, window.panel.classes
    until(qtbot, lambda: classes.list.count() == 6 and len(view.tracks) > 0)
    names = [classes.list.item(row).text() for row in range(6)]
    classes.list.item(names.index("person")).setCheckState(Qt.CheckState.Unchecked)
    assert all(view.visible_tracks.name_of(row) != "person" for row in range(len(view.visible_tracks)))
    assert "person" not in window.session.pipeline.thresholds.classes
    assert classes.heading.text() == "CLASSES  5 OF 6"


def test_none_and_all_classes(qtbot, open_window) -> None:
    window = open_window()
    view, classes = window.stage.view, window.panel.classes
    until(qtbot, lambda: len(view.tracks) > 0 and classes.list.count() == 6)
    nothing, everything = (
        next(b for b in classes.findChildren(QPushButton) if b.text() == text) for text in ("None", "All")
    )
    qtbot.mouseClick(nothing, Qt.MouseButton.LeftButton)
    assert len(view.visible_tracks) == 0
    assert classes.list.item(0).checkState() == Qt.CheckState.Unchecked
    qtbot.mouseClick(everything, Qt.MouseButton.LeftButton)
    until(qtbot, lambda: len(view.visible_tracks) > 0)
    assert window.player.selection is None


def choose(qtbot, box: QComboBox, name: str) -> None:
    box.setCurrentIndex(box.findData(name))
    box.activated.emit(box.currentIndex())


def test_another_model_takes_over_while_playing_and_brings_its_classes(qtbot, open_window, stage) -> None:
    window = open_window()
    until(qtbot, lambda: window.panel.classes.list.count() == 6)
    choose(qtbot, window.panel.model, "blind")
    until(qtbot, lambda: window.player.class_names == ("cat", "person"))
    until(qtbot, lambda: stage.detectors[0].is_closed)
    assert window.panel.classes.list.count() == 2
    assert len(stage.pipelines) == 1, "the source plays on"
    assert window.player.phase is Phase.PLAYING


def test_a_model_that_cannot_be_loaded_is_said_and_the_old_one_goes_on(qtbot, open_window) -> None:
    window = open_window()
    choose(qtbot, window.panel.model, "broken")
    until(qtbot, lambda: window.player.message is not None)
    assert "broken" in window.stage.banner.text.text()
    assert window.player.model == "truth"
    assert window.panel.model.currentData() == "truth"
    index = window.stage.view.frame.index
    until(qtbot, lambda: window.stage.view.frame.index > index)


def test_choosing_a_good_model_opens_the_source_that_a_bad_one_kept_shut(qtbot, open_window) -> None:
    window = open_window(model="broken", wait=False)
    until(qtbot, lambda: window.player.message is not None)
    choose(qtbot, window.panel.model, "truth")
    until(qtbot, lambda: window.player.phase is Phase.PLAYING)


def test_a_model_chosen_after_the_end_is_used_when_it_is_played_again(qtbot, open_window, stage) -> None:
    stage.duration_s = 0.4
    window = open_window()
    until(qtbot, lambda: window.player.phase is Phase.ENDED)
    window.player.model = "blind"
    until(qtbot, lambda: window.player.class_names == ("cat", "person"))
    window.session.replay()
    until(qtbot, lambda: len(stage.pipelines) == 2 and stage.pipelines[1].is_finished)
    assert window.player.message is None
    assert stage.pipelines[1].error is None
    assert stage.detectors[1].images_seen > 0
    assert [detector.is_closed for detector in stage.detectors] == [True, False]


def test_without_a_tracker_boxes_have_no_ids_and_with_one_they_do_again(qtbot, open_window) -> None:
    window = open_window()
    view = window.stage.view
    until(qtbot, lambda: len(view.tracks) > 0)
    choose(qtbot, window.panel.tracker, "none")
    until(qtbot, lambda: len(view.tracks) > 0 and (view.tracks.ids == 0).all())
    choose(qtbot, window.panel.tracker, "sort")
    until(qtbot, lambda: len(view.tracks) > 0 and (view.tracks.ids > 0).all())


def test_the_tick_for_a_moving_camera_acts_at_once_and_holds_for_the_next_source(qtbot, open_window) -> None:
    window = open_window()
    until(qtbot, lambda: len(window.stage.view.tracks) > 0)
    asked: list[bool] = []
    window.session.pipeline.compensate_camera = asked.append
    qtbot.mouseClick(window.panel.camera_motion, Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    qtbot.mouseClick(window.panel.camera_motion, Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    assert asked == [True, False]
    window.panel.camera_motion.setChecked(True)
    assert window.session.config.camera_motion


def test_the_wheel_over_a_slider_or_chooser_changes_nothing(qtbot, open_window) -> None:
    from PyQt6.QtCore import QPoint
    from PyQt6.QtGui import QWheelEvent
    from PyQt6.QtWidgets import QApplication

    window = open_window(None)
    for widget in (window.panel.confidence.slider, window.panel.model):
        center = QPointF(widget.rect().center())
        event = QWheelEvent(
            center, widget.mapToGlobal(center), QPoint(0, 0), QPoint(0, 120), Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(widget, event)
    assert window.player.confidence == 0.25
    assert window.player.model == "truth"


def test_a_focused_slider_keeps_the_arrow_keys(qtbot, open_window) -> None:
    window = open_window()
    slider = window.panel.confidence.slider
    slider.setFocus()
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert window.player.confidence == 0.26
    assert window.player.phase is Phase.PLAYING


def test_overlays_are_switched_by_key_menu_and_panel_alike(qtbot, open_window) -> None:
    window = open_window()
    for key, field in (
        (Qt.Key.Key_B, "show_boxes"), (Qt.Key.Key_N, "show_labels"), (Qt.Key.Key_T, "show_trails"),
        (Qt.Key.Key_I, "show_numbers"),
    ):  # fmt: skip
        before = getattr(window.state, field)
        qtbot.keyClick(window.stage.view, key)
        assert getattr(window.state, field) is not before
        assert window.panel.checks[field].isChecked() is not before
    window.panel.checks["show_boxes"].click()
    assert window.state.show_boxes
    assert window.actions_["boxes"].isChecked()


def test_the_panel_folds_away(qtbot, open_window) -> None:
    window = open_window()
    width = window.stage.width()
    qtbot.keyClick(window.stage.view, Qt.Key.Key_P)
    assert not window.panel.isVisible()
    until(qtbot, lambda: window.stage.width() > width)


def test_full_screen_hides_all_but_the_picture_and_escape_leaves_it(qtbot, open_window) -> None:
    window = open_window()
    qtbot.mouseDClick(window.stage.view, Qt.MouseButton.LeftButton)
    until(qtbot, lambda: window.isFullScreen())
    assert not window.menuBar().isVisible()
    assert not window.panel.isVisible()
    window._hide_bars()
    assert not window.transport.isVisible()
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    until(qtbot, lambda: not window.isFullScreen())
    assert window.menuBar().isVisible()
    assert window.panel.isVisible()
    assert window.transport.isVisible()


def drop(window, mime: QMimeData) -> None:
    event = QDropEvent(
        QPointF(50, 50),
        Qt.DropAction.CopyAction,
        mime,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    window.dropEvent(event)


def test_a_dropped_file_is_opened_and_a_dropped_model_is_loaded(qtbot, open_window, tmp_path) -> None:
    window = open_window()
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(tmp_path / "gone.mp4"))])
    drop(window, mime)
    until(qtbot, lambda: window.player.message is not None and "gone.mp4" in window.player.message.text)
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(tmp_path / "mine.onnx"))])
    drop(window, mime)
    until(qtbot, lambda: "mine.onnx" in window.player.message.text)
    assert window.player.model == "truth"


def test_few_classes_are_all_seen_without_scrolling(qtbot, open_window) -> None:
    classes = open_window().panel.classes.list
    until(qtbot, lambda: classes.count() == 6)
    until(qtbot, lambda: classes.viewport().height() >= classes.visualItemRect(classes.item(5)).bottom())
    assert classes.verticalScrollBar().maximum() == 0


def test_several_dropped_files_are_played_in_turn_and_the_window_says_which_comes_next(
    qtbot, open_window, tmp_path
) -> None:
    import cv2
    import numpy as np

    names = [tmp_path / f"{letter}.png" for letter in "abc"]
    for path in names:
        cv2.imwrite(str(path), np.full((48, 64, 3), 90, np.uint8))
    window = open_window()
    assert not window.actions_["next_source"].isEnabled()
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in names])
    drop(window, mime)
    until(qtbot, lambda: window.player.source == str(names[0]))
    assert "then b.png and 1 more" in window.status.source.text()
    qtbot.keyClick(window.stage.view, Qt.Key.Key_PageDown)
    until(qtbot, lambda: window.player.source == str(names[1]))
    qtbot.keyClick(window.stage.view, Qt.Key.Key_PageDown)
    until(qtbot, lambda: window.player.source == str(names[2]))
    assert not window.actions_["next_source"].isEnabled()


def test_the_input_size_is_chosen_in_the_panel_with_what_it_costs(qtbot, open_window, stage) -> None:
    window = open_window()
    chooser = window.panel.input_size
    until(qtbot, lambda: chooser.box.isEnabled())
    assert chooser.box.currentText() == "416 (default)"
    chooser.box.setCurrentIndex(chooser.box.findData(960))
    chooser.box.activated.emit(chooser.box.currentIndex())
    until(qtbot, lambda: 960 in stage.asked_sizes and not window.player.loading)
    assert "5\N{MULTIPLICATION SIGN} the work" in chooser.advice.text()
    assert len(stage.pipelines) == 1, "the source plays on"
    choose(qtbot, window.panel.model, "blind")
    until(qtbot, lambda: not chooser.box.isEnabled())
    assert chooser.advice.text() == chooser.box.toolTip() == "This model runs at 300 pixels only."


def test_the_input_size_is_remembered_with_its_model(stage, tmp_path, qapp) -> None:
    from rtdet.config import RunConfig
    from rtdet.ui import make_window

    def next_window(given: tuple[str, ...] = (), **settings):
        config = RunConfig(**{"model": "truth", **settings})
        return make_window(config, stage.services(), given=given, settings_path=tmp_path / "viewer.ini")

    window = next_window()
    window.player.imgsz = 960
    window.close()
    other = next_window(("model",), model="blind")
    assert other.player.imgsz is None, "it was the other model's"
    other.close()
    again = next_window()
    assert again.player.imgsz == 960
    again.player.imgsz = None
    again.close()
    given = next_window(("imgsz",), imgsz=640)
    assert given.player.imgsz == 640
    given.close()
    last = next_window()
    assert last.player.imgsz is None
    last.close()


def test_cameras_are_looked_for_when_the_menu_opens(qtbot, open_window) -> None:
    window = open_window(None)
    menu = window.menus.cameras
    menu.aboutToShow.emit()
    assert menu.actions()[0].text() == "Looking for cameras…"
    until(qtbot, lambda: len(menu.actions()) == 2)
    assert [action.text() for action in menu.actions()] == ["Front (0)", "Side (2)"]


def test_an_address_is_opened_from_the_dialog(qtbot, open_window) -> None:
    from rtdet.ui.dialogs import AddressDialog

    window = open_window(None)
    window.open_address()
    dialog = window.findChild(AddressDialog)
    dialog.field.setText(" demo ")
    dialog.accept()
    until(qtbot, lambda: window.player.source == "demo")


def test_the_help_lists_every_key_and_about_names_the_licences(qtbot, open_window) -> None:
    from PyQt6.QtWidgets import QLabel

    from rtdet.ui.dialogs import AboutDialog, ShortcutsDialog

    window = open_window(None)
    window.actions_["shortcuts"].trigger()
    texts = {label.text() for label in window.findChild(ShortcutsDialog).findChildren(QLabel)}
    assert {"Next frame", "Full screen", "Record", "Keyboard shortcuts"} <= texts
    window.actions_["about"].trigger()
    texts = {label.text() for label in window.findChild(AboutDialog).findChildren(QLabel)}
    assert "Apache License 2.0" in texts
    assert any("GPL" in text for text in texts)


def test_every_control_has_a_name_and_a_tooltip(qtbot, open_window) -> None:
    window = open_window(None)
    for kind in (QAbstractButton, QSlider, QComboBox, QListWidget):
        for widget in window.findChildren(kind):
            if widget.objectName().startswith("qt_") or isinstance(widget.parent(), QListWidget):
                continue
            name = widget.accessibleName() or getattr(widget, "text", str)()
            assert name, f"{widget} has no name"
            assert widget.toolTip(), f"{name} has no tooltip"


def test_settings_are_remembered_by_the_next_window(qtbot, open_window) -> None:
    window = open_window()
    window.panel.confidence.slider.setValue(61)
    window.state.show_trails = False
    window.state.panel_open = False
    window.close()
    again = open_window(None)
    assert again.player.confidence == 0.61
    assert again.panel.confidence.slider.value() == 61
    assert not again.panel.checks["show_trails"].isChecked()
    assert not again.panel.isVisible()
    assert open_window(None, conf=0.4).player.confidence == 0.4


def test_what_the_command_line_asked_for_holds_for_one_time_only(open_window) -> None:
    window = open_window(None, model="blind", conf=0.4, iou=0.7)
    window.player.iou = 0.6
    window.close()
    player = open_window(None).player
    assert (player.model, player.confidence, player.iou) == ("truth", 0.25, 0.6)


def test_the_command_line_wins_over_the_environment_the_file_and_what_is_remembered(
    open_window, tmp_path, monkeypatch
) -> None:
    from click.testing import CliRunner

    from rtdet.cli import cli
    from rtdet.ui import make_window

    window = open_window(None)
    for field, value in (("confidence", 0.1), ("iou", 0.1), ("tracker", "sort"), ("camera_motion", True)):
        setattr(window.player, field, value)
    window.close()
    started = []

    def run_viewer(config, services, *, given, **_more):
        started.append(make_window(config, services, given=given, settings_path=tmp_path / "viewer.ini"))
        return 0

    monkeypatch.setattr("rtdet.ui.run_viewer", run_viewer)
    monkeypatch.setenv("RTDET_IOU", "0.3")
    monkeypatch.setenv("RTDET_TRACKER", "ocsort")
    (tmp_path / "rtdet.toml").write_text('tracker = "bytetrack"\nconf = 0.2\niou = 0.2\n')
    config_file = ["--config", str(tmp_path / "rtdet.toml")]
    done = CliRunner().invoke(cli, [*config_file, "--conf", "0.4"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    player = started[0].player
    assert player.confidence == 0.4, "the command line"
    assert (player.iou, player.tracker) == (0.3, "ocsort"), "the environment"
    assert player.camera_motion, "remembered"
    monkeypatch.delenv("RTDET_TRACKER")
    assert CliRunner().invoke(cli, config_file).exit_code == 0
    assert (started[1].player.tracker, started[1].player.confidence) == ("bytetrack", 0.2), "the file"
    for window in started:
        window.close()
    assert open_window(None).player.tracker == "sort", "for that time only"


def test_a_narrow_window_leaves_out_numbers_instead_of_cutting_them(qtbot, open_window) -> None:
    window = open_window()
    numbers = window.status.numbers
    window.resize(1200, 600)
    until(qtbot, lambda: numbers["dropped"].isVisible())
    window.resize(600, 400)
    until(qtbot, lambda: not numbers["dropped"].isVisible())
    left = [numbers[name] for name in ("capture", "inference", "display", "age")]
    until(qtbot, lambda: all(label.width() >= label.sizeHint().width() for label in left))


def test_the_picture_gets_the_focus_of_a_button_that_goes_away(qtbot, open_window) -> None:
    window = open_window(None)
    window.activateWindow()
    button = window.stage.empty.findChildren(QPushButton)[-1]
    button.setFocus()
    until(qtbot, button.hasFocus)
    qtbot.keyClick(button, Qt.Key.Key_Space)
    until(qtbot, lambda: window.player.phase is Phase.PLAYING)
    assert window.stage.view.hasFocus()


def test_a_click_in_the_panel_does_not_keep_the_space_key_from_playing(qtbot, open_window) -> None:
    window = open_window()
    window.activateWindow()
    until(qtbot, window.stage.view.hasFocus)
    for clicked in (window.panel.checks["show_trails"], window.panel.classes.list.viewport()):
        qtbot.mouseClick(clicked, Qt.MouseButton.LeftButton)
        assert window.stage.view.hasFocus()


def test_a_model_or_tracker_that_is_gone_is_not_asked_for_again(open_window, tmp_path) -> None:
    settings = tmp_path / "viewer.ini"
    settings.write_text("[state]\nmodel=/gone/old.onnx\ntracker=oldtrack\nconfidence=0.4\n")
    player = open_window(None).player
    assert (player.model, player.tracker, player.confidence) == ("truth", "rtdet", 0.4)


def test_recent_files_are_offered(qtbot, open_window, tmp_path) -> None:
    import cv2
    import numpy as np

    path = tmp_path / "still.png"
    cv2.imwrite(str(path), np.full((48, 64, 3), 90, np.uint8))
    window = open_window(str(path))
    assert [action.text() for action in window.menus.recent.actions()] == ["still.png"]
    until(qtbot, lambda: window.player.phase is Phase.PAUSED)
    assert not window.stage.replay_button.isVisible(), "a picture is not played again"


def test_buttons_of_the_transport_follow_what_is_possible(qtbot, open_window) -> None:
    window = open_window(None)
    enabled = {b.accessibleName(): b.isEnabled() for b in window.transport.findChildren(QToolButton)}
    assert not enabled["Play"]
    assert not enabled["Record"]
    assert not enabled["Next frame"]
    window.session.open("demo")
    until(qtbot, lambda: window.player.phase is Phase.PLAYING)
    assert window.actions_["record"].isEnabled()
    assert window.actions_["play"].text() == "Pause"


def test_the_status_line_says_what_decodes_where_something_does() -> None:
    info = SourceInfo("street.mp4", 1280, 720, 25.0, decoder="h264 (vaapi)")
    assert describe_source(info, "street.mp4").endswith("25 fps   h264 (vaapi)")
    assert describe_source(SourceInfo("demo", 1280, 720, 25.0), "demo").endswith("25 fps")
