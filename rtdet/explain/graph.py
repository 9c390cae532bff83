"""Networks of others: what their head tells, and an honest word on the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rtdet.detectors.graph_detector import GraphDetector
from rtdet.detectors.heads.head import Candidates as Decoded
from rtdet.detectors.heads.yolox import YoloxHead
from rtdet.detectors.look import Look
from rtdet.detectors.selection import strongest, wanted_class
from rtdet.explain.blocks import Cell, Section, Table
from rtdet.explain.drawing import number, plain
from rtdet.explain.grid import levels_for, with_grid
from rtdet.explain.inside import Candidates, ClassScores, Inside, Subject, View, floor_of
from rtdet.explain.own import maps_in
from rtdet.types import IntArray

_COLORS = {"rgb": "red, green, blue", "bgr": "blue, green, red", "gray": "none: grey"}
_RANGES = {
    "0..255": "0 to 255, as they are",
    "0..1": "0 to 1: divided by 255",
    "-1..1": "−1 to 1: less 127.5, divided by 127.5",
    "imagenet": "less ImageNet's mean colour, divided by its deviation: mostly −2 to 2.6",
}


def inside_graph(detector: GraphDetector, subject: Subject) -> Inside:
    """What a network of others did with the picture, as far as its head is known."""
    look, head = detector.look(subject.image), detector.head
    every = head.decode(look.outputs, look.size, 0.0)
    found, places = _candidates(detector, look, subject, every)
    outputs = _outputs_section(look)
    inside = Inside(
        family=f"{detector.head_name} head",
        idea="The network comes from elsewhere. rtdet knows its family by the shapes of its outputs, and with that "
        "how to read them.",
        view=_view(detector, look),
        candidates=found,
        places=len(every),
        place_word="places",
        sections=[outputs],
        maps=maps_in(detector.path, look.inputs, look.size),
        has_nms=not head.is_selected,
        most_overlap=head.most_overlap,
    )
    levels = levels_for(len(every), look.size)
    if head.is_selected or levels is None:
        what = "It chooses its boxes inside of the network: which" if head.is_selected else "Which"
        return replace(
            inside,
            place_word="boxes",
            unknown=[
                f"{what} part of the picture made it give a box is not known to this page; shown are its outputs."
            ],
        )
    inside = replace(inside, candidates=replace_places(found, places))
    scores = np.asarray(every.scores, dtype=np.float64)
    if isinstance(head, YoloxHead):
        rows = np.asarray(look.outputs[0][0], dtype=np.float64)
        inside = replace(
            inside,
            family="YOLOX",
            idea="YOLOX judges every cell of three grids over the picture, without anchors: is there an object, "
            "which class is it, where is its centre and how large is it?",
            class_scores=lambda place: _yolox_scores(rows[place], detector.class_names),
        )

        def raw(place: int) -> Table:
            return _yolox_raw(rows[place])

        made = with_grid(inside, subject, levels, scores, every.boxes, family="yolox", raw=raw)
    else:
        made = with_grid(inside, subject, levels, scores, every.boxes, family=detector.head_name)
    return replace(made, sections=[outputs, *made.sections])


def replace_places(found: Candidates, places: IntArray) -> Candidates:
    return Candidates(found.boxes, found.scores, found.labels, places)


def _candidates(
    detector: GraphDetector, look: Look, subject: Subject, every: Decoded
) -> tuple[Candidates, IntArray]:
    """As GraphDetector keeps them, with their places in `every`."""
    thresholds = floor_of(subject.thresholds)
    wanted = wanted_class(every.labels, thresholds, detector.class_names)
    rows = np.flatnonzero(wanted & (every.scores >= thresholds.least_score))
    rows = strongest(np.asarray(every.scores[rows]), rows)
    boxes = look.back.undo(np.asarray(every.boxes[rows], dtype=np.float64))
    found = Candidates(
        boxes, np.asarray(every.scores[rows], dtype=np.float64), every.labels[rows], rows
    ).sound()
    return Candidates(found.boxes, found.scores, found.labels, np.full(len(found), -1)), found.places


def _view(detector: GraphDetector, look: Look) -> View:
    spec = detector.input
    named = str(spec).split(",")[1]
    values = _RANGES.get(named, f"less {spec.mean[0]:g}, {spec.mean[1]:g}, {spec.mean[2]:g}, divided by "
                         f"{spec.std[0]:g}, {spec.std[1]:g}, {spec.std[2]:g}")  # fmt: skip
    return View(look.fitted, look.back, spec.fit, _COLORS[spec.color], values)


def _outputs_section(look: Look) -> Section:
    rows: list[Sequence[Cell | str]] = []
    for i, output in enumerate(look.outputs):
        values: Any = np.asarray(output, dtype=np.float64)
        extent = f"{plain(float(values.min()))} to {plain(float(values.max()))}" if values.size else ""
        rows.append([str(i + 1), "×".join(map(str, output.shape)), number(values.size), extent])
    return Section(
        "What does the network give?",
        [Table(["output", "shape", "numbers", "from … to"], rows)],
        "A network gives nothing but arrays of numbers. What they mean is a matter of its family.",
    )


def _yolox_scores(row: Any, names: Sequence[str]) -> ClassScores:
    rows = [(name, None, float(row[4] * row[5 + i])) for i, name in enumerate(names)]
    return ClassScores(sorted(rows, key=lambda one: -one[2]), False, objectness=float(row[4]))


def _yolox_raw(row: Any) -> Table:
    best = int(row[5:].argmax())
    words = ["x", "y", "width", "height", "objectness", f"best of {len(row) - 5} classes"]
    return Table(
        words, [[plain(float(v)) for v in (*row[:5], row[5 + best])]], words=0,
        caption="The numbers as the network gives them",
        note="Width and height are powers of e, in cells; the score is objectness times the number of the class.",
    )  # fmt: skip
