"""Goes to other places of the source that plays: seeks, steps back, goes to a frame or a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from rtdet.errors import UsageError
from rtdet.types import Frame
from rtdet.viewer.jobs import Jobs
from rtdet.viewer.places import Place, clamped
from rtdet.viewer.player import Phase, PlayerState

if TYPE_CHECKING:
    from rtdet.pipeline import Pipeline

SEEK_EVERY_S = 0.08
HOLD_POSITION_S = 0.3
NEAR_END_S = 10.0
_UNKNOWN_FPS = 25.0


class Playing(Protocol):
    """What is needed of the session."""

    pipeline: Pipeline | None

    @property
    def has_ended(self) -> bool: ...

    def open(self, source: str, *, start: float = 0.0, is_paused: bool = False) -> None: ...

    def toggle_play(self) -> None: ...


class Travel:
    """A source that has ended is opened again where the way leads back into it. Of several requests in a row, the
    newest is carried out."""

    def __init__(self, session: Playing, player: PlayerState, jobs: Jobs) -> None:
        self._session, self._player, self._jobs = session, player, jobs
        self._seek_to: float | None = None
        self._sought_at = 0.0
        self._sought_from: Frame | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether the picture on screen may still be one of before."""
        if self._seek_to is not None or time.monotonic() - self._sought_at <= HOLD_POSITION_S:
            return True
        # Large photographs take their time.
        pipeline, before = self._session.pipeline, self._sought_from
        if pipeline is None or before is None or not self._player.are_pictures:
            return False
        return pipeline.newest_frame() is before

    def forget(self) -> None:
        self._seek_to = self._sought_from = None

    def seek(self, t: float) -> None:
        """Goes to `t` seconds, if the source can seek."""
        player = self._player
        if self._session.pipeline is None or not player.can_seek:
            return
        t = min(max(t, 0.0), player.last_s)
        self._seek_to = player.position_s = t
        self.flush()

    def flush(self) -> None:
        """Carries out what was asked for, unless the last time is only just past."""
        pipeline, now = self._session.pipeline, time.monotonic()
        if self._seek_to is None or pipeline is None or now - self._sought_at < SEEK_EVERY_S:
            return
        t, self._seek_to, self._sought_at = self._seek_to, None, now
        self._sought_from = pipeline.newest_frame()
        if self._session.has_ended:
            self._session.open(self._player.source, start=t)
        else:
            pipeline.seek(t)

    def step_back(self, t: float) -> None:
        """Pauses on the picture before the one of time `t`, also at the end."""
        pipeline, info = self._session.pipeline, self._player.source_info
        if pipeline is None or info is None or not self._player.can_seek:
            return
        frame, usual = pipeline.newest_frame(), max(t - 1 / (info.fps or _UNKNOWN_FPS), 0.0)
        if frame is None or frame.t != t:
            self._stand_on(lambda: usual)
        else:
            self._stand_on(lambda: _time_before(pipeline, frame, usual))

    def go_to(self, place: Place) -> None:
        """Goes to a time and goes on as before, or stands on a frame. Beyond the ends it says so and goes to the last
        or first picture."""
        pipeline, info = self._session.pipeline, self._player.source_info
        if pipeline is None or info is None or not self._player.can_seek:
            return
        place, said = clamped(place, info)
        if place.index is not None:
            index = place.index
            self._stand_on(lambda: pipeline.time_of(index), said)
        elif info.frame_count and info.fps and place.t > (info.duration_s or 0.0) - NEAR_END_S:
            # Nothing comes after the last picture, though it is shown for a while.
            last = info.frame_count - 1
            self._find(lambda: min(place.t, pipeline.time_of(last)), said)
        else:
            self._find(lambda: place.t, said)

    def _stand_on(self, time_of_it: Callable[[], float], said: str = "") -> None:
        if self._player.phase is Phase.PLAYING:
            self._session.toggle_play()
        self._find(time_of_it, said)

    def _find(self, time_of_it: Callable[[], float], said: str = "") -> None:
        """Goes to a time that may take a moment to be found, and says what is to be said of it."""
        pipeline = self._session.pipeline

        def found(t: float) -> None:
            if self._session.pipeline is not pipeline:
                return
            if self._session.has_ended:
                self._player.position_s = t
                self._session.open(self._player.source, start=t, is_paused=True)
            else:
                self.seek(t)
            if said:
                self._player.say(said)

        self._jobs.run(time_of_it, done=found, lane="travel", is_awaited=False)


def _time_before(pipeline: Pipeline, frame: Frame, usual: float) -> float:
    """The time of the picture before `frame`; `usual` where the source does not know it."""
    try:
        before = pipeline.time_of(max(frame.index - 1, 0))
    except UsageError:
        return usual
    return before if before < frame.t else usual
