"""What a playlist of HTTP Live Streaming says (RFC 8216)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urljoin

from rtdet.video.sources.aes import BLOCK


class UnsupportedPlaylist(ValueError):
    """A playlist that FFmpeg may read and this room does not: encrypted in part, or no HLS at all."""


@dataclass(frozen=True)
class Key:
    """How a segment is encrypted with AES-128 (RFC 8216, 4.3.2.4): where its key is, and the vector to begin with."""

    url: str
    vector: bytes


@dataclass(frozen=True)
class Segment:
    """A piece of the stream; `init`: what stands before it, where fragments share a header."""

    number: int
    url: str
    seconds: float
    byte_range: tuple[int, int] | None = None  # (first, length)
    init: Segment | None = None
    key: Key | None = None


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
    key: _KeyLine | None = None
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
            init = _init(value, url, key)
        elif name == "#EXT-X-KEY":
            key = _key(value, url)
        elif name == "#EXT-X-ENDLIST":
            playlist.is_over = True
        elif not line.startswith("#") and bandwidth is not None:
            playlist.variants.append((bandwidth, urljoin(url, line)))
            bandwidth = None
        elif not line.startswith("#"):
            playlist.segments.append(
                Segment(
                    number, urljoin(url, line), seconds, byte_range, init, key.of(number) if key else None
                )
            )
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


@dataclass(frozen=True)
class _KeyLine:
    url: str
    vector: bytes | None

    def of(self, number: int) -> Key:
        """For a segment: where no vector is given it is the segment's number."""
        return Key(self.url, number.to_bytes(BLOCK, "big") if self.vector is None else self.vector)


def _key(attributes: str, url: str) -> _KeyLine | None:
    method = re.search(r"(?:^|,)METHOD=([^,]*)", attributes)
    if method is None or method[1].strip() == "NONE":
        return None
    where = re.search(r'(?:^|,)URI="([^"]*)"', attributes)
    form = re.search(r'(?:^|,)KEYFORMAT="([^"]*)"', attributes)
    vector = re.search(r"(?:^|,)IV=0[xX]([0-9a-fA-F]{1,32})(?:,|$)", attributes)
    if method[1].strip() != "AES-128" or where is None or (form is not None and form[1] != "identity"):
        raise UnsupportedPlaylist(f"its segments are encrypted by {method[1].strip()}")
    return _KeyLine(urljoin(url, where[1]), bytes.fromhex(vector[1].zfill(32)) if vector else None)


def _init(attributes: str, url: str, key: _KeyLine | None) -> Segment:
    found = re.search(r'URI="([^"]*)"', attributes)
    if found is None:
        raise UnsupportedPlaylist("its header has no address")
    part = re.search(r'BYTERANGE="([^"]*)"', attributes)
    byte_range = _byte_range(part[1], None) if part else None
    return Segment(-1, urljoin(url, found[1]), 0.0, byte_range, key=key.of(0) if key else None)
