"""Several sources side by side in one window."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PyQt6.QtCore import QMimeData, QPointF, Qt, QUrl
from PyQt6.QtGui import QDropEvent, QImage

from rtdet.config import RunConfig
from rtdet.source_list import NamedRun
from rtdet.ui.several import saved_line
from rtdet.viewer.condition import Kind, condition_of
from rtdet.viewer.player import Phase
from tests import loopback

ABOVE = QPointF(20, 100)
NONE, CTRL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier


class Camera:
    """Sends JPEGs over HTTP on loopback; it can be switched off, and on again at the same address."""

    def __init__(self) -> None:
        self._listener: socket.socket | None = None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}/door.mjpg"
        self._off = threading.Event()
        self._threads: list[threading.Thread] = []

    def switch_on(self) -> None:
        self._off = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", self.port), reuse_port=True)
        self._listener.settimeout(0.05)
        self._start(self._serve, self._listener, self._off)

    def switch_off(self) -> None:
        self._off.set()
        for thread in self._threads:
            thread.join(5)
        if self._listener is not None:
            self._listener.close()

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        self._threads.append(threading.Thread(target=target, args=arguments))
        self._threads[-1].start()

    def _serve(self, listener: socket.socket, off: threading.Event) -> None:
        while not off.is_set():
            with contextlib.suppress(TimeoutError):
                self._start(self._send, listener.accept()[0], off)

    def _send(self, connection: socket.socket, off: threading.Event) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(5)
            connection.recv(4096)
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
                b"Content-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"
            )
            for number in itertools.count():
                picture = np.full((90, 160, 3), (40, 90, 160 + number % 80), np.uint8)
                jpeg = cv2.imencode(".jpg", picture)[1].tobytes()
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                connection.sendall(head.encode() + jpeg + b"\r\n")
                if off.wait(0.04):
                    return


@pytest.fixture
def camera() -> Iterator[Camera]:
    camera = Camera()
    yield camera
    camera.switch_off()


@pytest.fixture
def loopback_cameras() -> Iterator[list[loopback.Camera]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(contextlib.closing(loopback.Camera())) for _ in range(2)]


@pytest.fixture
def open_grid(qtbot, qapp, stage, tmp_path) -> Iterator[Callable]:
    """open_grid("demo", "live", ...) shows a window with these; every one is closed at the end."""
    from PyQt6.QtCore import QEvent

    from rtdet.ui import make_window
    from rtdet.ui.theme import apply_theme

    apply_theme(qapp)
    windows = []

    def make(*sources: str, wait: bool = True, **settings):
        runs = [NamedRun("", RunConfig(source=source, model="truth", **settings)) for source in sources]
        window = make_window(
            runs[0].config, stage.services(), beside=runs, settings_path=tmp_path / "viewer.ini"
        )
        windows.append(window)
        window.resize(1000, 700)
        window.show()
        for run, session in zip(runs, window.sources.sessions, strict=True):
            session.open(run.config.source)
        if wait:
            until(qtbot, lambda: all(page.stage.view.frame is not None for page in window.pages.pages))
        return window

    yield make
    for window in windows:
        window.end()
        window.deleteLater()
        qapp.sendPostedEvents(window, QEvent.Type.DeferredDelete.value)
    qapp.processEvents()


def until(qtbot, condition, timeout: int = 20_000) -> None:
    qtbot.waitUntil(condition, timeout=timeout)


def tiles(window) -> list:
    return window.pages.grid.tiles


def kind(tile) -> Kind:
    return condition_of(tile.page.player).kind


def is_fresh(qtbot, page) -> bool:
    """Whether new pictures come from it."""
    before = page.session.pipeline.newest_frame()
    until(qtbot, lambda: page.session.pipeline.newest_frame() is not before)
    return True


def drop(window, names: list[str], modifiers=NONE, at=ABOVE) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl(name) if "://" in name else QUrl.fromLocalFile(name) for name in names])
    window.dropEvent(QDropEvent(at, Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, modifiers))


def test_each_source_has_a_tile_with_its_name_its_numbers_and_boxes(qtbot, open_grid) -> None:
    window = open_grid("demo", "live", "demo")
    assert window.pages.is_grid
    assert window.windowTitle() == "3 sources - rtdet"
    assert [tile.bar.name.text() for tile in tiles(window)] == ["demo", "live", "demo-2"]
    for tile in tiles(window):
        until(qtbot, lambda tile=tile: "fps" in tile.bar.numbers.text() and "ms" in tile.bar.numbers.text())
        until(qtbot, lambda tile=tile: len(tile.page.stage.view.tracks) > 0)
        assert tile.page.stage.isVisible()
        assert not tile.notice.isVisible()
        assert tile.page.single is None, "what only the single view needs is not made for a tile"


def test_one_detector_looks_at_the_pictures_of_all_and_goes_with_the_last(qtbot, open_grid, stage) -> None:
    window = open_grid("demo", "live", "live")
    assert len(stage.detectors) == 1
    window.close()
    until(qtbot, lambda: all(pipeline.is_finished for pipeline in stage.pipelines))
    until(qtbot, lambda: stage.detectors[0].is_closed)


def test_a_click_enlarges_a_tile_and_escape_leads_back_while_the_others_go_on(qtbot, open_grid) -> None:
    window = open_grid("demo", "live", "live")
    first, second, third = window.pages.pages
    qtbot.mouseClick(tiles(window)[1], Qt.MouseButton.LeftButton)
    assert not window.pages.is_grid
    assert window.page is second
    assert window.windowTitle() == "live - rtdet"
    for part in (window.panel, window.transport, window.status, second.stage, window.pages.strip):
        assert part.isVisible()
    assert second.stage.view.minimumWidth() == 320
    assert is_fresh(qtbot, first)
    assert is_fresh(qtbot, third)
    shown = first.session.pipeline.stats().shown
    assert is_fresh(qtbot, second)
    assert first.session.pipeline.stats().shown == shown, "nobody sees it, so it is not painted"
    qtbot.keyClick(window.stage.view, Qt.Key.Key_Escape)
    assert window.pages.is_grid
    assert all(page.stage.isVisible() for page in window.pages.pages)
    until(qtbot, lambda: first.session.pipeline.stats().shown > shown)
    window.pages.strip.back.click()
    assert window.pages.is_grid


def test_the_strip_and_the_digits_lead_from_one_source_to_another(qtbot, open_grid) -> None:
    window = open_grid("demo", "live", "live")
    window.activateWindow()
    qtbot.keyClick(tiles(window)[0], Qt.Key.Key_3)
    assert window.page is window.pages.pages[2]
    strip = window.pages.strip
    until(qtbot, lambda: not strip.thumbnails[0]._image.isNull())
    assert [one.isChecked() for one in strip.thumbnails] == [False, False, True]
    qtbot.mouseClick(strip.thumbnails[0], Qt.MouseButton.LeftButton)
    assert window.page is window.pages.pages[0]
    assert [one.isChecked() for one in strip.thumbnails] == [True, False, False]
    strip.back.click()
    assert window.pages.is_grid


def test_the_timeline_has_the_same_height_under_every_source(qtbot, open_grid) -> None:
    window = open_grid("demo", "live")
    window.state.lanes_open = True
    heights = []
    for page in window.pages.pages:
        window.pages.enlarge(page)
        heights.append(page.single.reviewing.panel.height())
    assert heights[0] == heights[1]
    assert heights[0] == pytest.approx(window.state.lanes_height, abs=4)


def test_the_keys_reach_every_tile_and_work_on_the_one_that_has_the_focus(qtbot, open_grid) -> None:
    window = open_grid("live", "live", "live", "live")
    window.activateWindow()
    first, second, third, fourth = tiles(window)
    until(qtbot, first.hasFocus)
    qtbot.keyClick(first, Qt.Key.Key_Right)
    assert second.hasFocus()
    qtbot.keyClick(second, Qt.Key.Key_Down)
    assert fourth.hasFocus()
    assert fourth.bar.buttons["play"].isVisible()
    assert not second.bar.buttons["play"].isVisible()
    second.bar.show_buttons(True)  # the mouse is there
    qtbot.keyClick(fourth, Qt.Key.Key_Space)
    phases = [page.player.phase for page in window.pages.pages]
    assert phases == [Phase.PLAYING, Phase.PLAYING, Phase.PLAYING, Phase.PAUSED]
    assert fourth.bar.numbers.text() == "Paused"
    qtbot.keyClick(fourth, Qt.Key.Key_Left)
    assert third.hasFocus()
    qtbot.keyClick(third, Qt.Key.Key_Return)
    assert window.page is third.page
    assert not window.pages.is_grid


def test_play_and_record_of_a_tile_are_its_own_and_do_not_enlarge_it(qtbot, open_grid, stage) -> None:
    window = open_grid("live", "live")
    first, second = tiles(window)
    second.setFocus()
    qtbot.mouseClick(second.bar.buttons["play"], Qt.MouseButton.LeftButton)
    assert (first.page.player.phase, second.page.player.phase) == (Phase.PLAYING, Phase.PAUSED)
    qtbot.mouseClick(second.bar.buttons["play"], Qt.MouseButton.LeftButton)
    qtbot.mouseClick(second.bar.buttons["record"], Qt.MouseButton.LeftButton)
    until(qtbot, lambda: second.page.player.recording is not None)
    assert second.bar.recording.isVisible()
    assert first.page.player.recording is None
    assert window.pages.is_grid
    assert "live-2" in stage.recordings[0].name, "recordings are named by their source"


def test_recordings_that_end_at_once_are_all_named_and_the_bars_stay_free(qtbot, open_grid, stage) -> None:
    window = open_grid("live", "live")
    window.actions_["record_all"].trigger()
    sessions = window.sources.sessions
    until(qtbot, lambda: all(one.recorder.sink and one.recorder.sink.frames > 5 for one in sessions))
    window.actions_["record_all"].trigger()
    until(qtbot, lambda: window.state.message is not None and "2 recordings" in window.state.message.text)
    said = window.state.message.text
    assert said.startswith(f"2 recordings saved in {stage.recordings[0].parent}: ")
    assert all(path.name in said for path in stage.recordings)
    banner, pages = window.pages.banner, window.pages
    assert banner.isVisible()
    for tile in tiles(window):
        bar = tile.bar.rect().translated(tile.bar.mapTo(pages, tile.bar.rect().topLeft()))
        assert not banner.geometry().intersects(bar)
    pages.enlarge(pages.current)
    assert banner.y() == pages.strip.height(), "a source that is seen alone has no bar"


def test_recordings_in_several_folders_are_named_with_them() -> None:
    assert saved_line([Path("a/x.mp4"), Path("b/y.mp4")]) == (
        f"2 recordings saved: {Path('a/x.mp4')}, {Path('b/y.mp4')}"
    )


def test_several_recordings_are_whole_after_the_window_was_closed(qtbot, open_grid, stage) -> None:
    window = open_grid("live", "live", "demo")
    window.actions_["record_all"].trigger()
    sessions = window.sources.sessions
    until(qtbot, lambda: all(one.recorder.sink and one.recorder.sink.frames > 5 for one in sessions))
    assert window.actions_["record_all"].text() == "Stop recording all sources"
    window.close()
    assert len(set(stage.recordings)) == 3
    for path in stage.recordings:
        with av.open(str(path)) as container:
            assert sum(1 for _ in container.decode(video=0)) > 5


def test_what_a_source_says_is_said_above_the_tiles_with_its_name(qtbot, open_grid) -> None:
    window = open_grid("demo", "live")
    tile = window.pages.grid.tile_of(window.pages.pages[0])
    tile.show_focus()
    tile.setFocus()
    qtbot.mouseClick(tile.bar.buttons["snapshot"], Qt.MouseButton.LeftButton)
    until(qtbot, lambda: window.state.message is not None)
    assert window.state.message.text.startswith("demo: Snapshot saved")
    assert window.pages.banner.isVisibleTo(window)


def test_all_are_paused_and_played_at_once(qtbot, open_grid) -> None:
    window = open_grid("live", "live")
    assert window.actions_["play_all"].text() == "Pause all sources"
    window.pages.pages[0].session.toggle_play()
    window.actions_["play_all"].trigger()
    assert all(page.player.phase is Phase.PAUSED for page in window.pages.pages)
    assert window.actions_["play_all"].text() == "Play all sources"
    window.actions_["play_all"].trigger()
    assert all(page.player.phase is Phase.PLAYING for page in window.pages.pages)


def test_a_source_that_fails_says_why_in_its_tile_and_leaves_the_others_alone(qtbot, open_grid) -> None:
    window = open_grid("live", "dying", "/nowhere/street.mp4", wait=False)
    first, second, third = tiles(window)
    until(qtbot, lambda: kind(third) is Kind.FAILED and kind(second) is Kind.FAILED)
    assert "street.mp4" in third.notice.reason.text()
    assert third.notice.button.text() == "Try again"
    assert "lost" in second.notice.reason.text()
    assert second.page.stage.view.frame is not None, "the last picture stays"
    assert kind(first) is Kind.PLAYING
    assert is_fresh(qtbot, first.page)
    assert first.page.player.message is None
    assert window.state.message is None
    qtbot.mouseClick(second.notice.button, Qt.MouseButton.LeftButton)
    until(qtbot, lambda: kind(second) is Kind.PLAYING)
    assert window.pages.is_grid


def test_a_camera_that_is_not_there_yet_is_tried_again_until_it_is(qtbot, open_grid, camera) -> None:
    window = open_grid("live", camera.address, wait=False)
    first, door = tiles(window)
    until(qtbot, lambda: kind(door) is Kind.FAILED)
    assert "refused" in door.notice.reason.text()
    assert "Trying again in" in door.notice.reason.text()
    assert door.notice.button.text() == "Try now"
    camera.switch_on()
    until(qtbot, lambda: kind(door) is Kind.PLAYING)
    assert door.page.player.trouble == ""
    assert door.page.player.message is None
    assert is_fresh(qtbot, first.page)


def test_a_camera_that_is_lost_is_gray_with_its_reason_until_it_is_back(qtbot, open_grid, camera) -> None:
    camera.switch_on()
    window = open_grid("live", camera.address)
    first, door = tiles(window)
    camera.switch_off()
    until(qtbot, lambda: kind(door) is Kind.RECONNECTING)
    until(qtbot, lambda: door.notice.isVisible() and bool(door.notice.reason.text()))
    assert door.page.stage.view.is_gray
    assert not first.page.stage.view.is_gray
    assert first.page.player.message is None, "what is said of a camera is said in its tile"
    assert window.state.message is None
    color = door.page.stage.view.grab().toImage().pixelColor(30, 30)
    assert max(color.getRgb()[:3]) - min(color.getRgb()[:3]) <= 12
    camera.switch_on()
    until(qtbot, lambda: kind(door) is Kind.PLAYING)
    assert not door.page.stage.view.is_gray
    assert not door.notice.isVisible()


def test_of_eight_tiles_one_freezes_one_vanishes_and_both_come_back_while_the_others_play_on(
    qtbot, open_grid, loopback_cameras
) -> None:
    freezing, vanishing = loopback_cameras
    window = open_grid(*["live"] * 5, "dying", freezing.url, vanishing.url, wait=False)
    *steady, dying, frozen, vanished = tiles(window)
    until(qtbot, lambda: all(kind(tile) is Kind.PLAYING for tile in (*steady, frozen, vanished)))
    changes: list[object] = []
    for tile in steady:
        tile.page.player.watch("phase", changes.append)
    freezing.freeze()
    vanishing.vanish()
    lost = frozen, vanished
    until(qtbot, lambda: all(kind(tile) is Kind.RECONNECTING for tile in lost))
    for tile, reason in zip(lost, ("timed out", "the stream ended"), strict=True):
        until(qtbot, lambda tile=tile, reason=reason: reason in tile.notice.reason.text())
        assert tile.page.stage.view.is_gray
    until(qtbot, lambda: kind(dying) is Kind.FAILED)
    seen = [tile.page.session.pipeline.stats().processed for tile in steady]
    for tile, before in zip(steady, seen, strict=True):
        until(
            qtbot, lambda tile=tile, before=before: tile.page.session.pipeline.stats().processed > before + 20
        )
        assert is_fresh(qtbot, tile.page)
        assert not tile.notice.isVisible()
    freezing.come_back()
    vanishing.come_back()
    until(qtbot, lambda: all(kind(tile) is Kind.PLAYING for tile in lost))
    for tile in lost:
        assert is_fresh(qtbot, tile.page)
        assert not tile.page.stage.view.is_gray
        assert not tile.notice.isVisible()
    assert changes == [], "nothing happened to the others"
    assert all(tile.page.player.message is None for tile in steady)


def test_a_warning_that_is_of_no_source_is_said_above_the_tiles(qtbot, open_grid) -> None:
    import logging

    window = open_grid("live", "live")
    logging.getLogger("rtdet.backends").warning("the GPU is busy")
    until(qtbot, lambda: window.pages.banner.isVisible())
    assert window.pages.banner.text.text() == "the GPU is busy"
    assert all(page.player.message is None for page in window.pages.pages)
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert not window.pages.banner.isVisible()


def test_another_model_in_one_source_leaves_the_others_with_theirs(qtbot, open_grid, stage) -> None:
    window = open_grid("live", "live", "live")
    window.pages.enlarge(window.pages.pages[1])
    window.player.model = "blind"
    until(qtbot, lambda: len(stage.detectors) == 2)
    until(
        qtbot,
        lambda: window.page.session.pipeline.newest_result().detections.class_names == ("cat", "person"),
    )
    for page in (window.pages.pages[0], window.pages.pages[2]):
        assert page.player.model == "truth"
        assert is_fresh(qtbot, page)
    assert not stage.detectors[0].is_closed
    window.player.confidence = 0.8
    assert window.pages.pages[0].player.confidence == 0.25


def test_a_source_is_closed_and_the_last_one_is_shown_alone(qtbot, open_grid, stage) -> None:
    window = open_grid("live", "live", "demo")
    gone = window.pages.pages[1]
    tile = tiles(window)[1]
    tile.setFocus()
    qtbot.mouseClick(tile.bar.close_button, Qt.MouseButton.LeftButton)
    assert len(tiles(window)) == 2
    assert gone not in window.pages.pages
    until(qtbot, lambda: stage.pipelines[1].is_finished or stage.pipelines[2].is_finished)
    window.state.show_boxes = False  # nothing of it listens any more
    qtbot.wait(150)
    window.state.show_boxes = True
    window.pages.enlarge(window.pages.pages[1])
    window.actions_["close_source"].trigger()
    assert not window.pages.is_grid
    assert window.page is window.pages.pages[0]
    assert window.windowTitle() == "live - rtdet"
    assert not window.pages.strip.isVisible()
    assert not window.actions_["close_source"].isEnabled()
    assert is_fresh(qtbot, window.page)
    qtbot.keyClick(window.stage.view, Qt.Key.Key_Escape)
    assert not window.pages.is_grid


def test_menus_have_what_can_be_done_with_what_is_shown(qtbot, open_grid) -> None:
    window = open_grid("demo", "live")

    def shown(menu: str) -> set[str]:
        return {action.objectName() for action in window.menus.by_name[menu].actions()}

    def titles() -> list[str]:
        return [name for name, menu in window.menus.by_name.items() if menu.menuAction().isVisible()]

    assert titles() == ["File", "Playback", "View", "Help"]
    assert {"play", "play_all", "loop"} <= shown("Playback")
    assert "lanes" not in shown("View")
    assert window.actions_["forward"].isEnabled(), "of the demo, which has the focus"
    tiles(window)[1].setFocus()
    assert not window.actions_["forward"].isEnabled(), "one cannot go about in what is live"
    window.pages.enlarge(window.pages.pages[0])
    assert {"Tracks", "Counts"} <= set(titles())
    assert "lanes" in shown("View")


def test_full_screen_has_nothing_but_tiles_and_escape_ends_it_first_where_it_began(qtbot, open_grid) -> None:
    window = open_grid("live", "live")
    window.toggle_full_screen()
    assert not window.menuBar().isVisible()
    window.pages.enlarge(window.page)
    assert not window.pages.strip.isVisible()
    assert not window.panel.isVisible()
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert window.pages.is_grid
    assert window.isFullScreen()
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert not window.isFullScreen()
    window.pages.enlarge(window.page)
    window.toggle_full_screen()
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert not window.isFullScreen()
    assert not window.pages.is_grid


def test_live_sources_and_files_with_ctrl_are_dropped_side_by_side_and_other_files_play_in_turn(
    qtbot, open_window, camera, tmp_path
) -> None:
    camera.switch_on()
    window = open_window("demo")
    drop(window, ["/nowhere/a.mp4", "/nowhere/b.mp4"])
    assert len(window.pages.pages) == 1
    until(qtbot, lambda: window.player.message is not None and not window.session.queue)
    drop(window, [camera.address, f"{camera.address}?two"])
    assert len(window.pages.pages) == 3
    assert window.pages.is_grid
    assert tiles(window)[0].bar.name.text() == "demo", "what was open is still there"
    until(qtbot, lambda: all(kind(tile) is Kind.PLAYING for tile in tiles(window)))
    drop(window, ["/nowhere/a.mp4", "/nowhere/b.mp4"], CTRL)
    assert len(window.pages.pages) == 5
    assert [tile.bar.name.text() for tile in tiles(window)][3:] == ["a", "b"]


def test_a_model_is_dropped_on_the_tile_that_is_to_have_it(qtbot, open_grid) -> None:
    window = open_grid("live", "live")
    second = tiles(window)[1]
    at = QPointF(second.mapTo(window, second.rect().center()))
    drop(window, ["/nowhere/other.onnx"], at=at)
    until(qtbot, lambda: second.page.player.message is not None)
    assert tiles(window)[0].page.player.message is None


def test_several_sources_are_opened_from_the_dialog_and_take_the_place_of_nothing(qtbot, open_window) -> None:
    from rtdet.ui.open_several import OpenSeveralDialog

    window = open_window(None)
    window.actions_["open_several"].trigger()
    dialog = window.findChild(OpenSeveralDialog)
    assert not dialog.open_button.isEnabled()
    dialog.field.setPlainText(" demo \n\nlive\n")
    dialog.open_button.click()
    until(qtbot, lambda: len(window.pages.pages) == 2)
    assert window.pages.is_grid
    until(qtbot, lambda: all(kind(tile) is Kind.PLAYING for tile in tiles(window)))
    assert [tile.bar.name.text() for tile in tiles(window)] == ["demo", "live"]
    window.play("demo")
    assert len(window.pages.pages) == 3, "where there are several, what is opened comes beside them"


def test_a_picture_of_all_tiles_is_saved(qtbot, open_grid, tmp_path) -> None:
    window = open_grid("live", "live")
    window.actions_["snapshot_all"].trigger()
    until(qtbot, lambda: window.state.message is not None)
    saved = window.state.message.text.removeprefix("Snapshot saved: ")
    assert QImage(saved).size() == window.pages.grid.size()
    assert "all" in saved


def test_edits_of_each_source_are_asked_about_once_before_the_window_is_closed(qtbot, open_grid) -> None:
    from PyQt6.QtWidgets import QApplication, QMessageBox

    from rtdet.tracks.offline import Edit

    window = open_grid("demo", "live", "demo")
    window.state.lanes_open = True
    mended = [window.pages.pages[0], window.pages.pages[2]]
    for page in mended:
        window.pages.enlarge(page)
        until(qtbot, lambda page=page: page.player.position_s > 1.0)
        page.session.toggle_play()
        until(qtbot, lambda page=page: page.session.review.table is not None, timeout=60_000)
        page.session.review.apply(Edit.of("delete", track_id=int(page.session.review.table.ids[0])))
    window.pages.show_grid()
    window.close()
    asked = []
    for _ in mended:
        until(qtbot, lambda: isinstance(QApplication.activeModalWidget(), QMessageBox))
        asked.append(window.page)
        QApplication.activeModalWidget().button(QMessageBox.StandardButton.Discard).click()
    assert asked == mended, "each is shown while it is asked about"
    until(qtbot, lambda: not window.isVisible())


def test_settings_of_several_sources_are_not_remembered_for_the_next_window(open_grid, open_window) -> None:
    window = open_grid("live", "live", conf=0.7)
    window.state.show_trails = False
    window.close()
    again = open_window(None)
    assert again.player.confidence == 0.25
    assert not again.state.show_trails


def test_every_control_of_the_grid_and_the_strip_has_a_name_and_a_tooltip(open_grid) -> None:
    from PyQt6.QtWidgets import QAbstractButton

    window = open_grid("live", "live")
    window.pages.enlarge(window.page)
    window.pages.look()
    for widget in (window.pages.grid, window.pages.strip):
        for button in widget.findChildren(QAbstractButton):
            name = button.accessibleName() or button.text()
            assert name, f"{button} has no name"
            assert button.toolTip(), f"{name} has no tooltip"


@pytest.fixture
def started(monkeypatch) -> Callable[..., tuple[list[str], list[str]]]:
    """started("a.mp4", "--then", ...): which sources the window would show side by side, and which in turn."""
    from click.testing import CliRunner

    from rtdet.cli import cli

    def start(*arguments: str) -> tuple[list[str], list[str]]:
        asked = []

        def run_viewer(config, _services, *, others, beside, **_more):
            asked.append(([run.config.source for run in beside] or [config.source], list(others)))
            return 0

        monkeypatch.setattr("rtdet.ui.run_viewer", run_viewer)
        done = CliRunner().invoke(cli, arguments)
        assert bool(asked) is (done.exit_code == 0), done.output
        return asked[0] if asked else ([], [f"{done.output} {done.exception}"])

    return start


def test_sources_of_the_command_line_are_side_by_side_and_files_that_are_only_named_in_turn(started) -> None:
    assert started("--source", "a.mp4", "--source", "demo") == (["a.mp4", "demo"], [])
    assert started("a.mp4", "b.mp4", "c.mp4") == (["a.mp4"], ["b.mp4", "c.mp4"])
    assert started("--source", "a.mp4", "--then", "b.mp4") == (["a.mp4"], ["b.mp4"])
    assert started("--source", "a.mp4", "b.mp4") == (["a.mp4"], ["b.mp4"])
    assert "--then" in started("--source", "a.mp4", "--source", "b.mp4", "--then", "c.mp4")[1][0]
    assert "{name}" in started("--source", "a.mp4", "--source", "b.mp4", "--stats", "s.json")[1][0]
    assert "--save of the first alone" in started("a.mp4", "b.mp4", "--save", "{name}.mp4")[1][0]


def test_sources_of_a_file_are_side_by_side_with_names_and_settings_of_their_own(started, tmp_path) -> None:
    file = tmp_path / "cameras.toml"
    file.write_text(
        '[[sources]]\nname = "Front door"\nsource = "rtsp://door/1"\nconf = 0.6\n'
        '[[sources]]\nname = "Yard"\nsource = "rtsp://yard/1"\n'
    )
    assert started("--config", str(file)) == (["rtsp://door/1", "rtsp://yard/1"], [])
