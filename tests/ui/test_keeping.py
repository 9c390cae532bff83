"""Recordings and snapshots."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PyQt6.QtCore import Qt

from rtdet.errors import OutputError
from rtdet.types import FrameResult
from rtdet.video.draw import color_of, draw_marks
from rtdet.viewer.player import Phase, Severity


def until(qtbot, condition, timeout: int = 5000) -> None:
    qtbot.waitUntil(condition, timeout=timeout)


def recorded(window) -> int:
    """Frames that the recording under way has written."""
    sink = window.session.recorder.sink
    return 0 if sink is None else sink.frames


def times_of(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [float(frame.time) for frame in container.decode(video=0)]


def test_r_records_into_the_videos_folder_and_stops(qtbot, open_window, stage) -> None:
    window = open_window()
    qtbot.keyClick(window.stage.view, Qt.Key.Key_R)
    until(qtbot, lambda: window.player.recording is not None)
    path = window.player.recording
    assert path.parent.name == "Videos"
    assert path.name.endswith(" demo.mp4")
    assert window.actions_["record"].text() == "Stop recording"
    until(qtbot, lambda: window.status.recording.isVisible() and "REC" in window.status.recording.text())
    until(qtbot, lambda: recorded(window) >= 5)
    qtbot.keyClick(window.stage.view, Qt.Key.Key_R)
    until(qtbot, lambda: window.player.message is not None)
    assert str(path) in window.player.message.text
    assert not window.status.recording.isVisible()
    times = times_of(path)
    assert times[0] == 0.0
    assert len(times) >= 5


def test_a_recording_goes_on_in_order_when_one_seeks_back(qtbot, open_window) -> None:
    window = open_window()
    window.session.seek(2.0)
    until(qtbot, lambda: window.stage.view.frame.t > 2.0)
    window.session.record()
    until(qtbot, lambda: window.player.recording is not None)
    path = window.player.recording
    until(qtbot, lambda: recorded(window) >= 3)
    window.session.seek(0.5)
    until(qtbot, lambda: 0.7 < window.stage.view.frame.t < 1.9)
    window.session.recorder.stop()
    until(qtbot, lambda: window.player.message is not None)
    times = times_of(path)
    assert times[0] == 0.0
    assert all(a < b for a, b in itertools.pairwise(times))
    assert times[-1] < 2.5


def test_closing_the_window_completes_the_recording(qtbot, open_window) -> None:
    window = open_window()
    window.session.record()
    until(qtbot, lambda: window.player.recording is not None)
    path = window.player.recording
    until(qtbot, lambda: recorded(window) >= 4)
    window.close()
    assert len(times_of(path)) >= 4


def test_a_recording_ends_with_its_source(qtbot, open_window, stage) -> None:
    stage.duration_s = 0.8
    window = open_window()
    window.session.record()
    until(qtbot, lambda: window.player.phase is Phase.ENDED)
    until(qtbot, lambda: window.player.recording is None)
    until(qtbot, lambda: window.player.message is not None and "saved" in window.player.message.text)
    assert times_of(stage.recordings[0])


class FullDisk:
    closed = False

    def write(self, result: FrameResult) -> None:
        raise OutputError("cannot write street.mp4: no space left on the disk; free some or choose another")

    def close(self) -> None:
        self.closed = True


def test_a_full_disk_ends_the_recording_but_not_the_show(qtbot, open_window, stage) -> None:
    stage.sink = FullDisk()
    window = open_window()
    window.session.record()
    until(qtbot, lambda: window.player.message is not None)
    assert window.player.message.severity is Severity.ERROR
    assert "no space left" in window.player.message.text
    assert window.player.recording is None
    assert stage.sink.closed
    index = window.stage.view.frame.index
    until(qtbot, lambda: window.stage.view.frame.index > index + 2)


def test_a_recording_that_cannot_be_opened_is_said(qtbot, open_window, tmp_path) -> None:
    (tmp_path / "file").write_text("not a folder")
    window = open_window()
    window.session.record(tmp_path / "file" / "out.mp4")
    until(qtbot, lambda: window.player.message is not None)
    assert window.player.message.severity is Severity.ERROR
    assert window.player.recording is None


def test_a_film_that_plays_cannot_be_recorded_onto_itself(qtbot, open_window, tmp_path) -> None:
    film = tmp_path / "film.mp4"
    with av.open(str(film), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for shade in range(40):
            picture = np.full((48, 64, 3), shade, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode(None))
    content = film.read_bytes()
    window = open_window(str(film))
    (tmp_path / "link.mp4").hardlink_to(film)
    window.session.record(tmp_path / "link.mp4")
    until(qtbot, lambda: window.player.message is not None)
    assert "would overwrite" in window.player.message.text
    assert window.player.recording is None
    assert film.read_bytes() == content


def test_a_snapshot_is_a_png_of_the_source_size_with_boxes(qtbot, open_window, tmp_path) -> None:
    window = open_window()
    view = window.stage.view
    until(qtbot, lambda: len(view.tracks) > 0)
    window.session.toggle_play()
    qtbot.wait(100)
    window.page.snapshot(str(tmp_path / "one.png"))
    until(qtbot, lambda: (tmp_path / "one.png").exists() and window.player.message is not None)
    picture = cv2.imread(str(tmp_path / "one.png"))
    assert picture.shape == view.frame.bgr.shape
    assert (picture != view.frame.bgr).any()


def test_a_snapshot_without_boxes_labels_and_trails_is_the_picture_itself(qtbot, open_window) -> None:
    window = open_window()
    window.state.show_boxes = window.state.show_labels = window.state.show_trails = False
    window.session.toggle_play()
    qtbot.wait(100)
    qtbot.keyClick(window.stage.view, Qt.Key.Key_S)
    until(qtbot, lambda: window.player.message is not None)
    path = Path(window.player.message.text.removeprefix("Snapshot saved: "))
    assert path.parent.name == "Pictures"
    np.testing.assert_array_equal(cv2.imread(str(path)), window.stage.view.frame.bgr)


@pytest.mark.parametrize("shown", ["show_boxes", "show_labels", "show_trails"])
def test_a_snapshot_has_of_boxes_labels_and_trails_what_the_window_shows(
    qtbot, open_window, tmp_path, shown
) -> None:
    window = open_window()
    view = window.stage.view
    until(qtbot, lambda: view.frame.t > 1.0 and any(len(mark.trail) > 5 for mark in view.marks))
    for field in ("show_boxes", "show_labels", "show_trails"):
        setattr(window.state, field, field == shown)
    frame, marks = view.frame, view.marks  # the same as the snapshot's: nothing else runs until the next wait
    window.page.snapshot(str(tmp_path / "one.png"))
    until(qtbot, lambda: window.player.message is not None)
    drawn = frame.bgr.copy()
    draw_marks(drawn, marks, window.stage.view.draw_style)
    assert (drawn != frame.bgr).any()
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "one.png")), drawn)
    for mark in marks:
        assert bool(mark.label) is (shown == "show_labels")
        assert len(mark.trail) == 0 or shown == "show_trails"


def test_a_recording_follows_the_switches_of_the_window_while_it_goes_on(qtbot, open_window, stage) -> None:
    stage.duration_s = 8.0
    window = open_window()
    window.state.show_trails = window.state.show_labels = False
    until(qtbot, lambda: len(window.stage.view.tracks) > 3)
    window.session.record()
    until(qtbot, lambda: recorded(window) >= 10)
    window.state.show_boxes = False
    bare_from = recorded(window) + 2  # one may be between the drawing and the count
    until(qtbot, lambda: recorded(window) >= bare_from + 8)
    path = window.player.recording
    window.session.recorder.stop()
    until(qtbot, lambda: window.player.message is not None)
    pictures = pictures_of(path)
    assert colored(pictures[8]) > colored(pictures[bare_from + 4]) + 100


def test_what_the_command_line_saves_follows_the_switches_too(qtbot, open_window, stage, tmp_path) -> None:
    stage.duration_s = 8.0
    window = open_window(save=str(tmp_path / "o.mp4"))
    window.state.show_trails = window.state.show_labels = False
    view = window.stage.view
    until(qtbot, lambda: len(view.tracks) > 3 and view.frame.index > 20)
    window.state.show_boxes = False
    off_at = view.frame.index
    until(qtbot, lambda: view.frame.index > off_at + 20)
    window.close()
    pictures = pictures_of(tmp_path / "o.mp4")
    assert max(map(colored, pictures[:20])) > colored(pictures[-1]) + 100


def pictures_of(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]


def colored(picture: np.ndarray) -> int:
    """Pixels in the colours of the first IDs: of their lines, and few by chance."""
    colors = [np.array(color_of(track_id)[::-1]) for track_id in range(1, 9)]
    return sum(int((np.abs(picture.astype(int) - color).max(axis=2) < 40).sum()) for color in colors)


def test_opencvs_older_qt_plugins_are_not_used(monkeypatch) -> None:
    from rtdet.ui.app import _use_own_plugins

    monkeypatch.setenv("QT_QPA_PLATFORM_PLUGIN_PATH", "/somewhere/cv2/qt/plugins")
    monkeypatch.setenv("QT_QPA_FONTDIR", "/chosen/by/the/user")
    _use_own_plugins()
    assert "QT_QPA_PLATFORM_PLUGIN_PATH" not in os.environ
    assert os.environ["QT_QPA_FONTDIR"] == "/chosen/by/the/user"
