"""A look at the bytes of a model file before a back end reads it: graphs made, or damaged, to keep a reader busy for
ever or to take its memory. Nothing is built of them, so that the look takes milliseconds whatever is in there.

What no look can settle, because only running it shows how long it takes (graphs inside the graph, graphs far longer
than a detector's), is tried once in a process of its own with limits on its time and its memory (`hostile_trial.py`).
So exports with their NMS inside, which is a Loop, run; one that loops for ever is one line.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rtdet.backends.graph_files import IR, graph_format
from rtdet.backends.hostile_trial import pass_trial
from rtdet.backends.hostile_xml import look_at_xml
from rtdet.errors import ModelError

# The largest detectors have some 1500 nodes. Back ends go through a graph by recursion, and in squares of its length.
MOST_NODES = 20_000
USUAL_NODES = 2_000
# Exports with NMS inside have a handful of graphs inside graphs, two or three deep.
MOST_GRAPHS, MOST_DEPTH = 256, 8
_WITH_GRAPHS = (b"Loop", b"Scan", b"SequenceMap", b"If")
# Back ends compute what these give of constants while they read, to know its size.
_SIZED_BY_VALUES = (b"NonZero", b"Unique", b"Compress")
_MODEL_GRAPH, _MODEL_FUNCTION, _GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_INPUT, _FUNCTION_NODE = (
    7,
    25,
    1,
    5,
    11,
    7,
)
_SPARSE = 15
_NODE_INPUT, _NODE_OUTPUT, _NODE_KIND, _NODE_ATTRIBUTE, _TENSOR_NAME, _VALUE_NAME = 1, 2, 4, 5, 8, 1
_ATTRIBUTE_GRAPHS = (6, 11)
_TENSOR_EXTERNAL, _PAIR_KEY, _PAIR_VALUE = 13, 1, 2

_fine: set[tuple[str, str, int, int]] = set()

_Field = tuple[int, int, int]  # its number, and where its bytes begin and end


class _Graph(NamedTuple):
    """Where a graph's bytes are, and how many graphs it is inside of."""

    begin: int
    end: int
    depth: int


def refuse_hostile(path: Path, backend: str = "openvino") -> None:
    """Raises ModelError for an .onnx or .xml file that is in no order, deeper than any detector, or names weights
    that are not there; and for one that loops, or is long, and does not answer in its trial. What is no such file
    is left to its reader. backend: what runs it in the trial. Several calls for one file cost one look."""
    try:
        status = path.stat()
    except OSError:
        return
    mark = (backend, str(path), status.st_mtime_ns, status.st_size)
    if mark in _fine:
        return
    doubt = look_at_xml(path) if graph_format(path) is IR else _look_at_onnx(path)
    if doubt:
        pass_trial(path, doubt, backend)
    _fine.add(mark)


def _look_at_onnx(path: Path) -> str:
    """Why the file needs a trial; nothing where it needs none. Raises ModelError."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            look = _Look(path, content)
            for number, begin, end in _fields(content, 0, len(content)):
                if number == _MODEL_GRAPH:
                    look.at_main_graph(begin, end)
                elif number == _MODEL_FUNCTION:
                    look.at_function(begin, end)
            look.at_inner_graphs()
            return look.doubt
    except (OSError, ValueError):
        return ""


class _Look:
    def __init__(self, path: Path, content: mmap.mmap) -> None:
        self._path, self._content = path, content
        self._waiting: list[_Graph] = []
        self._nodes = self._graphs = 0
        self.doubt = ""

    def at_main_graph(self, begin: int, end: int) -> None:
        content, known, in_order = self._content, {b""}, True
        nodes: list[tuple[int, int]] = []
        for number, first, last in _fields(content, begin, end):
            if number == _GRAPH_NODE:
                self._count_node()
                nodes.append((first, last))
            elif number == _SPARSE:
                in_order = False  # their names are further down
            elif number in (_GRAPH_INITIALIZER, _GRAPH_INPUT):
                wanted = _TENSOR_NAME if number == _GRAPH_INITIALIZER else _VALUE_NAME
                for n, a, b in _fields(content, first, last):
                    if n == wanted:
                        known.add(content[a:b])
                    elif n == _TENSOR_EXTERNAL and number == _GRAPH_INITIALIZER:
                        self._look_at_external(a, b)
        for first, last in nodes:
            made = []
            for number, a, b in _fields(content, first, last):
                if number == _NODE_INPUT and in_order and content[a:b] not in known:
                    raise ModelError(
                        f"{self._path} is damaged: its graph goes round in a circle, or uses what nothing "
                        "computes before"
                    )
                if number == _NODE_OUTPUT:
                    made.append(content[a:b])
            known.update(made)
            self._look_inside(first, last, 1)

    def at_function(self, begin: int, end: int) -> None:
        """Of the model's own operators, which may name each other again and again."""
        self.doubt = self.doubt or "it has operators of its own"
        for number, first, last in _fields(self._content, begin, end):
            if number == _FUNCTION_NODE:
                self._count_node()
                self._look_inside(first, last, 1)

    def at_inner_graphs(self) -> None:
        # By a list, not by recursion: how deep they are is what is to be found out.
        while self._waiting:
            graph = self._waiting.pop()
            for number, first, last in _fields(self._content, graph.begin, graph.end):
                if number == _GRAPH_NODE:
                    self._count_node()
                    self._look_inside(first, last, graph.depth + 1)

    def _count_node(self) -> None:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise ModelError(
                f"{self._path} has over {MOST_NODES} nodes, more than any detector: it is damaged, or no model "
                "for this"
            )
        if self._nodes > USUAL_NODES:
            self.doubt = self.doubt or f"it has over {USUAL_NODES} nodes"

    def _look_inside(self, begin: int, end: int, depth: int) -> None:
        """Notes the graphs in a node's attributes."""
        fields = list(_fields(self._content, begin, end))
        kinds = [self._content[a:b] for number, a, b in fields if number == _NODE_KIND]
        if any(kind in _SIZED_BY_VALUES for kind in kinds):
            self.doubt = (
                self.doubt or f"it has layers whose size depends on their values ({kinds[0].decode()})"
            )
        if not any(kind in _WITH_GRAPHS for kind in kinds):
            return
        kind = kinds[0].decode()
        self.doubt = self.doubt or f"it has graphs inside its graph ({kind})"
        for number, a, b in fields:
            if number != _NODE_ATTRIBUTE:
                continue
            for which, first, last in _fields(self._content, a, b):
                if which in _ATTRIBUTE_GRAPHS:
                    self._graphs += 1
                    self._waiting.append(_Graph(first, last, depth))
        if self._graphs > MOST_GRAPHS or depth > MOST_DEPTH:
            raise ModelError(
                f"{self._path} has more graphs inside its graph ({kind}) than any detector; export the detector "
                "without its post-processing"
            )

    def _look_at_external(self, begin: int, end: int) -> None:
        """Weights in a file of their own stand beside the model, and nowhere else."""
        pair = {number: self._content[a:b] for number, a, b in _fields(self._content, begin, end)}
        if pair.get(_PAIR_KEY) != b"location":
            return
        name = pair.get(_PAIR_VALUE, b"").decode(errors="replace")
        place = self._path.parent / name
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise ModelError(
                f"{self._path} wants its weights from {name}, which is not beside it: it is no model"
            )
        if not place.is_file():
            raise ModelError(f"{self._path} has no {name} beside it: its weights are missing")


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
