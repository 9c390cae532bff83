"""Precision, recall and F1 by confidence: what a threshold costs and brings, and the one to suggest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rtdet.evaluation.detection.average_precision import envelope
from rtdet.evaluation.detection.matching import Matches
from rtdet.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Counts:
    """True positives, false positives and false negatives (objects not found)."""

    tp: int
    fp: int
    fn: int

    @property
    def precision(self) -> float:
        """The share of the detections that are right; NaN without detections."""
        return self.tp / (self.tp + self.fp) if self.tp + self.fp else float("nan")

    @property
    def recall(self) -> float:
        """The share of the objects that are found; NaN without objects."""
        return self.tp / (self.tp + self.fn) if self.tp + self.fn else float("nan")

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; NaN when there is nothing to find and nothing was."""
        total = 2 * self.tp + self.fp + self.fn
        return 2 * self.tp / total if total else float("nan")


@dataclass(frozen=True, eq=False)
class Curve:
    """One class (or all together) at one overlap, by confidence.

    truths: objects to be found. confidences (N,) each score that occurs, falling; tp, fp (N,) the detections of
    at least that score that are right, and wrong.
    """

    name: str
    truths: int
    confidences: FloatArray
    tp: IntArray
    fp: IntArray

    @property
    def precision(self) -> FloatArray:
        """(N,); where nothing counts yet (all detections so far are left out) it is 1."""
        total = self.tp + self.fp
        return np.asarray(np.where(total > 0, self.tp / np.maximum(total, 1), 1.0))

    @property
    def recall(self) -> FloatArray:
        """(N,); 0 without objects."""
        return np.asarray(self.tp / max(self.truths, 1))

    @property
    def f1(self) -> FloatArray:
        """(N,); 0 where nothing is found."""
        return np.asarray(2 * self.tp / np.maximum(self.tp + self.fp + self.truths, 1))

    @property
    def interpolated(self) -> FloatArray:
        """(N,) the best precision at this recall or a higher one."""
        return envelope(self.precision)

    def at(self, confidence: float) -> Counts:
        """The counts of the detections with a score of at least `confidence`."""
        place = int(np.searchsorted(-self.confidences, -confidence, side="right")) - 1
        tp, fp = (int(self.tp[place]), int(self.fp[place])) if place >= 0 else (0, 0)
        return Counts(tp, fp, self.truths - tp)

    def best_confidence(self) -> float | None:
        """The confidence with the highest F1, of several the highest; None when nothing right is found."""
        if len(self.confidences) == 0 or self.f1.max() <= 0:
            return None
        return float(self.confidences[self.f1.argmax()])


def curve_of(name: str, matches: Matches) -> Curve:
    """The curve of one class, at the first overlap and range of sizes of its matches."""
    return _curve(name, int(matches.counted[0].sum()), matches.found.scores, matches.right(), matches.wrong())


def pooled_curve(name: str, matches: Sequence[Matches]) -> Curve:
    """The curve of several classes' detections together; what is found of a class without objects is wrong."""
    scores = np.concatenate([np.zeros(0), *(one.found.scores for one in matches)])
    right = np.concatenate([np.zeros(0, dtype=bool), *(one.right() for one in matches)])
    wrong = np.concatenate([np.zeros(0, dtype=bool), *(one.wrong() for one in matches)])
    order = np.argsort(-scores, kind="stable")
    truths = sum(int(one.counted[0].sum()) for one in matches)
    return _curve(name, truths, scores[order], right[order], wrong[order])


def _curve(name: str, truths: int, scores: FloatArray, right: BoolArray, wrong: BoolArray) -> Curve:
    """Of equal scores only the last counts: a threshold keeps all of them or none."""
    last = np.append(np.diff(scores) < 0, True)[: len(scores)]
    return Curve(name, truths, scores[last], np.cumsum(right)[last], np.cumsum(wrong)[last])
