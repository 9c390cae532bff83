"""x264 for a recording: what is written first comes out at once, all else with x264's look ahead."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from rtdet.video.recording.frames import BT601, FORMAT

# x264 looks ahead over pictures before it gives the first one away, which is half a second of them: a run that is
# killed meanwhile would leave nothing. So the pictures of the first moment go through an encoder that does not look
# ahead, and only they are coded less well.
_AT_ONCE_S = 0.4
# Keyframes are at whole seconds of the recording. One also begins a fragment, which puts the one before on the disk:
# the first ones are early.
_EARLY_KEYFRAMES_S = (0.001, 0.2, _AT_ONCE_S)


class Encoder:
    """Encodes pictures (frames.FORMAT) into the packets of `stream`, which it sets up. Their `pts` count in its time
    base. colorspace: what a player is told of their colours, as FFmpeg counts."""

    def __init__(
        self,
        stream: Any,
        size: tuple[int, int],
        rate: Fraction,
        time_base: Fraction,
        colorspace: int = BT601,
    ) -> None:
        self._stream, self._time_base = stream, time_base
        self._size, self._rate, self._colorspace = size, rate, colorspace
        self._aspect: Fraction | None = None
        self._first_pts: int | None = None
        self._keyframe_due_s = 0.0
        self._at_once: Any = None
        _set_up(stream.codec_context, size, rate, time_base, _options(float(rate)), colorspace)
        stream.time_base = time_base

    def start(self, pixel_aspect: Fraction | None) -> None:
        """Opens the encoders."""
        import av
        from av.codec.context import Flags

        context, first = self._stream.codec_context, av.CodecContext.create("libx264", "w")
        options = {**_options(float(self._rate)), **_WITHOUT_DELAY}
        _set_up(first, self._size, self._rate, self._time_base, options, self._colorspace)
        if pixel_aspect is not None:
            context.sample_aspect_ratio = first.sample_aspect_ratio = pixel_aspect
        first.flags = context.flags
        context.open(strict=False)
        first.open(strict=False)
        # One header in the file describes the pictures of both.
        self._at_once = (
            first if context.flags & Flags.global_header and first.extradata == context.extradata else None
        )

    def encode(self, picture: Any) -> list[Any]:
        """The packets that are ready; None empties the encoder."""
        from av.video.frame import PictureType

        if picture is None:
            return [*self._leave_first(), *self._stream.encode(None)]
        if self._first_pts is None:
            self._first_pts = picture.pts
        t = float((picture.pts - self._first_pts) * self._time_base)
        if t >= self._keyframe_due_s:
            picture.pict_type = PictureType.I
            early = (early for early in _EARLY_KEYFRAMES_S if early > t)
            self._keyframe_due_s = next(early, math.floor(t) + 1.0)
        if self._at_once is None:
            return list(self._stream.encode(picture))
        if t < _AT_ONCE_S:
            return self._on_stream(self._at_once.encode(picture))
        return [*self._leave_first(), *self._stream.encode(picture)]

    def _leave_first(self) -> list[Any]:
        if self._at_once is None:
            return []
        first, self._at_once = self._at_once, None
        return self._on_stream(first.encode(None))

    def _on_stream(self, packets: list[Any]) -> list[Any]:
        for packet in packets:
            packet.stream = self._stream
        return packets


def _set_up(
    context: Any,
    size: tuple[int, int],
    rate: Fraction,
    time_base: Fraction,
    options: dict[str, str],
    colorspace: int = BT601,
) -> None:
    context.width, context.height = size
    context.pix_fmt, context.framerate, context.time_base = FORMAT, rate, time_base
    context.options, context.thread_count = options, 2
    context.colorspace = context.color_primaries = context.color_trc = colorspace
    context.color_range = 1


def _options(fps: float) -> dict[str, str]:
    """x264: fast, good, and little of the recording still inside the encoder when the run is killed.

    What `superfast` leaves out of `veryfast` is not missed, but for the macroblock tree: without it, files of one
    quality are twice as large (benchmarks/encoder_presets.py).
    """
    return {
        "preset": "superfast",
        "mbtree": "1",
        "crf": "20",
        "bf": "0",  # no reordering: a fragment's first picture is its first in time
        "forced-idr": "1",
        "g": "600",  # keyframes are asked for by time instead
        "rc-lookahead": str(max(1, min(10, round(fps * 0.4)))),
    }


_WITHOUT_DELAY = {"rc-lookahead": "0", "mbtree": "0", "x264-params": "sync-lookahead=0:sliced-threads=1"}
