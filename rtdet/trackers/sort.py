"""SORT, Simple Online and Realtime Tracking (Bewley et al. 2016, arXiv 1602.00763), all tracks at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rtdet.trackers import kalman
from rtdet.trackers.association import match
from rtdet.trackers.camera_drift import CameraDrift
from rtdet.trackers.clock import Clock
from rtdet.trackers.intake import accepted
from rtdet.trackers.settings import require
from rtdet.types import BoolArray, Detections, FloatArray, IntArray, Tracks

# Rows of the table of what is known of each track (a column) beside its Kalman state. A float64 holds any ID.
ID, SCORE, LABEL, SEEN_FRAME, SEEN_S, STREAK, CONFIRMED = range(7)

MOST_FRAMES = 10**9


class Sort:
    """The published tracker. Published settings: max_age 1, min_hits 3, every detection (min_score 0).

    max_age        frames that a track lives on without a detection. The default is a second of ordinary
                   video; with the published 1, an object that is missed twice gets a new ID.
    min_hits       matched frames in a row (after the first sight) before a track is given out. The first
                   `min_hits` frames give out every track.
    iou_threshold  pairs that overlap less do not match.
    min_score      only detections that score above it are taken; 0 takes every one. The default is what the
                   app's detectors give.
    class_agnostic lets a detection of one class continue a track of another. Off, so that a rider's ID does
                   not pass to the bicycle; with one class it makes no difference.
    confirm_once   a track once given out is given out again at its next detection. Off (published), a
                   missed frame costs a track another `min_hits` frames.
    fps            the source's nominal frame rate. Given, each update moves the tracks by the time that has
                   truly passed (a tenth of a frame at least) and ages count nominal frames, so dropped
                   frames do little harm. Not given, every update is one frame, as published. A steady
                   source gives the same either way.
    coast_s        `predict` shows a track that the last updates missed for this long, and for one missed
                   update in any case.
    horizon_s      `predict` moves boxes by at most this much time.

    Raises UsageError for a setting out of its range.
    """

    def __init__(
        self,
        *,
        max_age: int = 30,
        min_hits: int = 3,
        iou_threshold: float = 0.3,
        min_score: float = 0.25,
        class_agnostic: bool = False,
        confirm_once: bool = False,
        fps: float | None = None,
        coast_s: float = 0.3,
        horizon_s: float = 1.0,
    ) -> None:
        require(0 <= max_age <= MOST_FRAMES, f"max_age must be a number of frames, 0 or more, not {max_age}")
        require(
            0 <= min_hits <= MOST_FRAMES, f"min_hits must be a number of frames, 0 or more, not {min_hits}"
        )
        require(0 <= iou_threshold <= 1, f"iou_threshold must be between 0 and 1, not {iou_threshold:g}")
        require(0 <= min_score <= 1, f"min_score must be between 0 and 1, not {min_score:g}")
        require(fps is None or 1e-3 <= fps <= 1e5, f"fps must be between 0.001 and 100000, not {fps}")
        require(coast_s >= 0, f"coast_s must be seconds, 0 or more, not {coast_s:g}")
        require(0 <= horizon_s < math.inf, f"horizon_s must be seconds, 0 or more, not {horizon_s:g}")
        self.max_age, self.min_hits = max_age, min_hits
        self.iou_threshold, self.min_score = iou_threshold, min_score
        self.class_agnostic, self.confirm_once = class_agnostic, confirm_once
        self.fps, self.coast_s, self.horizon_s = fps, coast_s, horizon_s
        self.reset()

    def reset(self) -> None:
        """Forgets everything; the next ID is 1."""
        self._state = np.zeros((5, 4, 0))
        self._table = np.zeros((7, 0))
        self._class_names: Sequence[str] = ()
        self._next_id = 1
        self._clock = Clock(self.fps)
        self._camera = CameraDrift()

    def move_camera(self, transform: FloatArray) -> None:
        """Takes the camera's step since the last update out of the tracks; see protocols.CompensatingTracker."""
        kalman.move(self._state, transform, (kalman.zoom(transform) ** 2, 1.0))
        self._camera.take(transform)

    def update(self, detections: Detections, t: float) -> Tracks:
        """Takes in the detections of the frame at `t` seconds; gives the confirmed tracks seen in this frame.

        Boxes are the filter's. Boxes that are not finite, have no area or lie beyond 1e9 pixels are left out.
        A `t` that is missing (None, NaN), equal or earlier counts as one usual step.
        """
        corners, scores, labels = accepted(detections, self.min_score)
        self._class_names = detections.class_names
        dt = self._clock.advance(t)
        self._camera.advance(dt)
        predicted = self._move(dt)
        by_class = None if self.class_agnostic else (labels, self._table[LABEL])
        rows, columns = match(corners, predicted, self.iou_threshold, by_class)
        measurement = kalman.to_measurement(corners)
        self._correct(columns, measurement.take(rows, axis=1), scores.take(rows), labels.take(rows))
        if len(rows) < corners.shape[1]:
            new = np.ones(corners.shape[1], dtype=bool)
            new[rows] = False
            self._begin(measurement[:, new], scores[new], labels[new])
        shown = self._show()
        self._forget()
        return shown

    def predict(self, t: float) -> Tracks:
        """Where the confirmed tracks are at `t` seconds, also those that were missed for a moment.

        Changes nothing. Boxes move by at most `horizon_s`; `since_update_s` goes on counting.
        """
        ahead_s = self._clock.ahead_s(t)
        missed_s = self._clock.now_s - self._table[SEEN_S]
        longest_s = max(self.coast_s + 1e-6, 1.5 * self._clock.usual_step_s)
        keep = (self._table[CONFIRMED] > 0) & (missed_s <= longest_s)
        if not keep.any():
            return Tracks(class_names=self._class_names)
        dt = min(max(ahead_s, -self.horizon_s), self.horizon_s) / self._clock.frame_s
        state = self._state[:, :, keep]
        since_s = np.maximum(missed_s[keep] + ahead_s, 0.0)
        corners = self._camera.carry(kalman.to_corners(kalman.extrapolate(state, dt)), dt)
        tracks = self._tracks(corners, self._table[:, keep], since_s)
        kalman.predict(state, max(dt, 0.0))
        uncertainty = kalman.uncertainty(state, tracks.boxes)
        return replace(tracks, uncertainty=np.where(since_s > 0, uncertainty, 0.0))

    def _move(self, dt: float) -> FloatArray:
        """Predicts all tracks `dt` frames on; their corners (4, N). A track without a finite box goes; all go
        in a gap longer than any track lives, unless updates are usually that far apart."""
        if self._table.shape[1] == 0:
            return np.zeros((4, 0))
        if dt > self.max_age + 1 and dt > 3 * self._clock.usual_step_s / self._clock.frame_s:
            self._keep(np.zeros(self._table.shape[1], dtype=bool))
            return np.zeros((4, 0))
        kalman.predict(self._state, dt)
        corners = kalman.to_corners(self._state[kalman.MEAN])
        if not np.isfinite(corners).all():
            finite = np.asarray(np.isfinite(corners).all(axis=0))
            self._keep(finite)
            corners = corners[:, finite]
        return corners

    def _correct(
        self, columns: IntArray, measurement: FloatArray, scores: FloatArray, labels: FloatArray
    ) -> None:
        """Takes in what was matched, one measurement for each of `columns`; the others' streaks end."""
        matched = np.zeros(self._table.shape[1])
        matched[columns] = 1.0
        every = self._state[kalman.MEAN].copy()
        every[:, columns] = measurement
        kalman.correct(self._state, every, matched)
        _, score, label, seen_frame, seen_s, streak, _ = self._table
        score[columns], label[columns] = scores, labels
        seen_frame[columns], seen_s[columns] = self._clock.frame, self._clock.now_s
        streak += 1.0
        streak *= matched

    def _begin(self, measurement: FloatArray, scores: FloatArray, labels: FloatArray) -> None:
        count = len(scores)
        table = np.zeros((7, count))
        table[SCORE], table[LABEL] = scores, labels
        table[SEEN_FRAME], table[SEEN_S] = self._clock.frame, self._clock.now_s
        self._table = np.concatenate((self._table, table), axis=1)
        self._state = np.concatenate((self._state, kalman.begin(measurement)), axis=2)

    def _show(self) -> Tracks:
        """The tracks seen in this frame that have, or once had where that is enough, their streak."""
        table = self._table
        keep = table[SEEN_FRAME] == self._clock.frame
        if self._clock.updates > self.min_hits:
            confirmed = table[STREAK] >= self.min_hits
            if self.confirm_once:
                confirmed |= table[CONFIRMED] > 0
            keep &= confirmed
        columns = keep.nonzero()[0]
        table[CONFIRMED][columns] = 1.0
        # A track gets its ID when it is first shown: what people see counts 1, 2, 3 without gaps.
        unnamed = columns[table[ID][columns] == 0]
        table[ID][unnamed] = np.arange(self._next_id, self._next_id + len(unnamed))
        self._next_id += len(unnamed)
        corners = kalman.to_corners(self._state[kalman.MEAN].take(columns, axis=1))
        return self._tracks(corners, table.take(columns, axis=1), np.zeros(len(columns)))

    def _tracks(self, corners: FloatArray, table: FloatArray, since_s: FloatArray) -> Tracks:
        boxes = np.ascontiguousarray(corners.T)
        ids, labels = table[ID].astype(np.int64), table[LABEL].astype(np.int64)
        return Tracks(boxes, ids, table[SCORE], labels, since_s, self._class_names)

    def _forget(self) -> None:
        # Half a frame of tolerance: with true times, a frame is never exactly one.
        oldest = self._clock.frame - self.max_age - 0.5
        if self._table[SEEN_FRAME].min(initial=self._clock.frame) <= oldest:
            self._keep(self._table[SEEN_FRAME] > oldest)

    def _keep(self, tracks: BoolArray) -> None:
        self._state = self._state.compress(tracks, axis=2)
        self._table = self._table.compress(tracks, axis=1)
