"""A playlist of HTTP Live Streaming (RFC 8216) as one file: its segments one after the other.

FFmpeg's own reader waits where nothing can reach it, and goes on by itself when a server is gone without a word.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from urllib.parse import urljoin

from rtdet.video.sources.transport import HttpFile, Watch

_LIVE_EDGE = 3  # segments before the end of a live playlist where reading begins (RFC 8216, 6.3.3)
_BEHIND = 6  # as many segments still to read: the reader is too late, and goes to the live edge
_MOST_BYTES = 1 << 20  # of a playlist
_MOST_VARIANTS = 4  # of playlists that name other playlists


class UnsupportedPlaylist(ValueError):
    """A playlist that FFmpeg may read and this room does not: encrypted, or no HLS at all."""


@dataclass(frozen=True)
class Segment:
    """A piece of the stream; `init`: what stands before it, where fragments share a header."""

    number: int
    url: str
    seconds: float
    byte_range: tuple[int, int] | None = None  # (first, length)
    init: Segment | None = None


@dataclass
class Playlist:
    """What a media playlist says now."""

    segments: list[Segment] = field(default_factory=list)
    variants: list[tuple[int, str]] = field(default_factory=list)  # (bandwidth, address)
    target_s: float = 6.0
    is_over: bool = False


def parse_playlist(text: str, url: str) -> Playlist:
    """Raises UnsupportedPlaylist."""
    lines = [line.strip() for line in text.lstrip("\ufeff").splitlines() if line.strip()]
    if not lines or not lines[0].startswith("#EXTM3U"):
        raise UnsupportedPlaylist("it is not an HLS playlist")
    playlist, number, seconds, bandwidth = Playlist(), 0, 0.0, None
    init: Segment | None = None
    byte_range: tuple[int, int] | None = None
    for line in lines[1:]:
        name, _, value = line.partition(":")
        if name == "#EXT-X-STREAM-INF":
            found = re.search(r"(?:^|,)BANDWIDTH=(\d{1,18})", value)
            bandwidth = int(found[1]) if found else 0
        elif name == "#EXT-X-MEDIA-SEQUENCE":
            number = _whole(value)
        elif name == "#EXT-X-TARGETDURATION":
            playlist.target_s = min(max(_number(value), 0.5), 60.0)
        elif name == "#EXTINF":
            seconds = _number(value.partition(",")[0])
        elif name == "#EXT-X-BYTERANGE":
            byte_range = _byte_range(value, byte_range)
        elif name == "#EXT-X-MAP":
            init = _init(value, url)
        elif name == "#EXT-X-KEY" and "METHOD=NONE" not in value:
            raise UnsupportedPlaylist("its segments are encrypted")
        elif name == "#EXT-X-ENDLIST":
            playlist.is_over = True
        elif not line.startswith("#") and bandwidth is not None:
            playlist.variants.append((bandwidth, urljoin(url, line)))
            bandwidth = None
        elif not line.startswith("#"):
            playlist.segments.append(Segment(number, urljoin(url, line), seconds, byte_range, init))
            number += 1
    return playlist


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UnsupportedPlaylist("it is not a readable HLS playlist") from None


def _whole(text: str) -> int:
    if not re.fullmatch(r"\d{1,19}", text.strip()):
        raise UnsupportedPlaylist("it is not a readable HLS playlist")
    return int(text)


def _byte_range(text: str, before: tuple[int, int] | None) -> tuple[int, int]:
    length, _, first = text.strip().strip('"').partition("@")
    start = _whole(first) if first else (sum(before) if before else 0)
    return start, _whole(length)


def _init(attributes: str, url: str) -> Segment:
    found = re.search(r'URI="([^"]*)"', attributes)
    if found is None:
        raise UnsupportedPlaylist("its header has no address")
    part = re.search(r'BYTERANGE="([^"]*)"', attributes)
    return Segment(-1, urljoin(url, found[1]), 0.0, _byte_range(part[1], None) if part else None)


class HlsFile:
    """The segments of a playlist, read as one file that does not seek.

    A live playlist is begun near its end, or after the segment `after`, and asked for news until `stall_s`, and three
    segments' time, pass without any: then read raises TimeoutError. `length_s` is None for one that is live.
    `open` raises OSError or UnsupportedPlaylist, `read` OSError; `abort` may be called from any thread.
    """

    watch: Watch = staticmethod(lambda: None)

    def __init__(self, url: str, stall_s: float, *, after: Segment | None = None) -> None:
        self._url = url
        self._stall_s = stall_s
        self._aborted = threading.Event()
        self._waiting: deque[Segment] = deque()
        self._current: HttpFile | None = None
        self._left: int | None = None
        self._init: Segment | None = None
        self._inside: Segment | None = None
        self._over = False
        self.last: Segment | None = after  # the newest segment that was begun
        self.target_s = 6.0
        self.length_s: float | None = None

    def open(self, timeout_s: float) -> HlsFile:
        """Fetch the playlist, and the best of its variants where it names several."""
        playlist = self._fetch(timeout_s)
        for _ in range(_MOST_VARIANTS):
            if not playlist.variants:
                break
            self._url = max(playlist.variants)[1]
            playlist = self._fetch(timeout_s)
        if playlist.variants or not (playlist.segments or not playlist.is_over):
            raise UnsupportedPlaylist("it names no segments")
        self._take(playlist)
        if playlist.is_over:
            self.length_s = sum(segment.seconds for segment in playlist.segments)
        return self

    def read(self, size: int) -> bytes:
        while not self._aborted.is_set():
            self.watch()
            if self._current is None and not self._begin_next():
                return b""
            assert self._current is not None
            piece = self._current.read(size if self._left is None else min(size, self._left))
            if self._left is not None:
                self._left -= len(piece)
            if piece:
                return piece
            self._current.close()
            self._current = None
        return b""

    def seekable(self) -> bool:
        return False

    def abort(self) -> None:
        self._aborted.set()
        if (current := self._current) is not None:
            current.abort()

    def close(self) -> None:
        self.abort()
        if self._current is not None:
            self._current.close()

    def _begin_next(self) -> bool:
        if self._inside is not None:  # the header has been read, its segment comes
            segment, self._inside = self._inside, None
        else:
            if not self._waiting and not self._wait_for_news():
                return False
            segment = self._waiting.popleft()
            self.last = segment
            if segment.init is not None and segment.init != self._init:
                self._init, self._inside = segment.init, segment
                segment = segment.init
        file = self._connect(segment.url)
        if segment.byte_range is not None:
            file.seek(segment.byte_range[0])
            self._left = segment.byte_range[1]
        else:
            self._left = None
        self._current = file
        if self._aborted.is_set():
            file.abort()
        return True

    def _connect(self, url: str) -> HttpFile:
        # Known before it connects, so that abort can reach it.
        self._current = HttpFile(url, self._stall_s)
        try:
            return self._current.open(self._stall_s)
        except BaseException:
            self._current.close()
            self._current = None
            raise

    def _wait_for_news(self) -> bool:
        """False at the end. Raises TimeoutError when there is no news for too long."""
        limit_s = max(self._stall_s, 3 * self.target_s)
        end = time.monotonic() + limit_s
        while not self._over:
            self._take(self._fetch(self._stall_s))
            if self._waiting:
                return True
            if time.monotonic() > end:
                raise TimeoutError(f"the playlist names nothing new for {limit_s:g} s")
            if self._over or self._aborted.wait(min(self.target_s / 2, 1.0)):
                return False
        return False

    def _take(self, playlist: Playlist) -> None:
        self.target_s, self._over = playlist.target_s, playlist.is_over
        known = self._waiting[-1] if self._waiting else self.last
        new = playlist.segments
        if known is not None and any(segment.number == known.number for segment in new):
            new = [segment for segment in new if segment.number > known.number]
        elif known is not None and new and new[-1].number == known.number:
            new = []
        elif not playlist.is_over:
            new = new[-_LIVE_EDGE:]
        if not playlist.is_over and len(self._waiting) + len(new) >= _BEHIND:
            self._waiting.clear()
            new = new[-_LIVE_EDGE:]
        self._waiting += new

    def _fetch(self, timeout_s: float) -> Playlist:
        file = self._connect(self._url)
        try:
            content = bytearray()
            while len(content) <= _MOST_BYTES and (piece := file.read(1 << 16)):
                content += piece
        finally:
            file.close()
            self._current = None
        return parse_playlist(content.decode("utf-8", errors="replace"), self._url)
