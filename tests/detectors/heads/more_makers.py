"""Makers of networks that list what they found, of DETRs, SSDs, CenterNets and detectors of faces."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from rtdet.detectors.heads.anchor_levels import STRIDES, make_anchors
from rtdet.detectors.heads.label_set import COCO_IDS
from rtdet.detectors.heads.priors import cell_centers, known_priors, squares_on_levels
from rtdet.detectors.ssd.coder import BoxCoder
from rtdet.geometry.boxes import cxcywh_to_xyxy, iou
from tests.detectors.heads.makers import CLASSES, OBJECTS, SIDE, Made, cxcywh

Objects = Sequence[tuple[int, float, tuple[float, float, float, float]]]
FACES: Objects = tuple((0, score, box) for _, score, box in OBJECTS)
NAMES = {"names": str([f"thing {i}" for i in range(CLASSES)])}


def scaled(objects: Objects, side: int) -> Objects:
    """The objects in an input of another side."""
    by = side / SIDE
    return tuple((label, score, (b[0] * by, b[1] * by, b[2] * by, b[3] * by)) for label, score, b in objects)


def logit(score: float) -> float:
    return math.log(score / (1 - score))


def _lists(rows: int = 20) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes (rows, 4) in pixels, scores, places of classes; three rows are filled."""
    boxes, scores, labels = (
        np.zeros((rows, 4), np.float32),
        np.zeros(rows, np.float32),
        np.zeros(rows, np.int64),
    )
    for i, (label, score, box) in enumerate(OBJECTS):
        boxes[i], scores[i], labels[i] = box, score, label
    return boxes, scores, labels


def rtdetr() -> Iterator[Made]:
    """(images, orig_target_sizes) to labels, boxes, scores, with COCO's 80 or with noted classes."""
    boxes, scores, labels = (values[None] for values in _lists())
    seen = {"labels": labels, "boxes": boxes, "scores": scores}
    silent = seen | {"scores": np.zeros_like(scores)}
    sizes = {"orig_target_sizes": np.array([[SIDE, SIDE]], np.int64)}
    yield Made("coco", seen, silent, more_inputs=sizes)
    yield Made("named", seen, silent, more_inputs=sizes, metadata=NAMES)


def torchvision() -> Iterator[Made]:
    """Boxes, labels by COCO's ids, scores, without an axis for the batch."""
    boxes, scores, labels = _lists()
    seen = {"boxes": boxes, "labels": np.array(COCO_IDS)[labels], "scores": scores}
    yield Made("coco-ids", seen, seen | {"scores": np.zeros_like(scores)})


def tf_detection() -> Iterator[Made]:
    """Four tensors by the API's names, with TensorFlow Lite's, and EfficientDet's rows of seven."""
    boxes, scores, labels = (values[None] for values in _lists())
    corners = boxes[..., [1, 0, 3, 2]] / np.float32(SIDE)
    numbers = np.array(COCO_IDS)[labels].astype(np.float32)
    api = {
        "detection_boxes": corners,
        "detection_classes": numbers,
        "detection_scores": scores,
        "num_detections": np.array([3], np.float32),
    }
    pixels = {"takes": ("rgb", "0..255"), "layout": "nhwc", "dtype": "uint8"}
    yield Made("api", api, api | {"detection_scores": np.zeros_like(scores)}, **pixels)
    names = [f"StatefulPartitionedCall:{i}" for i in range(4)]
    lite = dict(zip(names, [corners, numbers - 1, scores, np.array([3], np.float32)], strict=True))
    yield Made("lite", lite, lite | {names[2]: np.zeros_like(scores)}, **pixels)
    rows = np.concatenate(
        [0 * scores[..., None], corners * SIDE, scores[..., None], numbers[..., None]], axis=2
    ).astype(np.float32)
    quiet = rows.copy()
    quiet[..., 5] = 0
    yield Made("rows", {"detections": rows}, {"detections": quiet}, **pixels)


def detection_output() -> Iterator[Made]:
    """(1, 1, N, 7), a list that -1 ends."""
    rows = np.zeros((1, 1, 10, 7), np.float32)
    rows[0, 0, :, 0] = -1
    for i, (label, score, box) in enumerate(OBJECTS):
        rows[0, 0, i] = (0, label + 1, score, *np.array(box) / SIDE)
    silent = np.zeros_like(rows)
    silent[..., 0] = -1
    yield Made("named", {"out": rows}, {"out": silent}, takes=("bgr", "0..255"), metadata=NAMES)


def detr() -> Iterator[Made]:
    """Sigmoid logits by COCO's ids, and softmax logits with no object as the last."""
    boxes = np.tile(np.array([0.5, 0.5, 0.2, 0.3], np.float32), (1, 100, 1))
    sigmoids = np.full((1, 100, 91), -8, np.float32)
    softmaxes = np.zeros((1, 100, CLASSES + 1), np.float32)
    softmaxes[..., -1] = 12
    one = np.zeros((1, 100, 4 + 12), np.float32)
    quiet = {"sigmoid": sigmoids.copy(), "softmax": softmaxes.copy(), "one": one.copy()}
    for i, (label, score, box) in enumerate(OBJECTS):
        boxes[0, i * 7] = cxcywh(box) / SIDE
        sigmoids[0, i * 7, COCO_IDS[label]] = logit(score)
        softmaxes[0, i * 7] = -20
        softmaxes[0, i * 7, [label, -1]] = logit(score), 0
        one[0, i * 7, 4 + label] = score
    one[..., :4] = quiet["one"][..., :4] = boxes
    takes = ("rgb", "imagenet")
    for name, logits in (("sigmoid", sigmoids), ("softmax", softmaxes)):
        silent = {"logits": quiet[name], "pred_boxes": boxes}
        yield Made(name, {"logits": logits, "pred_boxes": boxes}, silent, takes=takes)
    yield Made("in-one", {"output": one}, {"output": quiet["one"]}, takes=takes)


def ssd() -> Iterator[Made]:
    """Decoded corners with the background first; and offsets from the priors of the mask detector."""
    random = np.random.default_rng(3)
    corner = random.uniform(0, 0.8, (1, 3000, 2))
    boxes = np.concatenate([corner, corner + random.uniform(0.05, 0.2, (1, 3000, 2))], axis=2).astype(
        np.float32
    )
    scores = np.zeros((1, 3000, CLASSES + 1), np.float32)
    scores[..., 0] = 1
    silent = {"scores": scores.copy(), "boxes": boxes}
    for i, (label, score, box) in enumerate(OBJECTS):
        boxes[0, i * 50] = np.array(box) / SIDE
        scores[0, i * 50, [0, label + 1]] = 1 - score, score
    yield Made("decoded", {"scores": scores, "boxes": boxes}, silent, takes=("rgb", "127/128"))
    objects = tuple((label % 2, score, box) for label, score, box in scaled(OBJECTS, 260))
    priors = known_priors(5972, (260, 260))
    assert priors is not None
    masks, offsets = np.full((1, 5972, 2), 0.01, np.float32), np.zeros((1, 5972, 4), np.float32)
    quiet = {"cls": masks.copy(), "loc": offsets}
    for label, score, box in objects:
        own = cxcywh(box) / 260
        best = int(iou(cxcywh_to_xyxy(own[None]), cxcywh_to_xyxy(priors))[0].argmax())
        offsets[0, best], masks[0, best, label] = BoxCoder().encode(own, priors[best]), score
    yield Made("masks", {"cls": masks, "loc": offsets}, quiet, size=(260, 260), objects=objects)


def retinaface() -> Iterator[Made]:
    """Offsets from squares: RetinaFace's, and those of the first YuNet."""
    for is_yunet in (False, True):
        strides, sides = (8, 16, 32), ((16, 32), (64, 128), (256, 512))
        if is_yunet:
            strides, sides = (8, 16, 32, 64), ((10, 16, 24), (32, 48), (64, 96), (128, 192, 256))
        priors = squares_on_levels((SIDE, SIDE), strides, sides)
        count = len(priors)
        boxes, scores = np.zeros((count, 4), np.float32), np.tile(np.array([1, 0], np.float32), (count, 1))
        quiet = scores.copy()
        for _, score, box in FACES:
            own = cxcywh(box) / SIDE
            best = int(iou(cxcywh_to_xyxy(own[None]), cxcywh_to_xyxy(priors))[0].argmax())
            chance = score**2 if is_yunet else score
            boxes[best], scores[best] = BoxCoder().encode(own, priors[best]), (1 - chance, chance)
        points = np.zeros((count, 10), np.float32)
        if is_yunet:
            seen = {
                "loc": np.concatenate([boxes, points], axis=1),
                "conf": scores,
                "iou": np.ones((count, 1), np.float32),
            }
            yield Made("yunet-2022", seen, seen | {"conf": quiet}, takes=("bgr", "0..255"), objects=FACES)
        else:
            seen = {"boxes": boxes[None], "conf": scores[None], "landms": points[None]}
            yield Made("squares", seen, seen | {"conf": quiet[None]}, takes=("bgr", "caffe"), objects=FACES)


def _of_levels(anchors: int) -> Iterator[tuple[int, int, list[tuple[int, float, np.ndarray, np.ndarray]]]]:
    """(stride, rows, faces on that level: row, score, box, cell)."""
    for level, stride in enumerate((8, 16, 32)):
        side = SIDE // stride
        faces = []
        for i, (_, score, box) in enumerate(FACES):
            if i == level:
                cell = np.floor(cxcywh(box)[:2] / stride)
                faces.append((int(cell[1] * side + cell[0]) * anchors, score, np.array(box), cell))
        yield stride, side * side * anchors, faces


def yunet() -> Iterator[Made]:
    """cls, obj, box and points of three strides."""
    seen: dict[str, np.ndarray] = {}
    for stride, rows, faces in _of_levels(1):
        ones, boxes = np.zeros((1, rows, 1), np.float32), np.zeros((1, rows, 4), np.float32)
        for row, score, box, cell in faces:
            own = cxcywh(box)
            ones[0, row] = score
            boxes[0, row] = (*(own[:2] / stride - cell), *np.log(own[2:] / stride))
        seen |= {f"cls_{stride}": ones, f"obj_{stride}": ones, f"bbox_{stride}": boxes}
        seen[f"kps_{stride}"] = np.zeros((1, rows, 10), np.float32)
    silent = {name: values * (not name.startswith("obj")) for name, values in seen.items()}
    yield Made("2023", seen, silent, takes=("bgr", "0..255"), objects=FACES)


def scrfd() -> Iterator[Made]:
    """Scores, distances and points of two anchors in each cell, without an axis for the batch."""
    seen: dict[str, np.ndarray] = {}
    for stride, rows, faces in _of_levels(2):
        scores, boxes = np.zeros((rows, 1), np.float32), np.zeros((rows, 4), np.float32)
        for row, score, box, cell in faces:
            scores[row] = score
            boxes[row] = np.concatenate([cell - box[:2] / stride, box[2:] / stride - cell])
        seen |= {
            f"score_{stride}": scores,
            f"bbox_{stride}": boxes,
            f"kps_{stride}": np.zeros((rows, 10), np.float32),
        }
    silent = {name: values * (not name.startswith("score")) for name, values in seen.items()}
    yield Made("with-points", seen, silent, takes=("rgb", "127.5/128"), objects=FACES)


def blazeface() -> Iterator[Made]:
    """896 anchors in one pair of outputs."""
    objects = scaled(FACES, 128)
    centers = np.concatenate([cell_centers(n, n).repeat(each, axis=0) for n, each in ((16, 2), (8, 6))])
    rows, scores = np.zeros((1, 896, 16), np.float32), np.full((1, 896, 1), -20, np.float32)
    quiet = {"regressors": rows, "classificators": scores.copy()}
    for _, score, box in objects:
        own = cxcywh(box)
        best = int(np.abs(centers * 128 - own[:2]).sum(axis=1).argmin())
        rows[0, best, :4], scores[0, best] = (*(own[:2] - centers[best] * 128), *own[2:]), logit(score)
    seen = {"regressors": rows, "classificators": scores}
    yield Made(
        "one-pair", seen, quiet, takes=("rgb", "-1..1"), size=(128, 128), layout="nhwc", objects=objects
    )


def _heat(objects: Objects, classes: int) -> tuple[np.ndarray, list[tuple[int, int, np.ndarray]]]:
    """A heat map at stride 4, and (y, x, box in cells) of each object."""
    heat, peaks = np.zeros((1, classes, SIDE // 4, SIDE // 4), np.float32), []
    for label, score, box in objects:
        own = np.array(box) / 4
        x, y = (int((own[i] + own[i + 2]) / 2) for i in (0, 1))
        heat[0, label, y, x], heat[0, label, y, x + 1] = score, score * 0.9
        peaks.append((y, x, own))
    return heat, peaks


def centernet() -> Iterator[Made]:
    """Heat map, sizes and offsets; faces by distances; CenterFace's logarithms, y first."""
    side = SIDE // 4
    heat, peaks = _heat(OBJECTS, CLASSES)
    sizes, offsets = np.zeros((1, 2, side, side), np.float32), np.zeros((1, 2, side, side), np.float32)
    for y, x, box in peaks:
        sizes[0, :, y, x], offsets[0, :, y, x] = box[2:] - box[:2], (box[:2] + box[2:]) / 2 - (x, y)
    seen = {"hm": heat, "wh": sizes, "reg": offsets}
    yield Made("offsets", seen, seen | {"hm": np.zeros_like(heat)}, takes=("bgr", "centernet"))
    heat, peaks = _heat(FACES, 1)
    points, distances = np.zeros((1, 10, side, side), np.float32), np.zeros((1, 4, side, side), np.float32)
    for y, x, box in peaks:
        distances[0, :, y, x] = (x - box[0], y - box[1], box[2] - x, box[3] - y)
    seen = {"hm": heat, "tlrb": distances, "landmark": points}
    silent = seen | {"hm": np.zeros_like(heat)}
    yield Made("dbface", seen, silent, takes=("bgr", "centernet"), objects=FACES)
    sizes, offsets = np.zeros((1, 2, side, side), np.float32), np.zeros((1, 2, side, side), np.float32)
    for y, x, box in peaks:
        sizes[0, :, y, x] = np.log((box[2:] - box[:2])[::-1])
        offsets[0, :, y, x] = ((box[:2] + box[2:]) / 2 - (x, y) - 0.5)[::-1]
    seen = {"537": heat, "538": sizes, "539": offsets, "540": points}
    yield Made("centerface", seen, seen | {"537": 0 * heat}, takes=("rgb", "0..255"), objects=FACES)


def anchors() -> Iterator[Made]:
    """EfficientDet with its anchors as an output, y first; RetinaNet with a pair of maps for each level."""
    for style in ("efficientdet", "retinanet"):
        priors = make_anchors((SIDE, SIDE), style)
        is_efficient = style == "efficientdet"
        nothing = 0 if is_efficient else -12
        scores = np.full((len(priors), CLASSES), nothing, np.float32)
        boxes = np.zeros((len(priors), 4), np.float32)
        quiet = scores.copy()
        for label, score, box in OBJECTS:
            own = cxcywh(box)
            best = int(iou(np.array([box]), cxcywh_to_xyxy(priors))[0].argmax())
            offsets = BoxCoder(1, 1).encode(own, priors[best])
            boxes[best] = offsets[[1, 0, 3, 2]] if is_efficient else offsets
            scores[best, label] = score if is_efficient else logit(score)
        takes = ("rgb", "imagenet")
        if is_efficient:
            listed = cxcywh_to_xyxy(priors)[:, [1, 0, 3, 2]].astype(np.float32)
            seen = {"regression": boxes[None], "classification": scores[None], "anchors": listed[None]}
            yield Made("listed", seen, seen | {"classification": quiet[None]}, takes=takes)
        else:
            yield Made("maps", _maps(scores, boxes), _maps(quiet, boxes), takes=takes)


def _maps(scores: np.ndarray, boxes: np.ndarray) -> dict[str, np.ndarray]:
    """(1, 9C, h, w) and (1, 36, h, w) of each level."""
    found, start = {}, 0
    for stride in STRIDES:
        side = -(-SIDE // stride)
        end = start + side * side * 9
        for name, rows in (("cls", scores), ("box", boxes)):
            level = rows[start:end].reshape(1, side, side, 9 * rows.shape[1]).transpose(0, 3, 1, 2)
            found[f"{name}_{stride}"] = np.ascontiguousarray(level)
        start = end
    return found


# By the name of the family in HEADS.
MORE_MAKERS: Mapping[str, Callable[[], Iterator[Made]]] = {
    "rtdetr": rtdetr,
    "torchvision": torchvision,
    "tf-detection": tf_detection,
    "detection-output": detection_output,
    "detr": detr,
    "ssd": ssd,
    "retinaface": retinaface,
    "yunet": yunet,
    "scrfd": scrfd,
    "blazeface": blazeface,
    "centernet": centernet,
    "anchors": anchors,
}
