"""Published networks' outputs decoded in plain loops, as their papers and authors have it: what rtdet's are held to.

A decode takes the outputs (each with its batch of one) and the input's (width, height), and gives a box xyxy in the
input's pixels, a score and a label for all that scores at least THRESHOLD.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import exp, sqrt

import numpy as np

Outputs = Sequence[np.ndarray]
Size = tuple[int, int]
Row = tuple[list[float], float, int]
Rows = list[Row]
Decode = Callable[[Outputs, Size], Rows]
THRESHOLD = 0.3


def centered(x: float, y: float, w: float, h: float) -> list[float]:
    return [x - w / 2, y - h / 2, x + w / 2, y + h / 2]


def sigmoid(value: float) -> float:
    return 1 / (1 + exp(-value))


def cells(size: Size, strides: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """x, y and stride of each cell, row by row."""
    for stride in strides:
        for y in range(size[1] // stride):
            for x in range(size[0] // stride):
                yield x, y, stride


def yolox(outputs: Outputs, size: Size) -> Rows:
    found = []
    for (x, y, stride), (dx, dy, w, h, objectness, *classes) in zip(
        cells(size, (8, 16, 32)), outputs[0][0].tolist(), strict=True
    ):
        score = objectness * max(classes)
        if score >= THRESHOLD:
            box = centered((x + dx) * stride, (y + dy) * stride, exp(w) * stride, exp(h) * stride)
            found.append((box, score, int(np.argmax(classes))))
    return found


def yolov8(outputs: Outputs, size: Size) -> Rows:
    return [
        (centered(x, y, w, h), max(classes), int(np.argmax(classes)))
        for x, y, w, h, *classes in outputs[0][0].T.tolist()
        if max(classes) >= THRESHOLD
    ]


def yolov8_pose(outputs: Outputs, size: Size) -> Rows:
    return [(centered(*row[:4]), row[4], 0) for row in outputs[0][0].T.tolist() if row[4] >= THRESHOLD]


def yolov5(outputs: Outputs, size: Size) -> Rows:
    found = []
    for x, y, w, h, objectness, *classes in outputs[0][0].tolist():
        score = objectness * max(classes)
        if score >= THRESHOLD:
            box = centered(x * size[0], y * size[1], w * size[0], h * size[1])
            found.append((box, score, int(np.argmax(classes))))
    return found


def yolo26(outputs: Outputs, size: Size) -> Rows:
    return [(row[:4], row[4], round(row[5])) for row in outputs[0][0].tolist() if row[4] >= THRESHOLD]


def _distributions(outputs: Outputs, size: Size, strides: tuple[int, ...]) -> Rows:
    """Generalised focal loss: each side's distance is the mean of a distribution over 0 to 7 strides."""
    found = []
    for level, stride in enumerate(strides):
        scores, distances = outputs[level][0], outputs[level + len(strides)][0]
        columns = -(-size[0] // stride)
        for i in range(len(scores)):
            if scores[i].max() < THRESHOLD:
                continue
            x, y = (i % columns + 0.5) * stride, (i // columns + 0.5) * stride
            reach = []
            for k in range(4):
                weights = np.exp(distances[i, 8 * k : 8 * k + 8].astype(float))
                reach.append(float((weights / weights.sum() * np.arange(8)).sum()) * stride)
            box = [x - reach[0], y - reach[1], x + reach[2], y + reach[3]]
            found.append((box, float(scores[i].max()), int(scores[i].argmax())))
    return found


def nanodet(outputs: Outputs, size: Size) -> Rows:
    return _distributions(outputs, size, (8, 16, 32))


def picodet(outputs: Outputs, size: Size) -> Rows:
    return _distributions(outputs, size, (8, 16, 32, 64))


def fastestdet(outputs: Outputs, size: Size) -> Rows:
    found = []
    for x, y, stride in cells(size, (16,)):
        objectness, dx, dy, w, h, *classes = outputs[0][0, :, y, x].astype(float).tolist()
        score = objectness**0.6 * max(classes) ** 0.4
        if score >= THRESHOLD:
            box = centered(
                (np.tanh(dx) + x) * stride,
                (np.tanh(dy) + y) * stride,
                size[0] * sigmoid(w),
                size[1] * sigmoid(h),
            )
            found.append((box, score, int(np.argmax(classes))))
    return found


def yolo_fastestv2(outputs: Outputs, size: Size) -> Rows:
    anchors = {
        16: ((12.64, 19.39), (37.88, 51.48), (55.71, 138.31)),
        32: ((126.91, 78.23), (131.57, 214.55), (279.92, 258.87)),
    }
    found = []
    for (x, y, stride), row in zip(cells(size, (16, 32)), outputs[0].reshape(-1, 95).tolist(), strict=True):
        best = max(row[15:])
        for k, (width, height) in enumerate(anchors[stride]):
            dx, dy, w, h = row[4 * k : 4 * k + 4]
            if row[12 + k] * best >= THRESHOLD:
                middle = ((2 * dx - 0.5 + x) * stride, (2 * dy - 0.5 + y) * stride)
                box = centered(*middle, (2 * w) ** 2 * width, (2 * h) ** 2 * height)
                found.append((box, row[12 + k] * best, int(np.argmax(row[15:]))))
    return found


def detection_output(outputs: Outputs, size: Size) -> Rows:
    return [
        ([left * size[0], top * size[1], right * size[0], bottom * size[1]], score, round(label) - 1)
        for picture, label, score, left, top, right, bottom in outputs[0].reshape(-1, 7).tolist()
        if picture >= 0 and score >= THRESHOLD
    ]


def _from_prior(
    offsets: Sequence[float], prior: tuple[float, float, float, float], size: Size
) -> list[float]:
    """SSD's: a tenth of the prior's side, a fifth of a logarithm. The prior is centre and sides in fractions."""
    x, y, w, h = prior
    middle = (x + 0.1 * offsets[0] * w, y + 0.1 * offsets[1] * h)
    box = centered(*middle, w * exp(0.2 * offsets[2]), h * exp(0.2 * offsets[3]))
    return [value * side for value, side in zip(box, size * 2, strict=True)]


def face_mask(outputs: Outputs, size: Size) -> Rows:
    sides = {33: (0.04, 0.056), 17: (0.08, 0.11), 9: (0.16, 0.22), 5: (0.32, 0.45), 3: (0.64, 0.72)}
    priors = []
    for count, (small, large) in sides.items():
        shapes = [(small, small), (large, large)]
        shapes += [(small * sqrt(ratio), small / sqrt(ratio)) for ratio in (0.62, 0.42)]
        for y in range(count):
            for x in range(count):
                priors += [((x + 0.5) / count, (y + 0.5) / count, w, h) for w, h in shapes]
    scores, offsets = outputs[0][0].tolist(), outputs[1][0].tolist()
    return [
        (_from_prior(offset, prior, size), max(score), int(np.argmax(score)))
        for score, offset, prior in zip(scores, offsets, priors, strict=True)
        if max(score) >= THRESHOLD
    ]


def ultraface(outputs: Outputs, size: Size) -> Rows:
    return [
        ([value * side for value, side in zip(box, size * 2, strict=True)], score[1], 0)
        for score, box in zip(outputs[0][0].tolist(), outputs[1][0].tolist(), strict=True)
        if score[1] >= THRESHOLD
    ]


def ttfnet(outputs: Outputs, size: Size) -> Rows:
    """Of the heat map and the distances to the four sides, not of the list that the network makes of them."""
    _, heat, distances = outputs
    found = []
    for label, y, x in np.argwhere(heat[0] >= THRESHOLD).tolist():
        around = heat[0, label, max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
        if heat[0, label, y, x] == around.max():
            left, top, right, bottom = distances[0, y, x].tolist()
            box = [4 * x - left, 4 * y - top, 4 * x + right, 4 * y + bottom]
            found.append((box, float(heat[0, label, y, x]), label))
    return found


def dbface(outputs: Outputs, size: Size) -> Rows:
    heat, pooled, sides = outputs[0][0, 0], outputs[1][0, 0], outputs[2][0]
    found = []
    for y, x in np.argwhere((heat >= THRESHOLD) & (heat == pooled)).tolist():
        left, top, right, bottom = sides[:, y, x].tolist()
        found.append(
            ([4 * (x - left), 4 * (y - top), 4 * (x + right), 4 * (y + bottom)], float(heat[y, x]), 0)
        )
    return found


def deim(outputs: Outputs, size: Size) -> Rows:
    labels, boxes, scores = (output[0].tolist() for output in outputs)
    return [row for row in zip(boxes, scores, labels, strict=True) if row[1] >= THRESHOLD]


def yunet(outputs: Outputs, size: Size) -> Rows:
    found = []
    classes, objects, boxes = (np.concatenate([o[0] for o in outputs[i : i + 3]]) for i in (0, 3, 6))
    for i, (x, y, stride) in enumerate(cells(size, (8, 16, 32))):
        score = sqrt(classes[i, 0] * objects[i, 0])
        if score >= THRESHOLD:
            dx, dy, w, h = boxes[i].astype(float).tolist()
            found.append(
                (centered((x + dx) * stride, (y + dy) * stride, exp(w) * stride, exp(h) * stride), score, 0)
            )
    return found


def blazeface(outputs: Outputs, size: Size) -> Rows:
    logits, numbers = np.concatenate(outputs[:2], 1)[0], np.concatenate(outputs[2:], 1)[0]
    middles = [
        ((x + 0.5) * side, (y + 0.5) * side)
        for count, side, each in ((16, 8, 2), (8, 16, 6))
        for y in range(count)
        for x in range(count)
        for _ in range(each)
    ]
    return [
        (centered(x + row[0], y + row[1], row[2], row[3]), sigmoid(float(logit)), 0)
        for (x, y), logit, row in zip(middles, logits[:, 0], numbers.astype(float).tolist(), strict=True)
        if sigmoid(float(logit)) >= THRESHOLD
    ]
