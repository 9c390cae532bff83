"""A network's file as the families look at it: which input takes the picture, and the outputs at one size of it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from rtdet.backends.graphs import Dimensions, GraphInfo, Port, inspect_graph
from rtdet.config import MAX_IMGSZ
from rtdet.detectors.heads.input_spec import Size, input_shape
from rtdet.errors import ModelError

# Tried in turn for a network that leaves its input's size open.
_SIDES = (640, 416, 320, 512)


@dataclass(frozen=True)
class Graph:
    """A network as recognisers see it.

    path: its file. info: its inputs and outputs for an input of `size` (width, height); what depends on the content
    stays None. picture: the index of the input that takes the picture. layout: the order of its axes (nchw, nhwc, chw
    or hwc).
    channels: 3, or 1 for grey. has_own_size: whether `size` is the file's, or only assumed.
    """

    path: Path
    info: GraphInfo
    picture: int
    layout: str
    channels: int
    size: Size
    has_own_size: bool

    @property
    def inputs(self) -> tuple[Port, ...]:
        return self.info.inputs

    @property
    def outputs(self) -> tuple[Port, ...]:
        return self.info.outputs

    @cached_property
    def shapes(self) -> tuple[Dimensions, ...]:
        """The shapes of the outputs."""
        return tuple(port.shape for port in self.info.outputs)

    @property
    def metadata(self) -> Mapping[str, str]:
        return self.info.metadata

    @property
    def dtype(self) -> str:
        """Of the picture's input: "float32", "uint8", ..."""
        return self.info.inputs[self.picture].dtype

    @property
    def takes_pixels(self) -> bool:
        """Whether the picture's input must be pixels from 0 to 255: whole numbers, or numbers that the network scales
        itself."""
        port = self.info.inputs[self.picture]
        return port.dtype in ("uint8", "int8") or port.is_scaled_inside

    @property
    def about(self) -> str:
        """All notes of the exporter as one text in lower case."""
        return " ".join(f"{key} {value}" for key, value in self.metadata.items()).lower()

    def input_shapes(self, size: Size) -> tuple[tuple[int, ...], ...]:
        """The shapes of all inputs for pictures fitted into `size`; batches of one."""
        shapes = [tuple(1 if side is None else side for side in port.shape) for port in self.inputs]
        shapes = [(1, *shape[1:]) if i != self.picture else shape for i, shape in enumerate(shapes)]
        shapes[self.picture] = input_shape(self.layout, self.channels, size)
        return tuple(shapes)

    def at(self, size: Size) -> Graph | None:
        """The same network for an input of another size; None where it cannot have it."""
        info = self.info.with_inputs(self.input_shapes(size))
        return (
            None
            if info is None
            else Graph(self.path, info, self.picture, self.layout, self.channels, size, self.has_own_size)
        )


def open_graph(path: Path, long_side: int | None = None) -> Graph:
    """The network in a file. `long_side`: the size to assume where the file leaves it open. Raises ModelError for a
    file that cannot be read, or that takes no pictures."""
    info = inspect_graph(path)
    picture, layout = _picture_input(path, info)
    shape = info.inputs[picture].shape
    sides = dict(zip(layout, shape, strict=True))
    channels = sides["c"] or 3
    width, height = sides["w"], sides["h"]
    made_for = (width, height) if width and height else None
    if made_for is not None and max(made_for) > MAX_IMGSZ and long_side is None:
        text = f"{made_for[0]}x{made_for[1]}"
        raise ModelError(f"{path} was exported for {text} pixels, over {MAX_IMGSZ}; give a smaller --imgsz")
    graph = Graph(path, info, picture, layout, channels, made_for or (0, 0), made_for is not None)
    wanted = [made_for] if made_for is not None and max(made_for) <= MAX_IMGSZ else _assumed(graph, long_side)
    for size in wanted:
        fixed = graph.at(size)
        if fixed is not None:
            return fixed
    if made_for is None:
        raise ModelError(
            f"{path} runs at none of the usual sizes ({', '.join(map(str, _SIDES))}); give --imgsz"
        )
    return graph  # a batch that cannot be one


def _assumed(graph: Graph, long_side: int | None) -> list[Size]:
    if long_side is not None:
        return [(long_side, long_side)]
    noted = noted_size(graph.metadata)
    return [*([noted] if noted else []), *((side, side) for side in _SIDES)]


def noted_size(metadata: Mapping[str, str]) -> Size | None:
    """(width, height) from the note `imgsz` of an export: a number, or [height, width]."""
    try:
        value = ast.literal_eval(metadata.get("imgsz", ""))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    sides = value if isinstance(value, list | tuple) else [value]
    if not sides or not all(isinstance(side, int) and 0 < side <= MAX_IMGSZ for side in sides):
        return None
    return int(sides[-1]), int(sides[0])


def _picture_input(path: Path, info: GraphInfo) -> tuple[int, str]:
    """Which input takes the picture, and the order of its axes. Raises ModelError where none does."""
    for layout in ("nchw", "nhwc", "chw", "hwc"):
        for i, port in enumerate(info.inputs):
            if len(port.shape) == len(layout) and _may_be(dict(zip(layout, port.shape, strict=True))):
                return i, layout
    shown = ", ".join(show_shape(port.shape) for port in info.inputs)
    raise ModelError(f"{path} takes no pictures: inputs {shown}, expected (1, 3, H, W) or (1, H, W, 3)")


def _may_be(sides: Mapping[str, int | None]) -> bool:
    """Whether axes could be a picture's: three channels, or one, and sides of more than a few pixels."""
    channels, height, width = sides["c"], sides["h"], sides["w"]
    if channels not in (3, 1, None) or any(side is not None and side < 16 for side in (height, width)):
        return False
    return channels is not None or (height is None and width is None)


def show_shape(shape: Dimensions) -> str:
    """A shape for people: (1, ?, 85)."""
    inside = ", ".join("?" if side is None else str(side) for side in shape)
    return f"({inside},)" if len(shape) == 1 else f"({inside})"


def show_outputs(ports: tuple[Port, ...]) -> str:
    """The outputs for people: their names and shapes, the first few of many."""
    texts = [f"{port.name} {show_shape(port.shape)}".strip() for port in ports]
    return ", ".join(texts[:4]) + (f" and {len(texts) - 4} more" if len(texts) > 4 else "")
