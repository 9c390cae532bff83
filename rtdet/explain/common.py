"""The sections that every network has: its input, feature maps, classes, NMS, six numbers, and the threshold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rtdet.explain.blocks import (
    Beside,
    Block,
    Box,
    Cell,
    Figure,
    Figures,
    Pixels,
    Section,
    Split,
    Step,
    StepChart,
    Steps,
    Table,
    Text,
)
from rtdet.explain.drawing import box_of, class_cell, counted, detection_boxes, number, on_picture
from rtdet.explain.inside import FLOOR, Inside, Subject
from rtdet.explain.pictures import color_hex, jpeg_uri, map_uri, shrunk
from rtdet.explain.suppression import Suppression
from rtdet.types import FloatArray, Image

_MOST_CHANNELS = 5
_MOST_ROWS = 12
_MOST_FOLDED = 200
_MOST_JUDGED = 3
_MOST_CLASSES = 6
_FITS = {
    "letterbox": "scaled until it fits, its shape kept, put in the middle; grey bars fill what is free",
    "corner": "scaled until it fits, its shape kept, put at the top left; grey fills what is free",
    "stretch": "stretched to the input's shape, whatever its own",
    "scale": "scaled, its shape kept",
}


def result_blocks(inside: Inside, subject: Subject, suppression: Suppression) -> list[Block]:
    """What the page begins with: the picture with what was found, and the way there in numbers."""
    width, height = inside.view.size
    confidence = subject.thresholds.confidence
    sure = int((inside.candidates.scores >= confidence).sum())
    found = len(subject.detections)
    steps = [
        Step(f"{subject.size[0]}×{subject.size[1]}", "pixels", "the picture"),
        Step(f"{width}×{height}", "pixels", "what the network gets"),
        Step(number(inside.places), inside.place_word, "each of them is judged"),
        Step(number(sure), f"at {confidence:.2f} or more", "the others are dropped"),
        Step(number(found), "object" if found == 1 else "objects",
             "one box each, after NMS" if inside.has_nms else "without any NMS"),
    ]  # fmt: skip
    return [Figures([on_picture(subject, detection_boxes(subject))]), Steps(steps)]


def input_section(inside: Inside, subject: Subject) -> Section:
    view = inside.view
    width, height = view.size
    rows = [
        ["picture", f"{subject.size[0]}×{subject.size[1]} pixels"],
        ["network's input", f"{width}×{height} pixels, {number(width * height * 3)} numbers"],
        ["how it is fitted", _FITS[view.fit]],
        ["order of colours", view.color],
        ["values", view.values],
    ]
    fitted = Figure(
        width,
        height,
        f"{width}×{height} pixels: all that the network knows of the picture",
        jpeg_uri(view.fitted),
    )
    return Section(
        "What does the network see?",
        [
            Split(fitted, [Table(["", ""], rows, words=2), _pixels(inside, subject)]),
            Figures(_planes(view.fitted), columns=3),
        ],
        "Not a picture, but three tables of numbers: how much blue, green and red there is at each place. "
        "Small things may already be lost here: what is a few pixels high in this picture can hardly be found.",
    )


def _planes(fitted: Image) -> list[Figure]:
    """Each colour alone, as bright as there is of it."""
    small = shrunk(fitted, 340)
    height, width = small.shape[:2]
    figures = []
    for channel, name in enumerate(("blue", "green", "red")):
        tint = np.full(3, 0.35)
        tint[channel] = 1.0
        plane = np.asarray(small[..., channel, None] * tint, dtype=np.uint8)
        figures.append(Figure(width, height, f"how much {name}", jpeg_uri(plane)))
    return figures


def _pixels(inside: Inside, subject: Subject) -> Pixels:
    """A few pixels at the surest object's centre, as numbers of red."""
    fitted = inside.view.fitted
    height, width = fitted.shape[:2]
    x, y = width // 2, height // 2
    if len(subject.detections):
        box = subject.detections.boxes[0]
        (sx, sy), (left, top) = inside.view.back.scale, inside.view.back.offset
        x, y = int((box[0] + box[2]) / 2 * sx + left), int((box[1] + box[3]) / 2 * sy + top)
    x, y = min(max(x, 6), max(6, width - 6)), min(max(y, 3), max(3, height - 3))
    part = fitted[y - 3 : y + 3, x - 6 : x + 6]
    rows = [[(str(int(p[2])), f"#{p[2]:02x}{p[1]:02x}{p[0]:02x}") for p in row] for row in part.tolist()]
    return Pixels(
        rows, f"{part.shape[1]}×{part.shape[0]} of its pixels around ({x}, {y}); written is how much red"
    )


def maps_section(inside: Inside) -> Section | None:
    if not inside.maps:
        return None
    blocks: list[Block] = []
    for title, channels in inside.maps:
        spread = channels.reshape(len(channels), -1).std(axis=1)
        chosen = np.argsort(-spread, kind="stable")[:_MOST_CHANNELS]
        figures = [_map_figure(np.abs(channels).mean(axis=0), "mean of all")]
        figures += [_map_figure(channels[i], f"channel {i + 1}") for i in chosen]
        blocks += [Text(title, "heading"), Figures(figures, columns=len(figures))]
    return Section(
        "What do its layers make of it?",
        blocks,
        "Layer by layer the picture becomes smaller and its meaning richer. The first maps show edges and colours, "
        "the last ones whole things: each cell of them has seen a large part of the picture. Of the many channels "
        "of each map these are those that differ most from place to place; bright is a high value.",
    )


def _map_figure(values: FloatArray, caption: str) -> Figure:
    height, width = values.shape
    return Figure(width, height, caption, map_uri(values), is_coarse=True)


def classes_section(inside: Inside, subject: Subject) -> Section | None:
    """How the places of the surest objects judged the classes."""
    if inside.class_scores is None or not len(subject.detections):
        return None
    tables: list[Table] = []
    is_softmax = False
    for i in range(min(_MOST_JUDGED, len(subject.detections))):
        row = candidate_of(inside, subject, i)
        if row is None:
            continue
        scores = inside.class_scores(int(inside.candidates.places[row]))
        is_softmax = scores.is_softmax
        shown = scores.rows[:_MOST_CLASSES]
        head = ["class", "score"]
        rows: list[Sequence[Cell | str]] = []
        has_logits = shown[0][1] is not None
        for name, before, score in shown:
            bar = Cell(f"{score:.3f}", share=min(1.0, score))
            rows.append(
                [name, f"{before:.2f}".replace("-", "\u2212"), bar] if before is not None else [name, bar]
            )
        if has_logits:
            head = ["class", "logit", "share of 1" if is_softmax else "score"]
        note = f"Is there anything at all: {scores.objectness:.3f}." if scores.objectness is not None else ""
        caption = f"{subject.detections.name_of(i)} {subject.detections.scores[i]:.2f}"
        tables.append(Table(head, rows, caption=caption, note=note))
    if not tables:
        return None
    lead = (
        "A softmax makes shares of one whole of the network's numbers: e to the power of each, over their sum. The "
        "classes compete, and “background” is one of them: what is nothing must be so for sure."
        if is_softmax
        else "Each class is judged by itself, by a sigmoid, 1 / (1 + e to the power of minus the number): the scores "
        "need not sum to 1, and where nothing is there, all are near 0. The best class gives the box its name."
    )
    return Section("What is it?", [Beside(tables)], lead)


def candidate_of(inside: Inside, subject: Subject, i: int) -> int | None:
    """The candidate that became detection `i`."""
    found, given = inside.candidates, subject.detections
    same = (found.labels == given.labels[i]) & np.isclose(found.boxes, given.boxes[i], atol=0.5).all(axis=1)
    same &= np.isclose(found.scores, given.scores[i], atol=0.02)
    rows = np.flatnonzero(same & (found.places >= 0))
    return int(rows[np.argmax(found.scores[rows])]) if len(rows) else None


def suppression_section(inside: Inside, subject: Subject, suppression: Suppression) -> Section:
    found, thresholds = inside.candidates, subject.thresholds
    sure = found.scores >= thresholds.confidence
    kept = [int(row) for row in suppression.kept if sure[row]]
    gone = np.flatnonzero(sure & (suppression.by >= 0))
    if not inside.has_nms:
        return Section(
            "One box for each object?",
            [Figures([on_picture(subject, detection_boxes(subject))])],
            "This network gives one box for each object by itself; no non-maximum suppression (NMS) is needed. "
            f"{counted(len(kept), 'box reaches', 'boxes reach')} the confidence of {thresholds.confidence:.2f}.",
        )
    before = [_candidate_box(inside, subject, row, "gone") for row in gone[np.argsort(found.scores[gone])]]
    before += [_candidate_box(inside, subject, row, "kept") for row in reversed(kept)]
    figures = [
        on_picture(subject, before, f"before: {counted(len(kept) + len(gone), 'box', 'boxes')} "
                   f"at {thresholds.confidence:.2f} or more"),
        on_picture(subject, detection_boxes(subject, numbered=True),
                   f"after: {counted(len(subject.detections), 'box', 'boxes')}"),
    ]  # fmt: skip
    numbers = {row: i + 1 for i, row in enumerate(kept)}
    rows: list[Sequence[Cell | str]] = []
    for row in gone[np.argsort(-found.scores[gone], kind="stable")][: _MOST_ROWS + _MOST_FOLDED]:
        by = int(suppression.by[row])
        rows.append([
            class_cell(subject, int(found.labels[row])), f"{found.scores[row]:.3f}", *_corners(found.boxes[row]),
            f"box {numbers[by]}", f"{found.scores[by]:.3f}",
            Cell(f"{suppression.overlap[row]:.2f}", share=float(np.clip(suppression.overlap[row], 0, 1))),
        ])  # fmt: skip
    blocks: list[Block] = [Figures(figures, columns=2)]
    if rows:
        more = f" The {len(rows)} surest of {number(len(gone))}." if len(gone) > len(rows) else ""
        blocks.append(
            Table(["suppressed", "score", "x1", "y1", "x2", "y2", "by", "its score", "IoU"], rows[:_MOST_ROWS],
                  caption="Who suppressed whom", note=f"Numbers of boxes are those of the right picture.{more}",
                  folded=rows[_MOST_ROWS:])
        )  # fmt: skip
    return Section(
        "One box for each object?",
        blocks,
        "Neighbours see the same object. Non-maximum suppression (NMS) goes through the boxes of a class from the "
        "surest down: each that is still there stays, and those that overlap it by an IoU (intersection over "
        f"union) of more than {thresholds.iou:g} go.",
    )


def _candidate_box(inside: Inside, subject: Subject, row: int, kind: str) -> Box:
    found = inside.candidates
    label = int(found.labels[row])
    note = f"{subject.class_names[label]} {found.scores[row]:.2f}"
    return box_of(found.boxes[row], kind, note, color=color_hex(label))


def _corners(box: FloatArray) -> list[str]:
    return [f"{value:.1f}" for value in box]


def numbers_section(inside: Inside, subject: Subject) -> Section:
    found = subject.detections
    rows: list[Sequence[Cell | str]] = []
    for i in range(len(found)):
        score = Cell(f"{found.scores[i]:.3f}", share=float(found.scores[i]))
        rows.append([str(i + 1), class_cell(subject, int(found.labels[i])), score, *_corners(found.boxes[i])])
    blocks: list[Block] = [Table(["box", "class", "score", "x1", "y1", "x2", "y2"], rows, words=2)] if rows else [
        Text(f"Nothing reaches the confidence of {subject.thresholds.confidence:.2f}.", "note")
    ]  # fmt: skip
    return Section(
        "What comes out: six numbers",
        blocks,
        "A detection is six numbers: the class, the score, and two corners, left-top (x1, y1) and right-bottom "
        "(x2, y2), in pixels of the original picture. Trackers, counters and this page's drawings know no more.",
    )


def threshold_section(inside: Inside, subject: Subject, suppression: Suppression) -> Section:
    """What another confidence would give. As NMS goes by falling score, what scores less changes nothing above."""
    found, confidence = inside.candidates, subject.thresholds.confidence
    kept = suppression.kept
    scores = np.sort(found.scores[kept])[::-1]
    top = max(1, len(scores))
    steps = ["M100 50"]
    for i, score in enumerate(scores):
        steps.append(f"H{100 * score:.2f}V{50 - 50 * (i + 1) / top:.2f}")
    # What scores less than FLOOR was not listed, so the line ends there.
    steps.append(f"H{100 * FLOOR:.2f}")
    chart = StepChart("".join(steps), top, round(100 * confidence, 2), f"chosen, {confidence:.2f}")
    figures = []
    for limit in _limits(confidence):
        rows = [int(row) for row in kept if found.scores[row] >= limit]
        marks = [_candidate_box(inside, subject, row, "kept") for row in reversed(rows)]
        figures.append(
            on_picture(subject, marks, f"from {limit:.2f} on: {counted(len(rows), 'box', 'boxes')}")
        )
    return Section(
        "What does the threshold change?",
        [chart, Figures(figures, columns=3)],
        "Nothing but where the list is cut. A low threshold misses little and takes shadows for people; a high one "
        "is nearly always right and overlooks more. No setting gives both: a precision–recall curve shows that.",
    )


def _limits(confidence: float) -> list[float]:
    return sorted({0.1 if confidence > 0.1 else 0.05, round(confidence, 2), 0.6 if confidence < 0.6 else 0.9})
