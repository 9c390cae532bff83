"""Speeds and distances while a run goes on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rtdet.ground.distance import step_m
from rtdet.ground.motion import Fit, States, first_states, mixed, predict, update
from rtdet.ground.places import Places, places_of
from rtdet.ground.scale import Ground, Scale, Size
from rtdet.ground.speeds import LEAST_MEASURED, VALUES, settled
from rtdet.trackers.clock import Clock
from rtdet.tracks.offline.motion import can_be_one
from rtdet.types import FloatArray, IntArray, Tracks

# A track that was not seen for so long is forgotten, and its speed is not told any more after less than that.
_FORGOTTEN_S, _STALE_S = 10.0, 1.0


class SpeedMeter:
    """Adds `speed`, `speed_se` and `distance_m` to the tracks of a run, frame by frame, from what was seen so far:
    the filter of `motion.py` alone, where finished tracks also have what came after.

    NaN is the value of a track that has none yet. Not for several threads at a time.
    """

    names = VALUES

    def __init__(self, scale: Scale) -> None:
        self._scale = scale
        self._grounds: dict[Size | None, Ground] = {}
        self.reset()

    def reset(self) -> None:
        """Forgets all tracks: those to come are others."""
        self._clock = Clock()
        self._ids = np.zeros(0, dtype=np.int64)
        none = np.zeros(0)
        self._seen_s, self._measured, self._gone = none, none, none
        self._boxes, self._anchors = np.zeros((0, 4)), np.zeros((0, 2))
        self._states, self._fit = first_states(np.zeros((0, 2)), np.zeros((0, 2, 2))), Fit.none(0)

    def update(self, tracks: Tracks, t: float, size: Size | None) -> Tracks:
        """The tracks of a new frame at `t` seconds, in a picture of this size (width, height), with their values.

        Raises SourceError where the scale does not fit the picture."""
        self._clock.advance(t)
        now = self._clock.now_s
        found = places_of(self._ground(size), tracks.boxes)
        seen = np.flatnonzero(found.usable & (tracks.since_update_s == 0) & (tracks.ids > 0))
        self._forget(now)
        if len(seen):
            self._measure(tracks, seen, found.taken(seen), now)
        return self.at(tracks, t)

    def at(self, tracks: Tracks, t: float) -> Tracks:
        """The tracks with their values at `t`, which is now or a little later; changes nothing."""
        values = {name: np.full(len(tracks), np.nan) for name in VALUES}
        rows, known = self._known(tracks.ids)
        if len(rows):
            now = self._clock.now_s + max(0.0, self._clock.ahead_s(t))
            ahead = (now - self._seen_s[known]).clip(0, _FORGOTTEN_S)
            course = mixed(predict(self._states.taken(known), ahead), self._fit.taken(known))
            told = settled(course.speed, course.speed_se) & (ahead <= _STALE_S)
            told &= self._measured[known] >= LEAST_MEASURED
            values["speed"][rows] = np.where(told, course.speed, np.nan)
            values["speed_se"][rows] = np.where(told, course.speed_se, np.nan)
            values["distance_m"][rows] = self._gone[known]
        return replace(tracks, values={**tracks.values, **values})

    def _ground(self, size: Size | None) -> Ground:
        if size not in self._grounds:
            self._grounds = {size: self._scale.on(size)}
        return self._grounds[size]

    def _known(self, ids: IntArray) -> tuple[IntArray, IntArray]:
        """Which of the IDs are known, and where; `self._ids` rise."""
        at = np.searchsorted(self._ids, ids).clip(max=max(len(self._ids) - 1, 0))
        rows = np.flatnonzero(self._ids[at] == ids) if len(self._ids) else np.zeros(0, dtype=np.int64)
        return rows, at[rows]

    def _measure(self, tracks: Tracks, seen: IntArray, found: Places, now: float) -> None:
        boxes, ids = tracks.boxes[seen], tracks.ids[seen]
        rows, known = self._known(ids)
        elapsed = now - self._seen_s[known]
        goes_on = can_be_one(self._boxes[known], boxes[rows], elapsed)
        self._begin(ids, boxes, found, np.setdiff1d(np.arange(len(ids)), rows[goes_on]), now)
        rows, known = self._known(ids)
        later = now > self._seen_s[known]
        rows, known = rows[later], known[later]
        if len(rows) == 0:
            return
        states = predict(self._states.taken(known), now - self._seen_s[known])
        states, squares, logarithms = update(states, found.places[rows], found.roots[rows])
        for ours, new in zip(self._states, states, strict=True):
            ours[known] = new
        part = self._fit.taken(known)
        part.add(squares, logarithms, self._measured[known] >= 2)
        self._fit.squares[known], self._fit.logarithms[known] = part.squares, part.logarithms
        self._fit.count[known] = part.count
        self._measured[known] += 1
        self._seen_s[known], self._boxes[known] = now, boxes[rows]
        self._walk(known)

    def _walk(self, known: IntArray) -> None:
        course = mixed(self._states.taken(known), self._fit.taken(known))
        step = np.hypot(*(course.place - self._anchors[known]).T)
        far = step > step_m(course.place_se)
        self._gone[known] += np.where(far, step, 0)
        self._anchors[known] = np.where(far[:, None], course.place, self._anchors[known])

    def _begin(self, ids: IntArray, boxes: FloatArray, found: Places, rows: IntArray, now: float) -> None:
        """Takes in the tracks of these rows: new ones, and those whose ID went over to another object."""
        old = ~np.isin(self._ids, ids[rows])
        again, before = self._known(ids[rows])
        gone = np.zeros(len(rows))
        gone[again] = self._gone[before]
        order = np.argsort(np.concatenate([self._ids[old], ids[rows]]), kind="stable")

        def joined(ours: FloatArray, new: FloatArray) -> FloatArray:
            return np.asarray(np.concatenate([ours[old], new])[order])

        places, count = found.places[rows], len(rows)
        states, fit = first_states(places, found.roots[rows]), Fit.none(count)
        self._states = States(*(joined(*pair) for pair in zip(self._states, states, strict=True)))
        self._fit = Fit(
            joined(self._fit.squares, fit.squares), joined(self._fit.logarithms, fit.logarithms),
            joined(self._fit.count, fit.count),
        )  # fmt: skip
        self._seen_s = joined(self._seen_s, np.full(count, now))
        self._measured = joined(self._measured, np.ones(count))
        self._gone, self._anchors = joined(self._gone, gone), joined(self._anchors, places)
        self._boxes = joined(self._boxes, boxes[rows])
        self._ids = np.concatenate([self._ids[old], ids[rows]])[order]

    def _forget(self, now: float) -> None:
        kept = np.flatnonzero(now - self._seen_s <= _FORGOTTEN_S)
        if len(kept) == len(self._ids):
            return
        for name in ("_ids", "_seen_s", "_measured", "_gone", "_boxes", "_anchors"):
            setattr(self, name, getattr(self, name)[kept])
        self._states, self._fit = self._states.taken(kept), self._fit.taken(kept)
