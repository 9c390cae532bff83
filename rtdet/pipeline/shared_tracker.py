"""The tracker behind a lock: updated by its thread, asked by whoever paints."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rtdet.pipeline.carried_points import CarriedPoints
from rtdet.pipeline.found import Found, as_tracks, together, with_ids
from rtdet.protocols import CompensatingTracker, Tracker, TrackMeter, TwoStageTracker
from rtdet.types import Detections, FloatArray, Tracks

_PATIENCE_S = 0.01


class SharedTracker:
    """Holds the tracker of a run, or None.

    The lock is held for `update` and `predict` of the tracker, never during inference. `epoch` counts the
    seeks: tracks of before a seek say nothing about the frames after it. Nor do those of pictures of another `size`
    (width, height), whose pixels are others. The tracker then starts over, but IDs go on: none is given twice in a
    run, whatever trackers follow each other. `low` is the least score that the
    tracker has a use for, or the one that comes next has; None: nothing below the user's confidence.
    `compensates_camera` says the same of the camera's motion. `carries_over`: what was seen in one picture says
    something of the next; False for single pictures, where there is no tracker. `meter` adds its values to the
    tracks.
    """

    def __init__(
        self, tracker: Tracker | None, *, carries_over: bool = True, meter: TrackMeter | None = None
    ) -> None:
        self._carries_over, self._meter = carries_over, meter
        self._take(tracker)
        self._note_wishes(tracker)
        self._lock = threading.Lock()
        self._next: list[Tracker | None] = []
        self._next_meter: list[TrackMeter | None] = []
        self._fresh = True
        self._epoch = 0
        self._size: tuple[int, int] | None = None
        self._newest_id = self._ids_before = 0
        self._class_names: Sequence[str] = ()
        self._detections = Detections()
        self._updated_t = 0.0
        self._tracks = Tracks()
        self._pinned: tuple[float, Tracks] | None = None
        self._points = CarriedPoints()

    def swap(self, tracker: Tracker | None) -> None:
        """Another tracker, from the next frame on. Never waits."""
        self._next.append(tracker)
        self._note_wishes(tracker)

    def measure(self, meter: TrackMeter | None) -> None:
        """Another meter, or none, from the next frame on. Never waits."""
        self._next_meter.append(meter)

    def update(
        self,
        found: Found,
        t: float,
        epoch: int,
        camera_step: FloatArray | None = None,
        *,
        size: tuple[int, int] | None = None,
        pin: bool = False,
    ) -> Tracks:
        """The tracks of a new frame. `camera_step`: the camera's transform (2, 3) to it, where it is known. `pin`:
        the picture stands still on it, so `at(t)` shows every detection, also those that the tracker has yet to
        confirm."""
        with self._lock:
            self._renew(found.detections, epoch, size)
            if camera_step is not None and self._compensating is not None:
                self._compensating.move_camera(camera_step)
            tracks = self._feed(found, t)
            self._pinned = (t, self._standing(found, tracks)) if pin else None
            self._tracks = tracks
            return tracks

    def carry(self, t: float, epoch: int, size: tuple[int, int] | None = None) -> Tracks:
        """The tracks in a frame that nobody looked at: those that the last update gave out, where they should be by
        now. Changes nothing."""
        with self._lock:
            if self._is_elsewhere(epoch, size) or not self.says_of(self._updated_t, t):
                return self._nothing()
            if self.tracker is None:
                return as_tracks(self._detections, max(0.0, t - self._updated_t))
            tracks = self._shown(self.tracker.predict(t))
            # A tracker may predict more than it gives out: lost ones, which may not come back.
            given = np.isin(tracks.ids, self._tracks.ids)
            return self._measured(tracks if given.all() else tracks[given], t)

    def redo(self, found: Found, t: float, epoch: int, *, size: tuple[int, int] | None = None) -> Tracks:
        """Tracks for new detections of a frame that the tracker has had already: it is asked, not updated,
        so that one frame does not count twice."""
        with self._lock:
            self._renew(found.detections, epoch, size)
            if self._fresh or self.tracker is None:
                known = self._feed(found, t)
            else:
                if self._two_stage is not None:
                    self._two_stage.set_confidence(found.confidence)
                known = self._measured(self._shown(self.tracker.predict(t)), t)
            shown = self._standing(found, known)
            self._pinned = (t, shown)
            return shown

    def at(self, t: float, epoch: int, size: tuple[int, int] | None = None) -> Tracks:
        """Where the tracks are at `t`; where they last were while the tracker is busy for over 10 ms. `size`: of the
        picture that is asked about."""
        if not self._lock.acquire(timeout=_PATIENCE_S):
            knows = not self._is_elsewhere(epoch, size) and self.says_of(self._updated_t, t)
            return self._tracks if knows else self._nothing()
        try:
            if self._is_elsewhere(epoch, size):
                return self._nothing()
            if self._pinned is not None and self._pinned[0] == t:
                return self._pinned[1]
            if not self.says_of(self._updated_t, t):
                return self._nothing()
            if self.tracker is None:
                return as_tracks(self._detections, max(0.0, t - self._updated_t))
            return self._measured(self._shown(self.tracker.predict(t)), t)
        finally:
            self._lock.release()

    def says_of(self, seen_t: float, t: float) -> bool:
        """Whether what was seen at `seen_t` says anything of the picture at `t`."""
        return self._carries_over or seen_t == t

    def _feed(self, found: Found, t: float) -> Tracks:
        self._detections, self._updated_t, self._fresh = found.detections, t, False
        if self.tracker is None:
            return as_tracks(found.detections)
        if self._two_stage is None:
            taken, tracks = found.detections, self.tracker.update(found.detections, t)
        else:
            self._two_stage.set_confidence(found.confidence)
            taken, tracks = found.candidates, self._two_stage.update(found.candidates, t)
        self._points.learn(taken, tracks)
        tracks = self._shown(tracks)
        self._newest_id = max(self._newest_id, int(tracks.ids.max(initial=0)))
        return tracks if self._meter is None else self._meter.update(tracks, t, self._size)

    def _shown(self, tracks: Tracks) -> Tracks:
        """The tracker's tracks as they are given out: with key points, and IDs above all that were given out before
        the tracker started over; 0 stays 0."""
        tracks = self._points.on(tracks)
        if self._ids_before == 0:
            return tracks
        return replace(tracks, ids=np.where(tracks.ids > 0, tracks.ids + self._ids_before, tracks.ids))

    def _measured(self, tracks: Tracks, t: float) -> Tracks:
        return tracks if self._meter is None else self._meter.at(tracks, t)

    def _nothing(self) -> Tracks:
        names = () if self._meter is None else self._meter.names
        return Tracks(class_names=self._class_names, values={name: np.zeros(0) for name in names})

    def _is_elsewhere(self, epoch: int, size: tuple[int, int] | None) -> bool:
        return epoch != self._epoch or (None not in (size, self._size) and size != self._size)

    def _standing(self, found: Found, tracks: Tracks) -> Tracks:
        """What a picture that stands still shows: its detections, and the tracks that go on by what is none."""
        shown = with_ids(found.detections, tracks)
        if self._two_stage is not None:
            goes_on = (tracks.since_update_s == 0) & (tracks.scores < found.confidence)
            shown = together(shown, tracks[goes_on & ~np.isin(tracks.ids, shown.ids)])
        return shown

    def _take(self, tracker: Tracker | None) -> None:
        self.tracker = tracker
        # Asked once: to look for a protocol's methods takes microseconds.
        self._two_stage = tracker if isinstance(tracker, TwoStageTracker) else None
        self._compensating = tracker if isinstance(tracker, CompensatingTracker) else None

    def _note_wishes(self, tracker: Tracker | None) -> None:
        self.low = tracker.low if isinstance(tracker, TwoStageTracker) else None
        self.compensates_camera = isinstance(tracker, CompensatingTracker)

    def _renew(self, detections: Detections, epoch: int, size: tuple[int, int] | None) -> None:
        """Starts over after a swap, after a seek, and when labels or pixels get another meaning."""
        swapped = bool(self._next)
        while self._next_meter:
            self._meter = self._next_meter.pop(0)
        while self._next:
            self._take(self._next.pop(0))
        names = tuple(detections.class_names)
        renamed = bool(names and self._class_names and names != self._class_names)
        if swapped or renamed or self._is_elsewhere(epoch, size):
            self._fresh = True
            self._ids_before = self._newest_id
            self._pinned = None
            self._tracks = Tracks(class_names=names)
            self._points = CarriedPoints()
            if self.tracker is not None:
                self.tracker.reset()
            if self._meter is not None:
                self._meter.reset()
        self._epoch, self._size = epoch, size
        self._class_names = names or self._class_names
