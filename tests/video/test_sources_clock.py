"""Containers whose clock misleads: times of decoding only, times that begin late or start over, pauses."""

from __future__ import annotations

import contextlib
import itertools
import logging
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from rtdet.types import Detections, Frame, FrameResult, SourceInfo, Tracks
from rtdet.video.recording import open_recording
from rtdet.video.sources import open_source
from tests.video.test_sources_files import MS, film, indices, numbered, read_all

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    return tmp_path_factory.mktemp("clock")


def in_decoding_order(path, codec="libx264", tick=Fraction(1, 25), ticks_per_frame=1, count=60):
    """Pictures with B-frames in a container that gets times of decoding and no others."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.options = {"g": "24", "bf": "3", "b_strategy": "0"}
        stream.codec_context.time_base = Fraction(1, 25)
        stream.time_base = tick
        packets = []
        for i in range(count):
            frame = av.VideoFrame.from_ndarray(numbered(i), "bgr24").reformat(format="yuv420p")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            packets += stream.encode(frame)
        packets += stream.encode()
        assert any(b.pts < a.pts for a, b in itertools.pairwise(packets)), "nothing was reordered"
        for place, packet in enumerate(packets):
            packet.pts = packet.dts = place * ticks_per_frame
            packet.time_base = tick
            container.mux(packet)
    return path


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
@pytest.mark.parametrize("name", ["a.avi", "a.mkv", "a.mp4"])
def test_pictures_that_have_only_times_of_decoding_are_shown_in_even_steps(media, name, codec):
    source = open_source(
        in_decoding_order(
            media / f"{codec}-{name}",
            codec,
            MS if name != "a.avi" else Fraction(1, 25),
            40 if name != "a.avi" else 1,
        )
    )
    frames = read_all(source)
    assert indices(frames) == list(range(60))
    assert [frame.t for frame in frames] == pytest.approx([0.04 * i for i in range(60)], abs=0.001)
    for index in (30, 7, 59, 24):
        source.seek(index / 25)
        frame = source.read()
        assert (indices([frame]), frame.index) == ([index], index)
        assert frame.t == pytest.approx(index / 25, abs=0.001)
    source.close()


@pytest.mark.parametrize("codec", ["mpeg4", "libx264"])
def test_an_avi_of_b_frames_is_searched_to_its_very_last_picture(media, codec):
    path = film(media / f"{codec}-b.avi", [numbered(i) for i in range(60)], codec=codec, encoder={"bf": "2"})
    source = open_source(path)
    frames = read_all(source)
    assert indices(frames) == list(range(60))
    for index in (59, 58, 30, 13, 1):
        source.seek(frames[index].t)
        frame = source.read()
        assert (frame.index, indices([frame]), frame.t) == (index, [index], frames[index].t)
    source.close()


def test_an_avi_whose_clock_ticks_twice_a_frame_has_the_rate_of_its_pictures(media):
    source = open_source(in_decoding_order(media / "twice.avi", tick=Fraction(1, 50), ticks_per_frame=2))
    assert (source.info.frame_count, source.info.fps) == (60, pytest.approx(25, rel=0.02))
    frames = read_all(source)
    assert [frame.t for frame in frames] == pytest.approx([0.04 * i for i in range(60)])
    source.close()
    later = open_source(media / "twice.avi", start_s=1.2)
    frame = later.read()
    assert (frame.index, indices([frame])) == (30, [30])
    later.close()


def test_after_a_seek_far_ahead_frames_of_a_film_with_pauses_have_the_numbers_of_a_run_from_the_start(media):
    times_ms = [*range(0, 800, 40), *range(5000, 5800, 40), *range(20000, 20800, 40)]
    path = film(media / "pauses.mkv", [numbered(i) for i in range(60)], times_ms=times_ms)
    source = open_source(path)
    for index in (45, 20, 59, 3):
        source.seek(times_ms[index] / 1000)
        frame = source.read()
        assert (frame.index, indices([frame])) == (index, [index])
    source.close()


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_seek_into_a_pause_gives_the_frame_after_it(media, suffix):
    times_ms = [*range(0, 800, 40), *range(5000, 5800, 40), *range(30000, 30800, 40)]
    path = film(media / f"pause.{suffix}", [numbered(i) for i in range(60)], times_ms=times_ms)
    source = open_source(path)
    for asked_s, expected_s in ((0.9, 5.0), (1.1, 5.0), (4.9, 5.0), (5.9, 30.0), (5.76, 5.76)):
        source.seek(asked_s)
        assert source.read().t == pytest.approx(expected_s, abs=0.001), asked_s
    source.close()


@pytest.mark.parametrize(
    ("name", "codec", "encoder"),
    [
        ("uneven.mkv", "libx264", {"bf": "3"}),
        ("uneven.mp4", "libx264", {"bf": "3"}),
        # Its key frames are followed by pictures that are shown before them.
        ("uneven-hevc.mp4", "libx265", {"g": "24", "x265-params": "bframes=4:log-level=none"}),
    ],
)
def test_a_seek_in_a_film_of_uneven_steps_gives_the_frame_of_that_time(media, name, codec, encoder):
    steps = np.random.default_rng(1).integers(10, 90, 63).tolist()
    times_ms = [0, *itertools.accumulate(steps)]
    path = film(
        media / name, [numbered(i) for i in range(64)], codec=codec, times_ms=times_ms, encoder=encoder
    )
    for index in range(1, 64, 3):
        with contextlib.closing(open_source(path)) as source:
            for rounded in (0.0, 0.0004, -0.0004):
                source.seek(times_ms[index] / 1000 + rounded)
                frame = source.read()
                assert (frame.index, indices([frame])) == (index, [index])


def test_a_matroska_that_begins_late_is_as_long_as_it_is_shown(media, caplog):
    times_ms = [5000 + 40 * i for i in range(60)]
    source = open_source(film(media / "late.mkv", [numbered(i) for i in range(60)], times_ms=times_ms))
    assert source.info.duration_s == pytest.approx(2.4, abs=0.05)
    assert source.info.frame_count == 60
    assert indices(read_all(source)) == list(range(60))
    assert "breaks off" not in caplog.text
    source.close()


@pytest.fixture(scope="module")
def joined(media):
    """Two transport streams end to end: the clock starts over in the middle."""
    first = film(media / "first.ts", [numbered(i) for i in range(30)], encoder={"bf": "0"})
    second = film(media / "second.ts", [numbered(i) for i in range(30, 60)], encoder={"bf": "0"})
    path = media / "joined.ts"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    return path


def test_joined_transport_streams_are_as_long_as_both_and_are_searched_through(joined):
    source = open_source(joined)
    assert (source.info.frame_count, source.info.duration_s) == (60, pytest.approx(2.4))
    frames = read_all(source)
    assert [frame.t for frame in frames] == pytest.approx([0.04 * i for i in range(60)])
    for index in (45, 10, 29, 30, 59):
        source.seek(index / 25)
        frame = source.read()
        assert (frame.index, indices([frame])) == (index, [index])
    source.close()
    later = open_source(joined, start_s=1.8)
    frame = later.read()
    assert (frame.index, indices([frame])) == (45, [45])
    later.close()


def test_a_recording_keeps_one_clock_where_timestamps_begin_late_or_are_missing(tmp_path):
    image = np.zeros((48, 64, 3), np.uint8)
    info = SourceInfo("late", 64, 48, 25.0, 40, 1.6)
    out = tmp_path / "out.mp4"
    recording = open_recording(out, info)
    for i in range(40):
        # No timestamps at first; then the container's, which begin at .02 s; one is missing in between.
        pts = None if i < 13 or i == 20 else 20 + 40 * (i - 13)
        frame = Frame(image, 0.04 * i, i, pts=pts, time_base=MS if pts is not None else None)
        recording.write(FrameResult(frame, Detections(), Tracks()))
    recording.close()
    with av.open(str(out)) as container:
        times = [frame.time for frame in container.decode(video=0)]
    assert [b - a for a, b in itertools.pairwise(times)] == pytest.approx([0.04] * 39, abs=0.0011)


# Which track


def with_thumbnail(path, thumbnail_first=True):
    with av.open(str(path), "w") as container:
        names = ["mjpeg", "libx264"] if thumbnail_first else ["libx264", "mjpeg"]
        streams = {name: container.add_stream(name, rate=25) for name in names}
        thumbnail, clip = streams["mjpeg"], streams["libx264"]
        thumbnail.width, thumbnail.height, thumbnail.pix_fmt = 32, 16, "yuvj420p"
        clip.width, clip.height, clip.pix_fmt = 64, 48, "yuv420p"
        small = av.VideoFrame.from_ndarray(numbered(5, (32, 16)), "bgr24").reformat(format="yuvj420p")
        small.pts, small.time_base = 0, Fraction(1, 25)
        packets = [*thumbnail.encode(small), *thumbnail.encode()]
        for i in range(10):
            frame = av.VideoFrame.from_ndarray(numbered(i), "bgr24").reformat(format="yuv420p")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            packets += clip.encode(frame)
        for packet in [*packets, *clip.encode()]:
            container.mux(packet)
    return path


@pytest.mark.parametrize("thumbnail_first", [True, False])
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_the_film_is_read_and_not_its_thumbnail_which_one_line_says(media, caplog, suffix, thumbnail_first):
    path = with_thumbnail(media / f"thumb{thumbnail_first}.{suffix}", thumbnail_first)
    with caplog.at_level(logging.INFO, "rtdet.video"):
        source = open_source(path)
    assert [frame.size for frame in read_all(source)] == [(64, 48)] * 10
    source.close()
    (line,) = [record.message for record in caplog.records]
    chosen, other = (1, 0) if thumbnail_first else (0, 1)
    assert f"track {chosen} is read; --video-track N reads another" in line
    chosen_by_user = open_source(path, video_track=other)
    assert [frame.size for frame in read_all(chosen_by_user)] == [(32, 16)]
    chosen_by_user.close()


def test_a_track_that_is_not_there_is_one_line(media):
    with pytest.raises(Exception, match=r"has no video track 7: it has 0 \(mjpeg 32x16\), 1 \(h264 64x48\)"):
        open_source(with_thumbnail(media / "seven.mp4"), video_track=7)


# Files that people sent


@pytest.mark.parametrize(
    ("name", "count", "size"),
    [
        ("clock-h264-in-avi/in.avi", 60, (640, 360)),
        ("clock-mkv-first-frames-without-time/in.mkv", 60, (640, 360)),
        ("clock-ts-joined/in.ts", 120, (640, 360)),
        ("track-thumbnail-first/in.mp4", 60, (640, 360)),
        ("mvhevc-spatial/in.mov", 5, (1934, 2160)),
    ],
)
def test_odd_files_give_all_their_pictures_in_even_steps(name, count, size):
    path = CASES / name
    if not path.is_file():
        pytest.skip("needs the odd files in ../shared/cases, which are not here")
    source = open_source(path)
    frames = read_all(source)
    source.close()
    assert {frame.size for frame in frames} == {size}
    step = 0.04 if count > 5 else 1 / 90
    assert [frame.t for frame in frames] == pytest.approx([step * i for i in range(count)])
