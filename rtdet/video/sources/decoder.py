"""One opened container, decoded forward: what files and streams share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from rtdet.errors import SourceError
from rtdet.video.sources.hardware import GivenUp, hardware_for
from rtdet.video.sources.picture_times import PictureTimes
from rtdet.video.sources.reading import AS_IT_IS, Reading, too_large
from rtdet.video.sources.track_choice import choose_track

# A run of this many unreadable packets without one good between them is the end of the file, not a scratch.
HOPELESS = 64
_FAILS = 8  # packets in a row, in hardware
_CHANGED = 25  # a second without a whole picture
# Formats whose frames build on each other although each is marked as a key frame.
WITHOUT_KEYFRAMES = frozenset({"gif", "apng", "webp_anim"})
# FFmpeg would show any text as a video of letters.
_TEXT_ART = frozenset({"tty", "bin", "xbin", "idf", "adf"})


class VideoDecoder:
    """The picture track of a container, each picture with the time at which it is shown (its `pts`).

    file: a path, an address, or an object with `read` (and `seek`, `tell`). timeout_s: limits for opening
    and for one packet. Raises av.error.FFmpegError, OSError, or SourceError when there is no picture track.
    `damaged` counts packets that could not be read or decoded, `broke_off` says that the container ended
    in an error or in the middle of a packet.
    """

    def __init__(
        self,
        file: Any,
        name: str,
        *,
        timeout_s: tuple[float, float] | None = None,
        options: dict[str, str] | None = None,
        format_name: str | None = None,
        live: bool = False,
        reading: Reading = AS_IT_IS,
    ) -> None:
        import av

        # None is PyAV's silence: only our own line appears when a file is bad.
        av.logging.set_level(None)
        try:
            self.container = av.open(file, timeout=timeout_s, options=options, format=format_name)
        except av.error.FFmpegError as error:
            # Its own says the whole address, with user and password, to everybody who prints a traceback.
            raise type(error)(error.errno, error.strerror, name) from None
        self.damaged = 0
        self.broke_off = False
        try:
            if self.container.format.name in _TEXT_ART:
                raise SourceError(f"{name} is not a video: it looks like text; choose another file")
            self.stream = choose_track(self.container, name, reading.video_track)
            context = self.stream.codec_context
            if line := too_large(name, context.width, context.height, reading.max_megapixels):
                raise SourceError(line)
            # Pictures may grow in mid-stream.
            context.options = {"max_pixels": str(int(reading.max_megapixels * 1e6))}
            self._hardware = hardware_for(self.stream, reading.hwaccel, context.options)
        except SourceError:
            self.container.close()
            raise
        self._live = live
        self._failures_of_hardware = 0  # one after the other
        self._unread = 0  # errors and damaged pictures since the last whole picture
        # Called for every packet; may raise OSError.
        self.watch: Callable[[], None] = lambda: None
        # Threads per frame hold back as many frames as there are threads: good for files, bad for live.
        self.stream.thread_type = "SLICE" if live else "AUTO"
        if reading.decoder_threads:
            context.thread_count = reading.decoder_threads
        self._counts_empty_places = self.container.format.name == "avi"
        self.times = PictureTimes(by_decoding=self._counts_empty_places)
        self._reorders = bool(self.stream.codec_context.has_b_frames)
        self.frame_count = self._count_frames()
        self._copy = reading.packets
        self._copied: Any = None  # the sound, whose packets are read only to be copied
        if self._copy is not None:
            self._copied = self.container.streams.best("audio")
            self._copy.begin(self.stream, self._copied)

    @property
    def fps(self) -> float | None:
        """Nominal rate; None when unknown, or when the average says that the rate varies."""
        average, base = self._average_rate, self.stream.base_rate
        if not average:
            return float(base) if base else None
        # Interlaced material may give its field rate as the base rate.
        if base and not any(abs(float(base / average) / ratio - 1) < 0.02 for ratio in (1, 2)):
            return None
        return float(average)

    @property
    def frame_s(self) -> float:
        """A guess of one frame's duration in seconds."""
        rate = self._average_rate or self.stream.guessed_rate or self.stream.base_rate
        return float(1 / rate) if rate else 0.04

    @property
    def shortest_frame_s(self) -> float:
        """How little two pictures may be apart, as far as the header tells: the average says nothing in a film
        with pauses."""
        base = self.stream.base_rate
        return min(self.frame_s, float(1 / base)) if base else self.frame_s

    @property
    def settles_after_s(self) -> float:
        """How long before a place a jump must land for the times there to be right."""
        return self.times.settles_after * self.frame_s if self._reorders else 0.0

    @property
    def _average_rate(self) -> Fraction | None:
        rate: Fraction | None = self.stream.average_rate
        track_s = self.track_s
        if self._counts_empty_places and self.frame_count and track_s:
            return Fraction(self.frame_count) / Fraction(track_s).limit_denominator(1_000_000)
        return rate

    def _count_frames(self) -> int | None:
        """The pictures that the header promises; None where it says nothing about them."""
        count = self.stream.frames
        if self._counts_empty_places:  # its rate may count empty places, one for each field or half a frame
            count = sum(1 for entry in self.stream.index_entries if entry.size) or count
        return count or None

    @property
    def track_s(self) -> float | None:
        """How long the header says that the picture track is; None where it says nothing about it."""
        stream = self.stream
        if stream.duration is not None:
            return float(stream.duration * stream.time_base)
        tag = stream.metadata.get("DURATION", "")  # Matroska: 00:01:02.300000000
        try:
            hours, minutes, seconds = tag.split(":")
            return int(hours) * 3600 + int(minutes) * 60 + float(seconds) - self._counted_before_s
        except ValueError:
            return None

    @property
    def _counted_before_s(self) -> float:
        """What FFmpeg, when it writes Matroska, counts in its durations: the time before the first picture."""
        encoder = self.container.metadata.get("ENCODER", "")
        is_its = "matroska" in self.container.format.name and encoder.startswith("Lavf")
        start = self.stream.start_time
        return max(0.0, float(start * self.stream.time_base)) if is_its and start is not None else 0.0

    @property
    def pixel_aspect(self) -> Fraction:
        """The width of a stored pixel over its height on screen; 1 where the container does not say."""
        return Fraction(self.stream.sample_aspect_ratio or 1)

    @property
    def duration_s(self) -> float | None:
        whole = self.container.duration
        return self.track_s or (whole / 1_000_000 - self._counted_before_s if whole else None)

    @property
    def detail(self) -> str:
        """Codec and what decodes it, pixel format and container, for people."""
        pixels = self.stream.codec_context.pix_fmt or ""
        return f"{self.decoder} {pixels}, {self.container.format.name.split(',')[0]}"

    @property
    def decoder(self) -> str:
        """The codec and what decodes it: "h264 (cuda)", "h264 (software)"."""
        by = "software" if self._hardware is None else self._hardware.device
        return f"{self.stream.codec_context.name} ({by})"

    def frames(self) -> Iterator[Any]:
        """av.VideoFrame after av.VideoFrame from here to the end. Errors in the file end it or are counted;
        errors of the connection (OSError) are raised."""
        held = None
        for packet in self._packets():
            if held is not None:
                yield from self._decode(held)
                held = None
            if packet.is_corrupt and packet.size:
                # Cut short by the demuxer. If nothing follows, it is where the file breaks off: its picture
                # would be half rubbish. In the middle, the decoder can conceal it.
                held = packet
            else:
                yield from self._decode(packet)
        self.broke_off = self.broke_off or held is not None
        yield from self._decode(None)
        if self._copy is not None:
            self._copy.end()

    def _packets(self) -> Iterator[Any]:
        import av

        failures = 0
        while True:
            try:
                for packet in self._demuxed():
                    self.watch()
                    if packet.size:
                        self.damaged += failures
                        failures = 0
                        yield packet
                break
            except (av.error.InvalidDataError, av.error.PatchWelcomeError):
                failures += 1
                if failures >= HOPELESS:
                    break
            except av.error.EOFError:
                break
        self.broke_off = self.broke_off or failures > 0

    def _demuxed(self) -> Iterator[Any]:
        """The packets of the picture track; those that are copied go there on the way."""
        if self._copy is None:
            yield from self.container.demux(self.stream)
            return
        for packet in self.container.demux([one for one in (self.stream, self._copied) if one is not None]):
            self._copy.feed(packet)
            if packet.stream_index == self.stream.index:
                yield packet

    def shown(self, picture: Any, t: float) -> None:
        """The picture is the frame of the time `t`: what its packets' copy is timed by."""
        if self._copy is not None and picture.pts is not None:
            self._copy.shown(float(picture.pts * self.stream.time_base), t)

    def _decode(self, packet: Any) -> list[Any]:
        """The frames that a packet completes; None empties the decoder."""
        import av

        if packet is not None and self._reorders:
            self.times.fed(packet)
        try:
            pictures = self._pictures_of(packet)
        except av.error.EOFError:
            return []
        except (av.error.FFmpegError, ValueError):
            self.damaged += 1
            self._count_unread(1)
            self._count_failure()
            return []
        self._failures_of_hardware = 0
        for picture in pictures:
            self._count_unread(int(picture.is_corrupt))
        for picture in pictures:
            if self._reorders:
                picture.pts = self.times.of_picture(picture)
            elif picture.pts is None:
                picture.pts = picture.dts
        return pictures

    def _pictures_of(self, packet: Any) -> list[Any]:
        if self._hardware is None:
            return list(self.stream.decode(packet))
        try:
            return self._hardware.decode(packet)
        except GivenUp as given_up:
            self._go_on_in_software()
            return [picture for packet in given_up.packets for picture in self._decode_again(packet)]

    def _go_on_in_software(self) -> None:
        self._hardware = None
        self.stream.codec_context.flush_buffers()

    def _decode_again(self, packet: Any) -> list[Any]:
        """The pictures of a packet that hardware could not decode."""
        import av

        try:
            return list(self.stream.decode(packet))
        except av.error.EOFError:
            return []
        except (av.error.FFmpegError, ValueError):
            self.damaged += 1
            return []

    def _count_failure(self) -> None:
        """Hardware that fails again and again is left: a device may be lost, or refuse what a stream changes to."""
        self._failures_of_hardware += 1
        if self._hardware is not None and self._failures_of_hardware >= _FAILS:
            self._go_on_in_software()

    def _count_unread(self, bad: int) -> None:
        """Raises ConnectionError once a live stream has given nothing whole for long: its codec may have changed."""
        if not bad:
            self._unread = 0
        self._unread += bad
        if self._live and self._unread >= _CHANGED:
            raise ConnectionError("its pictures cannot be decoded any more")

    def seek(self, pts: int) -> bool:
        """Go to the key frame at or before `pts` (stream time base). False where the format cannot."""
        import av

        try:
            self.container.seek(pts, stream=self.stream, backward=True)
        except (av.error.FFmpegError, OSError):
            return False
        self.broke_off = False
        if self._hardware is not None:
            self._hardware.flush()
        self.times.restart()
        if self._copy is not None:
            self._copy.restart()
        return True

    def close(self) -> None:
        self.container.close()
