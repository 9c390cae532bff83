"""OC-SORT (Cao et al. 2023, arXiv 2203.14360): SORT, but observations are trusted more than the filter.

Its three parts, in the paper's names:

- OCM, momentum: a detection in the direction in which a track was seen to move is worth more.
- OCR, recovery: detections left over meet the tracks left over where those were last seen.
- ORU, re-update: a track seen again after a gap goes through the gap once more, along the straight line from its last
  box to the new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rtdet.geometry.pairing import heaviest_matching
from rtdet.trackers import kalman
from rtdet.trackers.association import Pairs, is_one_to_one, overlapping_pairs
from rtdet.trackers.box_columns import between, direction, moved
from rtdet.trackers.camera_drift import CameraDrift
from rtdet.trackers.clock import Clock
from rtdet.trackers.intake import accepted
from rtdet.trackers.settings import check_times, require
from rtdet.types import BoolArray, Detections, FloatArray, IntArray, Tracks

# Rows of the table of what is known of each track (a column) beside its Kalman state; the last are the unit vector in
# which it was seen to move, (0, 0) where that is not known, the corners of its last observation, and for each of the
# last `delta_t` updates where and in which update it was seen.
ID, SCORE, LABEL, SEEN, SEEN_FRAME, SEEN_S, STREAK, CONFIRMED = range(8)
DIRECTION, OBSERVED, PAST = slice(8, 10), slice(10, 14), 14
# Rows of a past observation: its centre and the number of its update.
X, Y, UPDATE = range(3)
NO_PAIRS: Pairs = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
MOST_FRAMES = 10**9
LONGEST_LOOK_BACK = 100
# A gap of more updates than this is gone through in this many steps.
MOST_STEPS = 60


class OCSort:
    """The published tracker, its lost tracks waiting in seconds. A state stands where its track was last seen.

    min_score      only detections that score above it are taken (published as det_thresh); 0 takes every one.
    iou_threshold  pairs that overlap less do not match.
    min_hits       matched frames in a row (after the first sight) before a track is given out. The first
                   `min_hits` frames give out every track.
    max_age_s      a lost track waits this long.
    delta_t        a direction is that from the observation this many updates back. In updates, not in time: where
                   frames are far apart, one step says too little.
    inertia        what the direction is worth, beside IoU.
    class_agnostic lets a detection of one class continue a track of another.
    confirm_once   a track once given out is given out again at its next detection. Off (published), a
                   missed frame costs a track another `min_hits` frames.
    fps            the source's nominal frame rate. Given, each update moves the tracks by the time that has
                   truly passed; not given, every update is one frame.
    coast_s        `predict` shows a track that was missed for this long.
    horizon_s      `predict` moves boxes by at most this much time.

    Raises UsageError for a setting out of its range.
    """

    def __init__(
        self,
        *,
        min_score: float = 0.6,
        iou_threshold: float = 0.3,
        min_hits: int = 3,
        max_age_s: float = 1.0,
        delta_t: int = 3,
        inertia: float = 0.2,
        class_agnostic: bool = False,
        confirm_once: bool = False,
        fps: float | None = None,
        coast_s: float = 0.3,
        horizon_s: float = 1.0,
    ) -> None:
        for name, share in (("min_score", min_score), ("iou_threshold", iou_threshold), ("inertia", inertia)):
            require(0 <= share <= 1, f"{name} must be between 0 and 1, not {share:g}")
        require(
            0 <= min_hits <= MOST_FRAMES, f"min_hits must be a number of frames, 0 or more, not {min_hits}"
        )
        require(
            1 <= delta_t <= LONGEST_LOOK_BACK,
            f"delta_t must be a number of updates, 1 to {LONGEST_LOOK_BACK}, not {delta_t}",
        )
        check_times(fps, max_age_s=max_age_s, coast_s=coast_s, horizon_s=horizon_s)
        self.min_score, self.iou_threshold, self.min_hits = min_score, iou_threshold, min_hits
        self.max_age_s, self.delta_t, self.inertia = max_age_s, delta_t, inertia
        self.class_agnostic, self.confirm_once = class_agnostic, confirm_once
        self.fps, self.coast_s, self.horizon_s = fps, coast_s, horizon_s
        self.reset()

    def reset(self) -> None:
        """Forgets everything; the next ID is 1."""
        self._state = np.zeros((5, 4, 0))
        self._table = np.zeros((PAST + 3 * self.delta_t, 0))
        self._class_names: Sequence[str] = ()
        self._next_id = 1
        self._clock = Clock(self.fps)
        self._camera = CameraDrift()

    def move_camera(self, transform: FloatArray) -> None:
        """Takes the camera's step since the last update out of the tracks; see protocols.CompensatingTracker."""
        turn, shift, zoom = transform[:, :2], transform[:, 2:], kalman.zoom(transform)
        kalman.move(self._state, transform, (zoom**2, 1.0))
        self._table[OBSERVED] = moved(self._table[OBSERVED], transform)
        self._table[DIRECTION] = turn @ self._table[DIRECTION] / zoom
        for update in range(self.delta_t):
            past = self._past(self._table, update)
            past[:UPDATE] = turn @ past[:UPDATE] + shift
        self._camera.take(transform)

    def update(self, detections: Detections, t: float) -> Tracks:
        """Takes in the detections of the frame at `t` seconds; gives the confirmed tracks seen in this frame, where
        they were seen."""
        corners, scores, labels = accepted(detections, self.min_score)
        self._class_names = detections.class_names
        dt = self._clock.advance(t)
        self._camera.advance(dt)
        self._forget(1.5 * self._clock.usual_step_s)
        origin, center = self._origins(), (corners[:2] + corners[2:]) * 0.5
        rows, columns = self._match(corners, center, scores, labels, origin)
        free = np.ones(corners.shape[1], dtype=bool)
        free[rows] = False
        if len(rows) < len(free) and len(columns) < self._table.shape[1]:
            found = self._recover(free, columns, corners, labels)
            if len(found[0]):
                rows, columns = np.concatenate((rows, found[0])), np.concatenate((columns, found[1]))
                free[rows] = False
        if len(rows):
            way = direction(center.take(rows, axis=1) - origin.take(columns, axis=1))
            self._correct(columns, corners.take(rows, axis=1), scores.take(rows), labels.take(rows), way, dt)
        if len(rows) < len(free):
            self._begin(corners[:, free], scores[free], labels[free])
        shown = self._show()
        self._forget(0.0)
        return shown

    def predict(self, t: float) -> Tracks:
        """Where the confirmed tracks are at `t` seconds, also those missed for a moment. Changes nothing."""
        ahead_s = self._clock.ahead_s(t)
        missed_s = self._clock.now_s - self._table[SEEN_S]
        longest_s = max(self.coast_s + 1e-6, 1.5 * self._clock.usual_step_s)
        columns = ((self._table[CONFIRMED] > 0) & (missed_s <= longest_s)).nonzero()[0]
        dt = min(max(ahead_s, -self.horizon_s), self.horizon_s) / self._clock.frame_s
        state, table = self._state.take(columns, axis=2), self._table.take(columns, axis=1)
        since_s = np.maximum(missed_s[columns] + ahead_s, 0.0)
        ahead = dt + self._clock.frame - table[SEEN_FRAME]
        corners = self._camera.carry(kalman.to_corners(kalman.extrapolate(state, ahead)), dt)
        tracks = self._tracks(corners, table, since_s)
        kalman.predict(state, np.maximum(ahead, 0.0))
        uncertainty = kalman.uncertainty(state, tracks.boxes)
        return replace(tracks, uncertainty=np.where(since_s > 0, uncertainty, 0.0))

    def _origins(self) -> FloatArray:
        """(2, N) where each track's direction is taken from: the oldest of its centres of the last `delta_t` updates,
        or else the last one."""
        observed = self._table[OBSERVED]
        origin: FloatArray = (observed[:2] + observed[2:]) * 0.5
        newest = self._clock.updates - 1
        for update in range(newest, newest - self.delta_t, -1):
            past = self._past(self._table, update)
            np.copyto(origin, past[:UPDATE], where=past[UPDATE] == update)
        return origin

    def _past(self, table: FloatArray, update: int) -> FloatArray:
        """(3, N) of the table: where things were seen in that update, or one `delta_t` updates before."""
        first = PAST + 3 * (update % self.delta_t)
        return table[first : first + 3]

    def _match(
        self,
        corners: FloatArray,
        center: FloatArray,
        scores: FloatArray,
        labels: FloatArray,
        origin: FloatArray,
    ) -> Pairs:
        """OCM: where IoU alone leaves a choice, the largest sum of IoU and momentum over all pairs that overlap where
        the filter has the tracks by now. Pairs under the threshold are undone after it."""
        table = self._table
        dt = self._clock.frame - table[SEEN_FRAME]
        predicted = kalman.to_corners(kalman.extrapolate(self._state, dt))
        by_class = None if self.class_agnostic else (labels, table[LABEL])
        rows, columns, overlap = overlapping_pairs(corners, predicted, by_class)
        near = (overlap > self.iou_threshold).nonzero()[0]
        if len(rows) == 0 or is_one_to_one(rows[near], columns[near]):
            return rows[near], columns[near]
        way = direction(center.take(rows, axis=1) - origin.take(columns, axis=1))
        way *= table[DIRECTION].take(columns, axis=1)
        # pi/2 less the angle is the arc sine of its cosine.
        momentum = np.arcsin(np.clip(way[0] + way[1], -1.0, 1.0)) * scores.take(rows)
        worth = overlap + momentum * (self.inertia / np.pi)
        pays = (worth > 0).nonzero()[0]
        counts = (len(scores), table.shape[1])
        chosen = pays.take(heaviest_matching(rows.take(pays), columns.take(pays), worth.take(pays), *counts))
        chosen = chosen[overlap.take(chosen) >= self.iou_threshold]
        return rows.take(chosen), columns.take(chosen)

    def _recover(self, free: BoolArray, matched: IntArray, corners: FloatArray, labels: FloatArray) -> Pairs:
        """OCR."""
        left = np.ones(self._table.shape[1], dtype=bool)
        left[matched] = False
        free_rows, left_columns = free.nonzero()[0], left.nonzero()[0]
        by_class = None if self.class_agnostic else (labels[free_rows], self._table[LABEL].take(left_columns))
        observed = self._table[OBSERVED].take(left_columns, axis=1)
        rows, columns, overlap = overlapping_pairs(corners.take(free_rows, axis=1), observed, by_class)
        if not (overlap >= self.iou_threshold).any():
            return NO_PAIRS
        chosen = heaviest_matching(rows, columns, overlap, len(free_rows), len(left_columns))
        chosen = chosen[overlap[chosen] >= self.iou_threshold]
        return free_rows.take(rows.take(chosen)), left_columns.take(columns.take(chosen))

    def _correct(
        self,
        columns: IntArray,
        corners: FloatArray,
        scores: FloatArray,
        labels: FloatArray,
        way: FloatArray,
        dt: float,
    ) -> None:
        """Takes in what was matched: one box for each of `columns`, seen in the direction `way` (2, K)."""
        self._filter(columns, corners, dt)
        table = self._table.take(columns, axis=1)
        table[STREAK] *= table[SEEN] == self._clock.updates - 1
        table[STREAK] += 1.0
        table[DIRECTION] = way
        self._note(table, corners, scores, labels)
        self._table[:, columns] = table

    def _filter(self, columns: IntArray, corners: FloatArray, dt: float) -> None:
        """Takes one box (4, K) for each of `columns` into their states, `dt` frames after the last update."""
        missed = self._clock.updates - 1 - self._table[SEEN].take(columns)
        late = missed.nonzero()[0]
        if len(late):
            self._go_again(columns.take(late), corners.take(late, axis=1), missed.take(late), dt)
        matched = np.zeros(self._table.shape[1], dtype=bool)
        matched[columns] = True
        # All states, as one block, are faster than picking some; those of the others are not taken.
        state = self._state.copy()
        kalman.predict(state, dt)
        every = state[kalman.MEAN].copy()
        every[:, columns] = kalman.to_measurement(corners)
        kalman.correct(state, every, 1.0)
        np.copyto(self._state, state, where=matched)

    def _go_again(self, columns: IntArray, corners: FloatArray, missed: FloatArray, dt: float) -> None:
        """ORU: takes `columns` through the updates, `missed` (K,) of them, between their last box and `corners`
        (4, K), which are of `dt` frames after the last of these."""
        steps = np.minimum(missed, MOST_STEPS)
        order = (-steps).argsort(kind="stable")
        steps, columns = steps.take(order), columns.take(order)
        table, state = self._table.take(columns, axis=1), self._state.take(columns, axis=2)
        gap = self._clock.frame - table[SEEN_FRAME]
        pace = (gap - dt) / steps
        step = np.arange(1, int(steps[0]) + 1)[:, None]
        way = between(table[OBSERVED], corners.take(order, axis=1), step * (pace / gap))
        one_pace = float(pace[0]) if (pace == pace[0]).all() else None
        for n, count in enumerate((step <= steps).sum(axis=1).tolist()):
            moving = state[:, :, :count]  # a view: those with the most steps come first
            kalman.predict(moving, pace[:count] if one_pace is None else one_pace)
            kalman.correct(moving, way[:, n, :count], 1.0)
        self._state[:, :, columns] = state

    def _note(self, table: FloatArray, corners: FloatArray, scores: FloatArray, labels: FloatArray) -> None:
        """Writes down, in columns of the table, what was seen now."""
        clock = self._clock
        table[SCORE], table[LABEL], table[OBSERVED] = scores, labels, corners
        table[SEEN], table[SEEN_FRAME], table[SEEN_S] = clock.updates, clock.frame, clock.now_s
        past = self._past(table, clock.updates)
        past[:UPDATE], past[UPDATE] = (corners[:2] + corners[2:]) * 0.5, clock.updates

    def _begin(self, corners: FloatArray, scores: FloatArray, labels: FloatArray) -> None:
        table = np.zeros((len(self._table), len(scores)))
        table[PAST + UPDATE :: 3] = -np.inf
        self._note(table, corners, scores, labels)
        state = kalman.begin(kalman.to_measurement(corners))
        self._table = np.concatenate((self._table, table), axis=1)
        self._state = np.concatenate((self._state, state), axis=2)

    def _show(self) -> Tracks:
        """The tracks seen in this frame that have, or once had where that is enough, their streak."""
        table = self._table
        keep = table[SEEN] == self._clock.updates
        if self._clock.updates > self.min_hits:
            confirmed = table[STREAK] >= self.min_hits
            if self.confirm_once:
                confirmed |= table[CONFIRMED] > 0
            keep &= confirmed
        columns = keep.nonzero()[0]
        table[CONFIRMED, columns] = 1.0
        # A track gets its ID when it is first shown: what people see counts 1, 2, 3 without gaps.
        unnamed = columns[table[ID, columns] == 0]
        table[ID, unnamed] = np.arange(self._next_id, self._next_id + len(unnamed))
        self._next_id += len(unnamed)
        shown = table.take(columns, axis=1)
        return self._tracks(shown[OBSERVED], shown, np.zeros(len(columns)))

    def _tracks(self, corners: FloatArray, table: FloatArray, since_s: FloatArray) -> Tracks:
        boxes = np.ascontiguousarray(corners.T)
        ids, labels = table[ID].astype(np.int64), table[LABEL].astype(np.int64)
        return Tracks(boxes, ids, table[SCORE], labels, since_s, self._class_names)

    def _forget(self, grace_s: float) -> None:
        """Lets go the tracks whose time, and `grace_s`, ran out."""
        keep = self._clock.now_s - self._table[SEEN_S] <= self.max_age_s + grace_s + 1e-6
        if not keep.all():
            self._state = self._state.compress(keep, axis=2)
            self._table = self._table.compress(keep, axis=1)
