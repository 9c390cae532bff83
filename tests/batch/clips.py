"""Short clips of ten kinds, and four files that are damaged in different ways."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from tests.batch.conftest import street

SIZE = (96, 64)
DAMAGED = 4


def _write(
    path: Path,
    pictures: list[np.ndarray],
    codec: str,
    pix_fmt: str = "yuv420p",
    *,
    options: dict[str, str] | None = None,
    size: tuple[int, int] = SIZE,
    times: Callable[[int], int] = lambda number: number,
    sound: bool = False,
) -> None:
    """`times`: that of each picture, in 25ths of a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options or {})
        stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
        stream.codec_context.thread_count = 1
        tone = container.add_stream("aac", rate=16_000) if sound else None
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(
                cv2.resize(picture, size, interpolation=cv2.INTER_AREA), "bgr24"
            )
            frame.pts, frame.time_base = times(number), Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if tone is not None:
            _add_tone(container, tone, len(pictures) / 25)


def _add_tone(container: av.container.OutputContainer, tone: av.AudioStream, seconds: float) -> None:
    rate, block = 16_000, 1024
    for begin in range(0, int(seconds * rate), block):
        wave = 0.2 * np.sin(2 * np.pi * 440 * np.arange(begin, begin + block) / rate).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = rate, begin
        container.mux(tone.encode(frame))
    container.mux(tone.encode())


_GROUPS = {"g": "8", "bf": "2"}
# The suffix of each kind, and how it is written.
KINDS: dict[str, tuple[str, dict[str, object]]] = {
    "h264": ("mp4", {"codec": "libx264", "options": _GROUPS}),
    "hevc": ("mkv", {"codec": "libx265", "options": {"x265-params": "keyint=8:pools=1:log-level=none"}}),
    "vp9": ("webm", {"codec": "libvpx-vp9", "options": {"g": "8", "deadline": "realtime", "cpu-used": "8"}}),
    "mpeg4": ("avi", {"codec": "mpeg4", "options": {"g": "8"}}),
    "mjpeg": ("mov", {"codec": "mjpeg", "pix_fmt": "yuvj420p"}),
    "stream": ("ts", {"codec": "libx264", "options": _GROUPS}),
    "uneven": ("mp4", {"codec": "libx264", "options": _GROUPS, "times": lambda number: number + number // 3 * 4}),
    "sound": ("mp4", {"codec": "libx264", "options": _GROUPS, "sound": True}),
    "odd": ("mkv", {"codec": "libx264", "pix_fmt": "yuv444p", "options": {"g": "8", "bf": "0"}, "size": (95, 63)}),
    "gray": ("mkv", {"codec": "ffv1", "pix_fmt": "gray"}),
}  # fmt: skip


def write_clips(folder: Path, count: int, *, prefix: str = "") -> None:
    """`count` clips of the kinds in turn, of 8 to 30 frames and every eleventh of one, and four damaged ones."""
    folder.mkdir(parents=True)
    for number in range(count):
        kind = list(KINDS)[number % len(KINDS)]
        suffix, how = KINDS[kind]
        frames = 1 if number % 11 == 10 else 8 + 7 * number % 23
        pictures = street(number)[number % 9 :][:frames]
        _write(folder / f"{prefix}{number:02d}-{kind}.{suffix}", pictures, **how)  # type: ignore[arg-type]
    whole = (folder / f"{prefix}00-h264.mp4").read_bytes()
    damaged = {
        "empty.mp4": b"",
        "cut-off.mp4": whole[: len(whole) // 3],  # before its index, which comes last
        "noise.mkv": np.random.default_rng(15).bytes(4_000),
        "words.avi": b"This is a letter and no film.\n" * 40,
    }
    for name, content in damaged.items():
        (folder / f"{prefix}{name}").write_bytes(content)
