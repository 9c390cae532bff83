"""Weights in half precision: half the size, computed in whatever precision the machine has.

Only the weights of convolutions and matrix products are rounded, never positions: in half precision those beyond 512
pixels would be off by a quarter of one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rtdet.extras import require

_WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")
_LARGEST = float(np.finfo(np.float16).max)


def halve_onnx(path: Path) -> bytes:
    """The ONNX file with its weights in float16, each behind a Cast to what the network computes in. Raises
    MissingExtraError without the package onnx."""
    require("quantise", "half precision in an .onnx file", "onnx")
    import onnx

    model = onnx.load(str(path))
    graph = model.graph
    wanted = {name for node in graph.node if node.op_type in _WEIGHTED for name in node.input[1:2]}
    casts = []
    for tensor in graph.initializer:
        if tensor.name not in wanted or tensor.data_type != onnx.TensorProto.FLOAT:
            continue
        values = onnx.numpy_helper.to_array(tensor)
        if values.ndim < 2 or not np.isfinite(values).all() or np.abs(values).max(initial=0.0) > _LARGEST:
            continue
        name = tensor.name
        tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*casts, *nodes])
    content: bytes = model.SerializeToString()
    return content


def halve_graph(graph: Any) -> None:
    """The same in an openvino.Model."""
    from rtdet.backends.openvino import load_openvino

    ov = load_openvino()
    for node in graph.get_ops():
        if node.get_type_name() not in (
            "Convolution",
            "GroupConvolution",
            "ConvolutionBackpropData",
            "MatMul",
        ):
            continue
        weights = node.input_value(1).get_node()
        if weights.get_type_name() != "Constant" or weights.get_element_type() != ov.Type.f32:
            continue
        values = np.array(weights.data)
        if values.ndim < 2 or not np.isfinite(values).all() or np.abs(values).max(initial=0.0) > _LARGEST:
            continue
        half = ov.opset13.convert(ov.opset13.constant(values.astype(np.float16)), "f32")
        node.input(1).replace_source_output(half.output(0))
