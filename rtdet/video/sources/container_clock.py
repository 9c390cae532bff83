"""What only reading a container tells: how many pictures come before a time, whether its clock starts over."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rtdet.video.sources.picture_times import DEEPEST, PictureTimes
from rtdet.video.sources.timeline import JUMP_S, Timeline

# Packets are counted, not decoded: about a second for so many bytes.
_MOST_BYTES = 1 << 30
_PROBES = 32  # a joined part that is shorter than one such part of the file is found when it is reached
# Formats of broadcasting, which may be cut and joined anywhere, and have no index.
JOINABLE = frozenset({"mpegts", "mpeg"})


class PictureCount:
    """Counts the pictures of a file by the times of its packets, as far as it is asked to."""

    def __init__(self, path: Path, stream_index: int, times: PictureTimes) -> None:
        self._path, self._stream_index, self._times = path, stream_index, times
        self._packets: Any = None
        self._counted: list[int] = []
        self._reached: int | None = None
        self._bytes = 0
        self._gave_up = False
        self._container: Any = None

    def before(self, ticks: int) -> int | None:
        """How many pictures are shown before `ticks` of the stream's clock; None where that takes too long."""
        if not self._read_while(lambda: self._reached is None or self._reached <= ticks):
            return None
        return bisect_left(sorted(self._counted), ticks)

    def ticks_of(self, index: int) -> int | None:
        """The time of the picture `index`, counted as they are shown, or of the last one before it; None where that
        takes too long."""
        # So many more packets, and none of those to come is shown before it.
        if not self._read_while(lambda: len(self._counted) <= index + DEEPEST) or not self._counted:
            return None
        shown = sorted(self._counted)
        return shown[min(index, len(shown) - 1)]

    def _read_while(self, is_needed: Callable[[], bool]) -> bool:
        """Counts packets while they are needed. False where that was given up."""
        import av

        try:
            if self._container is None and not self._gave_up:
                self._container = av.open(str(self._path))
                self._packets = self._container.demux(self._container.streams[self._stream_index])
            while not self._gave_up and is_needed():
                if not self._count_one():
                    break
        except (av.error.FFmpegError, OSError):
            self._gave_up = True
        return not self._gave_up

    def _count_one(self) -> bool:
        packet = next(self._packets, None)
        if packet is None:
            self._reached = 1 << 62
            return False
        ticks = self._times.of_packet(packet)
        if not packet.size or packet.is_discard:
            return True
        self._bytes += packet.size
        if ticks is None or self._bytes > _MOST_BYTES:
            self._gave_up = True
            return False
        self._counted.append(ticks)
        # No picture is shown before it is decoded.
        self._reached = packet.dts if packet.dts is not None else ticks
        return True

    def close(self) -> None:
        self._gave_up = True
        if self._container is not None:
            self._container.close()
            self._container = None


def clock_starts_over(path: Path, stream_index: int) -> bool:
    """Whether the times of a file without an index step back somewhere, because files were joined."""
    import av

    size = path.stat().st_size
    try:
        with av.open(str(path)) as container:
            stream = container.streams[stream_index]
            newest: float | None = None
            for probe in range(_PROBES):
                if probe:
                    container.seek(size * probe // _PROBES, unsupported_byte_offset=True)
                packet = next((found for found in container.demux(stream) if found.dts is not None), None)
                if packet is None:
                    continue
                at = float(packet.dts * packet.time_base)
                if newest is not None and at < newest - JUMP_S:
                    return True
                newest = at
    except (av.error.FFmpegError, OSError):
        pass
    return False


def measure_joined(path: Path, stream_index: int, frame_s: float) -> tuple[int, float] | None:
    """(pictures, seconds) of a file whose clock starts over; None where it cannot be read through."""
    import av

    shown: list[tuple[int, int]] = []
    part, last_dts = 0, None
    try:
        with av.open(str(path)) as container:
            stream = container.streams[stream_index]
            base = stream.time_base
            for packet in container.demux(stream):
                ticks, dts = packet.pts if packet.pts is not None else packet.dts, packet.dts
                if not packet.size or ticks is None:
                    continue
                if dts is not None:
                    part += last_dts is not None and (last_dts - dts) * base > JUMP_S
                    last_dts = dts
                shown.append((part, ticks))
    except (av.error.FFmpegError, OSError):
        return None
    if not shown:
        return None
    shown.sort()
    timeline = Timeline(frame_s)
    t = 0.0
    for _, ticks in shown:
        t, _ = timeline.stamp(float((ticks - shown[0][1]) * base))
    return len(shown), t + frame_s
