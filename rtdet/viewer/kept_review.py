"""The review of what was just watched: whenever thresholds, classes or the tracker change, the whole kept past is
tracked again, what is on screen at once and the rest in another process."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from rtdet.errors import RtdetError
from rtdet.kept import KeptRun, Tracking, edits_of, retrack
from rtdet.kept.reading import is_malformed, keep_document
from rtdet.kept.retrack import NO_TRACKER, table_of
from rtdet.kept.retracking_client import Answer, RetrackingClient
from rtdet.kept.reviewed import EDITS
from rtdet.tracks.offline import Edit, EditLog
from rtdet.tracks.rows import FrameRecord
from rtdet.tracks.table import TrackTable
from rtdet.types import Frame, Tracks
from rtdet.viewer.between import tracks_at
from rtdet.viewer.jobs import Jobs
from rtdet.viewer.review import Review

log = logging.getLogger("rtdet.viewer")

# Around the picture on screen; the tracker needs some frames before one until it knows the objects in it.
_BEFORE_S, _AFTER_S = 2.5, 1.0
# What has come since is taken in this often where somebody looks at the whole, and less often where that takes long.
_TAKE_IN_EVERY_S = 1.0
_SHARE_OF_TIME = 0.2
# A picture that is the same for so long stands.
_STANDS_S = 0.5
LOOKED_AT = "looked_at"


class Running(Protocol):
    """What is needed of the pipeline."""

    def flush_kept(self) -> None: ...

    def newest_frame(self) -> Frame | None: ...

    @property
    def is_finished(self) -> bool: ...


class KeptReview(Review):
    """begin: a run is being kept, or was. ask: with these settings from now on. poll: often, from the GUI's thread.

    on_near is called where what is on screen is known anew, before the whole is. is_looked_at: whether somebody sees
    the whole (its lanes), so that it is to be there before anything is changed.
    """

    def __init__(self, jobs: Jobs, is_looked_at: Callable[[], bool], say: Callable[[str], None]) -> None:
        super().__init__()
        self.on_near: Callable[[], None] = lambda: None
        self._jobs, self._is_looked_at, self._say = jobs, is_looked_at, say
        self._client = RetrackingClient()
        self._path: Path | None = None
        self._run: KeptRun | None = None
        self._pipeline: Running | None = None
        self._tracking = Tracking()
        self._has_changed = self._is_fixed = False
        self._log: EditLog | None = None
        self._near: tuple[Tracking, TrackTable] | None = None
        self._asked: Tracking | None = None
        self._asked_at = self._took_s = 0.0
        self._is_warm = False
        self._last: Frame | None = None
        self._stood_at = 0.0
        self._written = -1.0
        self._is_passing, self._number = False, 0
        self._saved: tuple[Edit, ...] = ()
        self._waiting: tuple[Edit, ...] = ()  # those that do not fit, as they were said last
        self._has_said_fixed = self._cannot_keep = False

    # What runs

    def begin(
        self,
        path: Path,
        pipeline: Running | None,
        tracking: Tracking,
        *,
        is_old: bool = False,
        is_passing: bool = False,
    ) -> None:
        """A run is kept at `path` from now on. is_old: it was there before, and is to be seen at once; is_passing: it
        is removed when the viewer is closed."""
        if path != self._path:
            self.end()
        elif self._is_fixed:
            return
        self._path, self._pipeline = path, pipeline
        self._is_passing = is_passing or self._cannot_keep
        self._has_changed |= is_old
        if tracking != self._tracking and self.table is not None:
            self.ask(tracking, None)
        self._tracking = tracking

    def show(self, table: TrackTable | None, name: str = "") -> None:
        """Reviews a table of somebody's own instead, until another source is opened; None: nothing any more."""
        path, pipeline, tracking, is_passing = self._path, self._pipeline, self._tracking, self._is_passing
        self.end()
        if path is not None:
            self.begin(path, pipeline, tracking, is_passing=is_passing)
        self._is_fixed = table is not None
        self.name = name
        self.take(table, EditLog())

    def end(self) -> None:
        """Nothing is reviewed any more."""
        self._close_run()
        self._path = self._pipeline = self._near = self._asked = None
        self._has_changed, self._written, self._is_fixed = False, -1.0, False
        self._log, self._saved, self._is_passing = None, (), False
        self._number += 1
        self._waiting, self._has_said_fixed, self._cannot_keep = (), False, False
        self.name, self.progress = "", None
        self.take(None)

    @property
    def unsaved(self) -> str:
        """Of what the edits would be lost when the viewer is closed, or something else opened: "tracks" of a file,
        the "run"; "" where nothing would be."""
        if self.log.done == self._saved:
            return ""
        return "tracks" if self._is_fixed else "run" if self._is_passing else ""

    def saving(self) -> Callable[[], None]:
        """The edits as they are now are about to be saved; what it returns is called once they are."""
        number, edits = self._number, self.log.done

        def saved() -> None:
            if number == self._number:  # else these edits are gone
                self._saved = edits

        return saved

    @property
    def is_fixed(self) -> bool:
        """Whether a table of somebody's own is reviewed, which no setting acts on."""
        return self._is_fixed

    def close(self) -> None:
        """Ends the process that tracks."""
        self.end()
        self._client.close()

    def ask(self, tracking: Tracking, frame: Frame | None) -> None:
        """From now on the past is as these settings have it; at once around `frame`, the picture on screen."""
        if tracking == self._tracking:
            return
        if self._is_fixed:
            self._say_it_is_fixed()
            return
        self._tracking, self._has_changed, self._asked = tracking, True, None
        if self._path is None or tracking.tracker == NO_TRACKER:
            self._near = None
            self._show_nothing()
            return
        if self._pipeline is not None:
            self._pipeline.flush_kept()
        path = self._path
        if frame is not None:
            self._jobs.run(
                lambda: self._around(path, tracking, frame),
                done=lambda table: self._near_is_there(path, tracking, table),
                failed=lambda error: log.debug("around the picture: %s", error),
                lane="near",
                is_awaited=False,
            )
        self._request()

    def poll(self) -> None:
        """Takes in answers, and asks for what has come since."""
        for answer in self._client.answers():
            self._take_in(answer)
        if (
            self._is_fixed
            or self._path is None
            or self._tracking.tracker == NO_TRACKER
            or self._asked is not None
        ):
            return
        if not (self._has_changed or self._is_looked_at()):
            return
        waited_s = time.monotonic() - self._asked_at
        is_due = waited_s >= max(_TAKE_IN_EVERY_S, self._took_s / _SHARE_OF_TIME)
        if (is_due or (waited_s >= _TAKE_IN_EVERY_S and self._stands())) and self._has_grown():
            self._request()

    def _stands(self) -> bool:
        """Whether nothing more is written just now: what is there is taken in once, however long that takes."""
        frame = None if self._pipeline is None else self._pipeline.newest_frame()
        stood, self._last = frame is self._last, frame
        self._stood_at = self._stood_at if stood else time.monotonic()
        return time.monotonic() - self._stood_at >= _STANDS_S

    def tracks_of(self, frame: Frame) -> Tracks | None:
        """See Review. Where the whole is still being made, what is known around the picture."""
        if self._is_fixed:
            return super().tracks_of(frame)
        near = self._near
        if near is not None and near[0] == self._tracking:
            tracks = tracks_at(near[1], frame)
            if tracks is not None:
                return tracks
        return None if self.table is None else tracks_at(self.table, frame)

    # The work

    def _request(self) -> None:
        assert self._path is not None
        if self._pipeline is not None and not self._pipeline.is_finished:
            self._pipeline.flush_kept()
        if not self._path.exists():
            return
        self._asked, self._asked_at = self._tracking, time.monotonic()
        self._client.request(self._path, self._tracking)
        if self._has_changed and self.table is not None:
            self.progress = 0.0

    def _has_grown(self) -> bool:
        """Whether the file was written since it was last asked for; notes that."""
        assert self._path is not None
        try:
            written = self._path.stat().st_mtime
        except OSError:
            return False
        if written == self._written:
            if self._pipeline is not None and not self._pipeline.is_finished:
                self._pipeline.flush_kept()
            return False
        self._written = written
        return True

    def _take_in(self, answer: Answer) -> None:
        if answer.number != self._client.number or self._asked is None:
            return
        if answer.error:
            self._asked, self.progress = None, None
            self._say(answer.error)
        elif answer.table is None:
            if self.progress is not None:
                self.progress = answer.share
        else:
            # The first answer has waited for its process to begin, which says nothing of the others.
            self._took_s = time.monotonic() - self._asked_at if self._is_warm else 0.0
            self._is_warm = True
            self._asked, self._near, self.progress = None, None, None
            self._show_whole(answer.table)

    def _show_whole(self, base: TrackTable) -> None:
        """Shows a new table, with what was mended in the one before, or in the run at another time."""
        if self._log is not None or self._path is None:
            self.take_later(base, None, self._jobs, self._say_what_does_not_fit)
            return
        try:
            with KeptRun(self._path) as run:
                self._log = edits_of(run)
                self.looked_at = frozenset((run.document(LOOKED_AT) or "").splitlines())
        except RtdetError as error:
            self._log = EditLog()
            self._say(str(error))
        self.take_later(base, self._log, self._jobs, self._say_what_does_not_fit)

    def _say_what_does_not_fit(self) -> None:
        """Once for each change: while a source plays, its tracks are taken in again every second."""
        waiting = tuple(one.edit for one in self.unfitting)
        before, self._waiting = self._waiting, waiting
        if not waiting or waiting == before:
            return
        if len(waiting) == 1:
            self._say(f"1 edit does not fit these tracks and waits: {waiting[0]}")
        else:
            self._say(
                f"{len(waiting)} edits do not fit these tracks and wait: {waiting[0]}, and {len(waiting) - 1} more"
            )

    def _say_it_is_fixed(self) -> None:
        if not self._has_said_fixed:
            self._has_said_fixed = True
            self._say(
                f"The tracks of {self.name or 'the file'} stay as they are: thresholds, classes and tracker act on"
                " what is found from here on only."
            )

    def _show_nothing(self) -> None:
        """Without a tracker there are no tracks; the edits wait for others."""
        self.table = None

    def on_mended(self) -> None:
        """Keeps the edits with the run."""
        self._keep_with_run(EDITS, self.log.to_text())

    def on_looked_at(self) -> None:
        """Keeps what is ticked off with the run."""
        self._keep_with_run(LOOKED_AT, "\n".join(sorted(self.looked_at)))

    def _keep_with_run(self, name: str, text: str) -> None:
        path = self._path
        if self._is_fixed or path is None or not path.exists():
            return

        number = self._number
        self._jobs.run(
            lambda: keep_document(path, name, text),
            failed=lambda error: self._could_not_keep(number, path, error),
            lane="edits",
        )

    def _could_not_keep(self, number: int, path: Path, error: Exception) -> None:
        """Says so at the first edit; from then on they have to be saved elsewhere."""
        if number != self._number or self._cannot_keep:
            return
        self._cannot_keep = self._is_passing = True
        why = f"{path.name} is damaged" if is_malformed(error) else str(error)
        self._say(f"Edits cannot be kept in this run: {why}. Save the run under another name to keep them.")

    def documents(self) -> dict[str, str]:
        """What a copy of the run must have, where the run itself could not keep it."""
        if not self._cannot_keep:
            return {}
        return {EDITS: self.log.to_text(), LOOKED_AT: "\n".join(sorted(self.looked_at))}

    def _near_is_there(self, path: Path, tracking: Tracking, table: TrackTable | None) -> None:
        if (
            path == self._path
            and tracking == self._tracking
            and self._asked is not None
            and table is not None
        ):
            self._near = tracking, table
            self.on_near()

    def _around(self, path: Path, tracking: Tracking, frame: Frame) -> TrackTable | None:
        """The tracks around a picture, in a worker thread."""
        if tracking != self._tracking:  # a newer wish has come
            return None
        try:
            run = self._opened(path)
        except RtdetError:  # nothing was written yet
            return None
        times, numbers = run.frames.times_s, run.frames.numbers
        around = np.flatnonzero((times >= frame.t - _BEFORE_S) & (times <= frame.t + _AFTER_S))
        if not len(around):
            return None
        first, end = int(numbers[around[0]]), int(numbers[around[-1]]) + 1
        records = (
            FrameRecord(one.number, one.t, tracks, one.name, one.size)
            for one, tracks in retrack(run, tracking, first=first, end=end)
        )
        return table_of(records, run.class_names)

    def _opened(self, path: Path) -> KeptRun:
        run = self._run
        if run is not None and run.path == path:
            run.reread()
            return run
        if run is not None:
            run.close()
        self._run = KeptRun(path)
        return self._run

    def _close_run(self) -> None:
        run, self._run = self._run, None
        if run is not None:  # after what still reads in it, for which nobody waits
            self._jobs.run(run.close, lane="near", is_awaited=False)
