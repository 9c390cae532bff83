"""From the heads' raw numbers to detections: threshold, decode, NMS. NumPy only, behind any back end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from rtdet.detectors.selection import select, strongest, wanted_names
from rtdet.detectors.ssd.coder import BoxCoder
from rtdet.geometry.letterbox import Letterbox
from rtdet.types import Detections, FloatArray, IntArray, Thresholds


def postprocess(
    offsets: FloatArray,
    logits: FloatArray,
    priors: FloatArray,
    letterbox: Letterbox,
    thresholds: Thresholds,
    class_names: Sequence[str],
    coder: BoxCoder | None = None,
    *,
    background: bool = False,
) -> Detections:
    """offsets (P, 4), logits (P, C), priors (P, 4) cxcywh, to Detections by falling score in pixels of the
    original image.

    With background (the paper's SSD; C counts it, as the first) a softmax gives the scores and a prior speaks
    for each wanted class that reaches the threshold; else every class has its sigmoid and a prior speaks for
    its best wanted class only. NMS is for each class alone. Outputs whose name is "" are left out of the
    Detections and of their `class_names`.
    """
    coder = coder or BoxCoder()
    rows, outputs, scores = candidates(logits, thresholds, class_names, background=background)
    boxes = letterbox.undo(coder.decode(np.asarray(offsets[rows], dtype=np.float64), priors[rows]))
    label_of, names = _labels(tuple(class_names))
    return select(boxes, scores, label_of[outputs], thresholds, names)


def candidates(
    logits: FloatArray, thresholds: Thresholds, class_names: Sequence[str], *, background: bool = False
) -> tuple[IntArray, IntArray, FloatArray]:
    """The prior, the output (without background) and the score (N,) of what speaks for an object before NMS."""
    wanted = _wanted_outputs(thresholds.classes, tuple(class_names))
    find = _softmax_candidates if background else _sigmoid_candidates
    rows, outputs, scores = find(logits, wanted, thresholds.least_score)
    kept = strongest(scores, np.arange(len(scores)))
    return rows[kept], outputs[kept], scores[kept]


def visible_names(class_names: Sequence[str]) -> tuple[str, ...]:
    """The names of the outputs that stand for a class."""
    return tuple(name for name in class_names if name)


_Candidates = tuple[IntArray, IntArray, FloatArray]


def _sigmoid_candidates(logits: FloatArray, wanted: IntArray, confidence: float) -> _Candidates:
    """Prior, output and score of each prior whose best wanted output reaches the threshold."""
    if not len(wanted):
        return wanted, wanted, np.zeros(0)
    # With many classes a copy of all logits would take longer than the rest; few rows reach the threshold.
    chosen = logits if len(wanted) == logits.shape[1] else logits[:, wanted]
    least = _logit(confidence)
    rows = _rows_near(chosen, least)
    best = chosen[rows].argmax(1)
    strength = chosen[rows, best].astype(np.float64)
    reached = strength >= least
    return rows[reached], wanted[best[reached]], 1 / (1 + np.exp(-strength[reached]))


def _rows_near(logits: FloatArray, least: float) -> IntArray:
    """The rows that may have a logit of at least `least`; where that spares no time, all."""
    # With many classes the largest logit of each row takes longer than all the rest, and few rows have one that comes
    # near. Compared in the logits' own precision, from the next number below.
    near = logits >= np.nextafter(logits.dtype.type(least), logits.dtype.type(-np.inf))
    if np.count_nonzero(near) > len(logits) // 4:
        return np.arange(len(logits))
    rows = np.flatnonzero(near) // logits.shape[1]
    is_new = np.ones(len(rows), dtype=bool)
    np.not_equal(rows[1:], rows[:-1], out=is_new[1:])
    return np.asarray(rows[is_new])


def _softmax_candidates(logits: FloatArray, wanted: IntArray, confidence: float) -> _Candidates:
    """Prior, output and score of each wanted output that reaches the threshold."""
    # A softmax over all is no more than one over two, which needs no exponential for the thousands of
    # priors that show nothing.
    margin = logits[:, 1:].max(1) - logits[:, 0]
    rows = np.flatnonzero(margin >= _logit(confidence) - 1e-3)
    chosen = np.asarray(logits[rows], dtype=np.float64)
    chances = np.exp(chosen - chosen.max(1, keepdims=True, initial=-np.inf))
    scores = (chances / chances.sum(1, keepdims=True))[:, wanted + 1]
    prior, column = np.nonzero(scores >= confidence)
    return rows[prior], wanted[column], scores[prior, column]


@lru_cache(maxsize=16)
def _wanted_outputs(classes: frozenset[str], class_names: tuple[str, ...]) -> IntArray:
    """The outputs that the thresholds' classes ask for. Not to be written to."""
    names = wanted_names(classes, class_names)
    return np.array([i for i, name in enumerate(class_names) if name and name in names], dtype=np.int64)


@lru_cache(maxsize=16)
def _labels(class_names: tuple[str, ...]) -> tuple[IntArray, tuple[str, ...]]:
    """The label of each output, and the names of the labels. Not to be written to."""
    return np.cumsum([name != "" for name in class_names]) - 1, visible_names(class_names)


def _logit(probability: float) -> float:
    if probability <= 0:
        return -math.inf
    return math.log(probability / (1 - probability)) if probability < 1 else math.inf
