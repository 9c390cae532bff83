"""What a network's file says about itself before it is compiled: inputs, outputs, operators, its exporter's notes."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

Dimensions = tuple["int | None", ...]


@dataclass(frozen=True)
class Port:
    """An input or an output of a network.

    shape: its dimensions; None for one of any length (and () where not even their number is known).
    dtype: of its elements, by NumPy's name ("float32", "uint8", "int64").
    operators: which operators an input goes into, or the one whose result an output is, by OpenVINO's names.
    is_scaled_inside: the first thing that happens to an input is that numbers of a pixel's size are taken off it, or
        that it is divided by one.
    """

    name: str
    shape: Dimensions
    dtype: str = "float32"
    operators: tuple[str, ...] = ()
    is_scaled_inside: bool = False


@dataclass(frozen=True)
class GraphInfo:
    """The inputs, outputs and notes (`metadata`) of a network's file. `operators` counts each kind in it."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    metadata: Mapping[str, str]
    operators: Mapping[str, int] = field(default_factory=dict)
    _graph: Any = field(default=None, repr=False, compare=False)

    def with_inputs(self, shapes: Sequence[Sequence[int]]) -> GraphInfo | None:
        """The same network for inputs of exactly these shapes: what its outputs are then. None where its layers do
        not allow them."""
        if tuple(map(tuple, shapes)) == tuple(port.shape for port in self.inputs):
            return self
        graph = self._graph.clone()
        try:
            graph.reshape({port: list(shape) for port, shape in zip(graph.inputs, shapes, strict=True)})
        except RuntimeError:
            return None
        return replace(self, inputs=_inputs(graph), outputs=_outputs(graph), _graph=graph)

    def behind(self, output: int, kinds: Sequence[str]) -> Dimensions | None:
        """The shape that the nearest operator of one of these kinds has as its result, of those that an output is
        computed from; None where there is none near."""
        waiting = deque([self._graph.outputs[output].get_node()])
        seen: set[str] = set()
        while waiting and len(seen) < _NEAR:
            node = waiting.popleft()
            if node.get_friendly_name() in seen:
                continue
            seen.add(node.get_friendly_name())
            if node.get_type_name() in kinds:
                return _dimensions(node.output(0).partial_shape)
            waiting.extend(source.get_node() for source in node.input_values())
        return None

    def attributes(self, kind: str) -> list[Mapping[str, Any]]:
        """The attributes of every operator of a kind."""
        return [node.get_attributes() for node in self._graph.get_ops() if node.get_type_name() == kind]

    def operands(self, kind: str) -> list[tuple[Dimensions, ...]]:
        """The shapes of what goes into every operator of a kind."""
        return [
            tuple(_dimensions(source.get_partial_shape()) for source in node.input_values())
            for node in self._graph.get_ops()
            if node.get_type_name() == kind
        ]


# How many operators before an output are looked at.
_NEAR = 500


def inspect_graph(path: Path) -> GraphInfo:
    """What an .onnx, .xml, .tflite or .pb file says about itself. Raises ModelError naming the file."""
    from rtdet.backends.openvino import read_graph

    graph = read_graph(path)
    operators: dict[str, int] = {}
    for node in graph.get_ops():
        operators[node.get_type_name()] = operators.get(node.get_type_name(), 0) + 1
    return GraphInfo(_inputs(graph), _outputs(graph), _metadata(graph), operators, graph)


def _metadata(graph: Any) -> dict[str, str]:
    """What exporters leave: ONNX's metadata_props, and the `model_info` of OpenVINO's model API."""
    notes: dict[str, str] = {}
    info = graph.get_rt_info()
    for part in ("framework", "model_info"):
        try:
            notes.update({key: str(value.value) for key, value in info[part].items()} if part in info else {})
        except (AttributeError, RuntimeError):  # a note that is no table
            continue
    return notes


def _inputs(graph: Any) -> tuple[Port, ...]:
    return tuple(
        replace(
            _port(port, tuple(one.get_node().get_type_name() for one in port.get_target_inputs())),
            is_scaled_inside=_is_scaled_inside(port),
        )
        for port in graph.inputs
    )


_PASSED_BY = ("Convert", "Transpose", "Gather", "Split", "VariadicSplit", "Concat", "Reshape", "Unsqueeze")


def _is_scaled_inside(port: Any) -> bool:
    """Whether (pixel - mean) / deviation, or a part of it, is the network's own first step."""
    for _ in range(8):
        users = [one.get_node() for one in port.get_target_inputs()]
        kinds = {node.get_type_name() for node in users}
        if not users or kinds == {"ShapeOf"}:
            return False
        node = next(node for node in users if node.get_type_name() != "ShapeOf")
        kind = node.get_type_name()
        if kind in ("Subtract", "Add", "Divide", "Multiply"):
            values = [_constant(node.input_value(i).get_node()) for i in range(2)]
            largest = max((value for value in values if value is not None), default=0.0)
            return 0 < largest <= 1 / 16 if kind == "Multiply" else largest >= 16
        if kind not in _PASSED_BY:
            return False
        port = node.output(0)
    return False


def _constant(node: Any) -> float | None:
    """The largest magnitude in a small constant; None for what is none."""
    while node.get_type_name() == "Convert":
        node = node.input_value(0).get_node()
    if node.get_type_name() != "Constant" or node.output(0).partial_shape.is_dynamic:
        return None
    values = node.data
    return float(abs(values).max()) if 0 < values.size <= 4096 else None


def _outputs(graph: Any) -> tuple[Port, ...]:
    return tuple(
        _port(port, (port.get_node().input_value(0).get_node().get_type_name(),)) for port in graph.outputs
    )


def _port(port: Any, operators: tuple[str, ...]) -> Port:
    # The shortest of several names is the exporter's own; the others lead there through scopes.
    name = min(port.get_names(), key=lambda one: (len(one), one), default="")
    kind = port.get_element_type()
    try:
        dtype = kind.to_dtype().name
    except Exception:  # bf16, or a type of strings
        dtype = str(kind.get_type_name())
    return Port(name, _dimensions(port.partial_shape), dtype, operators)


def _dimensions(shape: Any) -> Dimensions:
    if shape.rank.is_dynamic:
        return ()
    return tuple(None if side.is_dynamic else side.get_length() for side in shape)
