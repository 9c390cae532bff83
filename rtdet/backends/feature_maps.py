"""Feature maps out of the middle of a network's graph: for looking inside, not for running it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from rtdet.backends.network import Tensor
from rtdet.backends.openvino import fixed_graph, load_openvino, run_once
from rtdet.errors import ModelError

# Layers that may halve the resolution.
_STEPS = ("Convolution", "GroupConvolution", "MaxPool", "AvgPool")


def feature_maps(path: Path, inputs: tuple[Tensor, ...], least_channels: int = 8) -> list[Tensor]:
    """(C, H, W) float32 of each resolution of a network's trunk, from fine to coarse: what the first layer that goes
    on to a coarser one is given, and of the coarsest what is first made finer again, or has the most channels.

    inputs: the arrays that the network gets, batches of one. Raises ModelError where the file cannot be run.
    """
    ov = load_openvino()
    graph = fixed_graph(path, tuple(array.shape for array in inputs))
    try:
        ports = _ends_of_stages(graph, least_channels)
        if not ports:
            return []
        # Outputs of the network itself are not asked for.
        shown = ov.Model([ov.opset8.result(port) for port in ports], graph.get_parameters(), "feature maps")
        return [np.asarray(found[0], dtype=np.float32) for found in run_once(shown, inputs)]
    except RuntimeError as error:
        raise ModelError(f"OpenVINO cannot run the layers inside {path}: {error}") from error


def _ends_of_stages(graph: Any, least_channels: int) -> list[Any]:
    """Output ports, by falling resolution."""
    depth: dict[str, int] = {}
    reached: set[tuple[int, int]] = set()
    ends: dict[tuple[int, int], tuple[int, Any]] = {}
    raised: dict[tuple[int, int], tuple[int, Any]] = {}
    widest: dict[tuple[int, int], tuple[int, Any]] = {}
    for node in graph.get_ordered_ops():
        sources = [node.input_value(i) for i in range(node.get_input_size())]
        before = max((depth[source.get_node().get_name()] for source in sources), default=0)
        depth[node.get_name()] = before + 1
        kind = node.get_type_name()
        for port in node.outputs():
            shape = _map_shape(port)
            if shape is None or shape[0] < least_channels:
                continue
            if -shape[0] < widest.get(shape[1:], (0, None))[0]:
                widest[shape[1:]] = (-shape[0], port)
        if not sources or not node.get_output_size():
            continue
        had, gives = _map_shape(sources[0]), _map_shape(node.output(0))
        if had is None or gives is None or had[0] < least_channels:
            continue
        if kind in _STEPS and 1 < gives[1] < had[1] and gives[2] < had[2]:
            _keep_first(ends, had[1:], before, sources[0])
            reached.add(gives[1:])
        elif gives[1] > had[1]:
            _keep_first(raised, had[1:], before, sources[0])
    for size in reached - ends.keys():
        if size in widest:
            ends[size] = raised.get(size) or widest[size]
    sizes = sorted(ends, reverse=True)
    # A map with a border for the next layer's kernel is the same map.
    bordered = {a for a, b in pairwise(sizes) if a[0] - b[0] <= 3 and min(b) > 6}
    return [ends[size][1] for size in sizes if size not in bordered]


def _keep_first(
    kept: dict[tuple[int, int], tuple[int, Any]], key: tuple[int, int], depth: int, port: Any
) -> None:
    if key not in kept or depth < kept[key][0]:
        kept[key] = (depth, port)


def _map_shape(port: Any) -> tuple[int, int, int] | None:
    """(C, H, W) of a port that gives one picture's map."""
    shape = port.partial_shape
    if not shape.is_static or len(shape.get_shape()) != 4:
        return None
    batch, channels, height, width = shape.get_shape()
    return (channels, height, width) if batch == 1 else None
