"""The packets of a file or a stream as they came, copied beside what is made of them (`--save-raw`).

Nothing is encoded again: pictures and sound are those of the camera. The copy begins at the key frame of the run's
first picture, and its clock is the run's: A PICTURE'S TIME IN THE COPY IS ITS Frame.t, to the copy's millisecond
(.mkv) or 1/90000 s (.mp4). Of a file that is its own time; of a live stream it is the capture clock, from 0, on
through reconnections. So at each time the copy shows what the frame of that time in track files, kept runs and
recordings showed, and of a live stream its n-th picture is frame n as long as every packet could be decoded.

A packet waits until the decoder has shown its picture, whose Frame.t then is known; what lies between is
interpolated, which keeps the order of decoding times. As recordings are, it is written in short clusters or
fragments, each complete on the disk: a run that is killed leaves what plays.
"""

from __future__ import annotations

import logging
import threading
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from rtdet.output_file import OutputFile, suffix_of
from rtdet.protocols import Sink
from rtdet.types import FrameResult
from rtdet.video.recording.media_file import MediaFile
from rtdet.video.recording.muxers import MUXERS, muxer_options

_log = logging.getLogger("rtdet.video")

# The clock of each kind of file; Matroska's is milliseconds.
_TICKS = {".mp4": Fraction(1, 90_000), ".mkv": Fraction(1, 1000)}
# As many pictures as may lie between a decoding time and the picture shown then, with room.
_KNOWN = 256
# So many packets wait for their picture at most: of a stream that cannot be decoded, the oldest go.
_WAITING = 5000
# Sound of a live stream keeps its own even pace until it is so far from the picture.
_OUT_OF_STEP_S = 0.12


class PacketCopy(Sink):
    """Copies packets to `path`. The source's thread calls `begin`, `feed`, `shown` and `end`; as a sink it takes
    results only to tell of an error. The constructor raises OutputError or UnknownNameError; the file appears with
    the first packet."""

    def __init__(self, path: str | Path) -> None:
        self._suffix = suffix_of(path, "copy of a source's packets", tuple(MUXERS))
        self.path = Path(path)
        self._tick = _TICKS[self._suffix]
        self._file = OutputFile(path, goes_back=True)
        self._lock = threading.Lock()
        self._media: MediaFile | None = None
        self._output: Any = None
        self._streams: dict[int, _OutputStream] = {}  # by the index of the source's stream
        self._video: Any = None
        self._sound: Any = None
        self._kind: tuple[Any, ...] | None = None
        self._queue: deque[Any] = deque(maxlen=_WAITING)
        self._known: deque[tuple[float, float]] = deque(maxlen=_KNOWN)  # seconds of the container, Frame.t
        self._awaits_key = True
        self._from_s = float("-inf")
        self._sound_shift_s: float | None = None
        self._is_over = self._is_closed = False

    # The source's side: errors are kept, and the run is told of them by `write`.

    def begin(self, video: Any, sound: Any | None) -> None:
        """A container was opened, for the first time or again: `video` and `sound` are what is copied of it."""
        with self._lock:
            context = video.codec_context
            kind = (context.name, context.width, context.height)
            if self._kind is not None and kind != self._kind and not self._is_over:
                _log.warning(
                    "the stream came back as %s of %dx%d; its copy %s ends before that", *kind, self.path
                )
                self._is_over = True
            self._kind = self._kind or kind
            self._video, self._sound = video, sound
            self._forget()

    def restart(self) -> None:
        """The reader jumps to another place: what waits belongs to the old one."""
        with self._lock:
            self._forget()

    def feed(self, packet: Any) -> None:
        """A packet of one of the two streams was read."""
        with self._lock:
            if not self._is_over and packet.size:
                self._queue.append(packet)

    def shown(self, container_s: float, t: float) -> None:
        """The picture of the container's time `container_s` is the frame of the time `t`."""
        with self._lock:
            if self._is_over or self._file.failure is not None:
                return
            if self._known and container_s <= self._known[-1][0]:
                self._forget(but_queue=True)  # the container's clock has started over
            self._known.append((container_s, t))
            if self._awaits_key and not self._start(container_s):
                return
            self._write_until(container_s)

    def end(self) -> None:
        """The container has ended: what is left has no picture any more."""
        with self._lock:
            if self._known and not self._awaits_key:
                self._write_until(float("inf"))

    # The sink's side

    def write(self, result: FrameResult) -> None:
        if self._file.failure is not None:
            raise self._file.failure
        self._file.check_in_place()

    def close(self) -> None:
        """Completes the file. Raises OutputError when that fails, once; what is there then still plays."""
        with self._lock:
            if self._is_closed:
                return
            self._is_over = self._is_closed = True
            self._queue.clear()
            had_failed = self._file.failure is not None
            try:
                if self._output is not None:
                    self._attempt(self._finish)
            finally:
                self._release()
        if self._file.failure is not None and not had_failed:
            raise self._file.failure

    def _finish(self) -> None:
        self._output.close()
        # The index goes by decoding times: with reordered pictures it would end before the last ones. Players take
        # fragments as well.
        is_plain = not any(stream.is_reordered for stream in self._streams.values())
        if self._suffix == ".mp4" and self._media is not None and self._file.failure is None and is_plain:
            self._media.append_index()

    def _release(self) -> None:
        import av

        try:
            if self._output is not None:
                self._output.close()
        except (OSError, ValueError, av.FFmpegError):
            _log.debug("the muxer did not close cleanly", exc_info=True)
        self._file.close()

    def _forget(self, *, but_queue: bool = False) -> None:
        if not but_queue:
            self._queue.clear()
        self._known.clear()
        self._awaits_key, self._sound_shift_s = True, None

    # Which packets are written

    def _start(self, container_s: float) -> bool:
        """Finds the key frame that a picture was decoded from; False where it isn't there, or was copied before."""
        last_s = max((stream.last_s for stream in self._streams.values()), default=float("-inf"))
        key = None
        for place, packet in enumerate(self._queue):
            is_key = packet.stream_index == self._video.index and packet.is_keyframe
            at_s = _seconds(packet)
            if is_key and at_s is not None and at_s <= container_s + 1e-6 and self._t_of(at_s) > last_s:
                key, self._from_s = place, at_s
        if key is None:
            return False
        # Sound that is read before the key frame, and heard after it, is kept.
        before = [self._queue.popleft() for _ in range(key)]
        heard = [one for one in before if one.stream_index != self._video.index]
        self._queue.extendleft(reversed(heard))
        self._awaits_key = False
        return True

    def _write_until(self, container_s: float) -> None:
        while self._queue:
            at_s = _seconds(self._queue[0])
            if at_s is not None and at_s > container_s + 1e-6:
                return
            packet = self._queue.popleft()
            # Pictures that are shown before the key frame need others that are not there.
            is_whole = at_s is not None and at_s >= self._from_s - 1e-6
            if is_whole and not self._attempt(partial(self._mux, packet)):
                return

    def _mux(self, packet: Any) -> None:
        if self._output is None:
            self._open()
        stream = self._streams.get(packet.stream_index)
        if stream is None:
            return
        pts_s, dts_s = (_at(packet, ticks) for ticks in (packet.pts, packet.dts))
        pts_s = dts_s if pts_s is None else pts_s
        assert pts_s is not None
        dts_s = pts_s if dts_s is None else dts_s
        if packet.stream_index == self._video.index:
            t, decoded = self._t_of(pts_s), self._t_of(dts_s)
        else:
            t = decoded = self._heard_at(pts_s)
        stream.write(packet, t, decoded)

    def _t_of(self, container_s: float) -> float:
        """The run's time for one of the container: between those of two pictures, or from the nearest on."""
        place = bisect_right(self._known, container_s, key=lambda pair: pair[0])
        if place == 0 or place == len(self._known):
            at_s, t = self._known[0 if place == 0 else -1]
            return t + container_s - at_s
        (one_s, one), (other_s, other) = self._known[place - 1], self._known[place]
        return one + (container_s - one_s) * (other - one) / (other_s - one_s)

    def _heard_at(self, container_s: float) -> float:
        """As `_t_of`, but evenly: pictures that came late or early once do not make the sound stutter."""
        wanted = self._t_of(container_s)
        shift = self._sound_shift_s
        if shift is None or abs(container_s + shift - wanted) > _OUT_OF_STEP_S:
            shift = self._sound_shift_s = wanted - container_s
        return container_s + shift

    # The file

    def _open(self) -> None:
        import av

        self._media = MediaFile(self._file)
        muxer, options = muxer_options(self._suffix)
        # A decoding time may be below 0; shifting everything for it would shift the run's clock.
        options |= {"avoid_negative_ts": "disabled"}
        self._output = av.open(self._media, "w", format=muxer, options=options)
        for source in (self._video, self._sound):
            if source is None:
                continue
            try:
                self._streams[source.index] = _OutputStream(self._output, source, self._tick)
            except (ValueError, av.FFmpegError) as error:
                name = source.codec_context.name
                if source is self._video:
                    raise ValueError(f"{name} does not fit into {self._suffix}") from error
                _log.warning(
                    "the copy %s has no sound: %s does not fit into %s", self.path, name, self._suffix
                )

    def _attempt(self, step: Callable[[], None]) -> bool:
        """Takes a step of writing; False where it fails, or failed before, of which `write` tells."""
        import av

        if self._file.failure is not None:
            return False
        try:
            step()
        except (OSError, ValueError, av.FFmpegError) as error:
            if self._file.failure is None:
                other = " (.mkv takes nearly everything)" if self._suffix == ".mp4" else ""
                reason = getattr(error, "strerror", None) or error
                self._file.fail(OSError(None, f"its packets cannot be copied: {reason}{other}"))
            self._queue.clear()
            return False
        return True


class _OutputStream:
    """One stream of the copy."""

    def __init__(self, output: Any, source: Any, tick: Fraction) -> None:
        from av.bitstream import BitStreamFilterContext

        self._output, self._tick = output, tick
        self._stream = output.add_stream_from_template(source, opaque=True)
        self._stream.time_base = tick
        self._filter: Any = None
        self._last: int | None = None
        self.is_reordered = False
        # AAC of broadcast streams (ADTS) says in each packet what files say once, in their header.
        if source.codec_context.name == "aac" and not source.codec_context.extradata:
            self._filter = BitStreamFilterContext("aac_adtstoasc", source)

    @property
    def last_s(self) -> float:
        """The time up to which there are packets."""
        return float("-inf") if self._last is None else float(self._last * self._tick)

    def write(self, packet: Any, t: float, decoded: float) -> None:
        dts = round(Fraction(decoded) / self._tick)
        if self._last is not None and dts <= self._last:
            if decoded < self.last_s - 0.5:
                return  # a place that was copied before
            dts = self._last + 1
        pts = max(dts, round(Fraction(t) / self._tick))
        self.is_reordered = self.is_reordered or pts != dts
        duration_s = Fraction(packet.duration or 0) * packet.time_base
        for ready in [packet] if self._filter is None else self._filter.filter(packet):
            ready.stream, ready.time_base = self._stream, self._tick
            ready.dts, ready.pts = dts, pts
            ready.duration = round(duration_s / self._tick)
            self._output.mux_one(ready)
        self._last = dts


def _seconds(packet: Any) -> float | None:
    return _at(packet, packet.pts if packet.pts is not None else packet.dts)


def _at(packet: Any, ticks: int | None) -> float | None:
    return None if ticks is None else float(ticks * packet.time_base)
