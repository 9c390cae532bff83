"""An ONNX network that is given a picture's pixels: what makes its input of them is put before it, as a few nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rtdet.backends.network import PixelInput, Shape
from rtdet.extras import is_installed

PICTURE = "rtdet.picture"  # the name of the input that takes its place
_LEAST_OPSET = 9  # before it constants are no whole numbers
_MOST_BYTES = 2**30  # of a file: protobuf holds no more than two gigabytes
_GRAY_OF_BGR = (0.114, 0.587, 0.299)


def with_pixels(model: Path | bytes, pixels: PixelInput, shape: Shape) -> bytes | None:
    """The network with an input uint8 (1, H, W, 3) BGR in place of the one of `shape` that takes the picture. None
    where that cannot be done: without the package onnx, for an old network, and for one in several files."""
    if not is_installed("onnx") or (isinstance(model, Path) and model.stat().st_size > _MOST_BYTES):
        return None
    import onnx

    proto = (
        onnx.load(str(model), load_external_data=False)
        if isinstance(model, Path)
        else onnx.load_from_string(model)
    )
    opset = max((one.version for one in proto.opset_import if one.domain in ("", "ai.onnx")), default=0)
    if opset < _LEAST_OPSET or any(one.external_data for one in proto.graph.initializer):
        return None
    constants = {one.name for one in proto.graph.initializer}
    inputs = [one for one in proto.graph.input if one.name not in constants]
    nodes = _nodes(onnx, inputs[pixels.index], pixels, shape)
    picture = onnx.helper.make_tensor_value_info(PICTURE, onnx.TensorProto.UINT8, pixels.picture_shape(shape))
    inputs[pixels.index].CopyFrom(picture)
    before = list(proto.graph.node)
    del proto.graph.node[:]
    proto.graph.node.extend([*nodes, *before])
    return bytes(proto.SerializeToString())


def _nodes(onnx: Any, port: Any, pixels: PixelInput, shape: Shape) -> list[Any]:
    """The nodes from the picture to what had been an input of the network."""
    import numpy as np

    nodes: list[Any] = []

    def then(kind: str, value: str, *constants: np.ndarray, into: str = "", **attributes: Any) -> str:
        names = [value]
        for constant in constants:
            names.append(f"{PICTURE}.{len(nodes)}")
            tensor = onnx.numpy_helper.from_array(constant, names[-1])
            nodes.append(onnx.helper.make_node("Constant", [], [names[-1]], value=tensor))
        result = into or f"{PICTURE}.{len(nodes)}"
        nodes.append(onnx.helper.make_node(kind, names, [result], **attributes))
        return result

    value = PICTURE
    if pixels.color == "rgb":
        value = then("Gather", value, np.array([2, 1, 0], dtype=np.int64), axis=3)
    value = then("Cast", value, to=onnx.TensorProto.FLOAT)
    if pixels.color == "gray":
        value = then("MatMul", value, np.array(_GRAY_OF_BGR, dtype=np.float32)[:, None])
    if any(pixels.offset):
        value = then("Sub", value, np.array(pixels.offset[: pixels.channels], dtype=np.float32))
    if any(one != 1 for one in pixels.std):
        value = then("Div", value, np.array(pixels.std[: pixels.channels], dtype=np.float32))
    if "chw" in pixels.layout:
        value = then("Transpose", value, perm=[0, 3, 1, 2])
    if "n" not in pixels.layout:
        value = then("Reshape", value, np.array(shape, dtype=np.int64))
    then("Cast", value, into=port.name, to=port.type.tensor_type.elem_type)
    return nodes
