"""ByteTrack (Zhang et al. 2022, arXiv 2110.06864): low-scoring detections may continue a track, never begin one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rtdet.geometry.pairing import heaviest_matching
from rtdet.trackers import kalman_xyah as kalman
from rtdet.trackers.association import Pairs, overlapping_pairs
from rtdet.trackers.camera_drift import CameraDrift
from rtdet.trackers.clock import Clock
from rtdet.trackers.intake import PUBLISHED_HIGH, accepted, score_lift
from rtdet.trackers.kalman import MEAN, VELOCITY, move, uncertainty, zoom
from rtdet.trackers.settings import check_times, require
from rtdet.types import BoolArray, Detections, FloatArray, IntArray, Tracks

# Rows of the table of what is known of each track (a column) beside its Kalman state.
ID, SCORE, BEST, LABEL, SEEN_FRAME, SEEN_S, BORN_FRAME, CONFIRMED = range(8)
# The published limits, as the least similarity: 1 minus the cost.
FIRST, SECOND, UNCONFIRMED = 0.1, 0.5, 0.3
DUPLICATE_IOU = 0.85


class ByteTrack:
    """The published tracker, its buffer of lost tracks in seconds.

    high           detections that score above it are matched first, by IoU times score. Not given: .6, or the
                   user's confidence where `set_confidence` tells it. Given, it may ask for more than that.
    low            those between `low` and `high` are offered to the tracks still left of the last frame.
    new_margin     a track begins with a score of at least high + new_margin; it is given out from its second
                   frame on (in the first frame of all, at once).
    max_age_s      a lost track waits this long.
    class_agnostic lets a detection of one class continue a track of another.
    fps            the source's nominal frame rate. Given, each update moves the tracks by the time that has
                   truly passed; not given, every update is one frame.
    coast_s        `predict` shows a track that was missed for this long.
    horizon_s      `predict` moves boxes by at most this much time.

    Raises UsageError for a setting out of its range.
    """

    def __init__(
        self,
        *,
        high: float | None = None,
        low: float = 0.1,
        new_margin: float = 0.1,
        max_age_s: float = 1.0,
        class_agnostic: bool = False,
        fps: float | None = None,
        coast_s: float = 0.3,
        horizon_s: float = 1.0,
    ) -> None:
        self._given = high or 0.0
        high = PUBLISHED_HIGH if high is None else high
        require(
            0 <= low <= high <= 1, f"low and high must be 0 to 1, and low at most high, not {low:g}, {high:g}"
        )
        require(0 <= new_margin <= 1, f"new_margin must be between 0 and 1, not {new_margin:g}")
        check_times(fps, max_age_s=max_age_s, coast_s=coast_s, horizon_s=horizon_s)
        self.high, self.low, self.new_margin = high, low, new_margin
        self.max_age_s, self.class_agnostic = max_age_s, class_agnostic
        self.fps, self.coast_s, self.horizon_s = fps, coast_s, horizon_s
        self._confidence = self._lift = 0.0
        self.reset()

    def reset(self) -> None:
        """Forgets everything; the next ID is 1."""
        self._state = np.zeros((5, 4, 0))
        self._table = np.zeros((8, 0))
        self._class_names: Sequence[str] = ()
        self._next_id = 1
        self._clock = Clock(self.fps)
        self._camera = CameraDrift()

    def move_camera(self, transform: FloatArray) -> None:
        """Takes the camera's step since the last update out of the tracks; see protocols.CompensatingTracker."""
        move(self._state, transform, (1.0, zoom(transform)))
        self._camera.take(transform)

    def set_confidence(self, confidence: float) -> None:
        """From now on `high` is the user's confidence, or what was given for it where that is more; in costs the
        confidence counts as the published threshold does, and only tracks that once scored as much are given out."""
        # A detector keeps scores of at least the confidence; here they must be above `high`.
        self._confidence, self.high = confidence, max(math.nextafter(confidence, -1), self._given)
        self._lift = score_lift(confidence)

    def update(self, detections: Detections, t: float) -> Tracks:
        """Takes in the detections of the frame at `t` seconds; gives the confirmed tracks seen in this frame."""
        corners, scores, labels = accepted(detections, min(self.low, self.high))
        self._class_names = detections.class_names
        tracked = self._move(t)
        confirmed, high = self._table[CONFIRMED] > 0, scores > self.high
        predicted = kalman.to_corners(self._state[MEAN])
        by_class = None if self.class_agnostic else (labels, self._table[LABEL])
        rows, columns, similarity = overlapping_pairs(corners, predicted, by_class)
        weighted = similarity * (scores + self._lift * (1 - scores))[rows]
        free, open_ = np.ones(len(scores), dtype=bool), np.ones(self._table.shape[1], dtype=bool)
        matched = []
        for weight, may_row, may_column, least in (
            (weighted, high, confirmed, FIRST),
            (similarity, ~high, confirmed & tracked, SECOND),
            (weighted, high, ~confirmed, UNCONFIRMED),
        ):
            may = (may_row & free).take(rows) & (may_column & open_).take(columns)
            chosen = (may & (weight > least)).nonzero()[0]
            if len(chosen) == 0:
                continue
            # The largest sum of what similarities exceed the stage's limit by is what an assignment with a cost limit
            # gives, in which staying alone costs half of the limit.
            r, c, worth = rows.take(chosen), columns.take(chosen), weight.take(chosen) - least
            best = heaviest_matching(r, c, worth, len(free), len(open_))
            matched.append((r.take(best), c.take(best)))
            free[matched[-1][0]], open_[matched[-1][1]] = False, False
        if matched:
            self._correct(matched, corners, scores, labels)
        self._keep((confirmed & (self._clock.now_s - self._table[SEEN_S] <= self.max_age_s + 1e-6)) | ~open_)
        new = free & (scores >= self.high + self.new_margin) & high
        if new.any():
            self._begin(corners[:, new], scores[new], labels[new])
        self._drop_duplicates()
        return self._show()

    def predict(self, t: float) -> Tracks:
        """Where the confirmed tracks are at `t` seconds, also those missed for a moment. Changes nothing."""
        ahead_s = self._clock.ahead_s(t)
        missed_s = self._clock.now_s - self._table[SEEN_S]
        longest_s = max(self.coast_s + 1e-6, 1.5 * self._clock.usual_step_s)
        shown = (self._table[ID] > 0) & (self._table[BEST] >= self._confidence)
        keep = (shown & (missed_s <= longest_s)).nonzero()[0]
        dt = min(max(ahead_s, -self.horizon_s), self.horizon_s) / self._clock.frame_s
        state, since_s = self._state.take(keep, axis=2), np.maximum(missed_s[keep] + ahead_s, 0.0)
        corners = self._camera.carry(kalman.to_corners(kalman.extrapolate(state, dt)), dt)
        tracks = self._tracks(corners, keep, since_s)
        kalman.predict(state, max(dt, 0.0))
        return replace(tracks, uncertainty=np.where(since_s > 0, uncertainty(state, tracks.boxes), 0.0))

    def _move(self, t: float) -> BoolArray:
        """Predicts all tracks to `t`; says which were seen in the frame before. Lost ones keep their height.

        Tracks whose time ran out within the step are gone, as they are where frames are counted: at most one
        usual update late."""
        tracked: BoolArray = self._table[SEEN_FRAME] == self._clock.frame
        dt = self._clock.advance(t)
        self._camera.advance(dt)
        longest_s = self.max_age_s + 1.5 * self._clock.usual_step_s
        in_time = np.asarray(self._clock.now_s - self._table[SEEN_S] <= longest_s)
        self._keep(in_time)
        tracked = tracked[in_time]
        self._state[VELOCITY, kalman.HEIGHT, ~tracked] = 0.0
        kalman.predict(self._state, dt)
        if not np.isfinite(self._state[MEAN]).all():
            finite = np.isfinite(self._state[MEAN]).all(axis=0)
            self._keep(np.asarray(finite))
            tracked = tracked[finite]
        return tracked

    def _correct(
        self, matched: list[Pairs], corners: FloatArray, scores: FloatArray, labels: FloatArray
    ) -> None:
        """Takes in what was matched, stage by stage."""
        rows, columns = matched[0] if len(matched) == 1 else np.concatenate(matched, axis=1)
        # All states, as one block, are faster than picking some.
        measured, measurement = np.zeros(self._table.shape[1]), self._state[MEAN].copy()
        measured[columns] = 1.0
        measurement[:, columns] = kalman.to_measurement(corners.take(rows, axis=1))
        kalman.correct(self._state, measurement, measured)
        some = self._table.take(columns, axis=1)
        some[SCORE], some[LABEL] = scores.take(rows), labels.take(rows)
        some[BEST] = np.maximum(some[BEST], some[SCORE])
        some[SEEN_FRAME], some[SEEN_S], some[CONFIRMED] = self._clock.frame, self._clock.now_s, 1.0
        self._table[:, columns] = some

    def _begin(self, corners: FloatArray, scores: FloatArray, labels: FloatArray) -> None:
        table = np.zeros((8, len(scores)))
        table[SCORE], table[BEST], table[LABEL] = scores, scores, labels
        table[SEEN_FRAME] = table[BORN_FRAME] = self._clock.frame
        table[SEEN_S] = self._clock.now_s
        table[CONFIRMED] = float(self._clock.updates == 1)
        self._table = np.concatenate((self._table, table), axis=1)
        state = kalman.begin(kalman.to_measurement(corners))
        self._state = np.concatenate((self._state, state), axis=2)

    def _drop_duplicates(self) -> None:
        """Of a track seen now and a lost one in the same place, the one that lived longer stays."""
        seen = self._table[SEEN_FRAME] == self._clock.frame
        lost = (~seen).nonzero()[0]
        if len(lost) == 0:
            return
        corners, label = kalman.to_corners(self._state[MEAN]), self._table[LABEL]
        labels = None if self.class_agnostic else (label.take(lost), label)
        b, a, overlap = overlapping_pairs(corners.take(lost, axis=1), corners, labels)
        same_place = ((overlap > DUPLICATE_IOU) & seen.take(a)).nonzero()[0]
        if len(same_place) == 0:
            return
        a, b = a[same_place], lost[b[same_place]]
        life = self._table[SEEN_FRAME] - self._table[BORN_FRAME]
        keep = np.ones(len(seen), dtype=bool)
        keep[np.where(life[a] > life[b], b, a)] = False
        self._keep(keep)

    def _show(self) -> Tracks:
        table = self._table
        shown = (table[CONFIRMED] > 0) & (table[BEST] >= self._confidence)
        columns = (shown & (table[SEEN_FRAME] == self._clock.frame)).nonzero()[0]
        # A track gets its ID when it is first shown: what people see counts 1, 2, 3 without gaps.
        unnamed = columns[table[ID, columns] == 0]
        table[ID, unnamed] = np.arange(self._next_id, self._next_id + len(unnamed))
        self._next_id += len(unnamed)
        corners = kalman.to_corners(self._state[MEAN].take(columns, axis=1))
        return self._tracks(corners, columns, np.zeros(len(columns)))

    def _tracks(self, corners: FloatArray, columns: IntArray, since_s: FloatArray) -> Tracks:
        boxes = np.ascontiguousarray(corners.T)
        table = self._table.take(columns, axis=1)
        ids, labels = table[ID].astype(np.int64), table[LABEL].astype(np.int64)
        return Tracks(boxes, ids, table[SCORE], labels, since_s, self._class_names)

    def _keep(self, tracks: BoolArray) -> None:
        if not tracks.all():
            self._state = self._state.compress(tracks, axis=2)
            self._table = self._table.compress(tracks, axis=1)
