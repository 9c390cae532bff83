"""The annotated recording: H.264 in MP4 or MKV, in the source's own time, with its sound.

MP4 is written as fragments of half a second, each complete on disk before the next one begins, so that a
run that is killed leaves a file that plays up to there. On a clean close the very same file becomes a plain
MP4 (`mp4_index.py`: an index is appended and the fragments become media data), which every player takes and
whose header says the true length. MKV gets short clusters, and its length
and index on close.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtdet.errors import OutputError
from rtdet.output_file import OutputFile, suffix_of
from rtdet.protocols import Sink
from rtdet.types import Frame, FrameResult, SourceInfo
from rtdet.video.draw import DrawStyle, Painter
from rtdet.video.recording.clock import RecordingClock, stamp
from rtdet.video.recording.encoder import Encoder
from rtdet.video.recording.frames import PaintedFrames
from rtdet.video.recording.media_file import MediaFile
from rtdet.video.recording.muxers import MUXERS, muxer_options
from rtdet.video.recording.sound import SoundTrack, open_sound

if TYPE_CHECKING:
    import av
    import av.container

_log = logging.getLogger("rtdet.video")

_PLAYABLE = (3840, 2160)  # the longer and the shorter side, in pixels


def size_of_all(info: SourceInfo) -> tuple[int, int]:
    """Width and height in which a recording shows single pictures of all sizes: the largest of them, as far as
    players can decode it."""
    long, short = max(info.width, info.height), min(info.width, info.height)
    ratio = min(1.0, _PLAYABLE[0] / long, _PLAYABLE[1] / short)
    return max(1, round(info.width * ratio)), max(1, round(info.height * ratio))


class Recording(Sink):
    """Writes each result's picture as `painter` gives it, by default with its tracks drawn on it in `style`.

    The constructor raises OutputError or UnknownNameError when nothing can be written at `path`, and
    leaves no file behind; the file appears with the first frame. Every picture has the first one's size
    (odd sizes grow by a repeated row or column): later pictures of other sizes are letterboxed.
    Single pictures are letterboxed to `size_of_all`.
    With `closes_gaps`, where a person jumps about in the source, the picture after a jump ahead follows the one
    before at once, as it does after a jump back, and so does the sound.
    `write` raises OutputError when the disk is full or the encoder fails; what was written stays playable.
    """

    def __init__(
        self,
        path: str | Path,
        info: SourceInfo,
        *,
        audio_from: str | None = None,
        style: Callable[[], DrawStyle] = DrawStyle,
        closes_gaps: bool = False,
        painter: Painter | None = None,
    ) -> None:
        suffix = suffix_of(path, "recording", tuple(MUXERS))
        self.path = Path(path)
        self._format, self._options = muxer_options(suffix)
        self._info = info
        self._audio_from = None if info.is_live else audio_from
        self._closes_gaps = closes_gaps
        self._frames = PaintedFrames(
            painter or Painter(style), size_of_all(info) if info.are_pictures else None
        )
        self._file = OutputFile(path, audio_from, goes_back=True)
        self._first: Frame | None = None
        self._last: Frame | None = None
        self._held: av.VideoFrame | None = None
        self._clock: RecordingClock | None = None
        self._container: av.container.OutputContainer | None = None
        self._sound: SoundTrack | None = None
        self._encoder: Encoder | None = None
        self._durations: dict[int, int] = {}  # of pictures inside the encoder, by their ticks
        self._closed = False

    def write(self, result: FrameResult) -> None:
        if self._closed:
            raise OutputError(f"{self.path} is already closed")
        if self._file.failure is not None:
            raise self._file.failure
        self._file.check_in_place()
        frame, picture = result.frame, self._frames.frame_of(result)
        with self._failures():
            if self._first is None:
                self._first = frame
                self._clock = self._start_clock(frame)
            assert self._clock is not None
            picture.pts, picture.time_base = self._clock.ticks(frame), self._clock.time_base
            if self._clock.has_jumped and self._sound is not None:
                at_s = self._clock.seconds(picture.pts)
                self._sound.jump(at_s, self._clock.source_seconds(frame))
            # One picture is held back until the next one tells how long it is shown.
            if self._held is not None:
                self._encode(self._held, int(picture.pts - self._held.pts))
            self._held, self._last = picture, frame

    def close(self) -> None:
        """Complete the file. Raises OutputError when that fails, once; what is there then still plays."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._held is not None and self._file.failure is None:
                with self._failures():
                    self._finish()
        finally:
            self._release()

    def _start_clock(self, first: Frame) -> RecordingClock:
        if self._audio_from is not None:
            self._sound = open_sound(self._audio_from, self._format)
        # A run that starts inside the source (--start) starts at 0, its sound cut to fit; one that starts
        # where the source does keeps the picture's own delay after the sound.
        origin = stamp(first)
        if self._sound is not None:
            if first.t < self._nominal_s() / 2:
                origin = min(origin, self._sound.start_s)
            self._sound.begin(origin)
        # Matroska's own clock ticks in milliseconds.
        time_base = Fraction(1, 1000) if self._format == "matroska" else None
        return RecordingClock(first, origin, time_base, closes_gaps=self._closes_gaps)

    def _nominal_s(self) -> float:
        return 1 / self._info.fps if self._info.fps else 0.04

    def _encode(self, picture: av.VideoFrame, duration: int) -> None:
        if self._container is None:
            self._open(picture, duration)
        assert self._encoder is not None
        self._durations[int(picture.pts)] = duration
        self._mux(self._encoder.encode(picture))

    def _open(self, first: av.VideoFrame, duration: int) -> None:
        import av

        assert self._clock is not None
        self._media = MediaFile(self._file)
        self._container = container = av.open(self._media, "w", format=self._format, options=self._options)
        rate = Fraction(self._info.fps or 0).limit_denominator(1001)
        if not rate:
            rate = (1 / (duration * self._clock.time_base)).limit_denominator(1001)
        stream = container.add_stream("libx264", rate=rate)
        colorspace = self._frames.colorspace
        assert colorspace is not None
        size = (first.width, first.height)
        self._encoder = Encoder(stream, size, rate, self._clock.time_base, colorspace)
        self._encoder.start(self._info.pixel_aspect)
        if self._sound is not None:
            self._sound.attach(container)

    def _mux(self, packets: list[Any]) -> None:
        assert self._container is not None
        assert self._clock is not None
        for packet in packets:
            packet.duration = self._durations.pop(packet.pts, 0)
            if self._sound is not None:
                self._sound.advance(self._clock.seconds(packet.pts))
            self._container.mux_one(packet)

    def _finish(self) -> None:
        assert self._clock is not None
        assert self._last is not None
        assert self._held is not None
        duration = self._last_duration(self._last)
        self._encode(self._held, duration)
        end = self._clock.seconds(self._held.pts + duration)
        assert self._encoder is not None
        self._mux(self._encoder.encode(None))
        if self._sound is not None:
            self._sound.finish(end)
        assert self._container is not None
        self._container.close()
        if self._file.failure is not None:
            raise self._file.failure
        if self._format == "mp4":
            self._media.append_index()

    def _last_duration(self, last: Frame) -> int:
        """Ticks that the last picture is shown: what the source says, else as long as the one before."""
        assert self._clock is not None
        usual = self._clock.last_step_s or self._nominal_s()
        shown: float | Fraction = usual
        if self._sound is not None:
            # With sound, the length of the whole container says nothing about the picture.
            shown = self._sound.look_ahead(self._clock.source_seconds(last)) or usual
        elif self._info.duration_s is not None:
            rest = self._info.duration_s - last.t
            is_last = self._info.frame_count is not None and last.index == self._info.frame_count - 1
            if 0 < rest <= (10.0 if is_last else 1.5 * usual):
                shown = rest
        return max(1, round(Fraction(shown) / self._clock.time_base))

    @contextmanager
    def _failures(self) -> Iterator[None]:
        import av

        try:
            yield
        except (OSError, ValueError, av.FFmpegError) as error:
            if self._file.failure is None:
                assert self._first is not None
                width, height = self._first.size
                reason = getattr(error, "strerror", None) or error
                self._file.fail(OSError(None, f"H.264 of {width}x{height} pixels failed ({reason})"))
            self._release()
            assert self._file.failure is not None
            raise self._file.failure from error

    def _release(self) -> None:
        import av

        self._held = None
        if self._sound is not None:
            self._sound.close()
        container, self._container = self._container, None
        if container is not None:
            try:
                container.close()
            except (OSError, ValueError, av.FFmpegError):
                _log.debug("the muxer did not close cleanly", exc_info=True)
        self._file.close()
