"""A teacher: several looks of one or more detectors at a picture, fused into one opinion.

Boxes of all looks (models, input sizes, mirrored or not) are clustered and averaged by score, and a cluster's
score is lowered by the share of looks that saw nothing there: weighted boxes fusion (Solovyev et al. 2021,
arXiv 1910.13302). The result is surer, and better placed, than any single look.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from rtdet.datasets.sample import places_of
from rtdet.geometry.boxes import iou
from rtdet.protocols import Detector
from rtdet.types import Detections, FloatArray, Image


def opinion(
    image: Image, detectors: Sequence[Detector], class_names: Sequence[str], *, flip: bool = True
) -> Detections:
    """What the detectors together see in a picture, each once, and once mirrored if `flip`; by falling score.

    Classes are compared by name; those outside `class_names` are left out.
    """
    return fuse(list(_looks(image, detectors, class_names, flip)), class_names)


def _looks(
    image: Image, detectors: Sequence[Detector], class_names: Sequence[str], flip: bool
) -> Iterable[Detections]:
    images = [image, np.ascontiguousarray(image[:, ::-1])] if flip else [image]
    width = image.shape[1]
    for detector in detectors:
        # In one call: detectors pipeline a list.
        upright, *mirrored = detector.detect(images)
        yield _renamed(upright, class_names)
        for found in mirrored:
            boxes = found.boxes[:, [2, 1, 0, 3]] * [-1, 1, -1, 1] + [width, 0, width, 0]
            turned = Detections(boxes, found.scores, found.labels, found.class_names)
            yield _renamed(turned, class_names)


def _renamed(found: Detections, class_names: Sequence[str]) -> Detections:
    """The same detections with labels into `class_names`; others are dropped."""
    index = places_of(class_names)
    table = np.array([index.get(name, -1) for name in found.class_names], dtype=np.int64)
    labels = table[found.labels] if len(found) else found.labels
    keep = labels >= 0
    return Detections(found.boxes[keep], found.scores[keep], labels[keep], class_names)


def fuse(
    looks: Sequence[Detections], class_names: Sequence[str], same_object_iou: float = 0.55
) -> Detections:
    """Weighted boxes fusion of several looks at one picture, by falling score.

    Of each look a cluster counts its strongest box: its score is their sum over the number of looks.
    """
    boxes = np.concatenate([look.boxes for look in looks]).reshape(-1, 4)
    scores = np.concatenate([look.scores for look in looks])
    labels = np.concatenate([look.labels for look in looks])
    origin = np.repeat(np.arange(len(looks)), [len(look) for look in looks])
    fused: list[tuple[FloatArray, float, int]] = []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        for cluster in _clusters(boxes[rows], scores[rows], same_object_iou):
            members = rows[cluster]
            weight = scores[members]
            center = (boxes[members] * weight[:, None]).sum(axis=0) / weight.sum()
            best = np.zeros(len(looks))
            np.maximum.at(best, origin[members], weight)
            fused.append((center, float(best.mean()), int(label)))
    fused.sort(key=lambda row: -row[1])
    return Detections(
        np.array([row[0] for row in fused]).reshape(-1, 4),
        np.array([row[1] for row in fused]),
        np.array([row[2] for row in fused], dtype=np.int64),
        class_names,
    )


def _clusters(boxes: FloatArray, scores: FloatArray, same_object_iou: float) -> list[list[int]]:
    """Indices grouped around the strongest boxes, which stay the groups' yardsticks."""
    overlaps = iou(boxes, boxes)
    heads: list[int] = []
    groups: list[list[int]] = []
    for i in np.argsort(-scores, kind="stable"):
        near = overlaps[i, heads] if heads else np.zeros(0)
        if len(near) and near.max() > same_object_iou:
            groups[int(near.argmax())].append(int(i))
        else:
            heads.append(int(i))
            groups.append([int(i)])
    return groups
