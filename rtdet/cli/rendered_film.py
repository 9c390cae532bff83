"""A film that is rendered: its tracks, what is done to its pictures, and which of its frames are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rtdet.config import RunConfig
from rtdet.terminal import say

if TYPE_CHECKING:
    from rtdet.protocols import Sink
    from rtdet.rendering import Clip, CountedZones, FollowedTrack, HiddenClasses, LookedAt, TracksOfFilm
    from rtdet.tracks.table import TrackTable
    from rtdet.types import FloatArray


@dataclass(frozen=True)
class Film:
    """The tracks of a film, and what is done to its pictures."""

    tracks: TracksOfFilm
    hidden: HiddenClasses | None
    followed: FollowedTrack | None
    counted: CountedZones | None
    fps: float
    looked_at: LookedAt | None

    def sinks(self) -> list[Sink]:
        """What takes each result before it is drawn."""
        return [] if self.counted is None else [self.counted]

    def extent(self) -> str:
        """What is there, as the end of a sentence."""
        looked_at = self.looked_at
        if looked_at is None:
            return ""
        return f"; the tracks are of its frames {looked_at.first} to {looked_at.last}"

    def part(self, config: RunConfig) -> TrackTable:
        """The rows of the frames that the configuration asks for, as far as times tell."""
        from rtdet.rendering.matching import part_of, times_of

        start, looked_at = config.start, self.looked_at
        if looked_at is not None:
            # What comes before the first frame that was looked at is left out, and its seconds do not count.
            listed = self.tracks.table.frame_list
            start = max(
                start, min(times_of(listed, self.fps)[listed.numbers >= looked_at.first], default=0.0)
            )
        ends = [
            start + length for length in (config.duration, _seconds(config.max_frames, self.fps)) if length
        ]
        return part_of(self.tracks.table, start, min(ends, default=float("inf")), self.fps)

    def times_of_track(self, track_id: int) -> FloatArray:
        """(N,) the times of the frames that have the track, in seconds."""
        from rtdet.rendering.matching import times_of

        table = self.tracks.table
        listed = table.frame_list
        return times_of(listed, self.fps)[listed.place_of(table.frames[table.rows_of(track_id)])]

    def warn_of_the_followed(
        self, track_id: int | None, config: RunConfig, clips: Sequence[Clip] | None = None
    ) -> None:
        """Warns where the track that is followed is not in what is rendered."""
        if track_id is None:
            return
        times = self.times_of_track(track_id)
        if clips is None:
            if len(self.part(config).rows_of(track_id)):
                return
            missing = "the part that is rendered"
        else:
            moments = [
                f"{clip.events[0].time_s:g} s"
                for clip in clips
                if not ((times >= clip.start_s) & (times < clip.end_s)).any()
            ]
            if not moments:
                return
            more = f" and {len(moments) - 3} more clips" if len(moments) > 3 else ""
            missing = f"the clip around {', '.join(moments[:3])}{more}"
        say(
            f"rtdet: warning: track {track_id} is not in {missing}: it is there from {times.min():.1f} to "
            f"{times.max():.1f} s",
            err=True,
        )


def frames_looked_at(path: str, table: TrackTable, fps: float, *, is_any_hidden: bool) -> LookedAt | None:
    """The frames that are shown; None for all: where nothing is hidden and nobody knows what a run looked at."""
    import numpy as np

    from rtdet.kept import KeptRun, is_kept_run
    from rtdet.rendering import LookedAt

    listed = table.frame_list
    if is_kept_run(path):
        with KeptRun(path) as run:
            # Edits may fill in rows for frames that were dropped.
            seen = run.frames.numbers[run.frames.has_tracks]
        numbers = listed.numbers[np.isin(listed.numbers, seen)]
        return LookedAt(numbers, listed, fps, is_certain=True)
    if not is_any_hidden:
        return None
    return LookedAt(listed.numbers, listed, fps, is_certain=listed.is_complete, path=path)


def _seconds(frames: int | None, fps: float) -> float | None:
    return None if frames is None else frames / fps
