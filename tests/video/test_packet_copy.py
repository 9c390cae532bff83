"""Copies of a source's packets: the very pictures, at the times that the run's frames have."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from rtdet.errors import OutputError, UsageError
from rtdet.types import Detections, Frame, FrameResult, Tracks
from rtdet.video.recording import PacketCopy
from rtdet.video.sources import open_source
from tests.conftest import ROOT
from tests.video.test_streams import FRAMES, LOW_DELAY, Server, answer, encoded, numbered, numbers, streaming

REORDERED = {"g": "12", "bf": "3", "b_strategy": "0", "crf": "5"}


@pytest.fixture(scope="module", params=["in order", "reordered"])
def film(request, tmp_path_factory) -> Path:
    """Numbered pictures at 25 a second, with sound."""
    path = tmp_path_factory.mktemp("films") / "film.mp4"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 60, 48, "yuv420p"
        video.codec_context.options = LOW_DELAY if request.param == "in order" else REORDERED
        sound = container.add_stream("aac", rate=48000, layout="mono")
        for i in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(numbered(i), "bgr24")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            container.mux(video.encode(frame.reformat(format="yuv420p")))
        wave = (np.sin(np.arange(96000) * 0.06) * 8000).astype(np.int16)
        for start in range(0, len(wave), 1024):
            samples = av.AudioFrame.from_ndarray(wave[None, start : start + 1024], "s16", "mono")
            samples.sample_rate, samples.pts = 48000, start
            container.mux(sound.encode(samples))
        container.mux(video.encode(None))
        container.mux(sound.encode(None))
    return path


def copied(path: Path) -> list[tuple[float, int]]:
    """(time by the container, number) of each picture of a copy."""
    with av.open(str(path)) as container:
        pictures = [(float(one.time), one.to_ndarray(format="bgr24")) for one in container.decode(video=0)]
    shown = numbers([Frame(bgr, t, i) for i, (t, bgr) in enumerate(pictures)])
    return [(t, number) for (t, _), number in zip(pictures, shown, strict=True)]


def read_all(source) -> list[Frame]:
    frames = []
    while (frame := source.read()) is not None:
        frames.append(frame)
    return frames


def expected(frames: list[Frame]) -> list[tuple[float, int]]:
    return list(zip([frame.t for frame in frames], numbers(frames), strict=True))


def assert_same(
    copy: list[tuple[float, int]], frames: list[tuple[float, int]], tolerance_s: float = 0.001
) -> None:
    assert [number for _, number in copy] == [number for _, number in frames]
    assert [t for t, _ in copy] == pytest.approx([t for t, _ in frames], abs=tolerance_s)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_film_is_copied_picture_by_picture_at_its_times_with_its_sound(film, tmp_path, suffix) -> None:
    path = tmp_path / f"copy{suffix}"
    with closing(PacketCopy(path)) as copy, closing(open_source(film, packets=copy)) as source:
        frames = read_all(source)
    assert_same(copied(path), expected(frames))
    with av.open(str(path)) as made, av.open(str(film)) as original:
        pairs = [
            [bytes(packet) for packet in one.demux(one.streams.audio[0]) if packet.size]
            for one in (made, original)
        ]
    assert len(pairs[0]) >= len(pairs[1]) - 2
    assert set(pairs[0]) <= set(pairs[1])


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_run_that_starts_later_is_copied_from_the_key_frame_before_on_at_the_films_times(
    film, tmp_path, suffix
) -> None:
    path = tmp_path / f"copy{suffix}"
    with closing(PacketCopy(path)) as copy, closing(open_source(film, start_s=1.0, packets=copy)) as source:
        frames = read_all(source)
    pictures = copied(path)
    assert_same(pictures[-len(frames) :], expected(frames))
    assert 0 <= len(pictures) - len(frames) < 12
    assert pictures[0][0] == pytest.approx(pictures[0][1] / 25, abs=0.001)


def test_of_places_that_are_jumped_to_each_is_copied_once_in_order(film, tmp_path) -> None:
    path = tmp_path / "copy.mkv"
    with closing(PacketCopy(path)) as copy, closing(open_source(film, packets=copy)) as source:
        for seconds in (None, 1.4, 0.2):
            if seconds is not None:
                source.seek(seconds)
            for _ in range(10):
                source.read()
    pictures = copied(path)
    assert [number for _, number in pictures] == sorted({number for _, number in pictures})
    assert all(t == pytest.approx(number / 25, abs=0.001) for t, number in pictures)
    assert {0, 5, 36, 40} <= {number for _, number in pictures}


def test_a_live_stream_is_copied_at_the_times_of_the_runs_frames(tmp_path) -> None:
    stream = encoded(tmp_path, "mpegts")

    def act(server, connection, request):
        answer(connection, b"", "Content-Type: video/mp2t")
        for start in range(0, len(stream), len(stream) // 50):
            connection.sendall(stream[start : start + len(stream) // 50])
            if server.stop.wait(0.01):
                return
        server.stop.wait(20)

    path = tmp_path / "copy.mkv"
    with closing(Server(act)) as server, closing(PacketCopy(path)) as copy:
        source = open_source(f"http://127.0.0.1:{server.port}/live", packets=copy)
        frames = [source.read() for _ in range(FRAMES - 4)]
        source.close()
    assert frames[0].t == 0
    # Pictures that come at the same millisecond are put a millisecond apart.
    assert_same(copied(path)[: FRAMES - 8], expected(frames)[: FRAMES - 8], 0.02)


def test_a_stream_with_reordered_pictures_is_copied_exactly(tmp_path) -> None:
    stream = encoded(tmp_path, "mpegts", encoder=REORDERED)
    path = tmp_path / "copy.mp4"
    with closing(Server(streaming(stream))) as server, closing(PacketCopy(path)) as copy:
        source = open_source(f"http://127.0.0.1:{server.port}/live", packets=copy)
        frames = [source.read() for _ in range(FRAMES - 8)]
        source.close()
    # What was closed in the middle may lack the last pictures.
    assert_same(copied(path)[: FRAMES - 12], expected(frames)[: FRAMES - 12])


def test_a_stream_that_is_lost_and_comes_back_goes_on_in_the_copy_by_the_runs_clock(tmp_path) -> None:
    stream = encoded(tmp_path, "mpegts")
    path = tmp_path / "copy.mp4"
    with (
        closing(Server(streaming(stream, "drop"), streaming(stream))) as server,
        closing(PacketCopy(path)) as copy,
    ):
        source = open_source(f"http://127.0.0.1:{server.port}/live", packets=copy)
        frames = [source.read() for _ in range(FRAMES + 30)]
        source.close()
    wanted = {number: t for t, number in expected(frames)[FRAMES:]}
    again = copied(path)[FRAMES:]
    assert len(again) >= 20
    for t, number in again[:20]:
        assert t == pytest.approx(wanted[number], abs=0.001)


@pytest.mark.parametrize("name", ["demo", "webcam:0", "pictures", "picture.png", "pictures/*.png"])
def test_a_source_without_packets_is_refused_in_one_line(tmp_path, monkeypatch, name) -> None:
    import cv2

    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures").mkdir()
    for place in ("picture.png", "pictures/1.png"):
        cv2.imwrite(str(tmp_path / place), numbered(3))
    with (
        closing(PacketCopy(tmp_path / "copy.mkv")) as copy,
        pytest.raises(UsageError, match=r"has no packets"),
    ):
        open_source(name, packets=copy)
    assert not (tmp_path / "copy.mkv").exists()


def test_what_does_not_fit_into_the_container_is_told_by_the_sink_and_the_film_plays_on(tmp_path) -> None:
    film = tmp_path / "film.avi"
    film.write_bytes(encoded(tmp_path, "avi", codec="ffvhuff", encoder={}))
    copy = PacketCopy(tmp_path / "copy.mp4")
    with closing(open_source(film, packets=copy)) as source:
        frames = read_all(source)
    assert len(frames) == FRAMES
    with pytest.raises(OutputError, match=r"copy\.mp4.*\.mkv takes"):
        copy.write(FrameResult(frames[0], Detections(), Tracks()))
    copy.close()


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_run_that_is_killed_leaves_a_copy_that_plays(film, tmp_path, suffix) -> None:
    path = tmp_path / f"copy{suffix}"
    script = (
        "import sys, time\n"
        "from rtdet.video.recording import PacketCopy\n"
        "from rtdet.video.sources import open_source\n"
        "copy = PacketCopy(sys.argv[2])\n"
        "source = open_source(sys.argv[1], packets=copy)\n"
        "for _ in range(45):\n    source.read()\n"
        "print('there', flush=True)\n"
        "time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(film), str(path)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "there\n"
    time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    pictures = copied(path)
    assert len(pictures) >= 30
    assert [number for _, number in pictures][:30] == list(range(30))
