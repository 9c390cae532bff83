"""rtdet's own tracker: what pays among the published ideas, one state, true time.

In the order of an update: all tracks are predicted to the frame's time; the camera's step is read from the boxes
and taken out; then detections meet tracks in stages. Each part was kept because it pays on several sequences;
benchmarks/tracker_ablation.py takes them out one at a time.

- Two stages by score, and a lost track's patience in seconds: ByteTrack (Zhang et al. 2022, arXiv 2110.06864).
- Boxes that nothing predicted meet the tracks' last observations: OC-SORT (Cao et al. 2023, arXiv 2203.14360).
- Height-aware IoU: Hybrid-SORT (Yang et al. 2024, arXiv 2308.00783).
- A class by vote, so that an ID survives a detector that wavers between car and truck.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from rtdet.errors import UsageError
from rtdet.trackers import kalman_xywh as kalman
from rtdet.trackers.association import Pairs, heaviest_matching, is_one_to_one, overlapping_pairs
from rtdet.trackers.camera_step import camera_step
from rtdet.trackers.clock import Clock
from rtdet.trackers.intake import accepted, score_lift
from rtdet.trackers.per_class import ByClass, PerClass
from rtdet.trackers.similarity import similar_pairs
from rtdet.trackers.votes import ClassVotes
from rtdet.types import BoolArray, Detections, FloatArray, IntArray, Tracks

# Rows of the table of what is known of each track (a column) beside its motion; the last four are the last
# observation, cx, cy, w, h.
ID, SCORE, BEST, LABEL, SEEN, SEEN_S, BORN_S, HITS, CONFIRMED = range(9)
OBSERVED = slice(9, 13)
# The least similarity at which a detection may continue a track.
GATE, LOW_GATE, NEW_GATE = 0.3, 0.5, 0.1
# A camera's step of less, in box sizes, changes no match.
SMALL_STEP = 0.02
# What a pair of two classes counts for, against one of one class.
OTHER_CLASS = 0.6
# One object found as two classes: overlap of a detection with a matched one of another class.
SAME_OBJECT = 0.8
DUPLICATE_IOU = 0.85

# What may differ by class.
BY_CLASS = ("high", "new", "sure", "max_age_s", "coast_s")

SimilarPairs = tuple[IntArray, IntArray, FloatArray]


class RtdetTracker:
    """See the module.

    high           detections that score above it are matched first, by similarity times score.
    low            those between `low` and `high` may go on with tracks seen in the last frame.
    new            a track begins with a score of at least this.
    sure           a track that begins with a score of at least this is given out at once.
    min_hits       frames in a row that any other must be seen in before (in the first frame of all, one).
    max_age_s      a lost track waits this long.
    coast_s        `update` gives out a confirmed track that was missed, where it should be, for this long.
    camera         take the camera's step, read from the boxes, out of the tracks' motion.
    class_agnostic a detection of another class continues a track as well as one of its own.
    per_class      other values of `high`, `new`, `sure`, `max_age_s` and `coast_s` for some classes:
                   {"person": {"max_age_s": 2.0}}.
    fps            the source's nominal frame rate. Given, each update moves the tracks by the time that has
                   truly passed; not given, every update is one frame.
    horizon_s      `predict` moves boxes by at most this much time.

    Raises UsageError for a setting out of its range.
    """

    def __init__(
        self,
        *,
        high: float = 0.6,
        low: float = 0.1,
        new: float = 0.7,
        sure: float = 0.8,
        min_hits: int = 2,
        max_age_s: float = 1.0,
        coast_s: float = 0.2,
        camera: bool = True,
        class_agnostic: bool = False,
        per_class: ByClass | None = None,
        fps: float | None = None,
        horizon_s: float = 1.0,
    ) -> None:
        _require(0 <= low <= high <= 1, f"low and high are 0 to 1 and low is no more, not {low:g}, {high:g}")
        for name, value in (("new", new), ("sure", sure)):
            _require(0 <= value <= 1, f"{name} is between 0 and 1, not {value:g}")
        _require(min_hits >= 1, f"min_hits is frames, 1 or more, not {min_hits}")
        _require(fps is None or 1e-3 <= fps <= 1e5, f"fps is between 0.001 and 100000, not {fps}")
        for name, value in (("max_age_s", max_age_s), ("coast_s", coast_s), ("horizon_s", horizon_s)):
            _require(0 <= value < math.inf, f"{name} is seconds, 0 or more, not {value:g}")
        self.high, self.low, self.new, self.sure, self.min_hits = high, low, new, sure, min_hits
        self.max_age_s, self.coast_s, self.horizon_s = max_age_s, coast_s, horizon_s
        self.camera, self.class_agnostic, self.fps = camera, class_agnostic, fps
        self.per_class = PerClass(per_class, BY_CLASS)
        self._confidence = self._lift = 0.0
        self.reset()

    def reset(self) -> None:
        """Forgets everything; the next ID is 1."""
        self._motion = np.zeros((8, 0))
        self._spread = np.zeros((3, 0))
        self._table = np.zeros((13, 0))
        self._class_names: Sequence[str] = ()
        self._next_id = 1
        self._votes = ClassVotes()
        self._reach = 0.0
        self._clock = Clock(self.fps)

    def set_confidence(self, confidence: float) -> None:
        """From now on `high` and `new` are the user's confidence, and only tracks that once scored as much are given
        out."""
        self._confidence = self.new = confidence
        # A detector keeps scores of at least the confidence; here they must be above `high`.
        self.high, self._lift = math.nextafter(confidence, -1), score_lift(confidence)

    def update(self, detections: Detections, t: float) -> Tracks:
        """Takes in the detections of the frame at `t` seconds; gives the confirmed tracks, also those missed for a
        moment (`since_update_s` above 0)."""
        self._class_names = detections.class_names
        corners, scores, labels = accepted(detections, min(self.low, self.high))
        measurement = kalman.to_measurement(corners)
        self._move(t)
        high = scores > self._limit("high", labels)
        pairs = self._similar_to_predicted(corners, labels)
        if self.camera and self._follow_camera(pairs, corners, measurement, high):
            pairs = self._similar_to_predicted(corners, labels)
        free = self._match(pairs, corners, measurement, scores, labels, high)
        self._keep(self._worth_keeping())
        new = free & high & (scores >= self._limit("new", labels))
        new &= ~_seen_twice(corners, scores, labels, new, free)
        self._begin(measurement[:, new], scores[new], labels[new])
        self._drop_duplicates()
        return self._show()

    def predict(self, t: float) -> Tracks:
        """Where the confirmed tracks are at `t` seconds, also those missed for a moment. Changes nothing."""
        ahead_s = self._clock.ahead_s(t)
        columns = self._visible().nonzero()[0]
        dt = min(max(ahead_s, -self.horizon_s), self.horizon_s) / self._clock.frame_s
        motion, spread = self._motion.take(columns, axis=1), self._spread.take(columns, axis=1)
        kalman.predict(motion, spread, dt)
        return self._tracks(motion, spread, columns, ahead_s)

    def _move(self, t: float) -> None:
        """Predicts all tracks to `t`. Lost ones keep their size. Tracks whose time ran out within the step are
        gone."""
        lost = self._table[SEEN] < self._clock.updates
        self._motion[kalman.SIZE_VELOCITY, lost] = 0.0
        dt = self._clock.advance(t)
        longest_s = self._limit("max_age_s", self._table[LABEL]) + 1.5 * self._clock.usual_step_s
        self._keep(self._clock.now_s - self._table[SEEN_S] <= longest_s)
        kalman.predict(self._motion, self._spread, dt)

    def _follow_camera(
        self, pairs: SimilarPairs, corners: FloatArray, measurement: FloatArray, high: BoolArray
    ) -> bool:
        """Takes the camera's step out of the tracks and of their last observations; whether that moved them."""
        if corners.shape[1]:
            self._reach = max(self._reach, float(corners[2].max() - corners[0].min()) / 4)
        rows, columns, similarity = pairs
        seen = (self._table[SEEN] == self._clock.updates - 1) & (self._table[CONFIRMED] > 0)
        chosen = high[rows] & seen[columns]
        rows, columns = _best_sum(rows[chosen], columns[chosen], similarity[chosen], (len(high), len(seen)))
        before = self._motion[:2, columns]
        variance = self._spread[kalman.VAR, columns] + kalman.MEASURED_STD**2
        step = camera_step(self._motion[:4, columns], measurement[:, rows], variance, self._reach)
        if step is None:
            return False
        step.apply(self._motion)
        step.apply(self._table[OBSERVED])
        return bool(
            (
                np.abs(self._motion[:2, columns] - before) > SMALL_STEP * self._motion[kalman.SIZE, columns]
            ).any()
        )

    def _match(
        self,
        pairs: SimilarPairs,
        corners: FloatArray,
        measurement: FloatArray,
        scores: FloatArray,
        labels: FloatArray,
        high: BoolArray,
    ) -> BoolArray:
        """Gives detections to tracks, stage by stage; which (M,) stayed free."""
        table = self._table
        confirmed, just_seen = table[CONFIRMED] > 0, table[SEEN] == self._clock.updates - 1
        free, open_ = np.ones(len(scores), dtype=bool), np.ones(table.shape[1], dtype=bool)
        # What scores low must fit better; where a track seen once goes, nobody knows.
        weight = scores + self._lift * (1 - scores)
        gate = np.where(table[HITS] > 1, GATE, NEW_GATE)
        for stage, may_row, may_column in (
            ("high", high, confirmed),
            ("low", ~high, confirmed & just_seen),
            ("again", high, confirmed),
            ("new", high, ~confirmed),
        ):
            may_row, may_column = may_row & free, may_column & open_
            if not may_row.any() or not may_column.any():
                continue
            if stage == "again":
                rows, columns, worth = self._similar_to_observed(corners, labels)
                fits = worth > GATE
            elif stage == "low":
                rows, columns, worth = pairs
                fits = worth > LOW_GATE
            else:
                rows, columns, worth = pairs
                worth = worth * weight[rows]
                fits = worth > gate[columns]
            chosen = may_row[rows] & may_column[columns] & fits
            matched = _best_sum(rows[chosen], columns[chosen], worth[chosen], (len(free), len(open_)))
            free[matched[0]], open_[matched[1]] = False, False
            self._correct(matched, measurement, scores, labels)
        return free

    def _similar_to_predicted(self, corners: FloatArray, labels: FloatArray) -> SimilarPairs:
        deviation = np.sqrt(self._spread[kalman.VAR])
        return self._similar(corners, labels, self._motion, deviation)

    def _similar_to_observed(self, corners: FloatArray, labels: FloatArray) -> SimilarPairs:
        return self._similar(corners, labels, self._table[OBSERVED], np.zeros(self._table.shape[1]))

    def _similar(
        self, corners: FloatArray, labels: FloatArray, boxes: FloatArray, deviation: FloatArray
    ) -> SimilarPairs:
        """Indices of detections and tracks (at `boxes`, cx, cy, w, h), and similarity, of pairs worth a look."""
        rows, columns, similarity = similar_pairs(corners, kalman.to_corners(boxes), deviation, NEW_GATE)
        if not self.class_agnostic:
            similarity[labels[rows] != self._table[LABEL, columns]] *= OTHER_CLASS
        return rows, columns, similarity

    def _correct(self, pairs: Pairs, measurement: FloatArray, scores: FloatArray, labels: FloatArray) -> None:
        rows, columns = pairs
        if len(rows) == 0:
            return
        measured = measurement.take(rows, axis=1)
        kalman.correct(self._motion, self._spread, columns, measured)
        table = self._table
        table[OBSERVED, columns] = measured
        table[SCORE, columns] = scores[rows]
        table[LABEL, columns] = self._votes.vote(columns, labels[rows], scores[rows], table[LABEL, columns])
        table[BEST, columns] = np.maximum(table[BEST, columns], scores[rows])
        table[SEEN, columns], table[SEEN_S, columns] = self._clock.updates, self._clock.now_s
        table[HITS, columns] += 1
        table[CONFIRMED, columns] = np.maximum(
            table[CONFIRMED, columns], table[HITS, columns] >= self.min_hits
        )

    def _worth_keeping(self) -> BoolArray:
        table = self._table
        in_time = self._clock.now_s - table[SEEN_S] <= self._limit("max_age_s", table[LABEL]) + 1e-6
        return np.asarray((in_time & (table[CONFIRMED] > 0)) | (table[SEEN] == self._clock.updates))

    def _begin(self, measurement: FloatArray, scores: FloatArray, labels: FloatArray) -> None:
        table = np.zeros((13, len(scores)))
        table[SCORE], table[BEST], table[LABEL] = scores, scores, labels
        table[HITS], table[OBSERVED] = 1, measurement
        table[SEEN], table[SEEN_S], table[BORN_S] = self._clock.updates, self._clock.now_s, self._clock.now_s
        at_once = self._clock.updates == 1 or self.min_hits == 1
        table[CONFIRMED] = (scores >= self._limit("sure", labels)) | at_once
        self._votes.begin(labels, scores)
        motion, spread = kalman.begin(measurement)
        self._table = np.concatenate((self._table, table), axis=1)
        self._motion = np.concatenate((self._motion, motion), axis=1)
        self._spread = np.concatenate((self._spread, spread), axis=1)

    def _drop_duplicates(self) -> None:
        """Of a track seen now and a lost one in the same place, the one that lived longer stays."""
        table = self._table
        seen = table[SEEN] == self._clock.updates
        now, lost = seen.nonzero()[0], (~seen).nonzero()[0]
        if len(now) == 0 or len(lost) == 0:
            return
        corners = kalman.to_corners(self._motion)
        a, b, overlap = overlapping_pairs(corners[:, now], corners[:, lost])
        same_place = overlap > DUPLICATE_IOU
        a, b = now[a[same_place]], lost[b[same_place]]
        life_s = table[SEEN_S] - table[BORN_S]
        keep = np.ones(len(seen), dtype=bool)
        keep[np.where(life_s[a] > life_s[b], b, a)] = False
        self._keep(keep)

    def _visible(self) -> BoolArray:
        missed_s = self._clock.now_s - self._table[SEEN_S]
        coast_s = self._limit("coast_s", self._table[LABEL])
        shown = (self._table[SEEN] == self._clock.updates) | (missed_s <= coast_s + 1e-6)
        return np.asarray(shown & (self._table[CONFIRMED] > 0) & (self._table[BEST] >= self._confidence))

    def _show(self) -> Tracks:
        columns = self._visible().nonzero()[0]
        # A track gets its ID when it is first shown: what people see counts 1, 2, 3 without gaps.
        unnamed = columns[self._table[ID, columns] == 0]
        self._table[ID, unnamed] = np.arange(self._next_id, self._next_id + len(unnamed))
        self._next_id += len(unnamed)
        motion, spread = self._motion.take(columns, axis=1), self._spread.take(columns, axis=1)
        return self._tracks(motion, spread, columns, 0.0)

    def _tracks(self, motion: FloatArray, spread: FloatArray, columns: IntArray, ahead_s: float) -> Tracks:
        table = self._table.take(columns, axis=1)
        since_s = np.maximum(self._clock.now_s - table[SEEN_S] + ahead_s, 0.0)
        uncertainty = kalman.uncertainty(motion, spread)
        uncertainty[since_s == 0] = 0.0
        boxes = np.ascontiguousarray(kalman.to_corners(motion).T)
        ids, labels = table[ID].astype(np.int64), table[LABEL].astype(np.int64)
        return Tracks(boxes, ids, table[SCORE], labels, since_s, self._class_names, uncertainty)

    def _keep(self, tracks: BoolArray) -> None:
        if not tracks.all():
            self._motion = self._motion.compress(tracks, axis=1)
            self._spread = self._spread.compress(tracks, axis=1)
            self._table = self._table.compress(tracks, axis=1)
            self._votes.keep(tracks)

    def _limit(self, key: str, labels: FloatArray) -> FloatArray | float:
        """A setting for each of `labels`. What the user's confidence shuts out stays out whatever the class."""
        values = self.per_class.values(key, getattr(self, key), labels, self._class_names)
        if isinstance(values, float) or key not in ("high", "new"):
            return values
        return np.maximum(values, math.nextafter(self._confidence, -1))


def _seen_twice(
    corners: FloatArray, scores: FloatArray, labels: FloatArray, new: BoolArray, free: BoolArray
) -> BoolArray:
    """Which (M,) of the `new` detections are another one of another class once more: one that a track has taken, or
    a new one that scores higher."""
    twice = np.zeros(len(new), dtype=bool)
    if not new.any() or (labels == labels[0]).all():
        return twice
    candidates, others = new.nonzero()[0], (new | ~free).nonzero()[0]
    a, b, overlap = overlapping_pairs(corners[:, candidates], corners[:, others])
    a, b = candidates[a], others[b]
    wins = ~free[b] | (scores[b] > scores[a]) | ((scores[b] == scores[a]) & (b < a))
    twice[a[(overlap > SAME_OBJECT) & (labels[a] != labels[b]) & wins]] = True
    return twice


def _best_sum(rows: IntArray, columns: IntArray, weight: FloatArray, counts: tuple[int, int]) -> Pairs:
    """The one-to-one pairs with the largest sum of weights."""
    if len(rows) > 0 and not is_one_to_one(rows, columns):
        chosen = heaviest_matching(rows, columns, weight, *counts)
        rows, columns = rows[chosen], columns[chosen]
    return rows, columns


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise UsageError(message)
