"""FileSource against real encoders: times, pixel formats, rotation, seeking, damage."""

from __future__ import annotations

import itertools
import logging
import threading
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from rtdet.errors import SourceError
from rtdet.protocols import SeekableSource, SourceState
from rtdet.types import Detections, FrameResult, Tracks
from rtdet.video.recording import open_recording
from rtdet.video.sources import open_source
from rtdet.video.sources.container import FileSource

MS = Fraction(1, 1000)


def numbered(index, size=(64, 48)):
    """Picture number `index`, which is drawn in it as six bars: it can be told after lossy coding too."""
    bars = [220 if index >> bit & 1 else 30 for bit in range(6)]
    row = np.repeat(np.array(bars, np.uint8), -(-size[0] // 6))[: size[0]]
    return np.ascontiguousarray(np.broadcast_to(row[None, :, None], (size[1], size[0], 3)))


def film(
    path, pictures, *, codec="libx264", pix_fmt="yuv420p", times_ms=None, rotation=0, sound=False, **more
):
    """Encode BGR(A) pictures; `times_ms` gives each its own time (default: 40 ms apart)."""
    times_ms = times_ms or [40 * i for i in range(len(pictures))]
    with av.open(str(path), "w", options=more.pop("muxer", {})) as container:
        stream = container.add_stream(codec, rate=more.pop("rate", 25))
        height, width = pictures[0].shape[:2]
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        # AVI has no times, only a rate: its clock must tick once a frame.
        tick = Fraction(1, 25) if str(path).endswith(".avi") else MS
        stream.codec_context.time_base = stream.time_base = tick
        if "colour" in more:
            stream.codec_context.colorspace, stream.codec_context.color_range = more.pop("colour")
        if "aspect" in more:
            stream.codec_context.sample_aspect_ratio = more.pop("aspect")
        stream.codec_context.options = {"g": "12", **more.pop("encoder", {})}
        if rotation:
            stream.set_display_rotation(rotation)
        if sound:
            container.add_stream("aac", rate=8000, layout="mono")
        for picture, time_ms in zip(pictures, times_ms, strict=True):
            layout = "bgra" if picture.shape[2] == 4 else "bgr24"
            frame = av.VideoFrame.from_ndarray(picture, layout)
            frame.pts, frame.time_base = round(time_ms * MS / tick), tick
            container.mux(stream.encode(frame.reformat(format=pix_fmt)))
        container.mux(stream.encode())
    return path


def read_all(source):
    frames = []
    while (frame := source.read()) is not None:
        frames.append(frame)
    return frames


def indices(frames):
    """Which of the numbered pictures each frame is."""
    return [number_in(frame.bgr) for frame in frames]


def number_in(picture):
    width = -(-picture.shape[1] // 6)
    bars = [picture[:, bit * width : (bit + 1) * width].mean() for bit in range(6)]
    return sum(1 << bit for bit, level in enumerate(bars) if level > 125)


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    return tmp_path_factory.mktemp("media")


@pytest.fixture(scope="module")
def clip(media):
    """Sixty frames at 25 a second, a key frame every twelve, with B-frames."""
    return film(media / "clip.mp4", [numbered(i) for i in range(60)])


def test_every_frame_of_a_file_comes_once_in_order_with_its_own_time(clip):
    source = open_source(clip)
    frames = read_all(source)
    source.close()
    assert indices(frames) == list(range(60))
    assert [frame.index for frame in frames] == list(range(60))
    assert [frame.t for frame in frames] == pytest.approx([0.04 * i for i in range(60)])
    assert (source.info.width, source.info.height, source.info.fps) == (64, 48, 25)
    assert source.info.frame_count == 60
    assert source.info.duration_s == pytest.approx(2.4)
    assert not source.info.is_live
    assert source.info.is_seekable
    assert "h264" in source.info.detail


def test_a_variable_rate_is_kept_and_the_nominal_one_is_unknown(media):
    times_ms = [0, 40, 80, 300, 320, 1000, 1040, 2000]
    source = open_source(film(media / "vfr.mp4", [numbered(i) for i in range(8)], times_ms=times_ms))
    frames = read_all(source)
    assert [round(frame.t * 1000) for frame in frames] == times_ms
    assert source.info.fps is None
    source.close()


def test_when_a_frame_is_is_known_before_it_is_read_and_after_the_end(media, clip):
    source = open_source(clip)
    assert [source.time_of(index) for index in (0, 7, 59, 1000)] == pytest.approx([0.0, 0.28, 2.36, 2.36])
    source.seek(source.time_of(40))
    assert source.read().index == 40
    source.close()
    assert source.time_of(30) == pytest.approx(1.2)
    times_ms = [0, 40, 80, 300, 320, 1000, 1040, 2000]
    variable = open_source(film(media / "vfr2.mp4", [numbered(i) for i in range(8)], times_ms=times_ms))
    for index in (5, 2, 7):
        variable.seek(variable.time_of(index))
        frame = variable.read()
        assert (frame.index, round(frame.t * 1000)) == (index, times_ms[index])
    variable.close()


def test_time_starts_at_zero_while_pts_stays_the_containers_own(media):
    times_ms = [5000 + 40 * i for i in range(10)]
    source = open_source(film(media / "late.mkv", [numbered(i) for i in range(10)], times_ms=times_ms))
    frames = read_all(source)
    assert [frame.t for frame in frames] == pytest.approx([0.04 * i for i in range(10)])
    assert [round(frame.pts * frame.time_base * 1000) for frame in frames] == times_ms
    source.close()


def test_a_late_first_timestamp_of_a_transport_stream_is_taken_away(media):
    source = open_source(film(media / "clip.ts", [numbered(i) for i in range(30)]))
    frames = read_all(source)
    start = frames[0].pts
    assert start > 0
    for frame in frames:
        assert frame.t == pytest.approx(float((frame.pts - start) * frame.time_base))
    assert indices(frames) == list(range(30))
    source.close()


def arrow(width=64, height=32):
    """Brighter to the right and much brighter at the top, so that no turn or mirror image equals another."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[:] = np.linspace(20, 120, width, dtype=np.uint8)[None, :, None]
    picture[: height // 4] += 100
    return picture


@pytest.mark.parametrize(
    ("counterclockwise", "turn", "reported"),
    [
        (90, cv2.ROTATE_90_COUNTERCLOCKWISE, 270),
        (-90, cv2.ROTATE_90_CLOCKWISE, 90),
        (180, cv2.ROTATE_180, 180),
    ],
)
def test_the_rotation_of_the_container_is_applied_once(media, counterclockwise, turn, reported):
    path = media / f"turned{counterclockwise}.mp4"
    film(path, [arrow()] * 3, rotation=counterclockwise, encoder={"qp": "0"})
    source = open_source(path)
    frame = source.read()
    expected = cv2.rotate(arrow(), turn)
    assert frame.bgr.shape == expected.shape
    assert np.abs(frame.bgr.astype(int) - expected).mean() < 3
    assert (source.info.width, source.info.height) == frame.size
    assert source.info.rotation == reported
    source.close()


@pytest.mark.parametrize(("rotation", "upright"), [(0, Fraction(4, 3)), (90, Fraction(3, 4))])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_recording_has_the_pixel_aspect_of_its_source(media, rotation, upright, suffix):
    path = film(media / f"wide{rotation}.mp4", [arrow()] * 3, rotation=rotation, aspect=Fraction(4, 3))
    recorded = media / f"recorded{rotation}{suffix}"
    with closing(open_source(path)) as source, closing(open_recording(recorded, source.info)) as sink:
        while (frame := source.read()) is not None:
            sink.write(FrameResult(frame, Detections(), Tracks()))
    assert source.info.pixel_aspect == upright
    with closing(open_source(recorded)) as source:
        assert source.info.pixel_aspect == upright


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "suffix"),
    [
        ("ffv1", "yuv420p", ".mkv"),
        ("ffv1", "yuv444p", ".mkv"),
        ("ffv1", "yuv420p10le", ".mkv"),
        ("ffv1", "yuv422p12le", ".mkv"),
        ("ffv1", "gray", ".mkv"),
        ("ffv1", "gray10le", ".mkv"),
        ("libx264", "yuv420p10le", ".mp4"),
        ("libx265", "yuv420p10le", ".mp4"),
        ("mjpeg", "yuvj420p", ".avi"),
        ("rawvideo", "bgr24", ".avi"),
        ("qtrle", "rgb24", ".mov"),
    ],
)
def test_pixel_formats_come_out_as_the_same_colours(media, codec, pix_fmt, suffix):
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:, :32] = (40, 60, 200)
    picture[:, 32:] = (180, 120, 30)
    if pix_fmt.startswith("gray"):
        picture[:] = picture.mean(axis=2, keepdims=True).astype(np.uint8)
    quiet = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    path = media / f"{codec}-{pix_fmt}{suffix}"
    source = open_source(film(path, [picture] * 3, codec=codec, pix_fmt=pix_fmt, encoder=quiet))
    frames = read_all(source)
    assert len(frames) == 3
    difference = np.abs(frames[0].bgr.astype(int) - picture)
    assert difference[:, :28].max() < 12
    assert difference[:, 36:].max() < 12
    source.close()


@pytest.mark.parametrize("name", ["itu601", "itu709"])
@pytest.mark.parametrize("full_range", [False, True])
def test_the_colour_matrix_and_range_that_a_stream_names_are_used(media, name, full_range):
    from av.video.reformatter import ColorRange, Colorspace

    picture = np.full((48, 64, 3), (30, 200, 60), np.uint8)
    space, span = Colorspace[name.upper()], ColorRange.JPEG if full_range else ColorRange.MPEG
    path = media / f"{name}-{full_range}.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv444p"
        stream.codec_context.colorspace = 1 if name == "itu709" else 5
        stream.codec_context.color_range = span
        frame = av.VideoFrame.from_ndarray(picture, "bgr24")
        frame = frame.reformat(format="yuv444p", dst_colorspace=space, dst_color_range=span)
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    source = open_source(path)
    assert np.abs(source.read().bgr.astype(int) - picture).max() <= 4
    source.close()


@pytest.mark.parametrize("size", [(65, 49), (63, 47), (33, 2), (17, 17)])
def test_odd_sizes_keep_their_size(media, size):
    path = media / f"odd{size[0]}x{size[1]}.mkv"
    source = open_source(film(path, [numbered(i, size) for i in range(3)], codec="ffv1"))
    frames = read_all(source)
    assert [frame.size for frame in frames] == [size] * 3
    assert all(frame.bgr.flags.c_contiguous for frame in frames)
    assert indices(frames) == [0, 1, 2]
    source.close()


def test_transparent_video_is_laid_on_black(media):
    picture = np.full((48, 64, 4), 200, np.uint8)
    picture[:, :32, 3] = 0
    picture[:, 32:, 3] = 255
    source = open_source(film(media / "alpha.mov", [picture] * 2, codec="qtrle", pix_fmt="argb"))
    frame = source.read()
    assert frame.bgr[:, :32].max() == 0
    assert frame.bgr[:, 32:].min() == 200
    source.close()


def test_an_animated_gif_keeps_its_own_delays(media):
    times_ms = [0, 100, 500, 600, 1500]
    path = film(
        media / "moves.gif", [numbered(i) for i in range(5)], codec="gif", pix_fmt="gray", times_ms=times_ms
    )
    source = open_source(path)
    frames = read_all(source)
    assert [round(frame.t * 1000) for frame in frames] == times_ms
    assert indices(frames) == list(range(5))
    source.close()


def test_frames_may_be_written_on_and_do_not_change_later(clip):
    source = open_source(clip)
    first = source.read()
    before = first.bgr.copy()
    read_all(source)
    assert np.array_equal(first.bgr, before)
    first.bgr[:] = 0
    source.close()


def test_films_joined_end_to_end_keep_their_sizes_and_count_on(media):
    small = film(media / "small.ts", [numbered(i) for i in range(10)])
    large = film(media / "large.ts", [numbered(i, (96, 64)) for i in range(10)])
    joined = media / "joined.ts"
    joined.write_bytes(small.read_bytes() + large.read_bytes())
    with closing(open_source(joined)) as source:
        frames = read_all(source)
        assert [frame.size for frame in frames] == [(64, 48)] * 10 + [(96, 64)] * 10
        assert indices(frames) == [*range(10), *range(10)]
        assert all(b.t > a.t for a, b in itertools.pairwise(frames))
        source.seek(frames[15].t)
        assert source.read().index == 15


# Seeking


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.avi", "a.gif"])
def test_seeking_by_time_gives_the_exact_frame_and_goes_on_from_there(media, name):
    codec, pix_fmt = {".gif": ("gif", "gray"), ".avi": ("mpeg4", "yuv420p")}.get(
        Path(name).suffix, ("libx264", "yuv420p")
    )
    encoder = {"bf": "0"} if codec == "mpeg4" else {}
    path = film(media / name, [numbered(i) for i in range(60)], codec=codec, pix_fmt=pix_fmt, encoder=encoder)
    source = open_source(path)
    assert isinstance(source, SeekableSource)
    for index in (30, 7, 59, 0, 24, 23, 25):
        source.seek(index / 25)
        frames = [frame for frame in (source.read(), source.read()) if frame is not None]
        expected = [index, index + 1][: 60 - index]
        assert indices(frames) == expected, index
        assert [frame.index for frame in frames] == expected
        assert frames[0].t == pytest.approx(index / 25)
    source.close()


def test_a_seek_between_two_frames_gives_the_nearer_or_next(clip):
    source = open_source(clip)
    source.seek(1.0 + 0.03)
    assert source.read().t == pytest.approx(1.04)
    source.seek(1.0 + 0.01)
    assert source.read().t == pytest.approx(1.0)
    source.close()


def test_a_seek_beyond_the_end_ends_and_one_back_goes_on(clip):
    source = open_source(clip)
    source.seek(100)
    assert source.read() is None
    assert source.state is SourceState.ENDED
    source.seek(0)
    assert len(read_all(source)) == 60
    source.close()


def test_a_raw_stream_without_any_times_can_be_seeked_by_reading_again(media):
    source = open_source(film(media / "raw.h264", [numbered(i) for i in range(40)]))
    frames = read_all(source)
    assert len(frames) == 40
    assert all(frame.pts is None for frame in frames)
    assert all(b.t > a.t for a, b in itertools.pairwise(frames))
    source.seek(frames[25].t)
    assert indices([source.read()]) == [25]
    source.close()


def test_start_begins_at_a_time_and_beyond_the_end_is_an_error(clip):
    source = open_source(clip, start_s=1.2)
    frame = source.read()
    assert frame.t == pytest.approx(1.2)
    assert indices([frame]) == [30]
    source.close()
    with pytest.raises(SourceError, match=r"clip.mp4 has no frame at or after 9 s: it is 2.4 s long"):
        open_source(clip, start_s=9)


# Bad files


def cut(path, share, name):
    whole = path.read_bytes()
    short = path.with_name(name)
    short.write_bytes(whole[: int(len(whole) * share)])
    return short


@pytest.fixture(scope="module")
def noise():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 250, (48, 64, 3), np.uint8) for _ in range(40)]


@pytest.mark.parametrize(
    ("name", "muxer"),
    [
        ("whole.mkv", {}),
        ("whole.ts", {}),
        ("front.mp4", {"movflags": "faststart"}),
        ("fragments.mp4", {"movflags": "frag_keyframe+empty_moov"}),
    ],
)
def test_a_file_that_breaks_off_gives_every_frame_before_the_break(media, noise, caplog, capfd, name, muxer):
    path = film(media / name, noise, muxer=muxer, encoder={"bf": "0"})
    with closing(open_source(path)) as whole:
        expected = [frame.bgr for frame in read_all(whole)]
    with (
        caplog.at_level(logging.WARNING, "rtdet.video"),
        closing(open_source(cut(path, 0.6, f"cut-{name}"))) as source,
    ):
        frames = read_all(source)
        assert source.read() is None
    assert len(expected) == 40
    assert 12 < len(frames) < 36
    assert all(np.array_equal(a.bgr, b) for a, b in zip(frames[:-1], expected, strict=False))
    assert [record.message for record in caplog.records] == [caplog.records[0].message]
    assert "breaks off after" in caplog.records[0].message
    assert f"cut-{name}" in caplog.records[0].message
    assert capfd.readouterr().err == ""


def test_a_whole_file_gives_no_warning(clip, caplog):
    with closing(open_source(clip)) as source:
        read_all(source)
    assert caplog.records == []


def test_a_scratch_in_the_middle_is_stepped_over_with_one_warning(media, noise, caplog, capfd):
    path = film(media / "jpegs.avi", noise, codec="mjpeg", pix_fmt="yuvj420p")
    content = bytearray(path.read_bytes())
    starts = [
        i
        for i in range(len(content))
        if content[i : i + 4] == b"00dc" and content[i + 8 : i + 10] == b"\xff\xd8"
    ]
    for start in (starts[10], starts[20]):
        size = int.from_bytes(content[start + 4 : start + 8], "little")
        content[start + 8 : start + 8 + size] = bytes(size)
    scratched = media / "scratched.avi"
    scratched.write_bytes(content)
    with closing(open_source(scratched)) as source:
        frames = read_all(source)
    assert len(frames) == 38
    assert source.damaged == 2
    assert frames[-1].t == pytest.approx(39 / 25)
    assert [record.message for record in caplog.records] == [
        "scratched.avi is damaged: 2 packets were skipped"
    ]
    assert capfd.readouterr().err == ""


def bad_files(folder, clip):
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "text.mp4").write_text("not a film\n" * 50)
    (folder / "notes.txt").write_text("only words\n")
    (folder / "rubbish.mkv").write_bytes(np.random.default_rng(1).bytes(5000))
    (folder / "cut.mp4").write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    with av.open(str(folder / "sound.mp4"), "w") as container:
        sound(container)
    with av.open(str(folder / "framed.mkv"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        sound(container)
    with av.open(str(folder / "song.mp3"), "w") as container:
        cover = container.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 48, "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic
        voice = container.add_stream("libmp3lame", rate=44100, layout="mono")
        picture = av.VideoFrame.from_ndarray(numbered(1), "bgr24").reformat(format="rgb24")
        container.mux(cover.encode(picture))
        container.mux(cover.encode())
        container.mux(encode_sound(voice, 44100, "s16p"))


def sound(container):
    container.mux(encode_sound(container.add_stream("aac", rate=8000, layout="mono"), 8000, "fltp"))


def encode_sound(stream, rate, layout):
    kind = np.float32 if layout == "fltp" else np.int16
    frame = av.AudioFrame.from_ndarray(np.zeros((1, rate), kind), layout, "mono")
    frame.sample_rate = rate
    return [*stream.encode(frame), *stream.encode()]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("empty.mp4", "is empty (0 bytes): copy or record it again"),
        ("text.mp4", "is not a video: it holds text; choose another file"),
        ("notes.txt", "is not a video: it holds text; choose another file"),
        ("rubbish.mkv", "cannot be read as a video or an image"),
        ("cut.mp4", "is incomplete: its index (moov) is missing"),
        ("sound.mp4", "holds only sound: choose a file or stream with a video track"),
        ("song.mp3", "holds only sound: choose a file or stream with a video track"),
        ("framed.mkv", "has a video track but no readable frame"),
    ],
)
def test_a_bad_file_is_one_clear_line(tmp_path, clip, capfd, name, line):
    bad_files(tmp_path, clip)
    with pytest.raises(SourceError) as caught:
        open_source(tmp_path / name)
    message = str(caught.value)
    assert line in message
    assert name in message
    assert "\n" not in message
    assert capfd.readouterr().err == ""


# Closing


def test_close_from_another_thread_ends_reading(clip):
    source = open_source(clip)
    seen = []
    started = threading.Event()

    def read():
        while (frame := source.read()) is not None:
            seen.append(frame.index)
            started.set()
            source.seek(0)

    reader = threading.Thread(target=read)
    reader.start()
    assert started.wait(5)
    source.close()
    source.close()
    reader.join(5)
    assert not reader.is_alive()
    assert source.read() is None
    assert source.state is SourceState.ENDED


def test_a_file_name_that_looks_like_an_address_or_a_pattern_is_still_a_file(media, tmp_path, clip):
    for name in ("tcp:odd.mp4", "100%03d[a]*.mp4", "größe 文件.mp4"):
        path = tmp_path / name
        path.write_bytes(clip.read_bytes())
        source = FileSource(path)
        assert source.read() is not None
        assert source.info.name == name
        source.close()
        with closing(open_source(path)) as again:
            assert again.read() is not None


def test_the_real_clips_are_read_whole(shared_data):
    for name, count in (("car-detection.mp4", 377), ("person-bicycle-car-detection.gif", 41)):
        with closing(open_source(shared_data / "videos" / name)) as source:
            frames = read_all(source)
        assert len(frames) == count == source.info.frame_count
        assert all(b.t > a.t for a, b in itertools.pairwise(frames))


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted as Linux lists them")
@pytest.mark.parametrize(("asked", "helping"), [(1, 0), (2, 2)])
def test_a_file_is_decoded_by_as_many_threads_as_it_is_given(tmp_path, asked, helping):
    def decoding():
        names = [task.joinpath("comm").read_text() for task in Path("/proc/self/task").iterdir()]
        return sum(name.startswith("av:") for name in names)

    path = tmp_path / "film.mp4"
    film(path, [numbered(i) for i in range(20)])
    before = decoding()
    with closing(open_source(path, decoder_threads=asked)) as source:
        assert [source.read().index for _ in range(20)] == list(range(20))
        assert decoding() - before == helping
