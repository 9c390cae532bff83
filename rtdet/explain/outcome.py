"""What of the detections is right, where labels say it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rtdet.explain.blocks import Box, Cell, Figures, Section, Table
from rtdet.explain.drawing import box_of, class_cell, counted, on_picture
from rtdet.explain.inside import Subject, Truth
from rtdet.geometry.boxes import iou
from rtdet.types import FloatArray, IntArray

MIN_IOU = 0.5


def hits(subject: Subject, truth: Truth) -> tuple[IntArray, FloatArray]:
    """Of each detection the object that it found, -1 for none, and its best IoU with an object of its class (0: there
    is none). By falling score each takes the free object of its class that it overlaps most, by MIN_IOU at least
    (VOC's and COCO's rule)."""
    found = subject.detections
    overlaps = iou(found.boxes, truth.boxes) * (found.labels[:, None] == truth.labels[None])
    taken: set[int] = set()
    hit = np.full(len(found), -1, dtype=np.int64)
    for row in range(len(found)):
        for one in np.argsort(-overlaps[row], kind="stable"):
            if overlaps[row, one] < MIN_IOU:
                break
            if int(one) not in taken:
                hit[row] = one
                taken.add(int(one))
                break
    return hit, overlaps.max(axis=1, initial=0.0)


def outcome_section(subject: Subject, truth: Truth) -> Section:
    found = subject.detections
    hit, best = hits(subject, truth)
    missed = [i for i in range(len(truth.names)) if i not in hit]
    marks: list[Box] = [
        box_of(truth.boxes[i], "missed", f"missed: {truth.names[i]}", f"missed {truth.names[i]}")
        for i in missed
    ]
    rows: list[Sequence[Cell | str]] = []
    for row in range(len(found)):
        is_right = hit[row] >= 0
        verdict = Cell("right", kind="good") if is_right else Cell("wrong", kind="bad")
        rows.append([str(row + 1), class_cell(subject, int(found.labels[row])), f"{found.scores[row]:.3f}",
                     f"object {hit[row] + 1}" if is_right else "", f"{best[row]:.2f}", verdict])  # fmt: skip
        kind = "right" if is_right else "wrong"
        marks.append(box_of(found.boxes[row], kind, f"{kind}: {found.name_of(row)}"))
    right = int((hit >= 0).sum())
    precision = f"{right} / {len(found)}" + (f" = {right / len(found):.2f}" if len(found) else "")
    recall = f"{right} / {len(truth.names)}" + (f" = {right / len(truth.names):.2f}" if truth.names else "")
    return Section(
        "How good is it here?",
        [
            Figures(
                [
                    on_picture(
                        subject, marks, "green: right; red: wrong; yellow, dashed: labelled and not found"
                    )
                ]
            ),
            Table(["box", "class", "score", "found", "best IoU", ""], rows, words=2),
        ],
        f"A box is right if its class is and its IoU with a labelled object is at least {MIN_IOU:g}; each object "
        f"counts once. {counted(right, 'box is', 'boxes are')} right. Precision: {precision}. Recall: {recall}.",
    )
