"""The pictures of a piece of a film, exactly as one pass through the whole film gives them.

A film is cut at key frames, by the container's times. The pictures of a piece are those from the first one at or
after its beginning to before the first one at or after its end, in the order in which the decoder gives them. The
decoder of a piece starts at the key frame with which the piece begins; pictures that are decoded after it and shown
before it (of an open group of pictures) belong to the piece before, whose decoder goes on until it has given them.

Whether a film can be cut at a place is not guessed from its codec: the decoder of the piece before goes on for some
pictures, which the next piece begins with, and both note what they look like, to the last pixel (`Seam`).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rtdet.video.sources.container import FileSource, RemoteFile
from rtdet.video.sources.decoder import VideoDecoder
from rtdet.video.sources.reading import Reading

# As many pictures after a cut are compared.
SEAM = 6

# Formats without an index may land after the place asked for: then again from further back.
_LEADS_S = (0.0, 2.0, 10.0)
# A key frame is looked for among so many packets after the place to which a jump led.
_PACKETS = 2_000

# The time of a picture and a sum of all its pixels, of some pictures that follow each other.
Seam = tuple[tuple[int, int], ...]


@dataclass
class Seen:
    """What a piece's decoder gave: the container's time of each of its pictures (None: it has none), the pictures
    that it begins with and those that follow it, and whether anything was damaged."""

    pts: list[int | None]
    begins: Seam = ()
    follows: Seam = ()
    is_damaged: bool = False


class PieceSource(FileSource):
    """The pictures of a film from the time `begin` to before `end` of the container's clock; None: its ends.

    Times and numbers of its frames count from the piece's first one. `seen` is complete once `read` has given None.
    """

    def __init__(
        self,
        path: str | Path,
        reading: Reading,
        begin: int | None,
        end: int | None,
        *,
        remote: RemoteFile | None = None,
    ) -> None:
        self._begin, self._end = begin, end
        self.seen = Seen([])
        super().__init__(path, reading, remote=remote)

    def _open_decoder(self) -> VideoDecoder:
        decoder = super()._open_decoder()
        if self._begin is None or self._jump_before(decoder, self._begin):
            return decoder
        decoder.close()
        return super()._open_decoder()  # from the film's first picture on

    def _jump_before(self, decoder: VideoDecoder, begin: int) -> bool:
        """Has the decoder go on at a key frame at or before `begin`; False where no jump leads there."""
        for lead_s in _LEADS_S:
            place = begin - round(lead_s / decoder.stream.time_base)
            at = next_key_frame(decoder.container, decoder.stream) if decoder.seek(place) else None
            if at is not None and at <= begin:
                return decoder.seek(place)
        return False

    def _decode(self) -> Iterator[Any]:
        self.seen = seen = Seen([])
        decoder = self._decoder
        begins: list[tuple[int, int]] = []
        follows: list[tuple[int, int]] = []
        is_in, is_over = self._begin is None, False
        for picture in decoder.frames():
            pts = picture.pts
            is_in = is_in or (pts is not None and self._begin is not None and pts >= self._begin)
            if not is_in:
                continue
            is_over = is_over or (pts is not None and self._end is not None and pts >= self._end)
            seen.is_damaged = seen.is_damaged or bool(picture.is_corrupt)
            if is_over:
                follows.append(self._look(picture))
                if len(follows) == SEAM:
                    break
                continue
            if self._begin is not None and len(begins) < SEAM:
                begins.append(self._look(picture))
            seen.pts.append(pts)
            yield self._stamp(picture)
        seen.begins, seen.follows = tuple(begins), tuple(follows)
        seen.is_damaged = seen.is_damaged or bool(decoder.damaged) or decoder.broke_off

    def _look(self, picture: Any) -> tuple[int, int]:
        """A picture's time (-1: none) and the CRC-32 of what a detector sees of it."""
        crc = zlib.crc32(self._converter.to_bgr(picture).tobytes())
        return (-1 if picture.pts is None else picture.pts), crc

    def check_end(self, last: float) -> None:
        """A piece ends where it was cut; that the film breaks off is said of the whole."""

    def _report(self) -> None:
        self.damaged = max(self.damaged, self._decoder.damaged)


def next_key_frame(container: Any, stream: Any) -> int | None:
    """The time of the first key frame from here on; None where there is none soon, or it has no time."""
    import av

    try:
        for count, packet in enumerate(container.demux(stream)):
            if packet.is_keyframe and packet.size and not packet.is_discard:
                pts: int | None = packet.pts
                return pts
            if count > _PACKETS:
                break
    except (av.error.FFmpegError, OSError):
        pass
    return None


def why_no_seam(before: Seen, after: Seen) -> str:
    """Why the pictures of two pieces are not those of one pass; "" where they are."""
    if before.is_damaged or after.is_damaged:
        return "it is damaged"
    count = min(len(before.follows), len(after.begins))
    is_short = len(before.follows) < SEAM and len(after.begins) > count
    if count == 0 or is_short or before.follows[:count] != after.begins[:count]:
        return "what follows a key frame is not the same without what comes before it"
    return ""
