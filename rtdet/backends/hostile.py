"""A look at the bytes of an .onnx file before a back end reads it: graphs made, or damaged, to keep a reader busy for
ever. Nothing is built of them, so that the look takes milliseconds whatever is in there."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

from rtdet.errors import ModelError

# The largest detectors have some 1500 nodes. Back ends go through a graph by recursion, and in squares of its length.
MOST_NODES = 20_000
_WITH_GRAPHS = (b"Loop", b"Scan", b"SequenceMap")
_MODEL_GRAPH, _GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_INPUT = 7, 1, 5, 11
_SPARSE = 15
_NODE_INPUT, _NODE_OUTPUT, _NODE_KIND, _TENSOR_NAME, _VALUE_NAME = 1, 2, 4, 8, 1

_Field = tuple[int, int, int]  # its number, and where its bytes begin and end


def refuse_hostile(path: Path) -> None:
    """Raises ModelError for a graph that loops, is in no order, or is deeper than any detector. What is no ONNX is
    left to its reader."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            for number, begin, end in _fields(content, 0, len(content)):
                if number == _MODEL_GRAPH:
                    _look_at(path, content, begin, end)
    except (OSError, ValueError):
        return


def _look_at(path: Path, content: mmap.mmap, begin: int, end: int) -> None:
    known: set[bytes] = {b""}
    in_order = True
    nodes: list[tuple[int, int]] = []
    for number, first, last in _fields(content, begin, end):
        if number == _GRAPH_NODE:
            nodes.append((first, last))
        elif number == _SPARSE:
            in_order = False  # their names are further down
        elif number in (_GRAPH_INITIALIZER, _GRAPH_INPUT):
            wanted = _TENSOR_NAME if number == _GRAPH_INITIALIZER else _VALUE_NAME
            known.update(content[a:b] for n, a, b in _fields(content, first, last) if n == wanted)
        if len(nodes) > MOST_NODES:
            raise ModelError(
                f"{path} has over {MOST_NODES} nodes, more than any detector: it is damaged, or no model for this"
            )
    for first, last in nodes:
        made = []
        for number, a, b in _fields(content, first, last):
            if number == _NODE_KIND and content[a:b] in _WITH_GRAPHS:
                kind = content[a:b].decode()
                raise ModelError(
                    f"{path} has graphs inside its graph ({kind}), which may run for ever; export the detector "
                    "without its post-processing"
                )
            if number == _NODE_INPUT and in_order and content[a:b] not in known:
                raise ModelError(
                    f"{path} is damaged: its graph goes round in a circle, or uses what nothing computes before"
                )
            if number == _NODE_OUTPUT:
                made.append(content[a:b])
        known.update(made)


def _fields(content: mmap.mmap, begin: int, end: int) -> Iterator[_Field]:
    """The fields with a length of a protobuf message. Raises ValueError for bytes that are none."""
    at = begin
    while at < end:
        key, at = _varint(content, at, end)
        kind = key & 7
        if kind == 2:
            size, at = _varint(content, at, end)
            if at + size > end:
                raise ValueError("cut off")
            yield key >> 3, at, at + size
            at += size
        elif kind == 0:
            _, at = _varint(content, at, end)
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            raise ValueError("no protobuf")


def _varint(content: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while at < end and shift < 64:
        byte = content[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
    raise ValueError("no protobuf")
