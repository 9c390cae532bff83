"""Draws a grid of training inputs with their boxes, to show what the network sees."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from rtdet.output_file import write_whole
from rtdet.training.labeled import Labeled
from rtdet.types import Image
from rtdet.video.draw import color_of

_GAP = 4
_GROUND = 32
_LEAST_SIDE = 240  # smaller inputs are magnified, so that names can be read


def write_sheet(
    path: Path, examples: Sequence[Labeled], class_names: Sequence[str], columns: int = 4
) -> None:
    """Writes a PNG of the examples, all of one size. Names and boxes in a colour for each class, a teacher's doubt
    in per cent; ignored regions hatched in grey; a line for classes whose objects may be without a box.
    Raises OutputError."""
    cells = [_cell(example, class_names) for example in examples]
    height, width = cells[0].shape[:2]
    columns = min(columns, len(cells))
    rows = math.ceil(len(cells) / columns)
    sheet = np.full(
        (rows * (height + _GAP) + _GAP, columns * (width + _GAP) + _GAP, 3), _GROUND, dtype=np.uint8
    )
    for i, cell in enumerate(cells):
        row, column = divmod(i, columns)
        y, x = _GAP + row * (height + _GAP), _GAP + column * (width + _GAP)
        sheet[y : y + height, x : x + width] = cell
    _, encoded = cv2.imencode(".png", sheet)
    write_whole(path, encoded.tobytes())


def _cell(example: Labeled, class_names: Sequence[str]) -> Image:
    scale = max(1, math.ceil(_LEAST_SIDE / min(example.size)))
    image = np.repeat(np.repeat(example.image, scale, axis=0), scale, axis=1)
    boxes = (example.boxes * scale).round().astype(int)
    for box in boxes[example.ignored]:
        _hatch(image, box)
    texts: list[tuple[str, tuple[int, int], tuple[int, int, int]]] = []
    for row in np.flatnonzero(~example.ignored):
        label, score = int(example.labels[row]), float(example.scores[row])
        red, green, blue = color_of(label + 1)
        x1, y1, x2, y2 = (int(v) for v in boxes[row])
        cv2.rectangle(image, (x1, y1), (x2 - 1, y2 - 1), (blue, green, red), 1 if scale == 1 else 2)
        text = class_names[label] + (f" {score:.0%}" if score < 1 else "")
        texts.append((text, (x1, y1), (blue, green, red)))
    for text, place, color in texts:
        _write(image, text, place, color)
    if example.incomplete:
        missing = ", ".join(class_names[label] for label in sorted(example.incomplete))
        _write(image, f"not all labelled: {missing}", (2, image.shape[0] - 2), (220, 220, 220))
    return image


def _hatch(image: Image, box: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> None:
    x1, y1, x2, y2 = (int(v) for v in box)
    view = image[max(0, y1) : max(0, y2), max(0, x1) : max(0, x2)]
    if not view.size:
        return
    y, x = np.mgrid[: view.shape[0], : view.shape[1]]
    stripes = (x + y) % 8 < 2
    view[stripes] = (view[stripes] * 0.3 + 200 * 0.7).astype(np.uint8)
    cv2.rectangle(image, (x1, y1), (x2 - 1, y2 - 1), (200, 200, 200), 1)


def _write(image: Image, text: str, place: tuple[int, int], color: tuple[int, int, int]) -> None:
    """Dark letters on a chip of the colour, above the place where there is room, else below."""
    text = text.encode("ascii", "replace").decode()  # all that OpenCV's letters have
    (width, height), baseline = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.36, 1)
    x = max(0, min(place[0], image.shape[1] - width - 2))
    y = place[1] if place[1] >= height + baseline + 2 else place[1] + height + baseline + 2
    cv2.rectangle(image, (x, y - height - baseline - 1), (x + width + 1, y), color, -1)
    cv2.putText(image, text, (x + 1, y - baseline), cv2.FONT_HERSHEY_SIMPLEX, 0.36, (0, 0, 0), 1, cv2.LINE_AA)
