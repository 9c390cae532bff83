"""A playlist (HTTP Live Streaming, MPEG-DASH) as one file: its segments one after the other.

FFmpeg's own reader waits where nothing can reach it, and goes on by itself when a server is gone without a word.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from rtdet.video.sources.aes import BLOCK, CbcDecryptor
from rtdet.video.sources.hls_playlist import Key, Playlist, Segment, UnsupportedPlaylist, parse_playlist
from rtdet.video.sources.transport import HttpFile, Watch

_LIVE_EDGE = 3  # segments before the end of a live playlist where reading begins (RFC 8216, 6.3.3)
_BEHIND = 6  # as many segments still to read: the reader is too late, and goes to the live edge
_MOST_BYTES = 1 << 20  # of a playlist
_MOST_KEYS = 16
_MOST_VARIANTS = 4  # of playlists that name other playlists


class HlsFile:
    """The segments of a playlist, read as one file that does not seek.

    A live playlist is begun near its end, or after the segment `after`, and asked for news until `stall_s`, and three
    segments' time, pass without any: then read raises TimeoutError. `length_s` is None for one that is live.
    `open` raises OSError or UnsupportedPlaylist, `read` OSError; `abort` may be called from any thread.
    """

    watch: Watch = staticmethod(lambda: None)

    def __init__(
        self,
        url: str,
        stall_s: float,
        *,
        after: Segment | None = None,
        parse: Callable[[str, str], Playlist] = parse_playlist,
    ) -> None:
        """after: the segment that was read last. parse: of the playlist's text and address."""
        self._url = url
        self._parse = parse
        self._stall_s = stall_s
        self._aborted = threading.Event()
        self._waiting: deque[Segment] = deque()
        self._current: HttpFile | None = None
        self._left: int | None = None
        self._ready = b""  # read, and not yet given away
        self._cipher: CbcDecryptor | None = None
        self._keys: dict[str, bytes] = {}
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
        try:
            return self._read(size)
        except Exception:
            self._aborted.set()  # FFmpeg asks again, and PyAV would print what is raised to it then
            raise

    def _read(self, size: int) -> bytes:
        while not self._aborted.is_set():
            self.watch()
            if not self._ready and self._current is None and not self._begin_next():
                return b""
            if not self._ready:
                self._ready = self._read_on(size)
            piece, self._ready = self._ready[:size], self._ready[size:]
            if piece:
                return piece
        return b""

    def _read_on(self, size: int) -> bytes:
        """Something of the segment; perhaps nothing. At its end it is closed."""
        assert self._current is not None
        piece = self._current.read(size if self._left is None else min(size, self._left))
        if self._left is not None:
            self._left -= len(piece)
        if piece:
            return piece if self._cipher is None else self._cipher.update(piece)
        self._current.close()
        self._current = None
        cipher, self._cipher = self._cipher, None
        if cipher is None or self._aborted.is_set():
            return b""
        try:
            return cipher.finish()
        except ValueError as error:
            raise ConnectionError(f"a segment cannot be decrypted: {error}") from error

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
        self._cipher = CbcDecryptor(self._key(segment.key), segment.key.vector) if segment.key else None
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

    def _key(self, key: Key) -> bytes:
        """Raises ConnectionError for what is no key: the page of a server that wants a password, say."""
        if key.url not in self._keys:
            content = self._fetch_bytes(key.url, self._stall_s, BLOCK)
            if len(content) != BLOCK:
                raise ConnectionError("the server gives no key for its encrypted segments")
            if len(self._keys) >= _MOST_KEYS:
                self._keys.clear()
            self._keys[key.url] = content
        return self._keys[key.url]

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
        content = self._fetch_bytes(self._url, timeout_s, _MOST_BYTES)
        return self._parse(content.decode("utf-8", errors="replace"), self._url)

    def _fetch_bytes(self, url: str, timeout_s: float, most: int) -> bytes:
        """What an address gives, and one byte more than `most` at most."""
        file = self._connect(url)
        try:
            content = b""
            while len(content) <= most and (piece := file.read(min(1 << 16, most + 1 - len(content)))):
                content += piece
        finally:
            file.close()
            self._current = None
        return content
