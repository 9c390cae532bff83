"""Networks that selective search tells where to look: R-CNN and Fast R-CNN."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from rtdet.detectors.family.detector import FamilyDetector
from rtdet.explain.blocks import Block, Cell, Figure, Figures, Mark, Section, Split, Table
from rtdet.explain.drawing import box_of, counted, number, on_picture, plain
from rtdet.explain.grid import inside_family
from rtdet.explain.inside import Inside, Subject, Truth
from rtdet.explain.pictures import color_hex, jpeg_uri
from rtdet.explain.ssd_matching import truth_boxes
from rtdet.geometry.boxes import iou
from rtdet.types import FloatArray, Image

_MOST_DRAWN, _MOST_CUT = 60, 6
_IDEAS = {
    "rcnn": "R-CNN does not slide a window over the picture. Selective search, which knows nothing of classes, says "
    "where something may be, by what looks alike; each of these regions is cut out, warped to one size and shown to "
    "a network that tells pictures apart. One region after the other, which is why it is slow.",
    "fastrcnn": "Fast R-CNN asks selective search where something may be, runs its convolutions once over the whole "
    "picture, and then looks at each of these regions in the map that they gave.",
}


def inside_regions(detector: FamilyDetector, subject: Subject) -> Inside:
    """What an R-CNN or Fast R-CNN of rtdet did with the picture."""
    inside = inside_family(detector, subject)
    config: Any = detector.config
    filled = detector.look(subject.image).inputs[1][0]
    regions = np.asarray(filled, dtype=np.float64)
    real = (regions[:, 2:] > regions[:, :2]).all(axis=1)
    inside = replace(
        inside,
        idea=_IDEAS[config.family],
        places=int(real.sum()),
        place_word="regions",
        unknown=(),
        # Those of R-CNN are maps of regions, not of the picture.
        maps=inside.maps if config.family == "fastrcnn" else (),
    )
    boxes = inside.view.back.undo(regions)
    side = getattr(config, "side", None)
    context = getattr(config, "context", 0)
    sections: list[Section | None] = [_search_section(inside, subject, boxes[real], config)]
    if side is not None:
        sections.append(cut_section(inside, subject, with_context(regions, side, context), side, _WARPED))
    sections.append(_moving_section(inside, subject, boxes))
    overlap = config.region_overlap
    return replace(
        inside,
        sections=[one for one in sections if one is not None],
        matching=lambda truth: overlap_section(truth, subject, boxes[real], overlap, "region", _LEARNING),
    )


_WARPED = (
    "Each region, with a little of what is around it, is warped to {side}×{side} pixels, whatever its shape, since "
    "the network knows pictures of that size only. These are the regions of the surest boxes as the network gets "
    "them."
)
_LEARNING = (
    "Regions that overlap an object by {overlap:.2f} or more learn its class, and how its box differs from them; the "
    "others learn that they show nothing. An object that no region covers cannot be found, however good the network."
)


def with_context(regions: FloatArray, side: int, context: int) -> FloatArray:
    """Regions (R, 4) xyxy as R-CNN cuts them out: of `side` pixels `context` at either end are around it."""
    center = (regions[:, :2] + regions[:, 2:]) / 2
    half = (regions[:, 2:] - regions[:, :2]) / 2 * (side / (side - 2 * context))
    return np.concatenate([center - half, center + half], axis=1)


def _search_section(inside: Inside, subject: Subject, boxes: FloatArray, config: object) -> Section:
    drawn = boxes[:_MOST_DRAWN]
    marks: list[Mark] = [
        box_of(box, "prior", f"region {i + 1}") for i, box in reversed(list(enumerate(drawn)))
    ]
    sides = boxes[:, 2:] - boxes[:, :2]
    rows: list[Sequence[Cell | str]] = []
    for low, high in ((0, 16), (16, 32), (32, 64), (64, 128), (128, 10**6)):
        size = np.sqrt(sides.prod(axis=1))
        count = int(((size >= low) & (size < high)).sum())
        name = f"under {high}" if not low else f"{low} to {high}" if high < 10**6 else f"{low} and more"
        rows.append([name, Cell(number(count), share=count / max(1, len(boxes)))])
    spaces = ", ".join(getattr(config, "search_spaces", ())).upper()
    scales = ", ".join(f"{scale:g}" for scale in getattr(config, "search_scales", ()))
    return Section(
        "Where does it look?",
        [
            Split(
                on_picture(subject, marks, f"the first {len(drawn)} of {number(len(boxes))} regions"),
                [Table(["side of a region", "regions"], rows, note="Pixels of the picture: √ of its area.")],
            ),
        ],
        "The picture is cut into small pieces of one colour. Then the two neighbours that are most alike, in colour, "
        "texture and size, become one, again and again, until the whole picture is one piece. Every piece on the way "
        f"is a region ({spaces}, scale {scales}). No network is at work yet.",
    )


def cut_section(
    inside: Inside, subject: Subject, places: FloatArray, side: int, words: str, title: str = ""
) -> Section | None:
    """The places (N, 4) xyxy in input pixels of the surest boxes, as shown to a classifier of `side` x `side`
    pixels. words: below the title, with {side}."""
    found = inside.candidates
    order = np.argsort(-found.scores, kind="stable")
    rows, seen = [], set()
    for row in order.tolist():
        if found.places[row] not in seen:
            seen.add(found.places[row])
            rows.append(row)
        if len(rows) == _MOST_CUT:
            break
    if not rows:
        return None
    figures = []
    for row in rows:
        cut = cut_out(inside.view.fitted, places[found.places[row]], side)
        caption = f"{subject.class_names[found.labels[row]]} {found.scores[row]:.2f}"
        figures.append(Figure(side, side, caption, jpeg_uri(cut), is_coarse=True))
    return Section(
        title or "What does it see of a region?",
        [Figures(figures, columns=_MOST_CUT)],
        words.format(side=side),
    )


def cut_out(picture: Image, box: FloatArray, side: int) -> Image:
    """(side, side, 3): a part of a picture, xyxy, whatever its shape; grey where it leaves the picture."""
    width, height = np.maximum(box[2:] - box[:2], 1e-3)
    turn = np.array(
        [
            [side / width, 0, -box[0] * side / width - 0.5 + 0.5 * side / width],
            [0, side / height, -box[1] * side / height - 0.5 + 0.5 * side / height],
        ]
    )
    cut = cv2.warpAffine(picture, turn, (side, side), flags=cv2.INTER_LINEAR, borderValue=(116, 116, 116))
    return np.asarray(cut, dtype=np.uint8)


def _moving_section(inside: Inside, subject: Subject, boxes: FloatArray) -> Section | None:
    found = inside.candidates
    order = np.argsort(-found.scores, kind="stable")
    if not len(order) or found.scores[order[0]] < subject.thresholds.confidence:
        return None
    row = int(order[0])
    region, box = boxes[found.places[row]], found.boxes[row]
    name = subject.class_names[found.labels[row]]
    marks: list[Mark] = [
        box_of(region, "prior", "the region"),
        box_of(box, "kept", name, f"{name} {found.scores[row]:.2f}", color_hex(int(found.labels[row]))),
    ]
    rows: list[Sequence[Cell | str]] = [
        [word, plain(region[i]), plain(box[i] - region[i]), Cell(plain(box[i]), kind="strong")]
        for i, word in enumerate(("x1", "y1", "x2", "y2"))
    ]
    blocks: list[Block] = [
        Split(
            on_picture(subject, marks, "dashed: the region; solid: the box"),
            [Table(["", "region", "moved by", "box"], rows, note="In pixels of the picture.")],
        )
    ]
    overlap = float(iou(region[None], box[None])[0, 0])
    return Section(
        "How does a region become a box?",
        blocks,
        f"Region {number(int(found.places[row]) + 1)} is a {name}, the network says, and its box is moved: a search "
        f"for what looks alike seldom ends exactly at an object's edges. The two overlap by {overlap:.2f}.",
    )


def overlap_section(
    truth: Truth, subject: Subject, boxes: FloatArray, overlap: float, word: str, words: str
) -> Section:
    """How well places (N, 4) xyxy in the picture's pixels cover its objects, and which of them learn an object: those
    that overlap it by `overlap`. word: for one of them; words: below the title, with {overlap}."""
    table = iou(boxes, truth.boxes) if len(boxes) else np.zeros((1, len(truth.names)))
    best = table.max(axis=0)
    positive = np.flatnonzero(table.max(axis=1) >= overlap)
    marks: list[Mark] = [box_of(box, "prior") for box in boxes[positive[:_MOST_DRAWN]]]
    marks += truth_boxes(truth)
    rows: list[Sequence[Cell | str]] = [
        [f"object {i + 1}", truth.names[i], str(int((table[:, i] >= overlap).sum())),
         Cell(f"{best[i]:.2f}", share=float(best[i]), kind="" if best[i] >= overlap else "bad")]
        for i in range(len(truth.names))
    ]  # fmt: skip
    covered = f"Covered: {number(int((best >= overlap).sum()))} of {counted(len(best), 'object')}."
    return Section(
        "How would it learn from this picture?",
        [
            Figures([on_picture(subject, marks, f"solid: the labelled objects; dashed: {word}s that learn them")]),
            Table(["object", "class", f"{word}s with IoU of {overlap:g} or more", "best IoU"], rows, words=2,
                  note=covered),
        ],
        words.format(overlap=overlap),
    )  # fmt: skip
