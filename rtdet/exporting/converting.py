"""Networks in files of others: read by OpenVINO and written as its graph, with the names of their classes inside."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rtdet.backends.graph_files import ONNX, graph_format
from rtdet.backends.graphs import inspect_graph
from rtdet.backends.openvino import read_graph
from rtdet.detectors.family.export import NOTE, with_notes, write_graph
from rtdet.detectors.graph_detector import GraphDetector
from rtdet.errors import UsageError
from rtdet.exporting.halves import halve_graph, halve_onnx
from rtdet.extras import require
from rtdet.output_file import write_whole

# The entry "location" of a protobuf message, by which a weight names its file, as far as that name's length.
_LOCATION = re.compile(rb"\n\x08location\x12([\x01-\x7f])", re.DOTALL)
NAMES = "names"  # under which exporters note the classes


def convert(path: Path, out: Path, precision: str, imgsz: int | None = None) -> None:
    """Writes the network in `path` as `out`, an .xml with its .bin or an .onnx. precision: fp32 or fp16. imgsz: the
    longer side of the input, where the network can have another. Raises ModelError for a file that cannot be read or
    is no detector, UsageError for what cannot be made of it, OutputError where it cannot be written."""
    about = described(path, imgsz)
    if out.suffix.lower() == ".onnx":
        if graph_format(path) is not ONNX:
            raise UsageError(f"{path} is no ONNX file, and nothing makes one of it; use --format openvino")
        content = halve_onnx(path) if precision == "fp16" else whole_onnx(path)
        write_whole(out, with_names(content, path, about.class_names))
        return
    graph = read_graph(path)
    fix_shapes(graph, about.shapes)
    if precision == "fp16":
        halve_graph(graph)
    note_names(graph, about.class_names)
    write_graph(graph, out)


def whole_onnx(path: Path) -> bytes:
    """An ONNX file's content, with the weights that are in a file beside it. Raises MissingExtraError where that
    needs the package onnx, UsageError for weights of over two gigabytes, which no .onnx holds."""
    content = path.read_bytes()
    names = {content[found.end() : found.end() + found[1][0]] for found in _LOCATION.finditer(content)}
    if not any((path.parent / os.fsdecode(name)).is_file() for name in names if b"\0" not in name):
        return content
    require("quantise", "an .onnx file whose weights are in a file beside it", "onnx")
    import onnx

    try:
        whole: bytes = onnx.load(str(path)).SerializeToString()
    except ValueError as error:
        raise UsageError(f"{path} is too large for one .onnx file; use --format openvino") from error
    return whole


@dataclass(frozen=True)
class Described:
    """What a network finds, and how its inputs are shaped for a square picture."""

    class_names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]


def described(path: Path, imgsz: int | None) -> Described:
    """Looks at a network's file. Raises ModelError for one that is no detector, UsageError for a size that it cannot
    have."""
    detector = GraphDetector(path, device="cpu", backend="openvino", precision="fp32", imgsz=imgsz)
    try:
        look = detector.look(np.zeros((64, 64, 3), dtype=np.uint8))
        return Described(tuple(detector.class_names), tuple(array.shape for array in look.inputs))
    finally:
        detector.close()


def fix_shapes(graph: Any, shapes: Sequence[Sequence[int]]) -> None:
    """Gives inputs their sizes where the graph leaves them open, or has others."""
    if any(port.partial_shape.is_dynamic for port in graph.inputs) or [
        tuple(port.shape) for port in graph.inputs
    ] != [tuple(shape) for shape in shapes]:
        graph.reshape({port: list(shape) for port, shape in zip(graph.inputs, shapes, strict=True)})


def note_names(graph: Any, names: Sequence[str]) -> None:
    """Notes the names of the classes in an openvino.Model where exporters note them; what is there stays."""
    info = graph.get_rt_info()
    known = info["framework"] if "framework" in info else {}  # noqa: SIM401 - it is no dict
    if NOTE not in known and NAMES not in known:
        graph.set_rt_info(json.dumps(list(names)), ["framework", NAMES])


def with_names(content: bytes, path: Path, names: Sequence[str]) -> bytes:
    """An ONNX file's content with the names of the classes noted, unless it has notes of names already."""
    known = inspect_graph(path).metadata
    return content if NAMES in known else with_notes(content, {NAMES: json.dumps(list(names))})
