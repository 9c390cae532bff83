"""Two-stage networks: proposals first, then a second look at each of them. torchvision's Faster R-CNN."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from rtdet.detectors.selection import wanted_class
from rtdet.detectors.torchvision_zoo import TorchvisionDetector
from rtdet.explain.blocks import Cell, Figures, Mark, Section, Split, Table
from rtdet.explain.drawing import box_of, counted, number, on_picture, plain
from rtdet.explain.inside import FLOOR, Candidates, ClassScores, Inside, Subject, Truth, View
from rtdet.explain.own import map_title
from rtdet.explain.pictures import color_hex
from rtdet.explain.ssd_matching import truth_boxes
from rtdet.geometry.boxes import iou
from rtdet.geometry.letterbox import Letterbox
from rtdet.types import FloatArray

_MOST_DRAWN = 60
Noted = dict[str, Any]


def inside_torchvision(detector: TorchvisionDetector, subject: Subject) -> Inside:
    """What one of torchvision's own models did with the picture: of Faster R-CNN all, of the others what they have in
    common."""
    noted = _run(detector, subject)
    view = _view(noted, subject)
    maps = [
        (map_title(view.size, tuple(one.shape[1:])), one[0].double().cpu().numpy())
        for one in noted["maps"].values()
    ]
    if "proposals" not in noted:
        return _one_stage(detector, subject, view, maps)
    return _two_stage(detector, subject, view, maps, noted)


@contextmanager
def _listening(model: Any, noted: Noted) -> Iterator[None]:
    """Notes what goes through the parts of a model."""

    def note(key: str, value: Any) -> None:
        noted[key] = value

    hooks = [
        model.transform.register_forward_hook(lambda _m, _x, y: note("input", y[0])),
        model.backbone.register_forward_hook(lambda _m, _x, y: note("maps", y)),
    ]
    if hasattr(model, "rpn"):
        hooks += [
            model.rpn.head.register_forward_hook(lambda _m, _x, y: note("objectness", y[0])),
            model.rpn.register_forward_hook(lambda _m, _x, y: note("proposals", y[0][0])),
            model.rpn.anchor_generator.register_forward_hook(lambda _m, _x, y: note("anchors", y[0])),
            model.roi_heads.box_predictor.register_forward_hook(lambda _m, _x, y: note("judged", y)),
        ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _run(detector: TorchvisionDetector, subject: Subject) -> Noted:
    noted: Noted = {}
    with _listening(detector.model, noted):
        detector.detect([subject.image])
    return noted


def _view(noted: Noted, subject: Subject) -> View:
    """The input as it was before its colours were normalised, without the border that makes it a multiple of 32."""
    import cv2

    height, width = noted["input"].image_sizes[0]
    fitted = np.asarray(
        cv2.resize(subject.image, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8
    )
    back = Letterbox((width / subject.size[0], height / subject.size[1]), (0, 0), subject.size)
    return View(
        fitted, back, "scale", "red, green, blue", "less ImageNet's mean colour, divided by its deviation"
    )


def _one_stage(
    detector: TorchvisionDetector, subject: Subject, view: View, maps: Sequence[tuple[str, FloatArray]]
) -> Inside:
    found = subject.detections
    return Inside(
        family=type(detector.model).__name__,
        idea="torchvision's model judges the cells of several feature maps and chooses among their boxes itself.",
        view=view,
        candidates=Candidates(found.boxes, found.scores, found.labels, np.full(len(found), -1)),
        places=sum(one.shape[1] * one.shape[2] for _, one in maps),
        place_word="cells",
        maps=maps,
        has_nms=False,
        unknown=["It chooses and suppresses boxes inside of the model, which this page does not look into."],
    )


def _two_stage(
    detector: TorchvisionDetector,
    subject: Subject,
    view: View,
    maps: Sequence[tuple[str, FloatArray]],
    noted: Noted,
) -> Inside:
    proposals, boxes, scores = _judged(detector, noted)
    label_of = detector.label_of
    rows, outputs = np.nonzero(scores[:, 1:] >= min(FLOOR, subject.thresholds.least_score))
    outputs = outputs + 1
    labels = label_of[outputs]
    candidates = Candidates(
        _in_picture(boxes[rows, outputs], view, subject), scores[rows, outputs], labels, rows
    )
    asked = (labels >= 0) & wanted_class(np.maximum(labels, 0), subject.thresholds, subject.class_names)
    sides = boxes[rows, outputs][:, 2:] - boxes[rows, outputs][:, :2]
    # torchvision drops what is narrower or lower than a hundredth of a pixel.
    found = candidates[np.flatnonzero(asked & (sides >= 0.01).all(axis=1))].sound()
    names = subject.class_names

    def class_scores(place: int) -> ClassScores:
        logits = noted["judged"][0][place].double().cpu().numpy()
        every = [("background", float(logits[0]), float(scores[place, 0]))]
        every += [
            (
                names[label_of[i]] if label_of[i] >= 0 else "(no class)",
                float(logits[i]),
                float(scores[place, i]),
            )
            for i in range(1, len(logits))
        ]
        return ClassScores(sorted(every, key=lambda row: -row[2]), True)

    inside = Inside(
        family="Faster R-CNN",
        idea="Faster R-CNN looks twice. A small network, the RPN, first proposes where anything might be, whatever "
        "it is; then each proposal is cut out of the feature maps and judged by itself: what is it, where exactly?",
        view=view,
        candidates=found,
        places=sum(len(one.reshape(-1)) for one in noted["objectness"]),
        place_word="anchors",
        maps=maps,
        class_scores=class_scores,
        matching=lambda truth: _matching_section(truth, subject, view, proposals),
    )
    sections = [
        _anchor_section(inside, subject, noted),
        _proposal_section(inside, subject, proposals),
        _refining_section(inside, subject, proposals),
    ]
    return replace(inside, sections=[one for one in sections if one is not None])


def _judged(detector: TorchvisionDetector, noted: Noted) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Proposals (R, 4), their boxes for each class (R, C, 4), both xyxy in input pixels, and scores (R, C) with
    background first, as torchvision's RoIHeads.postprocess_detections has them before NMS."""
    import torch
    from torchvision.ops import clip_boxes_to_image

    logits, offsets = noted["judged"]
    proposals = noted["proposals"]
    with torch.inference_mode():
        boxes = detector.model.roi_heads.box_coder.decode(offsets, [proposals])
        boxes = clip_boxes_to_image(boxes, noted["input"].image_sizes[0])
        scores = logits.softmax(-1)
    made = (proposals, boxes, scores)
    first, second, third = (part.double().cpu().numpy() for part in made)
    return first, second, third


def _in_picture(boxes: FloatArray, view: View, subject: Subject) -> FloatArray:
    return view.back.undo(np.asarray(boxes, dtype=np.float64).reshape(-1, 4))


def _anchor_section(inside: Inside, subject: Subject, noted: Noted) -> Section:
    rows: list[Sequence[Cell | str]] = []
    anchors, start = noted["anchors"].double().cpu().numpy(), 0
    marks: list[Mark] = []
    for i, logits in enumerate(noted["objectness"]):
        count, per_cell = logits.numel(), logits.shape[1]
        own = anchors[start : start + count]
        start += count
        sizes = own[:per_cell, 2:] - own[:per_cell, :2]
        middle = (logits.shape[2] // 2 * logits.shape[3] + logits.shape[3] // 2) * per_cell
        if i == len(noted["objectness"]) // 2:
            marks = [box_of(inside.view.box(box), "prior") for box in own[middle : middle + per_cell]]
        shapes = ", ".join(f"{w:.0f}×{h:.0f}" for w, h in sizes[:2]) + (" …" if per_cell > 2 else "")
        rows.append(
            [f"map {i + 1}", f"{logits.shape[3]}×{logits.shape[2]}", shapes, str(per_cell), number(count)]
        )
    return Section(
        "Where does it look?",
        [
            Split(
                on_picture(subject, marks, "the anchors of one cell"),
                [Table(["map", "cells", "width×height", "a cell", "anchors"], rows)],
            ),
        ],
        "Every cell of the feature maps has a few anchors, boxes of several sizes and shapes, laid over the picture "
        "before anything was seen. Of each the RPN says one thing only: is there anything at all?",
    )


def _proposal_section(inside: Inside, subject: Subject, proposals: FloatArray) -> Section:
    boxes = _in_picture(proposals[:_MOST_DRAWN], inside.view, subject)
    marks: list[Mark] = [
        box_of(box, "prior", f"proposal {i + 1}") for i, box in reversed(list(enumerate(boxes)))
    ]
    return Section(
        "What does the first look propose?",
        [
            Figures(
                [on_picture(subject, marks, f"the {len(boxes)} surest of {number(len(proposals))} proposals")]
            )
        ],
        f"Of {number(inside.places)} anchors the RPN keeps {counted(len(proposals), 'proposal')}: those most like an "
        "object, moved and stretched, after an NMS of its own. It does not know classes yet.",
    )


def _refining_section(inside: Inside, subject: Subject, proposals: FloatArray) -> Section | None:
    found = inside.candidates
    order = np.argsort(-found.scores, kind="stable")
    if not len(order) or found.scores[order[0]] < subject.thresholds.confidence:
        return None
    row = int(order[0])
    place = int(found.places[row])
    proposal = _in_picture(proposals[[place]], inside.view, subject)[0]
    box = found.boxes[row]
    name = subject.class_names[found.labels[row]]
    marks = [
        box_of(proposal, "prior", "the proposal"),
        box_of(box, "kept", name, f"{name} {found.scores[row]:.2f}", color_hex(int(found.labels[row]))),
    ]
    words = ["x1", "y1", "x2", "y2"]
    rows: list[Sequence[Cell | str]] = [
        [words[i], plain(proposal[i]), plain(box[i] - proposal[i]), Cell(plain(box[i]), kind="strong")]
        for i in range(4)
    ]
    overlap = float(iou(proposal[None], box[None])[0, 0])
    return Section(
        "What does the second look make of it?",
        [
            Split(
                on_picture(subject, marks, "dashed: the proposal; solid: after the second look"),
                [Table(["", "proposal", "moved by", "box"], rows, note="In pixels of the picture.")],
            ),
        ],
        f"The feature maps under proposal {number(place + 1)} are cut out and brought to 7×7 cells (RoI align), and "
        f"a second network judges them: it is a {name}, and its box is moved. The two overlap by {overlap:.2f}.",
    )


def _matching_section(truth: Truth, subject: Subject, view: View, proposals: FloatArray) -> Section:
    boxes = _in_picture(proposals, view, subject)
    overlaps = iou(boxes, truth.boxes)
    best = overlaps.max(axis=0)
    positive = np.flatnonzero(overlaps.max(axis=1) >= 0.5)
    marks: list[Mark] = [box_of(box, "prior") for box in boxes[positive[:_MOST_DRAWN]]]
    marks += truth_boxes(truth)
    rows: list[Sequence[Cell | str]] = [
        [f"object {i + 1}", truth.names[i], str(int((overlaps[:, i] >= 0.5).sum())),
         Cell(f"{best[i]:.2f}", share=float(best[i]))]
        for i in range(len(truth.names))
    ]  # fmt: skip
    return Section(
        "How would it learn from this picture?",
        [
            Figures(
                [
                    on_picture(
                        subject, marks, "solid: the labelled objects; dashed: proposals that answer for them"
                    )
                ]
            ),
            Table(["object", "class", "proposals with IoU of 0.5 or more", "best IoU"], rows, words=2),
        ],
        "Twice. The RPN's anchors are positive above an IoU of 0.7 with an object, and background below 0.3. Then "
        "the proposals that overlap an object by 0.5 or more learn its class and box, and the others that they are "
        "background. An object that no proposal covers cannot be found, however good the second look is.",
    )
