"""What every source in SOURCES promises: order, end, failure, release, opening again."""

from __future__ import annotations

import itertools
import socket
import threading
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from rtdet.errors import SourceError
from rtdet.protocols import SeekableSource, Source, SourceState
from rtdet.types import Frame
from rtdet.video.sources import SOURCES, open_source
from rtdet.video.sources.webcam import WebcamSource

COUNT = 12


def encode(path, container_format=None, count=COUNT):
    with av.open(str(path), "w", format=container_format) as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.options = {"tune": "zerolatency"}
        for i in range(count):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 20 * i % 240, np.uint8), "bgr24")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
        container.mux(stream.encode())
    return path


@pytest.fixture
def spelling(tmp_path):
    """Kind of source to a text that opens one; what they open is made when it is asked for."""
    stop = threading.Event()
    threads, listeners = [], []

    def images():
        for i in range(COUNT):
            cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((48, 64, 3), 20 * i, np.uint8))

    def stream():
        content = encode(tmp_path / "live.ts", "mpegts", 5 * COUNT).read_bytes()
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def send():
            while not stop.is_set():
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(content)
                    stop.wait(10)

        threads.append(threading.Thread(target=send))
        threads[-1].start()
        return f"tcp://127.0.0.1:{listener.getsockname()[1]}"

    def text_for(kind):
        if kind in ("folder", "image", "glob"):
            images()
        return {
            "demo": lambda: "demo",
            "stream": stream,
            "folder": lambda: str(tmp_path),
            "image": lambda: str(tmp_path / "3.png"),
            "file": lambda: str(encode(tmp_path / "clip.mp4")),
            "glob": lambda: str(tmp_path / "1*.png"),
            "webcam": lambda: str(encode(tmp_path / "camera.mp4")),
        }[kind]()

    yield text_for
    stop.set()
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for thread in threads:
        thread.join(5)


def open_kind(kind, text):
    if kind == "webcam":  # there may be none here: a real capture of a file stands for it
        return WebcamSource(0, capture_factory=lambda index: cv2.VideoCapture(text), lost_s=0.2)
    return open_source(text)


def first_frames(source, limit=4):
    frames = []
    while len(frames) < limit:
        frame = source.read()
        if frame is None:
            break
        frames.append(frame)
    return frames


every_kind = pytest.mark.parametrize("kind", list(SOURCES))


@every_kind
def test_frames_come_in_order_with_rising_times_and_fit_what_info_says(kind, spelling):
    source = open_kind(kind, spelling(kind))
    assert isinstance(source, Source)
    assert source.state is SourceState.OPEN
    frames = first_frames(source)
    assert frames
    assert all(isinstance(frame, Frame) for frame in frames)
    assert frames[0].size == (source.info.width, source.info.height)
    assert frames[0].t == pytest.approx(0 if kind != "image" else frames[0].index / 25)
    assert all(b.t > a.t and b.index > a.index for a, b in itertools.pairwise(frames))
    assert all(frame.captured_at > 0 for frame in frames)
    for frame in frames:
        assert (frame.pts is None) == (frame.time_base is None)
    assert source.info.name
    source.close()


@every_kind
def test_a_closed_source_gives_none_for_ever_and_may_be_closed_again(kind, spelling):
    source = open_kind(kind, spelling(kind))
    source.close()
    source.close()
    assert source.read() is None
    assert source.read() is None
    assert source.state is SourceState.ENDED


@every_kind
def test_two_of_a_kind_run_side_by_side_and_one_can_be_opened_again(kind, spelling):
    text = spelling(kind)
    if kind == "stream":  # this server serves one client at a time
        one = open_kind(kind, text)
        one.close()
        return
    one, other = open_kind(kind, text), open_kind(kind, text)
    assert np.array_equal(one.read().bgr, other.read().bgr)
    one.close()
    again = open_kind(kind, text)
    assert again.read() is not None
    other.close()
    again.close()


@every_kind
def test_close_from_another_thread_ends_a_reader(kind, spelling):
    source = open_kind(kind, spelling(kind))
    started = threading.Event()

    def read():
        try:
            while source.read() is not None:
                started.set()
        except SourceError:  # a capture of a file is lost at its end
            assert kind == "webcam"

    reader = threading.Thread(target=read)
    reader.start()
    assert started.wait(10)
    source.close()
    reader.join(5)
    assert not reader.is_alive()


@every_kind
def test_what_says_that_it_can_seek_does(kind, spelling):
    source = open_kind(kind, spelling(kind))
    if source.info.is_seekable:
        assert isinstance(source, SeekableSource)
        assert not source.info.is_live
        frames = first_frames(source)
        middle = frames[len(frames) // 2]
        source.seek(middle.t)
        again = source.read()
        assert again.t == pytest.approx(middle.t)
        assert again.index == middle.index
        assert np.array_equal(again.bgr, middle.bgr)
    source.close()


@pytest.mark.parametrize("kind", ["folder", "image", "file", "glob"])
def test_a_finite_source_ends_with_none_and_says_so(kind, spelling):
    source = open_kind(kind, spelling(kind))
    frames = first_frames(source, 100)
    assert len(frames) == source.info.frame_count
    assert source.read() is None
    assert source.state is SourceState.ENDED
    source.close()


@pytest.mark.parametrize(
    "text",
    ["missing.mp4", "missing/*.png", "webcam:63", "tcp://127.0.0.1:1", "gopher://x", "file:///missing.mp4"],
)
def test_what_cannot_be_opened_is_one_line(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError) as caught:
        open_source(text)
    assert "\n" not in str(caught.value)
