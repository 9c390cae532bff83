"""SSD: priors, which of them fire, and how an offset makes a box of a prior."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rtdet.detectors.ssd.coder import BoxCoder
from rtdet.detectors.ssd.config import SSDConfig
from rtdet.detectors.ssd.detector import SSDDetector
from rtdet.detectors.ssd.postprocess import candidates as candidates_of
from rtdet.detectors.ssd.priors import make_priors
from rtdet.explain.blocks import Box, Cell, Figure, Figures, Mark, Section, Split, Table
from rtdet.explain.drawing import (
    best_in_cells,
    box_of,
    cell_layer,
    counted,
    number,
    on_picture,
    plain,
)
from rtdet.explain.inside import Candidates, ClassScores, Inside, Subject, floor_of
from rtdet.explain.own import maps_of, view_of
from rtdet.explain.pictures import color_hex
from rtdet.explain.ssd_matching import matching_section
from rtdet.geometry.boxes import cxcywh_to_xyxy
from rtdet.types import FloatArray, IntArray

_MOST_DRAWN = 60
_MOST_MAPS = 6


def inside_ssd(detector: SSDDetector, subject: Subject) -> Inside:
    """What an SSD of rtdet did with the picture."""
    config = detector.config
    assert isinstance(config, SSDConfig)
    look = detector.look(subject.image)
    offsets, logits = (np.asarray(part[0], dtype=np.float64) for part in look.outputs)
    priors = make_priors(config.levels, look.size)
    view = view_of(config, look)
    rows, outputs, scores = candidates_of(
        logits, floor_of(subject.thresholds), config.class_names, background=config.background
    )
    boxes = look.back.undo(BoxCoder().decode(offsets[rows], priors[rows]))
    label_of = np.cumsum([name != "" for name in config.class_names]) - 1
    found = Candidates(boxes, scores, label_of[outputs], rows).sound()
    priors_of = _Priors(config, look.size, priors, scores_of(logits, config.background), offsets, logits)
    inside = Inside(
        family=f"SSD ({config.architecture})",
        idea="An SSD lays a fixed set of boxes, the priors, over the picture before it has seen anything. For each "
        "of them it then answers two questions: what is in it, and how must it be moved and stretched to fit?",
        view=view,
        candidates=found,
        places=len(priors),
        place_word="priors",
        maps=maps_of(detector, look),
        class_scores=priors_of.class_scores,
        matching=lambda truth: matching_section(
            truth, subject, view, config, priors, (scores_of(logits, config.background), offsets)
        ),
        extra_rows=[("priors", number(len(priors)))],
    )
    sections = [
        _prior_section(priors_of, inside, subject),
        _firing_section(priors_of, inside, subject),
        _decoding_section(priors_of, inside, subject),
    ]
    return Inside(**{**vars(inside), "sections": [one for one in sections if one is not None]})


def scores_of(logits: FloatArray, background: bool) -> FloatArray:
    """(P, C) scores of the classes, without background, of logits (P, C)."""
    if not background:
        return np.asarray(1 / (1 + np.exp(-np.clip(logits, -60, 60))))
    chances = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray((chances / chances.sum(axis=1, keepdims=True))[:, 1:])


@dataclass(frozen=True, eq=False)
class _Priors:
    """The priors (P, 4) cxcywh with what the network says of each."""

    config: SSDConfig
    size: tuple[int, int]
    priors: FloatArray
    scores: FloatArray
    offsets: FloatArray
    logits: FloatArray

    def levels(self) -> list[tuple[slice, int, int]]:
        """Of each level its rows, and its cells across and down."""
        found, start = [], 0
        for level in self.config.levels:
            across, down = level.cells(self.size)
            count = across * down * level.per_cell
            found.append((slice(start, start + count), across, down))
            start += count
        return found

    def level_of(self, row: int) -> int:
        return next(i for i, (rows, _, _) in enumerate(self.levels()) if rows.start <= row < rows.stop)

    def cell_of(self, row: int) -> tuple[int, int]:
        """Column and row of a prior's cell."""
        i = self.level_of(row)
        rows, across, _ = self.levels()[i]
        down, right = divmod((row - rows.start) // self.config.levels[i].per_cell, across)
        return right, down

    def class_scores(self, place: int) -> ClassScores:
        names = self.config.class_names
        if self.config.background:
            logits = self.logits[place]
            chances = np.exp(logits - logits.max())
            chances /= chances.sum()
            every = [("background", float(logits[0]), float(chances[0]))]
            every += [
                (name or "(no class)", float(logits[i + 1]), float(chances[i + 1]))
                for i, name in enumerate(names)
            ]
        else:
            every = [
                (n, float(self.logits[place, i]), float(self.scores[place, i])) for i, n in enumerate(names)
            ]
        return ClassScores(sorted(every, key=lambda row: -row[2]), self.config.background)


def _prior_section(of: _Priors, inside: Inside, subject: Subject) -> Section:
    rows: list[Sequence[Cell | str]] = []
    figures: list[Figure] = []
    for i, (level, (part, across, down)) in enumerate(zip(of.config.levels, of.levels(), strict=True)):
        sizes = np.unique(of.priors[part][:, 2:].round(1), axis=0)
        shapes = ", ".join(f"{w:.0f}×{h:.0f}" for w, h in sizes[:6])
        count = part.stop - part.start
        rows.append(
            [
                f"map {i + 1}",
                f"{across}×{down}",
                str(level.stride),
                shapes,
                str(level.per_cell),
                number(count),
            ]
        )
        if len(figures) < _MOST_MAPS:
            figures.append(_one_cell(of, i, inside, subject))
    rows.append(
        [Cell("together", kind="strong"), "", "", "", "", Cell(number(len(of.priors)), kind="strong")]
    )
    return Section(
        "Where does it look?",
        [
            Table(
                [
                    "feature map",
                    "cells",
                    "pixels a cell",
                    "priors of a cell (width×height)",
                    "priors a cell",
                    "priors",
                ],
                rows,
            ),
            Figures(figures, columns=min(3, len(figures))),
        ],
        "Every cell of every feature map has a few priors at its centre. Fine maps have small priors, for small "
        "things; coarse maps have large ones. The grid and the priors are the same for every picture.",
    )


def _one_cell(of: _Priors, i: int, inside: Inside, subject: Subject) -> Figure:
    """The level's grid, and the priors of the cell that is most certain of something."""
    level, (part, across, down) = of.config.levels[i], of.levels()[i]
    best = int(of.scores[part].max(axis=1).argmax()) // level.per_cell
    first = part.start + best * level.per_cell
    own = of.priors[first : first + level.per_cell]
    marks: list[Mark] = [box_of(inside.view.box(box), "prior") for box in cxcywh_to_xyxy(own)]
    step = (of.size[0] / across, of.size[1] / down) if level.even else (level.stride, level.stride)
    column, row = best % across, best // across
    cell = (column * step[0], row * step[1], (column + 1) * step[0], (row + 1) * step[1])
    marks.append(box_of(inside.view.box(cell), "cell"))
    return on_picture(
        subject, marks, f"map {i + 1}: one of its {across}×{down} cells, filled, and what it looks at, dashed",
    )  # fmt: skip


def _firing_section(of: _Priors, inside: Inside, subject: Subject) -> Section:
    confidence = subject.thresholds.confidence
    figures, total = [], 0
    found = inside.candidates
    for i, (part, across, down) in enumerate(of.levels()):
        mine = np.flatnonzero(
            (found.places >= part.start) & (found.places < part.stop) & (found.scores >= confidence)
        )
        total += len(mine)
        if i >= _MOST_MAPS:
            continue
        level = of.config.levels[i]
        step = (of.size[0] / across, of.size[1] / down) if level.even else (float(level.stride),) * 2
        heat = best_in_cells(of.scores[part].max(axis=1), across, down)
        layer = cell_layer(heat, step, inside.view)
        strongest = mine[np.argsort(-found.scores[mine], kind="stable")][:_MOST_DRAWN]
        marks = _prior_marks(of, strongest, inside, subject)
        caption = (
            f"map {i + 1}, {across}×{down} cells: {counted(len(mine), 'prior')} at {confidence:.2f} or more"
        )
        figures.append(on_picture(subject, marks, caption, layers=[layer]))
    return Section(
        "Which priors fire?",
        [Figures(figures, columns=min(3, len(figures)))],
        f"The brighter a cell, the more certain is its surest prior. Drawn are the priors themselves, not yet moved, "
        f"that reach the confidence of {confidence:.2f}: {number(total)} of {number(len(of.priors))}. "
        "One object makes many neighbours fire; that is why the next steps are needed.",
    )


def _prior_marks(of: _Priors, rows: IntArray, inside: Inside, subject: Subject) -> list[Box]:
    found = inside.candidates
    boxes = cxcywh_to_xyxy(of.priors[found.places[rows]])
    return [
        box_of(
            inside.view.box(box), "prior",
            f"prior {number(int(found.places[row]))}: {subject.class_names[found.labels[row]]} "
            f"{found.scores[row]:.2f}",
            color=color_hex(int(found.labels[row])),
        )
        for row, box in zip(rows, boxes, strict=True)
    ]  # fmt: skip


def _decoding_section(of: _Priors, inside: Inside, subject: Subject) -> Section | None:
    """From prior to box, of the surest candidates of different places."""
    found = inside.candidates
    order = np.argsort(-found.scores, kind="stable")
    if not len(order) or found.scores[order[0]] < subject.thresholds.confidence:
        return None
    row = int(order[0])
    place = int(found.places[row])
    prior, offsets = of.priors[place], of.offsets[place]
    decoded = BoxCoder().decode(offsets[None], prior[None])[0]
    name = subject.class_names[found.labels[row]]
    column, line = of.cell_of(place)
    marks = [
        box_of(inside.view.box(cxcywh_to_xyxy(prior[None])[0]), "prior", "the prior"),
        box_of(found.boxes[row], "kept", f"the box: {name}", f"{name} {found.scores[row]:.2f}",
               color_hex(int(found.labels[row]))),
    ]  # fmt: skip
    coder = BoxCoder()
    size = decoded[2:] - decoded[:2]
    center = decoded[:2] + size / 2
    words = ["centre x", "centre y", "width", "height"]
    made = [*center, *size]
    formulas = [
        f"{prior[0]:.4g} {_added(offsets[0])} · {coder.v_center:g} · {prior[2]:.4g}",
        f"{prior[1]:.4g} {_added(offsets[1])} · {coder.v_center:g} · {prior[3]:.4g}",
        f"{prior[2]:.4g} · e^({plain(offsets[2])} · {coder.v_size:g})",
        f"{prior[3]:.4g} · e^({plain(offsets[3])} · {coder.v_size:g})",
    ]
    table = Table(
        ["", "prior", "network says", "how", "box"],
        [[words[i], f"{prior[i]:.4g}", plain(offsets[i]), formulas[i], Cell(plain(made[i]), kind="strong")]
         for i in range(4)],
        note="In pixels of the network's input.",
    )  # fmt: skip
    return Section(
        "How does a prior become a box?",
        [
            Split(
                on_picture(subject, marks, "dashed: the prior; solid: where the network moves it"), [table]
            ),
        ],
        f"The surest of all is prior {number(place)}, in column {column + 1}, row {line + 1} of map "
        f"{of.level_of(place) + 1}. The network does not draw boxes; it says by how much of the prior's own size "
        "to move it, and by which power of e to stretch it.",
    )


def _added(value: float) -> str:
    """`+ 0.5` or `− 0.5`."""
    return f"{'−' if value < 0 else '+'} {plain(abs(value))}"
