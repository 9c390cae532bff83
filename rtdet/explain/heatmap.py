"""CenterNet: heat maps of centres, their peaks, and the two numbers that make a box of a peak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from rtdet.detectors.centernet.config import STRIDE, CenterNetConfig
from rtdet.detectors.family.detector import FamilyDetector
from rtdet.explain.blocks import Block, Cell, Figures, Mark, Section, Split, Table
from rtdet.explain.drawing import box_of, cell_layer, counted, dot_at, number, on_picture, plain, to_input
from rtdet.explain.grid import inside_family
from rtdet.explain.inside import Inside, Subject, Truth
from rtdet.explain.pictures import color_hex
from rtdet.explain.ssd_matching import truth_boxes
from rtdet.extras import is_installed
from rtdet.types import FloatArray, IntArray

_MOST_CLASSES = 3
_IDEA = (
    "CenterNet takes objects for points. For each class it paints a heat map of where centres are; every peak is an "
    "object, and two more maps say how large it is and where exactly its centre lies. No anchors, no NMS."
)


def inside_centernet(detector: FamilyDetector, subject: Subject) -> Inside:
    """What a CenterNet of rtdet did with the picture."""
    inside = inside_family(detector, subject)
    inside = replace(
        inside, family="CenterNet", idea=_IDEA, place_word="cells", sections=(), matching=None, unknown=()
    )
    across, down = (side // STRIDE for side in inside.view.size)
    maps = _maps(detector, inside)
    if maps is None:
        return replace(
            inside, unknown=["Its heat maps are shown where torch is installed: pip install 'rtdet[torch]'."]
        )
    return with_heat(inside, subject, maps, (across, down), detector.config)


def _maps(detector: FamilyDetector, inside: Inside) -> tuple[FloatArray, FloatArray, FloatArray] | None:
    """Heat (C, H, W) in 0..1, sizes and offsets (2, H, W) in cells; None without torch."""
    if not is_installed("torch"):
        return None
    import torch

    from rtdet.detectors.family.weights import load_weights

    network = load_weights(detector.weights) if isinstance(detector.weights, Path) else detector.weights
    picture = torch.from_numpy(np.ascontiguousarray(inside.view.fitted.transpose(2, 0, 1)))[None].float()
    with torch.inference_mode():
        heat, size, offset = network.eval()(picture)
    return heat[0].sigmoid().double().numpy(), size[0].double().numpy(), offset[0].double().numpy()


def with_heat(
    inside: Inside,
    subject: Subject,
    maps: tuple[FloatArray, FloatArray, FloatArray],
    cells: tuple[int, int],
    config: object,
) -> Inside:
    """With the sections of heat maps. maps: heat, sizes and offsets; cells: across and down."""
    sections = [_heat_section(inside, subject, maps[0]), _decoding_section(inside, subject, maps, cells)]
    matching = None
    if isinstance(config, CenterNetConfig):
        min_overlap = config.min_overlap

        def matching(truth: Truth) -> Section:
            return _matching_section(truth, inside, subject, maps[0], min_overlap)

    return replace(inside, sections=[one for one in sections if one is not None], matching=matching)


def _heat_section(inside: Inside, subject: Subject, heat: FloatArray) -> Section:
    confidence, found = subject.thresholds.confidence, inside.candidates
    strongest = heat.reshape(len(heat), -1).max(axis=1)
    figures = []
    for label in np.argsort(-strongest, kind="stable")[:_MOST_CLASSES]:
        peaks = np.flatnonzero((found.labels == label) & (found.scores >= confidence))
        dots = _peak_dots(inside, subject, peaks)
        caption = f"{subject.class_names[label]}: {counted(len(peaks), 'peak')} at {confidence:.2f} or more"
        layer = cell_layer(heat[label], (STRIDE, STRIDE), inside.view)
        figures.append(on_picture(subject, dots, caption, layers=[layer]))
    return Section(
        "Where are the centres?",
        [Figures(figures, columns=len(figures))],
        "One heat map for each class, at a quarter of the input's resolution; these are the warmest. A cell is a "
        f"peak where none of its eight neighbours is higher: of {number(heat.shape[1] * heat.shape[2])} cells in "
        "each map few are left, and no two of them are neighbours. That does the work of NMS.",
    )


def _peak_dots(inside: Inside, subject: Subject, rows: IntArray) -> list[Mark]:
    found = inside.candidates
    across = inside.view.size[0] // STRIDE
    return [
        dot_at(
            inside.view.point(
                (found.places[row] % across + 0.5) * STRIDE, (found.places[row] // across + 0.5) * STRIDE
            ),
            "fires", f"{subject.class_names[found.labels[row]]} {found.scores[row]:.2f}",
            color_hex(int(found.labels[row])),
        )
        for row in rows
    ]  # fmt: skip


def _decoding_section(
    inside: Inside, subject: Subject, maps: tuple[FloatArray, FloatArray, FloatArray], cells: tuple[int, int]
) -> Section | None:
    found = inside.candidates
    order = np.argsort(-found.scores, kind="stable")
    if not len(order) or found.scores[order[0]] < subject.thresholds.confidence:
        return None
    row = int(order[0])
    line, column = divmod(int(found.places[row]), cells[0])
    _, sizes, offsets = maps
    (width, height), (right, down) = sizes[:, line, column], offsets[:, line, column]
    name = subject.class_names[found.labels[row]]
    marks: list[Mark] = [
        box_of(
            found.boxes[row],
            "kept",
            name,
            f"{name} {found.scores[row]:.2f}",
            color_hex(int(found.labels[row])),
        ),
        box_of(
            inside.view.box(np.array([column, line, column + 1, line + 1]) * STRIDE),
            "cell",
            "the peak's cell",
        ),
        dot_at(inside.view.point((column + right) * STRIDE, (line + down) * STRIDE), "center", "the centre"),
    ]
    rows: list[Sequence[Cell | str]] = [
        ["centre x", f"column {column}", plain(right), f"({column} + {plain(right)}) · {STRIDE}",
         Cell(plain((column + right) * STRIDE), kind="strong")],
        ["centre y", f"row {line}", plain(down), f"({line} + {plain(down)}) · {STRIDE}",
         Cell(plain((line + down) * STRIDE), kind="strong")],
        ["width", "", plain(width), f"{plain(width)} · {STRIDE}", Cell(plain(width * STRIDE), kind="strong")],
        ["height", "", plain(height), f"{plain(height)} · {STRIDE}", Cell(plain(height * STRIDE), kind="strong")],
    ]  # fmt: skip
    return Section(
        "How does a peak become a box?",
        [
            Split(
                on_picture(subject, marks, "the box of the highest peak; in its middle the peak's cell"),
                [Table(["", "the peak", "maps say", "how", "box"], rows,
                       note="In pixels of the network's input; the maps speak in cells of four pixels.")],
            ),
        ],
        "At the peak, the size map says how wide and high the object is, and the offset map where in the cell its "
        "centre lies: a cell is four pixels wide, and without the offset every box would be up to two pixels off.",
    )  # fmt: skip


def _matching_section(
    truth: Truth, inside: Inside, subject: Subject, heat: FloatArray, min_overlap: float
) -> Section:
    target = target_heat(to_input(truth.boxes, inside.view), truth, heat.shape, min_overlap)
    label = int(np.bincount(truth.labels).argmax())
    name = subject.class_names[label]
    layers = [cell_layer(one[label], (STRIDE, STRIDE), inside.view) for one in (target, heat)]
    blocks: list[Block] = [
        Figures(
            [
                on_picture(subject, truth_boxes(truth), f"{name}: what it should paint", layers=[layers[0]]),
                on_picture(subject, (), f"{name}: what it paints", layers=[layers[1]]),
            ],
            columns=2,
        )
    ]
    return Section(
        "How would it learn from this picture?",
        blocks,
        "The labels are painted as soft spots, as wide as a box may be shifted and still overlap the object by an "
        f"IoU of {min_overlap:g}. The loss compares them cell by cell; beside a centre a high value costs little.",
    )


def target_heat(boxes: FloatArray, truth: Truth, shape: tuple[int, ...], min_overlap: float) -> FloatArray:
    """(C, H, W): the heat that `centernet.targets.paint` wants for objects (G, 4) xyxy input pixels."""
    import torch

    from rtdet.detectors.centernet.targets import paint
    from rtdet.detectors.family.truth import Truth as Target

    target = Target(torch.from_numpy(boxes), torch.from_numpy(truth.labels), torch.zeros(0, 4))
    painted = paint(target, shape[0], (shape[1], shape[2]), STRIDE, min_overlap)
    return np.asarray(painted.heat.numpy(), dtype=np.float64)
