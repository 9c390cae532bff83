"""The camera source, run against OpenCV captures of real video files (there may be no camera here)."""

from __future__ import annotations

import itertools
import sys
import threading
import time

import cv2
import numpy as np
import pytest

from rtdet.errors import SourceError
from rtdet.protocols import Source, SourceState
from rtdet.video.sources import list_cameras, open_source
from rtdet.video.sources.cameras import CameraInfo
from rtdet.video.sources.webcam import WebcamSource


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """Twenty noisy MJPG pictures, as a camera would send them."""
    path = tmp_path_factory.mktemp("camera") / "camera.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 30, (64, 48))
    rng = np.random.default_rng(0)
    for _ in range(20):
        writer.write(rng.integers(0, 255, (48, 64, 3), np.uint8))
    writer.release()
    return path


class FileCamera:
    """A real cv2.VideoCapture of a file that behaves as a device: endless, or failing after `frames`."""

    def __init__(self, path, frames=None, still=False):
        self.capture = cv2.VideoCapture(str(path))
        self.left, self.still = frames, still
        self.asked = []
        self.stuck = threading.Event()
        self.released = False

    def __call__(self, index):
        return self

    def isOpened(self):
        return self.capture.isOpened()

    def set(self, key, value):
        self.asked.append(key)
        return False

    def get(self, key):
        return self.capture.get(key)

    def read(self):
        time.sleep(0.002)
        if self.left is not None:
            if self.left == 0:
                return self.when_out()
            self.left -= 1
        ok, picture = self.capture.read()
        if not ok or self.still:
            self.capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
        return (ok, picture) if ok else self.capture.read()

    def when_out(self):
        return False, None

    def release(self):
        self.released = True
        self.capture.release()


class StuckCamera(FileCamera):
    def when_out(self):
        self.stuck.wait(20)
        return False, None


def test_a_camera_gives_live_frames_on_the_capture_clock(recording):
    camera = FileCamera(recording)
    source = WebcamSource(0, capture_factory=camera)
    assert isinstance(source, Source)
    frames = [source.read() for _ in range(30)]
    assert source.info.is_live
    assert not source.info.is_seekable
    assert (source.info.width, source.info.height) == (64, 48) == frames[0].size
    assert frames[0].t == 0
    assert all(b.t > a.t for a, b in itertools.pairwise(frames))
    assert all(
        b.t - a.t == pytest.approx(b.captured_at - a.captured_at) for a, b in itertools.pairwise(frames)
    )
    assert [frame.index for frame in frames] == list(range(30))
    assert all(frame.pts is None for frame in frames)
    source.close()


def test_mjpg_is_asked_for_first_and_what_was_granted_is_reported(recording):
    camera = FileCamera(recording)
    source = WebcamSource(0, capture_factory=camera)
    assert camera.asked[0] == cv2.CAP_PROP_FOURCC
    assert "MJPG 64x48 at 30 fps" in source.info.detail
    assert source.info.fps == 30
    source.close()


def test_a_camera_whose_reads_fail_is_lost(recording):
    source = WebcamSource(3, capture_factory=FileCamera(recording, frames=5), lost_s=0.1)
    with pytest.raises(SourceError, match=r"webcam 3 was lost: it gives no more pictures; plug it in again"):
        read_to_the_end(source)
    assert source.state is SourceState.ENDED
    assert source.read() is None


def test_a_camera_whose_read_hangs_is_lost_and_released_later(recording):
    camera = StuckCamera(recording, frames=2)
    source = WebcamSource(0, capture_factory=camera, lost_s=0.2)
    with pytest.raises(SourceError, match="webcam 0 was lost: it gives no more pictures"):
        read_to_the_end(source)
    assert not camera.released
    camera.stuck.set()
    wait_for(lambda: camera.released)


def test_a_camera_that_sends_one_picture_for_ever_is_lost(recording):
    source = WebcamSource(0, capture_factory=FileCamera(recording, still=True), frozen_s=0.1)
    with pytest.raises(SourceError, match=r"was lost: it has sent the very same picture for 0.1 s"):
        read_to_the_end(source)


def test_close_ends_a_read_that_hangs(recording):
    camera = StuckCamera(recording, frames=1)
    source = WebcamSource(0, capture_factory=camera, lost_s=20)
    assert source.read() is not None
    answers = []
    reader = threading.Thread(target=lambda: answers.append(source.read()))
    reader.start()
    source.close()
    source.close()
    reader.join(10)
    assert answers == [None]
    assert source.state is SourceState.ENDED
    camera.stuck.set()
    wait_for(lambda: camera.released)


def test_a_closed_camera_is_released_and_its_thread_gone(recording):
    camera = FileCamera(recording)
    source = WebcamSource(0, capture_factory=camera)
    source.close()
    wait_for(lambda: camera.released)
    wait_for(lambda: not [thread for thread in threading.enumerate() if "webcam" in thread.name])


def test_nobody_reading_drops_the_oldest_and_counts_them(recording):
    source = WebcamSource(0, capture_factory=FileCamera(recording))
    wait_for(lambda: source.dropped > 5)
    first = source.read()
    assert first.index >= 5
    assert source.read().index > first.index
    source.close()


def read_to_the_end(source):
    while source.read() is not None:
        pass


def wait_for(condition, limit_s=10.0):
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.01)


def test_an_absent_camera_is_one_clear_line_that_says_which_there_are(capfd):
    absent = 47
    with pytest.raises(SourceError) as caught:
        open_source(f"webcam:{absent}")
    message = str(caught.value)
    assert message.startswith("cannot open webcam 47: there is no such camera; ")
    cameras = list_cameras()
    assert (f"webcam:{cameras[0].index}" if cameras else "no camera is connected") in message
    assert "\n" not in message
    assert capfd.readouterr().err == ""


def test_a_camera_that_opens_but_gives_nothing_is_busy(recording):
    camera = StuckCamera(recording, frames=0)
    with pytest.raises(SourceError, match=r"webcam 0 gives no picture: another program may be using it"):
        WebcamSource(0, capture_factory=camera, open_timeout_s=0.1)
    camera.stuck.set()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads Linux' list of cameras")
def test_cameras_are_listed_by_name_without_their_metadata_nodes(tmp_path):
    sys_root, dev_root = tmp_path / "sys", tmp_path / "dev"
    dev_root.mkdir()
    for node, name, index in (
        ("video0", "Integrated", "0"),
        ("video1", "Integrated", "1"),
        ("video10", "USB", "0"),
    ):
        (sys_root / node).mkdir(parents=True)
        (sys_root / node / "name").write_text(name + "\n")
        (sys_root / node / "index").write_text(index + "\n")
        (dev_root / node).touch()
    (dev_root / "video2").touch()
    (sys_root / "video3").mkdir()
    found = list_cameras(sys_root, dev_root)
    assert found == [CameraInfo(0, "Integrated"), CameraInfo(2, "video2"), CameraInfo(10, "USB")]
