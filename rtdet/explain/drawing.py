"""Marks and layers that several kinds of networks draw."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from rtdet.explain.blocks import Box, Cell, Dot, Figure, Layer, Lines, Mark
from rtdet.explain.inside import Subject, View
from rtdet.explain.pictures import color_hex, heat_uri
from rtdet.types import FloatArray


def box_of(
    xyxy: Sequence[float] | FloatArray, kind: str, note: str = "", label: str = "", color: str = ""
) -> Box:
    x1, y1, x2, y2 = (round(float(value), 1) for value in xyxy)
    return Box(x1, y1, x2, y2, kind, note, label, color)


def detection_boxes(subject: Subject, *, numbered: bool = False) -> tuple[Box, ...]:
    """The detector's own detections, named (or numbered from 1) and coloured; the surest is drawn last, on top."""
    found = subject.detections
    return tuple(
        box_of(
            found.boxes[i], "kept", f"{found.name_of(i)} {found.scores[i]:.2f}",
            str(i + 1) if numbered else f"{found.name_of(i)} {found.scores[i]:.2f}", color_hex(int(found.labels[i])),
        )
        for i in reversed(range(len(found)))
    )  # fmt: skip


def on_picture(
    subject: Subject,
    marks: Iterable[Mark] = (),
    caption: str = "",
    title: str = "",
    layers: Iterable[Layer] = (),
) -> Figure:
    """A figure on the page's own picture, in its pixels."""
    width, height = subject.size
    return Figure(width, height, caption, "", tuple(layers), tuple(marks), title=title)


def cell_layer(shares: FloatArray, stride: tuple[float, float], view: View) -> Layer:
    """Heat of the cells (H, W) of a map over the picture; stride (x, y): input pixels of a cell."""
    height, width = shares.shape
    x1, y1, x2, y2 = view.box((0.0, 0.0, width * stride[0], height * stride[1]))
    return Layer(heat_uri(shares), round(x1, 2), round(y1, 2), round(x2 - x1, 2), round(y2 - y1, 2))


def class_cell(subject: Subject, label: int) -> Cell:
    """A class's name with its colour."""
    names = subject.class_names
    name = names[label] if 0 <= label < len(names) else str(label)
    return Cell(name, color=color_hex(label))


def counted(count: int, one: str, several: str | None = None) -> str:
    """`1 prior`, `2 priors`, with thin spaces in long numbers."""
    word = one if count == 1 else several or f"{one}s"
    return f"{number(count)} {word}"


def number(count: int) -> str:
    return f"{count:,}".replace(",", "\u202f")


def best_in_cells(scores: FloatArray, across: int, down: int) -> FloatArray:
    """(down, across): the highest score of each cell, of scores that are listed row by row, cell by cell, and the
    places of a cell one after the other."""
    return np.asarray(scores.reshape(down, across, -1).max(axis=2))


def plain(value: float) -> str:
    """A number with a true minus, as long as it must be."""
    digits = 2 if abs(value) < 10 else 1
    return f"{value:.{digits}f}".replace("-", "\u2212")


def grid_lines(across: int, down: int, stride: tuple[float, float], view: View) -> Lines:
    """The borders of a map's cells, in the picture's pixels."""
    left, top, right, bottom = view.box((0.0, 0.0, across * stride[0], down * stride[1]))
    xs = [left + (right - left) * i / across for i in range(across + 1)]
    ys = [top + (bottom - top) * i / down for i in range(down + 1)]
    upright = "".join(f"M{x:.1f} {top:.1f}V{bottom:.1f}" for x in xs)
    level = "".join(f"M{left:.1f} {y:.1f}H{right:.1f}" for y in ys)
    return Lines(upright + level)


def dot_at(point: tuple[float, float], kind: str, note: str = "", color: str = "") -> Dot:
    return Dot(round(point[0], 1), round(point[1], 1), kind, note, color)


def to_input(boxes: FloatArray, view: View) -> FloatArray:
    """(N, 4) xyxy of the picture in pixels of the network's input."""
    return np.asarray(boxes * np.array(view.back.scale * 2) + np.array(view.back.offset * 2))
