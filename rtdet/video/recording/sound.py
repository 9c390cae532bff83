"""The source's sound in a recording: its packets copied, or re-encoded to AAC where they do not fit."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

_log = logging.getLogger("rtdet.video")

# What players take in an MP4; FFmpeg would write more than that.
_MP4_CODECS = frozenset({"aac", "mp3", "mp2", "ac3", "eac3", "opus", "flac", "alac"})
_TOLERANCE_S = Fraction(1, 1000)
_READ_AHEAD_S = 5
_PRIMING_S = Fraction(1, 2)


def open_sound(path: str, container_format: str) -> SoundTrack | None:
    """The sound of a file for a recording in `container_format` ("mp4", "matroska"); None when it has none
    and, with a warning, when the file cannot be opened a second time."""
    import av

    try:
        # By its whole path: FFmpeg takes what stands before a colon, as in 12:30.mp4, for a protocol.
        container = av.open(str(Path(path).resolve()))
    except (OSError, av.FFmpegError) as error:
        _log.warning("no sound in the recording: %s cannot be opened a second time (%s)", path, error)
        return None
    stream = container.streams.best("audio")
    if stream is None:
        container.close()
        return None
    return SoundTrack(container, stream, container_format)


class SoundTrack:
    """Reads a second view of the source and muxes its sound as the recording's picture advances.

    `start_s`, `begin` and `look_ahead` are in seconds on the source's clock, `advance` and `finish` on the
    recording's. Sound that cannot go on is reported once; the picture goes on without it.
    """

    def __init__(self, container: Any, stream: Any, container_format: str) -> None:
        self.start_s = Fraction(container.start_time or 0, 1_000_000)
        self._container, self._stream = container, stream
        self._picture = container.streams.best("video")
        self._is_mp4 = container_format == "mp4"
        self._codec = stream.codec_context.codec.canonical_name
        self._origin = self.start_s
        self._from = self.start_s  # seconds of the source from which packets are kept
        self._writer: _Copier | _AacEncoder | None = None
        self._packets: Iterator[Any] = iter(())
        self._ahead: deque[Any] = deque()
        self._picture_at = Fraction(-(10**9))
        self._picture_shown = Fraction(0)
        self._is_cut = self._is_stopped = self._has_read = False

    def begin(self, origin_s: Fraction) -> None:
        """`origin_s` becomes 0 in the recording; what sounds before it is left out."""
        self._origin = origin_s
        self._read_from(origin_s)

    def jump(self, at_s: Fraction, source_s: Fraction) -> None:
        """At `at_s` of the recording it goes on with what sounds from `source_s` of the source on."""
        import av

        if self._is_stopped:
            return
        self.advance(at_s)  # the rest of what comes before
        self._origin = source_s - at_s
        self._ahead.clear()
        self._picture_at = Fraction(-(10**9))
        try:
            self._read_from(source_s)
        except (OSError, av.FFmpegError) as error:
            self.stop(f"the sound cannot follow a jump in time: {error}")
            return
        if self._writer is not None:
            self._writer.jump()

    def _read_from(self, source_s: Fraction) -> None:
        self._from = source_s
        if source_s > self.start_s + _TOLERANCE_S or self._has_read:
            self._container.seek(int(source_s * 1_000_000), backward=True)
        streams = [self._stream] if self._picture is None else [self._stream, self._picture]
        self._packets = self._container.demux(streams)
        self._has_read = True

    def attach(self, output: Any) -> None:
        """Add the stream to the recording, before its header is written."""
        import av

        name = self._codec
        if name in (_MP4_CODECS if self._is_mp4 else output.supported_codecs):
            try:
                self._writer = _Copier(output, self._stream)
                return
            except ValueError:
                _log.debug("%s sound cannot be copied", name, exc_info=True)
        try:
            self._writer = _AacEncoder(output, self._stream)
            _log.warning("%s sound does not fit into %s: re-encoded to AAC", name, output.format.name)
        except (ValueError, av.FFmpegError) as error:
            self.stop(f"no sound in the recording: the source's {name} sound cannot be converted ({error})")

    def advance(self, until_s: Fraction) -> None:
        """Mux what sounds before `until_s` of the recording."""
        while self._writer is not None:
            # Where sound has ended or pauses, the file is not read through to its end at once.
            if not self._ahead and self._picture_at - self._origin > until_s + _READ_AHEAD_S:
                return
            if not self._ahead and not self._read():
                return
            if self._ahead and self._time_of(self._ahead[0]) - self._origin >= until_s:
                return
            if self._ahead:
                self._mux(self._ahead.popleft())

    def look_ahead(self, last_s: Fraction) -> Fraction | None:
        """Read on, to learn whether the picture at `last_s` is the source's last one. If so, how long the
        container shows it (None: unknown, or there are later pictures)."""
        while self._picture_at <= last_s + _TOLERANCE_S and self._read():
            pass
        self._is_cut = self._picture_at > last_s + _TOLERANCE_S
        return None if self._is_cut else self._picture_shown or None

    def finish(self, end_s: Fraction) -> None:
        """Mux the rest: all of it after the source's last picture (sound may outlast it), else what sounds
        before `end_s` of the recording."""
        if self._writer is None:
            return
        while self._ahead or (not self._is_cut and self._read()):
            if not self._ahead:
                continue
            packet = self._ahead.popleft()
            if self._is_cut and self._time_of(packet) - self._origin >= end_s:
                break
            self._mux(packet)
        if self._writer is not None:
            self._writer.finish()

    def stop(self, warning: str) -> None:
        """Go on without sound."""
        if not self._is_stopped:
            _log.warning("%s", warning)
        self._is_stopped = True
        self._writer = None
        self._ahead.clear()

    def close(self) -> None:
        self._container.close()

    def _read(self) -> bool:
        """Take one packet from the source: sound is kept, of pictures only the time. False at the end."""
        import av

        try:
            packet = next(self._packets, None)
        except (OSError, av.FFmpegError) as error:
            self.stop(f"the sound breaks off: {error}")
            return False
        if packet is None:
            return False
        if packet.pts is None and packet.dts is None:  # the end marker of a stream
            return True
        if packet.stream_index == self._stream.index:
            self._ahead.append(packet)
        elif packet.pts is not None and self._time_of(packet) > self._picture_at:
            self._picture_at = self._time_of(packet)
            self._picture_shown = Fraction(packet.duration or 0) * packet.time_base
        return True

    def _time_of(self, packet: Any) -> Fraction:
        ticks = packet.pts if packet.pts is not None else packet.dts
        return Fraction(ticks * packet.time_base)

    def _mux(self, packet: Any) -> None:
        if self._writer is not None and self._time_of(packet) >= self._earliest() - _TOLERANCE_S:
            self._writer.write(packet, self._origin)

    def _earliest(self) -> Fraction:
        """Source seconds of the first packet that is kept.

        An AAC stream begins with packets before time 0, which prime the decoder and are not heard. MP4
        has an edit list for them; in Matroska they would push the picture back, except those of Opus,
        whose delay it knows.
        """
        if self._is_mp4 or self._codec == "opus":
            return self._from - (_PRIMING_S if self._from <= self.start_s + _TOLERANCE_S else 0)
        return self._from


class _Copier:
    """Packets as they are, on the recording's clock."""

    def __init__(self, output: Any, template: Any) -> None:
        from av.bitstream import BitStreamFilterContext

        self._output = output
        self._stream = output.add_stream_from_template(template)
        self._last_dts: int | None = None
        self._filter: Any = None
        # AAC of broadcast streams (ADTS) says in each packet what files say once, in their header.
        if self._stream.codec_context.name == "aac" and not template.codec_context.extradata:
            self._filter = BitStreamFilterContext("aac_adtstoasc", template)

    def write(self, packet: Any, origin_s: Fraction) -> None:
        offset = round(origin_s / packet.time_base)
        dts = (packet.dts if packet.dts is not None else packet.pts) - offset
        if self._last_dts is not None and dts <= self._last_dts:
            return  # a muxer takes no packet that goes back in time
        self._last_dts = dts
        packet.pts = (packet.pts - offset) if packet.pts is not None else dts
        packet.dts = dts
        for ready in [packet] if self._filter is None else self._filter.filter(packet):
            ready.stream = self._stream
            self._output.mux_one(ready)

    def jump(self) -> None:
        pass

    def finish(self) -> None:
        pass


class _AacEncoder:
    """Decoded, resampled to what AAC takes, encoded."""

    def __init__(self, output: Any, source: Any) -> None:
        import av

        self._output = output
        self._decoder = source.codec_context
        # At a low rate the encoder's delay, which Matroska counts as time, would be an eighth of a second.
        rate = self._decoder.sample_rate if self._decoder.sample_rate in (32000, 44100, 48000) else 48000
        layout = "mono" if self._decoder.layout.nb_channels == 1 else "stereo"
        self._stream = output.add_stream("aac", rate=rate, layout=layout)
        self._new_resampler: Callable[[], Any] = lambda: av.AudioResampler(
            "fltp", layout, rate, frame_size=1024
        )
        self._resampler = self._new_resampler()
        self._next_pts: int | None = None
        self._earliest_pts = -(1 << 62)

    def write(self, packet: Any, origin_s: Fraction) -> None:
        import av

        try:
            frames = packet.decode()
        except av.FFmpegError:
            return  # a damaged packet is a short silence, not the end of the sound
        for frame in frames:
            self._encode(self._resampler.resample(frame), origin_s)

    def jump(self) -> None:
        """What is written next doesn't follow what was: less than a frame that is not full yet goes."""
        self._decoder.flush_buffers()
        self._resampler = self._new_resampler()
        if self._next_pts is not None:
            self._earliest_pts, self._next_pts = self._next_pts, None

    def finish(self) -> None:
        self._encode(self._resampler.resample(None), Fraction(0))
        self._mux(self._stream.encode(None))

    def _encode(self, frames: list[Any], origin_s: Fraction) -> None:
        for frame in frames:
            if self._next_pts is None:
                start = Fraction((frame.pts or 0) * frame.time_base) - origin_s
                self._next_pts = max(round(start * frame.sample_rate), self._earliest_pts)
            frame.pts, frame.time_base = self._next_pts, Fraction(1, frame.sample_rate)
            self._next_pts += frame.samples
            self._mux(self._stream.encode(frame))

    def _mux(self, packets: list[Any]) -> None:
        for packet in packets:
            self._output.mux_one(packet)
