"""rtdet's own tracker: the published ideas that proved worthwhile, on one common state, in true time.

In the order of an update: all tracks are predicted to the frame's time; the camera's step is read from the boxes
and taken out; then detections meet tracks in stages. Each part was kept because it pays on several sequences;
benchmarks/tracker_ablation.py takes them out one at a time.

- Two stages by score, and a lost track's patience in seconds: ByteTrack (Zhang et al. 2022, arXiv 2110.06864).
- Overlap of boxes that grow with a track's doubt, and height-aware: similarity.py.
- The camera's step from the boxes: camera_step.py.
- Velocities that fade, of each track and of the camera, and perspective: forecast.py.
- In a scene whose objects turn more than walkers do, filters that follow: agility.py.
- A class by vote, so that an ID survives a detector that wavers between car and truck.
"""

from __future__ import annotations

import math

import numpy as np

from rtdet.trackers import forecast
from rtdet.trackers.agility import Agility
from rtdet.trackers.association import Pairs
from rtdet.trackers.box_columns import to_centered, to_corners
from rtdet.trackers.camera_step import CameraStep, camera_step
from rtdet.trackers.clock import Clock
from rtdet.trackers.intake import PUBLISHED_HIGH, accepted, score_lift, seen_twice
from rtdet.trackers.matching import Matching, mutual_best
from rtdet.trackers.settings import ByClass, PerClass, check_times, require
from rtdet.trackers.similarity import SimilarPairs, similar_pairs
from rtdet.trackers.votes import ClassVotes
from rtdet.types import BoolArray, Detections, FloatArray, Tracks

# Rows of the table of what is known of each track (a column): its box (cx, cy, w, h), its motion as in forecast, and
# what has a row of its own.
BOX, MOTION = slice(0, 4), slice(4, 4 + forecast.ROWS)
ID, SCORE, BEST, LABEL, SEEN, SEEN_S, BORN_S, HITS, CONFIRMED, APART = range(MOTION.stop, MOTION.stop + 10)
ROWS = MOTION.stop + 10
# The score that begins a track where no user says.
NEW = 0.7
# The least similarity at which a detection may continue a track.
GATE, LOW_GATE, NEW_GATE = 0.3, 0.6, 0.1
# Where objects turn quickly, boxes lie farther from predictions: what scores low must fit less well, at least so.
AGILE_LOW_GATE = 0.4
# Of how far a detection lies off its track, as the filter has it, this part is in the box that is given out.
BELIEF = 0.35
# That part is soon of no more worth for where the track will be: the time constant of its fading, in seconds.
BELIEF_LASTS_S = 0.3
# Tracks turn and stop more often than their filters think: their doubt for matching, in standard deviations.
DOUBT = 4.0
# Root mean square error of a prediction, in its standard deviations; the same from .1 to 1 s ahead (MOT17).
ERROR = 1.4
# A camera's step of less, in box sizes, changes no match.
SMALL_STEP = 0.1
# What a pair of two classes counts for, against one of one class.
OTHER_CLASS = 0.6

# A lost track this similar to the detection of another is the same object, unless it has once been seen where no
# other detection was more similar to it than that.
DUPLICATE, ASIDE = 0.7, 0.3

# What may differ by class, and at most be.
BY_CLASS = {"high": 1.0, "new": 1.0, "sure": 1.0, "max_age_s": math.inf, "coast_s": math.inf}


class RtdetTracker:
    """rtdet's own tracker; the module says how it works.

    high           detections that score above it are matched first, by similarity times score. Not given: .6, or
                   the user's confidence where `set_confidence` tells it. Given, it may ask for more than that.
    low            those between `low` and `high` may go on with tracks seen in the last frame.
    new            a track begins with a score of at least this. Not given: .7, or the user's confidence, as `high`.
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
        high: float | None = None,
        low: float = 0.1,
        new: float | None = None,
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
        self._given = high or 0.0, new or 0.0
        high, new = PUBLISHED_HIGH if high is None else high, NEW if new is None else new
        require(
            0 <= low <= high <= 1, f"low and high must be 0 to 1, and low at most high, not {low:g}, {high:g}"
        )
        for name, value in (("new", new), ("sure", sure)):
            require(0 <= value <= 1, f"{name} must be between 0 and 1, not {value:g}")
        require(min_hits >= 1, f"min_hits must be a number of frames, 1 or more, not {min_hits}")
        check_times(fps, max_age_s=max_age_s, coast_s=coast_s, horizon_s=horizon_s)
        self.high, self.low, self.new, self.sure, self.min_hits = high, low, new, sure, min_hits
        self.max_age_s, self.coast_s, self.horizon_s = max_age_s, coast_s, horizon_s
        self.camera, self.class_agnostic, self.fps = camera, class_agnostic, fps
        self.per_class = PerClass(per_class, BY_CLASS)
        self._confidence = self._lift = 0.0
        self.reset()

    def reset(self) -> None:
        """Forgets everything; the next ID is 1."""
        self._table = np.zeros((ROWS, 0))
        self._votes = ClassVotes()
        self._class_names: tuple[str, ...] = ()
        self._next_id = 1
        self._reach = 1.0
        self._camera_velocity = forecast.CameraVelocity()
        self._agility = Agility()
        self._given_step: CameraStep | None = None
        self._step_s, self._deviation = 0.0, np.zeros(0)
        self._clock = Clock(self.fps)

    def set_confidence(self, confidence: float) -> None:
        """From now on `high` and `new` are the user's confidence, or what was given for them where that is more, and
        only tracks that once scored as much as the confidence are given out."""
        high, new = self._given
        self._confidence, self.new = confidence, max(confidence, new)
        # A detector keeps scores of at least the confidence; here they must be above `high`.
        self.high, self._lift = max(math.nextafter(confidence, -1), high), score_lift(confidence)

    def move_camera(self, transform: FloatArray) -> None:
        """The camera's step to the next update, which then is not read from the boxes; see
        protocols.CompensatingTracker."""
        grown, rolled = transform[:, 0]
        self._given_step = CameraStep(0j, complex(*transform[:, 2]), complex(grown - 1.0, rolled))

    def update(self, detections: Detections, t: float) -> Tracks:
        """Takes in the detections of the frame at `t` seconds; gives the confirmed tracks, also those missed for a
        moment (`since_update_s` above 0)."""
        self._class_names = tuple(detections.class_names)
        corners, scores, labels = accepted(detections, min(self.low, self.high))
        measurement = to_centered(corners)
        high = scores > self._limit("high", labels)
        knows_camera = self._move(t)
        pairs, settled = self._similar_to_predicted(measurement, labels), self._settled()
        if self.camera and not knows_camera and self._compensate_camera(pairs, measurement, high, settled):
            pairs = self._similar_to_predicted(measurement, labels)
        matching = self._match(pairs, scores, high, settled)
        self._correct(matching.pairs(), measurement, scores, labels)
        new = matching.free & high & (scores >= self._limit("new", labels))
        has_new = np.count_nonzero(new) > 0
        if has_new:
            new &= ~seen_twice(corners, scores, labels, new, matching.free)
        self._note_apart(pairs, matching)
        if np.count_nonzero(matching.open):
            self._keep(self._worth_keeping() & ~self._duplicates(pairs, matching))
        if has_new:
            self._begin(measurement[:, new], scores[new], labels[new])
        return self._show()

    def predict(self, t: float) -> Tracks:
        """Where the confirmed tracks are at `t` seconds, also those missed for a moment. Changes nothing."""
        ahead_s = self._clock.ahead_s(t)
        table = self._table.compress(self._visible(), axis=1)
        reach_s = min(max(ahead_s, -self.horizon_s), self.horizon_s)
        if reach_s != 0:
            off = table[BOX] - forecast.to_boxes(table[MOTION])
            off *= math.exp(-abs(reach_s) / BELIEF_LASTS_S)
            forecast.advance(table[MOTION], reach_s, self._agility.value)
            forecast.apply_step(table[MOTION], self._camera_velocity.ahead(reach_s))
            ahead = forecast.to_boxes(table[MOTION])
            np.add(ahead, off, out=table[BOX])
            # A box that shrinks as it goes away does not become none.
            np.maximum(table[BOX][2:], 0.5 * ahead[2:], out=table[BOX][2:])
        return self._tracks(table, ahead_s)

    def _move(self, t: float) -> bool:
        """Predicts all tracks to `t`, as the camera is known or expected to have moved; whether it is known. Tracks
        whose time ran out within the step are gone."""
        before_s = self._clock.now_s
        self._step_s = self._clock.advance(t) * self._clock.frame_s
        late_s = 1.5 * self._clock.usual_step_s
        if self._clock.now_s - before_s > late_s:
            longest_s = self._limit("max_age_s", self._table[LABEL]) + late_s
            self._keep(self._clock.now_s - self._table[SEEN_S] <= longest_s)
        motion = self._table[MOTION]
        forecast.advance(motion, self._step_s, self._agility.value)
        given, self._given_step = self._given_step, None
        if given is not None:
            self._camera_velocity.observe(given, self._step_s)
            forecast.apply_step(motion, given)
        elif self.camera:
            forecast.apply_step(motion, self._camera_velocity.expect(self._step_s))
        self._table[BOX] = forecast.to_boxes(motion)
        self._deviation = forecast.deviation(motion)
        return given is not None

    def _compensate_camera(
        self, pairs: SimilarPairs, measurement: FloatArray, high: BoolArray, settled: BoolArray
    ) -> bool:
        """Takes the camera's step out of the tracks; whether that moved them."""
        table = self._table
        if measurement.shape[1]:
            x = measurement[0]
            self._reach = max(self._reach, float(x[x.argmax()] - x[x.argmin()]) / 4)
        rows, columns, similarity = pairs
        chosen = high[rows] & settled[columns]
        rows, columns = mutual_best(
            rows[chosen], columns[chosen], similarity[chosen], (len(high), table.shape[1])
        )
        variance = self._deviation.take(columns) ** 2 + forecast.MEASURED_STD[0] ** 2
        before = table[BOX].take(columns, axis=1)
        step = camera_step(before, measurement.take(rows, axis=1), variance, self._reach)
        step = self._camera_velocity.observe(step, self._step_s)
        if step is None:
            return False
        forecast.apply_step(table[MOTION], step)
        table[BOX] = forecast.to_boxes(table[MOTION])
        moved = table[:2].take(columns, axis=1)
        moved -= before[:2]
        return bool(np.count_nonzero(np.abs(moved) > SMALL_STEP * before[2:]))

    def _match(
        self, pairs: SimilarPairs, scores: FloatArray, high: BoolArray, settled: BoolArray
    ) -> Matching:
        """Gives detections to tracks, stage by stage."""
        table = self._table
        confirmed = table[CONFIRMED] > 0
        matching = Matching(len(scores), table.shape[1])
        rows, columns, similarity = pairs
        # What scores low must fit better; where a track seen once goes, nobody knows.
        lifted = scores + self._lift * (1 - scores) if self._lift else scores
        worth = similarity * lifted.take(rows)
        is_old = table[HITS] > 1
        are_old = np.count_nonzero(is_old) == len(is_old)
        fits = worth > (GATE if are_old else np.where(is_old, GATE, NEW_GATE).take(columns))
        fits &= high.take(rows)
        of_confirmed = confirmed.take(columns)
        matching.settle(rows, columns, worth, fits & of_confirmed)
        if np.count_nonzero(high) < len(high):
            near = (similarity > max(LOW_GATE / self._agility.value, AGILE_LOW_GATE)) & ~high.take(rows)
            matching.settle(rows, columns, similarity, near & settled.take(columns))
        if np.count_nonzero(confirmed) < len(confirmed):
            matching.settle(rows, columns, worth, fits & ~of_confirmed)
        return matching

    def _settled(self) -> BoolArray:
        """(N,) mask of the confirmed tracks that were seen in the last frame."""
        return np.asarray((self._table[SEEN] == self._clock.updates - 1) & (self._table[CONFIRMED] > 0))

    def _similar_to_predicted(self, measurement: FloatArray, labels: FloatArray) -> SimilarPairs:
        """The pairs of detections and predicted tracks that are similar enough to be considered."""
        deviation = DOUBT * self._deviation
        return self._of_one_class(similar_pairs(measurement, self._table[BOX], deviation, NEW_GATE), labels)

    def _of_one_class(self, pairs: SimilarPairs, labels: FloatArray) -> SimilarPairs:
        """The pairs, with a lower similarity for those of two different classes."""
        if not self.class_agnostic:
            is_other = labels.take(pairs[0]) != self._table[LABEL].take(pairs[1])
            if np.count_nonzero(is_other):
                pairs[2][is_other] *= OTHER_CLASS
        return pairs

    def _correct(self, pairs: Pairs, measurement: FloatArray, scores: FloatArray, labels: FloatArray) -> None:
        rows, columns = pairs
        if len(rows) == 0:
            return
        measured, scores, labels = measurement.take(rows, axis=1), scores.take(rows), labels.take(rows)
        some = self._table.take(columns, axis=1)
        settled = some[CONFIRMED] > 0
        motion = some[MOTION]
        self._agility.observe(forecast.correct(motion, measured)[settled], self._step_s)
        boxes = forecast.to_boxes(motion)
        measured -= boxes
        measured *= BELIEF
        np.add(boxes, measured, out=some[BOX])
        some[SCORE] = scores
        np.maximum(some[BEST], scores, out=some[BEST])
        some[LABEL] = self._votes.vote(columns, labels, scores, some[LABEL])
        some[SEEN], some[SEEN_S] = self._clock.updates, self._clock.now_s
        hits = some[HITS]
        hits += 1
        some[CONFIRMED] = settled | (hits >= self.min_hits)
        self._table[:, columns] = some

    def _worth_keeping(self) -> BoolArray:
        table = self._table
        in_time = self._clock.now_s - table[SEEN_S] <= self._limit("max_age_s", table[LABEL]) + 1e-6
        return np.asarray((in_time & (table[CONFIRMED] > 0)) | (table[SEEN] == self._clock.updates))

    def _begin(self, measurement: FloatArray, scores: FloatArray, labels: FloatArray) -> None:
        table = np.zeros((ROWS, len(scores)))
        table[BOX] = measurement
        table[MOTION] = forecast.begin(measurement)
        table[LABEL], table[HITS] = labels, 1
        table[SCORE] = table[BEST] = scores
        table[SEEN], table[SEEN_S], table[BORN_S] = self._clock.updates, self._clock.now_s, self._clock.now_s
        at_once = self._clock.updates == 1 or self.min_hits == 1
        table[CONFIRMED] = (scores >= self._limit("sure", labels)) | at_once
        self._table = np.concatenate((self._table, table), axis=1)
        self._votes.begin(labels, scores)

    def _note_apart(self, pairs: SimilarPairs, matching: Matching) -> None:
        """Notes which tracks were seen where no detection of another was similar to them."""
        rows, columns, similarity = pairs
        is_near = similarity > ASIDE
        is_near &= matching.track_of.take(rows) != columns
        apart = ~matching.open
        apart[columns[is_near]] = False
        self._table[APART, apart] = 1

    def _duplicates(self, pairs: SimilarPairs, matching: Matching) -> BoolArray:
        """Of a track seen now and a lost one in the same place, the one that lived less long, (N,), if it was never
        seen apart from others: one detected twice at the start is, somebody who walks behind another is not."""
        rows, columns, similarity = pairs
        twice = np.zeros(self._table.shape[1], dtype=bool)
        track_of = matching.track_of.take(rows)
        close = (similarity > DUPLICATE) & matching.open.take(columns) & (track_of >= 0)
        if np.count_nonzero(close):
            seen, lost = track_of[close], columns[close]
            life_s = self._table[SEEN_S] - self._table[BORN_S]
            twice[np.where(life_s[seen] > life_s[lost], lost, seen)] = True
            twice &= self._table[APART] == 0
        return twice

    def _visible(self) -> BoolArray:
        missed_s = self._clock.now_s - self._table[SEEN_S]
        coast_s = self._limit("coast_s", self._table[LABEL])
        shown = missed_s <= coast_s + 1e-6
        shown &= self._table[CONFIRMED] > 0
        shown &= self._table[BEST] >= self._confidence
        return np.asarray(shown)

    def _show(self) -> Tracks:
        columns = self._visible().nonzero()[0]
        # A track gets its ID when it is first shown: what people see counts 1, 2, 3 without gaps.
        unnamed = columns[self._table[ID].take(columns) == 0]
        if len(unnamed):
            self._table[ID, unnamed] = np.arange(self._next_id, self._next_id + len(unnamed))
            self._next_id += len(unnamed)
        return self._tracks(self._table.take(columns, axis=1), 0.0)

    def _tracks(self, table: FloatArray, ahead_s: float) -> Tracks:
        since_s = self._clock.now_s - table[SEEN_S]
        if ahead_s:
            since_s += ahead_s
            np.maximum(since_s, 0.0, out=since_s)
        late = since_s > 0
        uncertainty = np.zeros(len(late))
        if np.count_nonzero(late):
            np.multiply(forecast.deviation(table[MOTION]), ERROR, out=uncertainty, where=late)
        boxes = to_corners(table[BOX]).T.copy()
        ids, labels = table[ID].astype(np.int64), table[LABEL].astype(np.int64)
        return Tracks.of_arrays(boxes, ids, table[SCORE], labels, since_s, self._class_names, uncertainty)

    def _keep(self, tracks: BoolArray) -> None:
        if np.count_nonzero(tracks) < len(tracks):
            self._table = self._table.compress(tracks, axis=1)
            self._votes.keep(tracks)

    def _limit(self, key: str, labels: FloatArray) -> FloatArray | float:
        """A setting for each of `labels`. What the user's confidence shuts out stays out whatever the class."""
        if not self.per_class:
            return float(getattr(self, key))
        values = self.per_class.values(key, getattr(self, key), labels, self._class_names)
        if isinstance(values, float) or key not in ("high", "new"):
            return values
        return np.maximum(values, math.nextafter(self._confidence, -1))
