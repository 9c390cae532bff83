"""Which priors would have to answer for the labelled objects: the table of prior, object, IoU and class."""

from __future__ import annotations

import numpy as np

from rtdet.detectors.ssd.coder import BoxCoder
from rtdet.detectors.ssd.config import SSDConfig
from rtdet.explain.blocks import Block, Box, Cell, Figures, Mark, Section, Table, Text
from rtdet.explain.drawing import box_of, class_cell, counted, dot_at, number, on_picture, to_input
from rtdet.explain.inside import Subject, Truth, View
from rtdet.explain.pictures import color_hex
from rtdet.geometry.boxes import area, cxcywh_to_xyxy
from rtdet.types import BoolArray, FloatArray, IntArray

_MOST_OBJECTS = 6
_MOST_DRAWN = 150


def matching_section(
    truth: Truth, subject: Subject, view: View, config: SSDConfig, priors: FloatArray,
    answers: tuple[FloatArray, FloatArray],
) -> Section:  # fmt: skip
    """priors (P, 4) cxcywh; answers: scores (P, C) and offsets (P, 4), by which newer rules choose."""
    boxes = to_input(truth.boxes, view)
    overlaps, matched, positive = match(priors, boxes)
    blocks: list[Block] = [
        Table(
            ["prior", *(f"{i + 1} {truth.names[i]}" for i in _shown(truth)), "matched", "label"],
            _rows(subject, truth, overlaps, matched, positive),
            caption="IoU of some of the priors with the labelled objects",
        ),
    ]
    marks: list[Mark] = [
        box_of(view.box(box), "prior")
        for box in cxcywh_to_xyxy(priors[np.flatnonzero(positive)[:_MOST_DRAWN]])
    ]
    caption = "solid: the labelled objects; dashed: the priors that answer for them"
    figures = [on_picture(subject, [*marks, *truth_boxes(truth)], caption)]
    lead = (
        f"A training needs to know which prior is to answer for which object. SSD's rule: each prior goes to the "
        f"object that it overlaps most, and is positive if the IoU is above 0.5; and each object gets the prior that "
        f"fits it best, whatever the IoU. Here {counted(int(positive.sum()), 'prior is', 'priors are')} positive; "
        f"the other {number(int((~positive).sum()))} are background, of which only the three hardest for each "
        "positive are learnt from."
    )
    if not config.background:
        rows = task_aligned(priors, boxes, truth.labels, *answers)
        dots = [dot_at(view.point(*priors[row, :2]), "fires", f"prior {number(int(row))}") for row in rows]
        blocks.append(
            Text(
                "This network was trained with a newer rule (TOOD): each object takes the ten priors in it whose own "
                "answers are best already, by score and by IoU of the moved box. "
                f"Here that makes {number(len(rows))}, drawn on the right as dots at their centres."
            )
        )
        figures.append(on_picture(subject, [*truth_boxes(truth), *dots], "by the newer rule"))
    blocks.append(Figures(figures, columns=len(figures)))
    return Section("How would it learn from this picture?", blocks, lead)


def match(priors: FloatArray, boxes: FloatArray) -> tuple[FloatArray, IntArray, BoolArray]:
    """priors (P, 4) cxcywh and objects (G, 4) xyxy, G > 0, to their IoU (P, G), the object of each prior (P,) and
    whether it is positive (P,): `matcher.JaccardMatcher`."""
    import torch

    from rtdet.detectors.ssd.matcher import JaccardMatcher, pairwise_iou

    overlaps = pairwise_iou(torch.from_numpy(cxcywh_to_xyxy(priors)), torch.from_numpy(boxes))
    matched, positive = JaccardMatcher().from_overlaps(overlaps)
    return overlaps.numpy(), matched.numpy(), positive.numpy()


def task_aligned(
    priors: FloatArray, boxes: FloatArray, labels: IntArray, scores: FloatArray, offsets: FloatArray
) -> IntArray:
    """The priors that `matcher.TaskAlignedMatcher` would make answer for the objects."""
    import torch

    from rtdet.detectors.ssd.matcher import TaskAlignedMatcher

    decoded = BoxCoder().decode(offsets, priors)
    one = [torch.from_numpy(np.ascontiguousarray(part))[None] for part in (scores, decoded, boxes, labels)]
    centers = torch.from_numpy(np.ascontiguousarray(priors[:, :2]))
    real = torch.ones(1, len(boxes), dtype=torch.bool)
    found = TaskAlignedMatcher()(one[0], one[1], centers, one[2], one[3], real)
    return np.flatnonzero(found.positive[0].numpy())


def _shown(truth: Truth) -> list[int]:
    """The largest objects, in their order: a table has room for few."""
    return sorted(np.argsort(-area(truth.boxes), kind="stable")[:_MOST_OBJECTS].tolist())


def _rows(
    subject: Subject, truth: Truth, overlaps: FloatArray, matched: IntArray, positive: BoolArray
) -> list[list[Cell | str]]:
    shown = _shown(truth)
    chosen: list[int] = []
    for i in shown:
        mine = np.flatnonzero(positive & (matched == i))
        chosen += mine[np.argsort(-overlaps[mine, i], kind="stable")][:2].tolist()
    close = np.where(positive, -1, overlaps[:, shown].max(axis=1))
    chosen += np.argsort(-close, kind="stable")[:3].tolist()
    chosen.append(int(np.flatnonzero(~positive)[0]))
    lines: list[list[Cell | str]] = []
    for row in sorted(set(chosen)):
        cells = [_overlap(overlaps[row, i], bool(positive[row]) and matched[row] == i) for i in shown]
        label = (
            class_cell(subject, int(truth.labels[matched[row]]))
            if positive[row]
            else Cell("background", kind="faint")
        )
        to = "" if not positive[row] and overlaps[row].max() == 0 else f"object {matched[row] + 1}"
        lines.append([number(row), *cells, to, label])
    return lines


def _overlap(value: float, is_match: bool) -> Cell:
    # What is hardly above or below the limit of 0.5 must be seen to be.
    text = f"{value:.3f}" if 0.495 <= value < 0.505 else f"{value:.2f}" if value else "0"
    return Cell(text, kind="strong" if is_match else "faint" if value < 0.005 else "")


def truth_boxes(truth: Truth) -> list[Box]:
    """The labelled objects with their numbers."""
    return [
        box_of(box, "truth", f"object {i + 1}: {truth.names[i]}", str(i + 1),
               color_hex(int(truth.labels[i])))
        for i, box in enumerate(truth.boxes)
    ]  # fmt: skip
