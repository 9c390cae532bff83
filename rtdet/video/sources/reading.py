"""The options of reading a source that its name does not express."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from rtdet.errors import SourceError, UsageError

if TYPE_CHECKING:
    from rtdet.video.recording.packets import PacketCopy

FILM, PICTURES = "film", "pictures"
# As many as the largest camera of a telephone gives; a picture of it takes a third of a gigabyte.
MAX_MEGAPIXELS = 120.0


class Reading(NamedTuple):
    """How the user wants a source to be read.

    start_s:        begin there; only where the source can seek.
    taken_as:       "film" or "pictures", for images; None: by their names and sizes.
    video_track:    which of a container's, from 0; None: the main one.
    max_megapixels: pictures with more are not decoded.
    packets:        takes the packets that are read, to copy them.
    hwaccel:        the device that decodes: its name as FFmpeg has it, "auto", or "off".
    decoder_threads: of a file or stream, at most; 0: one for each core.
    """

    start_s: float = 0.0
    taken_as: str | None = None
    video_track: int | None = None
    max_megapixels: float = MAX_MEGAPIXELS
    packets: PacketCopy | None = None
    hwaccel: str = "auto"
    decoder_threads: int = 0

    def refuse_copy(self, name: str) -> None:
        """Raises UsageError where there are no packets to be copied."""
        if self.packets is not None:
            raise UsageError(
                f"{name} has no packets that --save-raw could copy: it takes those of video files and streams; "
                "--save records pictures of any source"
            )

    def refuse_start(self, name: str) -> None:
        """Raises SourceError where a live source is to start later."""
        if self.start_s > 0:
            raise SourceError(f"{name} is live: it cannot start at {self.start_s:g} s; omit --start")


AS_IT_IS = Reading()


def too_large(name: object, width: float, height: float, max_megapixels: float) -> str | None:
    """The line for a picture of so many pixels; None where it may be decoded."""
    megapixels = width * height / 1e6
    if megapixels <= max_megapixels:
        return None
    return (
        f"{name} would take the memory of {megapixels:.0f} megapixels, more than the limit of "
        f"{max_megapixels:g}; --max-megapixels {math.ceil(megapixels)} reads it"
    )
