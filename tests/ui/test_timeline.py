"""The timeline under the picture: lanes, charts, selecting, following, filters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtGui import QImage, QWheelEvent
from PyQt6.QtWidgets import QApplication

from rtdet.demo import CLASS_NAMES, DemoScene
from rtdet.tracks import write_table
from rtdet.tracks.table import FrameList, TrackTable
from rtdet.ui.timeline.chart_painting import layered
from rtdet.ui.timeline.lane_painting import RULER_PX
from rtdet.video.draw import color_of
from rtdet.viewer.timeline.lanes import LANE_PX

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def table(stage) -> TrackTable:
    """The truth of the stage's street."""
    scene = DemoScene(3, stage.width, stage.height, stage.fps, stage.duration_s)
    truths = [scene.truth(index) for index in range(scene.frame_count)]
    counts = [len(truth.ids) for truth in truths]
    numbers = np.arange(1, scene.frame_count + 1)
    ids = np.concatenate([truth.ids for truth in truths])
    return TrackTable(
        np.repeat(numbers, counts), ids, np.concatenate([truth.boxes for truth in truths]), np.full(len(ids), 0.9),
        np.concatenate([truth.labels for truth in truths]),
        FrameList(numbers, (numbers - 1) / stage.fps, is_complete=True), CLASS_NAMES,
    )  # fmt: skip


@pytest.fixture
def window(open_window, qtbot, table):
    """A paused window with the timeline open and the truth in it."""
    window = open_window()
    window.state.lanes_open = True
    window.session.toggle_play()
    window.session.review.show(table)
    qtbot.waitUntil(lambda: len(window.session.timeline.spans) > 0, timeout=20000)
    QApplication.processEvents()
    return window


def lane_point(window, row: int, seconds: float) -> QPoint:
    view, axis = window.reviewing.panel.view, window.session.timeline.lanes.axis
    y = view.lanes_top + window.session.timeline.lanes.y_of(row) + LANE_PX / 2
    return QPoint(round(view.gutter + axis.x_of(seconds)), round(y))


def on_screen(qtbot, window, seconds: float) -> None:
    def is_there() -> bool:
        frame = window.stage.view.frame
        return frame is not None and abs(frame.t - seconds) < 0.02

    qtbot.waitUntil(is_there, timeout=20000)


def test_a_click_on_a_lane_goes_there_and_selects_the_box(window, qtbot, table) -> None:
    timeline, view = window.session.timeline, window.stage.view
    row = 1
    place = int(timeline.lanes.shown[row])
    middle = float(timeline.spans.first_s[place] + timeline.spans.last_s[place]) / 2
    qtbot.mouseClick(window.reviewing.panel.view, LEFT, pos=lane_point(window, row, middle))
    track_id = int(timeline.spans.ids[place])
    assert timeline.selected == (track_id,)
    frame = timeline.spans.frame_at(timeline.lanes.axis.s_at(timeline.lanes.axis.x_of(middle)))
    on_screen(qtbot, window, timeline.spans.time_of(frame))
    assert sorted(view.tracks.ids.tolist()) == sorted(table.at(view.frame.index + 1).ids.tolist())
    assert view.tools.box_of(track_id) is not None


def test_a_click_on_a_box_selects_its_lane(window, qtbot) -> None:
    view, timeline = window.stage.view, window.session.timeline
    tracks = view.tracks
    areas = np.prod(tracks.boxes[:, 2:] - tracks.boxes[:, :2], axis=1)
    box, track_id = tracks.boxes[areas.argmin()], int(tracks.ids[areas.argmin()])
    at = QPointF(*view.viewport.to_widget(*((box[:2] + box[2:]) / 2)))
    qtbot.mouseClick(view, LEFT, pos=at.toPoint())
    assert timeline.selected == (track_id,)
    assert timeline.lanes.row_of(track_id) in timeline.lanes.visible()
    qtbot.mouseClick(view, LEFT, pos=QPoint(2, 2))
    assert timeline.selected == ()


def test_a_double_click_follows_and_escape_ends_it(window, qtbot) -> None:
    view, timeline = window.stage.view, window.session.timeline
    track_id = int(view.tracks.ids[0])
    row = timeline.lanes.row_of(track_id)
    qtbot.mouseDClick(window.reviewing.panel.view, LEFT, pos=lane_point(window, row, 0.1))
    assert timeline.following == track_id
    qtbot.waitUntil(lambda: not view.viewport.is_fitted, timeout=20000)
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert timeline.following is None
    assert view.viewport.is_fitted
    assert timeline.selected == (track_id,)
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert timeline.selected == ()


def test_the_wheel_zooms_the_time_about_the_pointer(window) -> None:
    panel, axis = window.reviewing.panel.view, window.session.timeline.lanes.axis
    at = QPointF(panel.gutter + 300.0, panel.lanes_top + 5.0)
    before = axis.s_at(300.0)
    no = Qt.KeyboardModifier.NoModifier
    turned = QWheelEvent(at, panel.mapToGlobal(at), QPoint(), QPoint(0, 480), Qt.MouseButton.NoButton, no,
                         Qt.ScrollPhase.NoScrollPhase, False)  # fmt: skip
    QApplication.sendEvent(panel, turned)
    assert axis.seconds < 2.5
    assert axis.s_at(300.0) == pytest.approx(before)
    window.actions_["fit_time"].trigger()
    assert axis.is_fitted


def test_a_lane_has_the_colour_of_its_box(window) -> None:
    panel, timeline = window.reviewing.panel.view, window.session.timeline
    place = int(timeline.lanes.shown[0])
    middle = float(timeline.spans.first_s[place] + timeline.spans.last_s[place]) / 2
    at = lane_point(window, 0, middle)
    image = panel.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    ratio = image.devicePixelRatio()
    color = image.pixelColor(round(at.x() * ratio), round(at.y() * ratio))
    assert (color.red(), color.green(), color.blue()) == color_of(int(timeline.spans.ids[place]))


def test_dragging_along_the_ruler_moves_the_playhead(window, qtbot) -> None:
    panel, axis = window.reviewing.panel.view, window.session.timeline.lanes.axis
    y = RULER_PX // 2
    qtbot.mousePress(panel, LEFT, pos=QPoint(round(panel.gutter + axis.x_of(0.5)), y))
    qtbot.mouseMove(panel, QPoint(round(panel.gutter + axis.x_of(3.02)), y))
    qtbot.mouseRelease(panel, LEFT, pos=QPoint(round(panel.gutter + axis.x_of(3.02)), y))
    on_screen(qtbot, window, 3.0)


def test_a_search_finds_a_track_and_enter_goes_there(window, qtbot) -> None:
    timeline, search = window.session.timeline, window.reviewing.panel.filter.search
    last = int(timeline.spans.ids[-1])
    qtbot.keyClicks(search, str(last))
    assert timeline.spans.ids[timeline.lanes.shown].tolist() == [last]
    qtbot.keyClick(search, Qt.Key.Key_Return)
    assert timeline.selected == (last,)
    on_screen(qtbot, window, float(timeline.spans.first_s[-1]))


def test_up_and_down_go_from_lane_to_lane(window, qtbot) -> None:
    panel, timeline = window.reviewing.panel.view, window.session.timeline
    panel.setFocus()
    qtbot.keyClick(panel, Qt.Key.Key_Down)
    qtbot.keyClick(panel, Qt.Key.Key_Down)
    assert timeline.selected == (int(timeline.spans.ids[1]),)
    qtbot.keyClick(panel, Qt.Key.Key_Up)
    assert timeline.selected == (int(timeline.spans.ids[0]),)


def test_the_class_filter_lists_what_is_there(window) -> None:
    timeline, button = window.session.timeline, window.reviewing.panel.filter.classes
    button.menu().aboutToShow.emit()
    actions = {action.data(): action for action in button.menu().actions() if action.data()}
    assert list(actions) == timeline.spans.classes()
    name = next(iter(actions))
    actions[name].trigger()
    assert timeline.filter.classes == {name}
    assert all(timeline.spans.class_of(place) == name for place in timeline.lanes.shown)
    assert button.text() == name


def test_a_zone_of_the_review_becomes_a_filter(window) -> None:
    timeline, zone = window.session.timeline, window.reviewing.panel.filter.zone
    first = int(timeline.spans.ids[0])
    window.session.review.zones = {"door": frozenset({first})}
    zone.setCurrentIndex(1)
    zone.activated.emit(1)
    assert timeline.spans.ids[timeline.lanes.shown].tolist() == [first]
    window.session.review.zones = {}
    assert len(timeline.lanes.shown) == len(timeline.spans)


def test_a_track_file_is_opened_and_exported(window, qtbot, table, tmp_path: Path) -> None:
    write_table(table, tmp_path / "street.csv")
    window.session.review.show(None)
    window.reviewing.show_tracks(tmp_path / "street.csv")
    qtbot.waitUntil(lambda: window.session.review.table is not None, timeout=20000)
    written: list[bool] = []
    window.session.files.export_tracks(tmp_path / "again.csv", lambda: written.append(True))
    qtbot.waitUntil(lambda: bool(written), timeout=20000)
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "street.csv").read_bytes()


def test_a_broken_track_file_is_said_in_the_window(window, qtbot, tmp_path: Path) -> None:
    (tmp_path / "broken.csv").write_text("frame,id\nx,y\n")
    window.reviewing.show_tracks(tmp_path / "broken.csv")
    qtbot.waitUntil(lambda: window.player.message is not None, timeout=20000)
    assert "broken.csv" in window.player.message.text


def test_another_source_ends_the_review(window, qtbot) -> None:
    window.session.open("live")
    qtbot.waitUntil(lambda: window.player.source == "live", timeout=20000)
    assert window.session.review.table is None
    qtbot.waitUntil(lambda: len(window.session.timeline.spans) == 0, timeout=20000)


def test_the_timeline_is_remembered(open_window) -> None:
    first = open_window()
    assert not first.reviewing.panel.isVisible()
    first.actions_["lanes"].trigger()
    assert first.reviewing.panel.isVisible()
    first.close()
    assert open_window().reviewing.panel.isVisible()


def test_layers_of_the_chart_lie_on_each_other() -> None:
    pixels = layered(np.array([[0.25, 0.5], [0.75, 0.5]]), [1, 2], 4)
    assert pixels[:, 0].tolist() == [0, 2, 2, 1]
    assert pixels[:, 1].tolist() == [0, 0, 1, 1]


def test_the_format_chosen_for_an_export_is_that_of_its_name(window, qtbot) -> None:
    window.actions_["export_tracks"].trigger()
    dialog = QApplication.activeModalWidget()
    assert dialog.windowTitle() == "Export tracks"
    dialog.filterSelected.emit("Parquet table (*.parquet)")
    assert Path(dialog.selectedFiles()[0]).suffix == ".parquet"
    dialog.reject()


def test_the_trails_of_live_tracks_go_on_while_the_table_grows_behind_them(open_window, qtbot, table) -> None:
    window = open_window()
    view, review = window.stage.view, window.session.review
    qtbot.waitUntil(lambda: view.frame.index > 30 and len(view.trails) > 0, timeout=20000)
    window.session.toggle_play()
    review.tracks_of = lambda frame: table.at(frame.index + 1) if frame.index < 10 else None
    before = len(view.trails)
    review.table = table
    assert len(view.trails) == before
    window.session.seek(0.2)
    qtbot.waitUntil(lambda: view.frame.index == 5, timeout=20000)
    assert view.tracks.ids.tolist() == table.at(6).ids.tolist()
