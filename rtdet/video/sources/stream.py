"""Network streams: opened with a time limit, watched, and opened again when they are lost."""

from __future__ import annotations

import logging
import time
from typing import Any
from urllib.parse import urlsplit

from rtdet.address import hide_secrets
from rtdet.errors import SourceError
from rtdet.protocols import Source, SourceState
from rtdet.types import Image, Picture, SourceInfo, size_of
from rtdet.video.sources.dash import parse_manifest
from rtdet.video.sources.decoded import picture_of
from rtdet.video.sources.decoder import VideoDecoder
from rtdet.video.sources.hls import HlsFile
from rtdet.video.sources.hls_playlist import Segment, UnsupportedPlaylist, parse_playlist
from rtdet.video.sources.live import LiveSource
from rtdet.video.sources.pacing import Pacer, PictureWatch
from rtdet.video.sources.picture import Converter, orientation_of
from rtdet.video.sources.reading import AS_IT_IS, Reading
from rtdet.video.sources.timeline import Timeline
from rtdet.video.sources.transport import HttpFile, SocketFile, Watch, open_tcp, open_udp, reason_of

log = logging.getLogger("rtdet.video")

SCHEMES = ("rtsp", "rtsps", "rtmp", "rtmps", "http", "https", "udp", "tcp", "srt", "rtp")
CHECK = "; check the address, and that the camera or server is on"
_HLS, _DASH = ".m3u8", ".mpd"
_HLS_TYPE, _DASH_TYPE = "mpegurl", "dash+xml"
# A second of reading ahead is enough to know a live stream; what is read ahead is delay.
_OPTIONS = {"analyzeduration": "1000000"}
# A stream that was known before needs no second look.
_OPTIONS_AGAIN = {"analyzeduration": "200000", "fpsprobesize": "1"}
# Formats whose times are made up from a rate.
_WITHOUT_TIMES = frozenset({"mpjpeg", "mjpeg", "h264", "hevc"})
_KEYFRAME_S = 10.0  # as long may a camera take from one key frame to the next


def open_stream(
    url: str, reading: Reading = AS_IT_IS, *, open_timeout_s: float = 10.0, stall_s: float = 5.0
) -> Source:
    """The source behind an address: an http address of a finite file is a FileSource, all else is live.

    Raises SourceError within about `open_timeout_s`.
    """
    from rtdet.video.sources.container import FileSource

    try:
        scheme = urlsplit(url).scheme.lower()
        _ = urlsplit(url).port
    except ValueError:
        raise SourceError(
            f"{hide_secrets(url)} is not a valid address: check its host and port; in a user name or password, write "
            "/ as %2F, @ as %40 and a space as %20"
        ) from None
    if scheme not in SCHEMES:
        known = ", ".join(f"{name}://" for name in SCHEMES)
        raise SourceError(f"{hide_secrets(url)}: unknown kind of address {scheme}://; known: {known}")
    http_file: HttpFile | None = None
    playlist = _playlist_of(url) if scheme in ("http", "https") else ""
    if scheme in ("http", "https") and not playlist:
        http_file = _open_http(url, open_timeout_s, stall_s)
        playlist = _HLS if _HLS_TYPE in http_file.content_type else ""
        playlist = _DASH if _DASH_TYPE in http_file.content_type else playlist
        if playlist:
            http_file.close()
            http_file = None
        elif http_file.length is not None:
            return FileSource(hide_secrets(url), reading, remote=http_file)
    reading.refuse_start(hide_secrets(url))
    return StreamSource(
        url,
        reading=reading,
        open_timeout_s=open_timeout_s,
        stall_s=stall_s,
        connected=http_file,
        playlist=playlist,
    )


def _playlist_of(url: str) -> str:
    """The suffix of a playlist; nothing for another address."""
    path = urlsplit(url).path.lower()
    return next((suffix for suffix in (_HLS, _DASH) if path.endswith(suffix)), "")


def _open_http(url: str, timeout_s: float, stall_s: float) -> HttpFile:
    try:
        return HttpFile(url, stall_s).open(timeout_s)
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot open {hide_secrets(url)}: {reason_of(error)}{CHECK}") from error


class StreamTimes:
    """The times of one connection's pictures, in seconds after the first; `ahead_s` is how far the source's clock is
    ahead of them (None: not known yet)."""

    def __init__(self, decoder: VideoDecoder, pacer: Pacer | None) -> None:
        self.pacer = pacer
        self.ahead_s: float | None = None
        self.frame_s = decoder.frame_s
        self._time_base = decoder.stream.time_base
        self._timeline = Timeline(decoder.frame_s)
        self._start_pts: int | None = None

    def of(self, picture: Any) -> float:
        if picture.pts is not None and self._start_pts is None:
            self._start_pts = picture.pts
        raw_s = None
        if picture.pts is not None and self._start_pts is not None:
            # Pictures that the end of the stream sets free have no time base of their own.
            raw_s = float((picture.pts - self._start_pts) * self._time_base)
        return self._timeline.stamp(raw_s)[0]


class StreamSource(LiveSource):
    """A stream from the network. Time is the capture clock, on through every reconnection. Where pictures come in
    bursts (a playlist's segments) each waits until it is due by the stream's own clock, which is its time then.

    open_timeout_s:  for the first picture; then SourceError.
    stall_s:         silence that means that the connection is lost. It is doubled, up to 30 s, for a
                     stream that comes back only to pause again.
    give_up_s:       since the last picture; then SourceError.
    backoff_s:       (first, longest) wait between attempts to connect.
    connected:       an HTTP answer to begin with.
    playlist:        ".m3u8" or ".mpd" where the address is one and does not say so.
    A container that knows its duration (a film, not a live stream) is read to its end: `info.is_live` is
    False, and its time is its PTS.
    """

    def __init__(
        self,
        url: str,
        *,
        open_timeout_s: float = 10.0,
        stall_s: float = 5.0,
        give_up_s: float = 30.0,
        backoff_s: tuple[float, float] = (0.1, 1.0),
        connected: HttpFile | None = None,
        reading: Reading = AS_IT_IS,
        playlist: str = "",
    ) -> None:
        self._url = url
        self._reading = reading
        self._shown = hide_secrets(url)
        super().__init__(self._shown)
        self._open_timeout_s = open_timeout_s
        self._stall_s = stall_s
        self._give_up_s = give_up_s
        self._backoff_s = backoff_s
        self._connected = connected
        self._playlist = playlist or _playlist_of(url)
        self._segment: Segment | None = None  # the newest of a playlist
        self._transport: HttpFile | HlsFile | SocketFile | None = None
        self._converter = Converter()
        self._last_at = time.monotonic()  # of the newest picture
        self._watch = PictureWatch(open_timeout_s, stall_s)
        self.reconnects = 0
        self._start(
            open_timeout_s, f"cannot open {self._shown}: no picture came within {open_timeout_s:g} s{CHECK}"
        )

    def _produce(self) -> None:
        import av

        wait_s, first_wait_s, reason = 0.0, self._backoff_s[0], ""
        while not self._closing.wait(wait_s):
            count = self._count
            try:
                self._play(self._connect())
                if self._is_film():
                    return
                reason = "the stream ended"
            except (OSError, ValueError, SourceError, av.error.FFmpegError) as error:
                reason = self._lost(error)
            if self._closing.is_set():
                return
            wait_s = (
                first_wait_s
                if self._count > count
                else min(max(2 * wait_s, first_wait_s), self._backoff_s[1])
            )
            silent_s = self._plan_reconnection(reason, self._count - count)
            wait_s = min(wait_s, max(0.0, self._give_up_s - silent_s))

    def _is_film(self) -> bool:
        return self._count > 0 and not self.info.is_live

    def _lost(self, error: BaseException) -> str:
        """Why the connection is gone; raises SourceError when there never was one, or no hope."""
        reason = str(error) if isinstance(error, SourceError) else reason_of(error)
        if self._count == 0 and isinstance(error, SourceError):
            raise error
        if self._count == 0:
            raise SourceError(f"cannot open {self._shown}: {reason}{CHECK}") from error
        if self._is_film():
            raise SourceError(f"{self._shown} was lost ({reason}): open it again") from error
        return reason

    def _plan_reconnection(self, reason: str, pictures: int) -> float:
        """The seconds since the last picture. Raises SourceError when they are too many."""
        if self._count == 0:
            raise SourceError(f"cannot open {self._shown}: {reason} before the first picture{CHECK}")
        silent_s = time.monotonic() - self._last_at
        if silent_s > self._give_up_s:
            raise SourceError(f"{self._shown} was lost {silent_s:.0f} s ago and has not come back ({reason})")
        if 0 < pictures < 10:
            self._stall_s = min(2 * self._stall_s, max(30.0, self._stall_s))
        if self.state is SourceState.OPEN:
            lost = {"state": SourceState.RECONNECTING}  # a window takes the line away when it is back
            log.warning("%s was lost (%s): reconnecting", self._shown, reason, extra=lost)
        self._become_reconnecting()
        self.reconnects += 1
        return silent_s

    def _become_reconnecting(self) -> None:
        with self._changed:
            if not self._closing.is_set():
                self.state = SourceState.RECONNECTING

    def _connect(self) -> VideoDecoder:
        """Raises OSError, ValueError or SourceError."""
        scheme = urlsplit(self._url).scheme.lower()
        remaining_s = self._give_up_s - (time.monotonic() - self._last_at)
        timeout_s = (
            self._open_timeout_s if self._count == 0 else max(0.5, min(self._open_timeout_s, remaining_s))
        )
        is_http = scheme in ("http", "https")
        transport: HttpFile | HlsFile | SocketFile
        if self._connected is not None:
            transport, self._connected = self._connected, None
        elif scheme == "udp":
            transport = open_udp(self._url, self._stall_s)
        elif scheme == "tcp" and "listen" not in urlsplit(self._url).query:
            transport = open_tcp(self._url, timeout_s, self._stall_s)
        elif is_http and self._playlist:
            parse = parse_playlist if self._playlist == _HLS else parse_manifest
            try:
                self._transport = HlsFile(self._url, self._stall_s, after=self._segment, parse=parse)
                transport = self._transport.open(timeout_s)
            except UnsupportedPlaylist as error:
                if self._playlist == _DASH:  # FFmpeg is mostly built without it
                    raise
                log.debug("%s is left to FFmpeg: %s", self._shown, error)
                self._transport = None
                return self._connect_by_ffmpeg(scheme, timeout_s)
        elif is_http:
            # Known before it connects, so that close can reach it.
            self._transport = HttpFile(self._url, self._stall_s)
            transport = self._transport.open(timeout_s)
        else:
            return self._connect_by_ffmpeg(scheme, timeout_s)
        self._transport = transport
        if self._closing.is_set():
            transport.abort()
        transport.watch = self._watch_pictures(transport)
        multipart = isinstance(transport, HttpFile) and transport.content_type.startswith("multipart/")
        try:
            return VideoDecoder(
                transport,
                self._shown,
                options=self._options(),
                format_name="mpjpeg" if multipart else None,
                live=True,
                reading=self._reading,
            )
        except BaseException:
            transport.close()
            raise

    def _connect_by_ffmpeg(self, scheme: str, timeout_s: float) -> VideoDecoder:
        options = self._options()
        if scheme.startswith("rtsp"):
            options["rtsp_flags"] = "prefer_tcp"
        limits = (timeout_s, max(self._stall_s, 10.0) if scheme.startswith("http") else self._stall_s)
        decoder = VideoDecoder(
            self._url, self._shown, timeout_s=limits, options=options, live=True, reading=self._reading
        )
        decoder.watch = self._watch_pictures()
        return decoder

    def _options(self) -> dict[str, str]:
        return dict(_OPTIONS if self._count == 0 else _OPTIONS_AGAIN)

    def _watch_pictures(self, transport: object = None) -> Watch:
        later_s = (
            max(self._stall_s, 3 * transport.target_s) if isinstance(transport, HlsFile) else self._stall_s
        )
        watch = self._watch = PictureWatch(max(self._open_timeout_s, self._stall_s, _KEYFRAME_S), later_s)
        return lambda: watch.check(time.monotonic())

    def _play(self, decoder: VideoDecoder) -> None:
        """Hand over every picture of one connection, then close it."""
        try:
            orientation = None
            for picture in decoder.frames():
                if self._closing.is_set():
                    return
                if orientation is None:
                    orientation = orientation_of(picture)
                    times = StreamTimes(decoder, self._pacer(decoder))
                image = picture_of(picture, orientation, self._converter)
                if self._count == 0:
                    self.info = self._describe(decoder, size_of(image), orientation.clockwise)
                raw_s = times.of(picture)
                if not self.info.is_live:
                    self._put(image, raw_s)
                elif not self._put_when_due(image, raw_s, times):
                    return
                decoder.shown(picture, self._last_t)
                self._last_at = time.monotonic()
                self._watch.saw(self._last_at)
        finally:
            if isinstance(self._transport, HlsFile):
                self._segment = self._transport.last
            decoder.close()
            if self._transport is not None:
                self._transport.close()

    def _pacer(self, decoder: VideoDecoder) -> Pacer | None:
        """None where the stream has no times of its own."""
        if decoder.container.format.name in _WITHOUT_TIMES:
            return None
        return Pacer(always=bool(self._playlist))

    def _put_when_due(self, image: Image | Picture, raw_s: float, times: StreamTimes) -> bool:
        """Hand over a picture of a live stream; False when the source is closed before it is due."""
        now = time.monotonic()
        pacer = times.pacer
        due = now if pacer is None else pacer.due(raw_s, now)
        if due > now and self._closing.wait(due - now):
            return False
        if pacer is None or not pacer.is_pacing:
            self._put(image)
            times.ahead_s = self._last_t - raw_s
            return True
        if times.ahead_s is None:  # the clock goes on through the time without a connection
            begins_s = max(now - self._started_at, self._last_t + times.frame_s) if self._count else 0.0
            times.ahead_s = begins_s - raw_s
        self._put(image, times.ahead_s + raw_s)
        return True

    def _describe(self, decoder: VideoDecoder, size: tuple[int, int], rotation: int) -> SourceInfo:
        film_s = decoder.duration_s if not self._url.lower().startswith("rtsp") else None
        if isinstance(self._transport, HlsFile):
            film_s = self._transport.length_s
        return SourceInfo(
            self._shown, *size, decoder.fps, duration_s=film_s,
            is_live=film_s is None, detail=decoder.detail, rotation=rotation, decoder=decoder.decoder,
        )  # fmt: skip

    def _interrupt(self) -> None:
        if self._transport is not None:
            self._transport.abort()
