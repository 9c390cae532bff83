"""Recordings, through the real encoder, read back with real readers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import closing
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from rtdet.errors import OutputError, UnknownNameError
from rtdet.types import Detections, Frame, FrameResult, SourceInfo, Tracks
from rtdet.video.recording import open_recording

SIZE = (96, 64)


def picture(number: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    image = np.full((size[1], size[0], 3), 60, np.uint8)
    cv2.circle(image, (10 + 3 * number % size[0], size[1] // 2), 9, (40, 180, 240), -1)
    return image


def make_clip(
    path: Path,
    ticks: list[int],
    time_base: Fraction,
    *,
    sound: str = "",
    sound_s: float = 0.0,
    loudness: Callable[[float], float] = lambda _t: 0.4,
) -> Path:
    """A clip with pictures at `ticks`, and a tone of `sound_s` seconds in the codec `sound`, as loud as `loudness`
    says of each second."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "bf": "0"})
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        video.time_base = video.codec_context.time_base = time_base
        tone = container.add_stream(sound, rate=48000, layout="mono") if sound else None
        for number, tick in enumerate(ticks):
            frame = av.VideoFrame.from_ndarray(picture(number), "bgr24")
            frame.pts, frame.time_base = tick, time_base
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        for samples in tone_frames(tone, sound_s, loudness) if tone is not None else ():
            container.mux(tone.encode(samples))
        if tone is not None:
            container.mux(tone.encode(None))
    return path


def tone_frames(
    stream: av.AudioStream, seconds: float, loudness: Callable[[float], float]
) -> Iterator[av.AudioFrame]:
    count = stream.codec_context.frame_size or 1024
    kind = stream.codec_context.format.name
    for start in range(0, int(seconds * 48000), count):
        wave = np.sin(np.arange(start, start + count) * 0.05).astype(np.float32)[None] * loudness(
            start / 48000
        )
        if kind.startswith("s16"):
            wave = (wave * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(wave, kind, "mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
        yield frame


def read_clip(path: Path, start_s: float = 0.0) -> tuple[SourceInfo, list[Frame]]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        first, base = stream.start_time or 0, stream.time_base
        frames = []
        for index, frame in enumerate(container.decode(stream)):
            t = float((frame.pts - first) * base)
            if t >= start_s:
                image = frame.to_ndarray(format="bgr24")
                frames.append(Frame(image, t, index, pts=frame.pts, time_base=base))
        info = SourceInfo(
            path.name,
            stream.width,
            stream.height,
            float(stream.average_rate),
            stream.frames or None,
            container.duration / 1e6,
        )
    return info, frames


def a_track(x: float = 10.0) -> Tracks:
    return Tracks([[x, 10, x + 30, 50]], [7], [0.9], [0], class_names=("car",))


def record(frames: list[Frame], info: SourceInfo, out: Path, **options: object) -> Path:
    with closing(open_recording(out, info, **options)) as sink:
        for frame in frames:
            sink.write(FrameResult(frame, Detections(), a_track()))
    return out


def times(path: Path) -> list[Fraction]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [frame.pts * stream.time_base for frame in container.decode(stream)]


def duration_s(path: Path) -> float:
    with av.open(str(path)) as container:
        return container.duration / 1e6


def starts_s(path: Path) -> tuple[float, float]:
    """When picture and sound begin, after the container's start."""
    with av.open(str(path)) as container:
        start = container.start_time / 1e6
        packets = [p for p in container.demux(video=0, audio=0) if p.pts is not None]
        first = {p.stream.type: float(p.pts * p.time_base) - start for p in reversed(packets)}
    return first["video"], first["audio"]


def sound_levels(path: Path) -> dict[int, float]:
    """For each tenth of a second, the RMS of the sound."""
    levels: dict[int, list[float]] = {}
    with av.open(str(path)) as container:
        for frame in container.decode(container.streams.audio[0]):
            samples = frame.to_ndarray().astype(np.float64)
            levels.setdefault(int(frame.time * 10), []).append(float(np.sqrt((samples**2).mean())))
    return {tenth: float(np.mean(values)) for tenth, values in levels.items()}


STEADY = [i * 40 for i in range(50)]
UNEVEN = [0, 40, 90, 100, 300, 1000, 1033, 1066, 1900, 1940]
MS = Fraction(1, 1000)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("ticks", [STEADY, UNEVEN], ids=["steady", "variable"])
def test_a_recording_repeats_the_frames_and_times_of_its_source(
    tmp_path: Path, ticks: list[int], suffix: str
) -> None:
    clip = make_clip(tmp_path / "in.mp4", ticks, Fraction(1, 16000) if suffix == ".mp4" else MS)
    info, frames = read_clip(clip)
    out = record(frames, info, tmp_path / f"out{suffix}")
    assert times(out) == pytest.approx(times(clip), abs=0.0006)
    assert duration_s(out) == pytest.approx(duration_s(clip), abs=0.002)
    with av.open(str(out)) as container:
        codec = container.streams.video[0].codec_context
        assert (codec.name, codec.pix_fmt, codec.width, codec.height) == ("h264", "yuv420p", *SIZE)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_opencv_reads_the_right_count_rate_and_pictures_from_a_finished_recording(
    tmp_path: Path, suffix: str
) -> None:
    info = SourceInfo("made", *SIZE, fps=25.0)
    frames = [Frame(picture(i), i / 25, i) for i in range(50)]
    capture = cv2.VideoCapture(str(record(frames, info, tmp_path / f"o{suffix}")))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 50
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(25)
    shown = []
    while (answer := capture.read())[0]:
        shown.append(answer[1])
    assert len(shown) == 50
    # Away from the drawing, colours are the source's within what the encoder loses.
    assert np.abs(shown[20][56:, :].astype(int) - 60).mean() < 4


def test_a_finished_mp4_is_a_plain_one_with_its_index_and_no_rotation(tmp_path: Path) -> None:
    info, frames = read_clip(make_clip(tmp_path / "in.mp4", STEADY, MS))
    content = record(frames, info, tmp_path / "out.mp4").read_bytes()
    boxes, at = [], 0
    while at < len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        boxes.append(content[at + 4 : at + 8].decode())
        at += size if size > 1 else int.from_bytes(content[at + 8 : at + 16], "big")
    assert "moov" in boxes
    assert "moof" not in boxes
    matrix = content.index(b"tkhd", content.rindex(b"moov")) + 4 + 40
    assert content[matrix : matrix + 4] == (0x10000).to_bytes(4, "big")


def test_a_live_source_without_timestamps_is_recorded_by_its_capture_times(tmp_path: Path) -> None:
    info = SourceInfo("camera", *SIZE, fps=None, is_live=True)
    moments = [5.0, 5.033, 5.1, 5.133, 5.5]
    frames = [Frame(picture(i), t, i) for i, t in enumerate(moments)]
    assert times(record(frames, info, tmp_path / "o.mp4")) == pytest.approx(
        [t - 5.0 for t in moments], abs=1e-4
    )


def test_time_that_stands_still_or_jumps_back_still_gives_rising_timestamps(tmp_path: Path) -> None:
    info = SourceInfo("camera", *SIZE, fps=25.0)
    moments = [0.0, 0.04, 0.04, 0.03, 0.08, 0.12, 30.0, 30.04, 2.0, 2.04]
    frames = [Frame(picture(i), t, i) for i, t in enumerate(moments)]
    recorded = times(record(frames, info, tmp_path / "o.mp4"))
    assert len(recorded) == len(moments)
    assert all(b > a for a, b in pairwise(recorded))
    assert float(recorded[-1]) == pytest.approx(30.12, abs=0.001)  # a seek back does not lose time


def test_an_odd_size_grows_by_its_own_edge_and_is_not_scaled(tmp_path: Path) -> None:
    image = np.zeros((51, 61, 3), np.uint8)
    image[:, 50:] = 255
    frames = [Frame(image, i / 10, i) for i in range(5)]
    with closing(open_recording(tmp_path / "o.mp4", SourceInfo("odd", 61, 51, 10.0))) as sink:
        for frame in frames:
            sink.write(FrameResult(frame, Detections(), Tracks()))
    _, recorded = read_clip(tmp_path / "o.mp4")
    assert recorded[0].size == (62, 52)
    assert np.abs(recorded[-1].bgr[:51, :61].astype(int) - image).mean() < 3
    assert recorded[-1].bgr[:, 61].min() > 200


def test_pictures_of_other_sizes_are_letterboxed_into_the_first_one(tmp_path: Path) -> None:
    sizes = [(96, 64), (64, 96), (200, 40), (96, 64)]
    frames = [
        Frame(np.full((h, w, 3), 200, np.uint8), i / 5, i, name=f"{i}.png") for i, (w, h) in enumerate(sizes)
    ]
    with closing(open_recording(tmp_path / "o.mkv", SourceInfo("folder", 96, 64, 5.0))) as sink:
        for frame in frames:
            sink.write(FrameResult(frame, Detections(), Tracks()))
    _, recorded = read_clip(tmp_path / "o.mkv")
    assert [f.size for f in recorded] == [(96, 64)] * 4
    assert recorded[1].bgr[32, 48].min() > 180
    assert recorded[1].bgr[32, 4].max() < 40
    assert recorded[2].bgr[4, 48].max() < 40


def test_the_tracks_are_drawn_into_the_recording(tmp_path: Path) -> None:
    frames = [Frame(np.full((120, 160, 3), 90, np.uint8), i / 10, i) for i in range(5)]
    info = SourceInfo("grey", 160, 120, 10.0)
    _, recorded = read_clip(record(frames, info, tmp_path / "o.mp4"))
    changed = np.abs(recorded[-1].bgr.astype(int) - 90).max(axis=2) > 30
    assert changed[10:50, 9:12].mean() > 0.6  # the left line of the box
    assert not changed[70:, 60:].any()


@pytest.mark.parametrize(
    ("source", "out"),
    [("in.mp4", "o.mp4"), ("in.mp4", "o.mkv"), ("in.mkv", "o.mp4"), ("in.ts", "o.mp4"), ("in.ts", "o.mkv")],
)
def test_the_sound_is_copied_and_stays_in_time(tmp_path: Path, source: str, out: str) -> None:
    clip = make_clip(tmp_path / source, STEADY, MS, sound="aac", sound_s=2.5)
    info, frames = read_clip(clip)
    recording = record(frames, info, tmp_path / out, audio_from=str(clip))
    with av.open(str(recording)) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
    (picture_at, sound_at), (picture_was, sound_was) = starts_s(recording), starts_s(clip)
    assert picture_at == pytest.approx(picture_was, abs=0.002)
    assert sound_at == pytest.approx(sound_was, abs=0.045)
    # Sound that outlasts the picture is all there, so the durations agree.
    assert duration_s(recording) == pytest.approx(duration_s(clip), abs=0.04)
    steps = [b - a for a, b in pairwise(times(recording))]
    assert steps == pytest.approx([0.04] * 49, abs=0.0011)
    assert min(sound_levels(recording).values()) > 0


@pytest.mark.parametrize("name", ["12:30:45.mp4", "a b.mp4", "file:x.mp4"])
def test_the_sound_of_a_file_with_a_colon_in_its_name_is_kept(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_clip(tmp_path / "in.mp4", STEADY, MS, sound="aac", sound_s=2.0).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    info, frames = read_clip(tmp_path / name)
    recording = record(frames, info, tmp_path / "o.mp4", audio_from=name)
    assert min(sound_levels(recording).values()) > 0


def test_a_recording_that_starts_and_ends_inside_its_source_has_just_that_sound(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mp4", STEADY, MS, sound="aac", sound_s=2.0)
    info, frames = read_clip(clip, start_s=0.8)
    out = record(frames[:20], info, tmp_path / "o.mp4", audio_from=str(clip))
    assert duration_s(out) == pytest.approx(0.8, abs=0.045)
    assert times(out)[0] == pytest.approx(0, abs=0.001)
    levels = sound_levels(out)
    assert set(levels) <= set(range(9))
    assert min(levels[tenth] for tenth in range(1, 7)) > 0.1


@pytest.mark.parametrize(
    ("source", "sound", "out"),
    [
        ("in.mp4", "aac", "o.mp4"),
        ("in.mp4", "aac", "o.mkv"),
        ("in.mkv", "pcm_s16le", "o.mp4"),
        ("in.ts", "aac", "o.mp4"),
    ],
)
def test_where_someone_jumps_about_the_recording_has_no_gap_and_the_sound_jumps_along(
    tmp_path: Path, source: str, sound: str, out: str
) -> None:
    clip = make_clip(
        tmp_path / source, [i * 40 for i in range(150)], MS, sound=sound, sound_s=6.0,
        loudness=lambda t: 0.1 * 2 ** int(t / 2),
    )  # fmt: skip
    info, frames = read_clip(clip)
    # Ahead over more than three seconds, back over two.
    shown = [*frames[12:25], *frames[110:125], *frames[60:85]]
    recording = record(shown, info, tmp_path / out, audio_from=str(clip), closes_gaps=True)
    assert times(recording) == pytest.approx([i * 0.04 for i in range(len(shown))], abs=0.0011)
    assert duration_s(recording) == pytest.approx(0.04 * len(shown), abs=0.045)
    levels = sound_levels(recording)
    for loud, tenths in ((0.1, range(1, 4)), (0.4, range(7, 10)), (0.2, range(13, 20))):
        for tenth in tenths:
            assert levels[tenth] == pytest.approx(loud / np.sqrt(2), rel=0.15), tenth


def test_a_gap_of_the_source_itself_is_kept_where_someone_jumps_about(tmp_path: Path) -> None:
    info = SourceInfo("slides", *SIZE, fps=None)
    frames = [Frame(picture(i), t, i) for i, t in ((0, 0.0), (1, 9.0), (2, 9.5), (30, 60.0), (31, 65.0))]
    recorded = times(record(frames, info, tmp_path / "o.mp4", closes_gaps=True))
    assert recorded == pytest.approx([0.0, 9.0, 9.5, 10.0, 15.0], abs=1e-3)


def test_sound_that_mp4_cannot_hold_is_reencoded_with_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clip = make_clip(tmp_path / "in.mkv", STEADY, MS, sound="pcm_s16le", sound_s=2.0)
    info, frames = read_clip(clip)
    out = record(frames, info, tmp_path / "o.mp4", audio_from=str(clip))
    assert [r.levelname for r in caplog.records] == ["WARNING"]
    assert "AAC" in caplog.text
    levels = sound_levels(out)
    assert min(levels[tenth] for tenth in range(1, 19)) > 0.2
    assert duration_s(out) == pytest.approx(duration_s(clip), abs=0.04)
    kept = record(frames, info, tmp_path / "o.mkv", audio_from=str(clip))
    with av.open(str(kept)) as container:
        assert container.streams.audio[0].codec_context.name == "pcm_s16le"


def test_sound_that_breaks_off_costs_one_warning_and_no_picture(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clip = make_clip(tmp_path / "in.mkv", STEADY, MS, sound="aac", sound_s=2.0)
    info, frames = read_clip(clip)
    clip.write_bytes(clip.read_bytes()[:1000] + os.urandom(3000))
    out = record(frames, info, tmp_path / "o.mp4", audio_from=str(clip))
    assert len(times(out)) == 50
    assert len(caplog.records) <= 1
    (tmp_path / "gone.mp4").unlink(missing_ok=True)
    out = record(frames, info, tmp_path / "o2.mp4", audio_from=str(tmp_path / "gone.mp4"))
    assert len(times(out)) == 50
    assert "gone.mp4" in caplog.records[-1].message


KILLED = """
    import os, sys, numpy as np
    from rtdet.types import Detections, Frame, FrameResult, SourceInfo, Tracks
    from rtdet.video.recording import open_recording
    out, source = sys.argv[1:]
    sink = open_recording(out, SourceInfo("made", 160, 120, 25.0), audio_from=source or None)
    noise = np.random.default_rng(0)
    for i in range(110):
        image = noise.integers(0, 255, (120, 160, 3), dtype=np.uint8)
        sink.write(FrameResult(Frame(image, i / 25, i), Detections(), Tracks()))
    os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("with_sound", [False, True])
def test_kill_9_leaves_a_file_that_plays_up_to_the_last_second(
    tmp_path: Path, suffix: str, with_sound: bool
) -> None:
    if shutil.which("ffprobe") is None:
        pytest.skip("needs ffprobe")
    source = ""
    if with_sound:  # shorter than the picture: the muxer must not wait for more of it
        source = str(make_clip(tmp_path / "in.mp4", STEADY, MS, sound="aac", sound_s=2.0))
    out = tmp_path / f"out{suffix}"
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(out), source]
    run = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert run.returncode == -signal.SIGKILL, run.stderr
    probe = [
        "ffprobe",
        "-v",
        "error",
        "-count_frames",
        "-select_streams",
        "v",
        "-show_streams",
        "-of",
        "json",
    ]
    answer = subprocess.run([*probe, str(out)], capture_output=True, text=True, check=True)
    playable = int(json.loads(answer.stdout)["streams"][0]["nb_read_frames"])
    assert playable >= 110 - 25  # of 4.4 s, all but the last second


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("fps", [10, 25])
@pytest.mark.parametrize("is_flat", [False, True])
def test_a_run_killed_after_a_third_of_a_second_leaves_a_picture_that_plays(
    tmp_path: Path, suffix: str, fps: int, is_flat: bool
) -> None:
    out = tmp_path / f"out{suffix}"
    code = KILLED.replace("range(110)", f"range({round(0.3 * fps) + 1})").replace("25", str(fps))
    if is_flat:  # a picture of few bytes fills no buffer
        code = code.replace(
            "noise.integers(0, 255, (120, 160, 3), dtype=np.uint8)", "np.zeros((120, 160, 3), np.uint8)"
        )
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(out), ""], cwd=Path(__file__).parents[2]
    )
    assert run.returncode == -signal.SIGKILL
    assert len(times(out)) >= 1


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("count", [1, 3, 9, 11, 12, 13])
def test_pictures_before_and_after_the_first_moment_are_all_there_in_order(
    tmp_path: Path, suffix: str, count: int
) -> None:
    frames = [Frame(picture(i), i / 25, i) for i in range(count)]  # the encoder changes after ten
    out = tmp_path / f"o{suffix}"
    sink = open_recording(out, SourceInfo("made", *SIZE, 25.0))
    for frame in frames:
        sink.write(FrameResult(frame, Detections(), Tracks()))
    sink.close()
    assert times(out) == pytest.approx([i / 25 for i in range(count)], abs=0.001)
    _, seen = read_clip(out)
    for frame, again in zip(frames, seen, strict=True):
        assert np.abs(frame.bgr.astype(int) - again.bgr).mean() < 8


def test_a_missing_folder_an_unknown_suffix_and_a_folder_as_output_are_refused_at_once(
    tmp_path: Path,
) -> None:
    info = SourceInfo("made", *SIZE)
    with pytest.raises(
        OutputError, match=r"the folder .*nowhere does not exist; create it or choose another"
    ):
        open_recording(tmp_path / "nowhere" / "o.mp4", info)
    with pytest.raises(UnknownNameError, match=r"o\.avi .* no format of a recording; use \.mp4 or \.mkv"):
        open_recording(tmp_path / "o.avi", info)
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        open_recording(tmp_path / "folder.mp4", info)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder.mp4"]


def test_a_size_that_the_encoder_refuses_is_one_line_and_leaves_no_file(tmp_path: Path) -> None:
    frames = [Frame(np.zeros((16, 16400, 3), np.uint8), i / 10, i) for i in range(2)]
    sink = open_recording(tmp_path / "o.mp4", SourceInfo("wide", 16400, 16))

    def write_all() -> None:
        for frame in frames:
            sink.write(FrameResult(frame, Detections(), Tracks()))

    with pytest.raises(OutputError, match=r"o\.mp4: h\.264 of 16400x16 pixels failed"):
        write_all()
    sink.close()
    assert not (tmp_path / "o.mp4").exists()


def test_the_source_is_never_overwritten_not_even_through_a_link(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mp4", STEADY, MS)
    before = clip.read_bytes()
    (tmp_path / "link.mp4").symlink_to(clip)
    for path in (clip, tmp_path / "link.mp4", tmp_path / "." / "in.mp4"):
        with pytest.raises(OutputError, match="is the source itself"):
            open_recording(path, SourceInfo("in", *SIZE), audio_from=str(clip))
    assert clip.read_bytes() == before


def test_a_run_without_frames_leaves_an_older_recording_alone(tmp_path: Path) -> None:
    (tmp_path / "o.mp4").write_bytes(b"an older recording")
    sink = open_recording(tmp_path / "o.mp4", SourceInfo("made", *SIZE))
    sink.close()
    sink.close()
    assert (tmp_path / "o.mp4").read_bytes() == b"an older recording"
    open_recording(tmp_path / "new.mp4", SourceInfo("made", *SIZE)).close()
    assert not (tmp_path / "new.mp4").exists()


FULL = """
    import resource, sys, numpy as np
    from rtdet.errors import OutputError
    from rtdet.types import Detections, Frame, FrameResult, SourceInfo, Tracks
    from rtdet.video.recording import open_recording
    if int(sys.argv[2]):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
    sink = open_recording(sys.argv[1], SourceInfo("made", 160, 120, 25.0))
    noise = np.random.default_rng(0)
    try:
        for i in range(400):
            image = noise.integers(0, 255, (120, 160, 3), dtype=np.uint8)
            sink.write(FrameResult(Frame(image, i / 25, i), Detections(), Tracks()))
    except OutputError as error:
        print(error)
    sink.close()
"""


def run_until_full(out: Path, limit: int) -> str:
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(FULL), str(out), str(limit)]
    run = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    return run.stdout


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_file_that_cannot_grow_any_more_ends_with_one_line_and_plays(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"o{suffix}"
    line = run_until_full(out, 1_000_000)
    assert line.count("\n") == 1
    assert f"cannot write {out}: file too large" in line
    assert len(times(out)) > 25


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("limit", [20, 5000])
def test_a_file_without_room_for_a_picture_is_not_left_behind(
    tmp_path: Path, suffix: str, limit: int
) -> None:
    out = tmp_path / f"o{suffix}"
    assert f"cannot write {out}: file too large" in run_until_full(out, limit)
    assert not out.exists()


def test_a_full_disk_ends_the_recording_with_one_line_and_it_plays(small_disk: Path) -> None:
    for suffix in (".mp4", ".mkv"):
        out = small_disk / f"o{suffix}"
        line = run_until_full(out, 0)
        assert line.startswith(f"the disk is full: {out} is incomplete")
        assert len(times(out)) > 25
        out.unlink()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("needs the right to mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_read_only_folder_is_refused_at_once(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(OutputError, match="read-only"):
        open_recording(small_disk / "o.mp4", SourceInfo("made", *SIZE))
