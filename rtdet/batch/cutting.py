"""Where a film is cut into pieces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rtdet.batch.piece_source import next_key_frame
from rtdet.batch.tasks import Cut
from rtdet.config import RunConfig
from rtdet.types import SourceInfo
from rtdet.video.sources.container import FileSource
from rtdet.video.sources.container_clock import JOINABLE, clock_starts_over

# Containers with a clock of their own and key frames that are marked as such.
_FORMATS = ("mov", "matroska", "mpegts", "flv")
# A piece below this is not worth the opening of the film.
_SHORTEST_S = 0.2
# Nor is one below this worth the joining, unless it is asked for.
_SHORT_S = 30.0


def may_be_cut(config: RunConfig) -> bool:
    """Whether the run of a source goes through all of its frames, each looked at for itself."""
    whole = config.start == 0 and config.duration is None and config.max_frames is None
    return whole and getattr(config, "every", "1") == "1" and getattr(config, "max_latency", None) is None


def number_of_pieces(info: SourceInfo, cut: Cut) -> int:
    """How many pieces a source is to have."""
    if info.is_live or info.are_pictures or not info.is_seekable or not info.duration_s:
        return 1
    most = max(1, int(info.duration_s / _SHORTEST_S))
    if cut.count is not None:
        return min(cut.count, most)
    # Not in two for a little more than one.
    usual = max(1, round(info.duration_s / cut.length_s - 0.3))
    return min(most, max(usual, min(cut.least, int(info.duration_s / _SHORT_S))))


def find_cuts(source: FileSource, path: Any, cut: Cut) -> tuple[int, ...]:
    """The times, in the container's ticks, of the key frames nearest before equal parts of the film; fewer than asked
    for where there are not so many. `path`: what av.open takes. Nothing is decoded."""
    import av

    pieces = number_of_pieces(source.info, cut)
    if pieces < 2:
        return ()
    cuts: list[int] = []
    try:
        with av.open(path) as container:
            names = container.format.name.split(",")
            stream = container.streams[source.stream_index]
            if not set(names) & set(_FORMATS) or stream.time_base is None:
                return ()
            if set(names) & JOINABLE and (
                not isinstance(path, str) or clock_starts_over(Path(path), stream.index)
            ):
                return ()
            first = stream.start_time or 0
            length = (source.info.duration_s or 0.0) / float(stream.time_base)
            for piece in range(1, pieces):
                container.seek(first + round(length * piece / pieces), stream=stream, backward=True)
                at = next_key_frame(container, stream)
                if at is not None and at > (cuts[-1] if cuts else first):
                    cuts.append(at)
    except (av.error.FFmpegError, OSError, ValueError):
        return ()
    return tuple(cuts)
