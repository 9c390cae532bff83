"""Calibrates scores, so that a detection of score 0.7 is right seven times in ten.

Platt scaling (Platt 1999, "Probabilistic outputs for support vector machines"): a logistic regression from
the network's logit to whether the detection was right, on pictures that were not trained on. Two numbers
come out for each class, and they are folded into the score heads, so that the model stays one plain network and
the order of a class's detections, hence its AP, stays nearly what it was: a prior speaks for its best class only,
which may be another one then.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from rtdet.datasets import Sample
from rtdet.detectors.family.network import DetectionNetwork
from rtdet.geometry.boxes import area, iou
from rtdet.types import BoolArray, Detections, FloatArray, IntArray

# How far a class's scale and shift are thought to lie from those of all classes, as standard deviations.
SPREAD = (0.2, 0.5)


def is_right(found: Detections, truth: Sample, min_iou: float = 0.5) -> BoolArray:
    """(N,) mask of the detections that hit an object of their class, each object once, by falling score."""
    right = np.zeros(len(found), dtype=bool)
    overlaps = iou(found.boxes, truth.boxes)
    same_class = found.labels[:, None] == truth.labels[None, :]
    overlaps[~same_class | truth.ignored[None, :]] = 0
    for row in np.argsort(-found.scores, kind="stable"):
        if overlaps.shape[1] and overlaps[row].max() >= min_iou:
            right[row] = True
            overlaps[:, overlaps[row].argmax()] = 0
    return right


def counts(found: Detections, truth: Sample, right: BoolArray) -> BoolArray:
    """(N,) mask of the detections that are right or wrong: not those of a class whose labels are incomplete in the
    picture, nor wrong ones that lie in an ignored region by half."""
    ignored = truth.boxes[truth.ignored]
    left_top = np.maximum(found.boxes[:, None, :2], ignored[None, :, :2])
    right_bottom = np.minimum(found.boxes[:, None, 2:], ignored[None, :, 2:])
    shared = np.prod(np.maximum(right_bottom - left_top, 0), axis=-1)
    within = shared > 0.5 * np.maximum(area(found.boxes), 1e-9)[:, None]
    unknown = np.isin(found.labels, sorted(truth.incomplete))
    return np.asarray(~unknown & (right | ~within.any(axis=1)))


def pooled(found: Sequence[Detections], truths: Sequence[Sample]) -> tuple[FloatArray, BoolArray, IntArray]:
    """Score of each detection that counts, whether it is right, and its label, over all pictures."""
    scores, hits, labels = [np.zeros(0)], [np.zeros(0, dtype=bool)], [np.zeros(0, dtype=np.int64)]
    for one, truth in zip(found, truths, strict=True):
        right = is_right(one, truth)
        keep = counts(one, truth, right)
        scores.append(one.scores[keep])
        hits.append(right[keep])
        labels.append(one.labels[keep])
    return np.concatenate(scores), np.concatenate(hits), np.concatenate(labels)


def fit_platt(
    scores: FloatArray, right: BoolArray, around: tuple[float, float] | None = None
) -> tuple[float, float]:
    """(scale, shift) for which sigmoid(scale * logit(score) + shift) is the likeliest to give `right`.

    scores (N,) in (0, 1). Newton's method on the log likelihood, with Platt's softened targets, which keep it
    finite where every detection is right or none is. around: what both are taken to be, give or take SPREAD, before
    anything was seen; it takes the place of the softened targets. Raises ValueError where there is neither a
    detection nor that.
    """
    if len(scores) == 0 and around is None:
        raise ValueError("nothing was detected, so there is nothing to calibrate by")
    clipped = np.clip(scores, 1e-6, 1 - 1e-6)
    x = np.stack([np.log(clipped / (1 - clipped)), np.ones(len(scores))], axis=1)
    hits = int(right.sum())
    target = np.where(right, (hits + 1) / (hits + 2), 1 / (len(right) - hits + 2))
    center, belief = np.array([1.0, 0.0]), 1e-6 * np.eye(2)
    if around is not None:
        target = right.astype(np.float64)
        center, belief = np.array(around), np.diag(1 / np.square(SPREAD))
    weights = center.copy()
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -50, 50)))
        curvature = (x * (p * (1 - p))[:, None]).T @ x + belief
        pull = belief @ (weights - center) if around is not None else 0
        step = np.linalg.solve(curvature, x.T @ (p - target) + pull)
        weights -= np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-9:
            break
    return float(weights[0]), float(weights[1])


def fit_by_class(scores: FloatArray, right: BoolArray, labels: IntArray, classes: int) -> FloatArray:
    """(C, 2) scale and shift of each class. They are drawn towards what fits all classes together: entirely for a
    class that was never detected, hardly for one with hundreds of detections. labels (N,) of the detections.
    Raises ValueError without detections."""
    common = fit_platt(scores, right)
    rows = (labels == label for label in range(classes))
    return np.array([fit_platt(scores[row], right[row], common) for row in rows]).reshape(classes, 2)


def fold_in(model: DetectionNetwork, scale: float | FloatArray, shift: float | FloatArray) -> None:
    """Changes the network so that every logit becomes scale * logit + shift, each a number or (C,) numbers; scale
    must be above 0."""
    if not np.all(np.asarray(scale) > 0):
        raise ValueError(f"a scale of {np.min(scale):g} would turn the order of detections around")
    if isinstance(scale, np.ndarray) and scale.ndim:
        model.rescale_scores(torch.as_tensor(scale).float(), torch.as_tensor(shift).float())
    else:
        model.rescale_scores(float(scale), float(shift))
