"""Video files: every frame, at the container's own times, with exact seeking."""

from __future__ import annotations

import logging
import threading
import time
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from rtdet.errors import SourceError
from rtdet.protocols import SourceState
from rtdet.types import Frame, SourceInfo
from rtdet.video.sources.container_clock import (
    JOINABLE,
    PictureCount,
    clock_starts_over,
    measure_joined,
)
from rtdet.video.sources.decoded import picture_of
from rtdet.video.sources.decoder import WITHOUT_KEYFRAMES, VideoDecoder
from rtdet.video.sources.image_files import ImageReader, UnreadableImage
from rtdet.video.sources.names import why_remote_unreadable, why_unreadable
from rtdet.video.sources.picture import Converter, Orientation, orientation_of
from rtdet.video.sources.reading import AS_IT_IS, Reading
from rtdet.video.sources.timeline import Timeline, stamped

log = logging.getLogger("rtdet.video")

# Frames are asked for by times that were rounded, to milliseconds at worst.
_ROUNDING_S = 0.001


class RemoteFile(Protocol):
    """A file behind a connection, as av.open takes it. `abort` may be called from any thread."""

    def read(self, size: int) -> bytes: ...

    def seek(self, offset: int, whence: int = 0) -> int: ...

    def seekable(self) -> bool: ...

    def abort(self) -> None: ...

    def close(self) -> None: ...


class _Decoded(NamedTuple):
    picture: Any
    t: float
    pts: int | None


class FileSource:
    """A video file, or an animated GIF.

    Frame.t is the container's PTS from the first frame on, made to increase strictly; Frame.pts is the
    container's own, or None for a frame whose time had to be repaired. Damaged packets are skipped and
    counted in `damaged`; a file that breaks off gives every frame before the break, then one warning.
    `remote`: read the bytes from there instead (`path` is then only a name). Raises SourceError.
    """

    def __init__(
        self,
        path: str | Path,
        reading: Reading = AS_IT_IS,
        *,
        remote: RemoteFile | None = None,
    ) -> None:
        self._path = Path(path)
        self._remote = remote
        self._name = str(path) if remote is not None else self._path.name
        self._lock = threading.Lock()
        self._closing = False
        self._closed = False
        self._reported = False
        self.damaged = 0
        self.state = SourceState.OPEN
        self._converter = Converter()
        self._reading = reading
        self._times = array("d")  # of the frames 0, 1, 2, ... that have been seen without a gap
        self._count_of_pictures: PictureCount | None = None
        self._is_joined: bool | None = None  # the container's clock starts over somewhere
        try:
            self._open()
            first = self._pending
            # A closed container could not be asked any more.
            self._stream_index: int = self._decoder.stream.index
            self._time_base: Fraction = self._decoder.stream.time_base
            self._orientation: Orientation = orientation_of(first.picture)
            self.info = self._describe(first)
            if reading.start_s > 0:
                self._start_at(reading.start_s)
        except BaseException:
            if remote is not None:
                remote.close()
            raise

    @property
    def stream_index(self) -> int:
        """The place of the picture track among those of the container."""
        return self._stream_index

    @property
    def clock(self) -> tuple[Fraction, float]:
        """How many seconds a tick of the container's clock has, and, as far as the header tells, a frame."""
        return self._time_base, self._timeline.frame_s

    def read(self) -> Frame | None:
        with self._lock:
            frame = None if self._closing else self._read()
        self._release_if_closing()
        return frame

    def seek(self, t: float) -> None:
        """The next read gives the first frame at or after `t` seconds (within half a frame)."""
        with self._lock:
            if not self._closing:
                self._seek(max(0.0, t))
        self._release_if_closing()

    def time_of(self, index: int) -> float | None:
        """See NumberedSource. What has not been seen yet is looked up in the packets, without decoding."""
        if index < len(self._times):
            return self._times[index]
        if self._remote is not None or self._is_joined or self._timeline.shifted or self._start_pts is None:
            return None
        count = PictureCount(self._path.resolve(), self._stream_index, self._decoder.times)
        try:
            ticks = count.ticks_of(index)
        finally:
            count.close()
        return None if ticks is None else float((ticks - self._start_pts) * self._time_base)

    def close(self) -> None:
        self._closing = True
        if self._remote is not None:
            self._remote.abort()
        self._release_if_closing()

    def _release_if_closing(self) -> None:
        # A container must not be closed under a thread that decodes in it: whoever leaves last closes it.
        if self._closing and self._lock.acquire(blocking=False):
            try:
                if not self._closed:
                    self._closed = True
                    self.state = SourceState.ENDED
                    self._decoder.close()
                    if self._count_of_pictures is not None:
                        self._count_of_pictures.close()
                    if self._remote is not None:
                        self._remote.close()
                    self._report()
            finally:
                self._lock.release()

    # Opening

    def _open(self) -> None:
        """Open, or open again, at the first frame."""
        self._decoder = self._open_decoder()
        self._start_pts: int | None = None
        self._timeline = Timeline(self._decoder.frame_s)
        self._next_index: int | None = 0
        self._decoded = self._decode()
        first = next(self._decoded, None)
        if first is None:
            self._decoder.close()
            raise SourceError(self._why_no_frame())
        self._pending: _Decoded = first
        self._has_pending = True

    def _why_no_frame(self) -> str:
        if self._remote is None:
            try:  # a picture, whatever its name: FFmpeg doesn't say that it was too large
                ImageReader(self._reading.max_megapixels).check(self._path)
            except UnreadableImage as error:
                if error.line is not None:
                    return error.line
        return f"{self._name} has a video track but no readable frame: record it again"

    def _open_decoder(self) -> VideoDecoder:
        import av

        try:
            if self._remote is not None:
                return VideoDecoder(self._remote, self._name, reading=self._reading)
            return VideoDecoder(str(self._path.resolve()), str(self._path), reading=self._reading)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            why = (
                why_remote_unreadable(self._name, error)
                if self._remote
                else why_unreadable(self._path, error)
            )
            raise SourceError(why) from error

    def _describe(self, first: _Decoded) -> SourceInfo:
        decoder = self._decoder
        turned = self._orientation.clockwise in (90, 270)
        stored = first.picture.width, first.picture.height
        width, height = (stored[1], stored[0]) if turned else stored
        duration_s, fps = decoder.duration_s, decoder.fps
        count = decoder.frame_count
        if (
            count is None and duration_s and fps
        ):  # of a variable rate the average is a guess that may be far off
            count = round(duration_s / decoder.frame_s)
        if self._clock_starts_over():
            count, duration_s = measure_joined(self._path, decoder.stream.index, decoder.frame_s) or (
                count,
                duration_s,
            )
        seekable = self._remote is None or self._remote.seekable()
        return SourceInfo(
            self._name, width, height, fps, count, duration_s,
            is_seekable=seekable, detail=decoder.detail, rotation=self._orientation.clockwise,
            pixel_aspect=1 / decoder.pixel_aspect if turned else decoder.pixel_aspect, decoder=decoder.decoder,
        )  # fmt: skip

    def _start_at(self, start_s: float) -> None:
        self._seek(start_s)
        if not self._has_pending:
            length = f" it is {self.info.duration_s:.1f} s long" if self.info.duration_s else ""
            self.close()
            raise SourceError(
                f"{self._name} has no frame at or after {start_s:g} s:{length or ' start earlier'}"
            )

    # Reading

    def _read(self) -> Frame | None:
        decoded = self._take()
        if decoded is None:
            if self.state is not SourceState.ENDED:
                self.state = SourceState.ENDED
                self.check_end(self._timeline.last or 0.0)
            return None
        if self._decoder.decoder != self.info.decoder:
            self.info = replace(self.info, detail=self._decoder.detail, decoder=self._decoder.decoder)
        picture = picture_of(decoded.picture, self._orientation, self._converter)
        time_base = self._decoder.stream.time_base if decoded.pts is not None else None
        index = self._count(decoded)
        self._decoder.shown(decoded.picture, decoded.t)
        return Frame(picture, decoded.t, index, time.monotonic(), decoded.pts, time_base)

    def _take(self) -> _Decoded | None:
        if self._has_pending:
            self._has_pending = False
            return self._pending
        try:
            return next(self._decoded, None)
        except OSError as error:
            if self._closing:
                return None
            self.state = SourceState.ENDED
            reason = error.strerror or error
            raise SourceError(
                f"{self._name} was lost while it was being read ({reason}): open it again"
            ) from error

    def _decode(self) -> Iterator[_Decoded]:
        for picture in self._decoder.frames():
            yield self._stamp(picture)

    def _stamp(self, picture: Any) -> _Decoded:
        pts = picture.pts
        t, own, self._start_pts = stamped(
            self._timeline, self._start_pts, pts, self._decoder.stream.time_base
        )
        return _Decoded(picture, t, pts if own else None)

    def _count(self, decoded: _Decoded) -> int:
        """The frame's index. After a seek beyond what has been seen, the packets before it are counted."""
        t = decoded.t
        index = self._next_index
        if index is None:
            index = bisect_left(self._times, t - 1e-6)
            if index == len(self._times):
                index = max(index, self._count_before(decoded) or round(t / self._decoder.frame_s))
        if index == len(self._times):
            self._times.append(t)
        self._next_index = index + 1
        return index

    def _count_before(self, decoded: _Decoded) -> int | None:
        if decoded.pts is None or self._remote is not None or not self._path.is_file():
            return None
        if self._count_of_pictures is None:
            self._count_of_pictures = PictureCount(
                self._path.resolve(), self._decoder.stream.index, self._decoder.times
            )
        return self._count_of_pictures.before(decoded.pts)

    # Seeking

    def _seek(self, t: float) -> None:
        self.state = SourceState.OPEN
        self._next_index = None
        near = max(0.5 * self._decoder.shortest_frame_s, _ROUNDING_S)
        # Formats without an index may land after the place asked for: then again from further back.
        for lead_s in (0.0, 2.0, 10.0):
            land_s = t - lead_s - self._decoder.settles_after_s
            if land_s <= near or not self._jump(land_s):
                break
            first = self._take()
            if first is not None and first.t <= land_s + _ROUNDING_S:  # else one before it may be missing
                self._skip_to(t, near, first)
                if self._has_pending or not self._timeline.shifted:
                    return
        self._rewind()
        self._skip_to(t, near, self._take())

    def _jump(self, t: float) -> bool:
        if self._start_pts is None or self._timeline.shifted or self._clock_starts_over():
            return False  # the container's clock doesn't say where t is
        if self._decoder.container.format.name in WITHOUT_KEYFRAMES:
            return False
        if not self._decoder.seek(self._start_pts + int(t / self._decoder.stream.time_base)):
            return False
        self._timeline.restart()
        self._has_pending = False
        self._decoded = self._decode()
        return True

    def _clock_starts_over(self) -> bool:
        if self._is_joined is None:
            may = self._decoder.container.format.name in JOINABLE
            self._is_joined = (
                may
                and self._remote is None
                and self._path.is_file()
                and clock_starts_over(self._path.resolve(), self._decoder.stream.index)
            )
        return self._is_joined

    def _rewind(self) -> None:
        self._decoder.close()
        if self._remote is not None:
            self._remote.seek(0)
        self._open()

    def _skip_to(self, t: float, near: float, first: _Decoded | None) -> None:
        """Has the first frame at or after `t` read next, or one before it by `near` at most that is no farther from
        it than the frame that follows."""
        candidate = first
        while candidate is not None and (candidate.t < t - near or self._is_nearer_to_next(candidate, t)):
            if self._next_index is not None:  # from the start on, every frame can be counted
                self._count(candidate)
            candidate = self._take()
        self._has_pending = candidate is not None
        if candidate is not None:
            self._pending = candidate

    def _is_nearer_to_next(self, decoded: _Decoded, t: float) -> bool:
        if t <= decoded.t + _ROUNDING_S:
            return False
        following = next(self._decoded, None)
        if following is None:
            return False
        self._decoded = chain([following], self._decoded)
        return following.t - t < t - decoded.t

    # The end

    def check_end(self, last: float) -> None:
        """Say so, once, when the file promised more than it held until its last frame, at `last` seconds."""
        decoder = self._decoder
        promised = decoder.track_s
        short = promised is not None and last + 3 * decoder.frame_s + 0.5 < promised
        if (decoder.broke_off or short or self._cut_in_a_packet()) and not self._reported:
            self._reported = True
            of = f" of {promised:.1f} s" if short else ""
            log.warning(
                "%s breaks off after %.1f s%s: every frame before the break was read", self._name, last, of
            )
        self._report()

    def _cut_in_a_packet(self) -> bool:
        is_transport_stream = self._decoder.container.format.name == "mpegts" and self._remote is None
        size = self._path.stat().st_size if is_transport_stream and self._path.is_file() else 0
        return size % 188 != 0 and size % 192 != 0 and size % 204 != 0

    def _report(self) -> None:
        self.damaged = max(self.damaged, self._decoder.damaged)
        if self.damaged and not self._reported:
            self._reported = True
            packets = "packet was" if self.damaged == 1 else "packets were"
            log.warning("%s is damaged: %d %s skipped", self._name, self.damaged, packets)
