"""One-stage networks whose places are the cells of one grid or several: the YOLOs and their relatives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rtdet.detectors.family.config import NetworkConfig
from rtdet.detectors.family.detector import FamilyDetector
from rtdet.detectors.family.postprocess import candidates as candidates_of
from rtdet.explain.blocks import Block, Cell, Figure, Figures, Mark, Section, Split, Table
from rtdet.explain.drawing import (
    best_in_cells,
    box_of,
    cell_layer,
    counted,
    dot_at,
    grid_lines,
    number,
    on_picture,
    plain,
    to_input,
)
from rtdet.explain.inside import Candidates, ClassScores, Inside, Subject, Truth, floor_of
from rtdet.explain.own import maps_of, view_of
from rtdet.explain.pictures import color_hex
from rtdet.explain.ssd_matching import truth_boxes
from rtdet.geometry.boxes import diou, iou
from rtdet.types import FloatArray

_LADDERS = ((8, 16, 32), (8, 16, 32, 64), (8, 16, 32, 64, 128), (16, 32), (32,), (64,), (16,))
# Families whose places are no cells: regions that differ from picture to picture, and windows of many sizes.
_BY_PROPOSALS = ("rcnn", "fastrcnn", "fasterrcnn")
_NO_CELLS = (*_BY_PROPOSALS, "slidingwindow")
# Those whose configuration has the anchors as (width, height), grid by grid.
_WITH_ANCHOR_SHAPES = ("yolov3", "yolov4")
_MOST_PER_CELL = 9
_MOST_DOTS = 400

_IDEAS = {
    "yolov1": "YOLO lays a grid over the picture. The cell in which an object's centre lies answers for it, with a "
    "few boxes and one set of class probabilities: you only look once.",
    "yolov3": "YOLOv3 lays three grids over the picture, a fine, a middle and a coarse one. Each of their cells has "
    "a few anchors, boxes of typical shapes, and says of each: is an object there, which, how does its box differ?",
    "": "A grid network judges every cell of a few grids over the picture: is the centre of an object here or "
    "nearby, which is it, and where are the borders of its box?",
}


_IDEAS["yolov4"] = _IDEAS["yolov3"].replace("YOLOv3", "YOLOv4")
_IDEAS |= dict.fromkeys(
    _BY_PROPOSALS,
    "A two-stage network first asks where anything might be, whatever it is; then each of these proposals is judged "
    "by itself: what is it, and where exactly?",
)
_PLACE_WORDS = {"yolov1": "boxes of cells", **dict.fromkeys(_BY_PROPOSALS, "proposals")}


@dataclass(frozen=True)
class Level:
    """One grid: the rows of a network's output that are its, its cells, the places of each cell, and the input
    pixels of a cell."""

    rows: slice
    across: int
    down: int
    per_cell: int
    stride: int

    def cell(self, row: int) -> tuple[int, int]:
        """Column and row of the cell that a row of the output belongs to."""
        down, right = divmod((row - self.rows.start) // self.per_cell, self.across)
        return right, down

    def center(self, row: int) -> tuple[float, float]:
        """The middle of its cell, in input pixels."""
        column, line = self.cell(row)
        return (column + 0.5) * self.stride, (line + 0.5) * self.stride


def levels_for(count: int, size: tuple[int, int]) -> list[Level] | None:
    """The grids that have `count` places for an input of `size` (width, height): of strides 8, 16, 32 and their like,
    with as many places a cell as it takes; None where none fit."""
    for strides in _LADDERS:
        cells = [(-(-size[0] // stride), -(-size[1] // stride)) for stride in strides]
        total = sum(across * down for across, down in cells)
        if count % total == 0 and count // total <= _MOST_PER_CELL:
            return _stacked(cells, count // total, strides)
    return None


def _stacked(cells: Sequence[tuple[int, int]], per_cell: int, strides: Sequence[int]) -> list[Level]:
    levels, start = [], 0
    for (across, down), stride in zip(cells, strides, strict=True):
        end = start + across * down * per_cell
        levels.append(Level(slice(start, end), across, down, per_cell, stride))
        start = end
    return levels


def inside_family(detector: FamilyDetector, subject: Subject) -> Inside:
    """What one of rtdet's own grid networks did with the picture."""
    config = detector.config
    look = detector.look(subject.image)
    boxes, scores = (np.asarray(part[0], dtype=np.float64) for part in look.outputs)
    rows, labels, strength = candidates_of(scores, floor_of(subject.thresholds), config.class_names)
    found = Candidates(look.back.undo(boxes[rows]), strength, labels, rows).sound()
    suppression = getattr(config, "suppression", "nms")
    inside = Inside(
        family=config.architecture,
        idea=_IDEAS.get(config.family, _IDEAS[""]),
        view=view_of(config, look),
        candidates=found,
        places=len(scores),
        place_word=_PLACE_WORDS.get(config.family, "places"),
        maps=maps_of(detector, look),
        class_scores=lambda place: _class_scores(config, scores[place]),
        overlap=diou if suppression == "diou" else iou,
        has_nms=suppression != "none",
        most_overlap=getattr(config, "most_overlap", 1.0),
    )
    levels = None if config.family in _NO_CELLS else levels_for(len(scores), look.size)
    if levels is None:
        return replace(
            inside, unknown=["Where in the picture each of its places lies is not known to this page."]
        )
    anchors = getattr(config, "anchors", None) if config.family in _WITH_ANCHOR_SHAPES else None
    return with_grid(
        inside, subject, levels, scores.max(axis=1), boxes, anchors=anchors, family=config.family
    )


def _class_scores(config: NetworkConfig, scores: FloatArray) -> ClassScores:
    """Of one place (C,). Networks of regions and windows share out 1 among the classes and background."""
    rows: list[tuple[str, float | None, float]] = [
        (name, None, float(scores[i])) for i, name in enumerate(config.class_names)
    ]
    is_softmax = config.family in _NO_CELLS
    if is_softmax:
        rows.append(("background", None, max(0.0, 1 - float(scores.sum()))))
    return ClassScores(sorted(rows, key=lambda row: -row[2]), is_softmax)


def with_grid(
    inside: Inside,
    subject: Subject,
    levels: Sequence[Level],
    scores: FloatArray,
    boxes: FloatArray,
    *,
    anchors: Sequence[tuple[float, float]] | None = None,
    family: str = "",
    raw: Callable[[int], Block] | None = None,
) -> Inside:
    """With the sections of a grid. scores (A,): of the best class of each place. boxes (A, 4) xyxy input pixels.
    raw: a table of what the network says at a place, where known."""
    sections = [
        _grid_section(inside, subject, levels, anchors),
        _firing_section(inside, subject, levels, scores),
        _decoding_section(inside, subject, levels, boxes, anchors, raw),
    ]
    return replace(
        inside,
        sections=[one for one in sections if one is not None],
        matching=lambda truth: _matching_section(truth, inside, subject, levels, anchors, family),
    )


def _grid_section(
    inside: Inside, subject: Subject, levels: Sequence[Level], anchors: Sequence[tuple[float, float]] | None
) -> Section:
    rows: list[Sequence[Cell | str]] = []
    figures = []
    for i, level in enumerate(levels):
        count = level.rows.stop - level.rows.start
        row = [
            f"grid {i + 1}",
            f"{level.across}×{level.down}",
            str(level.stride),
            str(level.per_cell),
            number(count),
        ]
        if anchors:
            own = anchors[i * level.per_cell : (i + 1) * level.per_cell]
            row.insert(3, ", ".join(f"{w:.0f}×{h:.0f}" for w, h in own))
        rows.append(row)
        lines = grid_lines(level.across, level.down, (level.stride, level.stride), inside.view)
        marks: list[Mark] = [lines]
        caption = f"grid {i + 1}: cells of {level.stride} pixels of the input"
        if anchors:
            x, y = (level.across // 2 + 0.5) * level.stride, (level.down // 2 + 0.5) * level.stride
            marks += [
                box_of(inside.view.box((x - w / 2, y - h / 2, x + w / 2, y + h / 2)), "prior") for w, h in own
            ]
            caption += "; dashed: the anchors of one cell"
        figures.append(on_picture(subject, marks, caption))
    head = ["grid", "cells", "pixels a cell", "places a cell", "places"]
    if anchors:
        head.insert(3, "anchors (width×height)")
    return Section(
        "Where does it look?",
        [Figures(figures, columns=min(3, len(figures))), Table(head, rows)],
        "At every cell. Fine grids are for small things, coarse ones for large: a cell of a coarse map has seen more "
        "of the picture. The grid is the same for every picture.",
    )


def _firing_section(inside: Inside, subject: Subject, levels: Sequence[Level], scores: FloatArray) -> Section:
    confidence, found = subject.thresholds.confidence, inside.candidates
    figures: list[Figure] = []
    total = 0
    for i, level in enumerate(levels):
        part = level.rows
        mine = np.flatnonzero(
            (found.places >= part.start) & (found.places < part.stop) & (found.scores >= confidence)
        )
        total += len(mine)
        heat = best_in_cells(scores[part], level.across, level.down)
        dots = [
            dot_at(
                inside.view.point(*level.center(int(found.places[row]))), "fires",
                f"{subject.class_names[found.labels[row]]} {found.scores[row]:.2f}",
                color_hex(int(found.labels[row])),
            )
            for row in mine[np.argsort(found.scores[mine])][-_MOST_DOTS:]
        ]  # fmt: skip
        caption = f"grid {i + 1}: {counted(len(mine), 'place')} at {confidence:.2f} or more"
        layer = cell_layer(heat, (level.stride, level.stride), inside.view)
        figures.append(on_picture(subject, dots, caption, layers=[layer]))
    return Section(
        "Which cells fire?",
        [Figures(figures, columns=min(3, len(figures)))],
        f"The brighter a cell, the higher its best score. A dot marks each that reaches {confidence:.2f}: "
        f"{number(total)} of {number(inside.places)}. Several cells see the same object; NMS will settle it.",
    )


def _decoding_section(
    inside: Inside,
    subject: Subject,
    levels: Sequence[Level],
    boxes: FloatArray,
    anchors: Sequence[tuple[float, float]] | None,
    raw: Callable[[int], Block] | None,
) -> Section | None:
    found = inside.candidates
    order = np.argsort(-found.scores, kind="stable")
    if not len(order) or found.scores[order[0]] < subject.thresholds.confidence:
        return None
    row = int(order[0])
    place = int(found.places[row])
    index, level = next((i, one) for i, one in enumerate(levels) if one.rows.start <= place < one.rows.stop)
    column, line = level.cell(place)
    stride = level.stride
    cell = (column * stride, line * stride, (column + 1) * stride, (line + 1) * stride)
    name = subject.class_names[found.labels[row]]
    box = boxes[place]
    center, size = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
    marks: list[Mark] = [
        grid_lines(level.across, level.down, (stride, stride), inside.view),
        box_of(inside.view.box(cell), "cell", "the cell"),
        box_of(
            found.boxes[row],
            "kept",
            name,
            f"{name} {found.scores[row]:.2f}",
            color_hex(int(found.labels[row])),
        ),
        dot_at(inside.view.point(*center), "center", "its centre"),
    ]
    rows: list[Sequence[Cell | str]] = [
        ["centre x", plain(center[0]), f"column {column}: starts at {column * stride}",
         f"{plain(center[0] / stride - column)} of a cell to the right"],
        ["centre y", plain(center[1]), f"row {line}: starts at {line * stride}",
         f"{plain(center[1] / stride - line)} of a cell down"],
    ]  # fmt: skip
    if anchors:
        w, h = anchors[index * level.per_cell + (place - level.rows.start) % level.per_cell]
        rows += [
            [
                "width",
                plain(size[0]),
                f"anchor {w:.0f}",
                f"times {plain(size[0] / w)}, e^{plain(float(np.log(size[0] / w)))}",
            ],
            [
                "height",
                plain(size[1]),
                f"anchor {h:.0f}",
                f"times {plain(size[1] / h)}, e^{plain(float(np.log(size[1] / h)))}",
            ],
        ]
        marks.insert(2, box_of(inside.view.box((cell[0] + stride / 2 - w / 2, cell[1] + stride / 2 - h / 2,
                                                cell[0] + stride / 2 + w / 2, cell[1] + stride / 2 + h / 2)),
                               "prior", "the anchor"))  # fmt: skip
    else:
        rows += [
            ["width", plain(size[0]), f"cells of {stride}", f"{plain(size[0] / stride)} cells"],
            ["height", plain(size[1]), f"cells of {stride}", f"{plain(size[1] / stride)} cells"],
        ]
    blocks: list[Block] = [
        Split(
            on_picture(subject, marks, "filled: the cell that answers; dot: the box's centre"),
            [
                Table(
                    ["", "box", "from", "the network's part"], rows, note="In pixels of the network's input."
                )
            ],
        ),
    ]
    if raw is not None:
        blocks.append(raw(place))
    return Section(
        "How does a cell become a box?",
        blocks,
        f"The surest of all is the cell in column {column}, row {line} (counted from 0) of grid {index + 1}. It says "
        "where the box's centre is, as seen from itself, and how wide and high the box is.",
    )


def _matching_section(
    truth: Truth,
    inside: Inside,
    subject: Subject,
    levels: Sequence[Level],
    anchors: Sequence[tuple[float, float]] | None,
    family: str,
) -> Section:
    boxes = to_input(truth.boxes, inside.view)
    if anchors:
        return _anchor_section(truth, inside, subject, levels, anchors, boxes)
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    figures = []
    counts: list[Sequence[Cell | str]] = []
    for i, level in enumerate(levels):
        cells = np.minimum((centers // level.stride).astype(int), [level.across - 1, level.down - 1])
        marks: list[Mark] = [grid_lines(level.across, level.down, (level.stride, level.stride), inside.view)]
        marks += [box_of(inside.view.box(np.concatenate([c, c + 1]) * level.stride), "cell") for c in cells]
        marks += truth_boxes(truth)
        figures.append(on_picture(subject, marks, f"grid {i + 1}: filled, the cells of the objects' centres"))
        shared = len(cells) - len(np.unique(cells, axis=0))
        counts.append(
            [f"grid {i + 1}", f"{level.across}×{level.down}", str(len(np.unique(cells, axis=0))), str(shared)]
        )
    rule = (
        "In YOLOv1 the cell of an object's centre answers for it, and of its boxes the one that fits best. A cell "
        "knows one object only: where two share a cell, one is lost to the training."
        if family == "yolov1"
        else "The cells near an object's centre are the candidates to answer for it; networks of this kind let those "
        "learn whose own answers are best already, by score and IoU (SimOTA and its relatives)."
    )
    table = Table(["grid", "cells", "cells with a centre", "objects that share one"], counts)
    return Section(
        "How would it learn from this picture?", [Figures(figures, columns=min(3, len(figures))), table], rule
    )


def _anchor_section(
    truth: Truth,
    inside: Inside,
    subject: Subject,
    levels: Sequence[Level],
    anchors: Sequence[tuple[float, float]],
    boxes: FloatArray,
) -> Section:
    """The table of anchors and objects by the IoU of their shapes."""
    sizes, shapes = boxes[:, 2:] - boxes[:, :2], np.array(anchors)
    overlaps = shape_overlaps(sizes, shapes)
    best = overlaps.argmax(axis=1)
    shown = np.sort(np.argsort(-sizes.prod(axis=1), kind="stable")[:6])
    rows: list[Sequence[Cell | str]] = []
    for a, (w, h) in enumerate(anchors):
        cells = [Cell(f"{overlaps[g, a]:.2f}", kind="strong" if best[g] == a else "faint") for g in shown]
        rows.append([f"{w:.0f}×{h:.0f}", f"grid {a // levels[0].per_cell + 1}", *cells])
    marks: list[Mark] = []
    for g, a in enumerate(best):
        level = levels[a // levels[0].per_cell]
        cell = np.minimum(
            ((boxes[g, :2] + boxes[g, 2:]) / 2 // level.stride).astype(int),
            [level.across - 1, level.down - 1],
        )
        middle = (cell + 0.5) * level.stride
        marks.append(box_of(inside.view.box(np.concatenate([cell, cell + 1]) * level.stride), "cell"))
        marks.append(
            box_of(inside.view.box(np.concatenate([middle - shapes[a] / 2, middle + shapes[a] / 2])), "prior")
        )
    marks += truth_boxes(truth)
    return Section(
        "How would it learn from this picture?",
        [
            Table(["anchor", "of", *(f"object {g + 1}" for g in shown)], rows, words=2,
                  caption="IoU of shapes, both laid on the same corner"),
            Figures([on_picture(subject, marks, "filled: the cells that answer; dashed: their anchors")]),
        ],
        "Each object is answered for by one anchor: in the cell of its centre, the one whose shape is most like its "
        "own, on whichever grid that is. Bold in the table.",
    )  # fmt: skip


def shape_overlaps(sizes: FloatArray, shapes: FloatArray) -> FloatArray:
    """(G, A) IoU of boxes of sizes (G, 2) with anchors (A, 2), both laid on the same corner."""
    common = np.minimum(sizes[:, None], shapes[None]).prod(axis=2)
    return np.asarray(common / (sizes.prod(axis=1)[:, None] + shapes.prod(axis=1)[None] - common))
