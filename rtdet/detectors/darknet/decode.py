"""The outputs of [yolo], [region] and [detection] to boxes, as Darknet reads them, in NumPy.

Of each box the best class alone is given out; Darknet draws every class above its threshold on the one box.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rtdet.detectors.darknet.layers import Detection, Region, SoftmaxTree, Yolo
from rtdet.geometry.boxes import cxcywh_to_xyxy
from rtdet.types import FloatArray, IntArray

Output = npt.NDArray[np.float32]
Size = tuple[int, int]

# e^20 is past any picture, and short of infinity.
_MOST_EXPONENT = 20.0

# Below this the classes of a tree are not divided further (Darknet's -hier).
_TREE_THRESHOLD = 0.5


@dataclass(frozen=True)
class Candidates:
    """boxes (N, 4) xyxy in fractions of the network's input, scores (N,), labels (N,)."""

    boxes: FloatArray
    scores: FloatArray
    labels: IntArray


def decode(head: Yolo | Region | Detection, output: Output, size: Size, least_score: float) -> Candidates:
    """The candidates of an `output` (C, H, W) of a head that score at least `least_score`; size (width, height) is
    that of the network's input, in whose pixels the anchors of [yolo] are."""
    if isinstance(head, Yolo):
        return _yolo(head, output, size, least_score)
    if isinstance(head, Region):
        return _region(head, output, least_score)
    return _detection(head, output, least_score)


def join(parts: list[Candidates]) -> Candidates:
    return Candidates(
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.labels for part in parts]),
    )


def _yolo(head: Yolo, output: Output, size: Size, least_score: float) -> Candidates:
    """centre = (cell + sigmoid(t) * s - (s - 1) / 2) / cells, size = anchor * e^t (YOLOv3 section 2.1; s is YOLOv4's
    scale_x_y). With new_coords the convolution before has its own sigmoid, and size = anchor * (2 t)^2 (scaled
    YOLOv4, arXiv:2011.08036)."""
    rows = output.reshape(len(head.anchors), head.classes + 5, -1)
    squash = _as_float64 if head.new_coords else _sigmoid
    anchor, cell = np.nonzero(rows[:, 4] >= _least_value(least_score, is_logit=not head.new_coords))
    raw = rows[anchor, :, cell]
    scores, labels = _best(squash(raw[:, 4]), raw[:, 5:].argmax(axis=1), squash(raw[:, 5:].max(axis=1)))
    keep = scores >= least_score
    anchor, cell, raw = anchor[keep], cell[keep], raw[keep].astype(np.float64)
    offset = squash(raw[:, :2]) * head.scale_x_y - (head.scale_x_y - 1) / 2
    relative = (2 * raw[:, 2:4]) ** 2 if head.new_coords else _exp(raw[:, 2:4])
    shape = relative * np.array(head.anchors)[anchor] / np.array(size)
    return Candidates(_boxes(offset, shape, cell, output.shape), scores[keep], labels[keep])


def _region(head: Region, output: Output, least_score: float) -> Candidates:
    """As YOLOv3's, with anchors in cells and a softmax over the classes (YOLOv2, section 2), or over each group of
    siblings of a tree."""
    rows = output.reshape(len(head.anchors), head.classes + head.coords + 1, -1)
    least = max(least_score, 0.5) if head.firm else least_score
    objectness = rows[:, head.coords]
    chosen = (
        np.full(objectness.shape, True)
        if head.background
        else objectness >= _least_value(least, is_logit=True)
    )
    anchor, cell = np.nonzero(chosen)
    raw = rows[anchor, :, cell].astype(np.float64)
    scores = np.ones(len(raw)) if head.background else _sigmoid(raw[:, head.coords])
    classes = raw[:, head.coords + 1 :]
    if head.tree is not None:
        labels = _down_the_tree(head.tree, classes)  # whose score is the objectness alone
    else:
        shares = _softmax(classes) if head.softmax else _sigmoid(classes)
        scores, labels = _best(scores, shares.argmax(axis=1), shares.max(axis=1))
    keep = scores >= least_score
    raw, anchor, cell = raw[keep], anchor[keep], cell[keep]
    cells = np.array([output.shape[2], output.shape[1]])
    shape = _exp(raw[:, 2:4]) * np.array(head.anchors)[anchor] / cells
    return Candidates(_boxes(_sigmoid(raw[:, :2]), shape, cell, output.shape), scores[keep], labels[keep])


def _down_the_tree(tree: SoftmaxTree, values: FloatArray) -> IntArray:
    """(N,) the most precise class of which each row is sure: from the top to the best child, as long as the product
    of the probabilities, as Darknet multiplies them, stays above the threshold."""
    shares = values.copy()
    for start, stop in tree.groups:
        shares[:, start:stop] = _softmax(values[:, start:stop])
        if tree.parents[start] >= 0:  # earlier than its children, so that its own share is final
            shares[:, start:stop] *= shares[:, [tree.parents[start]]]
    labels = np.zeros(len(values), dtype=np.int64)
    for row, share in enumerate(shares):
        group, product = 0, 1.0
        while True:
            start, stop = tree.groups[group]
            best = start + int(share[start:stop].argmax())
            if product * share[best] <= _TREE_THRESHOLD:
                labels[row] = best if group == 0 else tree.parents[start]
                break
            product, group = product * share[best], tree.children[best]
            if group < 0:
                labels[row] = best
                break
    return labels


def _detection(head: Detection, output: Output, least_score: float) -> Candidates:
    """Class scores of all cells, then objectness of all boxes, then boxes: centre within the cell, and size in
    fractions of the picture or their square roots (YOLOv1, section 2)."""
    values = output.reshape(-1).astype(np.float64)
    places = head.side * head.side
    classes = values[: places * head.classes].reshape(places, head.classes)
    objectness = values[places * head.classes :][: places * head.boxes].reshape(places, head.boxes)
    boxes = values[places * (head.classes + head.boxes) :].reshape(places, head.boxes, 4)
    shares = _softmax(classes) if head.softmax else classes
    all_scores = objectness * shares.max(axis=1)[:, None]
    cell, box = np.nonzero(all_scores >= least_score)
    size = boxes[cell, box, 2:]
    shape = size**2 if head.square else size
    corners = _boxes(boxes[cell, box, :2], shape, cell, (1, head.side, head.side))
    scores = np.clip(all_scores[cell, box], 0.0, 1.0)  # a regression, not a probability: it may pass 1
    return Candidates(corners, scores, shares.argmax(axis=1)[cell].astype(np.int64))


def _boxes(
    offset: FloatArray, shape: FloatArray, cell: IntArray, output_shape: tuple[int, ...]
) -> FloatArray:
    """(N, 4) xyxy in fractions from the offset of the centre in its cell, in cells, and the size, in fractions."""
    rows, columns = output_shape[1:]
    corner = np.stack([cell % columns, cell // columns], axis=1)
    center = (corner + offset) / np.array([columns, rows])
    return cxcywh_to_xyxy(np.concatenate([center, shape], axis=1))


def _best(objectness: FloatArray, labels: IntArray, share: FloatArray) -> tuple[FloatArray, IntArray]:
    return objectness * share, labels.astype(np.int64)


def _least_value(score: float, *, is_logit: bool) -> float:
    """What an output must reach at least, for an objectness of `score`."""
    if not is_logit:
        return score
    if not 0 < score < 1:
        return -np.inf if score <= 0 else 15.0  # a sigmoid in single precision is 1 from about 17 on
    return float(np.log(score / (1 - score))) - 1e-3


def _as_float64(x: npt.NDArray[np.floating]) -> FloatArray:
    return x.astype(np.float64)


def _sigmoid(x: npt.NDArray[np.floating]) -> FloatArray:
    return np.asarray(1 / (1 + np.exp(-np.clip(x.astype(np.float64), -80.0, 80.0))))


def _exp(x: npt.NDArray[np.floating]) -> FloatArray:
    return np.asarray(np.exp(np.minimum(x, _MOST_EXPONENT)))


def _softmax(x: FloatArray) -> FloatArray:
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
